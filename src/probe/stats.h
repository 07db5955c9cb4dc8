/* Statistics of one target: what the original reported of it since its beginning, and windows of
 * the latest minute, ten minutes and hour (probe/window.h). Pure.
 *
 * Since the beginning, a phase of 0 in a sample did not happen (no lookup of a literal address, no
 * TLS over http): it adds nothing to that phase's minimum and counts as 0 in its mean, as of old.
 * All successes are in these sums, starved ones too. Windows and buckets leave out of a phase what
 * may not be published as latency (pm_sample_publishes).
 */
#ifndef PM_PROBE_STATS_H
#define PM_PROBE_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/buckets.h"
#include "probe/loss.h"
#include "probe/sample.h"
#include "probe/window.h"

struct pm_phase_stats {
  int64_t sum_ns;
  int64_t min_ns, max_ns; /* 0 if the phase never happened */
  int64_t latest_ns;      /* of the latest success; 0 if it had no such phase */
};

struct pm_stats {
  uint64_t successes;         /* the original's "Pings" */
  uint64_t failures;          /* all of them: the original's "Fails" */
  uint32_t failures_in_a_row; /* what -f is compared with; an INTERNAL one says nothing of the
                                 target, so it neither adds to the row nor ends it */
  uint64_t late;              /* turns that came while the probe before was still running */
  uint64_t starved;           /* samples whose verdict says so, failures too */
  uint64_t retransmitted;     /* samples of which a packet was sent again */
  uint64_t outcomes[PM_OUTCOME_COUNT];
  struct pm_wall first_success, latest_success, latest_sample;
  uint64_t body_bytes; /* summed over successes */
  int latest_status;   /* of the latest sample; 502 for one without a status line, as of old */
  struct pm_ip remote; /* of the latest success */
  struct pm_phase_stats phases[PM_PHASE_COUNT]; /* successes only */
  struct pm_loss loss;                          /* since the beginning */
  struct pm_buckets buckets[PM_PHASE_COUNT];    /* of what may be published as latency */
  struct pm_window window;
};

void pm_stats_init(struct pm_stats *stats);
void pm_stats_deinit(struct pm_stats *stats);
/* PM_ERR_NOMEM: counts and sums are taken, the windows miss something. */
enum pm_err pm_stats_add(struct pm_stats *stats, const struct pm_sample *sample) PM_MUST_USE;
/* Turns that were passed over. PM_ERR_NOMEM: counted here, and the windows miss something. */
enum pm_err pm_stats_add_late(struct pm_stats *stats, struct pm_time now,
                              uint64_t turns) PM_MUST_USE;
/* The mean of a phase over the successes; 0 if there are none. */
int64_t pm_stats_mean_ns(const struct pm_stats *stats, enum pm_phase phase);
/* The share of failures among what was tried, 0 if nothing was. What failed on our side (INTERNAL)
 * or was not allowed (POLICY) was not tried: it says nothing of the path. */
double pm_stats_loss(const struct pm_stats *stats);

#endif
