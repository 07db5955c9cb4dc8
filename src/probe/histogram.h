/* A log-linear histogram of lengths of time: every power of two of nanoseconds is cut into 64 equal
 * buckets, so a value's bucket is known to 1/64 and its middle to 1/128 = 0.8 % (the scheme of Gil
 * Tene's HdrHistogram, of which there is no C package). Pure. Sparse: memory grows with the
 * distinct buckets that are filled, 8 bytes each; most paths fill fewer than two hundred.
 *
 * Range 2^9 ns (0.5 µs) to 2^37 ns (137 s); what lies outside counts in the outermost bucket. A
 * bucket's count saturates, and then total stays the sum of the counts. Two histograms merge
 * exactly.
 */
#ifndef PM_PROBE_HISTOGRAM_H
#define PM_PROBE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
  PM_HISTOGRAM_LOW_BITS = 9,   /* no phase of a probe is measured finer than half a microsecond */
  PM_HISTOGRAM_HIGH_BITS = 37, /* past any timeout of a probe */
  PM_HISTOGRAM_SUB_BITS = 6,   /* 64 buckets a power of two: half a bucket is below 1 % */
  /* Every index is below this, which also bounds a histogram's memory: 14 KB. */
  PM_HISTOGRAM_BUCKETS = (PM_HISTOGRAM_HIGH_BITS - PM_HISTOGRAM_LOW_BITS) << PM_HISTOGRAM_SUB_BITS,
};

struct pm_histogram_bucket {
  uint16_t index;
  uint32_t count;
};

struct pm_histogram {
  struct pm_histogram_bucket *buckets; /* ascending by index */
  uint16_t count, cap;                 /* of buckets */
  uint64_t total;                      /* of values */
};

/* Of all zeroes is a valid empty histogram, too. */
void pm_histogram_init(struct pm_histogram *h);
void pm_histogram_deinit(struct pm_histogram *h);
/* Empties it; keeps the memory. */
void pm_histogram_clear(struct pm_histogram *h);

/* PM_ERR_NOMEM: nothing has changed. */
enum pm_err pm_histogram_add(struct pm_histogram *h, int64_t value_ns) PM_MUST_USE;
enum pm_err pm_histogram_merge(struct pm_histogram *into,
                               const struct pm_histogram *from) PM_MUST_USE;
/* Becomes what counts[index] says for every index from first to last. PM_ERR_NOMEM as above. */
enum pm_err pm_histogram_set(struct pm_histogram *h, const uint32_t *counts, size_t first,
                             size_t last) PM_MUST_USE;
/* The middle of the bucket that holds the quantile q in [0, 1] (nearest rank); 0 if empty. */
int64_t pm_histogram_quantile_ns(const struct pm_histogram *h, double q);

/* The bucket of a value, and a bucket's bounds [low, high). For codecs and tests. */
uint16_t pm_histogram_index(int64_t value_ns);
void pm_histogram_bounds(uint16_t index, int64_t *out_low_ns, int64_t *out_high_ns);

#endif
