#include "probe/slot.h"

#include <stdlib.h>
#include <string.h>

/* Of a sum of nanoseconds in a packed slot: 3 years, so that no file makes a sum overflow. */
static const uint64_t NUMBER_MAX = UINT64_C(100000000) * PM_NS_PER_S;

enum {
  VERSION = 1,
  NUMBER_BYTES_MAX = 10, /* of 64 bits at 7 a byte */
  PHASE_NUMBERS = 4,
};

void pm_slot_init(struct pm_slot *slot) {
  *slot = (struct pm_slot){0};
}

void pm_slot_deinit(struct pm_slot *slot) {
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    pm_histogram_deinit(&slot->phases[phase].histogram);
  }
  pm_slot_init(slot);
}

void pm_slot_clear(struct pm_slot *slot) {
  struct pm_slot cleared = {0};
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    cleared.phases[phase].histogram = slot->phases[phase].histogram;
    pm_histogram_clear(&cleared.phases[phase].histogram);
  }
  *slot = cleared;
}

bool pm_slot_is_empty(const struct pm_slot *slot) {
  return slot->sent == 0 && slot->late == 0;
}

/* ---- adding ---- */

static void widen(struct pm_slot_phase *phase, int64_t min_ns, int64_t max_ns, int64_t sum_ns) {
  if (phase->min_ns == 0 || min_ns < phase->min_ns) phase->min_ns = min_ns;
  if (max_ns > phase->max_ns) phase->max_ns = max_ns;
  phase->sum_ns += sum_ns;
}

static void count_sample(struct pm_slot *slot, const struct pm_sample *sample) {
  bool succeeded = sample->outcome == PM_OUTCOME_SUCCESS;
  slot->sent++;
  slot->succeeded += succeeded;
  slot->lost += !succeeded;
  slot->starved += sample->verdict == PM_VERDICT_STARVED;
  slot->retransmitted += pm_loss_was_retransmitted(sample);
  pm_loss_add(&slot->packets, sample);
}

bool pm_slot_takes_phase(const struct pm_sample *sample, enum pm_phase phase) {
  return sample->outcome == PM_OUTCOME_SUCCESS && sample->phase_ns[phase] > 0 &&
         pm_sample_publishes(sample, phase);
}

enum pm_err pm_slot_add(struct pm_slot *slot, const struct pm_sample *sample) {
  if (sample->outcome == PM_OUTCOME_INTERNAL || sample->outcome == PM_OUTCOME_POLICY) return PM_OK;
  count_sample(slot, sample);
  enum pm_err first_err = PM_OK;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    int64_t ns = sample->phase_ns[phase];
    if (!pm_slot_takes_phase(sample, (enum pm_phase)phase)) continue;
    enum pm_err err = pm_histogram_add(&slot->phases[phase].histogram, ns);
    if (err == PM_OK) widen(&slot->phases[phase], ns, ns, ns);
    if (first_err == PM_OK) first_err = err;
  }
  return first_err;
}

/* ---- counters ---- */

void pm_slot_counters(struct pm_slot *slot, uint32_t *out[PM_SLOT_COUNTERS]) {
  uint32_t *const all[PM_SLOT_COUNTERS] = {&slot->sent,
                                           &slot->succeeded,
                                           &slot->lost,
                                           &slot->starved,
                                           &slot->retransmitted,
                                           &slot->late,
                                           &slot->packets.trials,
                                           &slot->packets.lost,
                                           &slot->packets.data_segments,
                                           &slot->packets.data_retransmits};
  memcpy(out, all, sizeof(all));
}

static void count(uint32_t *counter, uint32_t by) {
  uint32_t room = UINT32_MAX - *counter;
  *counter += by < room ? by : room;
}

int64_t pm_slot_mean_ns(const struct pm_slot *slot, enum pm_phase phase) {
  uint64_t count = slot->phases[phase].histogram.total;
  return count > 0 ? slot->phases[phase].sum_ns / (int64_t)count : 0;
}

int64_t pm_slot_quantile_ns(const struct pm_slot *slot, enum pm_phase phase, double q) {
  const struct pm_slot_phase *from = &slot->phases[phase];
  int64_t ns = pm_histogram_quantile_ns(&from->histogram, q);
  if (ns < from->min_ns) return from->min_ns;
  return ns > from->max_ns ? from->max_ns : ns;
}

/* ---- packing ---- */

static size_t put_number(uint8_t *at, uint64_t value) {
  size_t bytes = 0;
  for (; value >= 0x80; value >>= 7) at[bytes++] = (uint8_t)(value | 0x80);
  at[bytes++] = (uint8_t)value;
  return bytes;
}

static size_t packed_bytes_max(const struct pm_slot *slot) {
  size_t numbers = 1 + PM_SLOT_COUNTERS;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    numbers += 1 + PHASE_NUMBERS + 2 * (size_t)slot->phases[phase].histogram.count;
  }
  return numbers * NUMBER_BYTES_MAX;
}

static size_t pack_phase(uint8_t *at, const struct pm_slot_phase *phase) {
  const struct pm_histogram *h = &phase->histogram;
  size_t bytes = put_number(at, h->count);
  if (h->count == 0) return bytes;
  const int64_t numbers[PHASE_NUMBERS] = {phase->sum_ns, phase->min_ns, phase->max_ns,
                                          phase->jitter_ns};
  for (int i = 0; i < PHASE_NUMBERS; i++) bytes += put_number(at + bytes, (uint64_t)numbers[i]);
  uint16_t before = 0;
  for (size_t i = 0; i < h->count; i++) {
    bytes += put_number(at + bytes, (uint64_t)(h->buckets[i].index - before));
    bytes += put_number(at + bytes, h->buckets[i].count);
    before = h->buckets[i].index;
  }
  return bytes;
}

enum pm_err pm_slot_pack(const struct pm_slot *slot, uint8_t **out, size_t *out_bytes) {
  struct pm_slot numbers = *slot;
  uint32_t *counters[PM_SLOT_COUNTERS];
  uint8_t *packed = malloc(packed_bytes_max(slot));
  if (packed == NULL) return PM_ERR_NOMEM;
  size_t bytes = put_number(packed, VERSION);
  pm_slot_counters(&numbers, counters);
  for (int i = 0; i < PM_SLOT_COUNTERS; i++) bytes += put_number(packed + bytes, *counters[i]);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    bytes += pack_phase(packed + bytes, &slot->phases[phase]);
  }
  /* What was reserved is a multiple of what was needed; shrinking may only fail to help. */
  uint8_t *fitting = realloc(packed, bytes);
  *out = fitting != NULL ? fitting : packed;
  *out_bytes = bytes;
  return PM_OK;
}

/* ---- unpacking ---- */

struct reader {
  const uint8_t *at, *end;
  bool bad; /* sticks */
};

/* 0, and the reader is bad, where there is no number of at most max. */
static uint64_t take_number(struct reader *r, uint64_t max) {
  uint64_t value = 0;
  for (unsigned shift = 0; r->at < r->end && shift < 64; shift += 7) {
    uint8_t byte = *r->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      r->bad |= value > max;
      return r->bad ? 0 : value;
    }
  }
  r->bad = true;
  return 0;
}

/* ---- adding up ---- */

void pm_slot_sum_init(struct pm_slot_sum *sum) {
  *sum = (struct pm_slot_sum){0};
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) sum->first[phase] = PM_HISTOGRAM_BUCKETS;
}

static void add_counters(struct pm_slot *into, const struct pm_slot *from) {
  struct pm_slot numbers = *from;
  uint32_t *to[PM_SLOT_COUNTERS];
  uint32_t *add[PM_SLOT_COUNTERS];
  pm_slot_counters(into, to);
  pm_slot_counters(&numbers, add);
  for (int i = 0; i < PM_SLOT_COUNTERS; i++) count(to[i], *add[i]);
}

static void add_bucket(struct pm_slot_sum *sum, int phase, uint16_t index, uint32_t by) {
  count(&sum->counts[phase][index], by);
  if (index < sum->first[phase]) sum->first[phase] = index;
  if (index > sum->last[phase]) sum->last[phase] = index;
}

static void add_figures(struct pm_slot_phase *into, const struct pm_slot_phase *from) {
  widen(into, from->min_ns, from->max_ns, from->sum_ns);
  into->jitter_ns = from->jitter_ns;
}

void pm_slot_sum_add(struct pm_slot_sum *sum, const struct pm_slot *slot) {
  add_counters(&sum->numbers, slot);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    const struct pm_histogram *h = &slot->phases[phase].histogram;
    if (h->total == 0) continue;
    add_figures(&sum->numbers.phases[phase], &slot->phases[phase]);
    for (size_t i = 0; i < h->count; i++) {
      add_bucket(sum, phase, h->buckets[i].index, h->buckets[i].count);
    }
  }
}

enum pm_err pm_slot_sum_take(const struct pm_slot_sum *sum, struct pm_slot *out) {
  enum pm_err first_err = PM_OK;
  pm_slot_clear(out);
  add_counters(out, &sum->numbers);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    if (sum->first[phase] > sum->last[phase]) continue;
    enum pm_err err = pm_histogram_set(&out->phases[phase].histogram, sum->counts[phase],
                                       sum->first[phase], sum->last[phase]);
    if (err == PM_OK) add_figures(&out->phases[phase], &sum->numbers.phases[phase]);
    if (first_err == PM_OK) first_err = err;
  }
  return first_err;
}

/* ---- packed ones ---- */

static void take_buckets(struct reader *r, struct pm_slot_sum *sum, int phase, uint64_t buckets) {
  uint64_t index = 0;
  for (uint64_t i = 0; i < buckets && !r->bad; i++) {
    uint64_t step = take_number(r, PM_HISTOGRAM_BUCKETS - 1);
    uint64_t by = take_number(r, UINT32_MAX);
    index += step;
    r->bad |= index >= PM_HISTOGRAM_BUCKETS || (i > 0 && step == 0) || by == 0;
    if (!r->bad) add_bucket(sum, phase, (uint16_t)index, (uint32_t)by);
  }
}

static void take_phase(struct reader *r, struct pm_slot_sum *sum, int phase) {
  uint64_t buckets = take_number(r, PM_HISTOGRAM_BUCKETS);
  if (buckets == 0) return;
  struct pm_slot_phase figures = {0};
  figures.sum_ns = (int64_t)take_number(r, NUMBER_MAX);
  figures.min_ns = (int64_t)take_number(r, NUMBER_MAX);
  figures.max_ns = (int64_t)take_number(r, NUMBER_MAX);
  figures.jitter_ns = (int64_t)take_number(r, NUMBER_MAX);
  if (r->bad) return;
  add_figures(&sum->numbers.phases[phase], &figures);
  take_buckets(r, sum, phase, buckets);
}

static void take_counters(struct reader *r, struct pm_slot_sum *sum) {
  struct pm_slot numbers = {0};
  uint32_t *counters[PM_SLOT_COUNTERS];
  pm_slot_counters(&numbers, counters);
  for (int i = 0; i < PM_SLOT_COUNTERS; i++) *counters[i] = (uint32_t)take_number(r, UINT32_MAX);
  if (!r->bad) add_counters(&sum->numbers, &numbers);
}

enum pm_err pm_slot_sum_add_packed(struct pm_slot_sum *sum, const uint8_t *bytes, size_t count) {
  struct reader r = {bytes, bytes + count, false};
  r.bad = take_number(&r, VERSION) != VERSION;
  if (!r.bad) take_counters(&r, sum);
  for (int phase = 0; phase < PM_PHASE_COUNT && !r.bad; phase++) take_phase(&r, sum, phase);
  return r.bad || r.at != r.end ? PM_ERR_SYNTAX : PM_OK;
}
