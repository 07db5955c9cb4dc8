/* Every limit and pace of the gossip core, with its default and the reason for it. Plain data: the
 * caller fills identity and seeds, changes what its options say, and hands it to pm_gossip_init,
 * which copies it (what it points to is borrowed for as long as the core lives).
 */
#ifndef PM_GOSSIP_CONFIG_H
#define PM_GOSSIP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/node_id.h"
#include "base/policy.h"
#include "gossip/contact.h"
#include "gossip/vivaldi.h"
#include "gossip/wire_request.h"

enum {
  PM_GOSSIP_MEMBERS_MIN = 8,
  PM_GOSSIP_MEMBERS_MAX = 16384, /* about 22 MB; beyond that the mesh is to be sampled anyway */
  PM_GOSSIP_MEMBERS_DEFAULT = 1024,
  PM_GOSSIP_ACTIVE_DEFAULT = 128,
  PM_GOSSIP_TTL_DEFAULT = 8,
  PM_GOSSIP_KEYS_MAX = 4, /* one to sign with, the others while keys are being changed */
};

/* A message authentication code over data with one of the keys (HMAC-SHA256, its first 16 bytes, in
 * the daemon). The core links no crypto library: this is how it gets one. Must be deterministic and
 * must not fail. */
typedef void pm_gossip_mac_fn(void *ctx, unsigned key, const void *data, size_t bytes,
                              uint8_t out[PM_WIRE_MAC_BYTES]);

struct pm_gossip_auth {
  pm_gossip_mac_fn *mac; /* NULL: a mesh without a key */
  void *ctx;
  unsigned keys; /* 1 to PM_GOSSIP_KEYS_MAX; key 0 signs, each verifies */
};

/* A token every step_ms, burst saved up. */
struct pm_gossip_rate {
  int64_t step_ms;
  int64_t burst;
};

struct pm_gossip_config {
  struct pm_node_id id;
  uint64_t inc;
  char mesh[PM_MESH_NAME_BYTES];
  struct pm_contact self[PM_WIRE_SELF_MAX]; /* announced; address NONE: as the other side sees us */
  size_t self_count;                        /* 0: announces nothing (no server) */
  bool grow;                                /* false: answers, but asks and admits nobody */
  bool legacy_peers;                        /* with a key: let old nodes in all the same */
  const struct pm_policy *policy;           /* borrowed; NULL: no rules but the built-in ones */
  struct pm_gossip_auth auth;
  uint32_t pace_s;   /* the shortest probe interval we accept; 0: any */
  uint64_t key_seed; /* secret of the tables' keys, from before a restart; 0: a new one */
  unsigned ttl;      /* entries deeper than this are not followed */
  struct pm_vivaldi coordinate; /* from before a restart; of all zeroes: begin anew */

  unsigned members_max, active_max, candidates_max, lost_max, locals_max;
  unsigned refused_max, addresses_max; /* what is remembered of those who never proved */
  unsigned rewards_max;                /* endpoints that may feed the failure budget in a day */

  struct pm_gossip_rate verify;      /* handshakes with those never proved */
  struct pm_gossip_rate speculative; /* of these, in vain, with those one source alone named */
  struct pm_gossip_rate claim;       /* announcements of an address other than the source's */
  struct pm_gossip_rate inbound;     /* admissions by contact */
  struct pm_gossip_rate hint;        /* probes on "I lost X" */
  struct pm_gossip_rate total;       /* everything but the planned probes of members */
  struct pm_gossip_rate failure;     /* burst: failures on strangers' word; step: its refill */
  struct pm_gossip_rate page;        /* full pages served */

  int64_t round_min_ms, round_max_ms; /* between pulls */
  int64_t refresh_ms;                 /* a member is probed at least this often */
  int64_t suspect_ms;                 /* a suspect is probed this often */
  int64_t rotate_ms;                  /* one active member gives way to another */
  int64_t brake_after_ms;             /* uptime after which growth per hour is capped */
};

/* All defaults, with tables scaled to members_max (clamped to its range). Identity is left zero,
 * grow true, mesh "default". */
void pm_gossip_config_init(struct pm_gossip_config *config, unsigned members_max);
/* What pm_gossip_init would not work with is refused with a sentence. */
enum pm_err pm_gossip_config_check(const struct pm_gossip_config *config,
                                   struct pm_why *why) PM_MUST_USE;

#endif
