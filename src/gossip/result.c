#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "gossip/core.h"

/* What a probe's end means: proof, another identity, a failure, death. */

enum {
  TRIES_SAVED = 6,
  TRIES_WORD = 2,
  RETRY_WORD_MS = 60 * 1000,
  RETRY_OWN_MS = 3000,          /* tripled with each try */
  RETRY_CONSENT_MS_MAX = 27000, /* it is there, or was just now */
  LOCAL_RETRY_MS = 1000,        /* doubled with each failure up to … */
  LOCAL_RETRY_MS_MAX = 60 * 1000,
  SITE_RETRY_MS = 60000, /* it may become a node: behind a balancer, or after an upgrade */
  SITE_RETRY_MS_MAX = 3600 * 1000,
  LOCAL_LOOKUP_FAILS = 3, /* a seed's name is looked up anew after so many */
  LOST_RETRY_DOUBLINGS = 7,
  LOST_RETRY_MS_MAX = 3600 * 1000,
  HINT_KEPT_S = 180,
  SETTLING_MS = 60 * 1000, /* after its proof a seed is asked as often as a suspect */
};

static int64_t doubled_ms(int64_t first_ms, unsigned times, int64_t most_ms) {
  if (times > 16) return most_ms;
  int64_t ms = first_ms << times;
  return ms > most_ms ? most_ms : ms;
}

/* --- judging an answer ------------------------------------------------------------------------ */

static bool mac_holds(const struct pm_gossip *g, const struct pm_member *m,
                      const struct pm_wire_pong *pong, uint64_t nonce, bool pull) {
  struct pm_auth_claim claim = {.role = PM_AUTH_ANSWERS,
                                .challenge = nonce,
                                .id = &pong->id,
                                .dialled_ip = &m->contact.ip,
                                .dialled_port = m->contact.port,
                                .pull = pull,
                                .mesh = g->config.mesh};
  return pong->has_mac && pm_auth_verify(&g->config.auth, &claim, pong->mac);
}

enum pm_refusal_reason pm_result_judge(struct pm_gossip *g, const struct pm_member *m,
                                       const struct pm_wire_pong *pong, uint64_t nonce, bool pull) {
  if (!pong->has_nonce || pong->nonce != nonce) return PM_REFUSAL_NO_PROOF;
  if (strcmp(pong->mesh, g->config.mesh) != 0) return PM_REFUSAL_OTHER_MESH;
  if (pm_node_id_equal(&pong->id, &g->config.id) && pong->inc == g->config.inc && !pm_mutated(SELF))
    return PM_REFUSAL_IS_SELF;
  if (pm_core_keyed(g) && !mac_holds(g, m, pong, nonce, pull)) return PM_REFUSAL_BAD_MAC;
  return PM_REFUSAL_NONE;
}

static enum pm_refusal_reason judge(struct pm_gossip *g, const struct pm_member *m,
                                    const struct pm_gossip_event *event) {
  if (!event->pong.ok) return PM_REFUSAL_UNREACHABLE;
  if (event->pong.pong) return pm_result_judge(g, m, event->pong.pong, m->nonce, false);
  if (!event->pong.location || event->pong.location[0] == '\0') return PM_REFUSAL_NO_PROOF;
  return pm_core_keyed(g) && !g->config.legacy_peers ? PM_REFUSAL_BAD_MAC : PM_REFUSAL_NONE;
}

/* --- proof ------------------------------------------------------------------------------------ */

/* Without a key anybody can claim any identity: it is believed of the member that proved it first,
 * for as long as that one answers. The same process under a second endpoint is no other. */
static bool is_contested(const struct pm_gossip *g, const struct pm_member *m) {
  const struct pm_member_detail *d = pm_table_detail(&g->table, m);
  const struct pm_member *other;
  uint32_t at = 0;
  while ((other = pm_table_next_with_id(&g->table, &d->id, &at))) {
    const struct pm_member_detail *o = pm_table_detail(&g->table, other);
    if (o->inc == d->inc) continue; /* m itself, too */
    if (other->fails == 0 && !pm_time_before(d->proved, o->proved)) return true;
  }
  return false;
}

void pm_result_own_word(struct pm_gossip *g, const struct pm_member *m) {
  struct pm_member_detail *d = pm_table_detail(&g->table, m);
  if (d->contested) d->contested = is_contested(g, m);
  if (!d->contested) g->out->proved = d->id;
}

static void take_identity(struct pm_gossip *g, struct pm_member *m, struct pm_member_detail *d,
                          const struct pm_wire_pong *pong) {
  if (!pm_node_id_equal(&d->id, &pong->id) || d->inc != pong->inc) {
    pm_table_alias_drop_all(&g->table, m);
    d->steady = 0;
    d->contested = true; /* until that is looked into */
  }
  pm_table_set_identity(&g->table, m, &pong->id, pong->inc);
  d->old_node = false;
  if (pong->has_challenge) {
    d->challenge = pong->challenge;
    d->challenge_at = g->now;
  }
  if (d->steady < UINT16_MAX) d->steady++;
}

/* It may ask for another pace at any time; who is not active is told of it when it becomes so. */
void pm_result_pace(struct pm_gossip *g, struct pm_member *m, uint32_t pace_s) {
  struct pm_member_detail *d = pm_table_detail(&g->table, m);
  if (d->pace_s == pace_s) return;
  d->pace_s = pace_s;
  if (d->active_pos != PM_NO_SLOT) pm_core_change(g, PM_CHANGE_PACED, PM_REFUSAL_NONE, m, NULL);
}

static void take_coordinate(struct pm_gossip *g, struct pm_member_detail *d,
                            const struct pm_wire_pong *pong, uint32_t rtt_us) {
  if (rtt_us > 0) d->rtt_us = rtt_us;
  if (!pong || !pong->has_coordinate) return;
  d->coordinate = pong->coordinate;
  d->has_coordinate = true;
  pm_vivaldi_update(&g->coordinate, &pong->coordinate, (float)rtt_us / 1000, &g->rng);
}

static void take_location(struct pm_member_detail *d, const char *location) {
  if (!location || location[0] == '\0') return;
  snprintf(d->location, sizeof d->location, "%s", location);
  pm_utf8_trim_cut(d->location);
}

/* A seed is listed once it has answered a few times: that is not left to when it becomes active.
 * One that answers for others, as a balancer does, never gets there. */
static bool settles(const struct pm_gossip *g, const struct pm_member *m) {
  const struct pm_member_detail *d = pm_table_detail(&g->table, m);
  return m->local && d->steady < PM_CORE_SEED_STEADY &&
         pm_time_since_ns(g->now, d->proved) < (int64_t)SETTLING_MS * PM_NS_PER_MS;
}

static void next_refresh(struct pm_gossip *g, struct pm_member *m) {
  int64_t ms = settles(g, m) ? g->config.suspect_ms : g->config.refresh_ms;
  ms = pm_core_jitter_ms(g, ms, 10);
  pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, ms));
}

void pm_result_alive(struct pm_gossip *g, struct pm_member *m) {
  pm_death_success(&g->death, m->fails);
  if (m->state == PM_MEMBER_SUSPECT) {
    (void)pm_table_move(&g->table, m, PM_MEMBER_VERIFIED);
    pm_core_change(g, PM_CHANGE_RECOVERED, PM_REFUSAL_NONE, m, NULL);
  }
  m->fails = 0;
  m->hint_count = 0;
  m->reason = PM_DIAL_REFRESH;
  m->last_ok = g->now;
  next_refresh(g, m);
}

static void become_alias(struct pm_gossip *g, struct pm_member *m, struct pm_member *of) {
  uint64_t key = m->key, pub = m->pub;
  pm_core_change(g, PM_CHANGE_ALIAS, PM_REFUSAL_NONE, m, NULL);
  pm_core_drop(g, m);
  (void)pm_table_alias_add(&g->table, of, key, pub);
}

static void become_verified(struct pm_gossip *g, struct pm_member *m) {
  uint64_t rank = pm_sampling_rank(g, &m->contact.ip);
  pm_dial_dequeue(g, m);
  pm_admit_leave_source(g, m);
  bool revived = m->state == PM_MEMBER_LOST;
  if (revived && !pm_bounds_allow_revival(g, m)) return;
  bool room = pm_sampling_make_room(g, m->local ? 0 : rank);
  if (!room || !pm_table_move(&g->table, m, PM_MEMBER_VERIFIED)) return;
  struct pm_member_detail *d = pm_table_detail(&g->table, m);
  d->proved = g->now;
  m->fails = revived ? 0 : m->tries; /* lost on the way, as it answers now: they count as loss */
  m->tries = m->backoff = 0;
  m->group_count = m->hint_count = 0;
  m->since = g->now;
  pm_kmv_add(&g->kmv, m->key);
  pm_ring_push(&g->ring, pm_table_handle(&g->table, m));
  pm_refusals_clear(&g->refusals, m->key);
  pm_sampling_count(g, m, 1);
  if (revived) pm_core_change(g, PM_CHANGE_REVIVED, PM_REFUSAL_NONE, m, NULL);
  pm_core_change(g, PM_CHANGE_VERIFIED, PM_REFUSAL_NONE, m, NULL);
  pm_active_add(g, m);
}

static void refuse_and_drop(struct pm_gossip *g, struct pm_member *m,
                            enum pm_refusal_reason reason) {
  pm_core_change(g, PM_CHANGE_REFUSED, reason, m, NULL);
  pm_core_drop(g, m);
}

/* A first proof: false if the endpoint is another one's alias, or finds no place. */
static bool promote(struct pm_gossip *g, struct pm_member *m, const struct pm_wire_pong *pong) {
  struct pm_member *twin = pong ? pm_table_by_identity(&g->table, &pong->id, pong->inc, m) : NULL;
  if (twin && !twin->local && !m->local) {
    become_alias(g, m, twin);
    return false;
  }
  enum pm_refusal_reason reason = pm_sampling_admits(g, m, &m->contact);
  if (reason == PM_REFUSAL_NONE) become_verified(g, m);
  if (m->state != PM_MEMBER_VERIFIED) {
    if (!m->local) refuse_and_drop(g, m, reason ? reason : PM_REFUSAL_TABLE_FULL);
    return false;
  }
  if (twin && twin->local) twin->shadow = true;
  m->shadow = twin && !twin->local;
  return true;
}

/* A member that answers under another name than before: restarted, or a load balancer. False if it
 * turned out to be an alias. */
static bool renamed(struct pm_gossip *g, struct pm_member *m, const struct pm_wire_pong *pong) {
  struct pm_member *twin = pm_table_by_identity(&g->table, &pong->id, pong->inc, m);
  if (twin && !twin->local && !m->local) {
    become_alias(g, m, twin);
    return false;
  }
  m->shadow = twin && m->local && !twin->local;
  return true;
}

static bool is_member(const struct pm_member *m) {
  return m->state == PM_MEMBER_VERIFIED || m->state == PM_MEMBER_SUSPECT;
}

static void prove(struct pm_gossip *g, struct pm_member *m, const struct pm_gossip_event *event) {
  const struct pm_wire_pong *pong = event->pong.pong;
  pm_dial_settle(g, m, true);
  if (is_member(m)) {
    const struct pm_member_detail *d = pm_table_detail(&g->table, m);
    bool same = !pong || (d->inc == pong->inc && pm_node_id_equal(&d->id, &pong->id));
    if (!same && !renamed(g, m, pong)) return;
  } else if (!promote(g, m, pong)) {
    return;
  }
  struct pm_member_detail *d = pm_table_detail(&g->table, m);
  if (pong)
    take_identity(g, m, d, pong);
  else
    d->old_node = true, d->steady++;
  take_coordinate(g, d, pong, event->pong.rtt_us);
  take_location(d, event->pong.location);
  pm_result_alive(g, m);
  if (!pong) return;
  pm_result_own_word(g, m);
  pm_result_pace(g, m, pong->pace_s);
  pm_result_reach(g, m, pong->you_reach);
}

static void found_self(struct pm_gossip *g, struct pm_member *m) {
  pm_dial_settle(g, m, true);
  if (m->local) { /* a load balancer may lead elsewhere next time */
    if (m->state == PM_MEMBER_LOCAL)
      pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, g->round.interval_ms));
    else
      pm_result_alive(g, m), m->shadow = true;
    return;
  }
  pm_core_change(g, PM_CHANGE_SELF, PM_REFUSAL_NONE, m, NULL);
  pm_admit_leave_source(g, m);
  pm_active_remove(g, m);
  if (!pm_table_has_room(&g->table, PM_MEMBER_SELF)) {
    pm_core_drop(g, m);
    return;
  }
  if (is_member(m)) pm_sampling_count(g, m, -1);
  (void)pm_table_move(&g->table, m, PM_MEMBER_SELF);
  pm_table_set_due(&g->table, m, PM_TIME_NEVER);
}

/* --- failure ---------------------------------------------------------------------------------- */

static void make_lost_room(struct pm_gossip *g) {
  const struct pm_table_set *lost = &g->table.sets[PM_SET_LOST];
  if (lost->count < lost->capacity) return;
  uint32_t at = (uint32_t)pm_rng_below(&g->rng, lost->count);
  pm_core_drop(g, pm_table_at(&g->table, lost->slots[at]));
}

static void lost_wait(struct pm_gossip *g, struct pm_member *m) {
  struct pm_time end = pm_time_add_ms(m->last_ok, PM_CORE_LOST_MS);
  pm_table_set_due(&g->table, m, pm_time_before(end, g->now) ? g->now : end);
}

static void lose(struct pm_gossip *g, struct pm_member *m) {
  pm_active_remove(g, m);
  pm_sampling_count(g, m, -1);
  pm_core_change(g, PM_CHANGE_LOST, PM_REFUSAL_NONE, m, NULL);
  pm_table_alias_drop_all(&g->table, m);
  m->since = g->now;
  m->shadow = false;
  if (m->local && pm_table_move(&g->table, m, PM_MEMBER_LOCAL)) {
    m->fails = 0;
    m->reason = PM_DIAL_LOCAL;
    pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, LOCAL_RETRY_MS));
  } else {
    make_lost_room(g);
    (void)pm_table_move(&g->table, m, PM_MEMBER_LOST);
    m->tries = m->backoff = 0;
    m->next_retry = pm_time_add_ms(g->now, pm_core_jitter_ms(g, PM_CORE_LOST_RETRY_MS, 25));
    lost_wait(g, m);
  }
}

static unsigned fresh_hints(const struct pm_gossip *g, const struct pm_member *m) {
  uint32_t now_s = (uint32_t)(g->now.ns / PM_NS_PER_S);
  return now_s - m->hint_at_s <= HINT_KEPT_S ? m->hint_count : 0;
}

static void member_failed(struct pm_gossip *g, struct pm_member *m) {
  m->fails++;
  if (m->state == PM_MEMBER_VERIFIED) {
    (void)pm_table_move(&g->table, m, PM_MEMBER_SUSPECT);
    pm_core_change(g, PM_CHANGE_SUSPECTED, PM_REFUSAL_NONE, m, NULL);
  }
  if (m->fails >= pm_death_fails(&g->death, fresh_hints(g, m)) && !pm_mutated(DEATH)) {
    lose(g, m);
    return;
  }
  int64_t ms = pm_core_jitter_ms(g, g->config.suspect_ms, 10);
  pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, ms));
}

/* One that answers but is no node is a site that somebody watches: it is asked ever more rarely. */
static void local_failed(struct pm_gossip *g, struct pm_member *m, enum pm_refusal_reason reason) {
  m->fails++;
  struct pm_ip ip;
  bool named = pm_ip_parse(m->contact.host, &ip) != PM_OK;
  if (named && m->fails % LOCAL_LOOKUP_FAILS == 0) {
    struct pm_contact unknown = m->contact;
    unknown.ip = (struct pm_ip){.family = PM_IP_NONE};
    if (pm_table_find(&g->table, pm_core_key(g, &unknown)) == PM_NO_SLOT) {
      m->contact = unknown;
      pm_table_rekey(&g->table, m, pm_core_key(g, &unknown), pm_contact_hash(&unknown, 0));
    }
  }
  bool site = reason == PM_REFUSAL_NO_PROOF;
  int64_t ms = site ? doubled_ms(SITE_RETRY_MS, m->fails - 1u, SITE_RETRY_MS_MAX)
                    : doubled_ms(LOCAL_RETRY_MS, m->fails - 1u, LOCAL_RETRY_MS_MAX);
  pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, pm_core_jitter_ms(g, ms, 10)));
}

static unsigned tries_of(const struct pm_gossip *g, enum pm_dial reason) {
  return reason == PM_DIAL_CONSENT ? pm_death_tries(&g->death)
         : reason == PM_DIAL_SAVED ? TRIES_SAVED
                                   : TRIES_WORD;
}

static void candidate_failed(struct pm_gossip *g, struct pm_member *m,
                             enum pm_refusal_reason reason) {
  m->tries++;
  enum pm_dial dial = m->contacted ? PM_DIAL_CONSENT : (enum pm_dial)m->reason;
  bool again = reason == PM_REFUSAL_UNREACHABLE && m->tries < tries_of(g, dial);
  if (!again) {
    pm_refusals_add(&g->refusals, m->key, dial == PM_DIAL_CONSENT, g->now);
    refuse_and_drop(g, m, reason);
    return;
  }
  if (m->contacted) { /* it is there: the failure was the network's */
    pm_admit_candidate(g, m, dial);
    return;
  }
  if (m->state == PM_MEMBER_HEARD) { /* another testimony is worth the second try */
    pm_table_set_due(&g->table, m, pm_time_add_ms(m->since, PM_CORE_HEARD_MS));
    return;
  }
  int64_t ms = RETRY_WORD_MS;
  if (!pm_dial_is_third_party(dial)) {
    ms = RETRY_OWN_MS;
    for (unsigned i = 1; i < m->tries; i++) ms *= 3;
    if (dial == PM_DIAL_CONSENT && ms > RETRY_CONSENT_MS_MAX) ms = RETRY_CONSENT_MS_MAX;
  }
  pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, ms));
}

/* What was lost and failed again was lost later than we thought: older testimony is void. */
static void lost_failed(struct pm_gossip *g, struct pm_member *m) {
  if (m->reason == PM_DIAL_LOST_RETRY) {
    if (m->backoff < LOST_RETRY_DOUBLINGS) m->backoff++;
    int64_t ms = doubled_ms(PM_CORE_LOST_RETRY_MS, m->backoff, LOST_RETRY_MS_MAX);
    m->next_retry = pm_time_add_ms(g->now, pm_core_jitter_ms(g, ms, 25));
  } else if (m->tries < UINT8_MAX) {
    m->tries++;
    m->since = g->now;
  }
  lost_wait(g, m);
}

void pm_result_failed(struct pm_gossip *g, struct pm_member *m, enum pm_refusal_reason reason) {
  pm_dial_settle(g, m, false);
  switch ((enum pm_member_state)m->state) {
  case PM_MEMBER_VERIFIED:
  case PM_MEMBER_SUSPECT:
    member_failed(g, m);
    break;
  case PM_MEMBER_LOCAL:
    local_failed(g, m, reason);
    break;
  case PM_MEMBER_HEARD:
  case PM_MEMBER_CANDIDATE:
    candidate_failed(g, m, reason);
    break;
  case PM_MEMBER_LOST:
    lost_failed(g, m);
    break;
  case PM_MEMBER_SELF:
    pm_table_set_due(&g->table, m, PM_TIME_NEVER);
    break;
  case PM_MEMBER_FREE:
  case PM_MEMBER_STATE_COUNT:
    break;
  }
}

void pm_result_pong(struct pm_gossip *g, const struct pm_gossip_event *event) {
  struct pm_member *m = pm_table_by_handle(&g->table, event->pong.token.handle);
  if (!m || !m->in_flight || m->nonce != event->pong.token.nonce) return;
  enum pm_refusal_reason reason = judge(g, m, event);
  g->answering = m;
  if (reason == PM_REFUSAL_NONE)
    prove(g, m, event);
  else if (reason == PM_REFUSAL_IS_SELF)
    found_self(g, m);
  else
    pm_result_failed(g, m, reason);
  g->answering = NULL;
}

/* --- reachability ----------------------------------------------------------------------------- */

enum { SILENT_MS = 3600 * 1000 };

/* Several independent nodes that could not reach us back: we are behind something that lets nobody
 * in, and stop announcing ourselves for a while. */
void pm_result_reach(struct pm_gossip *g, const struct pm_member *from, enum pm_wire_reach reach) {
  struct pm_core_reach *r = &g->reach;
  if (reach == PM_WIRE_REACH_YES) r->count = 0;
  if (reach != PM_WIRE_REACH_NO || pm_mutated(REACH)) return;
  uint64_t group = pm_contact_group(&from->contact, g->group_seed);
  for (unsigned i = 0; i < r->count; i++)
    if (r->groups[i] == group) return;
  r->groups[r->count++] = group;
  if (r->count < PM_CORE_REACH_NOS) return;
  r->count = 0;
  r->silent_until = pm_time_add_ms(g->now, SILENT_MS);
}

/* --- lookups ---------------------------------------------------------------------------------- */

static bool address_allowed(const struct pm_gossip *g, const struct pm_member *m,
                            const struct pm_ip *ip) {
  enum pm_learned learned = m->local ? PM_LEARNED_OPERATOR : PM_LEARNED_PEER;
  const struct pm_ip *source = m->local ? NULL : &m->source_ip;
  return pm_policy_check(g->config.policy, learned, source, m->contact.host, ip) ==
         PM_POLICY_ALLOWED;
}

static void add_address(struct pm_gossip *g, const struct pm_contact *named,
                        const struct pm_ip *ip) {
  struct pm_contact contact = *named;
  contact.ip = *ip;
  if (pm_table_find(&g->table, pm_core_key(g, &contact)) == PM_NO_SLOT) pm_admit_local(g, &contact);
}

/* The first address becomes the member's; a seed's others are seeds of their own. */
static void take_addresses(struct pm_gossip *g, struct pm_member *m,
                           const struct pm_gossip_event *event) {
  struct pm_contact named = m->contact;
  bool taken = false, local = m->local;
  size_t count = event->resolved.count;
  if (count > PM_GOSSIP_RESOLVED_MAX) count = PM_GOSSIP_RESOLVED_MAX;
  for (size_t i = 0; i < count; i++) {
    const struct pm_ip *ip = &event->resolved.ips[i];
    struct pm_contact contact = named;
    contact.ip = *ip;
    uint64_t key = pm_core_key(g, &contact);
    if (!address_allowed(g, m, ip)) continue;
    if (taken) {
      if (local) add_address(g, &named, ip);
    } else if (pm_table_find(&g->table, key) == PM_NO_SLOT) {
      m->contact = contact;
      pm_table_rekey(&g->table, m, key, pm_contact_hash(&contact, 0));
      taken = true;
    }
  }
  if (taken)
    pm_dial_enqueue(g, m);
  else if (local)
    local_failed(g, m, PM_REFUSAL_NO_ADDRESS);
  else
    refuse_and_drop(g, m, PM_REFUSAL_NO_ADDRESS);
}

void pm_result_resolved(struct pm_gossip *g, const struct pm_gossip_event *event) {
  struct pm_member *m = pm_table_by_handle(&g->table, event->resolved.token.handle);
  if (!m || !m->resolving || m->nonce != event->resolved.token.nonce) return;
  m->resolving = false;
  pm_table_set_due(&g->table, m, PM_TIME_NEVER);
  take_addresses(g, m, event);
}
