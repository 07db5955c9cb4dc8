/* The core's whole state in one struct, which only gossip/ sees. Each part of it is changed by one
 * file, named in gossip/core.h.
 */
#ifndef PM_GOSSIP_STATE_H
#define PM_GOSSIP_STATE_H

#include "base/rng.h"
#include "gossip/address_limit.h"
#include "gossip/auth.h"
#include "gossip/bounds.h"
#include "gossip/bucket.h"
#include "gossip/death.h"
#include "gossip/failure_budget.h"
#include "gossip/gossip.h"
#include "gossip/kmv.h"
#include "gossip/mutation.h"
#include "gossip/refusals.h"
#include "gossip/rewards.h"
#include "gossip/ring.h"
#include "gossip/table.h"

enum {
  PM_CORE_FRESH_S = 600,    /* older successes are neither listed nor believed */
  PM_CORE_GUARD_MS = 60000, /* a send whose end was never reported */
  PM_CORE_FEW = 8,          /* verified members below which a node is a newcomer */
  PM_CORE_NETWORKS = 2048,
  PM_CORE_SEED_STEADY = 3, /* successes with one identity before a seed is listed: it may be a
                              balancer */
  PM_CORE_REACH_NOS = 3,   /* independent "cannot reach you" that silence us */
  PM_CORE_HEARD_MS = 3600 * 1000,     /* a testimony that nobody seconds */
  PM_CORE_LOST_MS = 24 * 3600 * 1000, /* a lost one is remembered so long after its last success */
  PM_CORE_LOST_RETRY_MS = 30 * 1000,
};

/* Members ready to be dialled, first come first served. */
enum pm_queue { PM_QUEUE_NONE, PM_QUEUE_OWN, PM_QUEUE_WORD, PM_QUEUE_COUNT };
struct pm_ready {
  uint32_t head, tail, count;
};

struct pm_core_round {
  struct pm_time at;
  int64_t interval_ms;
  uint32_t verified_before;
  uint32_t brought; /* new endpoints that the running round has brought */
  uint32_t quiet;   /* rounds in a row that brought nothing */
  struct pm_time seeds_at;
  bool pulling;
  bool again; /* the pull is the second of its round, as the first got no answer */
  struct pm_gossip_token token;
  uint32_t salt;
  uint32_t part, parts; /* partitions take turns, under one salt until all had theirs */
  struct pm_time sent;
};

/* Probes of those that one source alone named. */
struct pm_core_speculation {
  struct pm_time at; /* not before */
  uint32_t in_flight;
  uint32_t failed; /* in a row */
};

struct pm_core_brake {
  struct pm_time window;
  uint32_t base;
};

struct pm_core_reach {
  uint64_t groups[PM_CORE_REACH_NOS];
  unsigned count;
  struct pm_time silent_until;
  struct pm_ip seen_as; /* our address as the last answer told it */
};

struct pm_core_counts {
  uint64_t pulls, probes, lookups, requests, replies;
  uint64_t changes[PM_CHANGE_COUNT];
  uint64_t refusals[PM_REFUSAL_COUNT];
};

struct pm_gossip {
  struct pm_gossip_config config;
  struct pm_time now, started;
  uint64_t key_seed, rank_seed, group_seed;
  uint64_t secret[2];
  uint64_t nonces;
  struct pm_rng rng;

  struct pm_table table;
  struct pm_refusals refusals;
  struct pm_address_limit addresses;
  struct pm_bucket verify, speculative, claim, inbound, hint, total, page;
  struct pm_failure_budget failure;
  struct pm_rewards rewards;
  struct pm_death death;
  struct pm_vivaldi coordinate;
  struct pm_kmv kmv;
  struct pm_ring ring;
  struct pm_ready ready[PM_QUEUE_COUNT];
  bool word_next; /* the queues take turns */
  struct pm_core_speculation speculation;

  uint32_t *active;
  uint32_t active_count;
  uint64_t *places; /* scratch: the locations of a rotation */
  uint64_t rotations;
  struct pm_time rotate_at;

  struct pm_core_round round;
  struct pm_core_brake brake;
  struct pm_core_reach reach;
  uint16_t networks[PM_CORE_NETWORKS]; /* members by hash of /16: at least as many as there are */
  uint64_t *ranks;     /* by detail: keyed hash of the address, the smallest stay when the table is
                          full;     0: free, or never to go */
  uint64_t worst_rank; /* of those who may give way in a full table; 0: nobody */
  struct pm_time worst_until;

  struct pm_bounds bounds;
  struct pm_core_counts counts;
  struct pm_gossip_update *out;      /* during a step */
  const struct pm_member *answering; /* whose answer to our own probe is being taken, or NULL */
};

#endif
