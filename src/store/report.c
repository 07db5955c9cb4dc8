#include "store/report.h"

#include <math.h>
#include <string.h>

#include "store/answer.h"
#include "store/row.h"

enum {
  VERSION = 1,
  VERSION_BITS = 4,
  INDEX_BITS = 11,
};
_Static_assert(PM_HISTOGRAM_BUCKETS <= 1 << INDEX_BITS, "every index of a bucket fits");

static const enum pm_phase PHASES[PM_CELL_PHASE_COUNT] = {[PM_CELL_PHASE_DNS] = PM_PHASE_DNS,
                                                          [PM_CELL_PHASE_TLS] = PM_PHASE_TLS,
                                                          [PM_CELL_PHASE_FIRST] = PM_PHASE_FIRST,
                                                          [PM_CELL_PHASE_TOTAL] = PM_PHASE_TOTAL};

static int64_t middle_of(uint16_t index) {
  int64_t low_ns, high_ns;
  pm_histogram_bounds(index, &low_ns, &high_ns);
  return low_ns + (high_ns - low_ns) / 2;
}

/* --- the round trip as buckets -----------------------------------------------------------------
 */

static bool has_rtt(const struct pm_cell *cell) {
  return cell->rtt_ns[PM_CELL_P50] > 0 && cell->sent > cell->lost;
}

/* What came over the wire may be in any order. */
static void indexes_of(const struct pm_cell *cell, uint16_t out[PM_CELL_QUANTILE_COUNT]) {
  uint16_t least = 0;
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) {
    uint16_t index = pm_histogram_index(cell->rtt_ns[i]);
    out[i] = least = index > least ? index : least;
  }
}

/* --- lists -------------------------------------------------------------------------------------
 */

static void put_length(struct pm_bit_writer *w, int64_t ns) {
  pm_bits_put(w, ns > 0, 1);
  if (ns > 0) pm_bits_put(w, pm_histogram_index(ns), INDEX_BITS);
}

static void put_rtt(struct pm_bit_writer *w, const struct pm_cell *cell) {
  uint16_t at[PM_CELL_QUANTILE_COUNT];
  pm_bits_put(w, has_rtt(cell), 1);
  if (!has_rtt(cell)) return;
  indexes_of(cell, at);
  pm_bits_put(w, at[PM_CELL_P50], INDEX_BITS);
  for (int i = 1; i < PM_CELL_QUANTILE_COUNT; i++)
    pm_bits_put_gamma(w, (uint64_t)(at[i] - at[i - 1]) + 1);
  put_length(w, cell->jitter_ns);
}

static void put_path(struct pm_bit_writer *w, const struct pm_report_path *path, int64_t before) {
  const struct pm_cell *cell = &path->cell;
  uint32_t lost = cell->lost < cell->sent ? cell->lost : cell->sent;
  pm_bits_put_gamma(w, (uint64_t)(path->to - before));
  pm_bits_put_gamma(w, (uint64_t)cell->sent + 1);
  pm_bits_put_gamma(w, (uint64_t)lost + 1);
  put_rtt(w, cell);
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++) put_length(w, cell->phase_ns[i]);
}

size_t pm_report_pack(const struct pm_report_path *paths, size_t count,
                      uint8_t out[PM_REPORT_BYTES_MAX]) {
  struct pm_bit_writer w;
  pm_bit_writer_init(&w, out, PM_REPORT_BYTES_MAX);
  pm_bits_put(&w, VERSION, VERSION_BITS);
  pm_bits_put_gamma(&w, count + 1);
  for (size_t i = 0; i < count; i++) put_path(&w, &paths[i], i > 0 ? paths[i - 1].to : 0);
  return pm_bit_writer_finish(&w);
}

static int64_t take_length(struct pm_bit_reader *r) {
  if (pm_bits_take(r, 1) == 0) return 0;
  uint64_t index = pm_bits_take(r, INDEX_BITS);
  r->bad |= index >= PM_HISTOGRAM_BUCKETS;
  return r->bad ? 0 : middle_of((uint16_t)index);
}

static uint32_t take_count(struct pm_bit_reader *r) {
  uint64_t count = pm_bits_take_gamma(r) - 1;
  r->bad |= count > UINT32_MAX;
  return r->bad ? 0 : (uint32_t)count;
}

static void take_rtt(struct pm_bit_reader *r, struct pm_cell *cell) {
  uint64_t above[PM_CELL_QUANTILE_COUNT] = {0};
  if (pm_bits_take(r, 1) == 0) return;
  uint64_t p50 = pm_bits_take(r, INDEX_BITS);
  for (int i = 1; i < PM_CELL_QUANTILE_COUNT; i++) above[i] = pm_bits_take_gamma(r) - 1;
  r->bad |= r->bad || above[PM_CELL_P50] > p50;
  uint64_t at = p50 - above[PM_CELL_P50];
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT && !r->bad; i++) {
    at += above[i];
    r->bad |= at >= PM_HISTOGRAM_BUCKETS;
    if (!r->bad) cell->rtt_ns[i] = middle_of((uint16_t)at);
  }
  cell->jitter_ns = take_length(r);
}

enum pm_err pm_report_reader_init(struct pm_report_reader *r, const uint8_t *bytes, size_t count) {
  *r = (struct pm_report_reader){.left = 0};
  pm_bit_reader_init(&r->bits, bytes, count);
  r->bits.bad |= pm_bits_take(&r->bits, VERSION_BITS) != VERSION;
  uint64_t paths = pm_bits_take_gamma(&r->bits) - 1;
  if (r->bits.bad || paths > PM_REPORT_PATHS_MAX) return PM_ERR_SYNTAX;
  r->left = paths;
  return PM_OK;
}

bool pm_report_next(struct pm_report_reader *r, struct pm_report_path *out) {
  struct pm_cell cell = {.state = PM_CELL_MEASURED};
  if (r->left == 0) return false;
  r->left--;
  uint64_t step = pm_bits_take_gamma(&r->bits);
  cell.sent = take_count(&r->bits);
  cell.lost = take_count(&r->bits);
  take_rtt(&r->bits, &cell);
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++) cell.phase_ns[i] = take_length(&r->bits);
  r->bits.bad |= step >= PM_REPORT_NODE_MAX || cell.lost > cell.sent;
  if (r->bits.bad) {
    r->left = 0;
    return false;
  }
  if (cell.sent == cell.lost) cell.state = PM_CELL_FAILED;
  r->to += (int64_t)step;
  *out = (struct pm_report_path){r->to, cell};
  return true;
}

/* --- histograms of it --------------------------------------------------------------------------
 */

static void count(uint32_t *counter, uint64_t by) {
  uint32_t room = UINT32_MAX - *counter;
  *counter += by < room ? (uint32_t)by : room;
}

static void add_values(struct pm_slot_sum *sum, int phase, uint16_t index, uint64_t values) {
  struct pm_slot_phase *figures = &sum->numbers.phases[phase];
  int64_t ns = middle_of(index);
  if (values == 0) return;
  count(&sum->counts[phase][index], values);
  if (index < sum->first[phase]) sum->first[phase] = index;
  if (index > sum->last[phase]) sum->last[phase] = index;
  if (figures->min_ns == 0 || ns < figures->min_ns) figures->min_ns = ns;
  if (ns > figures->max_ns) figures->max_ns = ns;
  int64_t all_ns;
  bool wide = __builtin_mul_overflow(ns, (int64_t)values, &all_ns) ||
              __builtin_add_overflow(figures->sum_ns, all_ns, &figures->sum_ns);
  if (wide) figures->sum_ns = INT64_MAX;
}

/* So many values, of which some have been placed. */
struct placing {
  uint64_t values, placed;
};

/* Up to a share of them, evenly over the buckets after the first and up to the last. At the end the
 * rank of that quantile is reached (rounded up), within it no rank too early (rounded down). */
static void place(struct placing *placing, struct pm_slot_sum *sum, unsigned first, unsigned last,
                  double from_share, double to_share) {
  double n = (double)placing->values;
  for (unsigned index = first + 1; index < last; index++) {
    double part = (double)(index - first) / (double)(last - first);
    uint64_t rank = (uint64_t)floor(n * (from_share + (to_share - from_share) * part));
    if (rank <= placing->placed) continue;
    add_values(sum, PM_PHASE_TCP, (uint16_t)index, rank - placing->placed);
    placing->placed = rank;
  }
  /* A share such as 0.9 is no exact number: its rank must not be one too high for that. */
  uint64_t rank = (uint64_t)ceil(n * to_share - 1e-6);
  if (rank <= placing->placed) return;
  add_values(sum, PM_PHASE_TCP, (uint16_t)last, rank - placing->placed);
  placing->placed = rank;
}

static unsigned lowest_of(const struct pm_cell *cell, unsigned p25) {
  int64_t quarter_ns = cell->rtt_ns[PM_CELL_P50] - cell->rtt_ns[PM_CELL_P25];
  int64_t low_ns = cell->rtt_ns[PM_CELL_P25] - quarter_ns;
  if (low_ns < cell->rtt_ns[PM_CELL_P25] / 2) low_ns = cell->rtt_ns[PM_CELL_P25] / 2;
  unsigned index = pm_histogram_index(low_ns);
  return index < p25 ? index : p25;
}

static void add_rtt(const struct pm_cell *cell, uint32_t values, struct pm_slot_sum *sum) {
  static const double SHARES[PM_CELL_QUANTILE_COUNT] = {0.25, 0.5, 0.75, 0.9, 0.99};
  struct placing placing = {.values = values};
  uint16_t at[PM_CELL_QUANTILE_COUNT];
  indexes_of(cell, at);
  unsigned before = lowest_of(cell, at[PM_CELL_P25]);
  double share = 0;
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) {
    place(&placing, sum, before, at[i], share, SHARES[i]);
    before = at[i];
    share = SHARES[i];
  }
  place(&placing, sum, before, before, share, 1);
  sum->numbers.phases[PM_PHASE_TCP].jitter_ns = cell->jitter_ns;
}

void pm_report_add(const struct pm_cell *cell, struct pm_slot_sum *sum) {
  uint32_t lost = cell->lost < cell->sent ? cell->lost : cell->sent;
  uint32_t succeeded = cell->sent - lost;
  count(&sum->numbers.sent, cell->sent);
  count(&sum->numbers.lost, lost);
  count(&sum->numbers.succeeded, succeeded);
  if (succeeded == 0) return;
  if (has_rtt(cell)) add_rtt(cell, succeeded, sum);
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++)
    if (cell->phase_ns[i] > 0)
      add_values(sum, PHASES[i], pm_histogram_index(cell->phase_ns[i]), succeeded);
}

void pm_report_of(const struct pm_slot_sum *sum, struct pm_cell *out) {
  struct pm_figures figures;
  *out = (struct pm_cell){.state = sum->numbers.succeeded ? PM_CELL_MEASURED : PM_CELL_FAILED,
                          .sent = sum->numbers.sent,
                          .lost = sum->numbers.lost};
  pm_row_sum_figures(sum, PM_PHASE_TCP, &figures);
  out->rtt_ns[PM_CELL_P25] = figures.p25_ns;
  out->rtt_ns[PM_CELL_P50] = figures.p50_ns;
  out->rtt_ns[PM_CELL_P75] = figures.p75_ns;
  out->rtt_ns[PM_CELL_P90] = figures.p90_ns;
  out->rtt_ns[PM_CELL_P99] = figures.p99_ns;
  out->jitter_ns = figures.jitter_ns;
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++) {
    pm_row_sum_figures(sum, PHASES[i], &figures);
    out->phase_ns[i] = figures.p50_ns;
  }
}
