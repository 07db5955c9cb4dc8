#include "probe/stats.h"

#include <math.h>

/* What the original reports for a sample without a status line. */
enum { STATUS_WITHOUT_ANSWER = 502 };

void pm_stats_init(struct pm_stats *stats) {
  *stats = (struct pm_stats){0};
}

void pm_stats_deinit(struct pm_stats *stats) {
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    pm_histogram_deinit(&stats->phases[phase].histogram);
  }
}

static void count_failure(struct pm_stats *stats, enum pm_outcome outcome) {
  stats->failures++;
  if (outcome != PM_OUTCOME_INTERNAL && stats->failures_in_a_row < UINT32_MAX) {
    stats->failures_in_a_row++;
  }
}

static void count_success(struct pm_stats *stats, const struct pm_sample *sample) {
  if (stats->successes == 0) stats->first_success = sample->at;
  stats->successes++;
  stats->failures_in_a_row = 0;
  stats->latest_success = sample->at;
  stats->body_bytes += sample->body_bytes;
  stats->remote = sample->remote;
}

static enum pm_err add_phase(struct pm_phase_stats *stats, int64_t ns) {
  stats->latest_ns = ns > 0 ? ns : 0;
  if (ns <= 0) return PM_OK;
  stats->sum_ns += ns;
  if (stats->min_ns == 0 || ns < stats->min_ns) stats->min_ns = ns;
  if (ns > stats->max_ns) stats->max_ns = ns;
  if (stats->previous_ns > 0) {
    double difference_ns = fabs((double)(ns - stats->previous_ns));
    stats->jitter_ns += (difference_ns - stats->jitter_ns) / 16;
  }
  stats->previous_ns = ns;
  return pm_histogram_add(&stats->histogram, ns);
}

enum pm_err pm_stats_add(struct pm_stats *stats, const struct pm_sample *sample) {
  stats->outcomes[sample->outcome]++;
  stats->latest_sample = sample->at;
  stats->latest_status = sample->http_status > 0 ? sample->http_status : STATUS_WITHOUT_ANSWER;
  if (sample->outcome != PM_OUTCOME_SUCCESS) {
    count_failure(stats, sample->outcome);
    return PM_OK;
  }
  count_success(stats, sample);
  enum pm_err first_err = PM_OK;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    enum pm_err err = add_phase(&stats->phases[phase], sample->phase_ns[phase]);
    if (first_err == PM_OK) first_err = err;
  }
  return first_err;
}

int64_t pm_stats_mean_ns(const struct pm_stats *stats, enum pm_phase phase) {
  if (stats->successes == 0) return 0;
  return stats->phases[phase].sum_ns / (int64_t)stats->successes;
}

double pm_stats_loss(const struct pm_stats *stats) {
  uint64_t lost =
      stats->failures - stats->outcomes[PM_OUTCOME_INTERNAL] - stats->outcomes[PM_OUTCOME_POLICY];
  uint64_t tried = stats->successes + lost;
  return tried > 0 ? (double)lost / (double)tried : 0;
}
