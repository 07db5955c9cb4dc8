/* An incident's event as a request's body: JSON for a webhook, an envelope for Sentry. Pure.
 *
 * The webhook's JSON (docs/publishing.md shows one):
 *   version     1
 *   event       "opened" or "closed"
 *   incident    32 hexadecimal digits, the same in both events of an incident
 *   kind        "down", "loss", "rtt" (publish/incident.h)
 *   reason      of a closed one: "recovered", or "removed" if the peer is measured no longer; else
 *               null
 *   text        one sentence for people; chat systems with incoming webhooks show this member
 *   time, opened_at   RFC 3339 in UTC
 *   from, to, url     our location, the peer's, what is probed
 *   outcome     of the latest probe; null if there was none
 *   figures     failures_in_a_row; of the window that decided: probes, failed, loss_percent,
 *               tcp_ms_mean (null without a success)
 *   limits      down_after, loss_percent, rtt_ms, window_s, windows_bad, windows_count
 *   peers, peers_down   that this node measures, and that it sees down: if these are about the
 *               same it is this node that is cut off
 */
#ifndef PM_PUBLISH_ALERT_ENCODE_H
#define PM_PUBLISH_ALERT_ENCODE_H

#include <stddef.h>

#include "base/buf.h"
#include "probe/target.h"
#include "publish/incident.h"

enum {
  /* Two locations and a URL, twice, each byte as a six-byte escape at the worst. */
  PM_ALERT_BYTES_MAX = 4096 + 2 * 6 * (2 * PM_LOCATION_BYTES + PM_URL_BYTES),
};

struct pm_alert {
  const struct pm_incident_event *event;
  const struct pm_incident_config *config;
  const char *from;
  const struct pm_target *target;
  const struct pm_sample *sample; /* NULL if the target ended */
  size_t peers, peers_down;
};

/* Failures stick in the buffer. */
void pm_alert_encode_webhook(const struct pm_alert *alert, struct pm_buf *out);
/* host: of this machine; environment: SENTRY_ENVIRONMENT, or NULL. */
void pm_alert_encode_sentry(const struct pm_alert *alert, const char *host, const char *environment,
                            struct pm_buf *out);

#endif
