#include "probe/histogram.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The first samples of a path fill about as many buckets. */
enum { FIRST_CAP = 16 };

void pm_histogram_init(struct pm_histogram *h) {
  *h = (struct pm_histogram){0};
}

void pm_histogram_deinit(struct pm_histogram *h) {
  free(h->buckets);
  pm_histogram_init(h);
}

void pm_histogram_clear(struct pm_histogram *h) {
  h->count = 0;
  h->total = 0;
}

uint16_t pm_histogram_index(int64_t value_ns) {
  if (value_ns < INT64_C(1) << PM_HISTOGRAM_LOW_BITS) return 0;
  if (value_ns >= INT64_C(1) << PM_HISTOGRAM_HIGH_BITS) return PM_HISTOGRAM_BUCKETS - 1;
  int power = 63 - __builtin_clzll((unsigned long long)value_ns);
  unsigned sub =
      (unsigned)(value_ns >> (power - PM_HISTOGRAM_SUB_BITS)) & ((1u << PM_HISTOGRAM_SUB_BITS) - 1);
  return (uint16_t)((unsigned)(power - PM_HISTOGRAM_LOW_BITS) << PM_HISTOGRAM_SUB_BITS | sub);
}

void pm_histogram_bounds(uint16_t index, int64_t *out_low_ns, int64_t *out_high_ns) {
  int power = PM_HISTOGRAM_LOW_BITS + (index >> PM_HISTOGRAM_SUB_BITS);
  int64_t sub = index & ((1 << PM_HISTOGRAM_SUB_BITS) - 1);
  int shift = power - PM_HISTOGRAM_SUB_BITS;
  *out_low_ns = ((1 << PM_HISTOGRAM_SUB_BITS) + sub) << shift;
  *out_high_ns = *out_low_ns + (INT64_C(1) << shift);
}

static enum pm_err reserve(struct pm_histogram *h, size_t buckets) {
  if (buckets <= h->cap) return PM_OK;
  /* By half, not by two: a thousand targets hold six of these each. */
  size_t cap = h->cap > 0 ? (size_t)h->cap + h->cap / 2 : FIRST_CAP;
  if (cap < buckets) cap = buckets;
  if (cap > PM_HISTOGRAM_BUCKETS) cap = PM_HISTOGRAM_BUCKETS;
  struct pm_histogram_bucket *grown = realloc(h->buckets, cap * sizeof(*grown));
  if (grown == NULL) return PM_ERR_NOMEM;
  h->buckets = grown;
  h->cap = (uint16_t)cap;
  return PM_OK;
}

/* Where the bucket is or belongs. */
static size_t position(const struct pm_histogram *h, uint16_t index) {
  size_t low = 0;
  size_t high = h->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (h->buckets[middle].index < index) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Returns what was really added. */
static uint32_t count_up(struct pm_histogram_bucket *bucket, uint32_t by) {
  uint32_t room = UINT32_MAX - bucket->count;
  if (by > room) by = room;
  bucket->count += by;
  return by;
}

enum pm_err pm_histogram_add(struct pm_histogram *h, int64_t value_ns) {
  uint16_t index = pm_histogram_index(value_ns);
  size_t at = position(h, index);
  if (at == h->count || h->buckets[at].index != index) {
    enum pm_err err = reserve(h, (size_t)h->count + 1);
    if (err != PM_OK) return err;
    memmove(h->buckets + at + 1, h->buckets + at, (h->count - at) * sizeof(*h->buckets));
    h->buckets[at] = (struct pm_histogram_bucket){.index = index};
    h->count++;
  }
  h->total += count_up(&h->buckets[at], 1);
  return PM_OK;
}

static size_t union_size(const struct pm_histogram *a, const struct pm_histogram *b) {
  size_t i = 0;
  size_t j = 0;
  size_t size = 0;
  while (i < a->count && j < b->count) {
    uint16_t left = a->buckets[i].index;
    uint16_t right = b->buckets[j].index;
    i += left <= right;
    j += right <= left;
    size++;
  }
  return size + (a->count - i) + (b->count - j);
}

enum pm_err pm_histogram_merge(struct pm_histogram *into, const struct pm_histogram *from) {
  size_t size = union_size(into, from);
  enum pm_err err = reserve(into, size);
  if (err != PM_OK) return err;
  /* From the back, so that nothing is overwritten before it has been read. */
  size_t i = into->count;
  size_t j = from->count;
  for (size_t k = size; k > 0; k--) {
    bool left = i > 0 && (j == 0 || into->buckets[i - 1].index >= from->buckets[j - 1].index);
    bool right = j > 0 && (i == 0 || from->buckets[j - 1].index >= into->buckets[i - 1].index);
    struct pm_histogram_bucket bucket = {0};
    if (left) bucket = into->buckets[--i];
    if (right) {
      bucket.index = from->buckets[--j].index;
      into->total += count_up(&bucket, from->buckets[j].count);
    }
    into->buckets[k - 1] = bucket;
  }
  into->count = (uint16_t)size;
  return PM_OK;
}

enum pm_err pm_histogram_set(struct pm_histogram *h, const uint32_t *counts, size_t first,
                             size_t last) {
  size_t filled = 0;
  for (size_t index = first; index <= last; index++) filled += counts[index] > 0;
  enum pm_err err = reserve(h, filled);
  if (err != PM_OK) return err;
  pm_histogram_clear(h);
  for (size_t index = first; index <= last; index++) {
    if (counts[index] == 0) continue;
    h->buckets[h->count++] = (struct pm_histogram_bucket){(uint16_t)index, counts[index]};
    h->total += counts[index];
  }
  return PM_OK;
}

int64_t pm_histogram_quantile_ns(const struct pm_histogram *h, double q) {
  if (h->total == 0) return 0;
  double rank = ceil(q * (double)h->total);
  uint64_t wanted = 1;
  if (rank >= (double)h->total) {
    wanted = h->total;
  } else if (rank > 1) {
    wanted = (uint64_t)rank;
  }
  size_t at = 0;
  for (uint64_t seen = h->buckets[0].count; seen < wanted; seen += h->buckets[at].count) at++;
  int64_t low_ns;
  int64_t high_ns;
  pm_histogram_bounds(h->buckets[at].index, &low_ns, &high_ns);
  return low_ns + (high_ns - low_ns) / 2;
}
