/* The hours of the week: where an hour belongs, and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minutes.h"
#include "store/profile.h"
#include "store/row.h"

enum { MONDAY = 28925280 }; /* 2024-12-30T00:00Z */

static const struct pm_zone UTC = {0};

static void an_hour_has_its_cell(void **state) {
  (void)state;
  const struct {
    int64_t minute;
    int32_t zone_min;
    int cell;
  } cases[] = {{MONDAY, 0, 0},
               {MONDAY + 60, 0, 1},
               {MONDAY + 6 * 1440, 0, 144},
               {MONDAY - 60, 0, 167},
               {MONDAY, 60, 1},
               {MONDAY, -60, 167},
               {MONDAY, 330, 6},
               {0, 0, 72} /* a Thursday */,
               {MONDAY, -1440, 144}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_int_equal(
        pm_profile_cell_of(cases[i].minute, &(struct pm_zone){.min = cases[i].zone_min}),
        cases[i].cell);
}

static void fold(struct pm_profile_folding *folding, struct pm_slot_sum *sum, int64_t minute,
                 int successes, int64_t ms, int lost) {
  size_t count;
  uint8_t *bytes = minute_packed(successes, ms, lost, &count);
  pm_row_sum_clear(sum);
  assert_int_equal(pm_slot_sum_add_packed(sum, bytes, count), PM_OK);
  pm_profile_fold(folding, minute, sum);
  free(bytes);
}

/* Four weeks of 10 ms, but 30 ms on Mondays from 9 to 10. */
static void a_slow_hour_shows_in_its_cell_alone(void **state) {
  (void)state;
  struct pm_profile_folding *folding;
  struct pm_slot_sum *sum = malloc(sizeof(*sum));
  struct pm_profile *profile = malloc(sizeof(*profile));
  pm_slot_sum_init(sum);
  assert_int_equal(pm_profile_folding_new(PM_PHASE_TCP, &UTC, &folding), PM_OK);
  for (int hour = 0; hour < 4 * 168; hour++)
    fold(folding, sum, MONDAY + hour * 60, 9, hour % 168 == 9 ? 30 : 10, 1);
  assert_int_equal(pm_profile_finish(folding, profile), PM_OK);
  for (int i = 0; i < 168; i++) {
    const struct pm_profile_cell *cell = &profile->cells[i];
    assert_int_equal(cell->hours, 4);
    assert_int_equal(cell->sent, 40);
    assert_int_equal(cell->lost, 4);
    assert_int_equal(cell->figures.count, 36);
    assert_int_equal(cell->figures.p50_ns / PM_NS_PER_MS, i == 9 ? 30 : 10);
    assert_int_equal(cell->median_low_ns / PM_NS_PER_MS, i == 9 ? 30 : 10);
    assert_int_equal(cell->median_high_ns, cell->median_ns);
  }
  assert_int_equal(profile->hours, 672);
  assert_int_equal(profile->all.count, 4 * 168 * 9);
  assert_int_equal(profile->all.p50_ns / PM_NS_PER_MS, 10);
  assert_int_equal(profile->all.max_ns, 30 * PM_NS_PER_MS);
  pm_profile_folding_free(folding);
  free(profile);
  free(sum);
}

static void quartiles_are_those_of_the_hours(void **state) {
  (void)state;
  struct pm_profile_folding *folding;
  struct pm_slot_sum *sum = malloc(sizeof(*sum));
  struct pm_profile *profile = malloc(sizeof(*profile));
  pm_slot_sum_init(sum);
  assert_int_equal(pm_profile_folding_new(PM_PHASE_TOTAL, &UTC, &folding), PM_OK);
  const int64_t weeks_ms[] = {40, 10, 30, 20, 90, 50, 70, 80};
  for (int week = 0; week < 8; week++)
    fold(folding, sum, MONDAY + week * 168 * 60, 1, weeks_ms[week], 0);
  fold(folding, sum, MONDAY + 60, 0, 0, 3); /* nothing but losses: an hour without a median */
  assert_int_equal(pm_profile_finish(folding, profile), PM_OK);
  assert_int_equal(profile->cells[0].median_low_ns, 20 * PM_NS_PER_MS);
  assert_int_equal(profile->cells[0].median_ns, 40 * PM_NS_PER_MS);
  assert_int_equal(profile->cells[0].median_high_ns, 70 * PM_NS_PER_MS);
  assert_int_equal(profile->cells[1].hours, 1);
  assert_int_equal(profile->cells[1].lost, 3);
  assert_int_equal(profile->cells[1].figures.count, 0);
  assert_int_equal(profile->cells[1].median_ns, 0);
  assert_int_equal(profile->cells[2].hours, 0);
  pm_profile_folding_free(folding);
  free(profile);
  free(sum);
}

/* Summer time ends on a Sunday in the middle of two weeks of Zurich. Eight to nine in the morning
 * by the viewer's clock is slow before and after it. */
static void an_hour_stays_its_own_over_the_end_of_summer_time(void **state) {
  (void)state;
  enum { SUNDAY_S = 1792890000, HOUR_S = 3600 }; /* 2026-10-25T01:00:00Z */
  struct pm_zone zone;
  struct pm_profile_folding *folding;
  struct pm_slot_sum *sum = malloc(sizeof(*sum));
  struct pm_profile *profile = malloc(sizeof(*profile));
  pm_slot_sum_init(sum);
  assert_int_equal(pm_zone_parse("+02:00,2026-10-25T01:00:00Z=+01:00", &zone, NULL), PM_OK);
  assert_int_equal(pm_profile_folding_new(PM_PHASE_TCP, &zone, &folding), PM_OK);
  for (int64_t at = SUNDAY_S - 7 * 24 * HOUR_S; at < SUNDAY_S + 7 * 24 * HOUR_S; at += HOUR_S) {
    int64_t local = at + (at < SUNDAY_S ? 2 : 1) * HOUR_S;
    bool slow = local / HOUR_S % 24 == 8;
    fold(folding, sum, at / 60, 9, slow ? 30 : 10, 0);
  }
  assert_int_equal(pm_profile_finish(folding, profile), PM_OK);
  for (int i = 0; i < 168; i++) {
    const struct pm_profile_cell *cell = &profile->cells[i];
    assert_int_equal(cell->figures.p50_ns / PM_NS_PER_MS, i % 24 == 8 ? 30 : 10);
    assert_int_equal(cell->median_low_ns, cell->median_high_ns);
    assert_int_equal(cell->hours, 2);
  }
  assert_true(profile->pattern.daily);
  for (int i = 0; i < 168; i++) assert_int_equal(profile->pattern.slow[i], i % 24 == 8);
  pm_profile_folding_free(folding);
  free(profile);
  free(sum);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_hour_has_its_cell),
      cmocka_unit_test(a_slow_hour_shows_in_its_cell_alone),
      cmocka_unit_test(quartiles_are_those_of_the_hours),
      cmocka_unit_test(an_hour_stays_its_own_over_the_end_of_summer_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
