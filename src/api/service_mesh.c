#include <stdio.h>
#include <string.h>

#include "api/accept.h"
#include "api/answer.h"
#include "api/asymmetry_view.h"
#include "api/matrix_view.h"
#include "api/named_peer.h"
#include "api/service_parts.h"
#include "gossip/wire_text.h"

const struct pm_gossip *pm_service_core(const struct pm_service *service) {
  const struct pm_service_config *config = &service->config;
  return config->mesh != NULL ? config->mesh(config->owner) : NULL;
}

struct pm_mesh_source pm_service_mesh_source(const struct pm_service *service) {
  const struct pm_service_config *config = &service->config;
  const struct pm_node_id *id = config->id != NULL ? config->id(config->owner) : NULL;
  return (struct pm_mesh_source){
      .matrix = config->matrix != NULL ? config->matrix(config->owner) : NULL,
      .core = pm_service_core(service),
      .names = &service->names,
      .self = id != NULL ? *id : (struct pm_node_id){{0}},
      .self_host = service->host_port,
      .self_location = config->location,
      .now = pm_service_now(service),
      .wall = pm_clock_wall(),
  };
}

/* ---- long answers, of which anyone may ask for many kinds ---- */

/* The answer to that question, if it is there; else a place for it; NULL if all places hold answers
 * that are fresh, which bounds what all questions together may cost. */
static struct pm_service_kept *place_for(struct pm_service *service, const char *question,
                                         struct pm_time now) {
  struct pm_service_kept *free_place = NULL;
  for (size_t i = 0; i < PM_SERVICE_KEPT_MAX; i++) {
    struct pm_service_kept *place = &service->asked[i];
    if (strcmp(place->question, question) == 0) return place;
    if (!pm_time_before(now, place->kept.until)) free_place = place;
  }
  if (free_place != NULL) {
    snprintf(free_place->question, sizeof(free_place->question), "%s", question);
    free_place->kept.until = (struct pm_time){INT64_MIN};
  }
  return free_place;
}

void pm_service_forget_kept(struct pm_service *service, struct pm_time now) {
  for (size_t i = 0; i < PM_SERVICE_KEPT_MAX; i++)
    if (!pm_time_before(now, service->asked[i].kept.until))
      pm_buf_deinit(&service->asked[i].kept.text);
}

static void answer_busy(const struct pm_http_request *request, struct pm_http_response *response) {
  pm_answer_problem(request, response, 503, "too many different questions at once");
  pm_answer_header(response, "Retry-After", "1");
}

static bool read_query(const struct pm_http_request *request, struct pm_http_response *response,
                       struct pm_form *out) {
  struct pm_why why;
  enum pm_err err = pm_form_parse(request->query, strlen(request->query), out, &why);
  if (err != PM_OK) pm_answer_problem(request, response, 400, why.text);
  return err == PM_OK;
}

static void dress(struct pm_http_response *response, enum pm_format format) {
  if (format == PM_FORMAT_HTML)
    pm_answer_html(response, 200);
  else
    pm_answer_json(response, 200);
}

/* ---- matrix and direction ---- */

void pm_service_matrix(struct pm_service *service, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  const enum pm_format format = pm_accept_query(request, PM_FORMAT_JSON);
  char from[PM_WIRE_ID_BYTES], after[PM_WIRE_ID_BYTES], question[PM_SERVICE_QUESTION_BYTES];
  struct pm_matrix_ask ask;
  struct pm_form form;
  struct pm_why why;
  if (!read_query(request, response, &form)) return;
  const struct pm_mesh_source source = pm_service_mesh_source(service);
  if (pm_matrix_ask_read(&form, &source, &ask, &why) != PM_OK) {
    pm_answer_problem(request, response, 400, why.text);
    return;
  }
  pm_wire_id(&ask.from, from);
  pm_wire_id(&ask.after, after);
  snprintf(question, sizeof(question), "matrix %d %d%s %d%s %zu", format, ask.one, from, ask.later,
           after, ask.limit);
  const struct pm_time now = pm_service_now(service);
  struct pm_service_kept *place = place_for(service, question, now);
  if (place == NULL) {
    answer_busy(request, response);
    return;
  }
  if (!pm_kept_is_fresh(&place->kept, now)) {
    const int64_t began_ns = pm_clock_thread_ns();
    if (format == PM_FORMAT_HTML)
      pm_matrix_view_html(&source, &ask, &place->kept.text);
    else
      pm_matrix_view_json(&source, &ask, &place->kept.text);
    pm_kept_written(&place->kept, pm_service_now(service), pm_clock_thread_ns() - began_ns);
  }
  dress(response, format);
  pm_kept_answer(&place->kept, response);
}

void pm_service_asymmetry(struct pm_service *service, const struct pm_http_request *request,
                          struct pm_http_response *response) {
  const enum pm_format format = pm_accept_query(request, PM_FORMAT_JSON);
  char question[PM_SERVICE_QUESTION_BYTES];
  struct pm_form form;
  struct pm_why why;
  size_t limit;
  if (!read_query(request, response, &form)) return;
  if (pm_matrix_limit_read(&form, PM_ASYMMETRY_PAIRS_DEFAULT, PM_ASYMMETRY_PAIRS_MAX, &limit,
                           &why) != PM_OK) {
    pm_answer_problem(request, response, 400, why.text);
    return;
  }
  snprintf(question, sizeof(question), "asymmetry %d %zu", format, limit);
  const struct pm_time now = pm_service_now(service);
  struct pm_service_kept *place = place_for(service, question, now);
  if (place == NULL) {
    answer_busy(request, response);
    return;
  }
  if (!pm_kept_is_fresh(&place->kept, now)) {
    const int64_t began_ns = pm_clock_thread_ns();
    const struct pm_mesh_source source = pm_service_mesh_source(service);
    if (format == PM_FORMAT_HTML)
      pm_asymmetry_view_html(&source, limit, &place->kept.text);
    else
      pm_asymmetry_view_json(&source, limit, &place->kept.text);
    pm_kept_written(&place->kept, pm_service_now(service), pm_clock_thread_ns() - began_ns);
  }
  dress(response, format);
  pm_kept_answer(&place->kept, response);
}

/* ---- live ---- */

void pm_service_events(struct pm_service *service, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  const struct pm_mesh_source source = pm_service_mesh_source(service);
  pm_events_open(service->events, &source, request, response);
}

static void put_sample(struct pm_json_writer *w, const struct pm_recent_sample *sample) {
  static const char *const names[PM_PHASE_COUNT] = {
      [PM_PHASE_DNS] = "dns_ns",     [PM_PHASE_TCP] = "tcp_ns",   [PM_PHASE_TLS] = "tls_ns",
      [PM_PHASE_FIRST] = "first_ns", [PM_PHASE_LAST] = "last_ns", [PM_PHASE_TOTAL] = "total_ns"};
  pm_json_object_begin(w, NULL);
  pm_json_put_wall(w, "t", sample->at, true);
  pm_json_put_string(w, "outcome", pm_outcome_text((enum pm_outcome)sample->outcome));
  pm_json_put_string(w, "verdict", pm_verdict_text((enum pm_verdict)sample->verdict));
  for (int i = 0; i < PM_PHASE_COUNT; i++)
    pm_json_put_int(w, names[i], (int64_t)sample->phase_ns[i]);
  pm_json_object_end(w);
}

static void put_recent(const struct pm_service *service, const struct pm_target *target,
                       struct pm_buf *out) {
  const struct pm_mesh_source source = pm_service_mesh_source(service);
  struct pm_mesh_node_view self;
  struct pm_json_writer w;
  char key[PM_URL_BYTES];
  pm_mesh_id_view(&source, &source.self, &self);
  pm_target_key(target, source.core, key);
  pm_json_writer_init(&w, out, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_string(&w, "from", self.key);
  pm_json_put_string(&w, "to", key);
  pm_json_array_begin(&w, "samples");
  for (size_t i = 0; i < pm_recent_count(&service->recent, target->id); i++)
    put_sample(&w, pm_recent_at(&service->recent, target->id, i));
  pm_json_array_end(&w);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}

void pm_service_recent(struct pm_service *service, const struct pm_http_request *request,
                       struct pm_http_response *response) {
  const struct pm_service_config *config = &service->config;
  const struct pm_roster *roster = config->roster(config->owner);
  struct pm_named_peer peer;
  struct pm_form form;
  if (!read_query(request, response, &form)) return;
  const char *to = pm_form_value(&form, "to");
  if (to[0] == '\0') {
    pm_answer_problem(request, response, 400, "to is missing: a target's URL or a node's key");
    return;
  }
  if (!pm_named_peer_find(roster, pm_service_core(service), to, &peer) || peer.target == NULL) {
    pm_answer_problem(request, response, 404, "this node does not probe that");
    return;
  }
  pm_answer_json(response, 200);
  put_recent(service, peer.target, &response->body);
}

void pm_service_session(struct pm_service *service, const struct pm_http_request *request,
                        struct pm_http_response *response) {
  struct pm_service_config *config = &service->config;
  const struct pm_mesh_source source = pm_service_mesh_source(service);
  struct pm_mesh_node_view self;
  struct pm_json_writer w;
  const bool operator_asks =
      pm_auth_operator(&config->auth, request, pm_clock_wall()) == PM_AUTH_OK;
  pm_mesh_id_view(&source, &source.self, &self);
  pm_answer_json(response, 200);
  pm_json_writer_init(&w, &response->body, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_bool(&w, "operator", operator_asks);
  pm_json_put_bool(&w, "login", config->auth.token[0] != '\0');
  pm_json_put_string(&w, "self", self.key);
  pm_json_put_string(&w, "location", config->location);
  pm_json_put_string(&w, "version", PM_VERSION);
  pm_json_put_int(&w, "interval_s", config->delay_s);
  pm_json_put_string(&w, "mesh", config->mesh_name != NULL ? config->mesh_name : "");
  pm_json_put_bool(&w, "grow", config->grow);
  pm_json_object_end(&w);
  pm_buf_char(&response->body, '\n');
}
