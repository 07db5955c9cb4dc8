/* Hours of the week that are slower: found where they are, and not found in noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/pattern.h"
#include "base/rng.h"

enum { WEEK = 168, DAY = 24, FOUR_WEEKS = 4 * WEEK, HOURS_MAX = 60 * WEEK, RUNS = 100 };

/* Mean 0, variance 1 (Box and Muller). */
static double normal(struct pm_rng *rng) {
  double u = 1 - pm_rng_unit(rng);
  return sqrt(-2 * log(u)) * cos(2 * M_PI * pm_rng_unit(rng));
}

/* --- kinds of paths without a pattern ----------------------------------------------------------
 */

struct path {
  double memory; /* of the hour before: 0 none, near 1 much */
  double sigma;  /* of the logarithm */
  double shift;  /* chance an hour that it is routed anew, to another level */
  double spike;  /* chance an hour that it is ten times as slow */
  double missing;
};

static const struct path PATHS[] = {
    {.sigma = 0.05},
    {.sigma = 0.8},
    {.sigma = 0.1, .memory = 0.8},
    {.sigma = 0.2, .memory = 0.97},
    {.sigma = 0.05, .shift = 0.02},
    {.sigma = 0.1, .memory = 0.5, .shift = 0.005, .spike = 0.02, .missing = 0.2},
};
enum { PATHS_COUNT = sizeof(PATHS) / sizeof(PATHS[0]) };

static size_t make(const struct path *path, struct pm_rng *rng, unsigned hours,
                   struct pm_pattern_hour *out) {
  double state = normal(rng), level = 20e6;
  unsigned begin = (unsigned)pm_rng_below(rng, WEEK);
  size_t count = 0;
  for (unsigned hour = 0; hour < hours; hour++) {
    state = path->memory * state + sqrt(1 - path->memory * path->memory) * normal(rng);
    if (pm_rng_unit(rng) < path->shift) level = 20e6 * exp(0.5 * normal(rng));
    double median = level * exp(path->sigma * state);
    if (pm_rng_unit(rng) < path->spike) median *= 10;
    if (pm_rng_unit(rng) < path->missing) continue;
    out[count++] = (struct pm_pattern_hour){(uint16_t)((begin + hour) % WEEK), (int64_t)median};
  }
  return count;
}

/* --- nothing to be found -----------------------------------------------------------------------
 */

static unsigned found_in(const struct path *path, unsigned hours, unsigned runs) {
  static struct pm_pattern_hour values[HOURS_MAX];
  struct pm_pattern pattern;
  unsigned found = 0;
  for (unsigned seed = 1; seed <= runs; seed++) {
    struct pm_rng rng;
    pm_rng_seed(&rng, seed);
    size_t count = make(path, &rng, hours, values);
    assert_int_equal(pm_pattern_find(values, count, &pattern), PM_OK);
    found += pattern.daily || pattern.weekly;
    for (int i = 0; i < WEEK && !pattern.daily && !pattern.weekly; i++)
      assert_false(pattern.slow[i]);
  }
  return found;
}

/* 2 in 1,000 are what the header promises: of 600 runs at that rate more than 5 would be found
 * once in a thousand times, of 100 more than 2. */
static void noise_has_no_pattern(void **state) {
  (void)state;
  unsigned all = 0;
  for (size_t i = 0; i < PATHS_COUNT; i++) {
    unsigned found = found_in(&PATHS[i], FOUR_WEEKS, RUNS);
    print_message("path %zu: %u of %d\n", i, found, RUNS);
    assert_true(found <= 2);
    all += found;
  }
  assert_true(all <= 5);
}

static void a_few_days_of_noise_have_no_pattern(void **state) {
  (void)state;
  for (size_t i = 0; i < PATHS_COUNT; i++) {
    unsigned found = found_in(&PATHS[i], 5 * DAY, RUNS);
    print_message("path %zu: %u of %d\n", i, found, RUNS);
    assert_true(found <= 2);
  }
}

static void what_is_always_the_same_has_no_pattern(void **state) {
  struct pm_pattern_hour values[FOUR_WEEKS];
  struct pm_pattern pattern;
  (void)state;
  for (unsigned i = 0; i < FOUR_WEEKS; i++)
    values[i] = (struct pm_pattern_hour){(uint16_t)(i % WEEK), 5000000};
  assert_int_equal(pm_pattern_find(values, FOUR_WEEKS, &pattern), PM_OK);
  assert_false(pattern.daily);
  assert_false(pattern.weekly);
  assert_int_equal(pattern.median_ns, 5000000);
}

/* --- something to be found ---------------------------------------------------------------------
 */

static bool in_office_hours(unsigned hour_of_week) {
  unsigned hour = hour_of_week % DAY;
  return hour >= 9 && hour < 17;
}
static bool on_workdays(unsigned hour_of_week) {
  return in_office_hours(hour_of_week) && hour_of_week < 5 * DAY;
}
static bool on_saturday(unsigned hour_of_week) {
  return hour_of_week / DAY == 5;
}
static bool around_midnight(unsigned hour_of_week) {
  return hour_of_week % DAY == 23 || hour_of_week % DAY == 0;
}

static void slow_hours_are_found_and_no_others(void **state) {
  (void)state;
  const struct {
    const char *name;
    bool (*slow)(unsigned hour_of_week);
    double by;
    unsigned weeks;
    struct path path;
    bool daily, weekly;
    unsigned missed_max; /* of the slow hours of a week, on the average over the seeds */
  } cases[] = {
      {"office hours", in_office_hours, 1.3, 4, {.sigma = 0.05}, true, false, 0},
      {"office hours, noisy", in_office_hours, 1.3, 4, {.sigma = 0.15}, true, false, 3},
      {"office hours in one week", in_office_hours, 1.3, 1, {.sigma = 0.05}, true, false, 56},
      {"routed anew", in_office_hours, 1.3, 4, {.sigma = 0.05, .shift = 0.01}, true, false, 16},
      {"around midnight", around_midnight, 1.3, 4, {.sigma = 0.05}, true, false, 0},
      {"workdays", on_workdays, 1.5, 4, {.sigma = 0.05}, true, true, 1},
      {"saturdays", on_saturday, 1.5, 8, {.sigma = 0.05}, false, true, 1},
  };
  static struct pm_pattern_hour values[HOURS_MAX];
  struct pm_pattern pattern;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    unsigned missed = 0, wrong = 0;
    enum { SEEDS = 10 };
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
      struct pm_rng rng;
      pm_rng_seed(&rng, 1000 + seed);
      size_t count = make(&cases[i].path, &rng, cases[i].weeks * WEEK, values);
      for (size_t v = 0; v < count; v++)
        if (cases[i].slow(values[v].hour_of_week))
          values[v].median_ns = (int64_t)((double)values[v].median_ns * cases[i].by);
      assert_int_equal(pm_pattern_find(values, count, &pattern), PM_OK);
      if (pattern.daily != cases[i].daily || (cases[i].weekly && !pattern.weekly))
        fail_msg("%s, seed %u: day %g, week %g", cases[i].name, seed, pattern.p_day,
                 pattern.p_week);
      for (unsigned hour = 0; hour < WEEK; hour++) {
        missed += cases[i].slow(hour) && !pattern.slow[hour];
        wrong += !cases[i].slow(hour) && pattern.slow[hour];
      }
    }
    print_message("%s: missed %u, wrong %u in %d weeks\n", cases[i].name, missed, wrong, SEEDS);
    assert_true(missed <= cases[i].missed_max * SEEDS);
    assert_true(wrong <= SEEDS / 10); /* hours, of some 4,000 */
  }
}

/* A pattern of the day alone is none of the week: the hour of the day is taken out first. */
static void a_pattern_of_the_day_is_none_of_the_week(void **state) {
  static struct pm_pattern_hour values[HOURS_MAX];
  struct pm_pattern pattern;
  unsigned weekly = 0;
  (void)state;
  for (unsigned seed = 1; seed <= 40; seed++) {
    struct pm_rng rng;
    pm_rng_seed(&rng, seed);
    size_t count = make(&(struct path){.sigma = 0.1}, &rng, FOUR_WEEKS, values);
    for (size_t i = 0; i < count; i++)
      if (in_office_hours(values[i].hour_of_week)) values[i].median_ns *= 2;
    assert_int_equal(pm_pattern_find(values, count, &pattern), PM_OK);
    assert_true(pattern.daily);
    weekly += pattern.weekly;
  }
  assert_true(weekly <= 1);
}

static void how_much_slower_is_told_of_each_hour(void **state) {
  struct pm_pattern_hour values[FOUR_WEEKS];
  struct pm_pattern pattern;
  (void)state;
  for (unsigned i = 0; i < FOUR_WEEKS; i++)
    values[i] = (struct pm_pattern_hour){(uint16_t)(i % WEEK),
                                         10000000 + i / WEEK + (i % DAY == 5 ? 4000000 : 0)};
  assert_int_equal(pm_pattern_find(values, FOUR_WEEKS, &pattern), PM_OK);
  assert_true(pattern.daily);
  assert_float_equal(pattern.slower_by[5], 0.4, 0.001);
  assert_float_equal(pattern.slower_by[4], 0, 0.001);
  for (unsigned hour = 0; hour < WEEK; hour++)
    assert_int_equal(pattern.slow[hour], hour % DAY == 5);
}

static void too_few_days_say_nothing(void **state) {
  struct pm_pattern_hour values[FOUR_WEEKS];
  struct pm_pattern pattern;
  (void)state;
  for (unsigned i = 0; i < 3 * DAY; i++)
    values[i] = (struct pm_pattern_hour){(uint16_t)(i % WEEK), i % DAY < 8 ? 9000000 : 1000000 + i};
  assert_int_equal(pm_pattern_find(values, 3 * DAY, &pattern), PM_OK);
  assert_false(pattern.daily);
  assert_false(pattern.weekly);
  assert_int_equal(pm_pattern_find(values, 0, &pattern), PM_OK);
  assert_false(pattern.daily);
  assert_int_equal(pattern.median_ns, 0);
}

static void what_is_no_hour_is_refused(void **state) {
  struct pm_pattern pattern;
  static struct pm_pattern_hour values[PM_PATTERN_HOURS_MAX + 1];
  (void)state;
  values[0] = (struct pm_pattern_hour){WEEK, 1000};
  assert_int_equal(pm_pattern_find(values, 1, &pattern), PM_ERR_RANGE);
  values[0] = (struct pm_pattern_hour){WEEK - 1, 0};
  assert_int_equal(pm_pattern_find(values, 1, &pattern), PM_ERR_RANGE);
  assert_int_equal(pm_pattern_find(values, PM_PATTERN_HOURS_MAX + 1, &pattern), PM_ERR_TOO_LARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(noise_has_no_pattern),
      cmocka_unit_test(a_few_days_of_noise_have_no_pattern),
      cmocka_unit_test(what_is_always_the_same_has_no_pattern),
      cmocka_unit_test(slow_hours_are_found_and_no_others),
      cmocka_unit_test(a_pattern_of_the_day_is_none_of_the_week),
      cmocka_unit_test(how_much_slower_is_told_of_each_hour),
      cmocka_unit_test(too_few_days_say_nothing),
      cmocka_unit_test(what_is_no_hour_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
