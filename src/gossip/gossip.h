/* Who is in the mesh, what to ask whom, and what to believe. Pure: an event goes in (with the time
 * in it), an update comes out; no clock, no I/O, no allocation, no randomness but the seed's. The
 * daemon and the simulator drive the same core, byte for byte.
 *
 *   loop: wait for the deadline, or for something to happen
 *         pm_gossip_step(g, &event, &update)
 *         do what update.sends says; answer with update.reply; tell people update.changes
 *
 * In one paragraph: the core pulls one neighbour's list a round, announcing itself. What it hears
 * is hearsay: never passed on, and worth one rate-limited handshake at most once enough independent
 * sources say it. What it has verified itself, recently, it lists to others. Who contacts it has
 * consented to be contacted at that address. Failures on strangers' word empty a budget. All tables
 * have a fixed size. The states of an endpoint are drawn in gossip/member.h, every limit is in
 * gossip/config.h.
 *
 * The probe plan, not the core, spaces the pings of active members and local targets: the core
 * names the active set (changes ACTIVATED, DEACTIVATED), pm_gossip_plan_ping makes such a ping's
 * request, and its end comes back as an ordinary PONG event.
 *
 * With a key (config.auth) the core makes and checks the MACs through the function handed in.
 */
#ifndef PM_GOSSIP_GOSSIP_H
#define PM_GOSSIP_GOSSIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "gossip/change.h"
#include "gossip/config.h"
#include "gossip/event.h"
#include "gossip/member.h"
#include "gossip/wire_answer.h"
#include "gossip/wire_pong.h"
#include "gossip/wire_request.h"

enum {
  PM_GOSSIP_SEED_BYTES = 32,
  PM_GOSSIP_SENDS_MAX = 64, /* of one step; what is left over makes the next deadline "now" */
  PM_GOSSIP_CHANGES_MAX =
      512, /* of one step: more than one answer's entries; the rest is counted */
};

struct pm_gossip; /* lies in the caller's memory */

/* ---- updates --------------------------------------------------------------------------------- */

enum pm_gossip_send_kind {
  PM_GOSSIP_SEND_PROBE,   /* GET /v1/ping?query (plain: the target's URL without a query) */
  PM_GOSSIP_SEND_PULL,    /* GET /v1/peers?query (plain: without one) */
  PM_GOSSIP_SEND_RESOLVE, /* look contact.host up */
};

struct pm_gossip_send {
  enum pm_gossip_send_kind kind;
  struct pm_gossip_token token;
  enum pm_dial why;
  bool plain; /* the other side is an old node: request is not to be sent */
  struct pm_contact to;
  struct pm_wire_request request;
};

/* The caller's storage (about 250 kB), one for any number of cores; filled anew by each step. */
struct pm_gossip_update {
  struct pm_gossip_send sends[PM_GOSSIP_SENDS_MAX];
  size_t sends_count;
  struct pm_gossip_change changes[PM_GOSSIP_CHANGES_MAX];
  size_t changes_count;
  uint64_t changes_dropped;
  struct pm_node_id proved; /* the member whose own word the PONG or ANSWER is: rows of the matrix
                               that came with it are this node's; zero: nobody's */
  uint64_t old_word;        /* handle of the old node whose list the ANSWER is; 0: it is none */
  bool asked_by_peer;       /* the REQUEST came from one of our mesh: it may have our row, too */
  bool has_reply;           /* to a REQUEST: reply.node for a ping, all of it for a pull */
  struct pm_wire_answer reply; /* entries point to reply_entries */
  struct pm_wire_entry reply_entries[PM_WIRE_ENTRIES_MAX];
};

/* ---- the core -------------------------------------------------------------------------------- */

/* Bytes of memory for this configuration; stated, not guessed: init uses exactly these. */
size_t pm_gossip_size(const struct pm_gossip_config *config);
/* mem: pm_gossip_size bytes, aligned as malloc aligns, the caller's, to be kept. config must have
 * passed pm_gossip_config_check. seed: unpredictable in a daemon. There is no deinit. */
struct pm_gossip *pm_gossip_init(void *mem, const struct pm_gossip_config *config,
                                 const uint8_t seed[PM_GOSSIP_SEED_BYTES], struct pm_time now);
void pm_gossip_step(struct pm_gossip *g, const struct pm_gossip_event *event,
                    struct pm_gossip_update *out);
/* The keys behind config.auth have changed: there are so many now, and key 0 signs. Ignored in a
 * mesh without a key, and for a number that is none of 1 to PM_GOSSIP_KEYS_MAX. */
void pm_gossip_set_keys(struct pm_gossip *g, unsigned keys);
/* When the next step is due if nothing happens before; may be in the past. */
struct pm_time pm_gossip_deadline(const struct pm_gossip *g);

/* The request of a planned ping to a member (handle from a change or a view). False if it is not
 * to be pinged now: gone, self, or a probe of it under way already. plain as in a send. */
bool pm_gossip_plan_ping(struct pm_gossip *g, uint64_t handle, struct pm_time now,
                         struct pm_gossip_send *out);

#endif
