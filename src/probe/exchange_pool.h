/* The exchanges of one exchanger: those in flight, by id, and those at rest, whose easy handles
 * wait to be aimed again. As many are made as were ever in flight at once; none is freed before the
 * whole.
 *
 *   take → in flight → retire → (its callback) → rest
 *
 * An id is a serial number above the index of its exchange, so that a late cancel finds that its
 * exchange is another one by now. It is never 0.
 */
#ifndef PM_PROBE_EXCHANGE_POOL_H
#define PM_PROBE_EXCHANGE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pm_exchange;
struct pm_exchanger;

/* To be read; written by the functions below. All zeroes is an empty one, too. */
struct pm_exchange_pool {
  struct pm_exchanger *exchanger;
  struct pm_exchange **all; /* by index, resting ones included */
  uint32_t count;           /* of all */
  size_t in_flight, in_flight_max;
  uint64_t serial;
  struct pm_exchange *resting;
};

/* exchanger: whose transfer_config new ones are made with, from the first take on. PM_ERR_NOMEM. */
enum pm_err pm_exchange_pool_init(struct pm_exchange_pool *pool, struct pm_exchanger *exchanger,
                                  size_t in_flight_max) PM_MUST_USE;
/* None is in flight. */
void pm_exchange_pool_deinit(struct pm_exchange_pool *pool);

/* In flight, with an id; its other fields are the last one's. PM_ERR_FULL, PM_ERR_NOMEM. */
enum pm_err pm_exchange_pool_take(struct pm_exchange_pool *pool,
                                  struct pm_exchange **out) PM_MUST_USE;
/* No longer in flight: neither counted nor found by its id. */
void pm_exchange_pool_retire(struct pm_exchange_pool *pool, struct pm_exchange *e);
/* A retired one may be taken again. */
void pm_exchange_pool_rest(struct pm_exchange_pool *pool, struct pm_exchange *e);
/* NULL if that exchange is no longer in flight. */
struct pm_exchange *pm_exchange_pool_by_id(const struct pm_exchange_pool *pool, uint64_t id);

#endif
