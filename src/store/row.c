#include "store/row.h"

#include <math.h>
#include <string.h>

#include "store/bits.h"

enum { VERSION = 1, VERSION_BITS = 4 };

/* A sum that adds up many: it never wraps. */
static const int64_t SUM_NS_MAX = INT64_MAX;

void pm_row_sum_clear(struct pm_slot_sum *sum) {
  sum->numbers = (struct pm_slot){0};
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    size_t first = sum->first[phase], last = sum->last[phase];
    if (first <= last)
      memset(sum->counts[phase] + first, 0, (last - first + 1) * sizeof(sum->counts[phase][0]));
    sum->first[phase] = PM_HISTOGRAM_BUCKETS;
    sum->last[phase] = 0;
  }
}

static void count(uint32_t *counter, uint32_t by) {
  uint32_t room = UINT32_MAX - *counter;
  *counter += by < room ? by : room;
}

/* ---- packing ---- */

/* The bits of a place within a bucket, whose length is a power of two. */
static unsigned place_bits(uint16_t index, int64_t *out_low_ns) {
  int64_t high_ns;
  pm_histogram_bounds(index, out_low_ns, &high_ns);
  return (unsigned)__builtin_ctzll((unsigned long long)(high_ns - *out_low_ns));
}

static void pack_bound(struct pm_bit_writer *w, int64_t value_ns, uint16_t index) {
  int64_t low_ns;
  unsigned bits = place_bits(index, &low_ns);
  bool within = value_ns >= low_ns && (value_ns - low_ns) >> bits == 0;
  pm_bits_put(w, within, 1);
  if (within)
    pm_bits_put(w, (uint64_t)(value_ns - low_ns), bits);
  else
    pm_bits_put_number(w, value_ns > 0 ? (uint64_t)value_ns : 0);
}

static void pack_buckets(struct pm_bit_writer *w, const uint32_t *counts, size_t first,
                         size_t last) {
  size_t before = 0;
  for (size_t index = first; index <= last; index++) {
    if (counts[index] == 0) continue;
    pm_bits_put_gamma(w, index - before + (index == first));
    pm_bits_put_gamma(w, counts[index]);
    before = index;
  }
}

static void pack_phase(struct pm_bit_writer *w, const struct pm_slot_sum *sum, int phase) {
  const struct pm_slot_phase *figures = &sum->numbers.phases[phase];
  uint16_t first = sum->first[phase], last = sum->last[phase];
  size_t buckets = 0;
  for (size_t index = first; index <= last; index++) buckets += sum->counts[phase][index] > 0;
  pm_bits_put_gamma(w, buckets + 1);
  if (buckets == 0) return;
  pack_buckets(w, sum->counts[phase], first, last);
  pm_bits_put_number(w, figures->sum_ns > 0 ? (uint64_t)figures->sum_ns : 0);
  pack_bound(w, figures->min_ns, first);
  pack_bound(w, figures->max_ns, last);
  pm_bits_put_number(w, figures->jitter_ns > 0 ? (uint64_t)figures->jitter_ns : 0);
}

size_t pm_row_pack(const struct pm_slot_sum *sum, uint8_t out[PM_ROW_BYTES_MAX]) {
  struct pm_bit_writer w;
  struct pm_slot numbers = sum->numbers;
  uint32_t *counters[PM_SLOT_COUNTERS];
  pm_bit_writer_init(&w, out, PM_ROW_BYTES_MAX);
  pm_bits_put(&w, VERSION, VERSION_BITS);
  pm_slot_counters(&numbers, counters);
  for (int i = 0; i < PM_SLOT_COUNTERS; i++) pm_bits_put_gamma(&w, (uint64_t)*counters[i] + 1);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) pack_phase(&w, sum, phase);
  return pm_bit_writer_finish(&w);
}

/* ---- adding ---- */

static int64_t add_saturating(int64_t a, int64_t b) {
  return a > SUM_NS_MAX - b ? SUM_NS_MAX : a + b;
}

static int64_t take_bound(struct pm_bit_reader *r, uint16_t index) {
  if (pm_bits_take(r, 1) == 0) return (int64_t)pm_bits_take_number(r);
  int64_t low_ns;
  unsigned bits = place_bits(index, &low_ns);
  return low_ns + (int64_t)pm_bits_take(r, bits);
}

/* Its first and last index; with no bucket first > last. */
static void take_buckets(struct pm_bit_reader *r, struct pm_slot_sum *sum, int phase,
                         uint16_t *out_first, uint16_t *out_last) {
  uint64_t buckets = pm_bits_take_gamma(r) - 1;
  uint64_t index = 0;
  *out_first = 1;
  *out_last = 0;
  for (uint64_t i = 0; i < buckets && !r->bad; i++) {
    index += pm_bits_take_gamma(r) - (i == 0);
    uint64_t by = pm_bits_take_gamma(r);
    r->bad |= index >= PM_HISTOGRAM_BUCKETS || by > UINT32_MAX;
    if (r->bad) return;
    count(&sum->counts[phase][index], (uint32_t)by);
    if (i == 0) *out_first = (uint16_t)index;
    *out_last = (uint16_t)index;
    /* At once, so that clearing finds what a damaged row left. */
    if (index < sum->first[phase]) sum->first[phase] = (uint16_t)index;
    if (index > sum->last[phase]) sum->last[phase] = (uint16_t)index;
  }
}

static void take_phase(struct pm_bit_reader *r, struct pm_slot_sum *sum, int phase) {
  struct pm_slot_phase *figures = &sum->numbers.phases[phase];
  uint16_t first, last;
  take_buckets(r, sum, phase, &first, &last);
  if (r->bad || first > last) return;
  int64_t sum_ns = (int64_t)pm_bits_take_number(r);
  int64_t min_ns = take_bound(r, first);
  int64_t max_ns = take_bound(r, last);
  int64_t jitter_ns = (int64_t)pm_bits_take_number(r);
  if (r->bad) return;
  figures->sum_ns = add_saturating(figures->sum_ns, sum_ns);
  if (figures->min_ns == 0 || min_ns < figures->min_ns) figures->min_ns = min_ns;
  if (max_ns > figures->max_ns) figures->max_ns = max_ns;
  figures->jitter_ns = jitter_ns;
}

enum pm_err pm_row_add(struct pm_slot_sum *sum, const uint8_t *bytes, size_t count_of_bytes) {
  struct pm_bit_reader r;
  struct pm_slot numbers = {0};
  uint32_t *from[PM_SLOT_COUNTERS], *to[PM_SLOT_COUNTERS];
  pm_bit_reader_init(&r, bytes, count_of_bytes);
  r.bad |= pm_bits_take(&r, VERSION_BITS) != VERSION;
  pm_slot_counters(&numbers, from);
  pm_slot_counters(&sum->numbers, to);
  for (int i = 0; i < PM_SLOT_COUNTERS && !r.bad; i++) {
    uint64_t value = pm_bits_take_gamma(&r) - 1;
    r.bad |= value > UINT32_MAX;
    *from[i] = (uint32_t)value;
  }
  if (r.bad) return PM_ERR_SYNTAX;
  for (int i = 0; i < PM_SLOT_COUNTERS; i++) count(to[i], *from[i]);
  for (int phase = 0; phase < PM_PHASE_COUNT && !r.bad; phase++) take_phase(&r, sum, phase);
  return r.bad || !pm_bit_reader_at_end(&r) ? PM_ERR_SYNTAX : PM_OK;
}

/* ---- figures ---- */

struct quantile {
  double q;
  int64_t *out_ns;
};

/* Nearest rank, as in probe/histogram. */
static uint64_t rank_of(double q, uint64_t total) {
  double rank = ceil(q * (double)total);
  if (rank < 1) return 1;
  return rank < (double)total ? (uint64_t)rank : total;
}

static int64_t within(int64_t ns, const struct pm_slot_phase *phase) {
  if (ns < phase->min_ns) return phase->min_ns;
  return ns > phase->max_ns ? phase->max_ns : ns;
}

/* In one pass: they ascend. */
static void fill_quantiles(const uint32_t *counts, size_t first, uint64_t total,
                           const struct pm_slot_phase *phase, const struct quantile *quantiles,
                           size_t quantiles_count) {
  size_t index = first;
  uint64_t seen = counts[first];
  for (size_t i = 0; i < quantiles_count; i++) {
    uint64_t wanted = rank_of(quantiles[i].q, total);
    while (seen < wanted) seen += counts[++index];
    int64_t low_ns, high_ns;
    pm_histogram_bounds((uint16_t)index, &low_ns, &high_ns);
    *quantiles[i].out_ns = within(low_ns + (high_ns - low_ns) / 2, phase);
  }
}

void pm_row_figures(const uint32_t *counts, size_t first, size_t last,
                    const struct pm_slot_phase *phase, struct pm_figures *out) {
  *out = (struct pm_figures){0};
  for (size_t index = first; index <= last; index++) out->count += counts[index];
  if (out->count == 0) return;
  const struct quantile quantiles[] = {{0.10, &out->p10_ns}, {0.25, &out->p25_ns},
                                       {0.50, &out->p50_ns}, {0.75, &out->p75_ns},
                                       {0.90, &out->p90_ns}, {0.99, &out->p99_ns}};
  fill_quantiles(counts, first, out->count, phase, quantiles,
                 sizeof(quantiles) / sizeof(quantiles[0]));
  out->mean_ns = phase->sum_ns / (int64_t)out->count;
  out->min_ns = phase->min_ns;
  out->max_ns = phase->max_ns;
  out->jitter_ns = phase->jitter_ns;
}

void pm_row_sum_figures(const struct pm_slot_sum *sum, enum pm_phase phase,
                        struct pm_figures *out) {
  pm_row_figures(sum->counts[phase], sum->first[phase], sum->last[phase],
                 &sum->numbers.phases[phase], out);
}
