/* The CloudWatch sink: aggregates samples (publish/cloudwatch_paths), and once an interval encodes
 * and compresses them on the thread pool and hands the requests to publish/delivery.
 *
 * Intervals are those of the calendar: with 60 s every datum is stamped with a whole minute. The
 * requests of a mesh do not all leave in the same second: each waits a random part of a quarter of
 * the interval, ten seconds at most.
 *
 * Throttling, server errors, connections that fail and credentials that are refused are retried
 * for as long as AWS takes data of that age (two weeks) and the queue has room; any other refusal
 * costs that request and is told once, in AWS's own words.
 *
 * Its counts: taken in samples; dropped in samples that found no memory and in requests that were
 * dropped; failed in requests that AWS refused.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_H
#define PM_PUBLISH_CLOUDWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "publish/aws_credentials.h"
#include "publish/http_client.h"
#include "publish/sink.h"

struct uv_loop_s;

enum {
  PM_CLOUDWATCH_INTERVAL_S_MAX = 300,
  PM_CLOUDWATCH_INTERVAL_S_DEFAULT = 60,
  PM_CLOUDWATCH_QUEUE_BODIES_MAX = 20480, /* two weeks, a request a minute */
  /* A node of a 50-node mesh sends about 22 kB a minute: a day. */
  PM_CLOUDWATCH_QUEUE_BYTES_MAX = 32 << 20,
};

struct pm_cloudwatch_config {
  const char *location; /* ours; copied */
  bool legacy;
  int64_t interval_s;
  size_t metrics_max;
  struct pm_http_client *client; /* borrowed; outlives the sink */
  const struct pm_log *log;
  pm_aws_env env; /* as in publish/aws_credentials.h */
  void *env_owner;
  uint64_t seed; /* of jitter */
};

enum pm_err pm_cloudwatch_open(struct uv_loop_s *loop, const struct pm_cloudwatch_config *config,
                               struct pm_sink **out) PM_MUST_USE;

#endif
