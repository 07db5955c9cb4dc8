#include "gossip/bounds.h"

#include <string.h>

#include "gossip/core.h"

enum {
  ADDRESS_WAYS = 32, /* so many that a set is not full before the table nearly is */
  HOUR_S = 3600,
  DAY_S = 24 * HOUR_S,
  TRIES_IN_HOUR = 2,
  TRIES_IN_DAY = 6,
  RATE_WINDOW_MS = 10 * 1000,
};

static const char *const codes[] = {
#define X(name, code, text) code,
    PM_BOUND_MAP(X)
#undef X
};

const char *pm_bound_code(enum pm_bound bound) {
  return bound < PM_BOUND_COUNT ? codes[bound] : "?";
}

void pm_bounds_carve(struct pm_bounds *bounds, struct pm_arena *arena, uint32_t addresses) {
  uint32_t sets = 1;
  while (sets * ADDRESS_WAYS < addresses) sets *= 2;
  bounds->sets_mask = sets - 1;
  bounds->addresses = pm_arena_take(arena, (size_t)sets * ADDRESS_WAYS, sizeof *bounds->addresses);
}

void pm_bounds_init(struct pm_bounds *bounds, uint64_t seed) {
  size_t count = (size_t)(bounds->sets_mask + 1) * ADDRESS_WAYS;
  memset(bounds->addresses, 0, count * sizeof *bounds->addresses);
  bounds->seed = seed;
}

static bool refuse(struct pm_gossip *g, enum pm_bound bound) {
  g->bounds.refused[bound]++;
  return false;
}

/* I2: does the member's own record bear the reason out? */
static bool reason_holds(const struct pm_gossip *g, const struct pm_member *m,
                         enum pm_dial reason) {
  bool proved = m->state == PM_MEMBER_VERIFIED || m->state == PM_MEMBER_SUSPECT;
  switch (reason) {
  case PM_DIAL_LOCAL:
    return m->local;
  case PM_DIAL_SAVED:
  case PM_DIAL_CLAIM:
    return m->state == PM_MEMBER_CANDIDATE;
  case PM_DIAL_CONSENT:
    return m->state == PM_MEMBER_CANDIDATE || m->state == PM_MEMBER_LOST;
  case PM_DIAL_WORD:
    return m->state == PM_MEMBER_CANDIDATE && m->group_count > 0;
  case PM_DIAL_SPECULATIVE:
    return m->state == PM_MEMBER_HEARD && m->group_count > 0;
  case PM_DIAL_REVIVAL:
  case PM_DIAL_LOST_RETRY:
    return m->state == PM_MEMBER_LOST;
  case PM_DIAL_REFRESH:
  case PM_DIAL_SUSPECT:
  case PM_DIAL_HINT:
    return proved;
  case PM_DIAL_PLANNED:
    return proved || m->local;
  case PM_DIAL_COUNT:
    break;
  }
  (void)g;
  return false;
}

/* I9: the policy, once more, on the very address that is about to be dialled. */
static bool scope_holds(const struct pm_gossip *g, const struct pm_member *m) {
  if (m->contact.ip.family == PM_IP_NONE) return false;
  if (pm_mutated(SCOPE)) return true;
  enum pm_learned learned = PM_LEARNED_PEER;
  if (m->local) learned = PM_LEARNED_OPERATOR;
  return pm_policy_check(g->config.policy, learned, m->local ? NULL : &m->source_ip,
                         m->contact.host, &m->contact.ip) == PM_POLICY_ALLOWED ||
         (m->local && pm_policy_check(g->config.policy, PM_LEARNED_CONFIG, NULL, m->contact.host,
                                      &m->contact.ip) == PM_POLICY_ALLOWED);
}

/* I5: at most so many tries at an address that has never proved itself. One for which there is no
 * place is not tried at all; the failure budget lets no day fill the table. */
static struct pm_bound_address *address_set(const struct pm_bounds *bounds, uint64_t hash) {
  return bounds->addresses + (size_t)((uint32_t)(hash >> 32) & bounds->sets_mask) * ADDRESS_WAYS;
}

static bool is_over(const struct pm_bound_address *entry, uint32_t now_s) {
  return entry->tag == 0 || now_s - entry->first_s > DAY_S;
}

static bool may_try(struct pm_bound_address *entry, uint32_t tag, uint32_t now_s) {
  if (entry->tag != tag || is_over(entry, now_s))
    *entry = (struct pm_bound_address){.tag = tag, .first_s = now_s & (UINT32_MAX >> 3)};
  unsigned most = now_s - entry->first_s > HOUR_S ? TRIES_IN_DAY : TRIES_IN_HOUR;
  if (entry->tries >= most) return false;
  entry->tries++;
  return true;
}

static bool address_holds(struct pm_gossip *g, const struct pm_member *m, enum pm_dial reason) {
  bool proved_once = m->state == PM_MEMBER_LOST;
  if (!pm_dial_is_third_party(reason) || proved_once || pm_mutated(ADDRESS_LIMIT)) return true;
  if (pm_ip_classify(&m->contact.ip) != PM_IP_CLASS_PUBLIC) return true;
  uint64_t hash = pm_contact_ip_hash(&m->contact.ip, g->bounds.seed);
  uint32_t tag = (uint32_t)hash | 1, now_s = (uint32_t)(g->now.ns / PM_NS_PER_S);
  struct pm_bound_address *set = address_set(&g->bounds, hash), *place = NULL;
  for (int i = 0; i < ADDRESS_WAYS; i++) {
    if (set[i].tag == tag) return may_try(&set[i], tag, now_s);
    if (!place && is_over(&set[i], now_s)) place = &set[i];
  }
  return place && may_try(place, tag, now_s);
}

void pm_bounds_proved(struct pm_gossip *g, const struct pm_ip *ip) {
  uint64_t hash = pm_contact_ip_hash(ip, g->bounds.seed);
  struct pm_bound_address *set = address_set(&g->bounds, hash);
  for (int i = 0; i < ADDRESS_WAYS; i++)
    if (set[i].tag == ((uint32_t)hash | 1)) set[i] = (struct pm_bound_address){0};
}

/* I6: failures on strangers' word, counted since the start, against the formula. */
static bool failures_hold(const struct pm_gossip *g) {
  const struct pm_failure_budget *f = &g->failure;
  int64_t refills = pm_time_since_ns(g->now, g->started) / f->refill_ns;
  uint64_t most = (uint64_t)(g->config.failure.burst + refills + 1) + f->successes / 2;
  return f->failures + (uint64_t)f->reserved <= most;
}

/* I1: in any stretch of time a bucket gives its burst and what flows in meanwhile; so within each
 * of these windows, too. */
static bool rate_holds(struct pm_gossip *g, enum pm_dial reason) {
  struct pm_bounds *b = &g->bounds;
  if (reason >= PM_DIAL_LOST_RETRY || pm_mutated(VERIFY_RATE)) return true;
  int64_t window = g->now.ns / ((int64_t)RATE_WINDOW_MS * PM_NS_PER_MS);
  if (window != b->window) b->probes = 0;
  b->window = window;
  const struct pm_gossip_rate *rate = &g->config.verify;
  int64_t most = rate->burst + RATE_WINDOW_MS / rate->step_ms + 1;
  if ((int64_t)b->probes >= most) return false;
  b->probes++;
  return true;
}

bool pm_bounds_allow_probe(struct pm_gossip *g, const struct pm_member *m, enum pm_dial reason) {
  if (m->state == PM_MEMBER_SELF && !m->local) return refuse(g, PM_BOUND_REASON);
  if (!reason_holds(g, m, reason)) return refuse(g, PM_BOUND_REASON);
  if (!scope_holds(g, m)) return refuse(g, PM_BOUND_SCOPE);
  if (pm_dial_is_third_party(reason) && !failures_hold(g)) return refuse(g, PM_BOUND_FAILURES);
  if (!address_holds(g, m, reason)) return refuse(g, PM_BOUND_ADDRESS);
  if (!rate_holds(g, reason)) return refuse(g, PM_BOUND_RATE);
  return true;
}

bool pm_bounds_allow_listing(struct pm_gossip *g, const struct pm_member *m) {
  if (pm_mutated(HEARSAY) || pm_mutated(LISTING)) return true;
  if (m->state == PM_MEMBER_SELF) return refuse(g, PM_BOUND_SELF);
  if (m->state == PM_MEMBER_LOCAL) return refuse(g, PM_BOUND_LOCAL);
  if (m->state != PM_MEMBER_VERIFIED && m->state != PM_MEMBER_SUSPECT)
    return refuse(g, PM_BOUND_LISTING);
  int64_t age_ns = pm_time_since_ns(g->now, m->last_ok);
  if (m->fails >= 2 || age_ns > (int64_t)PM_CORE_FRESH_S * PM_NS_PER_S)
    return refuse(g, PM_BOUND_LISTING);
  return true;
}

/* I8: only the answer to a probe of ours, which is being taken now, brings back the lost. */
bool pm_bounds_allow_revival(struct pm_gossip *g, const struct pm_member *m) {
  return g->answering == m || refuse(g, PM_BOUND_REVIVAL);
}

void pm_bounds_check_tables(struct pm_gossip *g) {
  const struct pm_table *t = &g->table;
  bool holds = g->active_count <= g->config.active_max;
  for (int s = 0; s < PM_SET_COUNT; s++) holds &= t->sets[s].count <= t->sets[s].capacity;
  holds &=
      t->sets[PM_SET_HEARD].count + t->sets[PM_SET_CANDIDATE].count <= g->config.candidates_max;
  if (!holds) refuse(g, PM_BOUND_TABLES);
}
