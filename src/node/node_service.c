#include "api/service_feed.h"
#include "base/secret.h"
#include "gossip/wire_row.h"
#include "node/admin_token.h"
#include "node/exposition.h"
#include "node/node_parts.h"
#include "node/peer_actions.h"

/* --- what it asks for ---------------------------------------------------------------------------
 */

static enum pm_err add_peer(void *owner, const struct pm_target_spec *spec, bool with_peers,
                            uint64_t *out_id, struct pm_why *why) {
  struct pm_node *node = owner;
  if (node->stopping) return pm_why_set(why, PM_ERR_CLOSED, "the node is stopping");
  enum pm_err err = pm_prober_add(node->prober, spec, out_id, why);
  if (node->mesh && (err == PM_OK || err == PM_ERR_DUPLICATE))
    pm_mesh_add_seed(node->mesh, &spec->endpoint);
  if (with_peers && (err == PM_OK || err == PM_ERR_DUPLICATE)) {
    enum pm_err listed = pm_peer_imports_start(node->imports, spec, why);
    if (listed != PM_OK) return listed;
  }
  return err;
}

static enum pm_err remove_peer(void *owner, uint64_t target, uint64_t member, struct pm_why *why) {
  struct pm_node *node = owner;
  return pm_peer_remove(node->prober, node->mesh, target, member, why);
}

static enum pm_err pause_peer(void *owner, uint64_t target, bool paused, struct pm_why *why) {
  struct pm_node *node = owner;
  return pm_peer_pause(node->prober, target, paused, why);
}

static void quit(void *owner) {
  struct pm_node *node = owner;
  pm_log(node->log, PM_LOG_INFO, "asked to quit over HTTP, exiting %s", node->identity.location);
  pm_node_stop(node);
}

static bool pong(void *owner, const struct pm_http_request *request, struct pm_buf *out,
                 struct pm_buf *row) {
  struct pm_node *node = owner;
  return node->mesh && pm_mesh_pong(node->mesh, request, out, row);
}

static bool pull(void *owner, const struct pm_http_request *request, struct pm_buf *out) {
  struct pm_node *node = owner;
  return node->mesh && pm_mesh_pull(node->mesh, request, out);
}

const struct pm_gossip *pm_node_core(void *owner) {
  const struct pm_node *node = owner;
  return node->mesh ? pm_mesh_core(node->mesh) : NULL;
}

static const struct pm_node_id *own_id(void *owner) {
  const struct pm_node *node = owner;
  return node->mesh ? pm_mesh_id(node->mesh) : NULL;
}

const struct pm_matrix *pm_node_matrix(void *owner) {
  const struct pm_node *node = owner;
  return node->mesh ? pm_mesh_matrix(node->mesh) : NULL;
}

void pm_node_changed(void *owner, const struct pm_gossip_change *change) {
  struct pm_node *node = owner;
  pm_service_feed_change(node->service, change);
}

void pm_node_on_feed(uv_timer_t *timer) {
  struct pm_node *node = timer->data;
  pm_service_feed_tick(node->service);
}

static const struct pm_roster *roster(void *owner) {
  const struct pm_node *node = owner;
  return pm_prober_roster(node->prober);
}

uint64_t pm_node_requests(void *owner) {
  const struct pm_node *node = owner;
  struct pm_server_counts counts;
  if (!node->server) return 0;
  pm_server_counts(node->server, &counts);
  return counts.requests;
}

static struct pm_prometheus_clients clients_of(const struct pm_server *server) {
  struct pm_server_counts counts;
  pm_server_counts(server, &counts);
  return (struct pm_prometheus_clients){.open = counts.open,
                                        .streams = counts.streams,
                                        .connections = counts.connections,
                                        .timeouts = counts.timeouts,
                                        .bad_requests = counts.bad_requests,
                                        .gave_way = counts.gave_way,
                                        .refused_full = counts.refused_full,
                                        .refused_share = counts.refused_share,
                                        .refused_rate = counts.refused_rate};
}

static void exposition(void *owner, struct pm_buf *out) {
  struct pm_node *node = owner;
  struct pm_prometheus_history history;
  struct pm_prometheus_clients clients;
  struct pm_prometheus_view view = {
      .from = node->identity.location,
      .version = PM_VERSION,
      .roster = pm_prober_roster(node->prober),
      .series_max = (size_t)node->options->metrics_max_series,
      .rollup = node->rollup,
      .core = pm_node_core(node),
      .publisher = &node->publisher,
      .requests = pm_node_requests(node),
      .process = {.start = node->identity.start},
      .loop = {.in_flight = node->exchanger ? pm_exchange_in_flight(node->exchanger) : 0},
  };
  if (pm_past_counts(&node->past, &history)) view.history = &history;
  if (node->server) {
    clients = clients_of(node->server);
    view.clients = &clients;
  }
  pm_exposition_write(&view, &node->turns, out);
}

static bool ready(void *owner) {
  const struct pm_node *node = owner;
  return node->serving && !node->stopping;
}

/* --- its beginning ------------------------------------------------------------------------------
 */

enum pm_err pm_node_open_service(struct pm_node *node, struct pm_why *why) {
  struct pm_service_config config = {
      .location = node->identity.location,
      .host = node->identity.host,
      .port_reported = node->identity.report_port,
      .start = node->identity.start,
      .settings = node->settings.items,
      .settings_count = node->settings.count,
      .limit = node->options->limit,
      .delay_s = node->options->delay_s,
      .fail_max = node->options->fail_max,
      .mesh_name = node->options->mesh,
      .grow = node->options->grow,
      .assets = pm_assets_built_in(),
      .owner = node,
      .add_peer = add_peer,
      .remove_peer = remove_peer,
      .pause_peer = pause_peer,
      .quit = quit,
      .roster = roster,
      .ready = ready,
      .pong = pong,
      .pull = pull,
      .mesh = pm_node_core,
      .id = own_id,
      .matrix = pm_node_matrix,
      .past = &node->past.past,
      .exposition = exposition,
      .requests = pm_node_requests,
  };
  enum pm_err err = pm_secret_fill(config.auth.secret, sizeof(config.auth.secret));
  if (err != PM_OK) return pm_why_set(why, err, "the kernel gave no random bytes");
  err = pm_admin_token_read(node->options, config.auth.token, why);
  if (err != PM_OK) return err;
  config.auth.token_only = node->options->token_only;
  config.auth.read_closed = strcmp(node->options->public_read, "off") == 0;
  err = pm_service_new(&config, &node->service);
  if (err != PM_OK) return pm_why_set(why, err, "the service: %s", pm_err_text(err));
  return PM_OK;
}
