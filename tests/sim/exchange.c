#include "exchange.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "check.h"
#include "faults.h"
#include "queue.h"
#include "rows.h"

enum { REQUEST_OVERHEAD_BYTES = 120, ANSWER_OVERHEAD_BYTES = 180, DEAD_LONG_S = 900 };

void sim_message_free(struct sim_message *m) {
  if (!m) return;
  free(m->query);
  free(m->header);
  free(m->row);
  free(m->body);
  free(m);
}

static char *take(struct pm_buf *buf, size_t *out_bytes) {
  if (pm_buf_status(buf) != PM_OK) {
    fprintf(stderr, "pingmesh-sim: out of memory\n");
    exit(1);
  }
  char *copy = malloc(buf->len + 1);
  if (!copy) exit(1);
  memcpy(copy, buf->data, buf->len + 1);
  if (out_bytes) *out_bytes = buf->len;
  return copy;
}

/* --- the network ------------------------------------------------------------------------------ */

float sim_base_ms(const struct sim_world *w, uint32_t a, uint32_t b) {
  const struct sim_node *x = &w->nodes[a], *y = &w->nodes[b];
  float ms;
  if (w->matrix) {
    ms = w->matrix[(size_t)(a % w->matrix_size) * w->matrix_size + b % w->matrix_size];
    if (!(ms > 0)) ms = 100;
  } else {
    ms = 120 * hypotf(x->x - y->x, x->y - y->y) + x->access_ms + y->access_ms;
  }
  return ms;
}

static int64_t round_trip_ns(struct sim_world *w, uint32_t a, uint32_t b) {
  float ms = sim_base_ms(w, a, b) * (1 + 0.1f * (float)pm_rng_unit(&w->rng));
  return (int64_t)(ms * 1e6f);
}

static uint32_t addressee(struct sim_world *w, const struct pm_contact *to) {
  if (w->lb_seed && pm_ip_equal(&to->ip, &w->seed_contact.ip) && to->port == w->seed_contact.port) {
    for (int i = 0; i < 64; i++) {
      uint32_t node = (uint32_t)pm_rng_below(&w->rng, w->members);
      if (sim_world_counts(w, node)) return node;
    }
  }
  return sim_world_find(w, &to->ip, to->port);
}

/* Whether the exchange gets through at all. */
static bool gets_through(struct sim_world *w, uint32_t from, uint32_t to) {
  if (to == SIM_NOBODY || !w->nodes[to].alive || w->nodes[to].nat) return false;
  if (!sim_faults_pass(w, from, to)) return false;
  return pm_rng_unit(&w->rng) >= w->loss;
}

static void count_victim(struct sim_world *w, const struct sim_message *m, uint32_t to) {
  bool victim =
      w->victim.family != PM_IP_NONE ? pm_ip_equal(&m->to.ip, &w->victim) : to == SIM_NOBODY;
  if (w->nodes[m->from].kind == SIM_ATTACKER || !victim) return;
  w->stats.victim_probes++;
  uint32_t *count = &w->victim_counts[pm_contact_ip_hash(&m->to.ip, 7) & ((1 << 20) - 1)];
  if (++*count > w->stats.victim_worst) w->stats.victim_worst = *count;
}

static void note_action(struct sim_world *w, const struct sim_message *m) {
  uint64_t words[5] = {w->stats.digest, (uint64_t)w->now_ns, m->from, (uint64_t)m->kind,
                       pm_contact_hash(&m->to, 1)};
  w->stats.digest = XXH3_64bits(words, sizeof words);
}

static void transmit(struct sim_world *w, struct sim_message *m) {
  uint32_t to = addressee(w, &m->to);
  m->sent_ns = w->now_ns;
  m->sent_own_ns = sim_check_now(w, m->from);
  note_action(w, m);
  count_victim(w, m, to);
  if (to != SIM_NOBODY && !w->nodes[to].alive && pm_dial_is_third_party(m->why) &&
      w->now_ns - w->nodes[to].died_ns > (int64_t)DEAD_LONG_S * 1000000000)
    w->stats.dead_dials++;
  if (!gets_through(w, m->from, to)) {
    sim_queue_push(w, w->now_ns + (int64_t)SIM_TIMEOUT_MS * 1000000, SIM_RESPONSE, m->from, m);
    return;
  }
  m->rtt_ns = round_trip_ns(w, m->from, to);
  int64_t at_ns = w->now_ns + m->rtt_ns / 2 + sim_faults_delay_ns(w);
  sim_faults_echo_request(w, m, to, at_ns);
  sim_queue_push(w, at_ns, SIM_REQUEST, to, m);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void count_request(struct sim_world *w, uint32_t from, const struct sim_message *m) {
  struct sim_node *n = &w->nodes[from];
  size_t bytes = REQUEST_OVERHEAD_BYTES + (m->query ? strlen(m->query) : 0);
  if (m->kind == PM_GOSSIP_SEND_PULL)
    n->pulls++, n->bytes += bytes;
  else
    n->probes++;
  w->stats.requests++;
}

static void send_request(struct sim_world *w, uint32_t from, const struct pm_gossip_send *send) {
  struct sim_message *m = calloc(1, sizeof *m);
  if (!m) exit(1);
  m->from = from;
  m->run = w->nodes[from].runs;
  m->source = w->nodes[from].source;
  m->to = send->to;
  m->kind = send->kind;
  m->why = send->why;
  m->token = send->token;
  m->plain = send->plain;
  if (!send->plain) {
    const struct pm_wire_request *request = sim_rows_ask(w, from, send);
    pm_buf_reset(&w->text);
    pm_wire_request_write(request, &w->text);
    m->query = take(&w->text, NULL);
  }
  count_request(w, from, m);
  transmit(w, m);
}

static void apply_change(struct sim_world *w, uint32_t i, const struct pm_gossip_change *c);

static void schedule_wake(struct sim_world *w, uint32_t i) {
  struct sim_node *n = &w->nodes[i];
  int64_t at_ns = pm_gossip_deadline(n->core).ns;
  if (at_ns > INT64_MAX / 2) return;
  at_ns -= n->clock_ns;
  if (at_ns <= w->now_ns) at_ns = w->now_ns + 1;
  if (at_ns >= n->wake_ns || at_ns > w->end_ns) return;
  n->wake_ns = at_ns;
  sim_queue_push(w, at_ns, SIM_WAKE, i, NULL);
}

void sim_step(struct sim_world *w, uint32_t i, const struct pm_gossip_event *event) {
  pm_gossip_step(w->nodes[i].core, event, w->update);
  for (size_t c = 0; c < w->update->changes_count; c++) apply_change(w, i, &w->update->changes[c]);
  sim_check_step(w, i);
  for (size_t s = 0; s < w->update->sends_count; s++) {
    const struct pm_gossip_send *send = &w->update->sends[s];
    sim_check_send(w, i, send);
    if (send->kind != PM_GOSSIP_SEND_RESOLVE) send_request(w, i, send);
  }
  schedule_wake(w, i);
}

/* --- what a step changed ---------------------------------------------------------------------- */

static void set_known(struct sim_world *w, uint32_t i, const struct pm_contact *contact,
                      bool known) {
  uint32_t j = sim_world_find(w, &contact->ip, contact->port);
  w->nodes[i].verified += known ? 1 : (uint32_t)-1;
  if (j == SIM_NOBODY || !w->knows) return;
  size_t bit = (size_t)i * w->count + j;
  uint8_t mask = (uint8_t)(1u << (bit % 8));
  if (known)
    w->knows[bit / 8] |= mask;
  else
    w->knows[bit / 8] &= (uint8_t)~mask;
}

static void deactivate(struct sim_node *n, uint64_t handle) {
  for (uint32_t a = 0; a < n->active_count; a++) {
    if (n->active[a] != handle) continue;
    n->active[a] = n->active[--n->active_count];
    return;
  }
}

static void note_forgotten(struct sim_world *w, const struct pm_contact *contact) {
  uint32_t j = sim_world_find(w, &contact->ip, contact->port);
  if (j == SIM_NOBODY || w->nodes[j].alive) return;
  int64_t after_s = (w->now_ns - w->nodes[j].died_ns) / 1000000000;
  w->stats.forgotten[after_s < SIM_FORGET_S_MAX ? after_s : SIM_FORGET_S_MAX - 1]++;
}

static bool knows_contact(const struct sim_world *w, uint32_t i, const struct pm_contact *contact) {
  uint32_t j = sim_world_find(w, &contact->ip, contact->port);
  return j != SIM_NOBODY && sim_world_knows(w, i, j);
}

static void apply_change(struct sim_world *w, uint32_t i, const struct pm_gossip_change *c) {
  struct sim_node *n = &w->nodes[i];
  sim_check_change(w, i, c);
  switch (c->kind) {
  case PM_CHANGE_VERIFIED:
    set_known(w, i, &c->contact, true);
    break;
  case PM_CHANGE_LOST:
    note_forgotten(w, &c->contact);
    set_known(w, i, &c->contact, false);
    break;
  case PM_CHANGE_EVICTED:
    set_known(w, i, &c->contact, false);
    break;
  case PM_CHANGE_ALIAS:
  case PM_CHANGE_SELF:
    if (knows_contact(w, i, &c->contact)) set_known(w, i, &c->contact, false);
    break;
  case PM_CHANGE_ACTIVATED:
    n->active[n->active_count++] = c->handle;
    break;
  case PM_CHANGE_DEACTIVATED:
    deactivate(n, c->handle);
    sim_rows_leave(w, i, c->handle, &c->contact);
    break;
  default:
    break;
  }
}

/* --- answering -------------------------------------------------------------------------------- */

static void count_served(struct sim_world *w, uint32_t i) {
  struct sim_node *n = &w->nodes[i];
  int64_t second = w->now_ns / 1000000000;
  if (n->second != second) n->second = second, n->second_requests = 0;
  n->second_requests++;
  if (i == 0 && n->second_requests > w->stats.seed_peak_rps)
    w->stats.seed_peak_rps = n->second_requests;
}

static void write_reply(struct sim_world *w, uint32_t i, struct sim_message *m,
                        const struct pm_wire_answer *reply) {
  struct pm_peers_head head = {.srv_loc = w->nodes[i].location,
                               .srv_host = w->nodes[i].contact.host,
                               .srv_port = w->nodes[i].contact.port,
                               .num_active = w->nodes[i].verified};
  pm_buf_reset(&w->text);
  if (m->kind == PM_GOSSIP_SEND_PROBE) {
    if (reply->node.version == 0) return;
    pm_wire_pong_write(&reply->node, &w->text);
    m->header = take(&w->text, NULL);
    return;
  }
  if (reply->node.version == 0)
    pm_wire_answer_write_old(reply, &head, NULL, NULL, &w->text);
  else
    pm_wire_answer_write(reply, &head, &w->text);
  m->body = take(&w->text, &m->body_bytes);
}

static void honest_answers(struct sim_world *w, uint32_t i, struct sim_message *m) {
  struct pm_wire_request request;
  struct pm_gossip_event event = {.now = {sim_world_clock(w, i)}, .kind = PM_GOSSIP_REQUEST};
  event.request.source = m->source;
  event.request.local_ip = w->nodes[i].contact.ip;
  event.request.local_port = w->nodes[i].contact.port;
  if (m->query) {
    if (pm_wire_request_read(m->query, &request, NULL) != PM_OK) {
      sim_check_fail(w, i, "wire", "a request that we wrote is not read");
      return;
    }
    event.request.request = &request;
    for (size_t s = 0; s < request.self_count; s++)
      sim_check_consent(w, i, &request.self[s], &m->source);
  } else if (m->kind == PM_GOSSIP_SEND_PROBE) {
    return;
  }
  pm_gossip_step(w->nodes[i].core, &event, w->update);
  sim_check_reply(w, i, w->update);
  sim_rows_answer(w, i, m, event.request.request);
  write_reply(w, i, m, &w->update->reply);
  /* The update is used again: what else it says is done by the same code as any step's. */
  for (size_t c = 0; c < w->update->changes_count; c++) apply_change(w, i, &w->update->changes[c]);
  sim_check_step(w, i);
  for (size_t s = 0; s < w->update->sends_count; s++) {
    sim_check_send(w, i, &w->update->sends[s]);
    send_request(w, i, &w->update->sends[s]);
  }
  schedule_wake(w, i);
}

static void attacker_answers(struct sim_world *w, uint32_t i, struct sim_message *m) {
  static struct pm_wire_entry entries[PM_WIRE_LIMIT_MAX];
  struct pm_wire_request request;
  struct pm_wire_answer reply = {.entries = entries, .entries_max = PM_WIRE_LIMIT_MAX, .parts = 1};
  if (!m->query || pm_wire_request_read(m->query, &request, NULL) != PM_OK) return;
  reply.node = (struct pm_wire_pong){.version = PM_WIRE_VERSION,
                                     .mesh = "default",
                                     .id = w->nodes[i].id,
                                     .inc = 1,
                                     .nonce = request.nonce,
                                     .has_nonce = request.has_nonce,
                                     .your_ip = m->source,
                                     .pace_s = w->nodes[i].pace_s};
  if (m->kind == PM_GOSSIP_SEND_PULL && w->hooks.attack_reply) w->hooks.attack_reply(w, i, &reply);
  if (m->kind == PM_GOSSIP_SEND_PULL && w->hooks.attack_body)
    m->body = w->hooks.attack_body(w, i, &reply.node, &m->body_bytes);
  if (!m->body) write_reply(w, i, m, &reply);
}

/* An old node knows its seed and drops queries. */
static void old_answers(struct sim_world *w, uint32_t i, struct sim_message *m) {
  if (m->kind == PM_GOSSIP_SEND_PROBE) return; /* its body names a location, that is all */
  struct pm_wire_entry entry = {.contact = w->seed_contact, .location = "Seed"};
  struct pm_wire_answer reply = {.entries = &entry, .entries_max = 1, .entries_count = 1};
  write_reply(w, i, m, &reply);
}

/* Nobody waits for the answer to a copy. */
static void send_back(struct sim_world *w, struct sim_message *m) {
  if (m->echo) {
    sim_message_free(m);
    return;
  }
  int64_t at_ns = w->now_ns + m->rtt_ns / 2 + sim_faults_delay_ns(w);
  if (!sim_faults_spoil(w, m, &at_ns)) sim_faults_echo_response(w, m, at_ns);
  sim_queue_push(w, at_ns, SIM_RESPONSE, m->from, m);
}

void sim_request_arrives(struct sim_world *w, struct sim_message *m) {
  uint32_t i = addressee(w, &m->to);
  if (i == SIM_NOBODY || !w->nodes[i].alive) {
    if (m->echo) {
      sim_message_free(m);
      return;
    }
    sim_queue_push(w, w->now_ns + (int64_t)SIM_TIMEOUT_MS * 1000000, SIM_RESPONSE, m->from, m);
    return;
  }
  count_served(w, i);
  snprintf(m->location, sizeof m->location, "%s", w->nodes[i].location);
  m->ok = true;
  if (w->nodes[i].kind == SIM_HONEST)
    honest_answers(w, i, m);
  else if (w->nodes[i].kind == SIM_ATTACKER)
    attacker_answers(w, i, m);
  else
    old_answers(w, i, m);
  m->answered = true;
  send_back(w, m);
}

/* --- the answer comes back -------------------------------------------------------------------- */

/* What the core is told counts in the account, too, but for copies: they are to change nothing. */
static void pong_arrives(struct sim_world *w, struct sim_message *m) {
  struct pm_wire_pong pong;
  bool has_pong = m->ok && m->header && pm_wire_pong_read(m->header, &pong) == PM_OK;
  if (m->ok && m->header && !has_pong)
    sim_check_fail(w, m->from, "wire", "a header that is not read");
  struct pm_gossip_event event = {.now = {sim_world_clock(w, m->from)},
                                  .kind = PM_GOSSIP_PONG,
                                  .pong = {.token = m->token,
                                           .ok = m->ok,
                                           .pong = has_pong ? &pong : NULL,
                                           .location = m->location,
                                           .rtt_us = (uint32_t)((w->now_ns - m->sent_ns) / 1000)}};
  if (!m->echo) sim_check_result(w, m->from, &m->to, m->why, m->ok, m->sent_own_ns);
  sim_step(w, m->from, &event);
  sim_rows_pong(w, m);
  if (has_pong && !m->echo) sim_check_pong(w, m->from, &m->to, &pong);
}

static void answer_arrives(struct sim_world *w, struct sim_message *m) {
  struct pm_gossip_event event = {.now = {sim_world_clock(w, m->from)},
                                  .kind = PM_GOSSIP_ANSWER,
                                  .answer = {.token = m->token}};
  w->nodes[m->from].bytes += m->body_bytes + (m->ok ? ANSWER_OVERHEAD_BYTES : 0);
  size_t bytes_max = m->plain ? PM_WIRE_OLD_READ_BYTES_MAX : PM_WIRE_ANSWER_READ_BYTES_MAX;
  w->answer->rows = sim_rows_inbox(w, m->from);
  if (m->ok && m->body && m->body_bytes <= bytes_max) {
    if (pm_wire_answer_read(m->body, m->body_bytes, w->answer, NULL) == PM_OK)
      event.answer.answer = w->answer;
    else
      sim_check_fail(w, m->from, "wire", "an answer that is not read");
  }
  bool counts = event.answer.answer && !m->echo;
  if (counts) sim_check_answer(w, m->from, &m->to, w->answer, m->sent_own_ns);
  sim_step(w, m->from, &event);
  sim_rows_pulled(w, m);
  if (counts && w->answer->node.version > 0) sim_check_reach(w, m->from, &m->to, &w->answer->node);
}

void sim_response_arrives(struct sim_world *w, struct sim_message *m) {
  struct sim_node *n = &w->nodes[m->from];
  if (n->core && (n->runs == m->run || m->echo)) {
    if (m->kind == PM_GOSSIP_SEND_PROBE)
      pong_arrives(w, m);
    else
      answer_arrives(w, m);
  }
  sim_message_free(m);
}

/* --- the probe plan --------------------------------------------------------------------------- */

/* The short cut for large worlds: the same outcome, without bytes and queue. */
static void ping_at_once(struct sim_world *w, uint32_t from, const struct pm_gossip_send *send) {
  uint32_t to = addressee(w, &send->to);
  bool ok = gets_through(w, from, to);
  struct pm_wire_pong pong = {
      .version = PM_WIRE_VERSION, .nonce = send->request.nonce, .has_nonce = true};
  if (ok) {
    pong.id = w->nodes[to].id;
    pong.inc = w->nodes[to].kind == SIM_ATTACKER ? 1 : w->nodes[to].inc;
    pong.pace_s = w->nodes[to].pace_s;
    memcpy(pong.mesh, "default", sizeof "default");
  }
  bool ours = ok && w->nodes[to].kind != SIM_OLD && !send->plain;
  struct pm_gossip_event event = {.now = {sim_world_clock(w, from)},
                                  .kind = PM_GOSSIP_PONG,
                                  .pong = {.token = send->token,
                                           .ok = ok,
                                           .pong = ours ? &pong : NULL,
                                           .location = ok ? w->nodes[to].location : "",
                                           .rtt_us = 1000}};
  sim_check_result(w, from, &send->to, PM_DIAL_PLANNED, ok, sim_check_now(w, from));
  sim_step(w, from, &event);
  if (ours) sim_check_pong(w, from, &send->to, &pong);
}

void sim_plan(struct sim_world *w, uint32_t i) {
  static struct pm_gossip_send send;
  struct sim_node *n = &w->nodes[i];
  if (!n->core) return;
  bool whole = w->count <= SIM_WIRE_NODES_MAX && !w->options.model_pings;
  for (uint32_t a = n->active_count; a-- > 0;) {
    if (a >= n->active_count) continue;
    if (!pm_gossip_plan_ping(n->core, n->active[a], (struct pm_time){sim_world_clock(w, i)}, &send))
      continue;
    sim_check_send(w, i, &send);
    if (whole || w->options.keyed)
      send_request(w, i, &send);
    else
      ping_at_once(w, i, &send);
  }
  schedule_wake(w, i);
  n->plan_ns = w->now_ns + (int64_t)SIM_PLAN_MS * pm_rng_between(&w->rng, 900000, 1100000);
  sim_queue_push(w, n->plan_ns, SIM_PLAN, i, NULL);
}

/* --- attackers -------------------------------------------------------------------------------- */

void sim_attack(struct sim_world *w, uint32_t i) {
  static struct pm_gossip_send send;
  enum { ATTACK_MS = 2000 };
  if (!w->nodes[i].alive) return;
  uint32_t target = (uint32_t)pm_rng_below(&w->rng, w->members);
  memset(&send, 0, sizeof send);
  send.kind = PM_GOSSIP_SEND_PROBE;
  send.to = w->nodes[target].contact;
  send.request = (struct pm_wire_request){.version = PM_WIRE_VERSION,
                                          .mesh = "default",
                                          .id = w->nodes[i].id,
                                          .nonce = 1,
                                          .has_nonce = true,
                                          .parts = 1,
                                          .self = {w->nodes[i].contact},
                                          .self_count = 1};
  if (w->hooks.attack_self) w->hooks.attack_self(w, i, &send.request);
  send_request(w, i, &send);
  sim_queue_push(w, w->now_ns + (int64_t)ATTACK_MS * 1000000, SIM_ATTACK, i, NULL);
}
