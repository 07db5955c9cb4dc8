#include "publish/alerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "probe/roster.h"
#include "publish/alert_encode.h"
#include "publish/delivery.h"
#include "publish/sentry_dsn.h"

enum {
  RETRY_BASE_MS = 500,
  RETRY_CAP_MS = 60000,
  AGE_MS_MAX = 24 * 3600 * 1000, /* older news is none */
  NAME_BYTES = 256,              /* of a host, of an environment */
};

struct watched {
  uint64_t id; /* of the target */
  struct pm_incident_watch watch;
};

struct alerts {
  struct pm_sink sink; /* first */
  struct pm_incident_config incidents;
  const struct pm_log *log;
  struct pm_delivery *delivery;
  struct pm_rng rng;
  struct pm_buf body; /* reused */
  char location[PM_LOCATION_BYTES];
  char host[NAME_BYTES], environment[NAME_BYTES];
  struct pm_sentry_dsn dsn;
  struct watched *watched; /* by id; ids ascend, so that most are added at the end */
  size_t count, room;
  size_t down;
  uint64_t taken, lost; /* samples; events for want of memory */
  void (*closed)(void *owner);
  void *owner;
};

static struct alerts *from_sink(struct pm_sink *sink) {
  return (struct alerts *)sink;
}

static bool is_sentry(const struct alerts *alerts) {
  return alerts->dsn.url[0] != '\0';
}

/* --- what is watched ---------------------------------------------------------------------------
 */

/* Where it is, or belongs. */
static size_t place_of(const struct alerts *alerts, uint64_t id) {
  size_t low = 0, high = alerts->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (alerts->watched[middle].id < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct watched *find(struct alerts *alerts, uint64_t id) {
  size_t at = place_of(alerts, id);
  return at < alerts->count && alerts->watched[at].id == id ? &alerts->watched[at] : NULL;
}

static bool make_room(struct alerts *alerts) {
  if (alerts->count < alerts->room) return true;
  if (alerts->count >= PM_ROSTER_TARGETS_MAX) return false;
  size_t room = alerts->room ? alerts->room * 2 : 16;
  void *grown = realloc(alerts->watched, room * sizeof(*alerts->watched));
  if (grown == NULL) return false;
  alerts->watched = grown;
  alerts->room = room;
  return true;
}

static struct watched *find_or_add(struct alerts *alerts, uint64_t id) {
  struct watched *found = find(alerts, id);
  if (found != NULL || !make_room(alerts)) return found;
  size_t at = place_of(alerts, id);
  struct watched *added = &alerts->watched[at];
  memmove(added + 1, added, (alerts->count - at) * sizeof(*added));
  *added = (struct watched){.id = id};
  alerts->count++;
  return added;
}

static void forget(struct alerts *alerts, struct watched *watched) {
  size_t at = (size_t)(watched - alerts->watched);
  alerts->count--;
  memmove(watched, watched + 1, (alerts->count - at) * sizeof(*watched));
}

/* --- events ------------------------------------------------------------------------------------
 */

static void send_event(struct alerts *alerts, const struct pm_alert *alert) {
  pm_buf_reset(&alerts->body);
  if (is_sentry(alerts))
    pm_alert_encode_sentry(alert, alerts->host, alerts->environment, &alerts->body);
  else
    pm_alert_encode_webhook(alert, &alerts->body);
  char *data = pm_buf_status(&alerts->body) == PM_OK ? malloc(alerts->body.len) : NULL;
  if (data == NULL) {
    alerts->lost++;
    return;
  }
  memcpy(data, alerts->body.data, alerts->body.len);
  pm_delivery_put(alerts->delivery, data, alerts->body.len, 0);
}

static void send_all(struct alerts *alerts, const struct pm_target *target,
                     const struct pm_sample *sample, const struct pm_incident_event *events,
                     size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct pm_incident_event *event = &events[i];
    if (event->kind == PM_INCIDENT_DOWN && event->opened) alerts->down++;
    if (event->kind == PM_INCIDENT_DOWN && !event->opened) alerts->down--;
    struct pm_alert alert = {.event = event,
                             .config = &alerts->incidents,
                             .from = alerts->location,
                             .target = target,
                             .sample = sample,
                             .peers = alerts->count,
                             .peers_down = alerts->down};
    send_event(alerts, &alert);
  }
}

static void on_sample(struct pm_sink *sink, const struct pm_target *target,
                      const struct pm_sample *sample) {
  struct alerts *alerts = from_sink(sink);
  struct pm_incident_event events[PM_INCIDENT_KIND_COUNT];
  struct watched *watched = find_or_add(alerts, target->id);
  alerts->taken++;
  if (watched == NULL) return;
  size_t count = pm_incident_add(&watched->watch, &alerts->incidents, sample, &alerts->rng, events);
  send_all(alerts, target, sample, events, count);
}

/* What a person named and is given up goes on being tried, and may come back. */
static bool is_over(const struct pm_target *target) {
  bool by_person =
      target->spec.learned == PM_LEARNED_CONFIG || target->spec.learned == PM_LEARNED_OPERATOR;
  return target->state == PM_TARGET_REMOVED || target->state == PM_TARGET_DONE ||
         (target->state == PM_TARGET_GIVEN_UP && !by_person);
}

static void on_ended(struct pm_sink *sink, const struct pm_target *target) {
  struct alerts *alerts = from_sink(sink);
  struct pm_incident_event events[PM_INCIDENT_KIND_COUNT];
  if (!is_over(target)) return;
  struct watched *watched = find(alerts, target->id);
  if (watched == NULL) return;
  size_t count =
      pm_incident_end(&watched->watch, target->stats.latest_sample, &alerts->rng, events);
  forget(alerts, watched);
  send_all(alerts, target, NULL, events, count);
}

/* --- delivery ----------------------------------------------------------------------------------
 */

static enum pm_delivery_prepared prepare(void *owner, struct pm_http_call_config *call) {
  const struct alerts *alerts = owner;
  if (is_sentry(alerts)) {
    call->headers[0] = "Content-Type: application/x-sentry-envelope";
    call->headers[1] = alerts->dsn.auth_header;
  } else {
    call->headers[0] = "Content-Type: application/json";
  }
  return PM_DELIVERY_READY;
}

static void on_counts(const struct pm_sink *sink, struct pm_sink_counts *out) {
  const struct alerts *alerts = (const struct alerts *)sink;
  struct pm_delivery_counts delivery;
  pm_delivery_counts(alerts->delivery, &delivery);
  out->taken = alerts->taken;
  out->dropped = delivery.dropped + alerts->lost;
  out->failed = delivery.failed;
}

static void free_alerts(struct alerts *alerts) {
  pm_buf_deinit(&alerts->body);
  free(alerts->watched);
  explicit_bzero(&alerts->dsn, sizeof(alerts->dsn));
  free(alerts);
}

static void on_delivery_closed(void *owner) {
  struct alerts *alerts = owner;
  void (*closed)(void *owner) = alerts->closed;
  void *closed_owner = alerts->owner;
  free_alerts(alerts);
  closed(closed_owner);
}

static void on_close(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner),
                     void *owner) {
  struct alerts *alerts = from_sink(sink);
  alerts->closed = closed;
  alerts->owner = owner;
  pm_delivery_close(alerts->delivery, flush_ms, on_delivery_closed, alerts);
}

static const struct pm_sink_ops webhook_ops = {
    .name = "webhook",
    .sample = on_sample,
    .ended = on_ended,
    .counts = on_counts,
    .close = on_close,
};

static const struct pm_sink_ops sentry_ops = {
    .name = "sentry",
    .sample = on_sample,
    .ended = on_ended,
    .counts = on_counts,
    .close = on_close,
};

/* --- opening -----------------------------------------------------------------------------------
 */

static enum pm_err open_delivery(struct uv_loop_s *loop, struct alerts *alerts,
                                 const struct pm_alerts_config *config) {
  struct pm_delivery_config delivery = {
      .name = alerts->sink.ops->name,
      .url = is_sentry(alerts) ? alerts->dsn.url : config->url,
      .limits = {.bodies_max = PM_ALERTS_QUEUE_EVENTS_MAX,
                 .bytes_max = PM_ALERTS_QUEUE_BYTES_MAX,
                 .age_ms_max = AGE_MS_MAX,
                 .backoff = {.base_ms = RETRY_BASE_MS, .cap_ms = RETRY_CAP_MS}},
      .hooks = {.prepare = prepare},
      .owner = alerts,
      .client = config->client,
      .log = config->log,
      .seed = ~config->seed, /* its jitter must not disturb the names of incidents */
  };
  return pm_delivery_open(loop, &delivery, &alerts->delivery);
}

static void copy_name(char *out, size_t out_bytes, const char *name) {
  snprintf(out, out_bytes, "%s", name != NULL ? name : "");
  pm_utf8_trim_cut(out);
}

enum pm_err pm_alerts_open(struct uv_loop_s *loop, const struct pm_alerts_config *config,
                           struct pm_sink **out, struct pm_why *why) {
  struct alerts *alerts = calloc(1, sizeof(*alerts));
  if (alerts == NULL) return pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with");
  alerts->sink.ops = config->url != NULL ? &webhook_ops : &sentry_ops;
  alerts->incidents = config->incidents;
  alerts->log = config->log;
  pm_rng_seed(&alerts->rng, config->seed);
  pm_buf_init(&alerts->body, PM_ALERT_BYTES_MAX);
  copy_name(alerts->location, sizeof(alerts->location), config->location);
  copy_name(alerts->host, sizeof(alerts->host), config->host);
  copy_name(alerts->environment, sizeof(alerts->environment), config->environment);
  enum pm_err err =
      config->url == NULL ? pm_sentry_dsn_parse(config->dsn, &alerts->dsn, why) : PM_OK;
  if (err == PM_OK && (err = open_delivery(loop, alerts, config)) != PM_OK)
    pm_why_set(why, err, "%s: %s", alerts->sink.ops->name, pm_err_text(err));
  if (err != PM_OK) {
    free_alerts(alerts);
    return err;
  }
  *out = &alerts->sink;
  return PM_OK;
}
