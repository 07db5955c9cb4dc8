/* What a step of the core changed, for events, counters and the probe plan.
 */
#ifndef PM_GOSSIP_CHANGE_H
#define PM_GOSSIP_CHANGE_H

#include <stdint.h>

#include "gossip/contact.h"

#define PM_CHANGE_MAP(X)                                                                       \
  X(ADMITTED, "admitted")       /* became a candidate: it may cost a handshake */              \
  X(VERIFIED, "verified")       /* proved itself, for the first time or again */               \
  X(REVIVED, "revived")         /* was lost, and is verified again (told before VERIFIED) */   \
  X(REFUSED, "refused")         /* not heard, or not proved: see the reason */                 \
  X(SUSPECTED, "suspected")     /* first failure of a member */                                \
  X(RECOVERED, "recovered")     /* a suspect answered */                                       \
  X(LOST, "lost")               /* enough failures in a row */                                 \
  X(EVICTED, "evicted")         /* gave way in a full table */                                 \
  X(FORGOTTEN, "forgotten")     /* dropped: a lost or heard one in time, or by the operator */ \
  X(ACTIVATED, "activated")     /* to be probed every interval from now on */                  \
  X(DEACTIVATED, "deactivated") /* no longer */                                                \
  X(PACED, "paced")             /* an active one asks for another shortest interval */         \
  X(SELF, "self")               /* this process answers there */                               \
  X(ALIAS, "alias")             /* another endpoint of a member */

enum pm_change {
#define X(name, text) PM_CHANGE_##name,
  PM_CHANGE_MAP(X)
#undef X
      PM_CHANGE_COUNT
};
const char *pm_change_text(enum pm_change change);

#define PM_REFUSAL_MAP(X)                                                    \
  X(NONE, "")                                                                \
  X(UNREACHABLE, "did not answer")                                           \
  X(NO_PROOF, "answered, but is no node of the mesh")                        \
  X(OTHER_MESH, "belongs to another mesh")                                   \
  X(BAD_MAC, "does not have the mesh's key")                                 \
  X(IS_SELF, "is this node itself")                                          \
  X(SCOPE, "its address is not allowed from this source")                    \
  X(TOO_DEEP, "too many hops from a seed")                                   \
  X(STALE, "its teller has not seen it for too long")                        \
  X(QUOTA, "its teller named too many")                                      \
  X(RATE, "too many contacts at once")                                       \
  X(BEFORE, "was refused not long ago")                                      \
  X(TABLE_FULL, "the table is full")                                         \
  X(GROUP_FULL, "its network has its share of the table")                    \
  X(ADDRESSES_FULL, "too many addresses that never answered are remembered") \
  X(BRAKE, "the mesh grew too much in the last hour")                        \
  X(NO_ADDRESS, "its name could not be looked up")                           \
  X(BOUND, "a safety bound would have been broken")

enum pm_refusal_reason {
#define X(name, text) PM_REFUSAL_##name,
  PM_REFUSAL_MAP(X)
#undef X
      PM_REFUSAL_COUNT
};
const char *pm_refusal_text(enum pm_refusal_reason reason);

/* A copy: the member may have gone. */
struct pm_gossip_change {
  enum pm_change kind;
  enum pm_refusal_reason reason;
  uint64_t handle; /* 0 if it never had a place */
  struct pm_contact contact;
};

#endif
