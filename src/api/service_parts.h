/* What the files of the service share, and nobody else sees: its state, its handlers, and what they
 * ask of each other.
 *
 *   service.c            its life, the table of routes, the index
 *   service_ping.c       what others measure
 *   service_peers.c      whom this node measures
 *   service_monitoring.c health and figures for programs
 *   service_past.c       what was measured over time
 *   service_mesh.c       the whole mesh now, and what happens in it
 *   service_feed.c       what the node tells of it (service_feed.h)
 *   service_login.c      who is an operator
 *   service_operator.c   what operators do
 *   service_peer.c       to a single peer
 */
#ifndef PM_API_SERVICE_PARTS_H
#define PM_API_SERVICE_PARTS_H

#include <stdbool.h>

#include "api/events.h"
#include "api/kept.h"
#include "api/mesh_nodes.h"
#include "api/node_names.h"
#include "api/node_view.h"
#include "api/peers_view.h"
#include "api/recent.h"
#include "api/service.h"
#include "base/buf.h"

struct pm_form;

/* Which windows of statistics the document of /v1/peers has; "stats" in the query names it. */
enum pm_peers_stats {
  PM_PEERS_STATS_DEFAULT,
  PM_PEERS_STATS_NONE,
  PM_PEERS_STATS_ALL,
  PM_PEERS_STATS_COUNT
};

enum {
  /* Different answers about the mesh that are kept at a time: so many of what pm_kept allows one
   * may be spent on all of them. */
  PM_SERVICE_KEPT_MAX = 4,
  PM_SERVICE_QUESTION_BYTES = 128,
  PM_SERVICE_NAMES_S = 30, /* between two readings of what members are called */
};

struct pm_service_kept {
  char question[PM_SERVICE_QUESTION_BYTES];
  struct pm_kept kept;
};

struct pm_service {
  struct pm_service_config config;
  struct pm_buf ping; /* the body of /v1/ping, which everybody asks for all the time */
  struct pm_kept peers[PM_PEERS_STATS_COUNT]; /* /v1/peers as everybody may have it: at 16,000
                                        targets it takes 88 ms to write */
  struct pm_kept peers_page;                  /* the same as a page */
  struct pm_kept exposition;                  /* /metrics */
  struct pm_kept members;                     /* of /v1/sd, but for ourselves */
  struct pm_service_kept asked[PM_SERVICE_KEPT_MAX];
  struct pm_node_names names;
  struct pm_time names_learned;
  struct pm_recent recent;
  struct pm_events *events;
  char host_port[PM_CONTACT_TEXT_BYTES]; /* ours */
};

#define PM_SERVICE_HANDLER(name)                                               \
  void name(struct pm_service *service, const struct pm_http_request *request, \
            struct pm_http_response *response)

PM_SERVICE_HANDLER(pm_service_root);
PM_SERVICE_HANDLER(pm_service_index);
PM_SERVICE_HANDLER(pm_service_asset);
PM_SERVICE_HANDLER(pm_service_document);
PM_SERVICE_HANDLER(pm_service_ping);
PM_SERVICE_HANDLER(pm_service_peers);
PM_SERVICE_HANDLER(pm_service_metrics);
PM_SERVICE_HANDLER(pm_service_exposition);
PM_SERVICE_HANDLER(pm_service_discovery);
PM_SERVICE_HANDLER(pm_service_health);
PM_SERVICE_HANDLER(pm_service_ready);
PM_SERVICE_HANDLER(pm_service_favicon);
PM_SERVICE_HANDLER(pm_service_history);
PM_SERVICE_HANDLER(pm_service_profile);
PM_SERVICE_HANDLER(pm_service_matrix);
PM_SERVICE_HANDLER(pm_service_asymmetry);
PM_SERVICE_HANDLER(pm_service_events);
PM_SERVICE_HANDLER(pm_service_recent);
PM_SERVICE_HANDLER(pm_service_session);
PM_SERVICE_HANDLER(pm_service_login);
PM_SERVICE_HANDLER(pm_service_logout);
PM_SERVICE_HANDLER(pm_service_addpeer);
PM_SERVICE_HANDLER(pm_service_removepeer);
PM_SERVICE_HANDLER(pm_service_pausepeer);
PM_SERVICE_HANDLER(pm_service_env);
PM_SERVICE_HANDLER(pm_service_quit);

/* service.c: where to go after the login: only a path of ours that GET leads to, and no query with
 * it. */
const char *pm_service_own_path(const char *next);

/* service_ping.c: writes service->ping. */
enum pm_err pm_service_build_ping(struct pm_service *service) PM_MUST_USE;

/* service_peers.c */
struct pm_peers_view pm_service_peers_view(const struct pm_service *service);

/* service_monitoring.c */
struct pm_metrics_view pm_service_metrics_view(const struct pm_service *service);
bool pm_service_is_ready(const struct pm_service *service);

/* service_mesh.c: the core; NULL without a mesh. */
struct pm_time pm_service_now(const struct pm_service *service);
const struct pm_gossip *pm_service_core(const struct pm_service *service);
/* What views of the mesh are made from now. */
struct pm_mesh_source pm_service_mesh_source(const struct pm_service *service);
/* Frees what is kept of answers that nobody would get any more. */
void pm_service_forget_kept(struct pm_service *service, struct pm_time now);

/* service_login.c: the fields of a POST; false if they cannot be read, and the request has been
 * answered. */
bool pm_service_read_body(const struct pm_http_request *request, struct pm_http_response *response,
                          struct pm_form *out);

#endif
