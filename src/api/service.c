#include "api/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/answer.h"
#include "api/service_parts.h"

/* ---- the table ---- */

static const struct pm_route ROUTES[] = {
    {"/", PM_HTTP_GET, PM_ROLE_READER, pm_service_root, NULL},
    {"/v1", PM_HTTP_GET, PM_ROLE_READER, pm_service_index, "This page"},
    {"/v1/ping", PM_HTTP_GET, PM_ROLE_ANYONE, pm_service_ping, "A short answer, to be measured"},
    {"/v1/peers", PM_HTTP_GET, PM_ROLE_PEER, pm_service_peers, "The peers and their sums, as JSON"},
    {"/v1/addpeer", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_OPERATOR, pm_service_addpeer, "Add a peer"},
    {"/v1/removepeer", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_OPERATOR, pm_service_removepeer,
     "Remove a peer"},
    {"/v1/pausepeer", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_OPERATOR, pm_service_pausepeer,
     "Pause a peer"},
    {"/v1/metrics", PM_HTTP_GET, PM_ROLE_READER, pm_service_metrics, "Counts and memory, as JSON"},
    {"/metrics", PM_HTTP_GET, PM_ROLE_READER, pm_service_exposition, "Metrics for Prometheus"},
    {"/v1/sd", PM_HTTP_GET, PM_ROLE_READER, pm_service_discovery,
     "The mesh's nodes, for Prometheus' HTTP service discovery"},
    {"/v1/history", PM_HTTP_GET, PM_ROLE_READER, pm_service_history,
     "What was measured, over time"},
    {"/v1/profile", PM_HTTP_GET, PM_ROLE_READER, pm_service_profile, NULL},
    {"/v1/matrix", PM_HTTP_GET, PM_ROLE_READER, pm_service_matrix,
     "How each node of the mesh sees each other"},
    {"/v1/asymmetry", PM_HTTP_GET, PM_ROLE_READER, pm_service_asymmetry,
     "Paths that their two ends see differently"},
    /* Not listed: a link to it would lead to a page that never ends. */
    {"/v1/events", PM_HTTP_GET, PM_ROLE_READER, pm_service_events, NULL},
    {"/v1/recent", PM_HTTP_GET, PM_ROLE_READER, pm_service_recent, NULL},
    {"/v1/session", PM_HTTP_GET, PM_ROLE_READER, pm_service_session, NULL},
    {"/memstats", PM_HTTP_GET, PM_ROLE_READER, pm_service_metrics, NULL},
    {"/v1/memstats", PM_HTTP_GET, PM_ROLE_READER, pm_service_metrics, NULL},
    {"/v1/env", PM_HTTP_GET, PM_ROLE_OPERATOR, pm_service_env, "Settings, state and memory"},
    {"/v1/quit", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_OPERATOR, pm_service_quit, "Stop this node"},
    {"/v1/login", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_ANYONE, pm_service_login,
     "Log in as an operator"},
    {"/v1/logout", PM_HTTP_POST, PM_ROLE_ANYONE, pm_service_logout, NULL},
    {"/v1/openapi.json", PM_HTTP_GET, PM_ROLE_READER, pm_service_document,
     "All of this, as OpenAPI 3.1"},
    {"/healthz", PM_HTTP_GET, PM_ROLE_ANYONE, pm_service_health, "Alive"},
    {"/readyz", PM_HTTP_GET, PM_ROLE_ANYONE, pm_service_ready, "Ready to serve"},
    {"/favicon.ico", PM_HTTP_GET, PM_ROLE_ANYONE, pm_service_favicon, NULL},
    {"/assets/", PM_HTTP_GET, PM_ROLE_ANYONE, pm_service_asset, NULL},
};
enum { ROUTES_COUNT = sizeof(ROUTES) / sizeof(ROUTES[0]) };

const char *pm_service_own_path(const char *next) {
  const struct pm_route *route = pm_route_find(ROUTES, ROUTES_COUNT, next);
  const bool leads_there = route != NULL && (route->methods & PM_HTTP_GET) != 0;
  return leads_there && strcmp(route->path, next) == 0 ? route->path : "/";
}

/* People with a browser get the dashboard. */
void pm_service_root(struct pm_service *service, const struct pm_http_request *request,
                     struct pm_http_response *response) {
  const struct pm_asset *first = pm_assets_find(&service->config.assets, "/");
  if (first != NULL && strcmp(request->query, "plain") != 0 &&
      pm_accept_format(request, PM_FORMAT_JSON) == PM_FORMAT_HTML) {
    pm_asset_answer(first, request, response);
  } else {
    pm_service_index(service, request, response);
  }
}

void pm_service_asset(struct pm_service *service, const struct pm_http_request *request,
                      struct pm_http_response *response) {
  const struct pm_asset *asset = pm_assets_find(&service->config.assets, request->path);
  if (asset == NULL)
    pm_answer_problem(request, response, 404, "the dashboard has no such file");
  else
    pm_asset_answer(asset, request, response);
}

void pm_service_document(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response) {
  const struct pm_assets documents = pm_assets_documents();
  (void)service;
  pm_asset_answer(pm_assets_find(&documents, request->path), request, response);
}

const struct pm_route *pm_service_routes(size_t *out_count) {
  *out_count = ROUTES_COUNT;
  return ROUTES;
}

void pm_service_index(struct pm_service *service, const struct pm_http_request *request,
                      struct pm_http_response *response) {
  const struct pm_peers_view peers = pm_service_peers_view(service);
  const struct pm_index_view view = {
      .location = service->config.location,
      .start = service->config.start,
      .now = peers.now,
      .active = (uint64_t)peers.head.num_active,
      .deleted = (uint64_t)peers.head.num_deleted,
      .ready = pm_service_is_ready(service),
      .routes = ROUTES,
      .routes_count = ROUTES_COUNT,
  };
  if (pm_accept_format(request, PM_FORMAT_HTML) == PM_FORMAT_JSON) {
    pm_answer_json(response, 200);
    pm_index_view_json(&view, &response->body);
  } else {
    pm_answer_html(response, 200);
    pm_index_view_html(&view, &response->body);
  }
}

struct pm_time pm_service_now(const struct pm_service *service) {
  const struct pm_service_config *config = &service->config;
  return config->clock != NULL ? config->clock(config->owner) : pm_clock_now();
}

enum pm_err pm_service_new(const struct pm_service_config *config, struct pm_service **out) {
  struct pm_service *service = calloc(1, sizeof(*service));
  if (service == NULL) return PM_ERR_NOMEM;
  service->config = *config;
  service->config.auth.wrong_count = 0;
  for (int i = 0; i < PM_PEERS_STATS_COUNT; i++) pm_kept_init(&service->peers[i]);
  pm_kept_init(&service->peers_page);
  pm_kept_init(&service->exposition);
  pm_kept_init(&service->members);
  for (int i = 0; i < PM_SERVICE_KEPT_MAX; i++) pm_kept_init(&service->asked[i].kept);
  pm_node_names_init(&service->names);
  pm_recent_init(&service->recent);
  if (config->host[0] != '\0')
    snprintf(service->host_port, sizeof(service->host_port), "%.100s:%u", config->host,
             config->port_reported);
  enum pm_err err = pm_service_build_ping(service);
  if (err == PM_OK) err = pm_events_new(&service->events);
  if (err != PM_OK) {
    pm_service_free(service);
    return err;
  }
  *out = service;
  return PM_OK;
}

void pm_service_set_token(struct pm_service *service,
                          const char token[PM_AUTH_TOKEN_BYTES_MAX + 1]) {
  memcpy(service->config.auth.token, token, sizeof(service->config.auth.token));
}

void pm_service_free(struct pm_service *service) {
  if (service == NULL) return;
  pm_buf_deinit(&service->ping);
  for (int i = 0; i < PM_PEERS_STATS_COUNT; i++) pm_kept_deinit(&service->peers[i]);
  pm_kept_deinit(&service->peers_page);
  pm_kept_deinit(&service->exposition);
  pm_kept_deinit(&service->members);
  for (int i = 0; i < PM_SERVICE_KEPT_MAX; i++) pm_kept_deinit(&service->asked[i].kept);
  pm_node_names_deinit(&service->names);
  pm_recent_deinit(&service->recent);
  pm_events_free(service->events);
  free(service);
}

void pm_service_handle(void *owner, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  struct pm_service *service = owner;
  response->status = 200;
  pm_route_dispatch(ROUTES, ROUTES_COUNT, service, &service->config.auth, request, response);
  enum pm_err err = pm_buf_status(&response->body);
  if (err == PM_OK) return;
  pm_answer_problem(request, response, 503,
                    err == PM_ERR_FULL ? "the answer is larger than one may be" : "out of memory");
}
