#include "publish/alert_encode.h"

#include <inttypes.h>
#include <string.h>

#include "base/json_write.h"

/* The longest sentence: two locations and some words. */
enum { TEXT_BYTES_MAX = 2 * PM_URL_BYTES };

static double loss_percent(const struct pm_incident_figures *figures) {
  return figures->probes > 0 ? 100.0 * figures->failed / figures->probes : 0;
}

static double tcp_ms_mean(const struct pm_incident_figures *figures) {
  if (figures->timed == 0) return 0;
  return (double)figures->rtt_sum_ns / figures->timed / PM_NS_PER_MS;
}

/* --- the sentence ------------------------------------------------------------------------------
 */

static void say_opened(const struct pm_alert *alert, struct pm_buf *out) {
  const struct pm_incident_figures *figures = &alert->event->figures;
  switch (alert->event->kind) {
  case PM_INCIDENT_DOWN:
    pm_buf_printf(out, "is down: %" PRIu32 " failures in a row", figures->failures_in_a_row);
    break;
  case PM_INCIDENT_LOSS:
    pm_buf_printf(out, "loses probes: %" PRIu32 " of the latest %" PRIu32 " failed",
                  figures->failed, figures->probes);
    break;
  case PM_INCIDENT_RTT:
    pm_buf_printf(out, "is far: %.1f ms of TCP round trip in the mean, the limit is %.0f ms",
                  tcp_ms_mean(figures), (double)alert->config->rtt_ns / PM_NS_PER_MS);
    break;
  case PM_INCIDENT_KIND_COUNT:
    break;
  }
}

static void say(const struct pm_alert *alert, struct pm_buf *out) {
  static const char *const recovered[PM_INCIDENT_KIND_COUNT] = {
      [PM_INCIDENT_DOWN] = "is up again",
      [PM_INCIDENT_LOSS] = "loses no probes any longer",
      [PM_INCIDENT_RTT] = "is as near as before",
  };
  const struct pm_incident_event *event = alert->event;
  char lasted[PM_TIME_TEXT_BYTES];
  pm_buf_printf(out, "%s, seen from %s, ", pm_target_location(alert->target), alert->from);
  if (event->opened) {
    say_opened(alert, out);
    return;
  }
  pm_duration_text((event->at.ns - event->opened_at.ns) / PM_NS_PER_S, lasted);
  pm_buf_printf(out, "%s after %s",
                event->removed ? "is measured no longer" : recovered[event->kind], lasted);
}

/* --- the webhook -------------------------------------------------------------------------------
 */

static const char *reason_of(const struct pm_incident_event *event) {
  if (event->opened) return NULL;
  return event->removed ? "removed" : "recovered";
}

static void put_figures(struct pm_json_writer *w, const struct pm_incident_figures *figures) {
  pm_json_object_begin(w, "figures");
  pm_json_put_uint(w, "failures_in_a_row", figures->failures_in_a_row);
  pm_json_put_uint(w, "probes", figures->probes);
  pm_json_put_uint(w, "failed", figures->failed);
  pm_json_put_double(w, "loss_percent", loss_percent(figures), 1);
  if (figures->timed > 0)
    pm_json_put_double(w, "tcp_ms_mean", tcp_ms_mean(figures), 3);
  else
    pm_json_put_null(w, "tcp_ms_mean");
  pm_json_object_end(w);
}

static void put_limits(struct pm_json_writer *w, const struct pm_incident_config *config) {
  pm_json_object_begin(w, "limits");
  pm_json_put_uint(w, "down_after", config->down_after);
  pm_json_put_int(w, "loss_percent", config->loss_percent);
  pm_json_put_int(w, "rtt_ms", config->rtt_ns / PM_NS_PER_MS);
  pm_json_put_int(w, "window_s", config->window_s);
  pm_json_put_uint(w, "windows_bad", config->windows_bad);
  pm_json_put_uint(w, "windows_count", config->windows_count);
  pm_json_object_end(w);
}

static const char *outcome_of(const struct pm_alert *alert) {
  return alert->sample != NULL ? pm_outcome_text(alert->sample->outcome) : NULL;
}

void pm_alert_encode_webhook(const struct pm_alert *alert, struct pm_buf *out) {
  const struct pm_incident_event *event = alert->event;
  struct pm_json_writer w;
  struct pm_buf text;
  pm_buf_init(&text, TEXT_BYTES_MAX);
  say(alert, &text);
  pm_json_writer_init(&w, out, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_int(&w, "version", 1);
  pm_json_put_string(&w, "event", event->opened ? "opened" : "closed");
  pm_json_put_string(&w, "incident", event->id);
  pm_json_put_string(&w, "kind", pm_incident_kind_text(event->kind));
  pm_json_put_string_or_null(&w, "reason", reason_of(event));
  pm_json_put_string(&w, "text", text.data);
  pm_json_put_wall(&w, "time", event->at, true);
  pm_json_put_wall(&w, "opened_at", event->opened_at, true);
  pm_json_put_string(&w, "from", alert->from);
  pm_json_put_string(&w, "to", pm_target_location(alert->target));
  pm_json_put_string(&w, "url", alert->target->spec.endpoint.url);
  pm_json_put_string_or_null(&w, "outcome", outcome_of(alert));
  put_figures(&w, &event->figures);
  put_limits(&w, alert->config);
  pm_json_put_uint(&w, "peers", alert->peers);
  pm_json_put_uint(&w, "peers_down", alert->peers_down);
  pm_json_object_end(&w);
  pm_buf_deinit(&text);
}

/* --- Sentry ------------------------------------------------------------------------------------
 */

static const char *level_of(const struct pm_incident_event *event) {
  if (!event->opened) return "info";
  return event->kind == PM_INCIDENT_DOWN ? "error" : "warning";
}

static void put_tags(struct pm_json_writer *w, const struct pm_alert *alert) {
  const struct pm_incident_event *event = alert->event;
  pm_json_object_begin(w, "tags");
  pm_json_put_string(w, "event", event->opened ? "opened" : "closed");
  pm_json_put_string(w, "kind", pm_incident_kind_text(event->kind));
  pm_json_put_string(w, "incident", event->id);
  pm_json_put_string(w, "from", alert->from);
  pm_json_put_string(w, "to", pm_target_location(alert->target));
  pm_json_object_end(w);
}

/* One issue in Sentry for each kind and path, however often it happens. */
static void put_fingerprint(struct pm_json_writer *w, const struct pm_alert *alert) {
  pm_json_array_begin(w, "fingerprint");
  pm_json_put_string(w, NULL, "pingmesh");
  pm_json_put_string(w, NULL, pm_incident_kind_text(alert->event->kind));
  pm_json_put_string(w, NULL, alert->from);
  pm_json_put_string(w, NULL, alert->target->spec.endpoint.url);
  pm_json_array_end(w);
}

static void put_extra(struct pm_json_writer *w, const struct pm_alert *alert) {
  pm_json_object_begin(w, "extra");
  pm_json_put_string(w, "url", alert->target->spec.endpoint.url);
  pm_json_put_string_or_null(w, "outcome", outcome_of(alert));
  pm_json_put_string_or_null(w, "reason", reason_of(alert->event));
  pm_json_put_wall(w, "opened_at", alert->event->opened_at, true);
  put_figures(w, &alert->event->figures);
  pm_json_put_uint(w, "peers", alert->peers);
  pm_json_put_uint(w, "peers_down", alert->peers_down);
  pm_json_object_end(w);
}

static void put_event(struct pm_json_writer *w, const struct pm_alert *alert, const char *host,
                      const char *environment) {
  struct pm_buf text;
  pm_buf_init(&text, TEXT_BYTES_MAX);
  say(alert, &text);
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "event_id", alert->event->own);
  pm_json_put_wall(w, "timestamp", alert->event->at, true);
  pm_json_put_string(w, "platform", "other");
  pm_json_put_string(w, "level", level_of(alert->event));
  pm_json_put_string(w, "logger", "pingmesh");
  pm_json_put_string(w, "release", "pingmesh@" PM_VERSION);
  pm_json_put_string(w, "server_name", host);
  if (environment != NULL && *environment != '\0')
    pm_json_put_string(w, "environment", environment);
  pm_json_object_begin(w, "message");
  pm_json_put_string(w, "formatted", text.data);
  pm_json_object_end(w);
  put_tags(w, alert);
  put_fingerprint(w, alert);
  put_extra(w, alert);
  pm_json_object_end(w);
  pm_buf_deinit(&text);
}

/* Three lines: the envelope's header, the item's, the item. */
void pm_alert_encode_sentry(const struct pm_alert *alert, const char *host, const char *environment,
                            struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_string(&w, "event_id", alert->event->own);
  pm_json_put_wall(&w, "sent_at", alert->event->at, true);
  pm_json_object_end(&w);
  pm_buf_text(out, "\n{\"type\":\"event\"}\n");
  pm_json_writer_init(&w, out, false);
  put_event(&w, alert, host, environment);
  pm_buf_char(out, '\n');
}
