#include "api/past_view.h"
#include "base/json_write.h"

static void put_time(struct pm_json_writer *w, const char *name, int64_t time_s) {
  pm_json_put_wall(w, name, (struct pm_wall){time_s * PM_NS_PER_S}, false);
}

static void put_ns(struct pm_json_writer *w, const char *name,
                   const struct pm_past_figures *figures, int64_t ns) {
  if (figures->count > 0)
    pm_json_put_int(w, name, ns);
  else
    pm_json_put_null(w, name);
}

static void put_figures(struct pm_json_writer *w, const struct pm_past_figures *figures) {
  pm_json_put_uint(w, "n", figures->count);
  put_ns(w, "p10_ns", figures, figures->p10_ns);
  put_ns(w, "p50_ns", figures, figures->p50_ns);
  put_ns(w, "p90_ns", figures, figures->p90_ns);
  put_ns(w, "p99_ns", figures, figures->p99_ns);
  put_ns(w, "max_ns", figures, figures->max_ns);
  put_ns(w, "mean_ns", figures, figures->mean_ns);
}

static void put_head(struct pm_json_writer *w, const struct pm_past_ask *ask,
                     const struct pm_past_answer *answer) {
  pm_json_put_string(w, "from", answer->from);
  pm_json_put_string(w, "to", answer->to);
  pm_json_put_string(w, "source", answer->reported ? "reported" : "measured");
  pm_json_put_string(w, "phase", pm_phase_text(ask->phase));
  put_time(w, "since", ask->since_s);
  put_time(w, "until", ask->until_s);
}

static void put_means(struct pm_json_writer *w, const struct pm_past_row *row) {
  pm_json_object_begin(w, "mean_ns_by_phase");
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    const char *name = pm_phase_text((enum pm_phase)phase);
    if (row->mean_ns[phase] > 0)
      pm_json_put_int(w, name, row->mean_ns[phase]);
    else
      pm_json_put_null(w, name);
  }
  pm_json_object_end(w);
}

static void put_rows(struct pm_json_writer *w, const struct pm_past_answer *answer) {
  pm_json_put_int(w, "step_s", answer->step_s);
  pm_json_array_begin(w, "rows");
  for (size_t i = 0; i < answer->rows_count; i++) {
    const struct pm_past_row *row = &answer->rows[i];
    pm_json_object_begin(w, NULL);
    put_time(w, "t", row->time_s);
    pm_json_put_uint(w, "sent", row->sent);
    pm_json_put_uint(w, "lost", row->lost);
    put_figures(w, &row->figures);
    put_means(w, row);
    pm_json_object_end(w);
  }
  pm_json_array_end(w);
}

static void put_pattern(struct pm_json_writer *w, const struct pm_pattern *pattern) {
  pm_json_object_begin(w, "pattern");
  pm_json_put_bool(w, "daily", pattern->daily);
  pm_json_put_bool(w, "weekly", pattern->weekly);
  pm_json_put_double(w, "p_day", pattern->p_day, 6);
  pm_json_put_double(w, "p_week", pattern->p_week, 6);
  pm_json_object_end(w);
}

static void put_slowness(struct pm_json_writer *w, const struct pm_past_answer *answer, int hour) {
  if (answer->cells[hour].figures.count > 0)
    pm_json_put_double(w, "slower_by", answer->pattern->slower_by[hour], 4);
  else
    pm_json_put_null(w, "slower_by");
  pm_json_put_bool(w, "slow", answer->pattern->slow[hour]);
}

static void put_cells(struct pm_json_writer *w, const struct pm_past_ask *ask,
                      const struct pm_past_answer *answer) {
  char zone[PM_ZONE_TEXT_BYTES];
  pm_zone_text(&ask->zone, zone);
  pm_json_put_string(w, "zone", zone);
  if (ask->by_location) pm_json_put_string(w, "by", "location");
  put_pattern(w, answer->pattern);
  pm_json_object_begin(w, "all");
  put_figures(w, &answer->all);
  pm_json_object_end(w);
  pm_json_array_begin(w, "cells");
  for (int i = 0; i < PM_PAST_WEEK_HOURS; i++) {
    const struct pm_past_cell *cell = &answer->cells[i];
    pm_json_object_begin(w, NULL);
    pm_json_put_int(w, "weekday", i / 24 + 1); /* ISO 8601: Monday is 1 */
    pm_json_put_int(w, "hour", i % 24);
    pm_json_put_uint(w, "hours", cell->hours);
    pm_json_put_uint(w, "sent", cell->sent);
    pm_json_put_uint(w, "lost", cell->lost);
    put_figures(w, &cell->figures);
    put_slowness(w, answer, i);
    pm_json_object_end(w);
  }
  pm_json_array_end(w);
}

static void put_pairs(struct pm_json_writer *w, const struct pm_past_answer *answer) {
  pm_json_array_begin(w, "pairs");
  for (size_t i = 0; i < answer->pairs_count; i++) {
    const struct pm_past_pair *pair = &answer->pairs[i];
    pm_json_object_begin(w, NULL);
    pm_json_put_int(w, "id", pair->id);
    pm_json_put_string(w, "from", pair->from);
    pm_json_put_string(w, "to", pair->to);
    pm_json_put_string_or_null(w, "url", pair->to_url);
    pm_json_put_string_or_null(w, "location", pair->to_location);
    put_time(w, "first", pair->first_s);
    put_time(w, "last", pair->last_s);
    pm_json_object_end(w);
  }
  pm_json_array_end(w);
  pm_json_put_bool(w, "more", answer->more);
}

void pm_past_view_json(const struct pm_past_ask *ask, const struct pm_past_answer *answer,
                       struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_json_object_begin(&w, NULL);
  if (ask->kind != PM_PAST_PAIRS) put_head(&w, ask, answer);
  switch (ask->kind) {
  case PM_PAST_SERIES:
    put_rows(&w, answer);
    break;
  case PM_PAST_WEEK:
    put_cells(&w, ask, answer);
    break;
  case PM_PAST_PAIRS:
    put_pairs(&w, answer);
    break;
  }
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}
