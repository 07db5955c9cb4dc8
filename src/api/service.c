#include "api/service.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/accept.h"
#include "api/addpeer.h"
#include "api/answer.h"
#include "api/discovery_view.h"
#include "api/form.h"
#include "api/html.h"
#include "api/kept.h"
#include "api/login_page.h"
#include "api/node_view.h"
#include "api/past_answer.h"
#include "api/peers_view.h"
#include "api/route.h"
#include "base/escape.h"
#include "base/service_time.h"
#include "gossip/wire_pong.h"

enum {
  PING_BYTES_MAX = 4096, /* a location is at most 127 bytes, escaped at most six times that */
};

/* Which windows of statistics the document of /v1/peers has; "stats" in the query names it. */
enum peers_stats { STATS_DEFAULT, STATS_NONE, STATS_ALL, STATS_COUNT };
static const struct {
  const char *name;
  unsigned windows;
} PEERS_STATS[STATS_COUNT] = {
    [STATS_DEFAULT] = {"default", PM_PEERS_VIEW_WINDOWS_DEFAULT},
    [STATS_NONE] = {"none", 0},
    [STATS_ALL] = {"all", PM_PEERS_VIEW_WINDOWS_ALL},
};

struct pm_service {
  struct pm_service_config config;
  struct pm_buf ping; /* the body of /v1/ping, which everybody asks for all the time */
  struct pm_kept peers[STATS_COUNT]; /* /v1/peers as everybody may have it: at 16,000 targets it
                                        takes 88 ms to write */
  struct pm_kept peers_page;         /* the same as a page */
  struct pm_kept exposition;         /* /metrics */
  struct pm_kept members;            /* of /v1/sd, but for ourselves */
};

static struct pm_peers_view peers_of(const struct pm_service *service) {
  const struct pm_service_config *config = &service->config;
  const struct pm_peers_head head = {
      .start = config->start,
      .srv_loc = config->location,
      .srv_host = config->host,
      .srv_port = config->port_reported,
      .requests = (int64_t)config->requests(config->owner),
  };
  struct pm_peers_view view;
  pm_peers_view_init(&view, config->roster(config->owner), &head, pm_clock_wall());
  view.now_monotonic = pm_clock_now();
  if (config->mesh != NULL) view.core = config->mesh(config->owner);
  return view;
}

static struct pm_metrics_view metrics_of(const struct pm_service *service) {
  const struct pm_peers_view peers = peers_of(service);
  struct pm_metrics_view view = {
      .app_start = service->config.start,
      .peers = (uint64_t)peers.head.num_active,
      .active = (uint64_t)peers.head.num_active,
      .deleted = (uint64_t)peers.head.num_deleted,
  };
  pm_memory_measure(&view.memory);
  return view;
}

static bool is_ready(const struct pm_service *service) {
  return service->config.ready(service->config.owner);
}

/* ---- for all ---- */

static void handle_index(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response);

/* To a node of ours, which asks with a query. */
static void say_who_we_are(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  struct pm_buf pong;
  if (config->pong == NULL) return;
  pm_buf_init(&pong, PM_HTTP_HEADER_VALUE_BYTES);
  if (config->pong(config->owner, request, &pong) && pm_buf_status(&pong) == PM_OK) {
    pm_answer_header(response, PM_WIRE_PONG_HEADER, pong.data);
  }
  pm_buf_deinit(&pong);
}

/* To whoever measures us, so that our own slowness is not taken for the network's. */
static void say_service_time(const struct pm_http_request *request,
                             struct pm_http_response *response) {
  char text[PM_SERVICE_TIME_BYTES];
  struct pm_wall now = pm_clock_wall();
  if (request->arrived.ns == 0 || request->arrived.ns > now.ns) return; /* the calendar was set */
  const struct pm_service_time time = {
      .spent_us = (now.ns - request->arrived.ns) / PM_NS_PER_US,
      .received_us = request->arrived.ns / PM_NS_PER_US,
      .sent_us = now.ns / PM_NS_PER_US,
  };
  pm_service_time_write(&time, text);
  pm_answer_header(response, PM_SERVICE_TIME_HEADER, text);
}

static void handle_ping(struct pm_service *service, const struct pm_http_request *request,
                        struct pm_http_response *response) {
  pm_answer_html(response, 200);
  pm_buf_append(&response->body, service->ping.data, service->ping.len);
  if (request->query[0] != '\0') say_who_we_are(service, request, response);
  say_service_time(request, response);
}

static void answer_kept_peers(struct pm_service *service, enum peers_stats stats,
                              struct pm_http_response *response) {
  struct pm_kept *kept = &service->peers[stats];
  struct pm_time began = pm_clock_now();
  if (!pm_kept_is_fresh(kept, began)) {
    struct pm_peers_view view = peers_of(service);
    view.windows = PEERS_STATS[stats].windows;
    pm_peers_view_json(&view, &kept->text);
    pm_kept_written(kept, began, pm_clock_now());
  }
  pm_answer_json(response, 200);
  pm_kept_answer(kept, response);
}

static void answer_kept_page(struct pm_service *service, struct pm_http_response *response) {
  struct pm_kept *kept = &service->peers_page;
  struct pm_time began = pm_clock_now();
  if (!pm_kept_is_fresh(kept, began)) {
    const struct pm_peers_view view = peers_of(service);
    pm_peers_view_html(&view, &kept->text);
    pm_kept_written(kept, began, pm_clock_now());
  }
  pm_answer_html(response, 200);
  pm_kept_answer(kept, response);
}

static enum peers_stats asked_stats(const struct pm_http_request *request) {
  struct pm_form form;
  if (pm_form_parse(request->query, strlen(request->query), &form, NULL) != PM_OK)
    return STATS_DEFAULT;
  const char *name = pm_form_value(&form, "stats");
  /* A node that is told to read our list has a cap for it, and use for the names alone. */
  if (pm_form_value(&form, "addpeers")[0] != '\0') return STATS_NONE;
  for (int i = 0; i < STATS_COUNT; i++)
    if (strcmp(name, PEERS_STATS[i].name) == 0) return (enum peers_stats)i;
  return STATS_DEFAULT;
}

/* Browsers, too, get JSON here unless they ask for the table: people look at it so. */
static void handle_peers(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  if (config->pull != NULL && config->pull(config->owner, request, &response->body)) {
    pm_answer_json(response, 200);
    return;
  }
  bool as_json = pm_accept_query(request, PM_FORMAT_JSON) == PM_FORMAT_JSON;
  /* Thousands of endpoints may have been heard of: not for everybody to ask for again and again. */
  bool operator_asks =
      pm_auth_operator(&service->config.auth, request, pm_clock_wall()) == PM_AUTH_OK;
  if (!operator_asks) {
    if (as_json)
      answer_kept_peers(service, asked_stats(request), response);
    else
      answer_kept_page(service, response);
    return;
  }
  struct pm_peers_view view = peers_of(service);
  view.windows = PEERS_STATS[asked_stats(request)].windows;
  if (config->mesh != NULL) view.mesh = config->mesh(config->owner);
  if (as_json) {
    pm_answer_json(response, 200);
    pm_peers_view_json(&view, &response->body);
  } else {
    pm_answer_html(response, 200);
    pm_peers_view_html(&view, &response->body);
  }
}

static void handle_metrics(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  const struct pm_metrics_view view = metrics_of(service);
  if (pm_accept_query(request, PM_FORMAT_JSON) == PM_FORMAT_JSON) {
    pm_answer_json(response, 200);
    pm_metrics_view_json(&view, &response->body);
  } else {
    pm_answer_html(response, 200);
    pm_metrics_view_html(&view, &response->body);
  }
}

/* For Prometheus: what it reads, and whom it is to read. */
static void handle_exposition(struct pm_service *service, const struct pm_http_request *request,
                              struct pm_http_response *response) {
  struct pm_kept *kept = &service->exposition;
  struct pm_time began = pm_clock_now();
  (void)request;
  if (!pm_kept_is_fresh(kept, began)) {
    service->config.exposition(service->config.owner, &kept->text);
    pm_kept_written(kept, began, pm_clock_now());
  }
  pm_answer_text(response, 200, "");
  response->content_type = "text/plain; version=0.0.4; charset=utf-8";
  pm_kept_answer(kept, response);
}

static void handle_discovery(struct pm_service *service, const struct pm_http_request *request,
                             struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  struct pm_kept *kept = &service->members;
  struct pm_time began = pm_clock_now();
  if (!pm_kept_is_fresh(kept, began)) {
    pm_discovery_view_members(config->mesh != NULL ? config->mesh(config->owner) : NULL,
                              &kept->text);
    pm_kept_written(kept, began, pm_clock_now());
  }
  const struct pm_discovery_view view = {
      .asked_as = request->host,
      .location = config->location,
      .tls = request->tls,
      .members = kept->text.data,
      .members_bytes = kept->text.len,
  };
  pm_answer_json(response, 200);
  pm_discovery_view_json(&view, &response->body);
  if (pm_buf_status(&kept->text) != PM_OK) response->body.err = pm_buf_status(&kept->text);
}

static void handle_history(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  pm_past_answer(service->config.past, PM_PAST_SERIES, request, response);
}

static void handle_profile(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  pm_past_answer(service->config.past, PM_PAST_WEEK, request, response);
}

static void handle_health(struct pm_service *service, const struct pm_http_request *request,
                          struct pm_http_response *response) {
  (void)service;
  (void)request;
  pm_answer_text(response, 200, "ok\n");
}

static void handle_ready(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response) {
  (void)request;
  bool ready = is_ready(service);
  pm_answer_text(response, ready ? 200 : 503, ready ? "ready\n" : "starting or stopping\n");
}

/* There is none; asked for by every browser, so let it remember that for a day. */
static void handle_favicon(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  (void)service;
  (void)request;
  response->status = 204;
  pm_answer_header(response, "Cache-Control", "public, max-age=86400");
}

/* ---- logging in ---- */

/* The fields of a POST; false if they cannot be read, and the request has been answered. */
static bool read_body(const struct pm_http_request *request, struct pm_http_response *response,
                      struct pm_form *out) {
  static const char form_type[] = "application/x-www-form-urlencoded";
  const char *type = pm_http_request_header(request, "content-type");
  size_t type_bytes = type != NULL ? strcspn(type, "; \t") : 0;
  struct pm_why why;
  if (type != NULL &&
      (type_bytes != sizeof(form_type) - 1 || strncasecmp(type, form_type, type_bytes) != 0)) {
    pm_answer_problem(request, response, 415,
                      "the body is of another kind: send application/x-www-form-urlencoded");
    return false;
  }
  enum pm_err err = pm_form_parse(request->body, request->body_bytes, out, &why);
  if (err != PM_OK) {
    pm_answer_problem(request, response, err == PM_ERR_TOO_LARGE ? 413 : 400, why.text);
  }
  return err == PM_OK;
}

static bool refuse_foreign(const struct pm_http_request *request,
                           struct pm_http_response *response) {
  if (pm_auth_origin(request) != PM_AUTH_ORIGIN_FOREIGN) return false;
  pm_answer_problem(request, response, 403, "another site's page asked for this");
  return true;
}

/* Where to go after the login: only a path of ours that GET leads to, and no query with it. */
static const char *own_path(const char *next);

static void refuse_token(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response, enum pm_err err, const char *next) {
  if (err == PM_ERR_MISSING) {
    pm_answer_problem(request, response, 403,
                      "this node has no admin token: start it with PINGMESH_ADMIN_TOKEN, or ask "
                      "from its own machine by a loopback address");
  } else if (err == PM_ERR_FULL) {
    pm_route_too_many(&service->config.auth, request, response);
  } else {
    pm_route_unauthorized(request, response, next, "that is not the admin token");
  }
}

static void login(struct pm_service *service, const struct pm_http_request *request,
                  struct pm_http_response *response) {
  struct pm_form form;
  char cookie[PM_AUTH_COOKIE_BYTES];
  if (refuse_foreign(request, response) || !read_body(request, response, &form)) return;
  const char *next = own_path(pm_form_value(&form, "next"));
  enum pm_err err = pm_auth_login(&service->config.auth, request, pm_form_value(&form, "token"),
                                  pm_clock_wall(), cookie);
  if (err != PM_OK) {
    refuse_token(service, request, response, err, next);
    return;
  }
  pm_answer_see_other(response, next);
  pm_answer_header(response, "Set-Cookie", cookie);
}

static void handle_login(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response) {
  struct pm_auth *auth = &service->config.auth;
  if (request->method == PM_HTTP_POST) {
    login(service, request, response);
    return;
  }
  pm_answer_html(response, 200);
  if (pm_auth_operator(auth, request, pm_clock_wall()) == PM_AUTH_OK) {
    pm_login_done_page(&response->body);
  } else {
    pm_login_page(&response->body, "/", NULL);
  }
}

static void handle_logout(struct pm_service *service, const struct pm_http_request *request,
                          struct pm_http_response *response) {
  char cookie[PM_AUTH_COOKIE_BYTES];
  if (refuse_foreign(request, response)) return;
  if (pm_auth_logout(&service->config.auth, request->tls, cookie) != PM_OK) {
    pm_answer_problem(request, response, 500, NULL);
    return;
  }
  pm_answer_see_other(response, "/");
  pm_answer_header(response, "Set-Cookie", cookie);
}

/* ---- for operators ---- */

static struct pm_target_spec defaults_of(const struct pm_service *service) {
  return (struct pm_target_spec){.limit = service->config.limit,
                                 .delay_s = service->config.delay_s,
                                 .fail_max = service->config.fail_max};
}

static int status_of(enum pm_err err) {
  switch (err) {
  case PM_OK:
    return 201;
  case PM_ERR_DUPLICATE:
    return 200;
  case PM_ERR_DENIED:
    return 403;
  case PM_ERR_FULL:
  case PM_ERR_NOMEM:
    return 503;
  default:
    return 400;
  }
}

static void answer_refused(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response, const struct pm_form *form,
                           enum pm_err err, const struct pm_why *why) {
  const struct pm_target_spec defaults = defaults_of(service);
  if (pm_accept_format(request, PM_FORMAT_JSON) == PM_FORMAT_JSON) {
    pm_answer_problem(request, response, status_of(err), why->text);
    return;
  }
  pm_answer_html(response, status_of(err));
  pm_addpeer_page(&response->body, form, &defaults, why->text);
}

static void add_peer(struct pm_service *service, const struct pm_http_request *request,
                     struct pm_http_response *response, const struct pm_form *form) {
  const struct pm_service_config *config = &service->config;
  const struct pm_target_spec defaults = defaults_of(service);
  struct pm_addpeer add;
  struct pm_why why = {""};
  uint64_t id;
  enum pm_err err = pm_addpeer_read(form, &defaults, &add, &why);
  if (err == PM_OK) {
    pm_why_set(&why, PM_OK, "it cannot be added");
    err = config->add_peer(config->owner, &add.spec, add.with_peers, &id, &why);
  }
  if (err != PM_OK && err != PM_ERR_DUPLICATE) {
    answer_refused(service, request, response, form, err, &why);
  } else if (pm_accept_format(request, PM_FORMAT_JSON) == PM_FORMAT_JSON) {
    pm_answer_json(response, status_of(err));
    pm_addpeer_done_json(&response->body, &add, err == PM_OK);
  } else {
    pm_answer_html(response, status_of(err));
    pm_addpeer_done_html(&response->body, &add, err == PM_OK);
  }
}

/* A POST without a body may carry its fields in the query. */
static bool read_fields(const struct pm_http_request *request, struct pm_http_response *response,
                        struct pm_form *out) {
  if (request->method == PM_HTTP_POST && request->body_bytes > 0) {
    return read_body(request, response, out);
  }
  struct pm_why why;
  enum pm_err err = pm_form_parse(request->query, strlen(request->query), out, &why);
  if (err != PM_OK) pm_answer_problem(request, response, 400, why.text);
  return err == PM_OK;
}

static void handle_addpeer(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  const struct pm_target_spec defaults = defaults_of(service);
  struct pm_form form;
  if (!read_fields(request, response, &form)) return;
  bool acts = request->method == PM_HTTP_POST;
  if (request->method == PM_HTTP_GET && form.count > 0) acts = pm_auth_get_may_act(request);
  if (acts) {
    add_peer(service, request, response, &form);
    return;
  }
  pm_answer_html(response, 200);
  pm_addpeer_page(&response->body, &form, &defaults, NULL);
}

static void handle_env(struct pm_service *service, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  const struct pm_env_view view = {
      .settings = config->settings,
      .settings_count = config->settings_count,
      .location = config->location,
      .host = config->host,
      .port = config->port_reported,
      .requests = config->requests(config->owner),
      .ready = is_ready(service),
      .metrics = metrics_of(service),
  };
  enum pm_format accepted = pm_accept_format(request, PM_FORMAT_HTML);
  if (pm_accept_query(request, accepted) == PM_FORMAT_JSON) {
    pm_answer_json(response, 200);
    pm_env_view_json(&view, &response->body);
  } else {
    pm_answer_html(response, 200);
    pm_env_view_html(&view, &response->body);
  }
}

static void quit_page(const struct pm_service *service, struct pm_buf *out, bool stopping) {
  const struct pm_peers_view view = peers_of(service);
  pm_html_begin(out, stopping ? "Stopping" : "Stop this node");
  if (stopping) {
    pm_html_element(out, "p", "%s stops. Its peers were:", service->config.location);
  } else {
    pm_html_form_begin(out, "/v1/quit");
    pm_html_form_end(out, "Stop");
  }
  pm_peers_view_tables(&view, out);
  pm_html_end(out);
}

static void handle_quit(struct pm_service *service, const struct pm_http_request *request,
                        struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  bool stopping = request->method == PM_HTTP_POST;
  if (request->method == PM_HTTP_GET) stopping = pm_auth_get_may_act(request);
  pm_answer_html(response, 200);
  quit_page(service, &response->body, stopping);
  if (!stopping) return;
  response->close = true;
  config->quit(config->owner);
}

/* ---- the table ---- */

static const struct pm_route ROUTES[] = {
    {"/", PM_HTTP_GET, PM_ROLE_ANYONE, handle_index, NULL},
    {"/v1", PM_HTTP_GET, PM_ROLE_ANYONE, handle_index, "This page"},
    {"/v1/ping", PM_HTTP_GET, PM_ROLE_ANYONE, handle_ping, "A short answer, to be measured"},
    {"/v1/peers", PM_HTTP_GET, PM_ROLE_ANYONE, handle_peers, "The peers and their sums, as JSON"},
    {"/v1/addpeer", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_OPERATOR, handle_addpeer, "Add a peer"},
    {"/v1/metrics", PM_HTTP_GET, PM_ROLE_ANYONE, handle_metrics, "Counts and memory, as JSON"},
    {"/metrics", PM_HTTP_GET, PM_ROLE_ANYONE, handle_exposition, "Metrics for Prometheus"},
    {"/v1/sd", PM_HTTP_GET, PM_ROLE_ANYONE, handle_discovery,
     "The mesh's nodes, for Prometheus' HTTP service discovery"},
    {"/v1/history", PM_HTTP_GET, PM_ROLE_ANYONE, handle_history, "What was measured, over time"},
    {"/v1/profile", PM_HTTP_GET, PM_ROLE_ANYONE, handle_profile, NULL},
    {"/memstats", PM_HTTP_GET, PM_ROLE_ANYONE, handle_metrics, NULL},
    {"/v1/memstats", PM_HTTP_GET, PM_ROLE_ANYONE, handle_metrics, NULL},
    {"/v1/env", PM_HTTP_GET, PM_ROLE_OPERATOR, handle_env, "Settings, state and memory"},
    {"/v1/quit", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_OPERATOR, handle_quit, "Stop this node"},
    {"/v1/login", PM_HTTP_GET | PM_HTTP_POST, PM_ROLE_ANYONE, handle_login,
     "Log in as an operator"},
    {"/v1/logout", PM_HTTP_POST, PM_ROLE_ANYONE, handle_logout, NULL},
    {"/healthz", PM_HTTP_GET, PM_ROLE_ANYONE, handle_health, "Alive"},
    {"/readyz", PM_HTTP_GET, PM_ROLE_ANYONE, handle_ready, "Ready to serve"},
    {"/favicon.ico", PM_HTTP_GET, PM_ROLE_ANYONE, handle_favicon, NULL},
};
enum { ROUTES_COUNT = sizeof(ROUTES) / sizeof(ROUTES[0]) };

static const char *own_path(const char *next) {
  const struct pm_route *route = pm_route_find(ROUTES, ROUTES_COUNT, next);
  return route != NULL && (route->methods & PM_HTTP_GET) ? route->path : "/";
}

static void handle_index(struct pm_service *service, const struct pm_http_request *request,
                         struct pm_http_response *response) {
  const struct pm_peers_view peers = peers_of(service);
  const struct pm_index_view view = {
      .location = service->config.location,
      .start = service->config.start,
      .now = peers.now,
      .active = (uint64_t)peers.head.num_active,
      .deleted = (uint64_t)peers.head.num_deleted,
      .ready = is_ready(service),
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

/* The location's line ends before any tag: old readers take all of it. */
static enum pm_err build_ping(struct pm_service *service) {
  const char *location = service->config.location;
  struct pm_buf *out = &service->ping;
  pm_buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
  pm_html_element(out, "title", "pingmesh %s", location);
  pm_buf_text(out, "</head><body>\n<p>Served from ");
  pm_escape_html(out, location, strlen(location));
  pm_buf_text(out, "\n</body></html>\n");
  return pm_buf_status(out);
}

enum pm_err pm_service_new(const struct pm_service_config *config, struct pm_service **out) {
  struct pm_service *service = calloc(1, sizeof(*service));
  if (service == NULL) return PM_ERR_NOMEM;
  service->config = *config;
  service->config.auth.wrong_count = 0;
  pm_buf_init(&service->ping, PING_BYTES_MAX);
  for (int i = 0; i < STATS_COUNT; i++) pm_kept_init(&service->peers[i]);
  pm_kept_init(&service->peers_page);
  pm_kept_init(&service->exposition);
  pm_kept_init(&service->members);
  enum pm_err err = build_ping(service);
  if (err != PM_OK) {
    pm_service_free(service);
    return err;
  }
  *out = service;
  return PM_OK;
}

void pm_service_free(struct pm_service *service) {
  if (service == NULL) return;
  pm_buf_deinit(&service->ping);
  for (int i = 0; i < STATS_COUNT; i++) pm_kept_deinit(&service->peers[i]);
  pm_kept_deinit(&service->peers_page);
  pm_kept_deinit(&service->exposition);
  pm_kept_deinit(&service->members);
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
