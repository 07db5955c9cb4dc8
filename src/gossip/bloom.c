#include "gossip/bloom.h"

#include <math.h>
#include <string.h>

enum { PROBES = 7, BITS_A_KEY = 10 };

/* The finaliser of splitmix64: every output bit depends on every input bit, on any machine. */
uint64_t pm_bloom_salted(uint64_t key, uint64_t salt) {
  uint64_t z = key ^ (salt * 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

unsigned pm_bloom_part(uint64_t salted, unsigned parts) {
  return (unsigned)(((salted >> 40) * parts) >> 24);
}

/* Double hashing (Kirsch and Mitzenmacher, 2006): two halves of one hash give all probes. */
static uint32_t probe(const struct pm_bloom *bloom, uint64_t salted, unsigned i) {
  uint32_t first = (uint32_t)salted;
  uint32_t step = (uint32_t)(salted >> 32) | 1;
  return (first + i * step) % (bloom->bytes * 8u);
}

void pm_bloom_init(struct pm_bloom *bloom, size_t keys) {
  bloom->bytes = PM_BLOOM_BYTES_MIN;
  while (bloom->bytes < PM_BLOOM_BYTES && (size_t)bloom->bytes * 8 < keys * BITS_A_KEY)
    bloom->bytes *= 2;
  memset(bloom->bits, 0, sizeof bloom->bits);
}

bool pm_bloom_size_valid(size_t bytes) {
  size_t size = PM_BLOOM_BYTES_MIN;
  while (size < PM_BLOOM_BYTES && size != bytes) size *= 2;
  return size == bytes;
}

void pm_bloom_add(struct pm_bloom *bloom, uint64_t salted) {
  for (unsigned i = 0; i < PROBES; i++) {
    uint32_t bit = probe(bloom, salted, i);
    bloom->bits[bit / 8] |= (uint8_t)(1u << (bit % 8));
  }
}

bool pm_bloom_has(const struct pm_bloom *bloom, uint64_t salted) {
  for (unsigned i = 0; i < PROBES; i++) {
    uint32_t bit = probe(bloom, salted, i);
    if (!(bloom->bits[bit / 8] & (1u << (bit % 8)))) return false;
  }
  return true;
}

size_t pm_bloom_estimate(const struct pm_bloom *bloom) {
  size_t set = 0, bits = (size_t)bloom->bytes * 8;
  for (size_t i = 0; i < bloom->bytes; i++) set += (size_t)__builtin_popcount(bloom->bits[i]);
  if (set >= bits) set = bits - 1;
  return (size_t)lround(-(double)bits / PROBES * log(1.0 - (double)set / (double)bits));
}
