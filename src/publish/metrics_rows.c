#include "publish/metrics_rows.h"

#include <stdlib.h>
#include <string.h>

enum {
  /* Success, total, five phases, status, late, starved, retransmitted, SYNs sent and lost, the
   * latest's time; see publish/prometheus.c. */
  SERIES_ALWAYS = 14,
  SERIES_OF_HISTOGRAM = PM_BUCKETS_COUNT + 3, /* the one without an end, the sum, the count */
  SERIES_AT_MOST = SERIES_ALWAYS + PM_OUTCOME_COUNT + 4 * SERIES_OF_HISTOGRAM,
};

static const char OTHER[] = "other";

size_t pm_metrics_row_series(const struct pm_metrics_row *row) {
  size_t series = SERIES_ALWAYS;
  for (int i = 0; i < PM_OUTCOME_COUNT; i++) series += row->outcomes[i] > 0;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    bool has = (PM_METRICS_PHASES >> phase & 1) && row->phases[phase].count > 0;
    series += has ? SERIES_OF_HISTOGRAM : 0;
  }
  return series;
}

static void fill(struct pm_metrics_row *row, const struct pm_target *target) {
  const struct pm_stats *stats = &target->stats;
  bool answered = stats->successes > 0;
  *row = (struct pm_metrics_row){
      .target = target->spec.endpoint.url,
      .to = pm_target_location(target),
      .targets = 1,
      .up = answered && stats->failures_in_a_row == 0,
      .answered = answered,
      .status = stats->latest_sample.ns != 0 ? stats->latest_status : 0,
      .late = stats->late,
      .starved = stats->starved,
      .retransmitted = stats->retransmitted,
      .syns = stats->loss.trials,
      .syns_lost = stats->loss.lost,
      .latest = stats->latest_sample,
  };
  memcpy(row->outcomes, stats->outcomes, sizeof(row->outcomes));
  memcpy(row->phases, stats->buckets, sizeof(row->phases));
}

static void merge(struct pm_metrics_row *into, const struct pm_metrics_row *from) {
  into->target = "";
  into->targets += from->targets;
  into->up += from->up;
  into->answered += from->answered;
  into->status = 0;
  into->late += from->late;
  into->starved += from->starved;
  into->retransmitted += from->retransmitted;
  into->syns += from->syns;
  into->syns_lost += from->syns_lost;
  if (from->latest.ns > into->latest.ns) into->latest = from->latest;
  for (int i = 0; i < PM_OUTCOME_COUNT; i++) into->outcomes[i] += from->outcomes[i];
  for (int i = 0; i < PM_PHASE_COUNT; i++) pm_buckets_merge(&into->phases[i], &from->phases[i]);
}

static int by_place(const void *a, const void *b) {
  const struct pm_metrics_row *left = a, *right = b;
  return strcmp(left->to, right->to);
}

static int by_targets(const void *a, const void *b) {
  const struct pm_metrics_row *left = a, *right = b;
  if (left->targets != right->targets) return left->targets < right->targets ? 1 : -1;
  return strcmp(left->to, right->to);
}

/* Rows of one place become one, marked as such even where it is of a single target: whether a
 * series has the label target must not depend on how many others there are. */
static void roll_up(struct pm_metrics_rows *rows, size_t series_max) {
  size_t places = 0;
  qsort(rows->rows, rows->count, sizeof(*rows->rows), by_place);
  for (size_t i = 0; i < rows->count; i++) {
    struct pm_metrics_row *row = &rows->rows[i];
    if (places > 0 && strcmp(rows->rows[places - 1].to, row->to) == 0) {
      merge(&rows->rows[places - 1], row);
    } else {
      if (places != i) rows->rows[places] = *row;
      rows->rows[places].target = "";
      rows->rows[places++].status = 0;
    }
  }
  rows->count = places;
  rows->by_location = true;
  size_t places_max = series_max / SERIES_AT_MOST;
  if (places_max == 0) places_max = 1;
  if (places <= places_max) return;
  qsort(rows->rows, places, sizeof(*rows->rows), by_targets);
  for (size_t i = places_max; i < places; i++) merge(&rows->rows[places_max - 1], &rows->rows[i]);
  rows->rows[places_max - 1].to = OTHER;
  rows->count = places_max;
}

enum pm_err pm_metrics_rows_make(const struct pm_roster *roster, size_t series_max,
                                 struct pm_metrics_rows *out) {
  size_t count = pm_roster_count(roster), series = 0;
  *out = (struct pm_metrics_rows){.count = count};
  out->rows = calloc(count > 0 ? count : 1, sizeof(*out->rows));
  if (out->rows == NULL) return PM_ERR_NOMEM;
  for (size_t i = 0; i < count; i++) {
    fill(&out->rows[i], pm_roster_at(roster, i));
    series += pm_metrics_row_series(&out->rows[i]);
  }
  if (series > series_max) roll_up(out, series_max);
  return PM_OK;
}

void pm_metrics_rows_free(struct pm_metrics_rows *rows) {
  free(rows->rows);
  *rows = (struct pm_metrics_rows){0};
}
