/* The checks that never trust the rest: what must hold whatever the other parts do is looked at
 * again where it would be broken, refused there, and counted. A count other than zero is a fault
 * of ours. Internal to gossip/, counts are shown to people.
 */
#ifndef PM_GOSSIP_BOUNDS_H
#define PM_GOSSIP_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "gossip/arena.h"
#include "gossip/member.h"

struct pm_gossip;

#define PM_BOUND_MAP(X)                                                 \
  X(RATE, "I1", "a probe beyond the rate of its bucket")                \
  X(REASON, "I2", "a probe without a reason that allows it")            \
  X(LISTING, "I3", "an entry listed without a recent proof of ours")    \
  X(LOCAL, "I4", "a local target listed that is no member")             \
  X(ADDRESS, "I5", "an address tried too often on strangers' word")     \
  X(FAILURES, "I6", "more failures on strangers' word than the budget") \
  X(TABLES, "I7", "a table beyond its maximum")                         \
  X(REVIVAL, "I8", "a lost member back without a success of our own")   \
  X(SCOPE, "I9", "an address outside its source's scope")               \
  X(SELF, "I10", "this node listed to others")

enum pm_bound {
#define X(name, code, text) PM_BOUND_##name,
  PM_BOUND_MAP(X)
#undef X
      PM_BOUND_COUNT
};
const char *pm_bound_code(enum pm_bound bound);

/* A public address that was tried on strangers' word and has never proved itself. Kept apart from
 * the address limiter, and by simpler rules than its: 2 tries within an hour of the first, 6 within
 * a day of it. */
struct pm_bound_address {
  uint32_t tag;          /* half of its hash; 0: free */
  uint32_t first_s : 29; /* on the core's clock: 17 years */
  uint32_t tries : 3;
};

struct pm_bounds {
  uint64_t refused[PM_BOUND_COUNT];
  struct pm_bound_address *addresses;
  uint32_t sets_mask;
  uint64_t seed;
  int64_t window;  /* of RATE: which one it is since the clock's beginning */
  uint32_t probes; /* in it, of endpoints that are no members */
};

void pm_bounds_carve(struct pm_bounds *bounds, struct pm_arena *arena, uint32_t addresses);
void pm_bounds_init(struct pm_bounds *bounds, uint64_t seed);

/* Something at the address has proved itself. */
void pm_bounds_proved(struct pm_gossip *g, const struct pm_ip *ip);

/* Before a probe goes out (and then it must: the try is counted), before an entry is listed, after
 * every step. */
bool pm_bounds_allow_probe(struct pm_gossip *g, const struct pm_member *m, enum pm_dial reason);
bool pm_bounds_allow_listing(struct pm_gossip *g, const struct pm_member *m);
void pm_bounds_check_tables(struct pm_gossip *g);
/* Before a lost one becomes a member again. */
bool pm_bounds_allow_revival(struct pm_gossip *g, const struct pm_member *m);

#endif
