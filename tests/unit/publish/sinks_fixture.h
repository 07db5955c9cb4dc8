/* For the tests of what sinks encode: a target and samples of it.
 */
#ifndef PM_TEST_PUBLISH_SINKS_FIXTURE_H
#define PM_TEST_PUBLISH_SINKS_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "probe/target.h"

enum { SINKS_AT_S = 1795388420 }; /* 2026-11-22T23:00:20Z */

static inline void sinks_target(struct pm_target *target, uint64_t id, const char *url,
                                const char *location) {
  memset(target, 0, sizeof(*target));
  target->id = id;
  target->state = PM_TARGET_ACTIVE;
  (void)!pm_endpoint_parse(url, NULL, &target->spec.endpoint, NULL);
  snprintf(target->location, sizeof(target->location), "%s", location);
}

/* TCP 1 ms, first byte 2 ms, total 4 ms, the first two by the kernel. */
static inline struct pm_sample sinks_success(void) {
  struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS,
                             .at = {(int64_t)SINKS_AT_S * PM_NS_PER_S + 5},
                             .http_status = 200,
                             .body_bytes = 112};
  sample.phase_ns[PM_PHASE_TCP] = 1 * PM_NS_PER_MS;
  sample.phase_ns[PM_PHASE_FIRST] = 2 * PM_NS_PER_MS;
  sample.phase_ns[PM_PHASE_LAST] = 1 * PM_NS_PER_MS;
  sample.phase_ns[PM_PHASE_TOTAL] = 4 * PM_NS_PER_MS;
  sample.phase_timed_by[PM_PHASE_TCP] = PM_TIMED_BY_KERNEL;
  sample.phase_timed_by[PM_PHASE_FIRST] = PM_TIMED_BY_KERNEL;
  sample.connection = (struct pm_sample_connection){
      .known = true, .syns_sent = 1, .syn_answered = true, .data_segments_sent = 2};
  (void)!pm_ip_parse("192.0.2.9", &sample.remote);
  return sample;
}

static inline struct pm_sample sinks_failure(void) {
  struct pm_sample sample = {.outcome = PM_OUTCOME_CONNECT,
                             .at = {(int64_t)SINKS_AT_S * PM_NS_PER_S}};
  return sample;
}

#endif
