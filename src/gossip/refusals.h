/* Endpoints that were tried and never proved themselves: not heard again for an hour, doubling to
 * a day. A fixed table: a full neighbourhood overwrites what would be forgiven first (the address
 * limiter still stands behind it). Internal to gossip/. Pure.
 */
#ifndef PM_GOSSIP_REFUSALS_H
#define PM_GOSSIP_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "gossip/arena.h"
#include "gossip/saved.h"

struct pm_refusal {
  uint64_t key;       /* 0: free */
  uint32_t until_s;   /* on the core's clock */
  uint32_t contact_s; /* inbound contact forgives it no earlier */
  uint8_t times;
  uint8_t contacts; /* that were in vain, or are being tried */
};

struct pm_refusals {
  struct pm_refusal *entries;
  uint32_t sets_mask;
};

void pm_refusals_carve(struct pm_refusals *refusals, struct pm_arena *arena, uint32_t entries);
void pm_refusals_init(struct pm_refusals *refusals);

/* on_contact: it had contacted us, and still did not answer; it must wait before it is believed
 * again. One that was tried on others' word only may have been unlucky: its first contact counts.
 */
void pm_refusals_add(struct pm_refusals *refusals, uint64_t key, bool on_contact,
                     struct pm_time now);
bool pm_refusals_has(const struct pm_refusals *refusals, uint64_t key, struct pm_time now);
/* The same, and it had contacted us: it calls, but cannot be called. */
bool pm_refusals_unreachable(const struct pm_refusals *refusals, uint64_t key, struct pm_time now);
/* It contacted us: true if it may be tried again at once (then with a wait, 60 s doubling to an
 * hour, before contact helps again). True for an endpoint that was never refused. */
bool pm_refusals_forgive(struct pm_refusals *refusals, uint64_t key, struct pm_time now);
/* Over a restart: the next entry from *cursor (0 at first) on that still waits; NULL at the end. */
const struct pm_refusal *pm_refusals_next(const struct pm_refusals *refusals, uint32_t *cursor,
                                          struct pm_time now);
/* As it was, with waits put into their ranges; one that is there already stays as it is. */
void pm_refusals_restore(struct pm_refusals *refusals, const struct pm_gossip_refused *saved,
                         struct pm_time now);
/* It proved itself. */
void pm_refusals_clear(struct pm_refusals *refusals, uint64_t key);

#endif
