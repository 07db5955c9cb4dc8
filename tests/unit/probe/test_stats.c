#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "probe/stats.h"
#include "samples.h"

enum { MS = PM_NS_PER_MS };

static void add(struct pm_stats *stats, struct pm_sample sample) {
  assert_int_equal(pm_stats_add(stats, &sample), PM_OK);
}

static void empty_statistics_are_zero(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  assert_int_equal(stats.successes, 0);
  assert_int_equal(stats.latest_status, 0);
  assert_int_equal(pm_stats_mean_ns(&stats, PM_PHASE_TOTAL), 0);
  assert_true(pm_stats_loss(&stats) == 0);
  pm_stats_deinit(&stats);
}

static void successes_are_summed_up(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  for (int n = 1; n <= 4; n++) add(&stats, sample_success(n, n));
  assert_int_equal(stats.successes, 4);
  assert_int_equal(stats.failures, 0);
  assert_int_equal(stats.outcomes[PM_OUTCOME_SUCCESS], 4);
  assert_int_equal(stats.first_success.ns, 1 * (int64_t)PM_NS_PER_S);
  assert_int_equal(stats.latest_success.ns, 4 * (int64_t)PM_NS_PER_S);
  assert_int_equal(stats.latest_sample.ns, 4 * (int64_t)PM_NS_PER_S);
  assert_int_equal(stats.body_bytes, 400);
  assert_int_equal(stats.latest_status, 200);
  assert_int_equal(stats.remote.family, PM_IP_V4);
  assert_int_equal(stats.remote.bytes[0], 127);
  const struct pm_phase_stats *tcp = &stats.phases[PM_PHASE_TCP]; /* 2, 4, 6, 8 ms */
  assert_int_equal(tcp->sum_ns, 20 * MS);
  assert_int_equal(tcp->min_ns, 2 * MS);
  assert_int_equal(tcp->max_ns, 8 * MS);
  assert_int_equal(tcp->latest_ns, 8 * MS);
  assert_int_equal(pm_stats_mean_ns(&stats, PM_PHASE_TCP), 5 * MS);
  assert_int_equal(pm_stats_mean_ns(&stats, PM_PHASE_TOTAL), 15 * MS);
  pm_stats_deinit(&stats);
}

static void failures_add_no_latency(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  add(&stats, sample_success(1, 1));
  add(&stats, sample_failure(2, PM_OUTCOME_TIMEOUT, 0));
  add(&stats, sample_failure(3, PM_OUTCOME_STATUS, 404));
  assert_int_equal(stats.successes, 1);
  assert_int_equal(stats.failures, 2);
  assert_int_equal(stats.outcomes[PM_OUTCOME_TIMEOUT], 1);
  assert_int_equal(stats.outcomes[PM_OUTCOME_STATUS], 1);
  assert_int_equal(stats.phases[PM_PHASE_TOTAL].max_ns, 6 * MS);
  assert_int_equal(stats.body_bytes, 100);
  assert_int_equal(stats.latest_success.ns, 1 * (int64_t)PM_NS_PER_S);
  assert_int_equal(stats.latest_sample.ns, 3 * (int64_t)PM_NS_PER_S);
  assert_true(fabs(pm_stats_loss(&stats) - 2.0 / 3) < 1e-12);
  pm_stats_deinit(&stats);
}

static void what_was_not_tried_is_not_lost(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  add(&stats, sample_failure(1, PM_OUTCOME_INTERNAL, 0));
  add(&stats, sample_failure(2, PM_OUTCOME_POLICY, 0));
  assert_int_equal(stats.failures, 2);
  assert_true(pm_stats_loss(&stats) == 0);
  add(&stats, sample_success(3, 1));
  add(&stats, sample_failure(4, PM_OUTCOME_CONNECT, 0));
  assert_int_equal(stats.failures, 3);
  assert_true(pm_stats_loss(&stats) == 0.5);
  pm_stats_deinit(&stats);
}

static void without_a_status_line_the_status_is_502(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  add(&stats, sample_failure(1, PM_OUTCOME_CONNECT, 0));
  assert_int_equal(stats.latest_status, 502);
  add(&stats, sample_failure(2, PM_OUTCOME_STATUS, 404));
  assert_int_equal(stats.latest_status, 404);
  add(&stats, sample_success(3, 1));
  assert_int_equal(stats.latest_status, 200);
  add(&stats, sample_failure(4, PM_OUTCOME_INTERNAL, 0));
  assert_int_equal(stats.latest_status, 502);
  pm_stats_deinit(&stats);
}

static void a_success_ends_the_row_of_failures(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  for (int n = 1; n <= 3; n++) add(&stats, sample_failure(n, PM_OUTCOME_CLOSED, 0));
  assert_int_equal(stats.failures_in_a_row, 3);
  add(&stats, sample_success(4, 1));
  assert_int_equal(stats.failures_in_a_row, 0);
  add(&stats, sample_failure(5, PM_OUTCOME_CLOSED, 0));
  assert_int_equal(stats.failures_in_a_row, 1);
  assert_int_equal(stats.failures, 4);
  pm_stats_deinit(&stats);
}

static void a_failure_of_our_own_neither_lengthens_nor_ends_the_row(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  add(&stats, sample_failure(1, PM_OUTCOME_TLS, 0));
  add(&stats, sample_failure(2, PM_OUTCOME_INTERNAL, 0));
  add(&stats, sample_failure(3, PM_OUTCOME_TLS, 0));
  assert_int_equal(stats.failures, 3);
  assert_int_equal(stats.outcomes[PM_OUTCOME_INTERNAL], 1);
  assert_int_equal(stats.failures_in_a_row, 2);
  pm_stats_deinit(&stats);
}

/* TLS over http, or the lookup of a literal address. */
static void a_phase_that_did_not_happen_has_no_minimum(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  const struct pm_phase_stats *tls = &stats.phases[PM_PHASE_TLS];
  struct pm_sample sample = sample_success(1, 1);
  sample.phase_ns[PM_PHASE_TLS] = 0;
  add(&stats, sample);
  assert_int_equal(tls->min_ns, 0);
  add(&stats, sample_success(2, 2)); /* 6 ms */
  add(&stats, sample);
  add(&stats, sample_success(4, 2));
  assert_int_equal(tls->min_ns, 6 * MS);
  assert_int_equal(tls->max_ns, 6 * MS);
  assert_int_equal(pm_stats_mean_ns(&stats, PM_PHASE_TLS), 3 * MS);
  add(&stats, sample);
  assert_int_equal(tls->latest_ns, 0);
  assert_int_equal(stats.buckets[PM_PHASE_TLS].latest_ns, 0);
  assert_int_equal(stats.buckets[PM_PHASE_TLS].count, 2);
  pm_stats_deinit(&stats);
}

/* What the original reported stays what it was; what we publish leaves out what cannot be trusted.
 */
static void starved_samples_are_in_the_sums_and_not_in_windows_or_buckets(void **state) {
  (void)state;
  struct pm_stats stats;
  struct pm_slot slot = {0};
  pm_stats_init(&stats);
  struct pm_sample starved = sample_success(1, 5); /* tcp 10 ms, total 30 ms */
  starved.verdict = PM_VERDICT_STARVED;
  starved.phase_timed_by[PM_PHASE_TCP] = PM_TIMED_BY_KERNEL;
  add(&stats, starved);
  add(&stats, sample_success(2, 1)); /* tcp 2 ms, total 6 ms */
  assert_int_equal(stats.successes, 2);
  assert_int_equal(stats.starved, 1);
  assert_int_equal(stats.phases[PM_PHASE_TOTAL].sum_ns, 36 * MS);
  assert_int_equal(pm_stats_mean_ns(&stats, PM_PHASE_TCP), 6 * MS);
  assert_int_equal(pm_window_query(&stats.window, PM_WINDOW_SPAN_1M,
                                   (struct pm_time){2 * (int64_t)PM_NS_PER_S}, &slot),
                   PM_OK);
  assert_int_equal(slot.sent, 2);
  assert_int_equal(slot.starved, 1);
  assert_int_equal(slot.phases[PM_PHASE_TCP].histogram.total, 2);
  assert_int_equal(slot.phases[PM_PHASE_TCP].max_ns, 10 * MS);
  assert_int_equal(slot.phases[PM_PHASE_TOTAL].histogram.total, 1);
  assert_int_equal(slot.phases[PM_PHASE_TOTAL].max_ns, 6 * MS);
  assert_int_equal(stats.buckets[PM_PHASE_TCP].count, 2);
  assert_int_equal(stats.buckets[PM_PHASE_TOTAL].count, 1);
  assert_int_equal(stats.buckets[PM_PHASE_TOTAL].sum_ns, 6 * MS);
  pm_slot_deinit(&slot);
  pm_stats_deinit(&stats);
}

static void verdicts_of_failures_count_too(void **state) {
  (void)state;
  struct pm_stats stats;
  pm_stats_init(&stats);
  struct pm_sample sample = sample_failure(1, PM_OUTCOME_TIMEOUT, 0);
  sample.verdict = PM_VERDICT_STARVED;
  sample.connection = (struct pm_sample_connection){.known = true, .syns_sent = 4};
  add(&stats, sample);
  sample.verdict = PM_VERDICT_RETRANSMITTED;
  add(&stats, sample);
  assert_int_equal(stats.starved, 1);
  assert_int_equal(stats.retransmitted, 2);
  pm_stats_deinit(&stats);
}

static void late_turns_are_counted_here_and_in_the_windows(void **state) {
  (void)state;
  struct pm_stats stats;
  struct pm_slot slot = {0};
  const struct pm_time now = {5 * (int64_t)PM_NS_PER_S};
  pm_stats_init(&stats);
  assert_int_equal(pm_stats_add_late(&stats, now, 3), PM_OK);
  assert_int_equal(pm_stats_add_late(&stats, now, 0), PM_OK);
  assert_int_equal(stats.late, 3);
  assert_int_equal(pm_window_query(&stats.window, PM_WINDOW_SPAN_10M, now, &slot), PM_OK);
  assert_int_equal(slot.late, 3);
  pm_slot_deinit(&slot);
  pm_stats_deinit(&stats);
}

static void every_phase_and_outcome_has_a_name_of_its_own(void **state) {
  (void)state;
  static const char *const phases[] = {"dns", "tcp", "tls", "first", "last", "total"};
  static const char *const outcomes[] = {"success",  "status",    "lookup",  "policy",
                                         "connect",  "tls",       "timeout", "closed",
                                         "protocol", "too-large", "internal"};
  assert_int_equal(PM_PHASE_COUNT, 6);
  assert_int_equal(PM_OUTCOME_COUNT, 11);
  for (int i = 0; i < PM_PHASE_COUNT; i++) {
    assert_string_equal(pm_phase_text((enum pm_phase)i), phases[i]);
  }
  for (int i = 0; i < PM_OUTCOME_COUNT; i++) {
    assert_string_equal(pm_outcome_text((enum pm_outcome)i), outcomes[i]);
  }
  assert_string_equal(pm_phase_text(PM_PHASE_COUNT), "unknown");
  assert_string_equal(pm_outcome_text(PM_OUTCOME_COUNT), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_statistics_are_zero),
      cmocka_unit_test(successes_are_summed_up),
      cmocka_unit_test(failures_add_no_latency),
      cmocka_unit_test(what_was_not_tried_is_not_lost),
      cmocka_unit_test(without_a_status_line_the_status_is_502),
      cmocka_unit_test(a_success_ends_the_row_of_failures),
      cmocka_unit_test(a_failure_of_our_own_neither_lengthens_nor_ends_the_row),
      cmocka_unit_test(a_phase_that_did_not_happen_has_no_minimum),
      cmocka_unit_test(starved_samples_are_in_the_sums_and_not_in_windows_or_buckets),
      cmocka_unit_test(verdicts_of_failures_count_too),
      cmocka_unit_test(late_turns_are_counted_here_and_in_the_windows),
      cmocka_unit_test(every_phase_and_outcome_has_a_name_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
