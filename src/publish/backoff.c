#include "publish/backoff.h"

/* 2^30 times any base is past any cap. */
enum { DOUBLINGS_MAX = 30 };

int64_t pm_backoff_delay_ms(const struct pm_backoff *backoff, unsigned tries, struct pm_rng *rng) {
  unsigned doublings = tries < DOUBLINGS_MAX ? tries : DOUBLINGS_MAX;
  int64_t most = backoff->cap_ms;
  if (backoff->base_ms <= backoff->cap_ms >> doublings) most = backoff->base_ms << doublings;
  return pm_rng_between(rng, 1, most > 1 ? most : 1);
}
