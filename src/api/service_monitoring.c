#include "api/accept.h"
#include "api/answer.h"
#include "api/discovery_view.h"
#include "api/service_parts.h"

struct pm_metrics_view pm_service_metrics_view(const struct pm_service *service) {
  const struct pm_peers_view peers = pm_service_peers_view(service);
  struct pm_metrics_view view = {
      .app_start = service->config.start,
      .peers = (uint64_t)peers.head.num_active,
      .active = (uint64_t)peers.head.num_active,
      .deleted = (uint64_t)peers.head.num_deleted,
  };
  pm_memory_measure(&view.memory);
  return view;
}

bool pm_service_is_ready(const struct pm_service *service) {
  return service->config.ready(service->config.owner);
}

void pm_service_metrics(struct pm_service *service, const struct pm_http_request *request,
                        struct pm_http_response *response) {
  const struct pm_metrics_view view = pm_service_metrics_view(service);
  if (pm_accept_query(request, PM_FORMAT_JSON) == PM_FORMAT_JSON) {
    pm_answer_json(response, 200);
    pm_metrics_view_json(&view, &response->body);
  } else {
    pm_answer_html(response, 200);
    pm_metrics_view_html(&view, &response->body);
  }
}

/* For Prometheus: what it reads, and whom it is to read. */
void pm_service_exposition(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  struct pm_kept *kept = &service->exposition;
  const struct pm_time now = pm_service_now(service);
  (void)request;
  if (!pm_kept_is_fresh(kept, now)) {
    const int64_t began_ns = pm_clock_thread_ns();
    service->config.exposition(service->config.owner, &kept->text);
    pm_kept_written(kept, pm_service_now(service), pm_clock_thread_ns() - began_ns);
  }
  pm_answer_text(response, 200, "");
  response->content_type = "text/plain; version=0.0.4; charset=utf-8";
  pm_kept_answer(kept, response);
}

void pm_service_discovery(struct pm_service *service, const struct pm_http_request *request,
                          struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  struct pm_kept *kept = &service->members;
  const struct pm_time now = pm_service_now(service);
  if (!pm_kept_is_fresh(kept, now)) {
    const int64_t began_ns = pm_clock_thread_ns();
    pm_discovery_view_members(config->mesh != NULL ? config->mesh(config->owner) : NULL,
                              &kept->text);
    pm_kept_written(kept, pm_service_now(service), pm_clock_thread_ns() - began_ns);
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

void pm_service_health(struct pm_service *service, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  (void)service;
  (void)request;
  pm_answer_text(response, 200, "ok\n");
}

void pm_service_ready(struct pm_service *service, const struct pm_http_request *request,
                      struct pm_http_response *response) {
  (void)request;
  bool ready = pm_service_is_ready(service);
  pm_answer_text(response, ready ? 200 : 503, ready ? "ready\n" : "starting or stopping\n");
}

/* There is none; asked for by every browser, so let it remember that for a day. */
void pm_service_favicon(struct pm_service *service, const struct pm_http_request *request,
                        struct pm_http_response *response) {
  (void)service;
  (void)request;
  response->status = 204;
  pm_answer_header(response, "Cache-Control", "public, max-age=86400");
}
