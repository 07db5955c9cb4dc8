#include <string.h>

#include "gossip/core.h"

/* Which probe goes out now. Those who were never proved wait in two queues that take turns: one
 * for what we want ourselves or what consented, one for what strangers told us, which also needs
 * the address limiter and the failure budget. Members' own turns come from their timers. */

enum {
  WAITS_TOO_LONG_MS =
      3600 * 1000, /* a candidate that could not be dialled for so long is dropped */
  SPECULATE_PICKS = 4,
  SPECULATE_AGAIN_MS = 5000,
  SPECULATE_AT_ONCE = 2,           /* at 200 ms each as many as the verification bucket has */
  SPECULATE_FAILED_MS = 60 * 1000, /* doubled with each failure in a row, up to 8 min */
  SPECULATE_DOUBLINGS = 3,
  RESOLVE_MS = 30000,
  SUSPECT_PACE_S_MAX = 60,
};

/* --- queues ----------------------------------------------------------------------------------- */

void pm_dial_enqueue(struct pm_gossip *g, struct pm_member *m) {
  if (m->queue != PM_QUEUE_NONE) return;
  m->queue = pm_dial_is_third_party((enum pm_dial)m->reason) ? PM_QUEUE_WORD : PM_QUEUE_OWN;
  struct pm_ready *q = &g->ready[m->queue];
  uint32_t slot = pm_table_slot(&g->table, m);
  m->prev = q->tail;
  m->next = PM_NO_SLOT;
  if (q->tail == PM_NO_SLOT)
    q->head = slot;
  else
    pm_table_at(&g->table, q->tail)->next = slot;
  q->tail = slot;
  q->count++;
}

void pm_dial_dequeue(struct pm_gossip *g, struct pm_member *m) {
  if (m->queue == PM_QUEUE_NONE) return;
  struct pm_ready *q = &g->ready[m->queue];
  if (m->prev == PM_NO_SLOT)
    q->head = m->next;
  else
    pm_table_at(&g->table, m->prev)->next = m->next;
  if (m->next == PM_NO_SLOT)
    q->tail = m->prev;
  else
    pm_table_at(&g->table, m->next)->prev = m->prev;
  q->count--;
  m->queue = PM_QUEUE_NONE;
}

static struct pm_member *head(const struct pm_gossip *g, enum pm_queue queue) {
  uint32_t slot = g->ready[queue].head;
  return slot == PM_NO_SLOT ? NULL : pm_table_at(&g->table, slot);
}

/* --- what is sent ----------------------------------------------------------------------------- */

static void sign(struct pm_gossip *g, const struct pm_member *m, struct pm_wire_request *out) {
  const struct pm_member_detail *d = pm_table_detail(&g->table, m);
  int64_t age_ns = d ? pm_time_since_ns(g->now, d->challenge_at) : INT64_MAX;
  if (!pm_core_keyed(g) || !d || d->challenge == 0) return;
  if (age_ns >= (int64_t)PM_AUTH_CHALLENGE_MS * PM_NS_PER_MS) return;
  struct pm_auth_claim claim = {.role = PM_AUTH_ASKS,
                                .challenge = d->challenge,
                                .id = &g->config.id,
                                .dialled_ip = &out->to_ip,
                                .dialled_port = out->to_port,
                                .pull = out->pull,
                                .mesh = g->config.mesh};
  out->challenge = d->challenge;
  out->has_mac = true;
  pm_auth_sign(&g->config.auth, &claim, out->mac);
}

void pm_dial_request(struct pm_gossip *g, const struct pm_member *m, bool pull,
                     struct pm_wire_request *out) {
  memset(out, 0, offsetof(struct pm_wire_request, bloom));
  out->version = PM_WIRE_VERSION;
  memcpy(out->mesh, g->config.mesh, sizeof out->mesh);
  out->id = g->config.id;
  out->nonce = pm_core_nonce(g);
  out->has_nonce = true;
  out->to_ip = m->contact.ip;
  out->to_port = m->contact.port;
  if (!pm_time_before(g->now, g->reach.silent_until)) {
    memcpy(out->self, g->config.self, g->config.self_count * sizeof out->self[0]);
    out->self_count = g->config.self_count;
  }
  out->pull = pull;
  out->parts = 1;
  sign(g, m, out);
}

void pm_dial_fill(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason,
                  struct pm_gossip_send *out) {
  const struct pm_member_detail *d = pm_table_detail(&g->table, m);
  out->kind = PM_GOSSIP_SEND_PROBE;
  out->why = reason;
  out->plain = d && d->old_node;
  out->to = m->contact;
  pm_dial_request(g, m, false, &out->request);
  out->token = (struct pm_gossip_token){pm_table_handle(&g->table, m), out->request.nonce};
  m->nonce = out->request.nonce;
  m->reason = (uint8_t)reason;
  m->in_flight = true;
  m->contacted = false;
  m->next_retry = g->now;
  pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, PM_CORE_GUARD_MS));
  g->counts.probes++;
}

/* A suspect is not left alone for longer than a minute, else its death would take hours to see. */
struct pm_time pm_dial_welcome(const struct pm_gossip *g, const struct pm_member *m) {
  const struct pm_member_detail *d = pm_table_detail(&g->table, m);
  if (!d || d->pace_s == 0 || pm_mutated(PACE)) return g->now;
  uint32_t pace_s = m->fails > 0 && d->pace_s > SUSPECT_PACE_S_MAX ? SUSPECT_PACE_S_MAX : d->pace_s;
  return pm_time_add_ns(m->next_retry, (int64_t)pace_s * PM_NS_PER_S);
}

bool pm_dial_probe(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason) {
  if (!pm_bounds_allow_probe(g, m, reason)) {
    pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, g->config.refresh_ms));
    return true;
  }
  struct pm_gossip_send *send = pm_core_send(g);
  if (!send) return false;
  pm_dial_fill(g, m, reason, send);
  return true;
}

static bool resolve(struct pm_gossip *g, struct pm_member *m) {
  struct pm_gossip_send *send = pm_core_send(g);
  if (!send) return false;
  send->kind = PM_GOSSIP_SEND_RESOLVE;
  send->why = (enum pm_dial)m->reason;
  send->plain = true;
  send->to = m->contact;
  m->nonce = pm_core_nonce(g);
  m->resolving = true;
  send->token = (struct pm_gossip_token){pm_table_handle(&g->table, m), m->nonce};
  pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, RESOLVE_MS));
  g->counts.lookups++;
  return true;
}

/* --- budgets ---------------------------------------------------------------------------------- */

static bool is_limited(enum pm_dial reason) {
  if (pm_mutated(ADDRESS_LIMIT)) return false;
  return reason == PM_DIAL_CLAIM || reason == PM_DIAL_WORD || reason == PM_DIAL_SPECULATIVE;
}

/* Once a day for an endpoint: one that comes and goes must not feed the budget. */
static bool earns(struct pm_gossip *g, const struct pm_member *m) {
  return pm_mutated(REWARD) || pm_rewards_take(&g->rewards, &m->contact, g->now);
}

/* What one source alone says is tried one by one, two at a time while it proves true: failures
 * empty the bucket and make us wait, twice as long each time; successes do neither. Those that were
 * in flight beside one that failed say nothing about what comes next. */
static void speculation_over(struct pm_gossip *g, bool success, bool rewarded) {
  struct pm_core_speculation *s = &g->speculation;
  bool waits = s->failed > 0 && pm_time_before(g->now, s->at);
  if (s->in_flight > 0) s->in_flight--;
  if (pm_mutated(SPECULATION)) success = rewarded = true;
  if (rewarded) pm_bucket_return(&g->speculative);
  if (waits) return;
  s->failed = success ? 0 : s->failed + 1;
  unsigned doublings = s->failed < SPECULATE_DOUBLINGS ? s->failed : SPECULATE_DOUBLINGS;
  s->at = success ? g->now : pm_time_add_ms(g->now, SPECULATE_FAILED_MS << doublings);
}

/* An endpoint that others named and that proves itself earns once, whether by the first try, which
 * they caused, or by a later one of our own: the network lost the first, nobody was harmed. True if
 * it does. */
static bool settle_budget(struct pm_gossip *g, struct pm_member *m, bool success) {
  bool named = m->reserved || m->word_failed;
  bool rewarded = named && success && earns(g, m);
  if (m->reserved) {
    pm_failure_budget_settle(&g->failure, success, rewarded, g->now);
    m->word_failed = !success;
  } else if (success) {
    if (rewarded) pm_failure_budget_reward(&g->failure, g->now);
    m->word_failed = false;
  }
  m->reserved = false;
  return rewarded;
}

void pm_dial_settle(struct pm_gossip *g, struct pm_member *m, bool success) {
  bool speculative = m->in_flight && m->reason == PM_DIAL_SPECULATIVE;
  m->in_flight = false;
  bool rewarded = settle_budget(g, m, success);
  if (speculative) speculation_over(g, success, rewarded);
  if (success) pm_bounds_proved(g, &m->contact.ip);
  if (m->limited) pm_address_limit_end(&g->addresses, &m->contact.ip, success, g->now);
  m->limited = false;
}

static bool has_tokens(const struct pm_gossip *g) {
  if (pm_mutated(VERIFY_RATE)) return true;
  return pm_bucket_has(&g->verify, g->now) && pm_bucket_has(&g->total, g->now);
}

/* The tokens are there: takes them and probes. False if the step can send no more. */
static bool pay_and_probe(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason) {
  if (g->out->sends_count == PM_GOSSIP_SENDS_MAX) return false;
  if (m->contact.ip.family == PM_IP_NONE) return pm_bucket_take(&g->total, g->now) && resolve(g, m);
  if (!pm_bucket_take(&g->verify, g->now) || !pm_bucket_take(&g->total, g->now))
    if (!pm_mutated(VERIFY_RATE)) return false;
  if (pm_dial_is_third_party(reason) && !pm_mutated(FAILURE_BUDGET)) {
    if (!pm_failure_budget_reserve(&g->failure, g->now)) return false;
    m->reserved = true;
  }
  m->limited = is_limited(reason);
  if (m->limited) pm_address_limit_begin(&g->addresses, &m->contact.ip, g->now);
  bool sent = pm_dial_probe(g, m, reason);
  if (!m->in_flight) pm_dial_settle(g, m, false); /* a bound forbade it */
  return sent;
}

static void give_up(struct pm_gossip *g, struct pm_member *m, enum pm_refusal_reason reason) {
  if (m->state == PM_MEMBER_LOST) return;
  pm_core_change(g, PM_CHANGE_REFUSED, reason, m, NULL);
  pm_core_drop(g, m);
}

/* True if the address may be dialled now; else it is left waiting for its time, or dropped. */
static bool address_allows(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason) {
  struct pm_time until = g->now;
  if (!is_limited(reason) || m->contact.ip.family == PM_IP_NONE) return true;
  switch (pm_address_limit_ask(&g->addresses, &m->contact.ip, g->now, &until)) {
  case PM_ADDRESS_OK:
    return true;
  case PM_ADDRESS_FULL:
    give_up(g, m, PM_REFUSAL_ADDRESSES_FULL);
    return false;
  case PM_ADDRESS_WAIT:
    break;
  }
  if (pm_time_before(until, pm_time_add_ms(g->now, WAITS_TOO_LONG_MS))) {
    pm_table_set_due(&g->table, m, until);
  } else {
    pm_refusals_add(&g->refusals, m->key, false, g->now);
    give_up(g, m, PM_REFUSAL_BEFORE);
  }
  return false;
}

static bool table_allows(struct pm_gossip *g, struct pm_member *m) {
  enum pm_refusal_reason reason = pm_sampling_admits(g, m, &m->contact);
  if (reason == PM_REFUSAL_NONE) return true;
  give_up(g, m, reason);
  return false;
}

static bool waited_too_long(const struct pm_gossip *g, const struct pm_member *m) {
  return m->state == PM_MEMBER_CANDIDATE &&
         pm_time_before(pm_time_add_ms(m->since, WAITS_TOO_LONG_MS), g->now);
}

/* --- the pump --------------------------------------------------------------------------------- */

/* False if nothing can go out of this queue now. */
static bool dial_next(struct pm_gossip *g, enum pm_queue queue) {
  struct pm_member *m = head(g, queue);
  if (!m || !has_tokens(g) || g->out->sends_count == PM_GOSSIP_SENDS_MAX) return false;
  if (queue == PM_QUEUE_WORD && !pm_mutated(FAILURE_BUDGET) &&
      pm_failure_budget_left(&g->failure, g->now) == 0)
    return false;
  enum pm_dial reason = (enum pm_dial)m->reason;
  pm_dial_dequeue(g, m);
  if (waited_too_long(g, m)) {
    give_up(g, m, PM_REFUSAL_STALE);
    return true;
  }
  if (!table_allows(g, m) || !address_allows(g, m, reason)) return true;
  if (!pay_and_probe(g, m, reason) && !m->in_flight && !m->resolving) {
    pm_dial_enqueue(g, m);
    return false;
  }
  return true;
}

static bool dial_in_turn(struct pm_gossip *g) {
  enum pm_queue first = g->word_next ? PM_QUEUE_WORD : PM_QUEUE_OWN;
  enum pm_queue second = g->word_next ? PM_QUEUE_OWN : PM_QUEUE_WORD;
  if (dial_next(g, first)) {
    g->word_next = !g->word_next;
    return true;
  }
  return dial_next(g, second);
}

static bool may_speculate(const struct pm_gossip *g) {
  uint32_t at_once = g->speculation.failed > 0 ? 1 : SPECULATE_AT_ONCE;
  return g->table.sets[PM_SET_HEARD].count > g->speculation.in_flight &&
         g->speculation.in_flight < at_once && g->ready[PM_QUEUE_OWN].count == 0 &&
         g->ready[PM_QUEUE_WORD].count == 0;
}

static bool speculate_on(struct pm_gossip *g, struct pm_member *m) {
  struct pm_time until;
  if (m->in_flight || m->contact.ip.family == PM_IP_NONE) return false;
  if (pm_address_limit_ask(&g->addresses, &m->contact.ip, g->now, &until) != PM_ADDRESS_OK)
    return false;
  if (pm_sampling_admits(g, m, &m->contact) != PM_REFUSAL_NONE) return false;
  if (!pm_bucket_take(&g->speculative, g->now)) return false;
  bool sent = pay_and_probe(g, m, PM_DIAL_SPECULATIVE);
  g->speculation.in_flight += m->in_flight;
  return sent;
}

static bool speculate_once(struct pm_gossip *g) {
  const struct pm_table_set *heard = &g->table.sets[PM_SET_HEARD];
  if (pm_failure_budget_left(&g->failure, g->now) == 0) return false;
  for (int i = 0; i < SPECULATE_PICKS; i++) {
    uint32_t at = (uint32_t)pm_rng_below(&g->rng, heard->count);
    if (speculate_on(g, pm_table_at(&g->table, heard->slots[at]))) return true;
  }
  return false;
}

static void speculate(struct pm_gossip *g) {
  if (pm_time_before(g->now, g->speculation.at)) return;
  while (may_speculate(g) && has_tokens(g) && pm_bucket_has(&g->speculative, g->now)) {
    if (speculate_once(g)) continue;
    g->speculation.at = pm_time_add_ms(g->now, SPECULATE_AGAIN_MS);
    return;
  }
}

void pm_dial_pump(struct pm_gossip *g) {
  while (dial_in_turn(g)) {
  }
  speculate(g);
}

bool pm_dial_speculates(const struct pm_gossip *g) {
  return g->speculation.failed == 0 &&
         pm_bucket_left(&g->speculative, g->now) * 2 >= g->config.speculative.burst &&
         pm_failure_budget_left(&g->failure, g->now) * 2 >= g->config.failure.burst;
}

/* Of what strangers named only as much as may fail: liars are not to slow us down with a queue that
 * the failure budget does not let go out. */
int64_t pm_dial_backlog_ms(const struct pm_gossip *g) {
  int64_t word = g->ready[PM_QUEUE_WORD].count, left = pm_failure_budget_left(&g->failure, g->now);
  int64_t waiting = g->ready[PM_QUEUE_OWN].count + (word < left ? word : left);
  if (pm_dial_speculates(g)) waiting += g->table.sets[PM_SET_HEARD].count;
  waiting -= pm_bucket_left(&g->verify, g->now);
  return waiting > 0 ? waiting * g->config.verify.step_ms : 0;
}

static struct pm_time later(struct pm_time a, struct pm_time b) {
  return pm_time_before(a, b) ? b : a;
}

struct pm_time pm_dial_deadline(const struct pm_gossip *g) {
  struct pm_time tokens = later(pm_bucket_ready(&g->verify), pm_bucket_ready(&g->total));
  struct pm_time word = later(tokens, pm_failure_budget_ready(&g->failure));
  if (g->ready[PM_QUEUE_OWN].count > 0) return tokens;
  if (g->ready[PM_QUEUE_WORD].count > 0) return word;
  if (!may_speculate(g)) return PM_TIME_NEVER;
  return later(word, later(g->speculation.at, pm_bucket_ready(&g->speculative)));
}

bool pm_gossip_plan_ping(struct pm_gossip *g, uint64_t handle, struct pm_time now,
                         struct pm_gossip_send *out) {
  struct pm_member *m = pm_table_by_handle(&g->table, handle);
  if (pm_time_before(g->now, now)) g->now = now;
  if (!m || m->in_flight || m->resolving || m->queue != PM_QUEUE_NONE) return false;
  if (pm_time_before(g->now, pm_dial_welcome(g, m))) return false;
  if (!pm_bounds_allow_probe(g, m, PM_DIAL_PLANNED)) return false;
  pm_dial_fill(g, m, PM_DIAL_PLANNED, out);
  return true;
}
