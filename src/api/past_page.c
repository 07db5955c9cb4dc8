#include <string.h>

#include "api/html.h"
#include "api/past_view.h"
#include "base/clock.h"
#include "base/escape.h"

/* The plot's units; it scales with the page. */
enum {
  WIDTH = 960,
  HEIGHT = 320,
  LEFT = 70, /* the scale's texts */
  RIGHT = 950,
  TOP = 12,
  BOTTOM = 250,
  LOSS_BOTTOM = 282, /* the strip of loss */
  LOSS_HEIGHT = 24,
  TEXT_Y = 304,
};

static const int64_t SCALE_MIN_NS = 1000; /* of a plot without any figure */

static double ms_of(int64_t ns) {
  return (double)ns / (double)PM_NS_PER_MS;
}

static void time_text(int64_t time_s, char out[PM_TIME_TEXT_BYTES]) {
  pm_wall_format((struct pm_wall){time_s * PM_NS_PER_S}, "%Y-%m-%d %H:%M", out, PM_TIME_TEXT_BYTES);
}

static double loss_percent(uint64_t lost, uint64_t sent) {
  return sent > 0 ? 100.0 * (double)lost / (double)sent : 0;
}

/* ---- a series: the smoke plot ---- */

/* Where things lie. */
struct plot {
  int64_t since_s, span_s, step_s;
  int64_t top_ns;
};

static int64_t highest(const struct pm_past_answer *answer) {
  int64_t top_ns = SCALE_MIN_NS;
  for (size_t i = 0; i < answer->rows_count; i++)
    if (answer->rows[i].figures.p99_ns > top_ns) top_ns = answer->rows[i].figures.p99_ns;
  return top_ns;
}

/* 1, 2 or 5 times a power of ten, so that the scale reads well. */
static int64_t round_up(int64_t ns) {
  int64_t power = 1;
  while (power < INT64_MAX / 100 && power * 10 <= ns) power *= 10;
  if (ns <= power) return power;
  if (ns <= 2 * power) return 2 * power;
  return ns <= 5 * power ? 5 * power : 10 * power;
}

static double x_of(const struct plot *plot, int64_t time_s) {
  int64_t in_s = time_s - plot->since_s;
  if (in_s < 0) in_s = 0;
  if (in_s > plot->span_s) in_s = plot->span_s;
  return LEFT + (double)(RIGHT - LEFT) * (double)in_s / (double)plot->span_s;
}

static double y_of(const struct plot *plot, int64_t ns) {
  if (ns > plot->top_ns) ns = plot->top_ns;
  return BOTTOM - (double)(BOTTOM - TOP) * (double)ns / (double)plot->top_ns;
}

static void draw_box(struct pm_buf *out, const char *class, double x, double width, double top,
                     double bottom) {
  pm_buf_printf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                class, x, top, width, bottom - top);
}

static const char *loss_class(const struct pm_past_row *row) {
  double percent = loss_percent(row->lost, row->sent);
  if (percent <= 0) return "l0";
  if (percent < 5) return "l1";
  return percent < 20 ? "l2" : "l3";
}

static void draw_row(struct pm_buf *out, const struct plot *plot, const struct pm_past_row *row) {
  const struct pm_past_figures *figures = &row->figures;
  double x = x_of(plot, row->time_s);
  double width = x_of(plot, row->time_s + plot->step_s) - x;
  if (width < 1) width = 1;
  if (figures->count > 0) {
    double median = y_of(plot, figures->p50_ns);
    draw_box(out, "b2", x, width, y_of(plot, figures->p99_ns), y_of(plot, figures->p90_ns));
    draw_box(out, "b1", x, width, y_of(plot, figures->p90_ns), y_of(plot, figures->p10_ns));
    draw_box(out, loss_class(row), x, width, median - 1, median + 1);
  }
  if (row->lost > 0) {
    double high = LOSS_HEIGHT * loss_percent(row->lost, row->sent) / 100;
    draw_box(out, loss_class(row), x, width, LOSS_BOTTOM - (high < 1 ? 1 : high), LOSS_BOTTOM);
  }
}

static void draw_scale(struct pm_buf *out, const struct plot *plot) {
  for (int part = 0; part <= 4; part++) {
    int64_t ns = plot->top_ns / 4 * part;
    double y = y_of(plot, ns);
    pm_buf_printf(out,
                  "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                  "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g ms</text>\n",
                  LEFT, RIGHT, y, y, LEFT - 6, y + 4, ms_of(ns));
  }
  pm_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">loss</text>\n", LEFT - 6,
                LOSS_BOTTOM - 4);
  for (int part = 0; part <= 2; part++) {
    static const char *const anchors[] = {"start", "middle", "end"};
    char text[PM_TIME_TEXT_BYTES];
    time_text(plot->since_s + plot->span_s / 2 * part, text);
    pm_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
                  LEFT + (RIGHT - LEFT) / 2 * part, TEXT_Y, anchors[part], text);
  }
}

static void draw_plot(struct pm_buf *out, const struct pm_past_ask *ask,
                      const struct pm_past_answer *answer) {
  const struct plot plot = {.since_s = ask->since_s,
                            .span_s = ask->until_s - ask->since_s,
                            .step_s = answer->step_s,
                            .top_ns = round_up(highest(answer))};
  pm_buf_printf(out,
                "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"plot-title plot-desc\">"
                "\n<title id=\"plot-title\">",
                WIDTH, HEIGHT);
  pm_html_text(out, "%s to %s", pm_phase_text(ask->phase), answer->to);
  pm_buf_text(out, "</title>\n");
  pm_html_element(out, "desc id=\"plot-desc\"",
                  "%zu steps of %lld s. For each: the median as a line, coloured by loss; a band "
                  "from the 10th to the 90th percentile and a lighter one to the 99th; below, the "
                  "share that was lost. The table holds the same figures.",
                  answer->rows_count, (long long)answer->step_s);
  draw_scale(out, &plot);
  for (size_t i = 0; i < answer->rows_count; i++) draw_row(out, &plot, &answer->rows[i]);
  pm_buf_text(out, "</svg>\n");
}

static void put_key(struct pm_buf *out) {
  pm_buf_text(out, "<p>Median, by loss: <b class=\"k0\">none</b>, <b class=\"k1\">below 5&nbsp;%"
                   "</b>, <b class=\"k2\">below 20&nbsp;%</b>, <b class=\"k3\">more</b>. "
                   "All times are UTC.</p>\n");
}

static void put_head_cells(struct pm_buf *out, const char *const *names, size_t count) {
  pm_buf_text(out, "<tr>");
  for (size_t i = 0; i < count; i++)
    pm_html_element(out, i > 0 ? "th scope=\"col\" class=\"number\"" : "th scope=\"col\"", "%s",
                    names[i]);
  pm_buf_text(out, "</tr>\n");
}

static void put_ms(struct pm_buf *out, const struct pm_past_figures *figures, int64_t ns) {
  if (figures->count > 0)
    pm_buf_printf(out, "<td class=\"number\">%.3f</td>", ms_of(ns));
  else
    pm_buf_text(out, "<td class=\"number\">-</td>");
}

static void put_series_row(struct pm_buf *out, const struct pm_past_row *row) {
  const struct pm_past_figures *figures = &row->figures;
  char time[PM_TIME_TEXT_BYTES];
  time_text(row->time_s, time);
  pm_buf_printf(out,
                "<tr><th scope=\"row\">%s</th><td class=\"number\">%u</td>"
                "<td class=\"number\">%u</td>",
                time, row->sent, row->lost);
  put_ms(out, figures, figures->p10_ns);
  put_ms(out, figures, figures->p50_ns);
  put_ms(out, figures, figures->p90_ns);
  put_ms(out, figures, figures->p99_ns);
  put_ms(out, figures, figures->max_ns);
  put_ms(out, figures, figures->mean_ns);
  pm_buf_text(out, "</tr>\n");
}

static void put_series(struct pm_buf *out, const struct pm_past_ask *ask,
                       const struct pm_past_answer *answer) {
  static const char *const names[] = {"Time (UTC)", "Sent", "Lost", "10 %", "Median",
                                      "90 %",       "99 %", "Max",  "Mean"};
  if (answer->rows_count == 0) {
    pm_buf_text(out, "<p>Nothing is known of that time.</p>\n");
    return;
  }
  draw_plot(out, ask, answer);
  put_key(out);
  pm_html_table_begin(out, "The same as figures, in milliseconds");
  put_head_cells(out, names, sizeof(names) / sizeof(names[0]));
  for (size_t i = 0; i < answer->rows_count; i++) put_series_row(out, &answer->rows[i]);
  pm_html_table_end(out);
}

/* ---- a week ---- */

/* How much slower than usual, in steps that a colour can show. */
static int slowness(const struct pm_past_answer *answer, const struct pm_past_cell *cell) {
  static const double over[] = {1.02, 1.1, 1.25, 1.5};
  int level = 0;
  if (cell->figures.count == 0 || answer->all.p50_ns <= 0) return 0;
  double times = (double)cell->figures.p50_ns / (double)answer->all.p50_ns;
  while (level < 4 && times > over[level]) level++;
  return level;
}

static void put_cell(struct pm_buf *out, const struct pm_past_answer *answer,
                     const struct pm_past_cell *cell) {
  if (cell->hours == 0) {
    pm_buf_text(out, "<td class=\"number\">-</td>");
    return;
  }
  pm_buf_printf(out, "<td class=\"number h%d\">", slowness(answer, cell));
  bool slow = answer->pattern->slow[cell - answer->cells];
  if (cell->figures.count > 0)
    pm_buf_printf(out, slow ? "<strong>%.3f</strong>" : "%.3f", ms_of(cell->figures.p50_ns));
  pm_buf_printf(out, "<small>%llu sent</small>", (unsigned long long)cell->sent);
  if (cell->lost > 0)
    pm_buf_printf(out, "<small>%.2g %% lost</small>", loss_percent(cell->lost, cell->sent));
  pm_buf_text(out, "</td>");
}

static void put_pattern(struct pm_buf *out, const struct pm_pattern *pattern) {
  if (pattern->daily || pattern->weekly)
    pm_html_element(out, "p", "It has a pattern of %s beyond chance; slow hours are bold.",
                    !pattern->weekly ? "the day"
                    : pattern->daily ? "day and week"
                                     : "the week");
  else
    pm_buf_text(out, "<p>Its hours do not differ beyond chance.</p>\n");
}

static void put_week(struct pm_buf *out, const struct pm_past_ask *ask,
                     const struct pm_past_answer *answer) {
  static const char *const names[] = {"Hour",     "Monday", "Tuesday",  "Wednesday",
                                      "Thursday", "Friday", "Saturday", "Sunday"};
  char zone[PM_ZONE_TEXT_BYTES];
  pm_zone_text(&ask->zone, zone);
  pm_html_element(out, "p",
                  "Median of each hour of the week in milliseconds, at UTC%s. Over all: "
                  "%.3f ms of %llu.",
                  zone, ms_of(answer->all.p50_ns), (unsigned long long)answer->all.count);
  put_pattern(out, answer->pattern);
  pm_buf_text(out, "<p>Slower than over all by more than <b class=\"h1\">2&nbsp;%</b> "
                   "<b class=\"h2\">10&nbsp;%</b> <b class=\"h3\">25&nbsp;%</b> "
                   "<b class=\"h4\">50&nbsp;%</b></p>\n");
  pm_html_table_begin(out, "Hours of the week");
  put_head_cells(out, names, sizeof(names) / sizeof(names[0]));
  for (int hour = 0; hour < 24; hour++) {
    pm_buf_printf(out, "<tr><th scope=\"row\">%02d:00</th>", hour);
    for (int day = 0; day < 7; day++) put_cell(out, answer, &answer->cells[day * 24 + hour]);
    pm_buf_text(out, "</tr>\n");
  }
  pm_html_table_end(out);
}

/* ---- the pairs ---- */

/* from "": this node. */
static void put_link(struct pm_buf *out, const char *path, const char *from, const char *key,
                     const char *text) {
  pm_buf_printf(out, "<a href=\"%s?format=html&amp;to=", path);
  pm_escape_query(out, key, strlen(key));
  if (from[0] != '\0') {
    pm_buf_text(out, "&amp;from=");
    pm_escape_query(out, from, strlen(from));
  }
  pm_buf_text(out, "\">");
  pm_html_text(out, "%s", text);
  pm_buf_text(out, "</a>");
}

static void put_pair(struct pm_buf *out, const struct pm_past_pair *pair) {
  char first[PM_TIME_TEXT_BYTES], last[PM_TIME_TEXT_BYTES];
  time_text(pair->first_s, first);
  time_text(pair->last_s, last);
  pm_buf_text(out, "<tr><th scope=\"row\" class=\"long\">");
  put_link(out, "/v1/history", "", pair->to, pair->to_url[0] != '\0' ? pair->to_url : pair->to);
  pm_buf_text(out, "</th>");
  pm_html_element(out, "td", "%s", pair->to_location);
  pm_html_element(out, "td", "%s", first);
  pm_html_element(out, "td", "%s", last);
  pm_buf_text(out, "<td>");
  put_link(out, "/v1/profile", "", pair->to, "Hours of the week");
  pm_buf_text(out, "</td></tr>\n");
}

static void put_pairs(struct pm_buf *out, const struct pm_past_answer *answer) {
  static const char *const names[] = {"Target", "Location", "Since (UTC)", "Until (UTC)", "Week"};
  pm_html_table_begin(out, "What history is kept of");
  pm_buf_text(out, "<tr>");
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    pm_html_element(out, "th scope=\"col\"", "%s", names[i]);
  pm_buf_text(out, "</tr>\n");
  for (size_t i = 0; i < answer->pairs_count; i++) put_pair(out, &answer->pairs[i]);
  pm_html_table_end(out);
  if (!answer->more || answer->pairs_count == 0) return;
  pm_buf_printf(out, "<p><a href=\"/v1/history?format=html&amp;after=%lld\">More</a></p>\n",
                (long long)answer->pairs[answer->pairs_count - 1].id);
}

void pm_past_view_html(const struct pm_past_ask *ask, const struct pm_past_answer *answer,
                       struct pm_buf *out) {
  pm_html_begin(out, ask->kind == PM_PAST_WEEK ? "Hours of the week" : "History");
  if (ask->kind != PM_PAST_PAIRS) {
    pm_html_element(out, "p class=\"long\"", "From %s to %s, %s%s", answer->from, answer->to,
                    pm_phase_text(ask->phase),
                    answer->reported ? ", as that node reported it: figures are near" : "");
    pm_buf_text(out, "<p><a href=\"/v1/history?format=html\">All targets</a> ");
    if (!ask->by_location) /* of two locations there is no series */
      put_link(out, ask->kind == PM_PAST_WEEK ? "/v1/history" : "/v1/profile", ask->from,
               answer->to, ask->kind == PM_PAST_WEEK ? "Its history" : "Its hours of the week");
    pm_buf_text(out, "</p>\n");
  }
  switch (ask->kind) {
  case PM_PAST_SERIES:
    put_series(out, ask, answer);
    break;
  case PM_PAST_WEEK:
    put_week(out, ask, answer);
    break;
  case PM_PAST_PAIRS:
    put_pairs(out, answer);
    break;
  }
  pm_html_end(out);
}
