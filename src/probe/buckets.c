#include "probe/buckets.h"

int64_t pm_buckets_bound_ns(size_t bucket) {
  return (int64_t)PM_BUCKETS_FIRST_NS << bucket;
}

void pm_buckets_add(struct pm_buckets *buckets, int64_t ns) {
  size_t bucket = 0;
  buckets->latest_ns = ns > 0 ? ns : 0;
  if (ns <= 0) return;
  while (bucket < PM_BUCKETS_COUNT && ns > pm_buckets_bound_ns(bucket)) bucket++;
  buckets->counts[bucket]++;
  buckets->count++;
  buckets->sum_ns += ns;
}

void pm_buckets_merge(struct pm_buckets *into, const struct pm_buckets *from) {
  for (size_t i = 0; i <= PM_BUCKETS_COUNT; i++) into->counts[i] += from->counts[i];
  into->count += from->count;
  into->sum_ns += from->sum_ns;
  into->latest_ns += from->latest_ns;
}
