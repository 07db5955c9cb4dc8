/* One endpoint that the core knows of, in whatever state. Internal to gossip/: others see the
 * views of gossip/gossip.h.
 *
 *            testimony           q testimonies, inbound
 *   (nothing) ------> HEARD ---------------------------> CANDIDATE --proof--> VERIFIED <--> SUSPECT
 *       ^               | 1 h                             |    ^                              | F
 *       +---------------+            (refusals) <--tries--+    +--- fresher testimony, ---- LOST
 *                                                                   inbound
 *   LOCAL (configured, not proved yet) ---proof---> VERIFIED, and back to LOCAL instead of LOST
 *   SELF: an endpoint at which this very process answers
 *
 * Refused endpoints are in gossip/refusals.h, "active" is a flag of verified members.
 */
#ifndef PM_GOSSIP_MEMBER_H
#define PM_GOSSIP_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/node_id.h"
#include "gossip/contact.h"
#include "gossip/vivaldi.h"
#include "gossip/wire_answer.h"

#define PM_MEMBER_STATE_MAP(X) \
  X(FREE, "free")              \
  X(LOCAL, "local")            \
  X(HEARD, "heard")            \
  X(CANDIDATE, "candidate")    \
  X(VERIFIED, "verified")      \
  X(SUSPECT, "suspect")        \
  X(LOST, "lost")              \
  X(SELF, "self")

enum pm_member_state {
#define X(name, text) PM_MEMBER_##name,
  PM_MEMBER_STATE_MAP(X)
#undef X
      PM_MEMBER_STATE_COUNT
};
const char *pm_member_state_text(enum pm_member_state state);

/* Why the core may contact an endpoint: the reason that a probe is accounted under. */
#define PM_DIAL_MAP(X)                                                           \
  X(LOCAL, "local")             /* configured, or added by the operator */       \
  X(SAVED, "saved")             /* verified before a restart */                  \
  X(CONSENT, "consent")         /* it contacted us from this address */          \
  X(CLAIM, "claim")             /* somebody announced it from another address */ \
  X(WORD, "word")               /* enough testimonies, or a seed's word */       \
  X(SPECULATIVE, "speculative") /* one testimony, paid from its own bucket */    \
  X(REVIVAL, "revival")         /* lost, but seen alive by others since */       \
  X(LOST_RETRY, "retry")        /* lost, tried again on our own account */       \
  X(REFRESH, "refresh")         /* a member's turn */                            \
  X(SUSPECT, "suspect")         /* a member that failed */                       \
  X(HINT, "hint")               /* a member that others lost */                  \
  X(PLANNED, "planned")         /* by the probe plan, an active or local target's turn */

enum pm_dial {
#define X(name, text) PM_DIAL_##name,
  PM_DIAL_MAP(X)
#undef X
      PM_DIAL_COUNT
};
const char *pm_dial_text(enum pm_dial dial);
/* Strangers' word makes us send it: failures are paid from the failure budget. */
bool pm_dial_is_third_party(enum pm_dial dial);

enum {
  PM_MEMBER_GROUPS = 2, /* testimonies that can be needed: q is at most 2 */
  PM_MEMBER_HINTS = 2,  /* independent hints that halve F */
};
#define PM_NO_SLOT UINT32_MAX

/* What only a proved member has. */
struct pm_member_detail {
  struct pm_node_id id;
  uint64_t inc;
  struct pm_time proved; /* first verified: tenure */
  uint64_t challenge;    /* to be MACed by our next request to it */
  struct pm_time challenge_at;
  struct pm_vivaldi coordinate;
  uint32_t rtt_us; /* of the last ping */
  uint32_t pace_s;
  uint32_t owner;      /* the slot */
  uint32_t active_pos; /* place in the active set, PM_NO_SLOT if not in it */
  uint16_t steady;     /* successes with the same identity, for seeds */
  bool has_coordinate;
  bool contested; /* another member proved this identity before */
  bool old_node;  /* proved by its body's location line: no Mesh, nothing added to its URL */
  char location[PM_WIRE_LOCATION_BYTES];
};

struct pm_member {
  uint64_t key;              /* under the process's secret: of the tables */
  uint64_t pub;              /* unseeded: of Bloom filters and hints */
  uint64_t source;           /* handle of the member that named it first; 0: nobody, or gone */
  uint64_t nonce;            /* of the probe in flight */
  struct pm_time since;      /* in this state; of a lost one: when its last success was over */
  struct pm_time last_ok;    /* own last success */
  struct pm_time next_retry; /* a lost one: not before; others: when the last probe went out */
  uint32_t generation;
  uint32_t set_pos;
  uint32_t heap_pos;
  uint32_t next, prev; /* in a ready queue */
  uint32_t detail;
  union {
    uint32_t groups[PM_MEMBER_GROUPS];     /* heard, candidate: of those who testified */
    uint32_t hint_groups[PM_MEMBER_HINTS]; /* member: of those who lost it */
  };
  uint32_t hint_at_s;   /* of the first hint, on the core's clock */
  uint16_t outstanding; /* heard and candidates that this member named */
  uint16_t fails;
  uint8_t state;
  uint8_t reason; /* enum pm_dial: of the probe in flight, or of the next */
  uint8_t origin; /* enum pm_dial: how it came to be tried first */
  uint8_t depth;
  uint8_t tries;
  uint8_t backoff;
  uint8_t group_count : 2; /* three to a byte: 8 bytes less of each of thousands of members */
  uint8_t hint_count : 2;
  uint8_t queue : 2; /* ready queue it waits in, 0: none */
  bool local : 1;    /* configured or added by hand */
  bool in_flight : 1;
  bool reserved : 1; /* a failure of the budget is set aside for the probe in flight */
  bool limited : 1;  /* the address limiter counts the probe in flight */
  bool resolving : 1;
  bool counted : 1;     /* in its source's outstanding */
  bool word_failed : 1; /* the failure budget paid for a try of it that failed */
  bool contacted : 1;   /* it contacted us while a probe on others' word was in flight */
  bool
      shadow : 1; /* a seed whose node is a member under another endpoint: asked, but not counted */
  struct pm_contact contact;
  struct pm_ip source_ip; /* who named it; of a contact, itself */
};

#endif
