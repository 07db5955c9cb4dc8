#include "node/publishers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "gossip/config.h"
#include "publish/alerts.h"
#include "publish/clickhouse.h"
#include "publish/cloudwatch.h"
#include "publish/cloudwatch_dashboard.h"
#include "publish/cloudwatch_forecast.h"
#include "publish/file.h"
#include "publish/http_client.h"
#include "publish/otlp.h"

enum {
  NODES_DEFAULT = 50, /* of a forecast that names no number and no targets */
  HOST_BYTES = 256,
};

struct pm_publishers {
  struct pm_http_client *client;
  uint64_t alerts_seed; /* one for all sinks of alerts, see publish/alerts.h */
  void (*closed)(void *owner);
  void *owner;
};

struct opening {
  struct uv_loop_s *loop;
  const struct pm_options *options;
  const char *location;
  const struct pm_log *log;
  struct pm_publisher *publisher;
  struct pm_publishers *publishers;
};

static const char *environment(void *owner, const char *name) {
  (void)owner;
  return getenv(name);
}

/* --- each sink -------------------------------------------------------------------------------- */

static enum pm_err open_cloudwatch(const struct opening *opening, struct pm_sink **out,
                                   struct pm_why *why) {
  const struct pm_options *options = opening->options;
  struct pm_cloudwatch_config config = {
      .location = opening->location,
      .legacy = strcmp(options->cloudwatch_legacy, "on") == 0,
      .interval_s = options->cloudwatch_interval_s,
      .metrics_max = (size_t)options->cloudwatch_metrics_max,
      .client = opening->publishers->client,
      .log = opening->log,
      .env = environment,
  };
  enum pm_err err = pm_secret_fill(&config.seed, sizeof(config.seed));
  if (err == PM_OK) err = pm_cloudwatch_open(opening->loop, &config, out);
  return err == PM_OK ? err : pm_why_set(why, err, "CloudWatch: %s", pm_err_text(err));
}

static enum pm_err open_file(const struct opening *opening, struct pm_sink **out,
                             struct pm_why *why) {
  struct pm_file_config config = {
      .path = opening->options->publish_file, .location = opening->location, .log = opening->log};
  return pm_file_open(opening->loop, &config, out, why);
}

/* This machine's name, as people know it. */
static void host_of(const struct pm_options *options, char out[HOST_BYTES]) {
  if (options->hostname != NULL && *options->hostname != '\0')
    snprintf(out, HOST_BYTES, "%s", options->hostname);
  else if (gethostname(out, HOST_BYTES) != 0)
    snprintf(out, HOST_BYTES, "localhost");
  out[HOST_BYTES - 1] = '\0';
}

static enum pm_err open_otlp(const struct opening *opening, struct pm_sink **out,
                             struct pm_why *why) {
  char host[HOST_BYTES];
  struct pm_otlp_env *env = calloc(1, sizeof(*env));
  if (env == NULL) return pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with");
  host_of(opening->options, host);
  struct pm_otlp_config config = {.env = env,
                                  .location = opening->location,
                                  .host = host,
                                  .client = opening->publishers->client,
                                  .log = opening->log};
  enum pm_err err = pm_otlp_env_read(opening->options->otlp_url, environment, NULL, env, why);
  if (err == PM_OK) {
    err = pm_secret_fill(&config.seed, sizeof(config.seed));
    if (err == PM_OK) err = pm_otlp_open(opening->loop, &config, out);
    if (err != PM_OK) pm_why_set(why, err, "OTLP: %s", pm_err_text(err));
  }
  free(env);
  return err;
}

static enum pm_err open_clickhouse(const struct opening *opening, struct pm_sink **out,
                                   struct pm_why *why) {
  const struct pm_options *options = opening->options;
  struct pm_clickhouse_config config = {.url = options->clickhouse_url,
                                        .table = options->clickhouse_table,
                                        .user = options->clickhouse_user,
                                        .password = options->clickhouse_password,
                                        .location = opening->location,
                                        .interval_s = options->clickhouse_interval_s,
                                        .client = opening->publishers->client,
                                        .log = opening->log};
  enum pm_err err = pm_secret_fill(&config.seed, sizeof(config.seed));
  if (err != PM_OK) return pm_why_set(why, err, "the kernel gave no random bytes");
  return pm_clickhouse_open(opening->loop, &config, out, why);
}

static enum pm_err open_alerts(const struct opening *opening, const char *url, const char *dsn,
                               struct pm_sink **out, struct pm_why *why) {
  const struct pm_options *options = opening->options;
  uint64_t *seed = &opening->publishers->alerts_seed;
  char host[HOST_BYTES];
  host_of(options, host);
  if (*seed == 0 && pm_secret_fill(seed, sizeof(*seed)) != PM_OK)
    return pm_why_set(why, PM_ERR_SYSTEM, "the kernel gave no random bytes");
  struct pm_alerts_config config = {
      .url = url,
      .dsn = dsn,
      .location = opening->location,
      .host = host,
      .environment = getenv("SENTRY_ENVIRONMENT"),
      .incidents = {.down_after = (unsigned)options->alert_down,
                    .loss_percent = options->alert_loss_percent,
                    .rtt_ns = options->alert_rtt_ms * PM_NS_PER_MS,
                    .window_s = options->alert_window_s,
                    .windows_bad = (unsigned)options->alert_windows_bad,
                    .windows_count = (unsigned)options->alert_windows},
      .client = opening->publishers->client,
      .log = opening->log,
      .seed = *seed,
  };
  return pm_alerts_open(opening->loop, &config, out, why);
}

static enum pm_err open_webhook(const struct opening *opening, struct pm_sink **out,
                                struct pm_why *why) {
  return open_alerts(opening, opening->options->webhook_url, NULL, out, why);
}

static enum pm_err open_sentry(const struct opening *opening, struct pm_sink **out,
                               struct pm_why *why) {
  return open_alerts(opening, NULL, opening->options->sentry_dsn, out, why);
}

static const struct {
  const char *name;
  enum pm_err (*open)(const struct opening *opening, struct pm_sink **out, struct pm_why *why);
} sinks[] = {
    {"cloudwatch", open_cloudwatch}, {"otlp", open_otlp},
    {"clickhouse", open_clickhouse}, {"file", open_file},
    {"webhook", open_webhook},       {"sentry", open_sentry},
};

enum { SINKS = sizeof(sinks) / sizeof(sinks[0]) };

/* --- all of them -------------------------------------------------------------------------------
 */

static enum pm_err open_client(const struct opening *opening, struct pm_why *why) {
  struct pm_http_client_config config = {.ca_file = opening->options->ca};
  if (opening->publishers->client != NULL) return PM_OK;
  return pm_http_client_open(opening->loop, &config, &opening->publishers->client, why);
}

static enum pm_err open_sink(const struct opening *opening, size_t which, struct pm_why *why) {
  struct pm_sink *sink;
  enum pm_err err = open_client(opening, why);
  if (err == PM_OK) err = sinks[which].open(opening, &sink, why);
  if (err != PM_OK) return err;
  err = pm_publisher_add(opening->publisher, sink);
  return err == PM_OK ? err : pm_why_set(why, err, "%s: too many sinks", sinks[which].name);
}

enum pm_err pm_publishers_open(struct uv_loop_s *loop, const struct pm_options *options,
                               const char *location, const struct pm_log *log,
                               struct pm_publisher *publisher, struct pm_publishers **out,
                               struct pm_why *why) {
  struct opening opening = {.loop = loop,
                            .options = options,
                            .location = location,
                            .log = log,
                            .publisher = publisher,
                            .publishers = calloc(1, sizeof(*opening.publishers))};
  if (opening.publishers == NULL) return pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with");
  *out = opening.publishers;
  for (size_t i = 0; i < SINKS; i++) {
    if (!pm_options_publishes(options, sinks[i].name)) continue;
    enum pm_err err = open_sink(&opening, i, why);
    if (err != PM_OK) return err;
  }
  return PM_OK;
}

static void on_client_closed(void *owner) {
  struct pm_publishers *publishers = owner;
  void (*closed)(void *owner) = publishers->closed;
  void *closed_owner = publishers->owner;
  free(publishers);
  closed(closed_owner);
}

void pm_publishers_close(struct pm_publishers *publishers, void (*closed)(void *owner),
                         void *owner) {
  if (publishers == NULL) {
    closed(owner);
    return;
  }
  publishers->closed = closed;
  publishers->owner = owner;
  if (publishers->client != NULL)
    pm_http_client_close(publishers->client, on_client_closed, publishers);
  else
    on_client_closed(publishers);
}

/* --- what is only printed ----------------------------------------------------------------------
 */

static bool any_https(const struct pm_options *options) {
  if (options->tls_cert != NULL) return true;
  for (size_t i = 0; i < options->targets_count; i++)
    if (options->targets[i].endpoint.https) return true;
  return false;
}

static size_t nodes_of(const struct pm_options *options) {
  if (options->forecast_nodes > 0) return (size_t)options->forecast_nodes;
  return options->targets_count > 0 ? options->targets_count + 1 : NODES_DEFAULT;
}

enum pm_err pm_publishers_forecast(const struct pm_options *options, struct pm_buf *out) {
  struct pm_gossip_config mesh;
  struct pm_cloudwatch_forecast forecast;
  pm_gossip_config_init(&mesh, (unsigned)options->max_peers);
  struct pm_cloudwatch_forecast_config config = {
      .nodes = nodes_of(options),
      .delay_s = options->delay_s > 0 ? options->delay_s : 1,
      .active_max = mesh.active_max,
      .rotate_s = mesh.rotate_ms / 1000 > 0 ? mesh.rotate_ms / 1000 : 1,
      .peers_max = mesh.members_max,
      .interval_s = options->cloudwatch_interval_s,
      .legacy = strcmp(options->cloudwatch_legacy, "on") == 0,
      .tls = any_https(options),
      .metrics_max = (size_t)options->cloudwatch_metrics_max,
  };
  enum pm_err err = pm_cloudwatch_forecast(&config, &forecast);
  if (err == PM_OK) pm_cloudwatch_forecast_print(&config, &forecast, out);
  return err;
}

void pm_publishers_dashboard(struct pm_buf *out) {
  const char *region = getenv("AWS_REGION");
  if (region == NULL || *region == '\0') region = getenv("AWS_DEFAULT_REGION");
  pm_cloudwatch_dashboard_print(region != NULL && *region != '\0' ? region : "us-east-1", out);
}
