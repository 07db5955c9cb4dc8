/* Which metrics an interval gives, failures and starved samples included, and the ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cloudwatch_fixture.h"

static struct pm_cloudwatch_paths *paths_of(bool legacy, size_t metrics_max) {
  struct pm_cloudwatch_paths_config config = {
      .from = "Paris,FR", .legacy = legacy, .interval_s = 60, .metrics_max = metrics_max};
  struct pm_cloudwatch_paths *paths = NULL;
  assert_int_equal(pm_cloudwatch_paths_new(&config, &paths), PM_OK);
  return paths;
}

static void add(struct pm_cloudwatch_paths *paths, const char *to, struct pm_sample sample) {
  pm_cloudwatch_paths_add(paths, to, &sample);
}

static struct pm_cloudwatch_batch flush_at(struct pm_cloudwatch_paths *paths, int64_t minute) {
  struct pm_cloudwatch_batch batch;
  pm_cloudwatch_batch_init(&batch);
  pm_cloudwatch_paths_flush(paths, (struct pm_wall){minute * 60 * PM_NS_PER_S}, &batch);
  return batch;
}

static void assert_datum(const struct pm_cloudwatch_batch *batch, enum pm_cloudwatch_metric metric,
                         const char *to, uint64_t samples, double average) {
  const struct pm_cloudwatch_datum *datum = datum_of(batch, metric, to);
  assert_non_null(datum);
  assert_int_equal(datum_samples(batch, datum), samples);
  assert_true(fabs(datum_average(batch, datum) - average) <= 0.01 * average);
}

static void test_each_phase_and_every_probe(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(true, 0);
  for (int i = 0; i < 3; i++) add(paths, "Tokyo,JP", success_of(100, true));
  add(paths, "Tokyo,JP", failure_of(PM_OUTCOME_TIMEOUT));
  struct pm_cloudwatch_batch batch = flush_at(paths, 7);
  assert_string_equal(batch.from, "Paris,FR");
  assert_int_equal(batch.at.ns, 7 * 60 * (int64_t)PM_NS_PER_S);
  assert_int_equal(batch.count, 7);
  assert_datum(&batch, PM_CLOUDWATCH_TCP_RTT, "Tokyo,JP", 3, 100);
  assert_datum(&batch, PM_CLOUDWATCH_TLS_TIME, "Tokyo,JP", 3, 200);
  assert_datum(&batch, PM_CLOUDWATCH_FIRST_BYTE, "Tokyo,JP", 3, 300);
  assert_datum(&batch, PM_CLOUDWATCH_TOTAL, "Tokyo,JP", 3, 500);
  assert_datum(&batch, PM_CLOUDWATCH_LEGACY, "Tokyo,JP", 3, 100);
  assert_datum(&batch, PM_CLOUDWATCH_LOSS, "Tokyo,JP", 4, 25);
  assert_datum(&batch, PM_CLOUDWATCH_AVAILABILITY, "Tokyo,JP", 1, 100);
  pm_cloudwatch_batch_deinit(&batch);
  batch = flush_at(paths, 8);
  assert_int_equal(batch.count, 0); /* an interval without probes says nothing */
  pm_cloudwatch_batch_deinit(&batch);
  pm_cloudwatch_paths_free(paths);
}

static void test_a_path_that_is_down_is_published(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(true, 0);
  add(paths, "Tokyo,JP", failure_of(PM_OUTCOME_CONNECT));
  add(paths, "Tokyo,JP", failure_of(PM_OUTCOME_STATUS));
  struct pm_cloudwatch_batch batch = flush_at(paths, 0);
  assert_int_equal(batch.count, 2);
  assert_datum(&batch, PM_CLOUDWATCH_LOSS, "Tokyo,JP", 2, 100);
  assert_datum(&batch, PM_CLOUDWATCH_AVAILABILITY, "Tokyo,JP", 1, 0);
  pm_cloudwatch_batch_deinit(&batch);
  pm_cloudwatch_paths_free(paths);
}

static void test_what_was_not_tried_says_nothing(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(true, 0);
  add(paths, "Tokyo,JP", failure_of(PM_OUTCOME_INTERNAL));
  add(paths, "Tokyo,JP", failure_of(PM_OUTCOME_POLICY));
  struct pm_cloudwatch_batch batch = flush_at(paths, 0);
  assert_int_equal(batch.count, 0);
  pm_cloudwatch_batch_deinit(&batch);
  pm_cloudwatch_paths_free(paths);
}

static void test_starved_user_space_times_are_no_latency(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(true, 0);
  struct pm_sample starved = success_of(100, true);
  starved.verdict = PM_VERDICT_STARVED;
  starved.phase_timed_by[PM_PHASE_TCP] = PM_TIMED_BY_KERNEL;
  add(paths, "Tokyo,JP", starved);
  struct pm_cloudwatch_batch batch = flush_at(paths, 0);
  assert_datum(&batch, PM_CLOUDWATCH_TCP_RTT, "Tokyo,JP", 1, 100);
  assert_null(datum_of(&batch, PM_CLOUDWATCH_TLS_TIME, "Tokyo,JP"));
  assert_null(datum_of(&batch, PM_CLOUDWATCH_FIRST_BYTE, "Tokyo,JP"));
  assert_null(datum_of(&batch, PM_CLOUDWATCH_TOTAL, "Tokyo,JP"));
  assert_datum(&batch, PM_CLOUDWATCH_LOSS, "Tokyo,JP", 1, 0);
  pm_cloudwatch_batch_deinit(&batch);
  pm_cloudwatch_paths_free(paths);
}

static void test_the_old_metric_by_status_and_its_switch(void **state) {
  (void)state;
  for (int legacy = 0; legacy < 2; legacy++) {
    struct pm_cloudwatch_paths *paths = paths_of(legacy, 0);
    struct pm_sample redirected = success_of(300, false);
    redirected.http_status = 304;
    add(paths, "Tokyo,JP", success_of(100, false));
    add(paths, "Tokyo,JP", redirected);
    struct pm_cloudwatch_batch batch = flush_at(paths, 0);
    assert_int_equal(batch.count, legacy ? 7 : 5);
    assert_datum(&batch, PM_CLOUDWATCH_TCP_RTT, "Tokyo,JP", 2, 200); /* of both */
    if (legacy) assert_int_equal(batch.data[5].http_status, 200);
    if (legacy) assert_int_equal(batch.data[6].http_status, 304);
    pm_cloudwatch_batch_deinit(&batch);
    pm_cloudwatch_paths_free(paths);
  }
}

/* Twelve cities in three countries; the round trip of the nth is n + 1 ms, the first one loses. */
static void probe_all(struct pm_cloudwatch_paths *paths) {
  for (int i = 0; i < 12; i++) {
    char to[32];
    snprintf(to, sizeof(to), "City%02d,C%d", i, i % 3);
    add(paths, to, success_of(i + 1, false));
    add(paths, to, i == 0 ? failure_of(PM_OUTCOME_TIMEOUT) : success_of(i + 1, false));
  }
}

static void test_the_ceiling_keeps_the_worst(void **state) {
  (void)state;
  /* "*" takes 5, three regions 15, and a detail 6: two of them fit into 32. */
  struct pm_cloudwatch_paths *paths = paths_of(true, 32);
  struct pm_cloudwatch_paths_counts counts;
  for (int64_t minute = 0; minute <= 60; minute++) {
    probe_all(paths);
    struct pm_cloudwatch_batch batch = flush_at(paths, minute);
    pm_cloudwatch_paths_counts(paths, &counts);
    assert_in_range(counts.metrics, 1, 32);
    if (minute == 0 || minute == 60) {
      assert_int_equal(counts.in_detail, 2);
      assert_int_equal(counts.metrics, 32);
      assert_non_null(datum_of(&batch, PM_CLOUDWATCH_LOSS, "City00,C0")); /* it loses */
      assert_non_null(datum_of(&batch, PM_CLOUDWATCH_LOSS, "City11,C2")); /* the slowest */
      assert_datum(&batch, PM_CLOUDWATCH_LOSS, "*", 24, 100.0 / 24);
      assert_datum(&batch, PM_CLOUDWATCH_AVAILABILITY, "*", 12, 100);
      assert_datum(&batch, PM_CLOUDWATCH_TCP_RTT, "*", 23, 155.0 / 23);
      assert_datum(&batch, PM_CLOUDWATCH_LOSS, "*,C1", 8, 0);
    }
    pm_cloudwatch_batch_deinit(&batch);
  }
  assert_int_equal(counts.left_out, 0);
  pm_cloudwatch_paths_free(paths);
}

static void test_a_ceiling_that_suffices_changes_nothing(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(true, 5 + 12 * 6);
  struct pm_cloudwatch_paths_counts counts;
  probe_all(paths);
  struct pm_cloudwatch_batch batch = flush_at(paths, 0);
  pm_cloudwatch_paths_counts(paths, &counts);
  assert_int_equal(counts.in_detail, 12);
  assert_int_equal(counts.metrics, 72);
  assert_null(datum_of(&batch, PM_CLOUDWATCH_LOSS, "*"));
  pm_cloudwatch_batch_deinit(&batch);
  pm_cloudwatch_paths_free(paths);
}

static void test_newcomers_within_the_hour_are_rolled_up(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(false, 13);
  struct pm_cloudwatch_paths_counts counts;
  add(paths, "Old,X", success_of(1, false));
  struct pm_cloudwatch_batch batch = flush_at(paths, 0);
  assert_int_equal(batch.count, 5);
  pm_cloudwatch_batch_deinit(&batch);
  for (int minute = 1; minute < 60; minute++) {
    char to[32];
    snprintf(to, sizeof(to), "New%d,X", minute);
    add(paths, to, success_of(1000, true)); /* and with TLS, which "*" had no place for */
    batch = flush_at(paths, minute);
    pm_cloudwatch_paths_counts(paths, &counts);
    assert_in_range(counts.metrics, 5, 13);
    assert_datum(&batch, PM_CLOUDWATCH_LOSS, "*", 1, 0);
    assert_null(datum_of(&batch, PM_CLOUDWATCH_LOSS, to));
    pm_cloudwatch_batch_deinit(&batch);
  }
  pm_cloudwatch_paths_free(paths);
}

static void test_paths_that_nobody_probes_are_forgotten(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(false, 0);
  struct pm_cloudwatch_paths_counts counts;
  add(paths, "Gone,X", success_of(1, false));
  struct pm_cloudwatch_batch batch = flush_at(paths, 0);
  pm_cloudwatch_batch_deinit(&batch);
  for (int64_t minute = 60; minute <= 120; minute += 60) {
    add(paths, "Here,X", success_of(1, false));
    batch = flush_at(paths, minute);
    pm_cloudwatch_batch_deinit(&batch);
  }
  pm_cloudwatch_paths_counts(paths, &counts);
  assert_int_equal(counts.paths, 1);
  pm_cloudwatch_paths_free(paths);
}

static void test_paths_are_bounded(void **state) {
  (void)state;
  struct pm_cloudwatch_paths *paths = paths_of(false, 0);
  struct pm_cloudwatch_paths_counts counts;
  for (int i = 0; i < PM_CLOUDWATCH_PATHS_MAX + 10; i++) {
    char to[32];
    snprintf(to, sizeof(to), "%d", i);
    add(paths, to, failure_of(PM_OUTCOME_TIMEOUT));
  }
  pm_cloudwatch_paths_counts(paths, &counts);
  assert_int_equal(counts.paths, PM_CLOUDWATCH_PATHS_MAX);
  assert_int_equal(counts.lost, 10);
  pm_cloudwatch_paths_free(paths);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_phase_and_every_probe),
      cmocka_unit_test(test_a_path_that_is_down_is_published),
      cmocka_unit_test(test_what_was_not_tried_says_nothing),
      cmocka_unit_test(test_starved_user_space_times_are_no_latency),
      cmocka_unit_test(test_the_old_metric_by_status_and_its_switch),
      cmocka_unit_test(test_the_ceiling_keeps_the_worst),
      cmocka_unit_test(test_a_ceiling_that_suffices_changes_nothing),
      cmocka_unit_test(test_newcomers_within_the_hour_are_rolled_up),
      cmocka_unit_test(test_paths_that_nobody_probes_are_forgotten),
      cmocka_unit_test(test_paths_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
