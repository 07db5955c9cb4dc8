#include "api/past_ask.h"

#include <stdio.h>
#include <string.h>

enum {
  HOUR_S = 3600,
  DAY_S = 86400,
  SERIES_S_DEFAULT = 6 * HOUR_S,
  WEEK_S_DEFAULT = 28 * DAY_S, /* four of each hour: fewer have no quartiles worth the name */
  ROWS_DEFAULT = 400,          /* about what a screen can show apart */
  STEP_S_MAX = 31 * DAY_S,
  DIGITS_MAX = 10, /* of a length of time: no overflow when multiplied */
};

/* Digits only; -1 if there are none, too many, or others. Moves *text behind them. */
static int64_t read_digits(const char **text) {
  int64_t value = 0;
  int count = 0;
  for (; **text >= '0' && **text <= '9'; (*text)++) {
    if (++count > DIGITS_MAX) return -1;
    value = value * 10 + (**text - '0');
  }
  return count > 0 ? value : -1;
}

static int64_t unit_s(const char *unit) {
  static const struct {
    const char *text;
    int64_t seconds;
  } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", HOUR_S}, {"d", DAY_S}, {"w", 7 * DAY_S}};
  for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
    if (strcmp(unit, units[i].text) == 0) return units[i].seconds;
  return 0;
}

/* "10m" or "600"; -1 for anything else. */
static int64_t read_length(const char *text) {
  int64_t number = read_digits(&text);
  int64_t unit = unit_s(text);
  return number >= 0 && unit > 0 ? number * unit : -1;
}

static enum pm_err read_time(const char *name, const char *text, int64_t now_s, int64_t *out_s,
                             struct pm_why *why) {
  char copy[PM_TIME_TEXT_BYTES];
  struct pm_wall wall;
  if (strcmp(text, "now") == 0) {
    *out_s = now_s;
    return PM_OK;
  }
  if (text[0] == '-') {
    int64_t back_s = read_length(text + 1);
    *out_s = now_s - back_s;
    if (back_s >= 0 && back_s <= PM_PAST_SPAN_S_MAX) return PM_OK;
    if (back_s >= 0) return pm_why_set(why, PM_ERR_RANGE, "%s is too long ago", name);
  }
  int length = snprintf(copy, sizeof(copy), "%s", text);
  char *blank = strchr(copy, ' '); /* a '+' that was not escaped */
  if (blank != NULL) *blank = '+';
  if (length < (int)sizeof(copy) && pm_wall_parse(copy, &wall) == PM_OK && wall.ns >= 0) {
    *out_s = wall.ns / PM_NS_PER_S;
    return PM_OK;
  }
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "%s is no time: give one such as 2026-11-22T10:00:00Z, or -6h", name);
}

static enum pm_err read_span(const struct pm_form *form, int64_t now_s, struct pm_past_ask *out,
                             struct pm_why *why) {
  const char *since = pm_form_value(form, "since");
  const char *until = pm_form_value(form, "until");
  out->until_s = now_s;
  enum pm_err err = PM_OK;
  if (until[0] != '\0') err = read_time("until", until, now_s, &out->until_s, why);
  if (err != PM_OK) return err;
  out->since_s = out->until_s - (out->kind == PM_PAST_WEEK ? WEEK_S_DEFAULT : SERIES_S_DEFAULT);
  if (since[0] != '\0') err = read_time("since", since, now_s, &out->since_s, why);
  if (err != PM_OK) return err;
  if (out->since_s < 0) out->since_s = 0;
  if (out->since_s >= out->until_s)
    return pm_why_set(why, PM_ERR_RANGE, "the time begins after it ends");
  if (out->until_s - out->since_s > PM_PAST_SPAN_S_MAX)
    return pm_why_set(why, PM_ERR_RANGE, "that is longer than the %d days that can be asked for",
                      PM_PAST_SPAN_S_MAX / DAY_S);
  return PM_OK;
}

static int64_t default_step(int64_t span_s) {
  static const int64_t steps[] = {60, 300, 600, 1800, HOUR_S, 6 * HOUR_S};
  for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
    if (span_s / steps[i] <= ROWS_DEFAULT) return steps[i];
  return DAY_S * ((span_s / DAY_S + ROWS_DEFAULT - 1) / ROWS_DEFAULT);
}

static enum pm_err read_step(const char *text, struct pm_past_ask *out, struct pm_why *why) {
  int64_t span_s = out->until_s - out->since_s;
  out->step_s = text[0] != '\0' ? read_length(text) : default_step(span_s);
  if (out->step_s < 0)
    return pm_why_set(why, PM_ERR_SYNTAX, "step is no length of time: give one such as 10m");
  if (out->step_s == 0 || out->step_s % 60 != 0 || out->step_s > STEP_S_MAX)
    return pm_why_set(why, PM_ERR_RANGE, "step must be whole minutes, up to 31d");
  if (span_s / out->step_s + 1 > PM_PAST_ROWS_MAX)
    return pm_why_set(why, PM_ERR_RANGE,
                      "that makes more than %d rows: take a longer step or less time",
                      PM_PAST_ROWS_MAX);
  return PM_OK;
}

static enum pm_err read_phase(const char *text, enum pm_phase *out, struct pm_why *why) {
  *out = PM_PHASE_TCP;
  if (text[0] == '\0') return PM_OK;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    *out = (enum pm_phase)phase;
    if (strcmp(text, pm_phase_text(*out)) == 0) return PM_OK;
  }
  return pm_why_set(why, PM_ERR_SYNTAX, "phase is none of dns, tcp, tls, first, last, total");
}

static enum pm_err read_by(const char *text, struct pm_past_ask *out, struct pm_why *why) {
  out->by_location = strcmp(text, "location") == 0;
  if (text[0] == '\0' || out->by_location) return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX, "by is none: location is all that there is");
}

static enum pm_err read_pairs(const char *after, struct pm_past_ask *out, struct pm_why *why) {
  out->kind = PM_PAST_PAIRS;
  if (after[0] == '\0') return PM_OK;
  out->after = read_digits(&after);
  if (out->after >= 0 && *after == '\0') return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX, "after is no pair's number");
}

enum pm_err pm_past_ask_read(const struct pm_form *form, enum pm_past_kind kind, struct pm_wall now,
                             struct pm_past_ask *out, struct pm_why *why) {
  const char *to = pm_form_value(form, "to");
  *out = (struct pm_past_ask){.kind = kind};
  if (to[0] == '\0' && kind == PM_PAST_SERIES)
    return read_pairs(pm_form_value(form, "after"), out, why);
  if (to[0] == '\0')
    return pm_why_set(why, PM_ERR_SYNTAX, "to is missing: a target's URL or a node's key");
  if (snprintf(out->to, sizeof(out->to), "%s", to) >= (int)sizeof(out->to))
    return pm_why_set(why, PM_ERR_TOO_LARGE, "to is longer than a URL may be");
  const char *from = pm_form_value(form, "from");
  if (snprintf(out->from, sizeof(out->from), "%s", from) >= (int)sizeof(out->from))
    return pm_why_set(why, PM_ERR_TOO_LARGE, "from is longer than a URL may be");
  enum pm_err err = read_span(form, now.ns / PM_NS_PER_S, out, why);
  if (err == PM_OK) err = read_phase(pm_form_value(form, "phase"), &out->phase, why);
  if (err == PM_OK && kind == PM_PAST_SERIES)
    err = read_step(pm_form_value(form, "step"), out, why);
  if (err == PM_OK && kind == PM_PAST_WEEK) err = read_by(pm_form_value(form, "by"), out, why);
  if (err == PM_OK && kind == PM_PAST_WEEK)
    err = pm_zone_parse(pm_form_value(form, "zone"), &out->zone, why);
  return err;
}
