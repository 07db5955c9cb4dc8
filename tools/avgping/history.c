#include "history.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/escape.h"
#include "base/json_read.h"

enum {
  LABEL_COLUMNS = 8,
  TAIL_COLUMNS = 22, /* the scale behind a line */
  LEVELS = 8,
};

struct step {
  bool there;
  uint32_t sent, lost;
  int64_t p50_ns, p90_ns; /* 0: no success */
};

struct series {
  struct step steps[AVGPING_HISTORY_STEPS_MAX];
  size_t count;
  int64_t since_s, until_s, step_s;
  const char *from, *to, *phase, *source; /* in the document */
};

/* --- what is asked for -------------------------------------------------------------------------
 */

static int64_t unit_s(const char *unit) {
  static const struct {
    const char *text;
    int64_t seconds;
  } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}};
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
    if (strcmp(unit, units[i].text) == 0) return units[i].seconds;
  return 0;
}

enum pm_err avgping_history_since(const char *text, int64_t *out_s, struct pm_why *why) {
  enum { DIGITS_MAX = 8 };
  const char *digits = text + (text[0] == '-');
  size_t count = strspn(digits, "0123456789");
  int64_t number = 0, unit = unit_s(digits + count);
  for (size_t i = 0; i < count && count <= DIGITS_MAX; i++) number = number * 10 + digits[i] - '0';
  if (count == 0 || unit == 0)
    return pm_why_set(why, PM_ERR_SYNTAX, "-since is \"%s\", but must be a time ago like -24h",
                      text);
  if (count > DIGITS_MAX || number * unit < 60 || number * unit > AVGPING_HISTORY_SINCE_S_MAX)
    return pm_why_set(why, PM_ERR_RANGE, "-since is \"%s\", but must be from 1m to 400d", text);
  *out_s = number * unit;
  return PM_OK;
}

static int64_t steps_that_fit(const struct avgping_terminal *terminal) {
  if (terminal->columns == 0) return AVGPING_HISTORY_STEPS_DEFAULT;
  return terminal->columns - LABEL_COLUMNS - TAIL_COLUMNS > 10
             ? terminal->columns - LABEL_COLUMNS - TAIL_COLUMNS
             : 10;
}

/* Whole minutes; whole tens or hours where they are longer than one, as rows are kept. */
static int64_t step_for(int64_t since_s, int64_t steps) {
  int64_t step_s = (since_s + steps - 1) / steps;
  int64_t unit = step_s > 3600 ? 3600 : step_s > 600 ? 600 : 60;
  return (step_s + unit - 1) / unit * unit;
}

void avgping_history_page(const char *pair, const char *phase, int64_t since_s,
                          const struct avgping_terminal *terminal, struct pm_buf *out) {
  const char *dots = strstr(pair, "..");
  const char *to = dots ? dots + 2 : pair;
  pm_buf_text(out, "history?to=");
  pm_escape_query(out, to, strlen(to));
  if (dots != NULL) {
    pm_buf_text(out, "&from=");
    pm_escape_query(out, pair, (size_t)(dots - pair));
  }
  pm_buf_text(out, "&phase=");
  pm_escape_query(out, phase, strlen(phase));
  /* The last step is the one that is open, and one of the first ones may be cut: two fewer. */
  pm_buf_printf(out, "&since=-%llds&step=%llds", (long long)since_s,
                (long long)step_for(since_s, steps_that_fit(terminal) - 2));
}

/* --- reading -----------------------------------------------------------------------------------
 */

static bool read_time(const struct pm_json *value, int64_t *out_s) {
  const char *text;
  struct pm_wall wall;
  if (pm_json_string(value, &text) != PM_OK || pm_wall_parse(text, &wall) != PM_OK) return false;
  *out_s = wall.ns / PM_NS_PER_S;
  return true;
}

static int64_t number_of(const struct pm_json *object, const char *name) {
  int64_t number;
  if (pm_json_int(pm_json_member(object, name), 0, INT64_C(1) << 52, &number) != PM_OK) return 0;
  return number;
}

static const char *text_of(const struct pm_json *object, const char *name) {
  const char *text = "";
  return pm_json_string(pm_json_member(object, name), &text) == PM_OK ? text : "";
}

static bool read_head(const struct pm_json *root, struct series *out) {
  out->from = text_of(root, "from");
  out->to = text_of(root, "to");
  out->phase = text_of(root, "phase");
  out->source = text_of(root, "source");
  out->step_s = number_of(root, "step_s");
  if (!read_time(pm_json_member(root, "since"), &out->since_s) || out->step_s < 60) return false;
  if (!read_time(pm_json_member(root, "until"), &out->until_s)) return false;
  out->since_s -= out->since_s % out->step_s; /* where its first row begins */
  if (out->until_s <= out->since_s) return false;
  int64_t steps = (out->until_s - out->since_s + out->step_s - 1) / out->step_s;
  out->count = steps < AVGPING_HISTORY_STEPS_MAX ? (size_t)steps : AVGPING_HISTORY_STEPS_MAX;
  return true;
}

static void read_row(const struct pm_json *row, struct series *series) {
  int64_t time_s;
  if (!read_time(pm_json_member(row, "t"), &time_s) || time_s < series->since_s) return;
  uint64_t at = (uint64_t)(time_s - series->since_s) / (uint64_t)series->step_s;
  if (at >= series->count) return;
  series->steps[at] = (struct step){.there = true,
                                    .sent = (uint32_t)number_of(row, "sent"),
                                    .lost = (uint32_t)number_of(row, "lost"),
                                    .p50_ns = number_of(row, "p50_ns"),
                                    .p90_ns = number_of(row, "p90_ns")};
}

/* --- drawing -----------------------------------------------------------------------------------
 */

static const char *level_text(int level, bool utf8) {
  static const char *const blocks[LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static const char *const ascii[LEVELS] = {"_", ".", "-", "~", "=", "+", "*", "#"};
  return utf8 ? blocks[level] : ascii[level];
}

struct scale {
  int64_t low, high;
};

static void widen(struct scale *scale, int64_t value) {
  if (value <= 0) return;
  if (scale->low == 0 || value < scale->low) scale->low = value;
  if (value > scale->high) scale->high = value;
}

static int level_of(const struct scale *scale, int64_t value) {
  if (scale->high <= scale->low) return 0;
  int64_t level = (value - scale->low) * LEVELS / (scale->high - scale->low + 1);
  return level < 0 ? 0 : level >= LEVELS ? LEVELS - 1 : (int)level;
}

/* A blank where nothing is known, an x where nothing succeeded. */
static void put_lengths(struct pm_buf *out, const struct series *series, const char *label,
                        bool p90, const struct scale *scale,
                        const struct avgping_terminal *terminal) {
  struct scale own = {0, 0};
  pm_buf_printf(out, "%-*s", LABEL_COLUMNS, label);
  if (terminal->colour) pm_buf_text(out, p90 ? "\033[38;5;214m" : "\033[38;5;39m");
  for (size_t i = 0; i < series->count; i++) {
    const struct step *step = &series->steps[i];
    int64_t value = p90 ? step->p90_ns : step->p50_ns;
    widen(&own, value);
    if (value > 0)
      pm_buf_text(out, level_text(level_of(scale, value), terminal->utf8));
    else
      pm_buf_char(out, step->there && step->sent > 0 ? 'x' : ' ');
  }
  if (terminal->colour) pm_buf_text(out, "\033[0m");
  pm_buf_printf(out, " %.3g to %.3g ms\n", (double)own.low / PM_NS_PER_MS,
                (double)own.high / PM_NS_PER_MS);
}

/* Up to all that was sent: the lowest mark for any loss at all, a dot for none. */
static void put_loss(struct pm_buf *out, const struct series *series,
                     const struct avgping_terminal *terminal) {
  double worst = 0;
  pm_buf_printf(out, "%-*s", LABEL_COLUMNS, "loss");
  if (terminal->colour) pm_buf_text(out, "\033[38;5;202m");
  for (size_t i = 0; i < series->count; i++) {
    const struct step *step = &series->steps[i];
    double share = step->sent > 0 ? (double)step->lost / step->sent : 0;
    int level = (int)(share * LEVELS);
    if (share > worst) worst = share;
    if (step->sent == 0)
      pm_buf_char(out, ' ');
    else if (step->lost == 0)
      pm_buf_char(out, terminal->utf8 ? '.' : '\'');
    else
      pm_buf_text(out, level_text(level < LEVELS ? level : LEVELS - 1, terminal->utf8));
  }
  if (terminal->colour) pm_buf_text(out, "\033[0m");
  pm_buf_printf(out, " at most %.3g %%\n", worst * 100);
}

static void put_axis(struct pm_buf *out, const struct series *series) {
  char first[PM_TIME_TEXT_BYTES], last[PM_TIME_TEXT_BYTES];
  int64_t end_s = series->since_s + (int64_t)series->count * series->step_s;
  if (end_s > INT64_MAX / PM_NS_PER_S)
    end_s = INT64_MAX / PM_NS_PER_S; /* a node may say anything */
  pm_wall_format((struct pm_wall){series->since_s * PM_NS_PER_S}, "%b %e %H:%M", first,
                 sizeof(first));
  pm_wall_format((struct pm_wall){end_s * PM_NS_PER_S}, "%b %e %H:%M", last, sizeof(last));
  int between = (int)series->count - (int)strlen(first) - (int)strlen(last);
  pm_buf_printf(out, "%-*s%s%*s%s UTC\n", LABEL_COLUMNS, "", first, between > 1 ? between : 1, "",
                last);
}

static void put_sum(struct pm_buf *out, const struct series *series) {
  uint64_t sent = 0, lost = 0;
  for (size_t i = 0; i < series->count; i++) {
    sent += series->steps[i].sent;
    lost += series->steps[i].lost;
  }
  char step[PM_TIME_TEXT_BYTES];
  pm_duration_text(series->step_s, step);
  pm_buf_printf(out, "%llu probes, %llu lost; a column is %s", (unsigned long long)sent,
                (unsigned long long)lost, step);
  pm_buf_text(out, strcmp(series->source, "reported") == 0
                       ? "; as that node reported it: figures are near\n"
                       : "\n");
}

static void draw(const struct series *series, const struct avgping_terminal *terminal,
                 struct pm_buf *out) {
  struct scale scale = {0, 0};
  for (size_t i = 0; i < series->count; i++) {
    widen(&scale, series->steps[i].p50_ns);
    widen(&scale, series->steps[i].p90_ns);
  }
  pm_escape_line(out, series->from, strlen(series->from));
  pm_buf_text(out, " to ");
  pm_escape_line(out, series->to, strlen(series->to));
  pm_buf_text(out, ", ");
  pm_escape_line(out, series->phase, strlen(series->phase));
  pm_buf_char(out, '\n');
  if (scale.high == 0) pm_buf_text(out, "No success is known of that time.\n");
  put_lengths(out, series, "median", false, &scale, terminal);
  put_lengths(out, series, "p90", true, &scale, terminal);
  put_loss(out, series, terminal);
  put_axis(out, series);
  put_sum(out, series);
}

enum pm_err avgping_history_draw(const struct pm_buf *body, const struct avgping_terminal *terminal,
                                 struct pm_buf *out, struct pm_why *why) {
  static const struct pm_json_limits limits = {.bytes_max = AVGPING_DOC_BYTES_MAX,
                                               .depth_max = 8,
                                               .items_max = AVGPING_DOC_ITEMS_MAX,
                                               .string_bytes_max = 8192};
  struct series series = {0};
  struct pm_json_doc *doc;
  enum pm_err err = pm_json_parse(body->data, body->len, &limits, &doc, why);
  if (err != PM_OK) return err;
  const struct pm_json *root = pm_json_root(doc), *rows = pm_json_member(root, "rows");
  if (pm_json_is_array(rows) && read_head(root, &series)) {
    for (const struct pm_json *row = pm_json_first(rows); row != NULL; row = pm_json_next(row))
      read_row(row, &series);
    draw(&series, terminal, out);
  } else {
    err = pm_why_set(why, PM_ERR_TYPE, "it is no history: an older node has none");
  }
  pm_json_free(doc);
  return err;
}
