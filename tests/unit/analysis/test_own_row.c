/* This node's own row: what is news, when it is told, and what becomes of those nobody measures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/own_row.h"

#define MS INT64_C(1000000)

struct fixture {
  struct pm_own_row *row;
  struct pm_time now;
};

static int setup(void **state) {
  static struct fixture f;
  f.now = (struct pm_time){INT64_C(1000) * PM_NS_PER_S};
  *state = &f;
  return pm_own_row_new(&f.row) == PM_OK ? 0 : -1;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  pm_own_row_free(f->row);
  return 0;
}

static struct pm_node_id node(uint32_t n) {
  return (struct pm_node_id){{(uint8_t)(n >> 8), (uint8_t)n, 7}};
}

/* A path of that many milliseconds, measured every ten seconds. */
static struct pm_cell path(int64_t ms) {
  return (struct pm_cell){
      .state = PM_CELL_MEASURED,
      .every_s = 10,
      .sent = 60,
      .rtt_ns = {ms * MS, ms * MS, ms * MS, ms * MS, ms * MS},
      .jitter_ns = 2 * MS,
      .phase_ns = {[PM_CELL_PHASE_FIRST] = 2 * ms * MS, [PM_CELL_PHASE_TOTAL] = 2 * ms * MS},
  };
}

static void set(struct fixture *f, uint32_t n, struct pm_cell cell) {
  struct pm_node_id to = node(n);
  assert_int_equal(pm_own_row_set(f->row, &to, &cell, f->now), PM_OK);
}

static void pass(struct fixture *f, int64_t seconds) {
  f->now = pm_time_add_ns(f->now, seconds * PM_NS_PER_S);
  pm_own_row_advance(f->row, f->now);
}

/* Seconds pass, and the cell is set anew every ten of them. */
static void measure_on(struct fixture *f, uint32_t n, struct pm_cell cell, int seconds) {
  for (int s = 0; s < seconds; s++) {
    pass(f, 1);
    if (s % 10 == 9) set(f, n, cell);
  }
}

static size_t since(struct fixture *f, uint64_t revision, const struct pm_own_row_cell **cells) {
  uint64_t asked = revision;
  size_t count = pm_own_row_since(f->row, &asked, cells);
  assert_int_equal(asked, revision);
  return count;
}

static void each_cell_has_a_revision_and_is_told_once(void **state) {
  struct fixture *f = *state;
  const struct pm_own_row_cell *cells;
  assert_int_equal(pm_own_row_revision(f->row), 0);
  set(f, 1, path(10));
  set(f, 2, path(20));
  assert_int_equal(pm_own_row_revision(f->row), 2);
  assert_int_equal(since(f, 0, &cells), 2);
  assert_int_equal(cells[0].to.bytes[1], 1);
  assert_int_equal(cells[1].cell.rtt_ns[PM_CELL_P50], 20 * MS);
  assert_int_equal(since(f, 1, &cells), 1);
  assert_int_equal(cells[0].to.bytes[1], 2);
  assert_int_equal(since(f, 2, &cells), 0);
}

static void a_steady_path_is_not_told_again(void **state) {
  struct fixture *f = *state;
  set(f, 1, path(100));
  struct pm_cell noisy = path(104);
  noisy.rtt_ns[PM_CELL_P99] = 120 * MS;
  measure_on(f, 1, noisy, 300);
  assert_int_equal(pm_own_row_revision(f->row), 1);
}

/* Each of these is news against path(100), but not before its time. */
static void steps_are_told_after_half_a_minute(void **state) {
  struct fixture *f = *state;
  struct pm_cell cells[8];
  for (int i = 0; i < 8; i++) cells[i] = path(100);
  cells[0].rtt_ns[PM_CELL_P25] = 93 * MS;
  cells[1] = path(108);
  cells[2].rtt_ns[PM_CELL_P99] = 150 * MS;
  cells[3].lost = 1;
  cells[4].sent = 30;
  cells[5].every_s = 20;
  cells[6].jitter_ns = 12 * MS;
  cells[7].phase_ns[PM_CELL_PHASE_TOTAL] = 240 * MS;
  for (uint32_t i = 0; i < 8; i++) set(f, i, path(100));
  for (uint32_t i = 0; i < 8; i++) {
    uint64_t before = pm_own_row_revision(f->row);
    set(f, i, cells[i]);
    pass(f, 0);
    if (i == 0) {
      pass(f, 29);
      assert_int_equal(pm_own_row_revision(f->row), before);
      for (uint32_t j = 0; j < 8; j++) set(f, j, j == 0 ? cells[0] : path(100));
      pass(f, 1);
    }
    assert_int_equal(pm_own_row_revision(f->row), before + 1);
  }
}

static void a_failure_is_told_at_once(void **state) {
  struct fixture *f = *state;
  const struct pm_own_row_cell *cells;
  set(f, 1, path(100));
  struct pm_cell failed = path(100);
  failed.state = PM_CELL_FAILED;
  set(f, 1, failed);
  assert_int_equal(since(f, 1, &cells), 1);
  assert_int_equal(cells[0].cell.state, PM_CELL_FAILED);
  set(f, 1, path(100));
  assert_int_equal(since(f, 2, &cells), 1);
  assert_int_equal(cells[0].cell.state, PM_CELL_MEASURED);
}

/* Three intervals of ten seconds, and ten more. */
static void what_is_not_measured_turns_stale(void **state) {
  struct fixture *f = *state;
  const struct pm_own_row_cell *cells;
  set(f, 1, path(100));
  pass(f, 40);
  assert_int_equal(pm_own_row_revision(f->row), 1);
  pass(f, 1);
  assert_int_equal(since(f, 1, &cells), 1);
  assert_int_equal(cells[0].cell.state, PM_CELL_STALE);
  assert_int_equal(cells[0].cell.rtt_ns[PM_CELL_P50], 100 * MS);
  set(f, 1, path(100));
  assert_int_equal(since(f, 2, &cells), 1);
  assert_int_equal(cells[0].cell.state, PM_CELL_MEASURED);
}

static void what_was_removed_is_stale_and_later_gone(void **state) {
  struct fixture *f = *state;
  const struct pm_own_row_cell *cells;
  struct pm_node_id to = node(1);
  set(f, 1, path(100));
  pm_own_row_remove(f->row, &to);
  assert_int_equal(since(f, 1, &cells), 1);
  assert_int_equal(cells[0].cell.state, PM_CELL_STALE);
  pass(f, PM_OWN_ROW_KEEP_S);
  assert_int_equal(pm_own_row_revision(f->row), 2);
  assert_int_equal(pm_own_row_count(f->row), 1);
  pass(f, 31);
  assert_int_equal(since(f, 2, &cells), 1);
  assert_int_equal(cells[0].cell.state, PM_CELL_UNKNOWN);
  assert_int_equal(pm_own_row_count(f->row), 0);
  pass(f, 1000);
  assert_int_equal(pm_own_row_revision(f->row), 3);
}

static void a_full_row_forgets_only_those_that_have_gone(void **state) {
  struct fixture *f = *state;
  const struct pm_own_row_cell *cells;
  for (uint32_t i = 0; i < PM_OWN_ROW_CELLS_MAX; i++) set(f, i, path(10));
  struct pm_node_id one_more = node(PM_OWN_ROW_CELLS_MAX), first = node(0);
  struct pm_cell cell = path(10);
  assert_int_equal(pm_own_row_set(f->row, &one_more, &cell, f->now), PM_ERR_FULL);
  assert_int_equal(pm_own_row_revision(f->row), PM_OWN_ROW_CELLS_MAX);
  pm_own_row_remove(f->row, &first);
  for (int s = 0; s < 64; s++) {
    for (uint32_t i = 1; i < PM_OWN_ROW_CELLS_MAX; i++) set(f, i, path(10));
    pass(f, 10);
  }
  assert_int_equal(pm_own_row_count(f->row), PM_OWN_ROW_CELLS_MAX - 1);
  uint64_t gone_at = pm_own_row_revision(f->row);
  set(f, PM_OWN_ROW_CELLS_MAX, path(10));
  assert_int_equal(pm_own_row_count(f->row), PM_OWN_ROW_CELLS_MAX);

  uint64_t asked = gone_at;
  assert_int_equal(pm_own_row_since(f->row, &asked, &cells), 1);
  assert_int_equal(asked, gone_at);
  asked = gone_at - 1; /* does not know that it has gone */
  assert_int_equal(pm_own_row_since(f->row, &asked, &cells), PM_OWN_ROW_CELLS_MAX);
  assert_int_equal(asked, 0);
}

static void a_revision_that_never_was_gets_all(void **state) {
  struct fixture *f = *state;
  const struct pm_own_row_cell *cells;
  set(f, 1, path(100));
  uint64_t asked = 17;
  assert_int_equal(pm_own_row_since(f->row, &asked, &cells), 1);
  assert_int_equal(asked, 0);
}

/* Twice the usual cells, half as often: a long row costs others no more than a usual one. */
static void a_long_row_tells_its_steps_more_rarely(void **state) {
  struct fixture *f = *state;
  for (uint32_t i = 0; i < 2 * PM_OWN_ROW_CELLS_USUAL; i++) set(f, i, path(100));
  uint64_t before = pm_own_row_revision(f->row);
  pass(f, 25);
  for (uint32_t i = 0; i < 2 * PM_OWN_ROW_CELLS_USUAL; i++) set(f, i, path(200));
  pass(f, 34);
  assert_int_equal(pm_own_row_revision(f->row), before);
  pass(f, 1);
  assert_int_equal(pm_own_row_revision(f->row), before + 2 * PM_OWN_ROW_CELLS_USUAL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(each_cell_has_a_revision_and_is_told_once),
      TEST(a_steady_path_is_not_told_again),
      TEST(steps_are_told_after_half_a_minute),
      TEST(a_failure_is_told_at_once),
      TEST(what_is_not_measured_turns_stale),
      TEST(what_was_removed_is_stale_and_later_gone),
      TEST(a_full_row_forgets_only_those_that_have_gone),
      TEST(a_revision_that_never_was_gets_all),
      TEST(a_long_row_tells_its_steps_more_rarely),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
