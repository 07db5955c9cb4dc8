#include "publish/cloudwatch_dashboard.h"

#include <stdio.h>

#include "base/json_write.h"
#include "publish/cloudwatch_encode.h"

enum {
  COLUMNS = 24, /* of CloudWatch's grid */
  EXPRESSION_BYTES = 512,
  HOURS = 24,
  PERIOD_S = 300,
  HOUR_S = 3600,
};

#define SCHEMA "{" PM_CLOUDWATCH_NAMESPACE ",FromLocation,ToLocation}"
#define PATH   "${PROP('Dim.FromLocation')} to ${PROP('Dim.ToLocation')}"
/* The names that the two variables are put in place of. */
#define PLACE_A "LOCATION-A"
#define PLACE_B "LOCATION-B"

struct widget {
  int x, y, width, height;
  const char *title;
  const char *view;  /* "table", "timeSeries", "bar" */
  const char *label; /* of the y axis; NULL: none */
  const char *const *expressions;
  const char *const *labels; /* one for each; "" as CloudWatch finds fit */
  size_t count;
  int period_s;
  const char *start; /* how far back at least, NULL: as the dashboard says */
};

#define FIND(metric, stat, period) \
  "SEARCH('" SCHEMA " MetricName=\"" metric "\"', '" stat "', " period ")"

static const char *const matrix[] = {FIND("TcpRtt", "p50", "300")};
static const char *const matrix_loss[] = {FIND("Loss", "Average", "300")};
static const char *const worst_tail[] = {"SORT(" FIND("TcpRtt", "p99", "300") ", AVG, DESC, 10)"};
static const char *const worst_loss[] = {"SORT(" FIND("Loss", "Average", "300") ", AVG, DESC, 10)"};
static const char *const there_and_back[] = {
    "SEARCH('" SCHEMA " MetricName=\"TcpRtt\" FromLocation=\"" PLACE_A "\" ToLocation=\"" PLACE_B
    "\"', 'p50', 300)",
    "SEARCH('" SCHEMA " MetricName=\"TcpRtt\" FromLocation=\"" PLACE_B "\" ToLocation=\"" PLACE_A
    "\"', 'p50', 300)"};
static const char *const there_and_back_tail[] = {
    "SEARCH('" SCHEMA " MetricName=\"FirstByte\" FromLocation=\"" PLACE_A "\" ToLocation=\"" PLACE_B
    "\"', 'p95', 300)",
    "SEARCH('" SCHEMA " MetricName=\"FirstByte\" FromLocation=\"" PLACE_B "\" ToLocation=\"" PLACE_A
    "\"', 'p95', 300)"};
static const char *const availability[] = {
    "SORT(" FIND("Availability", "Average", "300") ", AVG, ASC, 20)"};
static const char *const path_labels[] = {PATH, PATH};

static const struct widget widgets[] = {
    {0, 0, 12, 9, "Round trip by location: median, ms", "table", NULL, matrix, path_labels, 1,
     PERIOD_S, NULL},
    {12, 0, 12, 9, "Loss by location, %", "table", NULL, matrix_loss, path_labels, 1, PERIOD_S,
     NULL},
    {0, 9, 12, 7, "The ten slowest paths: 99th percentile of the round trip", "timeSeries", "ms",
     worst_tail, path_labels, 1, PERIOD_S, NULL},
    {12, 9, 12, 7, "The ten paths that lose most", "timeSeries", "%", worst_loss, path_labels, 1,
     PERIOD_S, NULL},
    {0, 16, 12, 7, "One direction against the other: median round trip", "timeSeries", "ms",
     there_and_back, path_labels, 2, PERIOD_S, NULL},
    {12, 16, 12, 7, "One direction against the other: 95th percentile of the first byte",
     "timeSeries", "ms", there_and_back_tail, path_labels, 2, PERIOD_S, NULL},
    {0, 23, COLUMNS, 7, "Availability of the twenty worst paths", "timeSeries", "%", availability,
     path_labels, 1, PERIOD_S, NULL},
};

static void write_expression(struct pm_json_writer *w, const char *expression, const char *label,
                             const char *id, bool visible, int period_s) {
  pm_json_array_begin(w, NULL);
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "expression", expression);
  if (label[0] != '\0') pm_json_put_string(w, "label", label);
  pm_json_put_string(w, "id", id);
  if (!visible) pm_json_put_bool(w, "visible", false);
  pm_json_put_int(w, "period", period_s);
  pm_json_object_end(w);
  pm_json_array_end(w);
}

static void begin_widget(struct pm_json_writer *w, const struct widget *widget,
                         const char *region) {
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "type", "metric");
  pm_json_put_int(w, "x", widget->x);
  pm_json_put_int(w, "y", widget->y);
  pm_json_put_int(w, "width", widget->width);
  pm_json_put_int(w, "height", widget->height);
  pm_json_object_begin(w, "properties");
  pm_json_put_string(w, "title", widget->title);
  pm_json_put_string(w, "region", region);
  pm_json_put_string(w, "view", widget->view);
  pm_json_put_bool(w, "stacked", false);
  pm_json_put_int(w, "period", widget->period_s);
  if (widget->start != NULL) {
    pm_json_put_string(w, "start", widget->start);
    pm_json_put_string(w, "end", "P0D");
  }
}

static void write_look(struct pm_json_writer *w, const struct widget *widget) {
  if (widget->label != NULL) {
    pm_json_object_begin(w, "yAxis");
    pm_json_object_begin(w, "left");
    pm_json_put_string(w, "label", widget->label);
    pm_json_put_int(w, "min", 0);
    pm_json_put_bool(w, "showUnits", false);
    pm_json_object_end(w);
    pm_json_object_end(w);
    return;
  }
  pm_json_object_begin(w, "table");
  pm_json_put_string(w, "layout", "vertical");
  pm_json_put_bool(w, "stickySummary", true);
  pm_json_put_bool(w, "showTimeSeriesData", false);
  pm_json_array_begin(w, "summaryColumns");
  pm_json_put_string(w, NULL, "MIN");
  pm_json_put_string(w, NULL, "AVG");
  pm_json_put_string(w, NULL, "MAX");
  pm_json_array_end(w);
  pm_json_object_end(w);
}

static void end_widget(struct pm_json_writer *w) {
  pm_json_object_end(w);
  pm_json_object_end(w);
}

static void write_widget(struct pm_json_writer *w, const struct widget *widget,
                         const char *region) {
  char id[24];
  begin_widget(w, widget, region);
  write_look(w, widget);
  pm_json_array_begin(w, "metrics");
  for (size_t i = 0; i < widget->count; i++) {
    snprintf(id, sizeof(id), "e%zu", i + 1);
    write_expression(w, widget->expressions[i], widget->labels[i], id, true, widget->period_s);
  }
  pm_json_array_end(w);
  end_widget(w);
}

/* A row for each hour of the day: the mesh's 95th percentiles of the last week, of the hours that
 * have this number. */
static void write_hours(struct pm_json_writer *w, const char *region) {
  static const struct widget widget = {
      .y = 30,
      .width = COLUMNS,
      .height = 12,
      .view = "table",
      .period_s = HOUR_S,
      .title = "Hour of the day (UTC), last 7 days: mean over all paths of the 95th percentile of "
               "the round trip, ms",
      .start = "-P7D"};
  char expression[EXPRESSION_BYTES], label[16], id[16];
  begin_widget(w, &widget, region);
  write_look(w, &widget);
  pm_json_array_begin(w, "metrics");
  write_expression(w, "AVG(" FIND("TcpRtt", "p95", "3600") ")", "", "all", false, HOUR_S);
  for (int hour = 0; hour < HOURS; hour++) {
    snprintf(expression, sizeof(expression), "IF(HOUR(all) == %d, all)", hour);
    snprintf(label, sizeof(label), "%02d:00", hour);
    snprintf(id, sizeof(id), "h%d", hour);
    write_expression(w, expression, label, id, true, HOUR_S);
  }
  pm_json_array_end(w);
  end_widget(w);
}

static void write_variable(struct pm_json_writer *w, const char *id, const char *label,
                           const char *pattern, const char *dimension) {
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "type", "pattern");
  pm_json_put_string(w, "pattern", pattern);
  pm_json_put_string(w, "inputType", "select");
  pm_json_put_string(w, "id", id);
  pm_json_put_string(w, "label", label);
  pm_json_put_bool(w, "visible", true);
  pm_json_put_string(w, "search", SCHEMA " MetricName=\"TcpRtt\"");
  pm_json_put_string(w, "populateFrom", dimension);
  pm_json_object_end(w);
}

void pm_cloudwatch_dashboard_print(const char *region, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_json_object_begin(&w, NULL);
  pm_json_put_string(&w, "periodOverride", "inherit");
  pm_json_array_begin(&w, "variables");
  write_variable(&w, "a", "Location A", PLACE_A, "FromLocation");
  write_variable(&w, "b", "Location B", PLACE_B, "ToLocation");
  pm_json_array_end(&w);
  pm_json_array_begin(&w, "widgets");
  for (size_t i = 0; i < sizeof(widgets) / sizeof(widgets[0]); i++)
    write_widget(&w, &widgets[i], region);
  write_hours(&w, region);
  pm_json_array_end(&w);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}
