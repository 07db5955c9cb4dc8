/* How often a phase took how long, since the beginning, in few buckets that double from 50 µs: what
 * Prometheus calls a histogram, whose readers take differences of it over any time they like. The
 * windows (probe/window.h) are finer, and forget. Pure.
 */
#ifndef PM_PROBE_BUCKETS_H
#define PM_PROBE_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

enum {
  PM_BUCKETS_FIRST_NS = 50 * 1000, /* a round trip within a rack */
  PM_BUCKETS_COUNT = 19,           /* the last ends at 13.1 s, past the time-out of a probe */
};

/* Of all zeroes is empty. */
struct pm_buckets {
  uint64_t counts[PM_BUCKETS_COUNT + 1]; /* not summed up; the last is of what took longer */
  uint64_t count;
  int64_t sum_ns;
  int64_t latest_ns; /* 0: none yet, or it did not happen */
};

/* What is not above 0 did not happen, and is not counted; it is then the latest, too. */
void pm_buckets_add(struct pm_buckets *buckets, int64_t ns);
/* latest_ns becomes the sum of both: divide by how many were merged. */
void pm_buckets_merge(struct pm_buckets *into, const struct pm_buckets *from);
/* The bucket holds what took at most this. bucket < PM_BUCKETS_COUNT. */
int64_t pm_buckets_bound_ns(size_t bucket);

#endif
