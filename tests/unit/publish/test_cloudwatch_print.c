/* What is printed for people to use: the bill, and a dashboard's body, which CloudWatch is to take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_read.h"
#include "publish/cloudwatch_dashboard.h"
#include "publish/cloudwatch_forecast.h"

enum { COLUMNS = 24, ROWS_MAX = 64, EXPRESSION_BYTES_MAX = 1024 }; /* as CloudWatch has them */

/* ---- the bill ---- */

static void the_bill_has_its_question_and_its_sum(void **state) {
  (void)state;
  const struct pm_cloudwatch_forecast_config config = {
      .nodes = 50, .delay_s = 10, .interval_s = 60, .legacy = true};
  const struct pm_cloudwatch_forecast forecast = {.paths = 49,
                                                  .metrics_per_node = 294,
                                                  .metrics = 14700,
                                                  .requests = 2160000,
                                                  .metrics_dollars = 3470,
                                                  .requests_dollars = 21.60};
  struct pm_buf out;
  pm_buf_init(&out, 1 << 16);
  pm_cloudwatch_forecast_print(&config, &forecast, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  const char *question =
      "50 nodes, each in a location of its own, that probe each other every 10 s "
      "over http and publish every 60 s;\nthe old metric is on:\n\n";
  assert_int_equal(strncmp(out.data, question, strlen(question)), 0);
  assert_non_null(strstr(out.data,
                         "  metrics            14700                3470.00 dollars a month\n"
                         "  requests         2160000 a month          21.60 dollars a month\n"
                         "  together                                3491.60 dollars a month\n"));
  assert_non_null(strstr(out.data, "\n294 metrics a node, for 49 paths. A month is 30 days.\n"));
  pm_buf_deinit(&out);
}

static void the_question_names_a_ceiling(void **state) {
  (void)state;
  const struct pm_cloudwatch_forecast_config config = {
      .nodes = 2, .delay_s = 1, .interval_s = 300, .tls = true, .metrics_max = 100};
  const struct pm_cloudwatch_forecast forecast = {.paths = 1};
  struct pm_buf out;
  pm_buf_init(&out, 1 << 16);
  pm_cloudwatch_forecast_print(&config, &forecast, &out);
  assert_non_null(strstr(out.data,
                         "every 1 s over https and publish every 300 s;\nthe old metric is "
                         "off, and no node names more than 100 metrics:\n"));
  pm_buf_deinit(&out);
}

/* ---- the dashboard ---- */

static struct pm_json_doc *dashboard(const char *region, struct pm_buf *out) {
  static const struct pm_json_limits limits = {.bytes_max = PM_CLOUDWATCH_DASHBOARD_BYTES_MAX,
                                               .depth_max = 12,
                                               .items_max = 4096,
                                               .string_bytes_max = 4096};
  struct pm_json_doc *doc;
  pm_buf_init(out, PM_CLOUDWATCH_DASHBOARD_BYTES_MAX);
  pm_cloudwatch_dashboard_print(region, out);
  assert_int_equal(pm_buf_status(out), PM_OK);
  assert_int_equal(pm_json_parse(out->data, out->len, &limits, &doc, NULL), PM_OK);
  return doc;
}

static const char *text(const struct pm_json *object, const char *name) {
  const char *value = "";
  return pm_json_string(pm_json_member(object, name), &value) == PM_OK ? value : "";
}

static int64_t number(const struct pm_json *object, const char *name) {
  int64_t value;
  assert_int_equal(pm_json_int(pm_json_member(object, name), 0, 100000, &value), PM_OK);
  return value;
}

/* Each in the grid, none over another. */
static void widgets_have_places_of_their_own(void **state) {
  (void)state;
  static bool taken[ROWS_MAX][COLUMNS];
  struct pm_buf out;
  struct pm_json_doc *doc = dashboard("eu-west-3", &out);
  const struct pm_json *widget = pm_json_first(pm_json_member(pm_json_root(doc), "widgets"));
  size_t count = 0;
  for (; widget != NULL; widget = pm_json_next(widget), count++) {
    int64_t left = number(widget, "x"), top = number(widget, "y");
    int64_t right = left + number(widget, "width"), bottom = top + number(widget, "height");
    assert_true(right <= COLUMNS && bottom <= ROWS_MAX && left < right && top < bottom);
    for (int64_t y = top; y < bottom; y++)
      for (int64_t x = left; x < right; x++) {
        assert_false(taken[y][x]);
        taken[y][x] = true;
      }
    assert_string_equal(text(pm_json_member(widget, "properties"), "region"), "eu-west-3");
  }
  assert_int_equal(count, 8);
  pm_json_free(doc);
  pm_buf_deinit(&out);
}

/* The expression of a metric, [{…}], checked. Counts how many are shown. */
static const char *expression_of(const struct pm_json *metric, size_t *shown) {
  const struct pm_json *fields = pm_json_first(metric);
  const char *expression = text(fields, "expression");
  bool visible = true;
  assert_true(pm_json_is_array(metric) && fields != NULL && pm_json_next(fields) == NULL);
  assert_in_range(strlen(expression), 1, EXPRESSION_BYTES_MAX);
  assert_int_equal(number(fields, "period") % 60, 0);
  if (pm_json_member(fields, "visible"))
    assert_int_equal(pm_json_bool(pm_json_member(fields, "visible"), &visible), PM_OK);
  *shown += visible;
  return expression;
}

/* Ids are names within their widget, which may come once. */
static void assert_ids_differ(const struct pm_json *metrics) {
  for (const struct pm_json *a = pm_json_first(metrics); a != NULL; a = pm_json_next(a))
    for (const struct pm_json *b = pm_json_next(a); b != NULL; b = pm_json_next(b))
      assert_string_not_equal(text(pm_json_first(a), "id"), text(pm_json_first(b), "id"));
}

static void the_last_widget_has_a_row_for_each_hour(void **state) {
  (void)state;
  struct pm_buf out;
  struct pm_json_doc *doc = dashboard("us-east-1", &out);
  const struct pm_json *metrics = NULL, *widget;
  size_t shown = 0;
  widget = pm_json_first(pm_json_member(pm_json_root(doc), "widgets"));
  for (; widget != NULL; widget = pm_json_next(widget)) {
    metrics = pm_json_member(pm_json_member(widget, "properties"), "metrics");
    assert_ids_differ(metrics);
    shown = 0;
    for (const struct pm_json *m = pm_json_first(metrics); m != NULL; m = pm_json_next(m))
      (void)expression_of(m, &shown);
    assert_true(shown > 0);
  }
  assert_int_equal(shown, 24);
  const struct pm_json *hour = pm_json_next(pm_json_first(metrics)); /* behind what they are of */
  assert_string_equal(text(pm_json_first(hour), "label"), "00:00");
  assert_string_equal(text(pm_json_first(hour), "expression"), "IF(HOUR(all) == 0, all)");
  pm_json_free(doc);
  pm_buf_deinit(&out);
}

/* A variable replaces its pattern wherever it stands: it must stand somewhere, in both directions.
 */
static void both_variables_are_used(void **state) {
  (void)state;
  struct pm_buf out;
  struct pm_json_doc *doc = dashboard("us-east-1", &out);
  const struct pm_json *variable = pm_json_first(pm_json_member(pm_json_root(doc), "variables"));
  size_t count = 0;
  for (; variable != NULL; variable = pm_json_next(variable), count++) {
    const char *pattern = text(variable, "pattern"), *at = out.data;
    size_t uses = 0;
    assert_string_not_equal(pattern, "");
    for (; (at = strstr(at, pattern)) != NULL; at++) uses++;
    assert_int_equal(uses, 1 + 4); /* itself, and there and back in two widgets */
  }
  assert_int_equal(count, 2);
  pm_json_free(doc);
  pm_buf_deinit(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bill_has_its_question_and_its_sum),
      cmocka_unit_test(the_question_names_a_ceiling),
      cmocka_unit_test(widgets_have_places_of_their_own),
      cmocka_unit_test(the_last_widget_has_a_row_for_each_hour),
      cmocka_unit_test(both_variables_are_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
