/* /v1/matrix: what a program reads of rows and cells, page by page, and what a person does. */
#include "mesh_fixture.h"

#include "api/service_feed.h"

static const struct pm_json_limits LIMITS = {
    .bytes_max = 64 << 20, .depth_max = 8, .items_max = 1 << 20, .string_bytes_max = 4096};

struct document {
  struct pm_json_doc *doc;
  const struct pm_json *root;
};

static struct document get(struct fixture *f, const char *query) {
  struct document document;
  struct pm_why why = {""};
  const char *body = fixture_get(f, "/v1/matrix", query);
  assert_int_equal(f->response.status, 200);
  assert_string_equal(f->response.content_type, "application/json");
  if (pm_json_parse(body, f->response.body.len, &LIMITS, &document.doc, &why) != PM_OK)
    fail_msg("%s", why.text);
  document.root = pm_json_root(document.doc);
  return document;
}

static const struct pm_json *at(const struct pm_json *list, size_t index) {
  const struct pm_json *child = pm_json_first(list);
  while (index-- > 0) child = pm_json_next(child);
  return child;
}

static size_t length(const struct pm_json *list) {
  size_t count = 0;
  for (const struct pm_json *child = pm_json_first(list); child != NULL;
       child = pm_json_next(child))
    count++;
  return count;
}

static int64_t number(const struct pm_json *value) {
  int64_t out;
  assert_int_equal(pm_json_int(value, INT64_MIN / 1024, INT64_MAX / 1024, &out), PM_OK);
  return out;
}

static const char *text(const struct pm_json *value) {
  const char *out;
  assert_int_equal(pm_json_string(value, &out), PM_OK);
  return out;
}

static const struct pm_json *rows(const struct document *document) {
  return pm_json_member(document->root, "rows");
}

static void see(struct fixture *f, struct pm_matrix *matrix) {
  f->matrix = matrix;
  f->id = mesh_id(1);
  fixture_reopen(f);
}

static void a_cell_has_its_figures_in_order(void **state) {
  struct fixture *f = *state;
  struct pm_matrix *matrix = mesh_full(3, pm_clock_now());
  char key[PM_WIRE_ID_BYTES];
  see(f, matrix);
  struct document document = get(f, "");
  assert_string_equal(text(pm_json_member(document.root, "self")), mesh_key(1, key));
  assert_int_equal(number(pm_json_member(document.root, "stale_after_s")), PM_MATRIX_STALE_S);
  const struct pm_json *fields = pm_json_member(document.root, "fields");
  assert_int_equal(length(fields), 15);
  assert_string_equal(text(at(fields, 6)), "p50_ns");
  assert_string_equal(text(at(pm_json_member(document.root, "states"), PM_CELL_STALE)), "stale");
  const struct pm_json *nodes = pm_json_member(document.root, "nodes");
  assert_int_equal(length(nodes), 3);
  assert_string_equal(text(pm_json_member(at(nodes, 2), "key")), mesh_key(3, key));
  assert_string_equal(text(pm_json_member(at(nodes, 0), "state")), "self");
  assert_string_equal(text(pm_json_member(at(nodes, 0), "host")), "localhost:8080");
  assert_string_equal(text(pm_json_member(at(nodes, 1), "state")), "unknown");
  assert_true(pm_json_is_null(pm_json_member(at(nodes, 1), "coordinate")));

  /* From 2 to 3: 2.003 ms. */
  const struct pm_json *row = at(rows(&document), 1);
  assert_int_equal(number(pm_json_member(row, "from")), 1);
  assert_string_equal(text(pm_json_member(row, "source")), "direct");
  assert_int_equal(number(pm_json_member(row, "hops")), 1);
  assert_true(pm_json_is_null(pm_json_member(row, "via")));
  const struct pm_json *cell = at(pm_json_member(row, "cells"), 1);
  static const int64_t figures[] = {2,       PM_CELL_MEASURED, 10,      60,      1,      1802700,
                                    2003000, 2203300,          4006000, 6009000, 100150, 1000,
                                    0,       2003005,          4006005};
  assert_int_equal(length(cell), 15);
  for (size_t i = 0; i < 15; i++) assert_int_equal(number(at(cell, i)), figures[i]);
  pm_json_free(document.doc);
  pm_matrix_free(matrix);
}

/* Failed, without a success ever, and one whose far end nobody here knows. */
static void what_is_not_known_is_null_or_not_there(void **state) {
  struct fixture *f = *state;
  const struct pm_time now = pm_clock_now();
  struct pm_matrix *matrix;
  static struct mesh_row row;
  const struct pm_cell failed = {.state = PM_CELL_FAILED, .every_s = 5, .sent = 7, .lost = 7};
  const struct pm_cell fine = mesh_cell(PM_NS_PER_MS);
  assert_int_equal(pm_matrix_new(4, &matrix), PM_OK);
  mesh_row_begin(&row, 2, PM_ROW_DIRECT, now);
  mesh_row_add(&row, 1, &failed);
  mesh_row_add(&row, 99, &fine);
  mesh_row_take(&row, matrix, now);
  see(f, matrix);
  struct document document = get(f, "");
  const struct pm_json *cells = pm_json_member(at(rows(&document), 0), "cells");
  assert_int_equal(length(cells), 1);
  const struct pm_json *cell = at(cells, 0);
  assert_int_equal(number(at(cell, 1)), PM_CELL_FAILED);
  assert_int_equal(number(at(cell, 2)), 5);
  assert_int_equal(number(at(cell, 4)), 7);
  for (size_t i = 5; i < 10; i++) assert_true(pm_json_is_null(at(cell, i)));
  assert_int_equal(number(at(cell, 10)), 0);
  pm_json_free(document.doc);
  pm_matrix_free(matrix);
}

static void old_rows_are_stale(void **state) {
  struct fixture *f = *state;
  const struct pm_time now = pm_clock_now();
  const struct pm_time then = {now.ns - (PM_MATRIX_STALE_S + 5) * (int64_t)PM_NS_PER_S};
  struct pm_matrix *matrix;
  static struct mesh_row row;
  const struct pm_cell cell = mesh_cell(PM_NS_PER_MS);
  assert_int_equal(pm_matrix_new(4, &matrix), PM_OK);
  mesh_row_begin(&row, 2, PM_ROW_RELAYED, then);
  mesh_row_add(&row, 1, &cell);
  mesh_row_take(&row, matrix, now);
  see(f, matrix);
  struct document document = get(f, "");
  const struct pm_json *first = at(rows(&document), 0);
  assert_int_equal(number(pm_json_member(first, "age_s")), PM_MATRIX_STALE_S + 5);
  assert_string_equal(text(pm_json_member(first, "source")), "relayed");
  assert_int_equal(number(pm_json_member(first, "via")), 0);
  assert_int_equal(number(at(at(pm_json_member(first, "cells"), 0), 1)), PM_CELL_STALE);
  pm_json_free(document.doc);
  pm_matrix_free(matrix);
}

static void rows_come_in_pages(void **state) {
  struct fixture *f = *state;
  struct pm_matrix *matrix = mesh_full(5, pm_clock_now());
  char query[64], key[PM_WIRE_ID_BYTES];
  unsigned expected = 0;
  see(f, matrix);
  for (unsigned page = 0; page < 3; page++) {
    snprintf(query, sizeof(query), "limit=2%s%s", page > 0 ? "&after=" : "",
             page > 0 ? mesh_key(page * 2, key) : "");
    struct document document = get(f, query);
    bool more;
    const size_t count = length(rows(&document));
    assert_int_equal(count, page < 2 ? 2 : 1);
    for (size_t i = 0; i < count; i++)
      assert_int_equal(number(pm_json_member(at(rows(&document), i), "from")), expected++);
    assert_int_equal(pm_json_bool(pm_json_member(document.root, "more"), &more), PM_OK);
    assert_int_equal(more, page < 2);
    pm_json_free(document.doc);
  }
  pm_matrix_free(matrix);
}

static void one_row_alone(void **state) {
  struct fixture *f = *state;
  struct pm_matrix *matrix = mesh_full(5, pm_clock_now());
  char query[64], key[PM_WIRE_ID_BYTES];
  static const struct {
    unsigned node;
    size_t rows;
  } cases[] = {{3, 1}, {77, 0}};
  see(f, matrix);
  for (size_t i = 0; i < 2; i++) {
    snprintf(query, sizeof(query), "from=%s", mesh_key(cases[i].node, key));
    struct document document = get(f, query);
    assert_int_equal(length(rows(&document)), cases[i].rows);
    if (cases[i].rows > 0)
      assert_int_equal(number(pm_json_member(at(rows(&document), 0), "from")), 2);
    pm_json_free(document.doc);
  }
  struct document document = get(f, "from=http%3A%2F%2Fh.example%2Fv1%2Fping");
  assert_int_equal(length(rows(&document)), 0);
  pm_json_free(document.doc);
  pm_matrix_free(matrix);
}

static void wrong_questions_are_refused(void **state) {
  struct fixture *f = *state;
  static const char *const queries[] = {"limit=0",
                                        "limit=1001",
                                        "limit=-1",
                                        "limit=x",
                                        "after=nobody",
                                        "after=%00",
                                        "limit=99999999999999999999"};
  for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
    fixture_get(f, "/v1/matrix", queries[i]);
    assert_int_equal(f->response.status, 400);
  }
}

static void without_a_mesh_there_is_one_node(void **state) {
  struct fixture *f = *state;
  struct document document = get(f, "");
  const struct pm_json *nodes = pm_json_member(document.root, "nodes");
  assert_int_equal(length(nodes), 1);
  assert_string_equal(text(pm_json_member(at(nodes, 0), "key")), "self");
  assert_string_equal(text(pm_json_member(document.root, "self")), "self");
  assert_int_equal(length(rows(&document)), 0);
  pm_json_free(document.doc);
  assert_non_null(strstr(fixture_get(f, "/v1/matrix", "format=html"), "No row is known yet."));
}

static void the_page_is_cut_to_a_screen(void **state) {
  struct fixture *f = *state;
  struct pm_matrix *matrix = mesh_full(45, pm_clock_now());
  size_t heads = 0, bodies = 0;
  see(f, matrix);
  const char *page = fixture_get(f, "/v1/matrix", "format=html");
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
  for (const char *p = page; (p = strstr(p, "<th scope=\"col\">")) != NULL; p++) heads++;
  for (const char *p = page; (p = strstr(p, "<th scope=\"row\">")) != NULL; p++) bodies++;
  assert_int_equal(heads, 1 + 40 + 2);
  assert_int_equal(bodies, 40);
  assert_non_null(strstr(page, "Only the first 40 of each are shown here."));
  /* From 2 to 3. */
  assert_non_null(strstr(page, "<td class=\"number\">2.00</td>"));
  pm_matrix_free(matrix);
}

static struct pm_time clock_of(void *owner) {
  return ((struct fixture *)owner)->now;
}

/* Four different long questions at a time; the fifth has to wait, the first is answered. An hour
 * later all is forgotten. */
static void questions_of_many_kinds_are_bounded(void **state) {
  struct fixture *f = *state;
  f->now = (struct pm_time){(int64_t)1000 * PM_NS_PER_S};
  f->config.clock = clock_of;
  struct pm_matrix *matrix = mesh_full(250, f->now);
  char query[32];
  see(f, matrix);
  for (int limit = 250; limit < 254; limit++) {
    snprintf(query, sizeof(query), "limit=%d", limit);
    fixture_get(f, "/v1/matrix", query);
    assert_int_equal(f->response.status, 200);
  }
  fixture_get(f, "/v1/matrix", "limit=254");
  assert_int_equal(f->response.status, 503);
  assert_string_equal(fixture_answered(f, "Retry-After"), "1");
  const char *before = strdup(fixture_get(f, "/v1/matrix", "limit=250"));
  assert_int_equal(f->response.status, 200);
  assert_string_equal(fixture_get(f, "/v1/matrix", "limit=250"), before);
  free((void *)(uintptr_t)before);
  f->now = pm_time_add_ms(f->now, 3600 * 1000);
  fixture_get(f, "/v1/matrix", "limit=254");
  assert_int_equal(f->response.status, 200);
  pm_matrix_free(matrix);
}

/* What was found once is what pages and streams are told of for a while; then its memory goes. */
static void ticks_free_what_is_kept(void **state) {
  struct fixture *f = *state;
  struct pm_matrix *matrix = mesh_full(3, pm_clock_now());
  see(f, matrix);
  struct document document = get(f, "");
  pm_json_free(document.doc);
  pm_service_feed_tick(f->service);
  document = get(f, "");
  assert_int_equal(length(rows(&document)), 3);
  pm_json_free(document.doc);
  pm_matrix_free(matrix);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_cell_has_its_figures_in_order),
      FIXTURE_TEST(what_is_not_known_is_null_or_not_there),
      FIXTURE_TEST(old_rows_are_stale),
      FIXTURE_TEST(rows_come_in_pages),
      FIXTURE_TEST(one_row_alone),
      FIXTURE_TEST(wrong_questions_are_refused),
      FIXTURE_TEST(without_a_mesh_there_is_one_node),
      FIXTURE_TEST(the_page_is_cut_to_a_screen),
      FIXTURE_TEST(questions_of_many_kinds_are_bounded),
      FIXTURE_TEST(ticks_free_what_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
