/* The sinks "webhook" and "sentry": what publish/incident makes of the samples, a request an event.
 * Events wait for an endpoint that is unwell, a day at the most; a thousand of them.
 *
 * Given the same seed, both sinks give an incident the same name.
 */
#ifndef PM_PUBLISH_ALERTS_H
#define PM_PUBLISH_ALERTS_H

#include "base/err.h"
#include "base/log.h"
#include "publish/incident.h"
#include "publish/sink.h"

struct uv_loop_s;
struct pm_http_client;

enum {
  PM_ALERTS_QUEUE_EVENTS_MAX = 1000,   /* an outage of ours with every peer of a large mesh */
  PM_ALERTS_QUEUE_BYTES_MAX = 4 << 20, /* of these, about a kilobyte each */
};

struct pm_alerts_config {
  const char *url;                /* of the webhook; NULL: Sentry. Copied */
  const char *dsn;                /* Sentry's; borrowed for the call */
  const char *location;           /* ours; copied */
  const char *host, *environment; /* for Sentry; copied */
  struct pm_incident_config incidents;
  struct pm_http_client *client;
  const struct pm_log *log;
  uint64_t seed;
};

/* PM_ERR_NOMEM; what pm_sentry_dsn_parse says. */
enum pm_err pm_alerts_open(struct uv_loop_s *loop, const struct pm_alerts_config *config,
                           struct pm_sink **out, struct pm_why *why) PM_MUST_USE;

#endif
