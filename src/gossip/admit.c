#include "gossip/core.h"

/* What is heard, and what it is worth: a testimony counts once per group of sources, contact counts
 * for the address that TCP proves, and everything passes the scope filter, the quotas and the table
 * before it may cost a handshake. */

enum {
  OUTSTANDING_MAX = 64,   /* heard and candidates that one source named */
  REVIVAL_MS = 60 * 1000, /* doubling with every revival that failed */
  REVIVAL_DOUBLINGS = 10,
};

static void count_refusal(struct pm_gossip *g, enum pm_refusal_reason reason) {
  g->counts.changes[PM_CHANGE_REFUSED]++;
  g->counts.refusals[reason]++;
}

static void refuse(struct pm_gossip *g, enum pm_refusal_reason reason,
                   const struct pm_contact *contact) {
  pm_core_change(g, PM_CHANGE_REFUSED, reason, NULL, contact);
}

static uint8_t own_depth(const struct pm_gossip *g) {
  if (g->table.sets[PM_SET_LOCAL].count > 0) return 1;
  const struct pm_table_set *verified = &g->table.sets[PM_SET_VERIFIED];
  for (uint32_t i = 0; i < verified->count; i++)
    if (pm_table_at(&g->table, verified->slots[i])->local) return 1;
  return 0;
}

static bool in_scope(const struct pm_gossip *g, const struct pm_contact *contact,
                     enum pm_learned learned, const struct pm_ip *source) {
  if (contact->ip.family == PM_IP_NONE) return true; /* looked at once it is known */
  if (pm_mutated(SCOPE)) return true;
  return pm_policy_check(g->config.policy, learned, source, contact->host, &contact->ip) ==
         PM_POLICY_ALLOWED;
}

/* --- becoming a candidate --------------------------------------------------------------------- */

void pm_admit_leave_source(struct pm_gossip *g, struct pm_member *m) {
  if (!m->counted) return;
  struct pm_member *source = pm_table_by_handle(&g->table, m->source);
  if (source && source->outstanding > 0) source->outstanding--;
  m->counted = false;
}

void pm_admit_candidate(struct pm_gossip *g, struct pm_member *m, enum pm_dial reason) {
  pm_dial_dequeue(g, m);
  if (m->state != PM_MEMBER_LOST && m->state != PM_MEMBER_CANDIDATE) {
    if (!pm_table_move(&g->table, m, PM_MEMBER_CANDIDATE)) return;
    m->since = g->now;
    m->origin = (uint8_t)reason;
    pm_core_change(g, PM_CHANGE_ADMITTED, PM_REFUSAL_NONE, m, NULL);
  }
  m->reason = (uint8_t)reason;
  if (m->state != PM_MEMBER_LOST) pm_table_set_due(&g->table, m, PM_TIME_NEVER);
  pm_dial_enqueue(g, m);
}

/* Room among the heard and the candidates: a testimony nobody seconded gives way to a new one. */
static bool make_room(struct pm_gossip *g) {
  if (pm_table_has_room(&g->table, PM_MEMBER_HEARD)) return true;
  const struct pm_table_set *heard = &g->table.sets[PM_SET_HEARD];
  if (heard->count == 0) return false;
  uint32_t at = (uint32_t)pm_rng_below(&g->rng, heard->count);
  struct pm_member *m = pm_table_at(&g->table, heard->slots[at]);
  if (m->in_flight) return false;
  pm_core_drop(g, m);
  return true;
}

static struct pm_member *add(struct pm_gossip *g, const struct pm_contact *contact,
                             enum pm_member_state state, const struct pm_ip *source) {
  if ((state == PM_MEMBER_HEARD || state == PM_MEMBER_CANDIDATE) && !make_room(g)) return NULL;
  struct pm_member *m = pm_table_add(&g->table, contact, pm_core_key(g, contact), state);
  if (!m) return NULL;
  m->since = g->now;
  m->origin = PM_DIAL_WORD;
  m->source_ip = *source;
  return m;
}

/* --- testimony -------------------------------------------------------------------------------- */

unsigned pm_admit_quorum(const struct pm_gossip *g, const struct pm_member *source) {
  if (pm_core_keyed(g) || pm_mutated(QUORUM)) return 1;
  if (source->local && pm_core_verified(g) < PM_CORE_FEW) return 1;
  uint64_t first = pm_contact_group(&source->contact, g->group_seed);
  const struct pm_table_set *verified = &g->table.sets[PM_SET_VERIFIED];
  for (uint32_t i = 0; i < verified->count; i++) {
    const struct pm_member *m = pm_table_at(&g->table, verified->slots[i]);
    if (pm_contact_group(&m->contact, g->group_seed) != first) return 2;
  }
  return 1;
}

static void testify(struct pm_gossip *g, struct pm_member *m, const struct pm_member *source) {
  uint32_t group = (uint32_t)pm_contact_group(&source->contact, g->group_seed);
  for (unsigned i = 0; i < m->group_count; i++)
    if (m->groups[i] == group) return;
  if (m->group_count < PM_MEMBER_GROUPS) m->groups[m->group_count++] = group;
}

/* Fresher than our loss of it, and not too soon after a revival that failed. A dead node's last
 * success precedes every loss of it, so the dead do not come back. */
static void revive(struct pm_gossip *g, struct pm_member *m, struct pm_time fresh) {
  if (m->in_flight || m->queue != PM_QUEUE_NONE) return;
  if (!pm_time_before(m->since, fresh) && !pm_mutated(FRESHNESS)) return;
  unsigned doublings = m->tries < REVIVAL_DOUBLINGS ? m->tries : REVIVAL_DOUBLINGS;
  struct pm_time earliest = pm_time_add_ms(m->since, (int64_t)REVIVAL_MS << doublings);
  if (m->tries > 0 && pm_time_before(g->now, earliest)) return;
  pm_admit_candidate(g, m, PM_DIAL_REVIVAL);
}

static struct pm_time told_success(const struct pm_gossip *g, const struct pm_wire_entry *entry) {
  if (entry->age_s == PM_WIRE_AGE_UNKNOWN) return (struct pm_time){INT64_MIN};
  return pm_time_add_ns(g->round.sent, -(int64_t)entry->age_s * PM_NS_PER_S);
}

static void hear_known(struct pm_gossip *g, struct pm_member *m, struct pm_member *source,
                       const struct pm_wire_entry *entry, unsigned quorum) {
  if (m->state == PM_MEMBER_LOST) {
    revive(g, m, told_success(g, entry));
  } else if (m->state == PM_MEMBER_HEARD) {
    testify(g, m, source);
    if (m->group_count >= quorum && !m->in_flight) pm_admit_candidate(g, m, PM_DIAL_WORD);
  } else if (m->state == PM_MEMBER_CANDIDATE) {
    testify(g, m, source);
  }
}

static uint8_t depth_from(const struct pm_member *source, const struct pm_wire_entry *entry) {
  unsigned depth = entry->has_mesh ? entry->depth : source->depth;
  return depth >= UINT8_MAX ? UINT8_MAX : (uint8_t)(depth + 1);
}

/* NONE if an endpoint never heard of may be taken down. */
static enum pm_refusal_reason judge_new(struct pm_gossip *g, const struct pm_member *source,
                                        const struct pm_wire_entry *entry, unsigned quota) {
  const struct pm_contact *contact = &entry->contact;
  if (pm_refusals_has(&g->refusals, pm_core_key(g, contact), g->now)) return PM_REFUSAL_BEFORE;
  if (!in_scope(g, contact, PM_LEARNED_PEER, &source->contact.ip)) return PM_REFUSAL_SCOPE;
  if (depth_from(source, entry) > g->config.ttl && !pm_mutated(DEPTH)) return PM_REFUSAL_TOO_DEEP;
  if (entry->age_s != PM_WIRE_AGE_UNKNOWN && entry->age_s > PM_CORE_FRESH_S)
    return PM_REFUSAL_STALE;
  if (quota == 0 || source->outstanding >= OUTSTANDING_MAX) return PM_REFUSAL_QUOTA;
  return pm_sampling_admits(g, NULL, contact);
}

static void hear_new(struct pm_gossip *g, struct pm_member *source,
                     const struct pm_wire_entry *entry, unsigned quorum) {
  struct pm_member *m = add(g, &entry->contact, PM_MEMBER_HEARD, &source->contact.ip);
  if (!m) {
    count_refusal(g, PM_REFUSAL_TABLE_FULL);
    return;
  }
  m->depth = depth_from(source, entry);
  m->source = pm_table_handle(&g->table, source);
  m->counted = true;
  source->outstanding++;
  g->round.brought++;
  pm_table_set_due(&g->table, m, pm_time_add_ms(g->now, PM_CORE_HEARD_MS));
  testify(g, m, source);
  if (m->group_count >= quorum) pm_admit_candidate(g, m, PM_DIAL_WORD);
}

void pm_admit_entry(struct pm_gossip *g, struct pm_member *source,
                    const struct pm_wire_entry *entry, unsigned quorum, unsigned *quota) {
  uint32_t slot = pm_table_find(&g->table, pm_core_key(g, &entry->contact));
  if (slot != PM_NO_SLOT) {
    hear_known(g, pm_table_at(&g->table, slot), source, entry, quorum);
    return;
  }
  enum pm_refusal_reason reason = judge_new(g, source, entry, *quota);
  if (reason == PM_REFUSAL_NONE) {
    (*quota)--;
    hear_new(g, source, entry, quorum);
  } else if (reason == PM_REFUSAL_SCOPE) {
    refuse(g, reason, &entry->contact);
  } else {
    count_refusal(g, reason);
  }
}

/* --- contact ---------------------------------------------------------------------------------- */

/* A lost one that contacts us is tried at once, then no sooner than its backoff. */
static bool may_retry_lost(const struct pm_gossip *g, const struct pm_member *m) {
  if (m->in_flight || m->queue != PM_QUEUE_NONE) return false;
  if (m->tries == 0) return true;
  unsigned doublings = m->tries < REVIVAL_DOUBLINGS ? m->tries - 1u : REVIVAL_DOUBLINGS;
  return !pm_time_before(g->now, pm_time_add_ms(m->since, (int64_t)REVIVAL_MS << doublings));
}

/* A probe of it is in flight on others' word: should it fail, the next one is on its own. */
static void contact_meanwhile(struct pm_gossip *g, struct pm_member *m) {
  if (m->contacted || !pm_dial_is_third_party((enum pm_dial)m->reason)) return;
  if (pm_bucket_take(&g->inbound, g->now))
    m->contacted = true;
  else
    count_refusal(g, PM_REFUSAL_RATE);
}

static void contact_known(struct pm_gossip *g, struct pm_member *m, bool consent) {
  bool is_new = m->state == PM_MEMBER_HEARD || m->state == PM_MEMBER_CANDIDATE;
  if (is_new && consent && m->in_flight) {
    contact_meanwhile(g, m);
    return;
  }
  bool better = is_new && !m->in_flight &&
                (consent ? m->reason != PM_DIAL_CONSENT || !m->queue : m->state == PM_MEMBER_HEARD);
  bool lost = m->state == PM_MEMBER_LOST && consent && may_retry_lost(g, m);
  bool alive = m->state == PM_MEMBER_SUSPECT && consent && !m->in_flight;
  if (better && m->state == PM_MEMBER_CANDIDATE && m->reason == PM_DIAL_CONSENT) better = false;
  if (!better && !lost && !alive) return;
  if (!pm_bucket_take(consent ? &g->inbound : &g->claim, g->now)) {
    count_refusal(g, PM_REFUSAL_RATE);
    return;
  }
  if (alive)
    pm_table_set_due(&g->table, m, g->now);
  else
    pm_admit_candidate(g, m, consent ? PM_DIAL_CONSENT : PM_DIAL_CLAIM);
  if (better && consent) m->source_ip = m->contact.ip;
}

static enum pm_refusal_reason judge_contact(struct pm_gossip *g, const struct pm_contact *contact,
                                            bool consent, const struct pm_ip *source) {
  uint64_t key = pm_core_key(g, contact);
  if (!in_scope(g, contact, PM_LEARNED_CONTACT, source)) return PM_REFUSAL_SCOPE;
  if (!consent && pm_refusals_has(&g->refusals, key, g->now)) return PM_REFUSAL_BEFORE;
  enum pm_refusal_reason reason = pm_sampling_admits(g, NULL, contact);
  if (reason != PM_REFUSAL_NONE) return reason;
  if (consent && !pm_refusals_forgive(&g->refusals, key, g->now)) return PM_REFUSAL_BEFORE;
  if (!pm_bucket_take(consent ? &g->inbound : &g->claim, g->now)) return PM_REFUSAL_RATE;
  return PM_REFUSAL_NONE;
}

void pm_admit_contact(struct pm_gossip *g, const struct pm_contact *contact,
                      const struct pm_ip *source) {
  bool consent = pm_ip_equal(&contact->ip, source) || pm_mutated(CONSENT);
  uint32_t slot = pm_table_find(&g->table, pm_core_key(g, contact));
  if (slot != PM_NO_SLOT) {
    contact_known(g, pm_table_at(&g->table, slot), consent);
    return;
  }
  enum pm_refusal_reason reason = judge_contact(g, contact, consent, source);
  if (reason != PM_REFUSAL_NONE) {
    if (reason == PM_REFUSAL_SCOPE)
      refuse(g, reason, contact);
    else
      count_refusal(g, reason);
    return;
  }
  struct pm_member *m = add(g, contact, PM_MEMBER_CANDIDATE, source);
  if (!m) {
    count_refusal(g, PM_REFUSAL_TABLE_FULL);
    return;
  }
  m->depth = own_depth(g) + 1;
  m->origin = consent ? PM_DIAL_CONSENT : PM_DIAL_CLAIM;
  pm_core_change(g, PM_CHANGE_ADMITTED, PM_REFUSAL_NONE, m, NULL);
  pm_admit_candidate(g, m, consent ? PM_DIAL_CONSENT : PM_DIAL_CLAIM);
}

/* --- saved and local -------------------------------------------------------------------------- */

void pm_admit_restored(struct pm_gossip *g, const struct pm_contact *contact) {
  if (contact->ip.family == PM_IP_NONE) return;
  if (pm_table_find(&g->table, pm_core_key(g, contact)) != PM_NO_SLOT) return;
  struct pm_member *m = add(g, contact, PM_MEMBER_CANDIDATE, &contact->ip);
  if (!m) return;
  m->depth = own_depth(g) + 1;
  m->origin = PM_DIAL_SAVED;
  pm_core_change(g, PM_CHANGE_ADMITTED, PM_REFUSAL_NONE, m, NULL);
  pm_admit_candidate(g, m, PM_DIAL_SAVED);
}

void pm_admit_tombstone(struct pm_gossip *g, const struct pm_gossip_tombstone *lost) {
  const struct pm_contact *contact = &lost->contact;
  int64_t kept_s = PM_CORE_LOST_MS / 1000;
  if (contact->ip.family == PM_IP_NONE || lost->last_ok_s >= kept_s) return;
  if (lost->lost_s < 0 || lost->lost_s > lost->last_ok_s) return;
  if (pm_table_find(&g->table, pm_core_key(g, contact)) != PM_NO_SLOT) return;
  struct pm_member *m = add(g, contact, PM_MEMBER_LOST, &contact->ip);
  if (!m) return;
  m->depth = own_depth(g) + 1;
  m->origin = PM_DIAL_SAVED;
  m->tries = lost->tries > UINT8_MAX ? UINT8_MAX : (uint8_t)lost->tries;
  m->since = pm_time_add_ms(g->now, -lost->lost_s * 1000);
  m->last_ok = pm_time_add_ms(g->now, -lost->last_ok_s * 1000);
  m->next_retry = pm_time_add_ms(g->now, pm_core_jitter_ms(g, PM_CORE_LOST_RETRY_MS, 25));
  pm_table_set_due(&g->table, m, pm_time_add_ms(m->last_ok, PM_CORE_LOST_MS));
}

static void make_local(struct pm_gossip *g, struct pm_member *m) {
  m->local = true;
  m->depth = 0;
  if (m->state == PM_MEMBER_VERIFIED || m->state == PM_MEMBER_SUSPECT) return;
  if (m->in_flight) pm_dial_settle(g, m, false);
  pm_dial_dequeue(g, m);
  pm_admit_leave_source(g, m);
  if (!pm_table_move(&g->table, m, PM_MEMBER_LOCAL)) return;
  m->reason = PM_DIAL_LOCAL;
  pm_table_set_due(&g->table, m, g->now);
}

void pm_admit_local(struct pm_gossip *g, const struct pm_contact *contact) {
  uint32_t slot = pm_table_find(&g->table, pm_core_key(g, contact));
  struct pm_member *m =
      slot != PM_NO_SLOT ? pm_table_at(&g->table, slot)
                         : add(g, contact, PM_MEMBER_LOCAL, &(struct pm_ip){.family = PM_IP_NONE});
  if (m) make_local(g, m);
}

static bool is_named(const struct pm_member *m, const struct pm_contact *contact) {
  if (!m->local || m->contact.port != contact->port) return false;
  if (__builtin_strcmp(m->contact.host, contact->host) != 0) return false;
  return contact->ip.family == PM_IP_NONE || pm_ip_equal(&m->contact.ip, &contact->ip);
}

void pm_admit_remove_local(struct pm_gossip *g, const struct pm_contact *contact) {
  static const enum pm_set sets[] = {PM_SET_LOCAL, PM_SET_VERIFIED};
  for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
    const struct pm_table_set *set = &g->table.sets[sets[s]];
    for (uint32_t i = set->count; i-- > 0;) {
      struct pm_member *m = pm_table_at(&g->table, set->slots[i]);
      if (!is_named(m, contact)) continue;
      pm_core_change(g, PM_CHANGE_FORGOTTEN, PM_REFUSAL_NONE, m, NULL);
      pm_core_drop(g, m);
    }
  }
}
