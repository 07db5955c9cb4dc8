#include <string.h>

#include "api/accept.h"
#include "api/answer.h"
#include "api/form.h"
#include "api/route.h"
#include "api/service_parts.h"

static const struct {
  const char *name;
  unsigned windows;
} PEERS_STATS[PM_PEERS_STATS_COUNT] = {
    [PM_PEERS_STATS_DEFAULT] = {"default", PM_PEERS_VIEW_WINDOWS_DEFAULT},
    [PM_PEERS_STATS_NONE] = {"none", 0},
    [PM_PEERS_STATS_ALL] = {"all", PM_PEERS_VIEW_WINDOWS_ALL},
};

struct pm_peers_view pm_service_peers_view(const struct pm_service *service) {
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
  view.now_monotonic = pm_service_now(service);
  if (config->mesh != NULL) view.core = config->mesh(config->owner);
  return view;
}

static void answer_kept_peers(struct pm_service *service, enum pm_peers_stats stats,
                              struct pm_http_response *response) {
  struct pm_kept *kept = &service->peers[stats];
  const struct pm_time now = pm_service_now(service);
  if (!pm_kept_is_fresh(kept, now)) {
    const int64_t began_ns = pm_clock_thread_ns();
    struct pm_peers_view view = pm_service_peers_view(service);
    view.windows = PEERS_STATS[stats].windows;
    pm_peers_view_json(&view, &kept->text);
    pm_kept_written(kept, pm_service_now(service), pm_clock_thread_ns() - began_ns);
  }
  pm_answer_json(response, 200);
  pm_kept_answer(kept, response);
}

static void answer_kept_page(struct pm_service *service, struct pm_http_response *response) {
  struct pm_kept *kept = &service->peers_page;
  const struct pm_time now = pm_service_now(service);
  if (!pm_kept_is_fresh(kept, now)) {
    const int64_t began_ns = pm_clock_thread_ns();
    const struct pm_peers_view view = pm_service_peers_view(service);
    pm_peers_view_html(&view, &kept->text);
    pm_kept_written(kept, pm_service_now(service), pm_clock_thread_ns() - began_ns);
  }
  pm_answer_html(response, 200);
  pm_kept_answer(kept, response);
}

static enum pm_peers_stats asked_stats(const struct pm_http_request *request) {
  struct pm_form form;
  if (pm_form_parse(request->query, strlen(request->query), &form, NULL) != PM_OK)
    return PM_PEERS_STATS_DEFAULT;
  const char *name = pm_form_value(&form, "stats");
  /* A node that is told to read our list has a cap for it, and use for the names alone. */
  if (pm_form_value(&form, "addpeers")[0] != '\0') return PM_PEERS_STATS_NONE;
  for (int i = 0; i < PM_PEERS_STATS_COUNT; i++)
    if (strcmp(name, PEERS_STATS[i].name) == 0) return (enum pm_peers_stats)i;
  return PM_PEERS_STATS_DEFAULT;
}

/* Browsers, too, get JSON here unless they ask for the table: people look at it so. */
void pm_service_peers(struct pm_service *service, const struct pm_http_request *request,
                      struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  if (config->pull != NULL && config->pull(config->owner, request, &response->body)) {
    pm_answer_json(response, 200);
    return;
  }
  if (!pm_route_may_read(&service->config.auth, request, response)) return;
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
  struct pm_peers_view view = pm_service_peers_view(service);
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
