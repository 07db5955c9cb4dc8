/* Seeded random numbers: xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", ACM TOMS 47, 2021), its state filled by splitmix64. The same seed gives the same
 * numbers on every machine. Not for secrets: those come from the kernel (base/secret.h).
 */
#ifndef PM_BASE_RNG_H
#define PM_BASE_RNG_H

#include <stdint.h>

struct pm_rng {
  uint64_t s[4];
};

void pm_rng_seed(struct pm_rng *rng, uint64_t seed);
uint64_t pm_rng_next(struct pm_rng *rng);
/* Uniform in [0, n), without modulo bias; 0 if n is 0. */
uint64_t pm_rng_below(struct pm_rng *rng, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double pm_rng_unit(struct pm_rng *rng);
/* Uniform in [low, high]; low if high < low. */
int64_t pm_rng_between(struct pm_rng *rng, int64_t low, int64_t high);

#endif
