#include "node/node.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "api/service_feed.h"
#include "api/tls.h"
#include "base/secret.h"
#include "gossip/wire_pong.h"
#include "gossip/wire_row.h"
#include "node/admin_token.h"
#include "node/descriptors.h"
#include "node/node_parts.h"
#include "node/report.h"
#include "node/sandbox.h"
#include "publish/console.h"

enum {
  SERVER_GRACE_MS = 1000,  /* answers under way may finish */
  PORT_TRIES = 6,          /* at once, then after 1, 2, 3, 4 and 5 s, as of old */
  LIST_TIMEOUT_MS = 10000, /* an old node waits as long for a list of peers */
  BODY_BYTES_KEPT = 16384, /* of a ping's answer, to find the remote's location in */
  /* Beside the server's connections: lists, libraries, sinks and the loop; libcurl's own. */
  DESCRIPTORS_SPARE = 80 + PM_EXCHANGER_DESCRIPTORS,
};

/* --- the end, step by step: each part may be missing, if the beginning failed ----------------- */

static void on_publishers_closed(void *owner) {
  struct pm_node *node = owner;
  uv_close((uv_handle_t *)&node->interrupt, NULL);
  uv_close((uv_handle_t *)&node->terminate, NULL);
  uv_close((uv_handle_t *)&node->hangup, NULL);
  uv_close((uv_handle_t *)&node->port_retry, NULL);
  uv_close((uv_handle_t *)&node->feed, NULL);
  pm_notify_close(&node->notify);
  pm_turns_close(&node->turns);
  /* The loop ends by itself now that nothing is left on it. */
}

static void on_publisher_closed(void *owner) {
  struct pm_node *node = owner;
  pm_publishers_close(node->publishers, on_publishers_closed, node);
}

static void on_exchanger_closed(void *owner) {
  struct pm_node *node = owner;
  node->exchanger = NULL;
  pm_publisher_close(&node->publisher, on_publisher_closed, node);
}

static void on_history_closed(void *owner) {
  struct pm_node *node = owner;
  node->history = NULL;
  pm_targets_free(node->targets);
  node->targets = NULL;
  pm_peer_imports_free(node->imports);
  node->imports = NULL;
  if (node->exchanger)
    pm_exchanger_close(node->exchanger, on_exchanger_closed, node);
  else
    on_exchanger_closed(node);
}

/* Every target's end has been told by now, with its last minute. */
static void on_prober_closed(void *owner) {
  struct pm_node *node = owner;
  node->prober = NULL;
  node->past.feed = NULL; /* the server, which asks, has ended before */
  pm_history_feed_close(node->history, on_history_closed, node);
}

static void on_mesh_closed(void *owner) {
  struct pm_node *node = owner;
  node->mesh = NULL;
  if (node->prober)
    pm_prober_close(node->prober, on_prober_closed, node);
  else
    on_prober_closed(node);
}

static void on_server_closed(void *owner) {
  struct pm_node *node = owner;
  node->server = NULL;
  if (node->mesh)
    pm_mesh_close(node->mesh, on_mesh_closed, node);
  else
    on_mesh_closed(node);
}

void pm_node_stop(struct pm_node *node) {
  if (node->stopping) return;
  node->stopping = true;
  pm_notify_stopping(&node->notify);
  uv_timer_stop(&node->port_retry);
  uv_timer_stop(&node->feed);
  if (node->server)
    pm_server_close(node->server, SERVER_GRACE_MS, on_server_closed, node);
  else
    on_server_closed(node);
}

static void on_signal(uv_signal_t *handle, int number) {
  struct pm_node *node = handle->data;
  if (node->stopping) { /* asked twice: do not wait for anything any more */
    uv_stop(&node->loop);
    return;
  }
  pm_publisher_notice(&node->publisher, number == SIGINT
                                            ? "\nreceived interrupt signal, terminating"
                                            : "\nreceived terminated signal, terminating");
  pm_log(node->log, PM_LOG_ALWAYS, "pingmesh signal %d, exiting %s", number,
         node->identity.location);
  pm_node_stop(node);
}

/* A node without a server is ready once it measures; any other one when the port is its own. */
static void tell_ready(struct pm_node *node) {
  char status[64];
  if (node->stopping) return;
  if (node->serving)
    snprintf(status, sizeof(status), "serving on port %u", node->identity.listen_port);
  else if (!node->identity.listen_port)
    snprintf(status, sizeof(status), "measuring, without a server");
  else
    return;
  pm_notify_ready(&node->notify, status);
}

static enum pm_err reload_token(struct pm_node *node, struct pm_why *why) {
  char token[PM_AUTH_TOKEN_BYTES_MAX + 1];
  enum pm_err err = pm_admin_token_read(node->options, token, why);
  if (err == PM_OK) pm_service_set_token(node->service, token);
  explicit_bzero(token, sizeof(token));
  return err;
}

/* Keys, certificates, the token and targets again, from the files that they come from; what is
 * wrong is said, and then all stays as it was. */
static void on_hangup(uv_signal_t *handle, int number) {
  struct pm_node *node = handle->data;
  struct pm_why why;
  (void)number;
  if (node->stopping) return;
  pm_log(node->log, PM_LOG_ALWAYS, "hangup signal: reading keys and targets again");
  pm_notify_reloading(&node->notify);
  pm_publisher_reopen(&node->publisher);
  if (node->mesh && pm_mesh_reload_keys(node->mesh, &why) != PM_OK)
    pm_log(node->log, PM_LOG_ALWAYS, "%s; the keys of before go on", why.text);
  if (node->server && pm_server_reload_tls(node->server, &why) != PM_OK)
    pm_log(node->log, PM_LOG_ALWAYS, "%s; the certificate of before goes on", why.text);
  if (node->service && reload_token(node, &why) != PM_OK)
    pm_log(node->log, PM_LOG_ALWAYS, "%s; the token of before goes on", why.text);
  if (node->targets && pm_targets_reload(node->targets, &why) != PM_OK)
    pm_log(node->log, PM_LOG_ALWAYS, "%s; the targets of before go on", why.text);
  tell_ready(node);
}

/* --- what the prober tells ------------------------------------------------------------------- */

static void on_sample(void *owner, const struct pm_target *target, const struct pm_sample *sample,
                      const char *detail) {
  struct pm_node *node = owner;
  pm_publisher_sample(&node->publisher, target, sample);
  if (node->server) pm_service_feed_sample(node->service, target, sample);
  if (node->mesh) pm_mesh_measured(node->mesh, target);
  pm_report_sample(node->log, &node->failures, node->identity.location, target, sample, detail);
}

static void on_ended(void *owner, const struct pm_target *target) {
  struct pm_node *node = owner;
  pm_publisher_ended(&node->publisher, target);
  pm_history_feed_ended(node->history, target);
  if (node->service) pm_service_feed_ended(node->service, target);
  pm_report_ended(node->log, target);
  if (target->state == PM_TARGET_GIVEN_UP && target->spec.limit > 0) node->any_given_up = true;
  if (!node->stopping && node->options->listen_port == 0 && pm_prober_active(node->prober) == 0) {
    if (node->any_given_up) node->exit = PM_EXIT_PEER_FAILED;
    pm_node_stop(node);
  }
}

static void on_came_back(void *owner, const struct pm_target *target) {
  struct pm_node *node = owner;
  pm_report_came_back(node->log, target);
}

static const char *on_ask(void *owner, const struct pm_target *target) {
  struct pm_node *node = owner;
  return node->mesh ? pm_mesh_ask(node->mesh, target) : NULL;
}

static void on_answered(void *owner, uint64_t member, const struct pm_exchange_result *result) {
  struct pm_node *node = owner;
  if (node->mesh) pm_mesh_answered(node->mesh, member, result);
}

/* --- the server and its port ----------------------------------------------------------------- */

static void on_port_retry(uv_timer_t *timer);

static const char *client_ca(const struct pm_options *options) {
  return options->mutual_tls ? options->ca : NULL;
}

/* The port is open, or there is none: nothing that follows needs a privilege. */
static void enter_sandbox(struct pm_node *node) {
  struct pm_why why = {""};
  const enum pm_sandbox_wish wish = pm_sandbox_wish_read(node->options->sandbox);
  if (pm_sandbox_enter(wish, &why) == PM_OK) return;
  if (wish == PM_SANDBOX_REQUIRE) {
    pm_log(node->log, PM_LOG_ALWAYS, "--sandbox require: %s; giving up", why.text);
    node->exit = PM_EXIT_FAILED;
    pm_node_stop(node);
    return;
  }
  pm_log(node->log, PM_LOG_INFO, "sandbox: %s; going on without", why.text);
}

static void try_port(struct pm_node *node) {
  struct pm_server_config config;
  struct pm_why why;
  pm_server_config_default(&config);
  config.bind = node->identity.bind;
  config.port = node->identity.listen_port;
  config.tls_cert = node->options->tls_cert;
  config.tls_key = node->options->tls_key;
  config.tls_client_ca = client_ca(node->options);
  config.connections_max = node->connections_max;
  config.client_connections_max = node->connections_max / 2;
  config.client_requests_per_s = (uint32_t)node->options->client_rate;
  config.client_burst = config.client_requests_per_s * PM_SERVER_CLIENT_BURST_S;
  config.log = node->log;
  enum pm_err err =
      pm_server_open(&node->loop, &config, pm_service_handle, node->service, &node->server, &why);
  if (err == PM_OK) {
    node->serving = true;
    uv_timer_start(&node->feed, pm_node_on_feed, PM_SERVICE_TICK_MS, PM_SERVICE_TICK_MS);
    pm_log(node->log, PM_LOG_VERBOSE, "starting meshSrv listening on port %u reporting on %u",
           node->identity.listen_port, node->identity.report_port);
    enter_sandbox(node);
    tell_ready(node);
    return;
  }
  node->port_tries++;
  if (node->port_tries >= PORT_TRIES || err != PM_ERR_SYSTEM) {
    pm_log(node->log, PM_LOG_ALWAYS, "%s; giving up", why.text);
    node->exit = PM_EXIT_FAILED;
    pm_node_stop(node);
    return;
  }
  pm_log(node->log, PM_LOG_ALWAYS, "%s; trying again in %d s", why.text, node->port_tries);
  pm_notify_status(&node->notify, why.text);
  uv_timer_start(&node->port_retry, on_port_retry, (uint64_t)node->port_tries * 1000, 0);
}

static void on_port_retry(uv_timer_t *timer) {
  try_port(timer->data);
}

/* --- the beginning --------------------------------------------------------------------------- */

static enum pm_err add_rules(struct pm_policy *policy, bool allow,
                             const struct pm_options_list *list, struct pm_why *why) {
  char one[PM_URL_BYTES];
  for (size_t i = 0; i < list->count; i++) {
    for (const char *at = list->items[i]; *at;) {
      size_t length = strcspn(at, ",");
      snprintf(one, sizeof(one), "%.*s", (int)length, at);
      enum pm_err err = pm_policy_add(policy, allow, one, why);
      if (err != PM_OK) return err;
      at += length + (at[length] == ',');
    }
  }
  return PM_OK;
}

/* A certificate that cannot be used is wrong use: said before anything starts. */
static enum pm_err check_certificate(const struct pm_options *options, struct pm_why *why) {
  struct pm_tls_context *context;
  const struct pm_tls_files files = {options->tls_cert, options->tls_key, client_ca(options)};
  if (!options->tls_cert) return PM_OK;
  enum pm_err err = pm_tls_context_new(&files, &context, why);
  if (err == PM_OK) pm_tls_context_free(context);
  return err;
}

static enum pm_err open_console(struct pm_node *node, struct pm_why *why) {
  const char *output = node->options->output;
  bool tsv = strcmp(output, "tsv") == 0;
  struct pm_console_config config = {
      .fd = STDOUT_FILENO,
      .verbosity = tsv && node->options->verbosity < 2 ? 2 : (int)node->options->verbosity,
      .location = node->identity.location,
  };
  struct pm_sink *sink;
  enum pm_err err = strcmp(output, "json") == 0 ? pm_console_json_open(&node->loop, &config, &sink)
                                                : pm_console_text_open(&node->loop, &config, &sink);
  if (err == PM_OK) err = pm_publisher_add(&node->publisher, sink);
  if (err != PM_OK) return pm_why_set(why, err, "standard output: %s", pm_err_text(err));
  return PM_OK;
}

static enum pm_err open_exchanger(struct pm_node *node, size_t in_flight_max, struct pm_why *why) {
  struct pm_exchanger_config config = {
      .policy = &node->policy,
      .ca_file = node->options->ca,
      .cert_file = node->options->mutual_tls ? node->options->tls_cert : NULL,
      .key_file = node->options->mutual_tls ? node->options->tls_key : NULL,
      .user_agent = "pingmesh/" PM_VERSION,
      .bind = node->identity.bind,
      .header_kept = PM_WIRE_PONG_HEADER,
      .long_header_kept = PM_WIRE_ROW_HEADER,
      .without_kernel_timing = !node->options->kernel_timing,
      .in_flight_max = in_flight_max + PM_IMPORTS_MAX + PM_MESH_SENDS_MAX,
  };
  return pm_exchanger_open(&node->loop, &config, &node->exchanger, why);
}

static enum pm_err open_prober(struct pm_node *node, size_t in_flight_max, struct pm_why *why) {
  const struct pm_options *options = node->options;
  struct pm_prober_config config = {
      .limits = {.lookup_ms = options->lookup_timeout_s * 1000,
                 .connect_ms = options->connect_timeout_s * 1000,
                 .total_ms = options->timeout_s * 1000,
                 .body_bytes_max = (size_t)options->body_bytes_max,
                 .body_bytes_kept = BODY_BYTES_KEPT},
      .in_flight_max = in_flight_max,
      .given_up_retry_s = options->listen_port ? options->given_up_retry_s : 0,
      .log = node->log,
      .events = {.sample = on_sample,
                 .ended = on_ended,
                 .ask = on_ask,
                 .answered = on_answered,
                 .came_back = on_came_back},
      .owner = node,
  };
  enum pm_err err = pm_secret_fill(&config.seed, sizeof(config.seed));
  if (err != PM_OK) return pm_why_set(why, err, "the kernel gave no random bytes");
  return pm_prober_open(&node->loop, node->exchanger, &config, &node->prober, why);
}

static enum pm_err open_mesh(struct pm_node *node, struct pm_why *why) {
  struct pm_mesh_config config = {
      .options = node->options,
      .identity = &node->identity,
      .policy = &node->policy,
      .exchanger = node->exchanger,
      .prober = node->prober,
      .log = node->log,
      .requests = pm_node_requests,
      .changed = pm_node_changed,
      .owner = node,
  };
  return pm_mesh_open(&node->loop, &config, &node->mesh, why);
}

static enum pm_err open_history(struct pm_node *node, struct pm_why *why) {
  struct pm_history_feed_config config = {
      .options = node->options,
      .identity = &node->identity,
      .prober = node->prober,
      .log = node->log,
      .id = node->mesh ? pm_mesh_id(node->mesh) : NULL,
      .core = pm_node_core,
      .matrix = pm_node_matrix,
      .owner = node,
  };
  enum pm_err err = pm_history_feed_open(&node->loop, &config, &node->history);
  if (err == PM_OK) node->past.feed = node->history;
  return err == PM_OK ? PM_OK : pm_why_set(why, err, "the history: %s", pm_err_text(err));
}

static enum pm_err open_targets(struct pm_node *node, struct pm_why *why) {
  struct pm_targets_config config = {
      .options = node->options, .prober = node->prober, .mesh = node->mesh, .log = node->log};
  return pm_targets_open(&config, &node->targets, why);
}

/* Only the last part of its path: one that is not there at all is rather mistyped, and then who
 * writes there says so. */
static void make_state_dir(const struct pm_options *options) {
  if (options->state_dir) (void)mkdir(options->state_dir, 0700);
}

static enum pm_err open_parts(struct pm_node *node, struct pm_why *why) {
  const struct pm_options *options = node->options;
  make_state_dir(options);
  pm_publisher_init(&node->publisher);
  pm_past_source_init(&node->past);
  pm_identity_init(&node->identity, options, pm_clock_wall());
  node->connections_max = pm_descriptors_share((size_t)options->connections_max, node->log);
  size_t in_flight_max = pm_descriptors_reserve(
      (size_t)options->in_flight_max, node->connections_max + DESCRIPTORS_SPARE, node->log);
  enum pm_err err;
  if ((err = add_rules(&node->policy, true, &options->allow, why)) != PM_OK) return err;
  if ((err = add_rules(&node->policy, false, &options->deny, why)) != PM_OK) return err;
  if ((err = check_certificate(options, why)) != PM_OK) return err;
  if ((err = pm_settings_init(&node->settings, options)) != PM_OK)
    return pm_why_set(why, err, "the settings: %s", pm_err_text(err));
  if ((err = pm_metrics_rollup_new(&node->rollup)) != PM_OK) return err;
  if ((err = open_console(node, why)) != PM_OK) return err;
  if ((err = pm_publishers_open(&node->loop, options, node->identity.location, node->log,
                                &node->publisher, &node->publishers, why)) != PM_OK)
    return err;
  if ((err = open_exchanger(node, in_flight_max, why)) != PM_OK) return err;
  if ((err = open_prober(node, in_flight_max, why)) != PM_OK) return err;
  struct pm_peer_imports_config imports = {.exchanger = node->exchanger,
                                           .prober = node->prober,
                                           .identity = &node->identity,
                                           .log = node->log,
                                           .timeout_ms = LIST_TIMEOUT_MS};
  if ((err = pm_peer_imports_new(&imports, &node->imports)) != PM_OK)
    return pm_why_set(why, err, "the imports: %s", pm_err_text(err));
  if ((err = pm_node_open_service(node, why)) != PM_OK) return err;
  if (options->listen_port && (err = open_mesh(node, why)) != PM_OK) return err;
  if ((err = open_history(node, why)) != PM_OK) return err;
  return open_targets(node, why);
}

static const char *environment(void *owner, const char *name) {
  (void)owner;
  return getenv(name);
}

/* A node that cannot tell its manager runs all the same: the manager will say that it heard
 * nothing. */
static void open_notify(struct pm_node *node) {
  struct pm_why why;
  if (pm_notify_open(&node->notify, &node->loop, environment, NULL, &why) != PM_OK)
    pm_log(node->log, PM_LOG_ALWAYS, "%s; the service manager is told nothing", why.text);
}

static void open_signals(struct pm_node *node) {
  /* A reader that has gone is an error of that write, not the end of the process. */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of its write, not our end */
  uv_signal_init(&node->loop, &node->interrupt);
  uv_signal_init(&node->loop, &node->terminate);
  uv_signal_init(&node->loop, &node->hangup);
  uv_timer_init(&node->loop, &node->port_retry);
  uv_timer_init(&node->loop, &node->feed);
  node->feed.data = node;
  node->interrupt.data = node->terminate.data = node->port_retry.data = node;
  node->hangup.data = node;
  uv_signal_start(&node->interrupt, on_signal, SIGINT);
  uv_signal_start(&node->terminate, on_signal, SIGTERM);
  /* Without anything to read again, a terminal that is closed ends the process, as of old. */
  if (node->options->listen_port || node->options->targets_file || node->options->publish_file)
    uv_signal_start(&node->hangup, on_hangup, SIGHUP);
}

static void report_targets(const struct pm_node *node) {
  const struct pm_roster *targets = pm_prober_roster(node->prober);
  struct pm_buf urls;
  pm_buf_init(&urls, 1 << 20);
  for (size_t i = 0; i < pm_roster_count(targets); i++) {
    const struct pm_endpoint *endpoint = &pm_roster_at(targets, i)->spec.endpoint;
    pm_buf_printf(&urls, "%s%s%s%s", i ? " " : "", endpoint->url, endpoint->location[0] ? "#" : "",
                  endpoint->location);
  }
  if (pm_roster_count(targets))
    pm_log(node->log, PM_LOG_VERBOSE, "starting ping across [%s]", urls.data);
  pm_buf_deinit(&urls);
  for (size_t i = 0; i < pm_roster_count(targets); i++)
    pm_report_added(node->log, &pm_roster_at(targets, i)->spec);
}

static void start(struct pm_node *node) {
  pm_log(node->log, PM_LOG_ALWAYS, "%s:%u starting in %s", node->identity.host,
         node->identity.listen_port, node->identity.location);
  if (strcmp(node->options->public_read, "off") == 0 && !node->options->mesh_key_file &&
      !node->options->mutual_tls)
    pm_log(node->log, PM_LOG_INFO,
           "--public-read off: who speaks as a node does still reads the mesh's members; "
           "--mesh-key-file or --mutual-tls tells nodes from others");
  if (node->identity.listen_port) {
    try_port(node);
  } else {
    enter_sandbox(node);
    tell_ready(node);
  }
  report_targets(node);
}

enum pm_exit pm_node_run(const struct pm_options *options, const struct pm_log *log,
                         struct pm_why *why) {
  struct pm_node *node = calloc(1, sizeof(*node));
  if (!node || uv_loop_init(&node->loop) != 0) {
    free(node);
    pm_why_set(why, PM_ERR_NOMEM, "no memory to start with");
    return PM_EXIT_FAILED;
  }
  node->options = options;
  node->log = log;
  pm_sandbox_prepare(pm_sandbox_wish_read(options->sandbox));
  open_signals(node);
  open_notify(node);
  pm_turns_start(&node->turns, &node->loop);
  pm_report_budget_init(&node->failures, pm_clock_now());
  enum pm_err err = open_parts(node, why);
  if (err == PM_OK) {
    start(node);
  } else {
    node->exit = err == PM_ERR_NOMEM || err == PM_ERR_SYSTEM ? PM_EXIT_FAILED : PM_EXIT_WRONG_USE;
    pm_node_stop(node);
  }
  uv_run(&node->loop, UV_RUN_DEFAULT);
  enum pm_exit status = node->exit;
  if (uv_loop_close(&node->loop) != 0) return status; /* stopped by force: the system cleans up */
  if (err == PM_OK)
    pm_log(log, PM_LOG_ALWAYS, "%s:%u server shutdown, exiting %s", node->identity.host,
           node->identity.listen_port, node->identity.location);
  pm_service_free(node->service);
  pm_metrics_rollup_free(node->rollup);
  pm_settings_deinit(&node->settings);
  free(node);
  return status;
}
