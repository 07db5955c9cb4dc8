#include <string.h>

#include "node/mesh_parts.h"
#include "probe/remote_location.h"

/* --- where to --------------------------------------------------------------------------------- */

enum pm_err pm_mesh_endpoint(const struct pm_contact *contact, const char *path,
                             struct pm_endpoint *out) {
  char url[PM_CONTACT_URL_BYTES], ip[PM_IP_TEXT_BYTES];
  struct pm_endpoint ping;
  pm_contact_url(contact, url);
  pm_ip_text(&contact->ip, ip);
  bool named = strcmp(contact->host, ip) != 0;
  enum pm_err err = pm_endpoint_parse(url, named ? ip : NULL, &ping, NULL);
  return err != PM_OK ? err : pm_endpoint_with_path(&ping, path, out);
}

/* A seed may be an operator's or the configuration's: the mesh makes no difference, for what the
 * latter may do besides, to ask a metadata service, no node is. */
enum pm_learned pm_mesh_learned(const struct pm_gossip_member *member) {
  if (member->local || member->source_ip.family == PM_IP_NONE) return PM_LEARNED_OPERATOR;
  return member->learned == PM_DIAL_CONSENT ? PM_LEARNED_CONTACT : PM_LEARNED_PEER;
}

/* --- places for what is under way ---------------------------------------------------------------
 */

static struct pm_mesh_send *take_send(struct pm_mesh *mesh, const struct pm_gossip_send *what) {
  struct pm_mesh_send *send = mesh->resting;
  if (!send) return NULL;
  mesh->resting = send->next;
  send->busy = true;
  send->kind = what->kind;
  send->token = what->token;
  send->exchange = 0;
  return send;
}

static void rest_send(struct pm_mesh_send *send) {
  send->busy = false;
  send->next = send->mesh->resting;
  send->mesh->resting = send;
}

static uint32_t rtt_us_of(const struct pm_sample *sample) {
  int64_t us = sample->phase_ns[PM_PHASE_TCP] / PM_NS_PER_US;
  if (us < 1) return 1;
  return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void pm_mesh_tell_pong(struct pm_mesh *mesh, const struct pm_gossip_token *token,
                       const struct pm_exchange_result *result) {
  struct pm_wire_pong pong;
  char location[PM_LOCATION_BYTES];
  bool ok = result && result->sample.outcome == PM_OUTCOME_SUCCESS;
  bool ours = ok && result->header[0] && pm_wire_pong_read(result->header, &pong) == PM_OK;
  bool placed = ok && pm_remote_location(result->body, result->body_bytes, location) == PM_OK;
  struct pm_gossip_event event = {.now = pm_clock_now(),
                                  .kind = PM_GOSSIP_PONG,
                                  .pong = {.token = *token,
                                           .ok = ok,
                                           .pong = ours ? &pong : NULL,
                                           .location = placed ? location : "",
                                           .rtt_us = ok ? rtt_us_of(&result->sample) : 0}};
  if (mesh->closing) return;
  pm_gossip_step(mesh->core, &event, mesh->update);
  struct pm_node_id from = mesh->update->proved;
  pm_mesh_carry_out(mesh);
  if (ok) pm_rows_take(mesh->rows, &from, result->long_header, event.now);
}

static void tell_answer(struct pm_mesh *mesh, const struct pm_gossip_token *token,
                        const struct pm_exchange_result *result) {
  struct pm_why why;
  bool ok = result && result->sample.outcome == PM_OUTCOME_SUCCESS;
  mesh->answer.rows = pm_rows_inbox(mesh->rows);
  if (ok && pm_wire_answer_read(result->body, result->body_bytes, &mesh->answer, &why) != PM_OK) {
    pm_log(mesh->config.log, PM_LOG_VERBOSE, "mesh: a list that cannot be read: %s", why.text);
    ok = false;
  }
  struct pm_gossip_event event = {.now = pm_clock_now(),
                                  .kind = PM_GOSSIP_ANSWER,
                                  .answer = {.token = *token, .answer = ok ? &mesh->answer : NULL}};
  if (mesh->closing) return;
  pm_gossip_step(mesh->core, &event, mesh->update);
  struct pm_node_id via = mesh->update->proved;
  uint64_t old = mesh->update->old_word;
  pm_mesh_carry_out(mesh);
  if (ok) pm_rows_take_old(mesh->rows, mesh->core, old, &mesh->answer, event.now);
  if (ok) pm_rows_take_relayed(mesh->rows, mesh->core, &via, event.now);
}

static void tell_resolved(struct pm_mesh *mesh, const struct pm_gossip_token *token,
                          const struct pm_ip *ips, size_t count) {
  struct pm_gossip_event event = {
      .now = pm_clock_now(),
      .kind = PM_GOSSIP_RESOLVED,
      .resolved = {.token = *token,
                   .ips = ips,
                   .count = count < PM_GOSSIP_RESOLVED_MAX ? count : PM_GOSSIP_RESOLVED_MAX}};
  pm_mesh_step(mesh, &event);
}

static void on_result(void *owner, const struct pm_exchange_result *result) {
  struct pm_mesh_send *send = owner;
  struct pm_mesh *mesh = send->mesh;
  struct pm_gossip_token token = send->token;
  enum pm_gossip_send_kind kind = send->kind;
  rest_send(send);
  if (kind == PM_GOSSIP_SEND_PROBE)
    pm_mesh_tell_pong(mesh, &token, result);
  else
    tell_answer(mesh, &token, result);
}

static void on_resolved(void *owner, const struct pm_resolver_answer *answer) {
  struct pm_mesh_send *send = owner;
  struct pm_mesh *mesh = send->mesh;
  struct pm_gossip_token token = send->token;
  rest_send(send);
  tell_resolved(mesh, &token, answer->addresses, answer->err == PM_OK ? answer->count : 0);
}

static enum pm_err begin_lookup(struct pm_mesh *mesh, const struct pm_gossip_send *what) {
  struct pm_mesh_send *send = take_send(mesh, what);
  if (!send) return PM_ERR_FULL;
  enum pm_err err = pm_resolver_start(pm_exchanger_resolver(mesh->config.exchanger), &send->lookup,
                                      what->to.host, PM_MESH_TIMEOUT_MS, on_resolved, send);
  if (err != PM_OK) rest_send(send);
  return err;
}

static void set_limits(const struct pm_mesh *mesh, const struct pm_gossip_send *what,
                       struct pm_exchange_limits *out) {
  const struct pm_options *options = mesh->config.options;
  bool pull = what->kind == PM_GOSSIP_SEND_PULL;
  size_t list_bytes = what->plain ? PM_WIRE_OLD_READ_BYTES_MAX : PM_WIRE_ANSWER_READ_BYTES_MAX;
  size_t ping_bytes = (size_t)options->body_bytes_max;
  if (ping_bytes > PM_MESH_PING_BYTES_MAX) ping_bytes = PM_MESH_PING_BYTES_MAX;
  *out = (struct pm_exchange_limits){
      .lookup_ms = options->lookup_timeout_s * 1000,
      .connect_ms = options->connect_timeout_s * 1000,
      .total_ms = pull ? PM_MESH_TIMEOUT_MS : options->timeout_s * 1000,
      .body_bytes_max = pull ? list_bytes : ping_bytes,
      .body_bytes_kept = pull ? list_bytes : PM_WIRE_ANSWER_BYTES_MAX / 4,
  };
}

static enum pm_err begin_request(struct pm_mesh *mesh, const struct pm_gossip_send *what) {
  struct pm_endpoint endpoint;
  struct pm_gossip_member member = {.local = true};
  const char *path = what->kind == PM_GOSSIP_SEND_PULL ? "/v1/peers" : "/v1/ping";
  enum pm_err err = pm_mesh_endpoint(&what->to, path, &endpoint);
  if (err != PM_OK) return err;
  /* Without TLS there is no certificate that could say who answers. */
  if (mesh->config.options->mutual_tls && !endpoint.https) return PM_ERR_DENIED;
  bool known = pm_gossip_get(mesh->core, what->token.handle, &member);
  struct pm_exchange_request request = {
      .endpoint = &endpoint,
      .learned = known ? pm_mesh_learned(&member) : PM_LEARNED_PEER,
      .source = member.source_ip,
      .insecure = mesh->config.options->insecure,
  };
  set_limits(mesh, what, &request.limits);
  pm_buf_reset(&mesh->query);
  if (!what->plain) {
    struct pm_wire_request query = what->request;
    pm_rows_ask(mesh->rows, mesh->core, known ? &member : NULL, pm_clock_now(), &query);
    pm_wire_request_write(&query, &mesh->query);
    if ((err = pm_buf_status(&mesh->query)) != PM_OK) return err;
    request.query = mesh->query.data;
  }
  struct pm_mesh_send *send = take_send(mesh, what);
  if (!send) return PM_ERR_FULL;
  err = pm_exchange_start(mesh->config.exchanger, &request, on_result, send, &send->exchange);
  if (err != PM_OK) rest_send(send);
  return err;
}

/* The core waits for the end of everything that it sent. */
void pm_mesh_send_failed(struct pm_mesh *mesh, enum pm_gossip_send_kind kind,
                         const struct pm_gossip_token *token) {
  switch (kind) {
  case PM_GOSSIP_SEND_PROBE:
    pm_mesh_tell_pong(mesh, token, NULL);
    break;
  case PM_GOSSIP_SEND_PULL:
    tell_answer(mesh, token, NULL);
    break;
  case PM_GOSSIP_SEND_RESOLVE:
    tell_resolved(mesh, token, NULL, 0);
    break;
  }
}

enum pm_err pm_mesh_send_begin(struct pm_mesh *mesh, const struct pm_gossip_send *what) {
  return what->kind == PM_GOSSIP_SEND_RESOLVE ? begin_lookup(mesh, what)
                                              : begin_request(mesh, what);
}

void pm_mesh_sends_init(struct pm_mesh *mesh) {
  for (size_t i = 0; i < PM_MESH_SENDS_MAX; i++) {
    mesh->sends[i].mesh = mesh;
    rest_send(&mesh->sends[i]);
  }
}

void pm_mesh_sends_cancel(struct pm_mesh *mesh) {
  for (size_t i = 0; i < PM_MESH_SENDS_MAX; i++) {
    struct pm_mesh_send *send = &mesh->sends[i];
    if (!send->busy) continue;
    if (send->kind == PM_GOSSIP_SEND_RESOLVE)
      pm_resolver_cancel(pm_exchanger_resolver(mesh->config.exchanger), &send->lookup);
    else
      pm_exchange_cancel(mesh->config.exchanger, send->exchange);
  }
}
