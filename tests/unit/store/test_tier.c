/* What is kept for how long: the arithmetic of keys, horizons and steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/tier.h"

enum { NOW = 29000040, HOUR = 60, DAY = 1440 };

static void keys_ascend_by_pair_then_time(void **state) {
  (void)state;
  assert_true(pm_tier_key(1, PM_TIER_MINUTE_MAX) < pm_tier_key(2, 0));
  assert_true(pm_tier_key(2, 5) < pm_tier_key(2, 6));
  assert_int_equal(pm_tier_key_pair(pm_tier_key(77, NOW)), 77);
  assert_int_equal(pm_tier_key_minute(pm_tier_key(77, NOW)), NOW);
  assert_int_equal(pm_tier_align(PM_TIER_TEN, NOW + 19), NOW + 10);
  assert_int_equal(pm_tier_align(PM_TIER_HOUR, NOW + 59), NOW);
}

static void a_minute_goes_to_the_shortest_row_that_is_kept(void **state) {
  (void)state;
  const int64_t horizons[] = {NOW - 2 * DAY, NOW - 30 * DAY, NOW - 400 * DAY};
  const struct {
    int64_t minute;
    enum pm_tier tier;
  } cases[] = {{NOW, PM_TIER_MINUTE},
               {NOW - 2 * DAY, PM_TIER_MINUTE},
               {NOW - 2 * DAY - 1, PM_TIER_TEN},
               {NOW - 30 * DAY - 1, PM_TIER_HOUR},
               {NOW - 400 * DAY, PM_TIER_HOUR},
               {NOW - 400 * DAY - 1, PM_TIER_COUNT},
               {0, PM_TIER_COUNT},
               {NOW + 9 * DAY, PM_TIER_MINUTE}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_int_equal(pm_tier_of(horizons, cases[i].minute), cases[i].tier);
}

static void a_horizon_follows_the_clock_and_never_leaps(void **state) {
  (void)state;
  struct pm_tier_keep keep = pm_tier_keep_in_file();
  const struct {
    int64_t horizon, earliest, now, next;
  } cases[] = {
      /* Nothing there, or nothing that old: it stays, whatever the clock says. */
      {0, INT64_MAX, NOW, 0},
      {0, NOW - 2 * DAY, NOW, 0},
      {0, NOW, NOW + 4000 * DAY, NOW + 120},
      {0, INT64_MAX, NOW + 4000 * DAY, 0},
      /* An hour is too old. */
      {0, NOW - 2 * DAY - 60, NOW, NOW - 2 * DAY},
      {NOW - 2 * DAY - 60, NOW - 2 * DAY - 60, NOW, NOW - 2 * DAY},
      /* Part of an hour is not yet. */
      {NOW - 2 * DAY, NOW - 2 * DAY, NOW + 59, NOW - 2 * DAY},
      /* After a week without power: two hours a run. */
      {NOW - 9 * DAY, NOW - 9 * DAY, NOW, NOW - 9 * DAY + 120},
      /* Rows of 1970, from before the clock was set. */
      {0, 61, NOW, 180},
      /* A clock that is set back deletes nothing. */
      {NOW - 2 * DAY, NOW - 2 * DAY, NOW - 500 * DAY, NOW - 2 * DAY},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_int_equal(pm_tier_next_horizon(PM_TIER_MINUTE, &keep, cases[i].horizon,
                                          cases[i].earliest, cases[i].now),
                     cases[i].next);
}

static void without_room_the_latest_stays(void **state) {
  (void)state;
  int64_t horizon = NOW - 2 * DAY, before;
  int runs = 0;
  do {
    before = horizon;
    horizon = pm_tier_tight_horizon(PM_TIER_MINUTE, horizon, horizon, NOW);
    runs++;
  } while (horizon > before);
  assert_int_equal(horizon, NOW - HOUR);
  assert_int_equal(runs, 25); /* 47 hours, two at a time, and one run that finds nothing to do */
  assert_int_equal(pm_tier_tight_horizon(PM_TIER_MINUTE, 0, INT64_MAX, NOW), 0);
}

static void a_step_is_as_fine_as_what_is_kept(void **state) {
  (void)state;
  const int64_t horizons[] = {NOW - 2 * DAY, NOW - 30 * DAY, NOW - 400 * DAY};
  const struct {
    int64_t since, step, expected;
    enum pm_tier tier;
  } cases[] = {{NOW - DAY, 1, 1, PM_TIER_MINUTE},        {NOW - DAY, 10, 10, PM_TIER_TEN},
               {NOW - DAY, 15, 15, PM_TIER_MINUTE},      {NOW - 3 * DAY, 1, 10, PM_TIER_TEN},
               {NOW - 3 * DAY, 15, 20, PM_TIER_TEN},     {NOW - 40 * DAY, 10, 60, PM_TIER_HOUR},
               {NOW - 40 * DAY, 120, 120, PM_TIER_HOUR}, {0, 1, 60, PM_TIER_HOUR},
               {NOW - 30 * DAY, 30, 30, PM_TIER_TEN}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    int64_t step = pm_tier_step(horizons, cases[i].since, cases[i].step);
    assert_int_equal(step, cases[i].expected);
    assert_int_equal(pm_tier_of_step(step), cases[i].tier);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_ascend_by_pair_then_time),
      cmocka_unit_test(a_minute_goes_to_the_shortest_row_that_is_kept),
      cmocka_unit_test(a_horizon_follows_the_clock_and_never_leaps),
      cmocka_unit_test(without_room_the_latest_stays),
      cmocka_unit_test(a_step_is_as_fine_as_what_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
