/* The matrix: whose word counts, how old it is, what gives way, and that it stays within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/matrix.h"

enum { ROWS = 8 };
#define MS INT64_C(1000000)

struct fixture {
  struct pm_matrix *matrix;
  struct pm_time now;
};

static int setup(void **state) {
  static struct fixture f;
  f.now = (struct pm_time){INT64_C(10000) * PM_NS_PER_S};
  *state = &f;
  return pm_matrix_new(ROWS, &f.matrix) == PM_OK ? 0 : -1;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  pm_matrix_free(f->matrix);
  return 0;
}

static struct pm_node_id node(uint32_t n) {
  struct pm_node_id id = {{0}};
  for (int i = 0; i < 4; i++) id.bytes[i] = (uint8_t)(n >> (24 - 8 * i));
  id.bytes[15] = 1;
  return id;
}

static void pass(struct fixture *f, int64_t seconds) {
  f->now = pm_time_add_ns(f->now, seconds * PM_NS_PER_S);
}

static struct pm_matrix_cell cell(uint64_t to, enum pm_cell_state state, int64_t ms) {
  return (struct pm_matrix_cell){.to = to,
                                 .cell = {.state = state,
                                          .every_s = 10,
                                          .rtt_ns = {ms * MS, ms * MS, ms * MS, ms * MS, ms * MS}}};
}

/* From itself, at this moment. */
static struct pm_matrix_news direct(const struct fixture *f, uint32_t from, uint64_t since,
                                    uint64_t upto, const struct pm_matrix_cell *cells,
                                    size_t count) {
  return (struct pm_matrix_news){.from = node(from),
                                 .inc = 77,
                                 .since = since,
                                 .upto = upto,
                                 .as_of = f->now,
                                 .source = PM_ROW_DIRECT,
                                 .hops = 1,
                                 .cells = cells,
                                 .count = count};
}

static struct pm_matrix_news relayed(const struct fixture *f, uint32_t from, uint32_t via,
                                     int64_t age_s, const struct pm_matrix_cell *cells,
                                     size_t count) {
  struct pm_matrix_news news = direct(f, from, 0, 5, cells, count);
  news.as_of = pm_time_add_ns(f->now, -age_s * PM_NS_PER_S);
  news.source = PM_ROW_RELAYED;
  news.hops = 2;
  news.via = node(via);
  return news;
}

static enum pm_err take(struct fixture *f, struct pm_matrix_news news) {
  return pm_matrix_take(f->matrix, &news, f->now);
}

static const struct pm_matrix_row *row_of(const struct fixture *f, uint32_t from) {
  struct pm_node_id id = node(from);
  return pm_matrix_find(f->matrix, &id);
}

static int64_t p50(const struct fixture *f, uint32_t from, uint64_t to) {
  const struct pm_matrix_row *row = row_of(f, from);
  const struct pm_matrix_cell *found = row ? pm_matrix_cell_of(row, to) : NULL;
  return found ? found->cell.rtt_ns[PM_CELL_P50] / MS : -1;
}

static uint64_t have(const struct fixture *f, uint32_t from) {
  struct pm_node_id id = node(from);
  uint64_t inc, revision;
  pm_matrix_have(f->matrix, &id, &inc, &revision);
  assert_int_equal(inc, revision ? 77 : 0);
  return revision;
}

/* --- news ------------------------------------------------------------------------------------- */

static void news_replace_add_and_take_away(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell whole[] = {
      cell(10, PM_CELL_MEASURED, 1), cell(20, PM_CELL_MEASURED, 2), cell(30, PM_CELL_MEASURED, 3)};
  const struct pm_matrix_cell news[] = {cell(5, PM_CELL_MEASURED, 4), cell(20, PM_CELL_FAILED, 5),
                                        cell(30, PM_CELL_UNKNOWN, 0),
                                        cell(40, PM_CELL_MEASURED, 6)};
  assert_int_equal(take(f, direct(f, 1, 0, 3, whole, 3)), PM_OK);
  assert_int_equal(have(f, 1), 3);
  assert_int_equal(take(f, direct(f, 1, 3, 7, news, 4)), PM_OK);
  assert_int_equal(have(f, 1), 7);
  assert_int_equal(row_of(f, 1)->count, 4);
  assert_int_equal(pm_matrix_cells(f->matrix), 4);
  assert_int_equal(p50(f, 1, 5), 4);
  assert_int_equal(p50(f, 1, 10), 1);
  assert_int_equal(p50(f, 1, 20), 5);
  assert_int_equal(p50(f, 1, 30), -1);
  assert_int_equal(p50(f, 1, 40), 6);
}

static void a_row_from_its_beginning_replaces_all(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell before[] = {cell(10, PM_CELL_MEASURED, 1),
                                          cell(20, PM_CELL_MEASURED, 2)};
  const struct pm_matrix_cell after[] = {cell(20, PM_CELL_MEASURED, 9)};
  assert_int_equal(take(f, direct(f, 1, 0, 2, before, 2)), PM_OK);
  assert_int_equal(take(f, direct(f, 1, 0, 1, after, 1)), PM_OK);
  assert_int_equal(row_of(f, 1)->count, 1);
  assert_int_equal(have(f, 1), 1);
}

static void what_does_not_join_on_is_refused(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  assert_int_equal(take(f, direct(f, 1, 3, 4, one, 1)), PM_ERR_MISSING);
  assert_null(row_of(f, 1));
  assert_int_equal(take(f, direct(f, 1, 0, 3, one, 1)), PM_OK);
  assert_int_equal(take(f, direct(f, 1, 4, 5, one, 1)), PM_ERR_MISSING);
  assert_int_equal(take(f, direct(f, 1, 1, 2, one, 1)), PM_ERR_DUPLICATE);
  struct pm_matrix_news restarted = direct(f, 1, 3, 4, one, 1);
  restarted.inc = 78;
  assert_int_equal(take(f, restarted), PM_ERR_MISSING);
  assert_int_equal(have(f, 1), 3);
}

static void an_answer_that_was_overtaken_is_passed_over(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  struct pm_matrix_news late = direct(f, 1, 0, 3, one, 1);
  pass(f, 1);
  assert_int_equal(take(f, direct(f, 1, 0, 4, one, 1)), PM_OK);
  assert_int_equal(take(f, late), PM_ERR_DUPLICATE);
  assert_int_equal(have(f, 1), 4);
}

/* --- age -------------------------------------------------------------------------------------- */

static enum pm_cell_state state_of(const struct fixture *f, uint32_t from, uint64_t to,
                                   int64_t *age_s) {
  const struct pm_matrix_row *row = row_of(f, from);
  return pm_matrix_state(row, pm_matrix_cell_of(row, to), f->now, age_s);
}

static void no_news_confirms_the_row(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  int64_t age_s;
  assert_int_equal(take(f, direct(f, 1, 0, 3, one, 1)), PM_OK);
  pass(f, 80);
  assert_int_equal(state_of(f, 1, 10, &age_s), PM_CELL_MEASURED);
  assert_int_equal(age_s, 90);
  assert_int_equal(take(f, direct(f, 1, 3, 3, NULL, 0)), PM_OK);
  pass(f, 20);
  assert_int_equal(state_of(f, 1, 10, &age_s), PM_CELL_MEASURED);
  assert_int_equal(age_s, 30);
}

static void a_part_of_the_news_confirms_nothing(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  const struct pm_matrix_cell two[] = {cell(20, PM_CELL_MEASURED, 2)};
  int64_t age_s;
  assert_int_equal(take(f, direct(f, 1, 0, 3, one, 1)), PM_OK);
  pass(f, 50);
  struct pm_matrix_news part = direct(f, 1, 3, 4, two, 1);
  part.more = true;
  assert_int_equal(take(f, part), PM_OK);
  assert_int_equal(have(f, 1), 4);
  (void)state_of(f, 1, 10, &age_s);
  assert_int_equal(age_s, 60);
}

static void an_old_row_is_stale_and_then_forgotten(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell cells[] = {cell(10, PM_CELL_MEASURED, 1),
                                         cell(20, PM_CELL_FAILED, 0)};
  assert_int_equal(take(f, direct(f, 1, 0, 3, cells, 2)), PM_OK);
  pass(f, PM_MATRIX_STALE_S);
  assert_int_equal(state_of(f, 1, 20, NULL), PM_CELL_FAILED);
  pass(f, 1);
  assert_int_equal(state_of(f, 1, 10, NULL), PM_CELL_STALE);
  assert_int_equal(state_of(f, 1, 20, NULL), PM_CELL_STALE);
  pass(f, PM_MATRIX_FORGET_S - PM_MATRIX_STALE_S - 1);
  pm_matrix_advance(f->matrix, f->now);
  assert_int_equal(pm_matrix_count(f->matrix), 1);
  pass(f, 1);
  pm_matrix_advance(f->matrix, f->now);
  assert_int_equal(pm_matrix_count(f->matrix), 0);
  assert_int_equal(pm_matrix_cells(f->matrix), 0);
}

/* --- the word of others ----------------------------------------------------------------------- */

static void a_relayed_row_does_not_displace_a_direct_one(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell truth[] = {cell(10, PM_CELL_MEASURED, 1)};
  const struct pm_matrix_cell lie[] = {cell(10, PM_CELL_MEASURED, 999)};
  assert_int_equal(take(f, direct(f, 1, 0, 3, truth, 1)), PM_OK);
  pass(f, PM_MATRIX_DIRECT_S);
  assert_int_equal(take(f, relayed(f, 1, 2, 0, lie, 1)), PM_ERR_DUPLICATE);
  assert_int_equal(p50(f, 1, 10), 1);
  assert_int_equal(have(f, 1), 3);
}

static void a_relayed_row_fills_in_and_is_marked(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 7)};
  int64_t age_s;
  assert_int_equal(take(f, relayed(f, 1, 2, 25, one, 1)), PM_OK);
  const struct pm_matrix_row *row = row_of(f, 1);
  struct pm_node_id via = node(2);
  assert_int_equal(row->source, PM_ROW_RELAYED);
  assert_int_equal(row->hops, 2);
  assert_true(pm_node_id_equal(&row->via, &via));
  assert_int_equal(state_of(f, 1, 10, &age_s), PM_CELL_MEASURED);
  assert_int_equal(age_s, 35);
  assert_int_equal(have(f, 1), 0); /* so all of it is asked for */
}

static void a_relayed_row_counts_only_if_it_is_fresher(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 7)};
  assert_int_equal(take(f, relayed(f, 1, 2, 25, one, 1)), PM_OK);
  assert_int_equal(take(f, relayed(f, 1, 3, 16, one, 1)), PM_ERR_DUPLICATE);
  assert_int_equal(take(f, relayed(f, 1, 3, 15, one, 1)), PM_OK);
  assert_int_equal(row_of(f, 1)->via.bytes[3], 3);
  struct pm_matrix_news far = relayed(f, 1, 4, 0, one, 1);
  far.hops = PM_MATRIX_HOPS_MAX + 1;
  assert_int_equal(take(f, far), PM_ERR_RANGE);
}

/* News that build on a forged row are refused, and the whole row wipes it out. */
static void the_first_direct_word_ends_a_lie(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell lie[] = {cell(10, PM_CELL_FAILED, 0),
                                       cell(20, PM_CELL_MEASURED, 999)};
  const struct pm_matrix_cell truth[] = {cell(10, PM_CELL_MEASURED, 1)};
  assert_int_equal(take(f, relayed(f, 1, 2, 0, lie, 2)), PM_OK);
  assert_int_equal(take(f, direct(f, 1, 5, 5, NULL, 0)), PM_ERR_MISSING);
  assert_int_equal(take(f, direct(f, 1, 0, 5, truth, 1)), PM_OK);
  assert_int_equal(row_of(f, 1)->count, 1);
  assert_int_equal(row_of(f, 1)->source, PM_ROW_DIRECT);
  assert_int_equal(p50(f, 1, 10), 1);
}

static void the_row_of_a_lost_node_is_stale_at_once(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  struct pm_node_id id = node(1);
  assert_int_equal(take(f, direct(f, 1, 0, 3, one, 1)), PM_OK);
  pm_matrix_doubt(f->matrix, &id, f->now);
  assert_int_equal(state_of(f, 1, 10, NULL), PM_CELL_STALE);
  assert_int_equal(take(f, relayed(f, 1, 2, 5, one, 1)), PM_OK); /* others still hear it */
  assert_int_equal(state_of(f, 1, 10, NULL), PM_CELL_MEASURED);
  pm_matrix_doubt(f->matrix, &id, f->now);
  assert_int_equal(take(f, direct(f, 1, 0, 4, one, 1)), PM_OK);
  assert_int_equal(state_of(f, 1, 10, NULL), PM_CELL_MEASURED);
}

static void nobody_tells_us_our_own_row(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  struct pm_matrix_news own = direct(f, 1, 0, 3, one, 1);
  own.source = PM_ROW_SELF;
  own.hops = 0;
  assert_int_equal(take(f, own), PM_OK);
  pass(f, 3000);
  assert_int_equal(take(f, relayed(f, 1, 2, 0, one, 1)), PM_ERR_DUPLICATE);
  pass(f, 3000);
  pm_matrix_advance(f->matrix, f->now);
  assert_int_equal(pm_matrix_count(f->matrix), 1);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void fill(struct fixture *f, enum pm_row_source source) {
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  for (uint32_t i = 0; i < ROWS; i++) {
    struct pm_matrix_news news =
        source == PM_ROW_RELAYED ? relayed(f, i, 99, 0, one, 1) : direct(f, i, 0, 1, one, 1);
    assert_int_equal(take(f, news), PM_OK);
  }
}

static void fresh_direct_rows_do_not_give_way(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  fill(f, PM_ROW_DIRECT);
  assert_int_equal(take(f, direct(f, 100, 0, 1, one, 1)), PM_ERR_FULL);
  assert_int_equal(take(f, relayed(f, 100, 2, 0, one, 1)), PM_ERR_FULL);
  pass(f, PM_MATRIX_STALE_S + 1);
  assert_int_equal(take(f, relayed(f, 100, 2, 0, one, 1)), PM_OK);
  assert_int_equal(pm_matrix_count(f->matrix), ROWS);
}

static void relayed_rows_give_way_to_direct_ones_only(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  fill(f, PM_ROW_RELAYED);
  assert_int_equal(take(f, relayed(f, 100, 2, 0, one, 1)), PM_ERR_FULL);
  for (uint32_t i = 200; i < 200 + ROWS; i++)
    assert_int_equal(take(f, direct(f, i, 0, 1, one, 1)), PM_OK);
  assert_int_equal(take(f, direct(f, 300, 0, 1, one, 1)), PM_ERR_FULL);
}

static size_t long_row(struct pm_matrix_cell *cells) {
  for (size_t i = 0; i < PM_MATRIX_ROW_CELLS_MAX; i++) cells[i] = cell(i, PM_CELL_MEASURED, 1);
  return PM_MATRIX_ROW_CELLS_MAX;
}

/* Whoever sends rows of any length, from any number of names: the bound that is stated holds, and
 * a row of usual length still finds its room. */
static void hostile_rows_do_not_make_it_grow(void **state) {
  struct fixture *f = *state;
  struct pm_matrix_cell cells[PM_MATRIX_ROW_CELLS_MAX];
  size_t longest = long_row(cells), most = 0, full = 0;
  for (uint32_t i = 0; i < 10000; i++) {
    size_t count = (i * 37) % (longest + 1);
    enum pm_err err = take(f, direct(f, i, 0, 1, cells, count));
    assert_true(err == PM_OK || err == PM_ERR_FULL);
    full += err == PM_ERR_FULL;
    if (i % 5 == 0) pass(f, 13);
    if (pm_matrix_bytes(f->matrix) > most) most = pm_matrix_bytes(f->matrix);
    assert_true(pm_matrix_count(f->matrix) <= ROWS);
  }
  assert_true(most <= pm_matrix_bytes_max(ROWS));
  assert_true(full > 1000);
  pass(f, PM_MATRIX_STALE_S + 1);
  for (uint32_t i = 0; i < ROWS; i++)
    assert_int_equal(take(f, direct(f, 20000 + i, 0, 1, cells, PM_MATRIX_ROW_CELLS_SURE)), PM_OK);
  assert_int_equal(pm_matrix_cells(f->matrix), ROWS * PM_MATRIX_ROW_CELLS_SURE);
}

static void deltas_cannot_pass_the_limit_of_a_row(void **state) {
  struct fixture *f = *state;
  struct pm_matrix_cell cells[PM_MATRIX_ROW_CELLS_MAX];
  size_t count = long_row(cells);
  assert_int_equal(take(f, direct(f, 1, 0, 1, cells, count)), PM_OK);
  const struct pm_matrix_cell one[] = {cell(5000, PM_CELL_MEASURED, 1)};
  assert_int_equal(take(f, direct(f, 1, 1, 2, one, 1)), PM_ERR_FULL);
  assert_int_equal(have(f, 1), 1);
  assert_int_equal(row_of(f, 1)->count, PM_MATRIX_ROW_CELLS_MAX);
}

/* --- passing on ------------------------------------------------------------------------------- */

static void rows_are_passed_on_in_a_circle(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_row *rows[ROWS];
  uint64_t place = 0;
  unsigned seen[ROWS] = {0};
  fill(f, PM_ROW_DIRECT);
  struct pm_node_id asker = node(3);
  for (int round = 0; round < 7; round++) {
    size_t count = pm_matrix_relay(f->matrix, &asker, f->now, &place, rows, 2);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) seen[rows[i]->from.bytes[3]]++;
  }
  for (uint32_t i = 0; i < ROWS; i++) assert_int_equal(seen[i], i == 3 ? 0 : 2);
}

static void only_fresh_and_near_rows_are_passed_on(void **state) {
  struct fixture *f = *state;
  const struct pm_matrix_cell one[] = {cell(10, PM_CELL_MEASURED, 1)};
  const struct pm_matrix_row *rows[ROWS];
  uint64_t place = 0;
  struct pm_node_id asker = node(50);
  struct pm_matrix_news far = relayed(f, 1, 9, 0, one, 1), old = relayed(f, 2, 9, 61, one, 1);
  struct pm_matrix_news old_node = relayed(f, 3, 9, 0, one, 1);
  far.hops = PM_MATRIX_HOPS_MAX;
  old_node.source = PM_ROW_OLD_NODE;
  assert_int_equal(take(f, far), PM_OK);
  assert_int_equal(take(f, old), PM_OK);
  assert_int_equal(take(f, old_node), PM_OK);
  assert_int_equal(pm_matrix_relay(f->matrix, &asker, f->now, &place, rows, ROWS), 0);
  assert_int_equal(take(f, relayed(f, 4, 9, 60, one, 1)), PM_OK);
  assert_int_equal(pm_matrix_relay(f->matrix, &asker, f->now, &place, rows, ROWS), 1);
  assert_int_equal(rows[0]->from.bytes[3], 4);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(news_replace_add_and_take_away),
      TEST(a_row_from_its_beginning_replaces_all),
      TEST(what_does_not_join_on_is_refused),
      TEST(an_answer_that_was_overtaken_is_passed_over),
      TEST(no_news_confirms_the_row),
      TEST(a_part_of_the_news_confirms_nothing),
      TEST(an_old_row_is_stale_and_then_forgotten),
      TEST(a_relayed_row_does_not_displace_a_direct_one),
      TEST(a_relayed_row_fills_in_and_is_marked),
      TEST(a_relayed_row_counts_only_if_it_is_fresher),
      TEST(the_first_direct_word_ends_a_lie),
      TEST(the_row_of_a_lost_node_is_stale_at_once),
      TEST(nobody_tells_us_our_own_row),
      TEST(fresh_direct_rows_do_not_give_way),
      TEST(relayed_rows_give_way_to_direct_ones_only),
      TEST(hostile_rows_do_not_make_it_grow),
      TEST(deltas_cannot_pass_the_limit_of_a_row),
      TEST(rows_are_passed_on_in_a_circle),
      TEST(only_fresh_and_near_rows_are_passed_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
