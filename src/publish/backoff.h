/* How long to wait before the next try: exponential, with full jitter. Pure: the generator is
 * handed in.
 *
 * "Full jitter" is what Marc Brooker found best among the usual ways ("Exponential Backoff And
 * Jitter", AWS Architecture Blog, 2015): delay = random between 0 and min(cap, base * 2^tries).
 * A fleet that lost its endpoint at one moment then comes back evenly spread, not in waves.
 */
#ifndef PM_PUBLISH_BACKOFF_H
#define PM_PUBLISH_BACKOFF_H

#include <stdint.h>

#include "base/rng.h"

struct pm_backoff {
  int64_t base_ms; /* the first delay is at most twice this */
  int64_t cap_ms;  /* and no delay is above this */
};

/* Before the try that follows the tries-th failure in a row; tries is 1 or more. At least 1 ms, so
 * that a caller never tries again within the same turn of its loop. */
int64_t pm_backoff_delay_ms(const struct pm_backoff *backoff, unsigned tries, struct pm_rng *rng);

#endif
