/* Counters of places grow and never fall, whatever becomes of the targets behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/metrics_rollup.h"
#include "publish/metrics_rows.h"

enum { ROLLED_UP = 1 }; /* so few series are allowed */

struct fixture {
  struct pm_roster *roster;
  struct pm_metrics_rollup *rollup;
  struct pm_metrics_rows rows;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof(*f));
  assert_non_null(f);
  assert_int_equal(pm_roster_new(1, &f->roster), PM_OK);
  assert_int_equal(pm_metrics_rollup_new(&f->rollup), PM_OK);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  pm_metrics_rows_free(&f->rows);
  pm_metrics_rollup_free(f->rollup);
  pm_roster_free(f->roster);
  free(f);
  return 0;
}

static struct pm_target *add(struct fixture *f, int number, const char *location) {
  struct pm_target_spec spec = {.fail_max = 100, .delay_s = 10};
  struct pm_target *target;
  char url[64];
  snprintf(url, sizeof(url), "http://10.0.0.%d/", number);
  assert_int_equal(pm_endpoint_parse(url, NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_add(f->roster, &spec, (struct pm_wall){1}, &target), PM_OK);
  snprintf(target->location, sizeof(target->location), "%s", location);
  return target;
}

static void record(struct pm_target *target, int times) {
  struct pm_sample sample = {.at = {1},
                             .ended = {PM_NS_PER_S},
                             .outcome = PM_OUTCOME_SUCCESS,
                             .phase_ns = {[PM_PHASE_TCP] = PM_NS_PER_MS}};
  for (int i = 0; i < times; i++) pm_target_record(target, &sample, NULL);
}

static void scrape(struct fixture *f) {
  pm_metrics_rows_free(&f->rows);
  assert_int_equal(pm_metrics_rows_make(f->roster, ROLLED_UP, f->rollup, &f->rows), PM_OK);
  assert_true(f->rows.by_location);
}

static const struct pm_metrics_row *row(const struct fixture *f, const char *to) {
  const struct pm_metrics_row *found = NULL;
  for (size_t i = 0; i < f->rows.count; i++) {
    if (strcmp(f->rows.rows[i].to, to) != 0) continue;
    assert_null(found);
    found = &f->rows.rows[i];
  }
  return found;
}

static void expect(const struct fixture *f, const char *to, uint64_t successes, uint32_t targets) {
  const struct pm_metrics_row *r = row(f, to);
  assert_non_null(r);
  assert_int_equal(r->outcomes[PM_OUTCOME_SUCCESS], successes);
  assert_int_equal(r->phases[PM_PHASE_TCP].count, successes);
  assert_int_equal(r->phases[PM_PHASE_TCP].sum_ns, (int64_t)successes * PM_NS_PER_MS);
  assert_int_equal(r->phases[PM_PHASE_TCP].latest_ns, (int64_t)targets * PM_NS_PER_MS);
  assert_int_equal(r->targets, targets);
}

static void asking_twice_counts_once(void **state) {
  struct fixture *f = *state;
  record(add(f, 1, "Oslo"), 3);
  for (int i = 0; i < 3; i++) {
    scrape(f);
    expect(f, "Oslo", 3, 1);
  }
}

static void what_a_departed_target_counted_stays(void **state) {
  struct fixture *f = *state;
  struct pm_target *stays = add(f, 1, "Oslo"), *goes = add(f, 2, "Oslo");
  record(stays, 5);
  record(goes, 100);
  scrape(f);
  expect(f, "Oslo", 105, 2);
  pm_roster_retire(f->roster, goes->id, PM_TARGET_REMOVED);
  record(stays, 1);
  scrape(f);
  expect(f, "Oslo", 106, 1);
  record(add(f, 2, "Oslo"), 2); /* a new one, at the same address */
  scrape(f);
  expect(f, "Oslo", 108, 2);
}

static void a_target_that_moves_takes_nothing_along(void **state) {
  struct fixture *f = *state;
  struct pm_target *moves = add(f, 1, "first");
  record(add(f, 2, "first"), 1);
  record(moves, 10);
  scrape(f);
  expect(f, "first", 11, 2);
  snprintf(moves->location, sizeof(moves->location), "second");
  record(moves, 4);
  scrape(f); /* there is one name, and it is taken */
  expect(f, "first", 11, 1);
  expect(f, "other", 4, 1);
}

static void a_place_keeps_its_name_while_others_grow(void **state) {
  struct fixture *f = *state;
  record(add(f, 1, "Oslo"), 1);
  scrape(f);
  for (int i = 2; i < 6; i++) record(add(f, i, "Rome"), 1);
  scrape(f);
  expect(f, "Oslo", 1, 1);
  expect(f, "other", 4, 4);
  assert_null(row(f, "Rome"));
}

static void an_empty_place_makes_room(void **state) {
  struct fixture *f = *state;
  struct pm_target *oslo = add(f, 1, "Oslo");
  record(oslo, 1);
  scrape(f);
  record(add(f, 2, "Rome"), 7);
  scrape(f);
  expect(f, "other", 7, 1);
  pm_roster_retire(f->roster, oslo->id, PM_TARGET_REMOVED);
  record(add(f, 3, "Bern"), 2);
  record(add(f, 4, "Bern"), 2);
  scrape(f);
  assert_null(row(f, "Oslo"));
  expect(f, "Bern", 4, 2);
  expect(f, "other", 7, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(asking_twice_counts_once, setup, teardown),
      cmocka_unit_test_setup_teardown(what_a_departed_target_counted_stays, setup, teardown),
      cmocka_unit_test_setup_teardown(a_target_that_moves_takes_nothing_along, setup, teardown),
      cmocka_unit_test_setup_teardown(a_place_keeps_its_name_while_others_grow, setup, teardown),
      cmocka_unit_test_setup_teardown(an_empty_place_makes_room, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
