#include "probe/exchange_pool.h"

#include <stdlib.h>

#include "probe/exchange_parts.h"

enum { INDEX_BITS = 16 };

_Static_assert(PM_EXCHANGES_IN_FLIGHT_MAX + 1 <= 1 << INDEX_BITS, "an index fits below the serial");

enum pm_err pm_exchange_pool_init(struct pm_exchange_pool *pool, struct pm_exchanger *exchanger,
                                  size_t in_flight_max) {
  /* One more than in flight: the one whose callback runs is out of flight, but not at rest. */
  struct pm_exchange **all = calloc(in_flight_max + 1, sizeof(struct pm_exchange *));
  if (!all) return PM_ERR_NOMEM;
  *pool =
      (struct pm_exchange_pool){.exchanger = exchanger, .all = all, .in_flight_max = in_flight_max};
  return PM_OK;
}

void pm_exchange_pool_deinit(struct pm_exchange_pool *pool) {
  for (uint32_t i = 0; i < pool->count; i++) {
    pm_transfer_deinit(&pool->all[i]->transfer);
    free(pool->all[i]);
  }
  free(pool->all);
  *pool = (struct pm_exchange_pool){0};
}

static enum pm_err add(struct pm_exchange_pool *pool, struct pm_exchange **out) {
  struct pm_exchange *e = calloc(1, sizeof *e);
  if (!e) return PM_ERR_NOMEM;
  if (pm_transfer_init(&e->transfer, &pool->exchanger->transfer_config, e) != PM_OK) {
    free(e);
    return PM_ERR_NOMEM;
  }
  e->exchanger = pool->exchanger;
  e->index = pool->count;
  pool->all[pool->count++] = e;
  *out = e;
  return PM_OK;
}

enum pm_err pm_exchange_pool_take(struct pm_exchange_pool *pool, struct pm_exchange **out) {
  if (pool->in_flight >= pool->in_flight_max) return PM_ERR_FULL;
  struct pm_exchange *e = pool->resting;
  if (e) {
    pool->resting = e->next;
  } else {
    enum pm_err err = add(pool, &e);
    if (err != PM_OK) return err;
  }
  e->id = ++pool->serial << INDEX_BITS | e->index;
  pool->in_flight++;
  *out = e;
  return PM_OK;
}

void pm_exchange_pool_retire(struct pm_exchange_pool *pool, struct pm_exchange *e) {
  e->id = 0;
  pool->in_flight--;
}

/* The last used is the next used: its memory is warm, and a peak leaves the others untouched. */
void pm_exchange_pool_rest(struct pm_exchange_pool *pool, struct pm_exchange *e) {
  pm_transfer_rest(&e->transfer);
  e->state = PM_EXCHANGE_RESTING;
  e->next = pool->resting;
  pool->resting = e;
}

struct pm_exchange *pm_exchange_pool_by_id(const struct pm_exchange_pool *pool, uint64_t id) {
  uint64_t index = id & ((1u << INDEX_BITS) - 1);
  if (id == 0 || index >= pool->count || pool->all[index]->id != id) return NULL;
  return pool->all[index];
}
