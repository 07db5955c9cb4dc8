/* Rows of the matrix as bytes: what is written is read again, what cannot be is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gossip/wire_answer.h"
#include "gossip/wire_request.h"
#include "gossip/wire_row.h"
#include "gossip/wire_text.h"

#define MS INT64_C(1000000)

static const struct pm_time now = {INT64_C(5000) * PM_NS_PER_S};

static struct pm_node_id node(uint32_t n) {
  return (struct pm_node_id){{(uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 0, 0, 9}};
}

static struct pm_cell path(int64_t ms) {
  return (struct pm_cell){
      .state = PM_CELL_MEASURED,
      .every_s = 10,
      .sent = 60,
      .lost = 2,
      .rtt_ns = {ms * MS, ms * MS + 50000, ms * MS + MS, ms * MS + 3 * MS, 4 * ms * MS},
      .jitter_ns = MS / 2,
      .phase_ns = {
          [PM_CELL_PHASE_FIRST] = 2 * ms * MS, [PM_CELL_PHASE_TOTAL] = 2 * ms * MS + 1000}};
}

static struct pm_own_row *row_of(uint32_t cells) {
  struct pm_own_row *row;
  assert_int_equal(pm_own_row_new(&row), PM_OK);
  for (uint32_t i = cells; i > 0; i--) { /* descending, so that the order is the wire's own */
    struct pm_node_id to = node(i);
    struct pm_cell cell = path(i);
    assert_int_equal(pm_own_row_set(row, &to, &cell, now), PM_OK);
  }
  return row;
}

static enum pm_err read_own(const struct pm_own_row *row, uint64_t since, size_t bytes_max,
                            struct pm_wire_row *out, size_t *out_bytes) {
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_ROW_BYTES_MAX);
  pm_wire_row_write_own(row, 42, since, bytes_max, &buf);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  *out_bytes = buf.len;
  enum pm_err err = pm_wire_row_read(buf.data, buf.len, out);
  pm_buf_deinit(&buf);
  return err;
}

static void assert_near(int64_t is, int64_t was) {
  int64_t off = is > was ? is - was : was - is;
  assert_true(off * 1000 <= was * 8);
}

static void a_row_is_read_as_it_was_written(void **state) {
  (void)state;
  struct pm_own_row *row = row_of(3);
  struct pm_wire_row read;
  size_t bytes;
  assert_int_equal(read_own(row, 0, PM_WIRE_ROW_HEADER_BYTES_MAX, &read, &bytes), PM_OK);
  assert_int_equal(read.inc, 42);
  assert_int_equal(read.since, 0);
  assert_int_equal(read.upto, 3);
  assert_false(read.more);
  assert_int_equal(read.count, 3);
  for (uint32_t i = 0; i < 3; i++) {
    struct pm_node_id to = node(i + 1);
    struct pm_cell was = path(i + 1);
    const struct pm_cell *is = &read.cells[i].cell;
    assert_int_equal(read.cells[i].to, pm_matrix_short(&to));
    assert_int_equal(is->state, PM_CELL_MEASURED);
    assert_int_equal(is->every_s, 10);
    assert_int_equal(is->sent, 60);
    assert_int_equal(is->lost, 2);
    for (int q = 0; q < PM_CELL_QUANTILE_COUNT; q++) assert_near(is->rtt_ns[q], was.rtt_ns[q]);
    assert_near(is->jitter_ns, was.jitter_ns);
    assert_int_equal(is->phase_ns[PM_CELL_PHASE_DNS], 0);
    assert_near(is->phase_ns[PM_CELL_PHASE_FIRST], was.phase_ns[PM_CELL_PHASE_FIRST]);
    assert_near(is->phase_ns[PM_CELL_PHASE_TOTAL], was.phase_ns[PM_CELL_PHASE_TOTAL]);
  }
  pm_own_row_free(row);
}

static void a_usual_cell_takes_less_than_36_characters(void **state) {
  (void)state;
  struct pm_wire_row read;
  size_t none, hundred;
  struct pm_own_row *row = row_of(100);
  assert_int_equal(read_own(row, 100, PM_WIRE_ROW_BYTES_MAX, &read, &none), PM_OK);
  assert_int_equal(read_own(row, 0, PM_WIRE_ROW_BYTES_MAX, &read, &hundred), PM_OK);
  assert_int_equal(read.count, 100);
  assert_int_equal(none, 18);
  assert_true(hundred - none < 36 * 100);
  pm_own_row_free(row);
}

/* What does not fit comes with the next questions; no cell is missed, none told twice. */
static void a_long_row_comes_in_parts(void **state) {
  (void)state;
  struct pm_own_row *row = row_of(100);
  struct pm_wire_row read;
  struct pm_matrix *matrix;
  uint64_t revision = 0;
  size_t bytes, parts = 0, told = 0;
  assert_int_equal(pm_matrix_new(1, &matrix), PM_OK);
  do {
    assert_int_equal(read_own(row, revision, PM_WIRE_ROW_HEADER_BYTES_MAX, &read, &bytes), PM_OK);
    assert_true(bytes <= PM_WIRE_ROW_HEADER_BYTES_MAX);
    assert_int_equal(read.since, revision);
    struct pm_matrix_news news = {.from = node(500),
                                  .inc = read.inc,
                                  .since = read.since,
                                  .upto = read.upto,
                                  .as_of = now,
                                  .source = PM_ROW_DIRECT,
                                  .hops = 1,
                                  .more = read.more,
                                  .cells = read.cells,
                                  .count = read.count};
    assert_int_equal(pm_matrix_take(matrix, &news, now), PM_OK);
    revision = read.upto;
    told += read.count;
    parts++;
  } while (read.more);
  assert_int_equal(told, 100);
  assert_int_equal(parts, 2);
  assert_int_equal(revision, 100);
  assert_int_equal(pm_matrix_cells(matrix), 100);
  pm_matrix_free(matrix);
  pm_own_row_free(row);
}

static void no_news_are_short_and_none_without_room(void **state) {
  (void)state;
  struct pm_own_row *row = row_of(2);
  struct pm_wire_row read;
  size_t bytes;
  assert_int_equal(read_own(row, 2, PM_WIRE_ROW_HEADER_BYTES_MAX, &read, &bytes), PM_OK);
  assert_int_equal(read.count, 0);
  assert_int_equal(read.since, 2);
  assert_int_equal(read.upto, 2);
  struct pm_buf buf;
  pm_buf_init(&buf, 100);
  pm_wire_row_write_own(row, 42, 0, 56, &buf);
  assert_int_equal(buf.len, 0);
  pm_buf_deinit(&buf);
  pm_own_row_free(row);
}

static void what_has_gone_is_told_to_those_who_had_it(void **state) {
  (void)state;
  struct pm_own_row *row = row_of(2);
  struct pm_wire_row read;
  size_t bytes;
  pm_own_row_advance(row, pm_time_add_ms(now, 1000 * (PM_OWN_ROW_KEEP_S + 31)));
  assert_int_equal(read_own(row, 2, PM_WIRE_ROW_HEADER_BYTES_MAX, &read, &bytes), PM_OK);
  assert_int_equal(read.count, 2);
  assert_int_equal(read.cells[0].cell.state, PM_CELL_UNKNOWN);
  assert_int_equal(read_own(row, 0, PM_WIRE_ROW_HEADER_BYTES_MAX, &read, &bytes), PM_OK);
  assert_int_equal(read.count, 0);
  assert_int_equal(read.upto, 4);
  pm_own_row_free(row);
}

/* --- relayed ---------------------------------------------------------------------------------- */

static struct pm_matrix_row matrix_row(struct pm_matrix_cell *cells, size_t count) {
  for (size_t i = 0; i < count; i++)
    cells[i] = (struct pm_matrix_cell){.to = i * 1000, .cell = path((int64_t)i + 1)};
  return (struct pm_matrix_row){.from = node(7),
                                .inc = UINT64_MAX,
                                .revision = UINT64_MAX,
                                .hops = 2,
                                .cells = cells,
                                .count = count};
}

static void a_relayed_row_names_its_origin_and_age(void **state) {
  (void)state;
  struct pm_matrix_cell cells[2];
  struct pm_matrix_row row = matrix_row(cells, 2);
  struct pm_wire_relayed read;
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_ROWS_BYTES_MAX);
  pm_wire_row_write_relayed(&row, 33, &buf);
  assert_memory_equal(buf.data, "00070000000000090000000000000000.33.2.", 38);
  assert_int_equal(pm_wire_row_read_relayed(buf.data, buf.len, &read), PM_OK);
  assert_true(pm_node_id_equal(&read.from, &row.from));
  assert_int_equal(read.age_s, 33);
  assert_int_equal(read.hops, 2);
  assert_int_equal(read.row.upto, UINT64_MAX);
  assert_int_equal(read.row.count, 2);
  assert_int_equal(read.row.cells[1].to, 1000);
  pm_buf_deinit(&buf);
}

/* The longest that can be: every figure at the end of its range. */
static void the_longest_row_fits(void **state) {
  (void)state;
  struct pm_matrix_cell cells[PM_MATRIX_ROW_CELLS_MAX];
  struct pm_matrix_row row = matrix_row(cells, PM_MATRIX_ROW_CELLS_MAX);
  for (size_t i = 0; i < PM_MATRIX_ROW_CELLS_MAX; i++)
    cells[i].cell = (struct pm_cell){
        .state = PM_CELL_STALE,
        .every_s = UINT32_MAX,
        .sent = UINT32_MAX,
        .lost = UINT32_MAX,
        .rtt_ns = {1, INT64_C(1) << 20, INT64_C(1) << 24, INT64_C(1) << 30, INT64_MAX},
        .jitter_ns = INT64_MAX,
        .phase_ns = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}};
  struct pm_wire_relayed read;
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_ROWS_BYTES_MAX);
  pm_wire_row_write_relayed(&row, 0, &buf);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  assert_int_equal(pm_wire_row_read_relayed(buf.data, buf.len, &read), PM_OK);
  assert_int_equal(read.row.count, PM_MATRIX_ROW_CELLS_MAX);
  assert_int_equal(read.row.cells[511].cell.sent, UINT32_MAX);
  assert_true(read.row.cells[0].cell.rtt_ns[PM_CELL_P99] > INT64_C(1) << 44);
  pm_buf_deinit(&buf);
}

/* --- hostile ---------------------------------------------------------------------------------- */

struct hostile {
  const char *what;
  size_t bytes;
  uint8_t data[40];
  enum pm_err err;
};

#define HEAD 1, 0, 0, 0, 0, 0, 0, 0, 0, 42

static void what_cannot_be_is_refused(void **state) {
  (void)state;
  static const struct hostile cases[] = {
      {"nothing", 0, {0}, PM_ERR_RANGE},
      {"another version", 13, {2, 0, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0}, PM_ERR_RANGE},
      {"cut in its head", 9, {HEAD}, PM_ERR_RANGE},
      {"fine: an empty row", 13, {HEAD, 0, 1, 0}, PM_OK},
      {"an unknown flag", 13, {1, 0x80, 0, 0, 0, 0, 0, 0, 0, 42, 0, 1, 0}, PM_OK},
      {"from later to earlier", 13, {HEAD, 5, 4, 0}, PM_ERR_RANGE},
      {"bytes behind it", 14, {HEAD, 0, 1, 0, 0}, PM_ERR_SYNTAX},
      {"a cell that is not there", 13, {HEAD, 0, 1, 1}, PM_ERR_RANGE},
      {"more cells than a row has", 14, {HEAD, 0, 1, 0x81, 4}, PM_ERR_RANGE},
      {"a number without end",
       22,
       {HEAD, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0},
       PM_ERR_RANGE},
      {"a cell that has gone", 22, {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0}, PM_OK},
      {"a state that is none", 22, {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 4}, PM_ERR_RANGE},
      {"a node twice",
       31,
       {HEAD, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0},
       PM_ERR_RANGE},
      {"fine: no success", 27, {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 2, 10, 5, 5, 0, 0}, PM_OK},
      {"more lost than sent",
       27,
       {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 2, 10, 5, 6, 0, 0},
       PM_ERR_RANGE},
      {"a place past the scale",
       33,
       {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 10, 5, 0, 9, 1, 0, 0, 0, 0, 0, 0},
       PM_ERR_RANGE},
      {"the last place",
       33,
       {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 10, 5, 0, 9, 0, 0, 0, 0, 0, 0, 0},
       PM_OK},
      {"a quarter below the scale",
       33,
       {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 10, 5, 0, 0, 5, 5, 0, 0, 0, 0, 0},
       PM_ERR_RANGE},
      {"a phase that later versions know",
       34,
       {HEAD, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 10, 5, 0, 0, 5, 0, 0, 0, 0, 0, 0x80, 3},
       PM_OK},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pm_wire_row row;
    struct pm_buf buf;
    pm_buf_init(&buf, 200);
    pm_wire_base64(&buf, cases[i].data, cases[i].bytes);
    enum pm_err err = pm_wire_row_read(buf.data, buf.len, &row);
    if (err != cases[i].err) fail_msg("%s: %s", cases[i].what, pm_err_text(err));
    pm_buf_deinit(&buf);
  }
}

static void what_is_no_base64_is_refused(void **state) {
  (void)state;
  static char long_text[PM_WIRE_ROW_BYTES_MAX + 1];
  struct pm_wire_row row;
  memset(long_text, 'A', sizeof long_text);
  assert_int_equal(pm_wire_row_read("AQ!A", 4, &row), PM_ERR_SYNTAX);
  assert_int_equal(pm_wire_row_read("AQ\0A", 4, &row), PM_ERR_SYNTAX);
  assert_int_equal(pm_wire_row_read("AQAAA", 5, &row), PM_ERR_SYNTAX);
  assert_int_equal(pm_wire_row_read(long_text, sizeof long_text, &row), PM_ERR_TOO_LARGE);
}

static void a_relayed_row_must_be_whole_and_named(void **state) {
  (void)state;
#define ID   "00070000000000090000000000000000"
#define ZERO "00000000000000000000000000000000"
#define ROW  "AQAAAAAAAAAAKgABAA" /* version 1, inc 42, 0 to 1, no cells */
#define PART "AQEAAAAAAAAAKgABAA" /* the same, and more to come */
#define NEWS "AQAAAAAAAAAAKgEBAA" /* 1 to 1 */
  static const struct {
    const char *text;
    enum pm_err err;
  } cases[] = {
      {ID ".5.1." ROW, PM_OK},
      {ID ".5.1." PART, PM_ERR_RANGE},
      {ID ".5.1." NEWS, PM_ERR_RANGE},
      {ZERO ".5.1." ROW, PM_ERR_SYNTAX},
      {ID ".-5.1." ROW, PM_ERR_SYNTAX},
      {ID ".86401.1." ROW, PM_ERR_SYNTAX},
      {ID ".5.256." ROW, PM_ERR_SYNTAX},
      {ID ".5." ROW, PM_ERR_SYNTAX},
      {ROW, PM_ERR_SYNTAX},
      {".", PM_ERR_SYNTAX},
      {"", PM_ERR_SYNTAX},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pm_wire_relayed read;
    enum pm_err err = pm_wire_row_read_relayed(cases[i].text, strlen(cases[i].text), &read);
    if (err != cases[i].err) fail_msg("%s: %s", cases[i].text, pm_err_text(err));
  }
}

/* --- in requests and answers ------------------------------------------------------------------ */

static void a_question_says_what_it_has_of_the_row(void **state) {
  (void)state;
  struct pm_wire_request ping = {
      .version = 1, .mesh = "a", .has_row = true, .row_inc = 0xfedc, .row_revision = UINT64_MAX};
  struct pm_wire_request pull = {.version = 1, .mesh = "a", .pull = true, .parts = 1, .rows = true};
  struct pm_wire_request back;
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_QUERY_BYTES_MAX);
  pm_wire_request_write(&ping, &buf);
  assert_string_equal(buf.data, "v=1&mesh=a&id=00000000000000000000000000000000"
                                "&row=000000000000fedc.18446744073709551615");
  assert_int_equal(pm_wire_request_read(buf.data, &back, NULL), PM_OK);
  assert_true(back.has_row && !back.rows);
  assert_int_equal(back.row_inc, 0xfedc);
  assert_int_equal(back.row_revision, UINT64_MAX);
  pm_buf_reset(&buf);
  pm_wire_request_write(&pull, &buf);
  assert_non_null(strstr(buf.data, "&rows=1&"));
  assert_int_equal(pm_wire_request_read(buf.data, &back, NULL), PM_OK);
  assert_true(back.rows && !back.has_row);
  pm_buf_deinit(&buf);
  static const char *const broken[] = {"v=1&row=",
                                       "v=1&row=1.1",
                                       "v=1&row=000000000000fedc",
                                       "v=1&row=000000000000fedc.",
                                       "v=1&row=000000000000fedc.-1",
                                       "v=1&row=000000000000fedc.18446744073709551616"};
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
    if (pm_wire_request_read(broken[i], &back, NULL) != PM_ERR_SYNTAX) fail_msg("%s", broken[i]);
}

static const char node_head[] = "{\"SrvLoc\":\"x\",\"Peers\":[],\"Mesh\":{\"V\":1,\"Name\":\"a\","
                                "\"Id\":\"00000000000000000000000000000001\"";

static void rows_travel_in_a_pulls_answer(void **state) {
  (void)state;
  struct pm_matrix_cell cells[PM_MATRIX_ROW_CELLS_MAX];
  struct pm_matrix_row small = matrix_row(cells, 3), large = matrix_row(cells, 400);
  struct pm_peers_head head = {.srv_loc = "Here", .srv_host = "me", .srv_port = 8080};
  struct pm_buf rows, out;
  pm_buf_init(&rows, PM_WIRE_ROWS_BYTES_MAX);
  pm_buf_init(&out, PM_WIRE_ANSWER_BYTES_MAX);
  pm_wire_row_write_relayed(&small, 5, &rows);
  size_t first_bytes = rows.len;
  pm_buf_char(&rows, '\0');
  pm_wire_row_write_relayed(&large, 6, &rows);
  pm_buf_char(&rows, '\0');
  size_t bytes = rows.len;
  struct pm_wire_answer answer = {.rows = &rows, .parts = 1};
  answer.node = (struct pm_wire_pong){.version = 1, .mesh = "a", .id = node(1)};
  pm_wire_answer_write(&answer, &head, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  assert_int_equal(pm_wire_answer_read(out.data, out.len, &answer, NULL), PM_OK);
  assert_int_equal(rows.len, bytes);
  assert_int_equal(strlen(rows.data), first_bytes);
  answer.rows = NULL; /* nobody wants them */
  assert_int_equal(pm_wire_answer_read(out.data, out.len, &answer, NULL), PM_OK);
  pm_buf_deinit(&rows);
  pm_buf_deinit(&out);
}

static void no_more_rows_are_read_than_there_may_be(void **state) {
  (void)state;
  struct pm_buf rows, out;
  pm_buf_init(&rows, PM_WIRE_ROWS_BYTES_MAX);
  pm_buf_init(&out, PM_WIRE_ANSWER_BYTES_MAX);
  pm_buf_printf(&out, "%s,\"Rows\":[7,\"a\"", node_head);
  for (int i = 0; i < 100; i++) pm_buf_text(&out, ",\"b\"");
  pm_buf_text(&out, "]}}");
  struct pm_wire_answer answer = {.rows = &rows};
  assert_int_equal(pm_wire_answer_read(out.data, out.len, &answer, NULL), PM_OK);
  assert_int_equal(rows.len, 2 * (PM_WIRE_ROWS_MAX - 1));
  assert_memory_equal(rows.data, "a\0b\0b", 6);
  pm_buf_deinit(&rows);
  pm_buf_deinit(&out);
}

static void an_old_nodes_sums_are_read(void **state) {
  (void)state;
  static const char text[] =
      "{\"SrvLoc\":\"x\",\"Peers\":["
      "{\"Url\":\"http://192.0.2.1/\",\"PeerIP\":\"192.0.2.1\",\"Pings\":1},"
      "{\"Url\":\"http://192.0.2.9:80/v1/ping\",\"PeerIP\":\"192.0.2.9\",\"Pings\":2,"
      "\"Fails\":3,\"Delay\":20,\"LatestPing\":\"2026-11-22T10:32:52Z\",\"PingTotals\":{"
      "\"DnsLk\":1,\"TcpHs\":910181,\"TlsHs\":4,\"Reply\":610821,\"Close\":9,\"Total\":1720512}}]}";
  struct pm_wire_entry entries[4];
  struct pm_wire_old old[4];
  struct pm_wire_answer answer = {.entries = entries, .entries_max = 4, .old = old};
  assert_int_equal(pm_wire_answer_read(text, sizeof text - 1, &answer, NULL), PM_OK);
  assert_int_equal(answer.entries_count, 1);
  assert_int_equal(old[0].pings, 2);
  assert_int_equal(old[0].fails, 3);
  assert_int_equal(old[0].delay_s, 20);
  assert_int_equal(old[0].sum_ns[PM_WIRE_OLD_DNS], 1);
  assert_int_equal(old[0].sum_ns[PM_WIRE_OLD_TCP], 910181);
  assert_int_equal(old[0].sum_ns[PM_WIRE_OLD_TLS], 4);
  assert_int_equal(old[0].sum_ns[PM_WIRE_OLD_REPLY], 610821);
  assert_int_equal(old[0].sum_ns[PM_WIRE_OLD_TOTAL], 1720512);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_row_is_read_as_it_was_written),
      cmocka_unit_test(a_usual_cell_takes_less_than_36_characters),
      cmocka_unit_test(a_long_row_comes_in_parts),
      cmocka_unit_test(no_news_are_short_and_none_without_room),
      cmocka_unit_test(what_has_gone_is_told_to_those_who_had_it),
      cmocka_unit_test(a_relayed_row_names_its_origin_and_age),
      cmocka_unit_test(the_longest_row_fits),
      cmocka_unit_test(what_cannot_be_is_refused),
      cmocka_unit_test(what_is_no_base64_is_refused),
      cmocka_unit_test(a_relayed_row_must_be_whole_and_named),
      cmocka_unit_test(a_question_says_what_it_has_of_the_row),
      cmocka_unit_test(rows_travel_in_a_pulls_answer),
      cmocka_unit_test(no_more_rows_are_read_than_there_may_be),
      cmocka_unit_test(an_old_nodes_sums_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
