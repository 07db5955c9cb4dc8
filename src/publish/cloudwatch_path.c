#include "publish/cloudwatch_path.h"

#include <stdlib.h>
#include <string.h>

enum { METRICS_ALWAYS = 5 }; /* all but TlsTime and the old one */

static const enum pm_phase phases[] = {
    [PM_CLOUDWATCH_TCP_RTT] = PM_PHASE_TCP,
    [PM_CLOUDWATCH_TLS_TIME] = PM_PHASE_TLS,
    [PM_CLOUDWATCH_FIRST_BYTE] = PM_PHASE_FIRST,
    [PM_CLOUDWATCH_TOTAL] = PM_PHASE_TOTAL,
};

enum { TIMES = sizeof(phases) / sizeof(phases[0]) };

struct pm_cloudwatch_path *pm_cloudwatch_path_new(const char *to) {
  struct pm_cloudwatch_path *path = calloc(1, sizeof(*path));
  if (path == NULL) return NULL;
  path->to = strdup(to);
  if (path->to != NULL) return path;
  free(path);
  return NULL;
}

void pm_cloudwatch_path_free(struct pm_cloudwatch_path *path) {
  if (path == NULL) return;
  for (size_t i = 0; i < PM_CLOUDWATCH_STATUSES_MAX; i++)
    pm_histogram_deinit(&path->statuses[i].tcp);
  for (size_t i = 0; i < TIMES; i++) pm_histogram_deinit(&path->times[i]);
  free(path->to);
  free(path);
}

/* --- adding ------------------------------------------------------------------------------------
 */

/* Where round trips of a status are kept: its own histogram, or that of all further ones. */
static struct pm_histogram *round_trips(struct pm_cloudwatch_path *path, int http_status) {
  for (size_t i = 0; i < path->statuses_count; i++)
    if (path->statuses[i].http_status == http_status) return &path->statuses[i].tcp;
  if (path->statuses_count == PM_CLOUDWATCH_STATUSES_MAX)
    return &path->times[PM_CLOUDWATCH_TCP_RTT];
  struct pm_cloudwatch_status *status = &path->statuses[path->statuses_count++];
  status->http_status = http_status;
  return &status->tcp;
}

static enum pm_err add_time(struct pm_cloudwatch_path *path, enum pm_cloudwatch_metric metric,
                            const struct pm_sample *sample) {
  enum pm_phase phase = phases[metric];
  int64_t ns = sample->phase_ns[phase];
  if (ns == 0 || !pm_sample_publishes(sample, phase)) return PM_OK;
  if (metric != PM_CLOUDWATCH_TCP_RTT) return pm_histogram_add(&path->times[metric], ns);
  path->hour_round_trip_ms += (double)ns / PM_NS_PER_MS;
  path->hour_round_trips++;
  return pm_histogram_add(round_trips(path, sample->http_status), ns);
}

enum pm_err pm_cloudwatch_path_add(struct pm_cloudwatch_path *path,
                                   const struct pm_sample *sample) {
  /* These say nothing of the path. */
  if (sample->outcome == PM_OUTCOME_INTERNAL || sample->outcome == PM_OUTCOME_POLICY) return PM_OK;
  bool failed = sample->outcome != PM_OUTCOME_SUCCESS;
  path->probes++;
  path->failures += failed;
  path->hour_probes++;
  path->hour_failures += failed;
  path->tls = path->tls || sample->tls;
  for (size_t metric = 0; metric < TIMES; metric++) {
    enum pm_err err = add_time(path, (enum pm_cloudwatch_metric)metric, sample);
    if (err != PM_OK) return err;
  }
  return PM_OK;
}

enum pm_err pm_cloudwatch_path_merge(struct pm_cloudwatch_path *into,
                                     const struct pm_cloudwatch_path *from) {
  if (from->probes == 0) return PM_OK;
  into->probes += from->probes;
  into->failures += from->failures;
  bool up = from->probes > from->failures;
  into->intervals_up += up;
  into->intervals_down += !up;
  into->tls = into->tls || from->tls;
  enum pm_err err = PM_OK;
  for (size_t i = 0; i < TIMES && err == PM_OK; i++)
    err = pm_histogram_merge(&into->times[i], &from->times[i]);
  for (size_t i = 0; i < from->statuses_count && err == PM_OK; i++)
    err = pm_histogram_merge(&into->times[PM_CLOUDWATCH_TCP_RTT], &from->statuses[i].tcp);
  return err;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* Whether one more metric may be named; one that was named in this hour already costs nothing. */
static bool allow(struct pm_cloudwatch_allowance *allowance, bool named) {
  if (named) return true;
  if (allowance->metrics_max > 0 && allowance->metrics >= allowance->metrics_max) {
    allowance->left_out++;
    return false;
  }
  allowance->metrics++;
  return true;
}

struct writing {
  struct pm_cloudwatch_path *path;
  struct pm_cloudwatch_allowance *allowance;
  struct pm_cloudwatch_batch *batch;
  size_t to_at;
};

static bool begin(struct writing *w, enum pm_cloudwatch_metric metric) {
  if (!allow(w->allowance, (w->path->named & 1u << metric) != 0)) return false;
  w->path->named |= 1u << metric;
  return true;
}

static void write_times(struct writing *w, enum pm_cloudwatch_metric metric,
                        const struct pm_histogram *times) {
  if (times->total == 0 || !begin(w, metric)) return;
  if (pm_cloudwatch_batch_add_times(w->batch, metric, w->to_at, 0, times) != PM_OK)
    w->allowance->left_out++;
}

static void write_pair(struct writing *w, enum pm_cloudwatch_metric metric, uint32_t hundreds,
                       uint32_t zeroes) {
  const struct pm_cloudwatch_value values[] = {{.value = 0, .count = zeroes},
                                               {.value = 100, .count = hundreds}};
  if (!begin(w, metric)) return;
  if (pm_cloudwatch_batch_add(w->batch, metric, w->to_at, 0, values, 2) != PM_OK)
    w->allowance->left_out++;
}

static void write_legacy(struct writing *w) {
  for (size_t i = 0; i < w->path->statuses_count; i++) {
    struct pm_cloudwatch_status *status = &w->path->statuses[i];
    if (status->tcp.total == 0 || !allow(w->allowance, status->named)) continue;
    status->named = true;
    if (pm_cloudwatch_batch_add_times(w->batch, PM_CLOUDWATCH_LEGACY, w->to_at, status->http_status,
                                      &status->tcp) != PM_OK)
      w->allowance->left_out++;
  }
}

static void write_round_trips(struct writing *w) {
  struct pm_cloudwatch_path *path = w->path;
  struct pm_histogram *all = &path->times[PM_CLOUDWATCH_TCP_RTT];
  if (path->statuses_count == 1 && all->total == 0) {
    write_times(w, PM_CLOUDWATCH_TCP_RTT, &path->statuses[0].tcp);
    return;
  }
  for (size_t i = 0; i < path->statuses_count; i++)
    if (pm_histogram_merge(all, &path->statuses[i].tcp) != PM_OK) w->allowance->left_out++;
  write_times(w, PM_CLOUDWATCH_TCP_RTT, all);
}

void pm_cloudwatch_path_write(struct pm_cloudwatch_path *path, bool legacy,
                              struct pm_cloudwatch_allowance *allowance,
                              struct pm_cloudwatch_batch *batch) {
  struct writing w = {.path = path, .allowance = allowance, .batch = batch};
  if (path->probes == 0) return;
  if (pm_cloudwatch_batch_text(batch, path->to, &w.to_at) != PM_OK) {
    allowance->left_out++;
    return;
  }
  bool rolled_up = path->intervals_up + path->intervals_down > 0;
  bool up = path->probes > path->failures;
  write_pair(&w, PM_CLOUDWATCH_LOSS, path->failures, path->probes - path->failures);
  write_pair(&w, PM_CLOUDWATCH_AVAILABILITY, rolled_up ? path->intervals_up : up,
             rolled_up ? path->intervals_down : !up);
  write_round_trips(&w);
  for (size_t metric = PM_CLOUDWATCH_TLS_TIME; metric < TIMES; metric++)
    write_times(&w, (enum pm_cloudwatch_metric)metric, &path->times[metric]);
  if (legacy) write_legacy(&w);
}

/* --- ending ------------------------------------------------------------------------------------
 */

void pm_cloudwatch_path_end_interval(struct pm_cloudwatch_path *path) {
  path->probes = path->failures = path->intervals_up = path->intervals_down = 0;
  for (size_t i = 0; i < path->statuses_count; i++) pm_histogram_clear(&path->statuses[i].tcp);
  for (size_t i = 0; i < TIMES; i++) pm_histogram_clear(&path->times[i]);
}

void pm_cloudwatch_path_end_hour(struct pm_cloudwatch_path *path) {
  path->hour_probes = path->hour_failures = path->hour_round_trips = 0;
  path->hour_round_trip_ms = 0;
  path->named = 0;
  path->planned = path->in_detail = false;
  for (size_t i = 0; i < path->statuses_count; i++) path->statuses[i].named = false;
}

size_t pm_cloudwatch_path_needs(const struct pm_cloudwatch_path *path, bool legacy) {
  return METRICS_ALWAYS + (path->tls ? 1 : 0) + (legacy ? 1 : 0);
}

static double ratio(double part, uint32_t whole) {
  return whole > 0 ? part / whole : 0;
}

int pm_cloudwatch_path_compare(const struct pm_cloudwatch_path *a,
                               const struct pm_cloudwatch_path *b) {
  double loss_a = ratio(a->hour_failures, a->hour_probes);
  double loss_b = ratio(b->hour_failures, b->hour_probes);
  if (loss_a != loss_b) return loss_a > loss_b ? 1 : -1;
  double mean_a = ratio(a->hour_round_trip_ms, a->hour_round_trips);
  double mean_b = ratio(b->hour_round_trip_ms, b->hour_round_trips);
  if (mean_a != mean_b) return mean_a > mean_b ? 1 : -1;
  return strcmp(b->to, a->to); /* so that the choice does not depend on any order */
}
