#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/rng.h"
#include "probe/target.h"
#include "samples.h"

static struct pm_target_spec spec_of(const char *text, int64_t limit, int64_t delay_s,
                                     int64_t fail_max) {
  struct pm_target_spec spec = {.limit = limit, .delay_s = delay_s, .fail_max = fail_max};
  assert_int_equal(pm_endpoint_parse(text, NULL, &spec.endpoint, NULL), PM_OK);
  return spec;
}

static struct pm_target target_of(int64_t limit, int64_t delay_s, int64_t fail_max) {
  struct pm_target_spec spec = spec_of("http://a.example/v1/ping", limit, delay_s, fail_max);
  struct pm_target target;
  pm_target_init(&target, 7, &spec, (struct pm_wall){5});
  return target;
}

static enum pm_target_event answer(struct pm_target *target) {
  struct pm_sample sample = sample_success(1, 1);
  return pm_target_record(target, &sample, NULL);
}

static enum pm_target_event miss(struct pm_target *target, enum pm_outcome outcome) {
  struct pm_sample sample = sample_failure(1, outcome, 0);
  return pm_target_record(target, &sample, NULL);
}

/* Records that many failures that must not end it, and then one. */
static enum pm_target_event miss_after(struct pm_target *target, int before) {
  for (int i = 0; i < before; i++) {
    assert_int_equal(miss(target, PM_OUTCOME_CONNECT), PM_TARGET_GOES_ON);
    assert_int_equal(target->state, PM_TARGET_ACTIVE);
  }
  return miss(target, PM_OUTCOME_CONNECT);
}

static void a_new_target_is_active_and_its_numbers_are_in_range(void **state) {
  (void)state;
  struct pm_target target = target_of(-3, -1, 0);
  assert_int_equal(target.id, 7);
  assert_int_equal(target.state, PM_TARGET_ACTIVE);
  assert_int_equal(target.added.ns, 5);
  assert_int_equal(target.spec.limit, 0);
  assert_int_equal(target.spec.delay_s, 0);
  assert_int_equal(target.spec.fail_max, 1);
  pm_target_deinit(&target);
  target = target_of(0, 1000000, 100);
  assert_int_equal(target.spec.delay_s, 86400);
  pm_target_deinit(&target);
}

static void without_a_limit_successes_go_on(void **state) {
  (void)state;
  struct pm_target target = target_of(0, 10, 100);
  for (int i = 0; i < 500; i++) assert_int_equal(answer(&target), PM_TARGET_GOES_ON);
  assert_int_equal(target.stats.successes, 500);
  pm_target_deinit(&target);
}

static void the_limit_counts_successes(void **state) {
  (void)state;
  struct pm_target target = target_of(3, 1, 100);
  assert_int_equal(answer(&target), PM_TARGET_GOES_ON);
  assert_int_equal(miss(&target, PM_OUTCOME_TIMEOUT), PM_TARGET_GOES_ON);
  assert_int_equal(miss(&target, PM_OUTCOME_TIMEOUT), PM_TARGET_GOES_ON);
  assert_int_equal(answer(&target), PM_TARGET_GOES_ON);
  assert_int_equal(answer(&target), PM_TARGET_ENDS_DONE);
  assert_int_equal(target.state, PM_TARGET_DONE);
  pm_target_deinit(&target);
}

/* -d 1 -f 3; -d 1 -n 1 -f 5: as recorded from the original. */
static void it_is_given_up_at_the_smaller_of_fail_max_and_limit(void **state) {
  (void)state;
  static const struct {
    int64_t limit, fail_max, failures;
  } rows[] = {{0, 3, 3},     {1, 5, 1}, {5, 3, 3},      {4, 4, 4},
              {0, 100, 100}, {0, 1, 1}, {200, 100, 100}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_target target = target_of(rows[i].limit, 1, rows[i].fail_max);
    assert_int_equal(pm_target_fail_limit(&target), rows[i].failures);
    assert_int_equal(miss_after(&target, (int)rows[i].failures - 1), PM_TARGET_GAVE_UP);
    assert_int_equal(target.state, PM_TARGET_GIVEN_UP);
    assert_int_equal(target.stats.failures, rows[i].failures);
    pm_target_deinit(&target);
  }
}

static void only_failures_in_a_row_count(void **state) {
  (void)state;
  struct pm_target target = target_of(0, 1, 3);
  for (int i = 0; i < 50; i++) {
    assert_int_equal(miss_after(&target, 1), PM_TARGET_GOES_ON);
    assert_int_equal(answer(&target), PM_TARGET_GOES_ON);
  }
  assert_int_equal(target.stats.failures, 100);
  assert_int_equal(miss_after(&target, 2), PM_TARGET_GAVE_UP);
  pm_target_deinit(&target);
}

static void our_own_failures_do_not_give_it_up(void **state) {
  (void)state;
  struct pm_target target = target_of(0, 1, 3);
  assert_int_equal(miss_after(&target, 1), PM_TARGET_GOES_ON);
  for (int i = 0; i < 50; i++) {
    assert_int_equal(miss(&target, PM_OUTCOME_INTERNAL), PM_TARGET_GOES_ON);
  }
  assert_int_equal(target.state, PM_TARGET_ACTIVE);
  assert_int_equal(target.stats.failures, 52);
  assert_int_equal(miss(&target, PM_OUTCOME_CONNECT), PM_TARGET_GAVE_UP);
  pm_target_deinit(&target);
}

static void a_given_up_target_goes_on_recording_and_comes_back(void **state) {
  (void)state;
  struct pm_target target = target_of(0, 1, 2);
  assert_int_equal(miss_after(&target, 1), PM_TARGET_GAVE_UP);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(miss(&target, PM_OUTCOME_CONNECT), PM_TARGET_GOES_ON);
    assert_int_equal(target.state, PM_TARGET_GIVEN_UP);
  }
  assert_int_equal(target.stats.failures, 7);
  assert_int_equal(answer(&target), PM_TARGET_CAME_BACK);
  assert_int_equal(target.state, PM_TARGET_ACTIVE);
  assert_int_equal(answer(&target), PM_TARGET_GOES_ON);
  assert_int_equal(miss_after(&target, 1), PM_TARGET_GAVE_UP);
  pm_target_deinit(&target);
}

static void coming_back_with_the_last_success_of_the_limit_is_done(void **state) {
  (void)state;
  struct pm_target target = target_of(1, 1, 100);
  assert_int_equal(miss(&target, PM_OUTCOME_CONNECT), PM_TARGET_GAVE_UP);
  assert_int_equal(answer(&target), PM_TARGET_ENDS_DONE);
  assert_int_equal(target.state, PM_TARGET_DONE);
  pm_target_deinit(&target);
}

/* -d 0 -n 3 stopped after one sample; a failing one looped without sleeping. */
static void a_delay_of_0_means_one_probe(void **state) {
  (void)state;
  static const enum pm_outcome outcomes[] = {PM_OUTCOME_SUCCESS, PM_OUTCOME_CONNECT,
                                             PM_OUTCOME_INTERNAL};
  static const int64_t limits[] = {0, 1, 3};
  for (size_t i = 0; i < 9; i++) {
    struct pm_target target = target_of(limits[i / 3], 0, 1);
    struct pm_sample sample = sample_failure(1, outcomes[i % 3], 0);
    assert_int_equal(pm_target_record(&target, &sample, NULL), PM_TARGET_ENDS_DONE);
    assert_int_equal(target.state, PM_TARGET_DONE);
    assert_int_equal(target.stats.successes + target.stats.failures, 1);
    pm_target_deinit(&target);
  }
}

static void what_has_ended_records_nothing_more(void **state) {
  (void)state;
  static const enum pm_target_state ended[] = {PM_TARGET_DONE, PM_TARGET_REMOVED};
  for (size_t i = 0; i < 2; i++) {
    struct pm_target target = target_of(0, 1, 1);
    target.state = ended[i];
    assert_int_equal(answer(&target), PM_TARGET_GOES_ON);
    assert_int_equal(miss(&target, PM_OUTCOME_CONNECT), PM_TARGET_GOES_ON);
    assert_int_equal(target.state, ended[i]);
    assert_int_equal(target.stats.successes + target.stats.failures, 0);
    pm_target_deinit(&target);
  }
}

static void it_is_unknown_then_known_by_its_url(void **state) {
  (void)state;
  struct pm_target target = target_of(0, 1, 100);
  assert_string_equal(pm_target_location(&target), "unknown");
  miss(&target, PM_OUTCOME_CONNECT);
  assert_string_equal(pm_target_location(&target), "unknown");
  answer(&target);
  assert_string_equal(pm_target_location(&target), "http://a.example/v1/ping");
  pm_target_deinit(&target);
}

static void the_remotes_first_word_names_it(void **state) {
  (void)state;
  struct pm_target target = target_of(0, 1, 100);
  struct pm_sample failure = sample_failure(1, PM_OUTCOME_STATUS, 500);
  pm_target_record(&target, &failure, "Error page");
  assert_string_equal(pm_target_location(&target), "unknown");
  struct pm_sample success = sample_success(2, 1);
  pm_target_record(&target, &success, "");
  assert_string_equal(pm_target_location(&target), "http://a.example/v1/ping");
  pm_target_record(&target, &success, "Paris,FR");
  pm_target_record(&target, &success, "London,UK");
  assert_string_equal(pm_target_location(&target), "Paris,FR");
  pm_target_deinit(&target);
}

static void a_written_location_wins(void **state) {
  (void)state;
  struct pm_target_spec spec = spec_of("http://a.example/v1/ping#Oslo,NO", 0, 1, 100);
  struct pm_target target;
  pm_target_init(&target, 1, &spec, (struct pm_wall){1});
  assert_string_equal(pm_target_location(&target), "Oslo,NO");
  struct pm_sample success = sample_success(1, 1);
  pm_target_record(&target, &success, "Paris,FR");
  assert_string_equal(pm_target_location(&target), "Oslo,NO");
  assert_string_equal(pm_target_own_word(&target), "Paris,FR");
  pm_target_deinit(&target);
}

static void a_location_that_is_too_long_is_cut_at_a_character(void **state) {
  (void)state;
  struct pm_target target = target_of(0, 1, 100);
  char location[201] = "";
  for (int i = 0; i < 100; i++) memcpy(location + 2 * i, "\xc3\xa9", 3);
  struct pm_sample success = sample_success(1, 1);
  pm_target_record(&target, &success, location);
  assert_int_equal(strlen(target.location), PM_LOCATION_BYTES - 2);
  pm_target_deinit(&target);
}

static void states_have_names(void **state) {
  (void)state;
  assert_string_equal(pm_target_state_text(PM_TARGET_ACTIVE), "active");
  assert_string_equal(pm_target_state_text(PM_TARGET_GIVEN_UP), "given-up");
  assert_string_equal(pm_target_state_text(PM_TARGET_DONE), "done");
  assert_string_equal(pm_target_state_text(PM_TARGET_REMOVED), "removed");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_target_is_active_and_its_numbers_are_in_range),
      cmocka_unit_test(without_a_limit_successes_go_on),
      cmocka_unit_test(the_limit_counts_successes),
      cmocka_unit_test(it_is_given_up_at_the_smaller_of_fail_max_and_limit),
      cmocka_unit_test(only_failures_in_a_row_count),
      cmocka_unit_test(our_own_failures_do_not_give_it_up),
      cmocka_unit_test(a_given_up_target_goes_on_recording_and_comes_back),
      cmocka_unit_test(coming_back_with_the_last_success_of_the_limit_is_done),
      cmocka_unit_test(a_delay_of_0_means_one_probe),
      cmocka_unit_test(what_has_ended_records_nothing_more),
      cmocka_unit_test(it_is_unknown_then_known_by_its_url),
      cmocka_unit_test(the_remotes_first_word_names_it),
      cmocka_unit_test(a_written_location_wins),
      cmocka_unit_test(a_location_that_is_too_long_is_cut_at_a_character),
      cmocka_unit_test(states_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
