/* Who has earned the failure budget something in the last day: a success on strangers' word pays
 * back half a failure, but once a day for an endpoint, however often it is dropped and named again.
 * Internal to gossip/. Pure.
 *
 * In public an endpoint is its address (of IPv6, its /64), as names and ports cost nothing there;
 * in private ranges and on loopback, where a whole site may share one address, address and port.
 *
 * The memory is fixed and errs on the strict side: where a day's rewards fill it, nothing more is
 * earned until one of them is a day old. Nothing is ever forgotten to make room.
 */
#ifndef PM_GOSSIP_REWARDS_H
#define PM_GOSSIP_REWARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "gossip/arena.h"
#include "gossip/contact.h"

struct pm_reward {
  uint32_t tag;  /* half of the endpoint's hash; two that share it share the reward. 0: free */
  uint32_t at_s; /* on the core's clock */
};

struct pm_rewards {
  struct pm_reward *entries;
  uint32_t sets_mask;
  uint64_t seed;
};

/* entries: rounded up; also the most that can be earned in a day. */
void pm_rewards_carve(struct pm_rewards *rewards, struct pm_arena *arena, uint32_t entries);
/* seed: a secret of the process. */
void pm_rewards_init(struct pm_rewards *rewards, uint64_t seed);
/* True, and remembered, if the endpoint has not earned anything for a day. */
bool pm_rewards_take(struct pm_rewards *rewards, const struct pm_contact *contact,
                     struct pm_time now);

#endif
