/* The sink "otlp": metrics to anything that takes OTLP over HTTP with JSON (an OpenTelemetry
 * collector, and most services that sell dashboards), once an interval. What is sent is in
 * publish/otlp_encode.h, the environment's variables in publish/otlp_env.h.
 */
#ifndef PM_PUBLISH_OTLP_H
#define PM_PUBLISH_OTLP_H

#include "base/err.h"
#include "base/log.h"
#include "publish/otlp_env.h"
#include "publish/sink.h"

struct uv_loop_s;
struct pm_http_client;

enum {
  /* A thousand paths are 16 bodies of 60 kB in gzip a minute: an outage of an hour, and what came
   * first goes first, for later points hold its counts, too. */
  PM_OTLP_QUEUE_BYTES_MAX = 64 << 20,
  PM_OTLP_QUEUE_BODIES_MAX = 1000,
};

struct pm_otlp_config {
  const struct pm_otlp_env *env; /* copied */
  const char *location, *host;   /* ours; copied */
  struct pm_http_client *client;
  const struct pm_log *log;
  uint64_t seed;
};

enum pm_err pm_otlp_open(struct uv_loop_s *loop, const struct pm_otlp_config *config,
                         struct pm_sink **out) PM_MUST_USE;

#endif
