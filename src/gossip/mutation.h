/* Deliberate faults, one a rule, to prove that the simulator catches each. Built in only with
 * PM_MUTATIONS (pingmesh-sim-mutant); everywhere else a mutation is the constant false. Internal to
 * gossip/ and its simulator.
 */
#ifndef PM_GOSSIP_MUTATION_H
#define PM_GOSSIP_MUTATION_H

#include <stdbool.h>

#define PM_MUTATION_MAP(X)                                                                   \
  X(NONE, "none")                                                                            \
  X(FAILURE_BUDGET, "failure-budget") /* failures cost nothing */                            \
  X(SPECULATION, "speculation")       /* hearsay that proves false costs nothing */          \
  X(REWARD, "reward")                 /* an endpoint earns each time it comes back */        \
  X(ADDRESS_LIMIT, "address-limit")   /* one address any number of times */                  \
  X(SCOPE, "scope")                   /* strangers name our own networks */                  \
  X(HEARSAY, "hearsay")               /* candidates are listed to others */                  \
  X(QUORUM, "quorum")                 /* one word is enough */                               \
  X(VERIFY_RATE, "verify-rate")       /* handshakes as fast as they come */                  \
  X(FRESHNESS, "freshness")           /* any testimony revives the lost */                   \
  X(SELF, "self")                     /* our own endpoint is a member like any other */      \
  X(SHARE, "share")                   /* a network may fill the table */                     \
  X(DEATH, "death")                   /* nobody is ever lost */                              \
  X(LISTING, "listing")               /* suspects are listed, however old their proof */     \
  X(CONSENT, "consent")               /* any announced address counts as the caller's */     \
  X(PACE, "pace")                     /* members are probed however rarely they ask to be */ \
  X(BRAKE, "brake")                   /* a grown table grows on at any speed */              \
  X(REACH, "reach")                   /* we announce ourselves though nobody reaches us */   \
  X(NETWORK, "network")               /* a /24 is tried as often as its addresses may */     \
  X(DEPTH, "depth")                   /* followed however far from a seed */

enum pm_mutation {
#define X(name, text) PM_MUTATION_##name,
  PM_MUTATION_MAP(X)
#undef X
      PM_MUTATION_COUNT
};

#ifdef PM_MUTATIONS
extern enum pm_mutation pm_mutation_chosen; /* the simulator's, set once before it starts */
#define pm_mutated(name) (pm_mutation_chosen == PM_MUTATION_##name)
#else
#define pm_mutated(name) false
#endif

#endif
