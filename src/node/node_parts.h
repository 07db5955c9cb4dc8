/* What the files of the node share, and nobody else sees: all of its parts.
 *
 *   node.c          its beginning and end, signals, the server's port, what the prober tells
 *   node_service.c  what the service asks
 */
#ifndef PM_NODE_NODE_PARTS_H
#define PM_NODE_NODE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "api/server.h"
#include "api/service.h"
#include "node/history.h"
#include "node/identity.h"
#include "node/log_budget.h"
#include "node/mesh.h"
#include "node/node.h"
#include "node/notify.h"
#include "node/past.h"
#include "node/peer_import.h"
#include "node/publishers.h"
#include "node/settings.h"
#include "node/targets.h"
#include "node/turns.h"
#include "probe/exchange.h"
#include "probe/prober.h"
#include "publish/metrics_rollup.h"
#include "publish/sink.h"

/* In the order of their making; ended in the opposite order, see ARCHITECTURE.md. */
struct pm_node {
  uv_loop_t loop;
  const struct pm_options *options;
  const struct pm_log *log;
  struct pm_identity identity;
  struct pm_policy policy;
  struct pm_settings settings;
  struct pm_publisher publisher;
  struct pm_publishers *publishers;
  struct pm_exchanger *exchanger;
  struct pm_prober *prober;
  struct pm_peer_imports *imports;
  struct pm_mesh *mesh; /* NULL without a server */
  struct pm_history_feed *history;
  struct pm_past_source past; /* of it */
  struct pm_targets *targets;
  struct pm_service *service;
  struct pm_server *server;
  uv_signal_t interrupt, terminate, hangup;
  uv_timer_t port_retry;
  uv_timer_t feed; /* of the service, while there is a server */
  struct pm_turns turns;
  struct pm_notify notify; /* the service manager */
  struct pm_metrics_rollup *rollup;
  struct pm_log_budget failures; /* what the log says of them */
  int port_tries;
  size_t connections_max; /* of the server: a half of the descriptors at most */
  bool serving;           /* the port is ours */
  bool stopping;
  bool any_given_up;
  enum pm_exit exit;
};

/* node.c: the orderly end; a second call does nothing. */
void pm_node_stop(struct pm_node *node);

/* node_service.c */
enum pm_err pm_node_open_service(struct pm_node *node, struct pm_why *why) PM_MUST_USE;
/* Hooks of the service that other parts have use for, too; owner is the node. */
const struct pm_gossip *pm_node_core(void *owner);
const struct pm_matrix *pm_node_matrix(void *owner);
uint64_t pm_node_requests(void *owner);
/* What the service is told of as it happens. */
void pm_node_changed(void *owner, const struct pm_gossip_change *change);
void pm_node_on_feed(uv_timer_t *timer);

#endif
