/* For the tests of the CloudWatch sink: samples, and a look into batches.
 */
#ifndef PM_TEST_PUBLISH_CLOUDWATCH_FIXTURE_H
#define PM_TEST_PUBLISH_CLOUDWATCH_FIXTURE_H

#include <string.h>

#include "publish/cloudwatch_batch.h"
#include "publish/cloudwatch_paths.h"

/* A success whose phases take tcp_ms times 1 (TCP), 2 (TLS, if so), 3 (first byte), 5 (total). */
static inline struct pm_sample success_of(double tcp_ms, bool tls) {
  struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS, .http_status = 200, .tls = tls};
  double tcp_ns = tcp_ms * PM_NS_PER_MS;
  sample.phase_ns[PM_PHASE_TCP] = (int64_t)tcp_ns;
  sample.phase_ns[PM_PHASE_TLS] = tls ? (int64_t)(2 * tcp_ns) : 0;
  sample.phase_ns[PM_PHASE_FIRST] = (int64_t)(3 * tcp_ns);
  sample.phase_ns[PM_PHASE_TOTAL] = (int64_t)(5 * tcp_ns);
  return sample;
}

static inline struct pm_sample failure_of(enum pm_outcome outcome) {
  struct pm_sample sample = {.outcome = outcome};
  return sample;
}

static inline const char *datum_to(const struct pm_cloudwatch_batch *batch, size_t i) {
  return batch->texts.data + batch->data[i].to_at;
}

/* The first datum of that metric and place; NULL if there is none. */
static inline const struct pm_cloudwatch_datum *datum_of(const struct pm_cloudwatch_batch *batch,
                                                         enum pm_cloudwatch_metric metric,
                                                         const char *to) {
  for (size_t i = 0; i < batch->count; i++)
    if (batch->data[i].metric == metric && strcmp(datum_to(batch, i), to) == 0)
      return &batch->data[i];
  return NULL;
}

static inline uint64_t datum_samples(const struct pm_cloudwatch_batch *batch,
                                     const struct pm_cloudwatch_datum *datum) {
  uint64_t sum = 0;
  for (size_t i = 0; i < datum->values_count; i++) sum += batch->values[datum->values_at + i].count;
  return sum;
}

static inline double datum_average(const struct pm_cloudwatch_batch *batch,
                                   const struct pm_cloudwatch_datum *datum) {
  double sum = 0;
  for (size_t i = 0; i < datum->values_count; i++) {
    const struct pm_cloudwatch_value *value = &batch->values[datum->values_at + i];
    sum += value->value * value->count;
  }
  return sum / (double)datum_samples(batch, datum);
}

#endif
