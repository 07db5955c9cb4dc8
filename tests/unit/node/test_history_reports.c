/* Rows of the matrix become reports in the store: of others, of now, under the nodes' keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gossip/wire_text.h"
#include "node/history_reports.h"

enum { MINUTE = 29000040, MS = 1000000 };

static const struct pm_time NOW = {INT64_C(5000) * PM_NS_PER_S};

struct fixture {
  uv_loop_t loop;
  struct pm_log log;
  struct pm_store *store;
  struct pm_matrix *matrix;
  enum pm_err err;
  uint64_t sent;
  int64_t p50_ns;
  bool reported, closed;
};

static struct pm_wall wall(void *owner) {
  (void)owner;
  return (struct pm_wall){(MINUTE + 10) * INT64_C(60) * PM_NS_PER_S};
}

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof(*f));
  f->log = (struct pm_log){.level = PM_LOG_ALWAYS, .fd = STDERR_FILENO};
  struct pm_store_config config = {.max_mb = PM_STORE_MB_MIN, .log = &f->log, .wall = wall};
  *state = f;
  return uv_loop_init(&f->loop) != 0 || pm_store_open(&f->loop, &config, &f->store) != PM_OK ||
         pm_matrix_new(16, &f->matrix) != PM_OK;
}

static void on_closed(void *owner) {
  ((struct fixture *)owner)->closed = true;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  pm_store_close(f->store, on_closed, f);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  bool good = f->closed && uv_loop_close(&f->loop) == 0;
  pm_matrix_free(f->matrix);
  free(f);
  return !good;
}

static struct pm_node_id node(uint8_t name) {
  struct pm_node_id id = {{name}};
  return id;
}

static struct pm_matrix_cell cell_to(uint8_t to, enum pm_cell_state state, int64_t ms) {
  struct pm_node_id id = node(to);
  struct pm_matrix_cell cell = {.to = pm_matrix_short(&id)};
  cell.cell = (struct pm_cell){.state = state, .every_s = 10, .sent = 60, .lost = 2};
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) cell.cell.rtt_ns[i] = ms * MS;
  return cell;
}

static void row(struct fixture *f, uint8_t from, enum pm_row_source source, int64_t ago_s,
                const struct pm_matrix_cell *cells, size_t count) {
  struct pm_time as_of = {NOW.ns - ago_s * PM_NS_PER_S};
  struct pm_matrix_news news = {.from = node(from),
                                .inc = 1,
                                .upto = 1,
                                .as_of = as_of,
                                .source = source,
                                .hops = source == PM_ROW_SELF     ? 0
                                        : source == PM_ROW_DIRECT ? 1
                                                                  : 2,
                                .via = node(source == PM_ROW_RELAYED ? 9 : from),
                                .cells = cells,
                                .count = count};
  assert_int_equal(pm_matrix_take(f->matrix, &news, as_of), PM_OK);
}

static void on_history(void *owner, enum pm_err err, const struct pm_history *history) {
  struct fixture *f = owner;
  f->err = err;
  f->sent = 0;
  if (err != PM_OK) return;
  f->reported = history->reported;
  for (size_t i = 0; i < history->count; i++) {
    f->sent += history->rows[i].sent;
    f->p50_ns = history->rows[i].figures.p50_ns;
  }
}

/* Probes that are known of that pair in the ten minutes. */
static uint64_t sent_of(struct fixture *f, uint8_t from, uint8_t to) {
  char from_key[PM_WIRE_ID_BYTES], to_key[PM_WIRE_ID_BYTES];
  struct pm_node_id from_id = node(from), to_id = node(to);
  pm_wire_id(&from_id, from_key);
  pm_wire_id(&to_id, to_key);
  struct pm_history_query query = {.from = from_key,
                                   .to = to_key,
                                   .since_s = INT64_C(60) * MINUTE,
                                   .until_s = INT64_C(60) * (MINUTE + 10),
                                   .step_s = 600,
                                   .phase = PM_PHASE_TCP};
  assert_int_equal(pm_store_history(f->store, &query, on_history, f, NULL), PM_OK);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  return f->sent;
}

static size_t put(struct fixture *f) {
  struct pm_node_id own = node(1);
  size_t count = pm_history_reports_put(f->store, f->matrix, NULL, &own, NOW, MINUTE);
  pm_store_commit(f->store);
  return count;
}

static void rows_of_others_are_written(void **state) {
  struct fixture *f = *state;
  struct pm_matrix_cell by_2[] = {cell_to(1, PM_CELL_MEASURED, 8),
                                  cell_to(3, PM_CELL_MEASURED, 20)};
  struct pm_matrix_cell by_3[] = {cell_to(1, PM_CELL_FAILED, 0), cell_to(2, PM_CELL_MEASURED, 30)};
  row(f, 2, PM_ROW_DIRECT, 5, by_2, 2);
  row(f, 3, PM_ROW_RELAYED, 40, by_3, 2);
  assert_int_equal(put(f), 2);
  assert_int_equal(sent_of(f, 2, 3), 60);
  assert_true(f->reported);
  assert_in_range(f->p50_ns, 19840000, 20160000);
  assert_int_equal(sent_of(f, 3, 2), 60);
  assert_in_range(f->p50_ns, 29760000, 30240000);
  assert_int_equal(sent_of(f, 2, 1), 60);
  assert_int_equal(sent_of(f, 3, 1), 60); /* failures count */
}

static void what_says_nothing_of_now_is_left_out(void **state) {
  struct fixture *f = *state;
  struct pm_matrix_cell by_1[] = {cell_to(2, PM_CELL_MEASURED, 8)};
  struct pm_matrix_cell by_2[] = {cell_to(1, PM_CELL_MEASURED, 8), cell_to(3, PM_CELL_STALE, 8),
                                  cell_to(7, PM_CELL_MEASURED, 8)};
  struct pm_matrix_cell by_3[] = {cell_to(2, PM_CELL_MEASURED, 8)};
  struct pm_matrix_cell by_4[] = {cell_to(2, PM_CELL_MEASURED, 8)};
  row(f, 1, PM_ROW_SELF, 0, by_1, 1);     /* our own: minutes tell more */
  row(f, 2, PM_ROW_DIRECT, 5, by_2, 3);   /* 3 is stale, 7 is nobody that we know */
  row(f, 3, PM_ROW_DIRECT, 120, by_3, 1); /* too old */
  row(f, 4, PM_ROW_OLD_NODE, 5, by_4, 1); /* means only */
  assert_int_equal(put(f), 1);
  assert_int_equal(sent_of(f, 2, 1), 60);
  assert_int_equal(sent_of(f, 2, 3), 0);
  assert_int_equal(f->err, PM_ERR_MISSING);
  sent_of(f, 2, 7);
  assert_int_equal(f->err, PM_ERR_MISSING);
  sent_of(f, 1, 2);
  assert_int_equal(f->sent, 0);
}

static void put_twice_it_counts_once(void **state) {
  struct fixture *f = *state;
  struct pm_matrix_cell by_2[] = {cell_to(1, PM_CELL_MEASURED, 8)};
  row(f, 2, PM_ROW_DIRECT, 5, by_2, 1);
  assert_int_equal(put(f), 1);
  assert_int_equal(put(f), 1);
  assert_int_equal(sent_of(f, 2, 1), 60);
}

static void an_empty_matrix_puts_nothing(void **state) {
  assert_int_equal(put(*state), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(rows_of_others_are_written),
      TEST(what_says_nothing_of_now_is_left_out),
      TEST(put_twice_it_counts_once),
      TEST(an_empty_matrix_puts_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
