#include <string.h>

#include "api/accept.h"
#include "api/addpeer.h"
#include "api/answer.h"
#include "api/form.h"
#include "api/html.h"
#include "api/service_parts.h"

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
    return pm_service_read_body(request, response, out);
  }
  struct pm_why why;
  enum pm_err err = pm_form_parse(request->query, strlen(request->query), out, &why);
  if (err != PM_OK) pm_answer_problem(request, response, 400, why.text);
  return err == PM_OK;
}

void pm_service_addpeer(struct pm_service *service, const struct pm_http_request *request,
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

void pm_service_env(struct pm_service *service, const struct pm_http_request *request,
                    struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  const struct pm_env_view view = {
      .settings = config->settings,
      .settings_count = config->settings_count,
      .location = config->location,
      .host = config->host,
      .port = config->port_reported,
      .requests = config->requests(config->owner),
      .ready = pm_service_is_ready(service),
      .metrics = pm_service_metrics_view(service),
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
  const struct pm_peers_view view = pm_service_peers_view(service);
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

void pm_service_quit(struct pm_service *service, const struct pm_http_request *request,
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
