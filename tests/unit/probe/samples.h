/* Samples for the tests of this folder: a second apart, every phase given in milliseconds. */
#ifndef PM_TEST_PROBE_SAMPLES_H
#define PM_TEST_PROBE_SAMPLES_H

#include "probe/sample.h"

/* The nth success: a phase that takes n ms per its place (dns 1, tcp 2, … total 6) times scale. */
static inline struct pm_sample sample_success(int nth, int64_t scale) {
  struct pm_sample sample = {.at = {nth * (int64_t)PM_NS_PER_S},
                             .ended = {nth * (int64_t)PM_NS_PER_S},
                             .outcome = PM_OUTCOME_SUCCESS,
                             .http_status = 200,
                             .body_bytes = 100,
                             .remote = {.family = PM_IP_V4, .bytes = {127, 0, 0, 1}}};
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    sample.phase_ns[phase] = (phase + 1) * scale * PM_NS_PER_MS;
  }
  return sample;
}

static inline struct pm_sample sample_failure(int nth, enum pm_outcome outcome, int http_status) {
  struct pm_sample sample = sample_success(nth, 1000);
  sample.outcome = outcome;
  sample.http_status = http_status;
  return sample;
}

#endif
