#include "publish/metrics_rows.h"

#include <stdlib.h>
#include <string.h>

#include "publish/metrics_rollup.h"

enum {
  /* Success, total, five phases, status, late, starved, retransmitted, SYNs sent and lost, the
   * latest's time; see publish/prometheus.c. */
  SERIES_ALWAYS = 14,
  SERIES_OF_HISTOGRAM = PM_BUCKETS_COUNT + 3, /* the one without an end, the sum, the count */
  SERIES_AT_MOST = SERIES_ALWAYS + PM_OUTCOME_COUNT + 4 * SERIES_OF_HISTOGRAM,
  LINE_BYTES = 128,    /* of a series without the labels to and target */
  BYTES_MAX = 48 << 20 /* some way below what an answer may have (api/http_message.h) */
};

size_t pm_metrics_row_series(const struct pm_metrics_row *row) {
  size_t series = SERIES_ALWAYS;
  for (int i = 0; i < PM_OUTCOME_COUNT; i++) series += row->outcomes[i] > 0;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    bool has = (PM_METRICS_PHASES >> phase & 1) && row->phases[phase].count > 0;
    series += has ? SERIES_OF_HISTOGRAM : 0;
  }
  return series;
}

static size_t row_bytes(const struct pm_metrics_row *row) {
  return pm_metrics_row_series(row) * (LINE_BYTES + strlen(row->target) + strlen(row->to));
}

static void fill(struct pm_metrics_row *row, const struct pm_target *target) {
  const struct pm_stats *stats = &target->stats;
  const struct pm_ip *address = &target->spec.endpoint.ip_override;
  bool answered = stats->successes > 0;
  *row = (struct pm_metrics_row){
      .id = target->id,
      .target = target->spec.endpoint.url,
      .to = pm_target_location(target),
      .address = address->family != PM_IP_NONE ? address : NULL,
      .targets = 1,
      .probed = stats->latest_sample.ns != 0,
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

/* One of them is for the others. */
static size_t places_that_fit(size_t series_max) {
  size_t series_fit = BYTES_MAX / (LINE_BYTES + PM_LOCATION_BYTES);
  size_t rows = (series_max < series_fit ? series_max : series_fit) / SERIES_AT_MOST;
  return rows > 1 ? rows - 1 : 1;
}

static enum pm_err roll_up(struct pm_metrics_rows *rows, size_t series_max,
                           struct pm_metrics_rollup *rollup) {
  struct pm_metrics_rollup *own = NULL;
  if (rollup == NULL) {
    if (pm_metrics_rollup_new(&own) != PM_OK) return PM_ERR_NOMEM;
    rollup = own;
  }
  enum pm_err err = pm_metrics_rollup_apply(rollup, rows, places_that_fit(series_max));
  pm_metrics_rollup_free(own);
  return err;
}

enum pm_err pm_metrics_rows_make(const struct pm_roster *roster, size_t series_max,
                                 struct pm_metrics_rollup *rollup, struct pm_metrics_rows *out) {
  size_t count = pm_roster_count(roster), series = 0, bytes = 0;
  *out = (struct pm_metrics_rows){.count = count};
  out->rows = calloc(count > 0 ? count : 1, sizeof(*out->rows));
  if (out->rows == NULL) return PM_ERR_NOMEM;
  for (size_t i = 0; i < count; i++) {
    fill(&out->rows[i], pm_roster_at(roster, i));
    series += pm_metrics_row_series(&out->rows[i]);
    bytes += row_bytes(&out->rows[i]);
  }
  bool fits = series <= series_max && bytes <= BYTES_MAX;
  return fits ? PM_OK : roll_up(out, series_max, rollup);
}

void pm_metrics_rows_free(struct pm_metrics_rows *rows) {
  free(rows->rows);
  *rows = (struct pm_metrics_rows){0};
}
