#include "node/mesh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/secret.h"
#include "gossip/gossip.h"
#include "node/mesh_key.h"
#include "node/mesh_state.h"
#include "probe/remote_location.h"
#include "probe/resolver.h"

/* A send of the core under way. */
struct send {
  struct pm_mesh *mesh;
  struct send *next; /* of the resting ones */
  bool busy;
  enum pm_gossip_send_kind kind;
  struct pm_gossip_token token;
  uint64_t exchange;
  struct pm_lookup lookup;
};

/* A member that the prober pings every interval. */
struct pinged {
  uint64_t member;
  uint64_t target;
  bool own; /* a person's target as well: it outlives the membership */
  bool asked;
  struct pm_gossip_token token;
};

struct pm_mesh {
  struct pm_mesh_config config;
  struct pm_gossip *core;
  struct pm_gossip_update *update;
  struct pm_wire_answer answer; /* of the pull that is being read */
  struct pm_gossip_send ping;   /* of the planned ping that is being asked for */
  struct pm_buf query;
  struct send sends[PM_MESH_SENDS_MAX];
  struct send *resting;
  struct pinged *pinged;
  size_t pinged_count, pinged_max;
  uv_timer_t timer;
  struct pm_mesh_keys keys;
  struct pm_node_id id;
  uv_timer_t save_timer;
  uv_work_t save;
  struct pm_buf saved; /* the text being written */
  struct pm_why save_why;
  enum pm_err save_err;
  bool saving;
  int handles; /* not closed yet */
  bool closing;
  void (*closed)(void *owner);
  void *closed_owner;
};

static void step(struct pm_mesh *mesh, const struct pm_gossip_event *event);

/* --- active members and the prober ------------------------------------------------------------ */

static struct pinged *find_pinged(struct pm_mesh *mesh, uint64_t member) {
  for (size_t i = 0; i < mesh->pinged_count; i++)
    if (mesh->pinged[i].member == member) return &mesh->pinged[i];
  return NULL;
}

/* The contact as an endpoint with its address beside the name. */
static enum pm_err endpoint_of(const struct pm_contact *contact, const char *path,
                               struct pm_endpoint *out) {
  char url[PM_CONTACT_URL_BYTES], ip[PM_IP_TEXT_BYTES];
  struct pm_endpoint ping;
  pm_contact_url(contact, url);
  pm_ip_text(&contact->ip, ip);
  bool named = strcmp(contact->host, ip) != 0;
  enum pm_err err = pm_endpoint_parse(url, named ? ip : NULL, &ping, NULL);
  return err != PM_OK ? err : pm_endpoint_with_path(&ping, path, out);
}

/* A person's target that leads to this contact. */
static const struct pm_target *own_target(const struct pm_mesh *mesh,
                                          const struct pm_contact *contact) {
  const struct pm_roster *roster = pm_prober_roster(mesh->config.prober);
  for (size_t i = 0; i < pm_roster_count(roster); i++) {
    const struct pm_target *target = pm_roster_at(roster, i);
    const struct pm_endpoint *endpoint = &target->spec.endpoint;
    bool by_person =
        target->spec.learned == PM_LEARNED_CONFIG || target->spec.learned == PM_LEARNED_OPERATOR;
    if (!by_person || target->spec.member || endpoint->port != contact->port) continue;
    if (endpoint->https != contact->https || strcmp(endpoint->host, contact->host) != 0) continue;
    if (endpoint->ip_override.family != PM_IP_NONE &&
        !pm_ip_equal(&endpoint->ip_override, &contact->ip))
      continue;
    return target;
  }
  return NULL;
}

/* How an address came to us decides what it may be, again at each connect. */
static enum pm_learned learned_of(const struct pm_gossip_member *member) {
  if (member->local || member->source_ip.family == PM_IP_NONE) return PM_LEARNED_CONFIG;
  return member->learned == PM_DIAL_CONSENT ? PM_LEARNED_CONTACT : PM_LEARNED_PEER;
}

static enum pm_err probe_it(struct pm_mesh *mesh, const struct pm_gossip_member *member,
                            uint64_t *out_target) {
  const struct pm_options *options = mesh->config.options;
  struct pm_gossip_member teacher;
  struct pm_target_spec spec = {
      .learned = learned_of(member),
      .source = member->source_ip,
      .delay_s = options->delay_s > member->pace_s ? options->delay_s : member->pace_s,
      .fail_max = INT32_MAX, /* when it is dead is for the mesh to say */
      .insecure = options->insecure,
      .member = member->handle,
  };
  if (spec.delay_s == 0) spec.delay_s = 1; /* "once" is for a person's own targets */
  if (spec.learned == PM_LEARNED_CONFIG) spec.learned = PM_LEARNED_PEER;
  if (member->source && pm_gossip_get(mesh->core, member->source, &teacher))
    pm_contact_host_port(&teacher.contact, spec.learned_from);
  if (spec.source.family == PM_IP_NONE) spec.source = member->contact.ip;
  enum pm_err err = endpoint_of(&member->contact, "/v1/ping", &spec.endpoint);
  return err != PM_OK ? err : pm_prober_add(mesh->config.prober, &spec, out_target, NULL);
}

static void activate(struct pm_mesh *mesh, uint64_t handle) {
  struct pm_gossip_member member;
  if (mesh->pinged_count == mesh->pinged_max || find_pinged(mesh, handle)) return;
  if (!pm_gossip_get(mesh->core, handle, &member)) return;
  struct pinged pinged = {.member = handle};
  const struct pm_target *own = own_target(mesh, &member.contact);
  if (own) {
    pinged.own = true;
    pinged.target = own->id;
    pm_prober_set_member(mesh->config.prober, own->id, handle);
  } else if (probe_it(mesh, &member, &pinged.target) != PM_OK) {
    return;
  }
  mesh->pinged[mesh->pinged_count++] = pinged;
}

static void deactivate(struct pm_mesh *mesh, uint64_t handle) {
  struct pinged *pinged = find_pinged(mesh, handle);
  if (!pinged) return;
  struct pinged gone = *pinged;
  *pinged = mesh->pinged[--mesh->pinged_count];
  pm_prober_set_member(mesh->config.prober, gone.target, 0);
  /* It may have ended by itself: then there is nothing to remove. */
  if (!gone.own && pm_prober_remove(mesh->config.prober, gone.target) != PM_OK) return;
}

/* --- what a step changed ---------------------------------------------------------------------- */

static void report(const struct pm_mesh *mesh, const struct pm_gossip_change *change) {
  char contact[PM_CONTACT_TEXT_BYTES];
  bool news = change->kind == PM_CHANGE_VERIFIED || change->kind == PM_CHANGE_LOST;
  bool refused = change->kind == PM_CHANGE_REFUSED;
  pm_contact_text(&change->contact, contact);
  pm_log(mesh->config.log, news ? PM_LOG_VERBOSE : PM_LOG_DEBUG, "mesh: %s %s%s%s", contact,
         pm_change_text(change->kind), refused ? ": " : "",
         refused ? pm_refusal_text(change->reason) : "");
}

static void apply(struct pm_mesh *mesh, const struct pm_gossip_change *change) {
  if (change->kind == PM_CHANGE_ACTIVATED)
    activate(mesh, change->handle);
  else if (change->kind == PM_CHANGE_DEACTIVATED)
    deactivate(mesh, change->handle);
  report(mesh, change);
}

/* --- sends ------------------------------------------------------------------------------------ */

static struct send *take_send(struct pm_mesh *mesh, const struct pm_gossip_send *what) {
  struct send *send = mesh->resting;
  if (!send) return NULL;
  mesh->resting = send->next;
  send->busy = true;
  send->kind = what->kind;
  send->token = what->token;
  send->exchange = 0;
  return send;
}

static void rest_send(struct send *send) {
  send->busy = false;
  send->next = send->mesh->resting;
  send->mesh->resting = send;
}

static uint32_t rtt_us_of(const struct pm_sample *sample) {
  int64_t us = sample->phase_ns[PM_PHASE_TCP] / PM_NS_PER_US;
  if (us < 1) return 1;
  return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void tell_pong(struct pm_mesh *mesh, const struct pm_gossip_token *token,
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
  step(mesh, &event);
}

static void tell_answer(struct pm_mesh *mesh, const struct pm_gossip_token *token,
                        const struct pm_exchange_result *result) {
  struct pm_why why;
  bool ok = result && result->sample.outcome == PM_OUTCOME_SUCCESS;
  if (ok && pm_wire_answer_read(result->body, result->body_bytes, &mesh->answer, &why) != PM_OK) {
    pm_log(mesh->config.log, PM_LOG_VERBOSE, "mesh: a list that cannot be read: %s", why.text);
    ok = false;
  }
  struct pm_gossip_event event = {.now = pm_clock_now(),
                                  .kind = PM_GOSSIP_ANSWER,
                                  .answer = {.token = *token, .answer = ok ? &mesh->answer : NULL}};
  step(mesh, &event);
}

static void tell_resolved(struct pm_mesh *mesh, const struct pm_gossip_token *token,
                          const struct pm_ip *ips, size_t count) {
  struct pm_gossip_event event = {
      .now = pm_clock_now(),
      .kind = PM_GOSSIP_RESOLVED,
      .resolved = {.token = *token,
                   .ips = ips,
                   .count = count < PM_GOSSIP_RESOLVED_MAX ? count : PM_GOSSIP_RESOLVED_MAX}};
  step(mesh, &event);
}

static void on_result(void *owner, const struct pm_exchange_result *result) {
  struct send *send = owner;
  struct pm_mesh *mesh = send->mesh;
  struct pm_gossip_token token = send->token;
  enum pm_gossip_send_kind kind = send->kind;
  rest_send(send);
  if (kind == PM_GOSSIP_SEND_PROBE)
    tell_pong(mesh, &token, result);
  else
    tell_answer(mesh, &token, result);
}

static void on_resolved(void *owner, const struct pm_resolver_answer *answer) {
  struct send *send = owner;
  struct pm_mesh *mesh = send->mesh;
  struct pm_gossip_token token = send->token;
  rest_send(send);
  tell_resolved(mesh, &token, answer->addresses, answer->err == PM_OK ? answer->count : 0);
}

static enum pm_err begin_lookup(struct pm_mesh *mesh, const struct pm_gossip_send *what) {
  struct send *send = take_send(mesh, what);
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
  *out = (struct pm_exchange_limits){
      .lookup_ms = options->lookup_timeout_s * 1000,
      .connect_ms = options->connect_timeout_s * 1000,
      .total_ms = pull ? PM_MESH_TIMEOUT_MS : options->timeout_s * 1000,
      .body_bytes_max = pull ? list_bytes : (size_t)options->body_bytes_max,
      .body_bytes_kept = pull ? list_bytes : PM_WIRE_ANSWER_BYTES_MAX / 4,
  };
}

static enum pm_err begin_request(struct pm_mesh *mesh, const struct pm_gossip_send *what) {
  struct pm_endpoint endpoint;
  struct pm_gossip_member member = {.local = true};
  const char *path = what->kind == PM_GOSSIP_SEND_PULL ? "/v1/peers" : "/v1/ping";
  enum pm_err err = endpoint_of(&what->to, path, &endpoint);
  if (err != PM_OK) return err;
  bool known = pm_gossip_get(mesh->core, what->token.handle, &member);
  struct pm_exchange_request request = {
      .endpoint = &endpoint,
      .learned = known ? learned_of(&member) : PM_LEARNED_PEER,
      .source = member.source_ip,
      .insecure = mesh->config.options->insecure,
  };
  set_limits(mesh, what, &request.limits);
  pm_buf_reset(&mesh->query);
  if (!what->plain) {
    pm_wire_request_write(&what->request, &mesh->query);
    if ((err = pm_buf_status(&mesh->query)) != PM_OK) return err;
    request.query = mesh->query.data;
  }
  struct send *send = take_send(mesh, what);
  if (!send) return PM_ERR_FULL;
  err = pm_exchange_start(mesh->config.exchanger, &request, on_result, send, &send->exchange);
  if (err != PM_OK) rest_send(send);
  return err;
}

/* The core waits for the end of everything that it sent. */
static void tell_failed(struct pm_mesh *mesh, enum pm_gossip_send_kind kind,
                        const struct pm_gossip_token *token) {
  switch (kind) {
  case PM_GOSSIP_SEND_PROBE:
    tell_pong(mesh, token, NULL);
    break;
  case PM_GOSSIP_SEND_PULL:
    tell_answer(mesh, token, NULL);
    break;
  case PM_GOSSIP_SEND_RESOLVE:
    tell_resolved(mesh, token, NULL, 0);
    break;
  }
}

/* --- steps ------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer) {
  struct pm_gossip_event event = {.now = pm_clock_now(), .kind = PM_GOSSIP_TICK};
  step(timer->data, &event);
}

static void arm(struct pm_mesh *mesh) {
  int64_t left_ns = pm_time_since_ns(pm_gossip_deadline(mesh->core), pm_clock_now());
  int64_t left_ms = left_ns <= 0 ? 0 : (left_ns - 1) / PM_NS_PER_MS + 1;
  uv_timer_start(&mesh->timer, on_timer, (uint64_t)left_ms, 0);
}

/* Does what the update says; what could not be sent is told to the core afterwards, since every
 * step fills the update anew. */
static void carry_out(struct pm_mesh *mesh) {
  struct pm_gossip_update *update = mesh->update;
  struct {
    enum pm_gossip_send_kind kind;
    struct pm_gossip_token token;
  } failed[PM_GOSSIP_SENDS_MAX];
  size_t failed_count = 0;
  for (size_t i = 0; i < update->changes_count; i++) apply(mesh, &update->changes[i]);
  for (size_t i = 0; i < update->sends_count; i++) {
    const struct pm_gossip_send *what = &update->sends[i];
    enum pm_err err =
        what->kind == PM_GOSSIP_SEND_RESOLVE ? begin_lookup(mesh, what) : begin_request(mesh, what);
    if (err == PM_OK) continue;
    failed[failed_count].kind = what->kind;
    failed[failed_count++].token = what->token;
  }
  for (size_t i = 0; i < failed_count; i++) tell_failed(mesh, failed[i].kind, &failed[i].token);
  arm(mesh);
}

static void step(struct pm_mesh *mesh, const struct pm_gossip_event *event) {
  if (mesh->closing) return;
  pm_gossip_step(mesh->core, event, mesh->update);
  carry_out(mesh);
}

/* --- planned pings ---------------------------------------------------------------------------- */

const char *pm_mesh_ask(struct pm_mesh *mesh, const struct pm_target *target) {
  struct pinged *pinged = find_pinged(mesh, target->spec.member);
  if (!pinged || mesh->closing) return NULL;
  pinged->asked = pm_gossip_plan_ping(mesh->core, target->spec.member, pm_clock_now(), &mesh->ping);
  if (!pinged->asked) return NULL;
  pinged->token = mesh->ping.token;
  if (mesh->ping.plain) return NULL;
  pm_buf_reset(&mesh->query);
  pm_wire_request_write(&mesh->ping.request, &mesh->query);
  return pm_buf_status(&mesh->query) == PM_OK ? mesh->query.data : NULL;
}

void pm_mesh_answered(struct pm_mesh *mesh, uint64_t member,
                      const struct pm_exchange_result *result) {
  struct pinged *pinged = find_pinged(mesh, member);
  if (!pinged || !pinged->asked || mesh->closing) return;
  pinged->asked = false;
  struct pm_gossip_token token = pinged->token;
  tell_pong(mesh, &token, result);
}

/* --- what others ask -------------------------------------------------------------------------- */

/* Steps with the request; the reply is then in the update, and carry_out is still to be done. */
static void take_request(struct pm_mesh *mesh, const struct pm_http_request *http,
                         const struct pm_wire_request *request) {
  struct pm_gossip_event event = {.now = pm_clock_now(), .kind = PM_GOSSIP_REQUEST};
  event.request.source = http->client;
  event.request.request = request;
  pm_gossip_step(mesh->core, &event, mesh->update);
}

static bool read_request(const struct pm_http_request *http, struct pm_wire_request *out) {
  return http->query[0] != '\0' && pm_wire_request_read(http->query, out, NULL) == PM_OK &&
         out->version != 0;
}

bool pm_mesh_pong(struct pm_mesh *mesh, const struct pm_http_request *http, struct pm_buf *out) {
  struct pm_wire_request request;
  if (mesh->closing || !read_request(http, &request)) return false;
  request.pull = false;
  take_request(mesh, http, &request);
  bool answered = mesh->update->has_reply && mesh->update->reply.node.version != 0;
  if (answered) pm_wire_pong_write(&mesh->update->reply.node, out);
  carry_out(mesh);
  return answered;
}

/* The original asks plainly, under this name, and pings everything that it reads. */
static bool is_old_node(const struct pm_http_request *http) {
  static const char name[] = "pingmesh-client";
  const char *agent = pm_http_request_header(http, "user-agent");
  return agent && strncmp(agent, name, sizeof name - 1) == 0;
}

bool pm_mesh_pull(struct pm_mesh *mesh, const struct pm_http_request *http, struct pm_buf *out) {
  struct pm_wire_request request;
  if (mesh->closing) return false;
  bool ours = read_request(http, &request);
  if (!ours && !is_old_node(http)) return false;
  if (ours) request.pull = true;
  take_request(mesh, http, ours ? &request : NULL);
  const struct pm_identity *identity = mesh->config.identity;
  struct pm_peers_head head = {
      .start = identity->start,
      .srv_loc = identity->location,
      .srv_host = identity->host,
      .srv_port = identity->report_port,
      .requests = (int64_t)mesh->config.requests(mesh->config.owner),
      .num_active = (int64_t)pm_prober_active(mesh->config.prober),
      .num_deleted = (int64_t)pm_roster_ended_total(pm_prober_roster(mesh->config.prober)),
  };
  if (ours)
    pm_wire_answer_write(&mesh->update->reply, &head, out);
  else
    pm_wire_answer_write_old(&mesh->update->reply, &head, NULL, NULL, out);
  carry_out(mesh);
  return true;
}

/* --- what a restart is to find ---------------------------------------------------------------- */

static void on_save(uv_work_t *work) {
  struct pm_mesh *mesh = work->data;
  mesh->save_err = pm_mesh_state_write(mesh->config.options->state_dir, mesh->saved.data,
                                       mesh->saved.len, &mesh->save_why);
}

static void finish_closing(struct pm_mesh *mesh);

static void on_saved(uv_work_t *work, int status) {
  struct pm_mesh *mesh = work->data;
  (void)status; /* never cancelled */
  mesh->saving = false;
  if (mesh->save_err != PM_OK) pm_log(mesh->config.log, PM_LOG_INFO, "%s", mesh->save_why.text);
  finish_closing(mesh);
}

static void save(struct pm_mesh *mesh) {
  if (!mesh->config.options->state_dir || mesh->saving) return;
  pm_buf_reset(&mesh->saved);
  pm_mesh_state_format(&mesh->id, mesh->core, &mesh->saved);
  if (pm_buf_status(&mesh->saved) != PM_OK) return;
  mesh->save.data = mesh;
  mesh->saving = uv_queue_work(mesh->timer.loop, &mesh->save, on_save, on_saved) == 0;
}

static void on_save_timer(uv_timer_t *timer) {
  save(timer->data);
}

/* A damaged file is said once and begun anew: the mesh is found from the seeds again. */
static void restore(struct pm_mesh *mesh, const struct pm_mesh_state *state) {
  for (size_t i = 0; i < state->count; i++) {
    struct pm_gossip_event event = {
        .now = pm_clock_now(), .kind = PM_GOSSIP_RESTORE, .restore = &state->members[i]};
    step(mesh, &event);
  }
  pm_log(mesh->config.log, PM_LOG_VERBOSE, "mesh: %zu members of before the restart are tried",
         state->count);
}

/* --- life ------------------------------------------------------------------------------------- */

void pm_mesh_add_seed(struct pm_mesh *mesh, const struct pm_endpoint *endpoint) {
  char ip[PM_IP_TEXT_BYTES];
  struct pm_contact contact;
  if (!mesh->config.options->grow) return; /* then nobody is asked, seeds neither */
  const struct pm_ip *known = endpoint->host_is_ip ? &endpoint->host_ip : &endpoint->ip_override;
  pm_ip_text(known, ip);
  if (pm_contact_from_url(endpoint->url, ip, &contact) != PM_OK) return;
  struct pm_gossip_event event = {
      .now = pm_clock_now(), .kind = PM_GOSSIP_LOCAL_ADD, .local = &contact};
  step(mesh, &event);
}

/* The identity of before, or a new one. */
static enum pm_err load(const struct pm_mesh_config *config, struct pm_mesh_state *out,
                        struct pm_why *why) {
  const struct pm_options *options = config->options;
  *out = (struct pm_mesh_state){.count = 0};
  if (options->state_dir) {
    struct pm_why damage;
    enum pm_err err =
        pm_mesh_state_read(options->state_dir, (size_t)options->max_peers, out, &damage);
    if (err == PM_OK) return PM_OK;
    if (err != PM_ERR_MISSING) pm_log(config->log, PM_LOG_ALWAYS, "%s", damage.text);
  }
  if (pm_secret_fill(&out->id, sizeof out->id) != PM_OK)
    return pm_why_set(why, PM_ERR_SYSTEM, "the kernel gave no random bytes");
  return PM_OK;
}

static enum pm_err fill_config(const struct pm_mesh_config *from, const struct pm_node_id *id,
                               struct pm_gossip_config *out, struct pm_why *why) {
  const struct pm_options *options = from->options;
  const struct pm_identity *identity = from->identity;
  pm_gossip_config_init(out, (unsigned)options->max_peers);
  if (!pm_mesh_name_valid(options->mesh))
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "--mesh: \"%s\" is not 1 to %d letters, digits, '-', '_' or '.'",
                      options->mesh, PM_MESH_NAME_BYTES - 1);
  snprintf(out->mesh, sizeof out->mesh, "%s", options->mesh);
  out->ttl = (unsigned)options->ttl;
  out->grow = options->grow;
  out->legacy_peers = options->legacy_peers;
  out->policy = from->policy;
  out->id = *id;
  out->inc = (uint64_t)identity->start.ns;
  struct pm_contact *self = &out->self[0];
  self->ip = identity->bind;
  self->port = identity->report_port;
  self->https = options->tls_cert != NULL;
  size_t host_bytes = strlen(identity->host) + 1;
  if (host_bytes > sizeof self->host)
    return pm_why_set(why, PM_ERR_TOO_LARGE,
                      "-H: a name of %zu characters; %zu are the most that a mesh announces",
                      host_bytes - 1, sizeof self->host - 1);
  memcpy(self->host, identity->host, host_bytes);
  out->self_count = 1;
  return pm_gossip_config_check(out, why);
}

static enum pm_err allocate(struct pm_mesh *mesh, const struct pm_gossip_config *config) {
  uint8_t seed[PM_GOSSIP_SEED_BYTES];
  void *memory = malloc(pm_gossip_size(config));
  mesh->update = malloc(sizeof *mesh->update);
  mesh->answer.entries = malloc(PM_WIRE_ENTRIES_MAX * sizeof *mesh->answer.entries);
  mesh->answer.entries_max = PM_WIRE_ENTRIES_MAX;
  mesh->pinged_max = config->active_max + config->locals_max;
  mesh->pinged = calloc(mesh->pinged_max, sizeof *mesh->pinged);
  if (memory && pm_secret_fill(seed, sizeof seed) == PM_OK)
    mesh->core = pm_gossip_init(memory, config, seed, pm_clock_now());
  else
    free(memory);
  return mesh->core && mesh->update && mesh->answer.entries && mesh->pinged ? PM_OK : PM_ERR_NOMEM;
}

static void mesh_free(struct pm_mesh *mesh) {
  free(mesh->core); /* begins where its memory does */
  free(mesh->update);
  free(mesh->answer.entries);
  free(mesh->pinged);
  pm_buf_deinit(&mesh->query);
  pm_buf_deinit(&mesh->saved);
  free(mesh);
}

enum pm_err pm_mesh_open(struct uv_loop_s *loop, const struct pm_mesh_config *config,
                         struct pm_mesh **out, struct pm_why *why) {
  struct pm_gossip_config core;
  struct pm_mesh_state state;
  enum pm_err err = load(config, &state, why);
  if (err != PM_OK) return err;
  struct pm_mesh_keys keys = {.count = 0};
  err = fill_config(config, &state.id, &core, why);
  if (err == PM_OK && config->options->mesh_key_file)
    err = pm_mesh_keys_read(config->options->mesh_key_file, &keys, why);
  struct pm_mesh *mesh = err == PM_OK ? calloc(1, sizeof *mesh) : NULL;
  if (mesh) {
    mesh->config = *config;
    mesh->id = state.id;
    if (keys.count) {
      mesh->keys = keys;
      core.auth =
          (struct pm_gossip_auth){.mac = pm_mesh_keys_mac, .ctx = &mesh->keys, .keys = keys.count};
    }
    pm_buf_init(&mesh->query, PM_WIRE_QUERY_BYTES_MAX);
    pm_buf_init(&mesh->saved, PM_MESH_STATE_BYTES_MAX);
  }
  if (!mesh || allocate(mesh, &core) != PM_OK) {
    if (mesh) mesh_free(mesh);
    pm_mesh_state_deinit(&state);
    return err != PM_OK ? err : pm_why_set(why, PM_ERR_NOMEM, "no memory for the mesh");
  }
  for (size_t i = 0; i < PM_MESH_SENDS_MAX; i++) {
    mesh->sends[i].mesh = mesh;
    rest_send(&mesh->sends[i]);
  }
  uv_timer_init(loop, &mesh->timer);
  uv_timer_init(loop, &mesh->save_timer);
  mesh->timer.data = mesh->save_timer.data = mesh;
  uv_timer_start(&mesh->save_timer, on_save_timer, PM_MESH_SAVE_MS, PM_MESH_SAVE_MS);
  arm(mesh);
  if (state.count) restore(mesh, &state);
  pm_mesh_state_deinit(&state);
  *out = mesh;
  return PM_OK;
}

/* Freed when the timers are closed and nothing is being written. */
static void finish_closing(struct pm_mesh *mesh) {
  if (!mesh->closing || mesh->handles > 0 || mesh->saving) return;
  void (*closed)(void *) = mesh->closed;
  void *owner = mesh->closed_owner;
  mesh_free(mesh);
  closed(owner);
}

static void on_closed(uv_handle_t *handle) {
  struct pm_mesh *mesh = handle->data;
  mesh->handles--;
  finish_closing(mesh);
}

void pm_mesh_close(struct pm_mesh *mesh, void (*closed)(void *owner), void *owner) {
  save(mesh);
  mesh->closing = true;
  mesh->closed = closed;
  mesh->closed_owner = owner;
  for (size_t i = 0; i < PM_MESH_SENDS_MAX; i++) {
    struct send *send = &mesh->sends[i];
    if (!send->busy) continue;
    if (send->kind == PM_GOSSIP_SEND_RESOLVE)
      pm_resolver_cancel(pm_exchanger_resolver(mesh->config.exchanger), &send->lookup);
    else
      pm_exchange_cancel(mesh->config.exchanger, send->exchange);
  }
  mesh->handles = 2;
  uv_close((uv_handle_t *)&mesh->timer, on_closed);
  uv_close((uv_handle_t *)&mesh->save_timer, on_closed);
}

const struct pm_gossip *pm_mesh_core(const struct pm_mesh *mesh) {
  return mesh->core;
}
