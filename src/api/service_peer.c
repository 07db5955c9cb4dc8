#include <string.h>

#include "api/accept.h"
#include "api/answer.h"
#include "api/form.h"
#include "api/html.h"
#include "api/named_peer.h"
#include "api/service_parts.h"

/* Taking a peer away, and pausing it: what an operator does to one that is there. */
struct action {
  const char *path, *title, *button;
  bool pauses;
};

static const struct action REMOVE = {"/v1/removepeer", "Remove a peer", "Remove", false};
static const struct action PAUSE = {"/v1/pausepeer", "Pause a peer", "Do it", true};

static void answer_form(const struct action *action, const struct pm_form *form,
                        struct pm_http_response *response) {
  struct pm_buf *out = &response->body;
  pm_answer_html(response, 200);
  pm_html_begin(out, action->title);
  pm_html_form_begin(out, action->path);
  pm_html_field(out, &(struct pm_html_field){.name = "url",
                                             .label = "URL",
                                             .hint = "or host:port, or a node's key",
                                             .type = "text",
                                             .value = pm_form_value(form, "url"),
                                             .attributes = "required autocapitalize=\"none\" "
                                                           "spellcheck=\"false\""});
  if (action->pauses)
    pm_html_field(out, &(struct pm_html_field){.name = "paused",
                                               .label = "Paused",
                                               .hint = "Without it, the peer is probed again.",
                                               .type = "checkbox",
                                               .value = "true"});
  pm_html_form_end(out, action->button);
  pm_html_end(out);
}

static void answer_done(const struct action *action, const struct pm_http_request *request,
                        struct pm_http_response *response, const char *url, const char *result) {
  struct pm_buf *out = &response->body;
  if (pm_accept_format(request, PM_FORMAT_JSON) == PM_FORMAT_JSON) {
    struct pm_json_writer w;
    pm_answer_json(response, 200);
    pm_json_writer_init(&w, out, false);
    pm_json_object_begin(&w, NULL);
    pm_json_put_string(&w, "url", url);
    pm_json_put_string(&w, "result", result);
    pm_json_object_end(&w);
    pm_buf_char(out, '\n');
    return;
  }
  pm_answer_html(response, 200);
  pm_html_begin(out, action->title);
  pm_html_element(out, "p", "%s: %s.", url, result);
  pm_buf_text(out, "<p><a href=\"/v1/peers?format=html\">All peers</a></p>\n");
  pm_html_end(out);
}

static int status_of(enum pm_err err) {
  switch (err) {
  case PM_ERR_MISSING:
    return 404;
  case PM_ERR_DENIED:
    return 409;
  default:
    return 503;
  }
}

/* What is done to whom; *out_result: what became of it. */
static enum pm_err act(struct pm_service *service, const struct action *action,
                       const struct pm_form *form, const struct pm_named_peer *peer,
                       const char **out_result, struct pm_why *why) {
  const struct pm_service_config *config = &service->config;
  const char *paused = pm_form_value(form, "paused");
  const bool resumes = strcmp(paused, "false") == 0 || paused[0] == '\0';
  const uint64_t target = peer->target != NULL ? peer->target->id : 0;
  if (!action->pauses) {
    *out_result =
        peer->member != 0 ? "removed; the mesh may not bring it back for an hour" : "removed";
    return config->remove_peer(config->owner, target, peer->member, why);
  }
  if (target == 0)
    return pm_why_set(why, PM_ERR_DENIED,
                      "this node does not probe it now: there is nothing to pause");
  *out_result = resumes ? "probed again" : "paused";
  return config->pause_peer(config->owner, target, !resumes, why);
}

static void act_on_named(struct pm_service *service, const struct action *action,
                         const struct pm_http_request *request, struct pm_http_response *response,
                         const struct pm_form *form) {
  const struct pm_service_config *config = &service->config;
  const char *name = pm_form_value(form, "url");
  struct pm_named_peer peer;
  struct pm_why why = {""};
  const char *result = "";
  char url[PM_URL_BYTES];
  if (name[0] == '\0') {
    pm_answer_problem(request, response, 400, "the url is missing: write that of a peer");
    return;
  }
  if (!pm_named_peer_find(config->roster(config->owner), pm_service_core(service), name, &peer)) {
    pm_answer_problem(request, response, 404, "there is no such peer");
    return;
  }
  pm_named_peer_url(&peer, url); /* before it goes */
  pm_why_set(&why, PM_OK, "it cannot be done");
  const enum pm_err err = act(service, action, form, &peer, &result, &why);
  if (err != PM_OK)
    pm_answer_problem(request, response, status_of(err), why.text);
  else
    answer_done(action, request, response, url, result);
}

/* A GET never acts: it gives the form. */
static void handle(struct pm_service *service, const struct action *action,
                   const struct pm_http_request *request, struct pm_http_response *response) {
  struct pm_form form;
  struct pm_why why;
  if (request->method == PM_HTTP_POST) {
    if (pm_service_read_body(request, response, &form))
      act_on_named(service, action, request, response, &form);
    return;
  }
  if (pm_form_parse(request->query, strlen(request->query), &form, &why) != PM_OK)
    pm_answer_problem(request, response, 400, why.text);
  else
    answer_form(action, &form, response);
}

void pm_service_removepeer(struct pm_service *service, const struct pm_http_request *request,
                           struct pm_http_response *response) {
  handle(service, &REMOVE, request, response);
}

void pm_service_pausepeer(struct pm_service *service, const struct pm_http_request *request,
                          struct pm_http_response *response) {
  handle(service, &PAUSE, request, response);
}
