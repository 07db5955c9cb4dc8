/* Reports: packed and read again, and how near the histograms are that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "store/report.h"
#include "store/row.h"

enum { MS = 1000000, RUNS = 100 };

static struct pm_cell cell_of(uint32_t sent, uint32_t lost, int64_t p50) {
  return (struct pm_cell){.sent = sent,
                          .lost = lost,
                          .rtt_ns = {p50 - p50 / 20, p50, p50 + p50 / 10, p50 + p50 / 4, p50 * 2},
                          .jitter_ns = p50 / 50,
                          .phase_ns = {MS, 0, 3 * p50, 4 * p50}};
}

/* A bucket's middle is within 1/128 of each of its values. */
static void assert_near(int64_t got, int64_t want) {
  if (llabs(got - want) * 125 > want) fail_msg("%lld for %lld", (long long)got, (long long)want);
}

static void assert_cell_near(const struct pm_cell *got, const struct pm_cell *want) {
  assert_int_equal(got->sent, want->sent);
  assert_int_equal(got->lost, want->lost);
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) assert_near(got->rtt_ns[i], want->rtt_ns[i]);
  assert_near(got->jitter_ns, want->jitter_ns);
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++) assert_near(got->phase_ns[i], want->phase_ns[i]);
}

/* --- lists -------------------------------------------------------------------------------------
 */

static void a_list_comes_back(void **state) {
  static uint8_t bytes[PM_REPORT_BYTES_MAX];
  const struct pm_report_path paths[] = {
      {3, cell_of(60, 0, 20 * MS)},
      {4, cell_of(60, 7, 700000)},
      {900, {.sent = 12, .lost = 12}},
      {PM_REPORT_NODE_MAX - 1, cell_of(UINT32_MAX, 1, INT64_C(30000) * MS)}};
  struct pm_report_reader reader;
  struct pm_report_path path;
  (void)state;
  size_t count = pm_report_pack(paths, 4, bytes);
  assert_int_equal(pm_report_reader_init(&reader, bytes, count), PM_OK);
  for (size_t i = 0; i < 4; i++) {
    assert_true(pm_report_next(&reader, &path));
    assert_int_equal(path.to, paths[i].to);
    assert_cell_near(&path.cell, &paths[i].cell);
    assert_int_equal(path.cell.state, i == 2 ? PM_CELL_FAILED : PM_CELL_MEASURED);
  }
  assert_false(pm_report_next(&reader, &path));
  assert_false(reader.bits.bad);
}

static void a_path_takes_some_sixteen_bytes(void **state) {
  static uint8_t bytes[PM_REPORT_BYTES_MAX];
  struct pm_report_path paths[100];
  struct pm_rng rng;
  (void)state;
  pm_rng_seed(&rng, 1);
  for (int i = 0; i < 100; i++)
    paths[i] = (struct pm_report_path){i + 1, cell_of(60, 0, pm_rng_between(&rng, MS, 300 * MS))};
  size_t count = pm_report_pack(paths, 100, bytes);
  assert_in_range(count, 1300, 1700);
}

static void the_longest_list_fits(void **state) {
  static uint8_t bytes[PM_REPORT_BYTES_MAX];
  static struct pm_report_path paths[PM_REPORT_PATHS_MAX];
  struct pm_report_reader reader;
  struct pm_report_path path;
  size_t read = 0;
  (void)state;
  for (int64_t i = 0; i < PM_REPORT_PATHS_MAX; i++)
    paths[i] = (struct pm_report_path){
        (i + 1) * 32767,
        {.sent = UINT32_MAX,
         .lost = UINT32_MAX - 1,
         .rtt_ns = {1, 40 * MS, 3000 * (int64_t)MS, 30000 * (int64_t)MS, 130000 * (int64_t)MS},
         .jitter_ns = 1,
         .phase_ns = {1, 1, 1, 1}}};
  size_t count = pm_report_pack(paths, PM_REPORT_PATHS_MAX, bytes);
  assert_true(count < PM_REPORT_BYTES_MAX);
  assert_int_equal(pm_report_reader_init(&reader, bytes, count), PM_OK);
  while (pm_report_next(&reader, &path)) read++;
  assert_false(reader.bits.bad);
  assert_int_equal(read, PM_REPORT_PATHS_MAX);
}

static void quantiles_in_any_order_are_made_to_ascend(void **state) {
  static uint8_t bytes[PM_REPORT_BYTES_MAX];
  struct pm_report_path path = {1, {.sent = 9, .lost = 10, .rtt_ns = {9, 5, 5, 1, 2}}};
  struct pm_report_reader reader;
  (void)state;
  path.cell.lost = 3;
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) path.cell.rtt_ns[i] *= MS;
  size_t count = pm_report_pack(&path, 1, bytes);
  assert_int_equal(pm_report_reader_init(&reader, bytes, count), PM_OK);
  assert_true(pm_report_next(&reader, &path));
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) assert_near(path.cell.rtt_ns[i], 9 * MS);
}

/* Whatever is cut off or turned round: never a crash, and every path is one that could be. */
static void damaged_lists_are_read_to_where_they_are_sound(void **state) {
  static uint8_t bytes[PM_REPORT_BYTES_MAX], bad[64];
  const struct pm_report_path paths[] = {{3, cell_of(60, 0, 20 * MS)}, {7, cell_of(60, 1, 9 * MS)}};
  struct pm_report_reader reader;
  struct pm_report_path path;
  struct pm_rng rng;
  (void)state;
  size_t count = pm_report_pack(paths, 2, bytes);
  assert_true(count < sizeof(bad));
  assert_int_equal(pm_report_reader_init(&reader, bytes, 0), PM_ERR_SYNTAX);
  assert_int_equal(pm_report_reader_init(&reader, (const uint8_t *)"\x02\xff\xff", 3),
                   PM_ERR_SYNTAX);
  assert_int_equal(pm_report_reader_init(&reader, bytes, count - 1), PM_OK);
  while (pm_report_next(&reader, &path)) {
  }
  assert_true(reader.bits.bad);
  pm_rng_seed(&rng, 5);
  for (int run = 0; run < 20000; run++) {
    memcpy(bad, bytes, count);
    bad[pm_rng_below(&rng, count)] ^= (uint8_t)(1 << pm_rng_below(&rng, 8));
    if (pm_report_reader_init(&reader, bad, count) != PM_OK) continue;
    while (pm_report_next(&reader, &path)) {
      assert_true(path.cell.lost <= path.cell.sent);
      for (int i = 1; i < PM_CELL_QUANTILE_COUNT; i++)
        assert_true(path.cell.rtt_ns[i] >= path.cell.rtt_ns[i - 1]);
    }
  }
}

/* --- histograms --------------------------------------------------------------------------------
 */

static struct pm_slot_sum *sum_new(void) {
  struct pm_slot_sum *sum = malloc(sizeof(*sum));
  pm_slot_sum_init(sum);
  return sum;
}

static void a_histogram_has_the_quantiles_of_its_report(void **state) {
  const uint32_t lengths[] = {1, 2, 3, 4, 7, 10, 59, 60, 100, 601, 100000};
  struct pm_slot_sum *sum = sum_new();
  (void)state;
  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
    struct pm_figures figures;
    struct pm_cell cell = cell_of(lengths[i] + 5, 5, 20 * MS);
    pm_row_sum_clear(sum);
    pm_report_add(&cell, sum);
    pm_row_sum_figures(sum, PM_PHASE_TCP, &figures);
    assert_int_equal(sum->numbers.sent, lengths[i] + 5);
    assert_int_equal(sum->numbers.lost, 5);
    assert_int_equal(figures.count, lengths[i]);
    assert_int_equal(figures.jitter_ns, cell.jitter_ns);
    if (lengths[i] < 100)
      continue; /* of fewer, the ranks of p99 and of the last one are the same */
    assert_near(figures.p25_ns, cell.rtt_ns[PM_CELL_P25]);
    assert_near(figures.p50_ns, cell.rtt_ns[PM_CELL_P50]);
    assert_near(figures.p75_ns, cell.rtt_ns[PM_CELL_P75]);
    assert_near(figures.p90_ns, cell.rtt_ns[PM_CELL_P90]);
    assert_near(figures.p99_ns, cell.rtt_ns[PM_CELL_P99]);
    pm_row_sum_figures(sum, PM_PHASE_TOTAL, &figures);
    assert_near(figures.p50_ns, 80 * MS);
    assert_near(figures.mean_ns, 80 * MS);
    pm_row_sum_figures(sum, PM_PHASE_TLS, &figures);
    assert_int_equal(figures.count, 0);
  }
  free(sum);
}

static void what_was_lost_altogether_has_no_latency(void **state) {
  struct pm_slot_sum *sum = sum_new();
  struct pm_cell cell = cell_of(20, 20, MS), out;
  (void)state;
  pm_report_add(&cell, sum);
  assert_int_equal(sum->numbers.lost, 20);
  assert_int_equal(sum->numbers.succeeded, 0);
  pm_report_of(sum, &out);
  assert_int_equal(out.state, PM_CELL_FAILED);
  assert_int_equal(out.rtt_ns[PM_CELL_P50], 0);
  assert_int_equal(out.phase_ns[PM_CELL_PHASE_TOTAL], 0);
  free(sum);
}

static double normal(struct pm_rng *rng) {
  double u = 1 - pm_rng_unit(rng);
  return sqrt(-2 * log(u)) * cos(2 * M_PI * pm_rng_unit(rng));
}

/* Six stretches of sixty samples as a node would report them, and the hour as it was. */
struct hour {
  struct pm_slot_sum *truth, *reported;
};

static void measure(struct hour *hour, struct pm_rng *rng, double floor_ms, double tail) {
  struct pm_slot slot = {0};
  struct pm_slot_sum *ten = sum_new();
  struct pm_cell cell;
  for (int i = 0; i < 60; i++) {
    struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS};
    sample.phase_ns[PM_PHASE_TCP] = (int64_t)(floor_ms * MS * (1 + 0.1 * exp(tail * normal(rng))));
    assert_int_equal(pm_slot_add(&slot, &sample), PM_OK);
  }
  pm_slot_sum_add(ten, &slot);
  pm_slot_sum_add(hour->truth, &slot);
  pm_report_of(ten, &cell);
  pm_report_add(&cell, hour->reported);
  pm_slot_deinit(&slot);
  free(ten);
}

static double off_by(int64_t got, int64_t want) {
  return fabs((double)(got - want)) / (double)want;
}

/* Shares of the true value, means over the runs: what a viewer sees on the average. */
struct error {
  double p25, p50, p90, p99, mean;
};

static void add_errors(struct error *error, const struct pm_figures *got,
                       const struct pm_figures *truth) {
  error->p25 += off_by(got->p25_ns, truth->p25_ns) / RUNS;
  error->p50 += off_by(got->p50_ns, truth->p50_ns) / RUNS;
  error->p90 += off_by(got->p90_ns, truth->p90_ns) / RUNS;
  error->p99 += off_by(got->p99_ns, truth->p99_ns) / RUNS;
  error->mean += off_by(got->mean_ns, truth->mean_ns) / RUNS;
}

/* With a heavy tail p99 is too high: of sixty samples it is the largest one. */
static void merged_reports_are_near_the_truth(void **state) {
  const struct {
    const char *name;
    double tail, drift; /* drift: how much slower each stretch is than the last */
    struct error max;
  } cases[] = {{"light tail", 0.5, 0, {0.01, 0.01, 0.02, 0.06, 0.01}},
               {"heavy tail", 1.5, 0, {0.01, 0.02, 0.10, 0.50, 0.10}},
               {"drifting", 0.5, 0.3, {0.03, 0.03, 0.03, 0.06, 0.02}}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct error error = {0};
    for (unsigned seed = 1; seed <= RUNS; seed++) {
      struct hour hour = {sum_new(), sum_new()};
      struct pm_figures truth, reported;
      struct pm_rng rng;
      pm_rng_seed(&rng, seed);
      for (int ten = 0; ten < 6; ten++)
        measure(&hour, &rng, 20 * (1 + ten * cases[i].drift), cases[i].tail);
      pm_row_sum_figures(hour.truth, PM_PHASE_TCP, &truth);
      pm_row_sum_figures(hour.reported, PM_PHASE_TCP, &reported);
      assert_int_equal(reported.count, truth.count);
      add_errors(&error, &reported, &truth);
      free(hour.truth);
      free(hour.reported);
    }
    print_message("%s: p25 %.3f, p50 %.3f, p90 %.3f, p99 %.3f, mean %.3f off\n", cases[i].name,
                  error.p25, error.p50, error.p90, error.p99, error.mean);
    assert_true(error.p25 <= cases[i].max.p25);
    assert_true(error.p50 <= cases[i].max.p50);
    assert_true(error.p90 <= cases[i].max.p90);
    assert_true(error.p99 <= cases[i].max.p99);
    assert_true(error.mean <= cases[i].max.mean);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_comes_back),
      cmocka_unit_test(a_path_takes_some_sixteen_bytes),
      cmocka_unit_test(the_longest_list_fits),
      cmocka_unit_test(quantiles_in_any_order_are_made_to_ascend),
      cmocka_unit_test(damaged_lists_are_read_to_where_they_are_sound),
      cmocka_unit_test(a_histogram_has_the_quantiles_of_its_report),
      cmocka_unit_test(what_was_lost_altogether_has_no_latency),
      cmocka_unit_test(merged_reports_are_near_the_truth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
