#include "base/rng.h"

static uint64_t splitmix64(uint64_t *state) {
  *state += 0x9e3779b97f4a7c15u;
  uint64_t z = *state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int bits) {
  return x << bits | x >> (64 - bits);
}

void pm_rng_seed(struct pm_rng *rng, uint64_t seed) {
  for (int i = 0; i < 4; i++) rng->s[i] = splitmix64(&seed);
}

uint64_t pm_rng_next(struct pm_rng *rng) {
  uint64_t *s = rng->s;
  uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left(s[3], 45);
  return result;
}

/* Lemire, "Fast random integer generation in an interval", ACM TOMACS 29, 2019: the high half of
 * the product is the result, unless its low half falls among the 2^64 mod n values that would
 * favour some results over others. */
uint64_t pm_rng_below(struct pm_rng *rng, uint64_t n) {
  if (n == 0) return 0;
  uint64_t biased = -n % n;
  unsigned __int128 product;
  do {
    product = (unsigned __int128)pm_rng_next(rng) * n;
  } while ((uint64_t)product < biased);
  return (uint64_t)(product >> 64);
}

double pm_rng_unit(struct pm_rng *rng) {
  return (double)(pm_rng_next(rng) >> 11) * 0x1p-53;
}

int64_t pm_rng_between(struct pm_rng *rng, int64_t low, int64_t high) {
  if (high < low) return low;
  uint64_t count = (uint64_t)high - (uint64_t)low + 1;
  /* The whole range of int64_t has 2^64 values, which count cannot hold. */
  uint64_t offset = count == 0 ? pm_rng_next(rng) : pm_rng_below(rng, count);
  return (int64_t)((uint64_t)low + offset);
}
