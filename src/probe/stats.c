#include "probe/stats.h"

/* What the original reports for a sample without a status line. */
enum { STATUS_WITHOUT_ANSWER = 502 };

void pm_stats_init(struct pm_stats *stats) {
  *stats = (struct pm_stats){0};
}

void pm_stats_deinit(struct pm_stats *stats) {
  pm_window_deinit(&stats->window);
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

static void add_phase(struct pm_phase_stats *stats, int64_t ns) {
  stats->latest_ns = ns > 0 ? ns : 0;
  if (ns <= 0) return;
  stats->sum_ns += ns;
  if (stats->min_ns == 0 || ns < stats->min_ns) stats->min_ns = ns;
  if (ns > stats->max_ns) stats->max_ns = ns;
}

enum pm_err pm_stats_add(struct pm_stats *stats, const struct pm_sample *sample) {
  stats->outcomes[sample->outcome]++;
  stats->starved += sample->verdict == PM_VERDICT_STARVED;
  pm_loss_add(&stats->loss, sample);
  stats->retransmitted += pm_loss_was_retransmitted(sample);
  stats->latest_sample = sample->at;
  stats->latest_status = sample->http_status > 0 ? sample->http_status : STATUS_WITHOUT_ANSWER;
  if (sample->outcome != PM_OUTCOME_SUCCESS) {
    count_failure(stats, sample->outcome);
  } else {
    count_success(stats, sample);
    for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
      add_phase(&stats->phases[phase], sample->phase_ns[phase]);
    }
  }
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    if (pm_sample_publishes(sample, (enum pm_phase)phase))
      pm_buckets_add(&stats->buckets[phase], sample->phase_ns[phase]);
  }
  return pm_window_add(&stats->window, sample);
}

enum pm_err pm_stats_add_late(struct pm_stats *stats, struct pm_time now, uint64_t turns) {
  stats->late += turns;
  return pm_window_add_late(&stats->window, now, turns);
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
