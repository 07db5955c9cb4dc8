#include "gossip/core.h"

/* What a pull brought: entries to admission, hints to our own probes. */

enum { NEW_MAX = 64 /* of one answer */ };

/* Few enough for insertion, which unlike glibc's qsort never allocates. */
static size_t sort_hints(const struct pm_wire_answer *answer,
                         struct pm_wire_lost out[PM_WIRE_HINTS_MAX]) {
  for (size_t i = 0; i < answer->lost_count; i++) {
    size_t at = i;
    for (; at > 0 && out[at - 1].salted > answer->lost[i].salted; at--) out[at] = out[at - 1];
    out[at] = answer->lost[i];
  }
  return answer->lost_count;
}

static const struct pm_wire_lost *find_hint(const struct pm_wire_lost *hints, size_t count,
                                            uint64_t salted) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (hints[middle].salted < salted)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && hints[low].salted == salted ? &hints[low] : NULL;
}

static void count_hint(struct pm_gossip *g, struct pm_member *m, const struct pm_member *source) {
  uint32_t group = (uint32_t)pm_contact_group(&source->contact, g->group_seed);
  uint32_t now_s = (uint32_t)(g->now.ns / PM_NS_PER_S);
  if (m->hint_count == 0 || now_s - m->hint_at_s > 180) {
    m->hint_count = 0;
    m->hint_at_s = now_s;
  }
  for (unsigned i = 0; i < m->hint_count; i++)
    if (m->hint_groups[i] == group) return;
  if (m->hint_count < PM_MEMBER_HINTS) m->hint_groups[m->hint_count++] = group;
}

/* "I lost it, so old" is worth one probe of our own, unless we had a success since. An old node's
 * is a guess from its list, and does not bring the verdict nearer. */
static void take_hint(struct pm_gossip *g, struct pm_member *m, const struct pm_member *source,
                      uint32_t age_s, bool old) {
  struct pm_time lost = pm_time_add_ns(g->round.sent, -(int64_t)age_s * PM_NS_PER_S);
  if (m == source || pm_time_before(lost, m->last_ok)) return;
  if (!old) count_hint(g, m, source);
  if (m->in_flight || m->fails > 0 || m->reason == PM_DIAL_HINT) return;
  if (!pm_bucket_take(&g->hint, g->now)) return;
  m->reason = PM_DIAL_HINT;
  pm_table_set_due(&g->table, m, g->now);
}

static void take_hints(struct pm_gossip *g, const struct pm_member *source,
                       const struct pm_wire_answer *answer) {
  struct pm_wire_lost hints[PM_WIRE_HINTS_MAX];
  size_t count = sort_hints(answer, hints);
  if (count == 0) return;
  const struct pm_table_set *set = &g->table.sets[PM_SET_VERIFIED];
  bool old = answer->node.version == 0;
  for (uint32_t i = 0; i < set->count; i++) {
    struct pm_member *m = pm_table_at(&g->table, set->slots[i]);
    uint64_t salted = old ? m->pub : pm_bloom_salted(m->pub, g->round.salt);
    const struct pm_wire_lost *hint = find_hint(hints, count, salted);
    if (hint) take_hint(g, m, source, hint->age_s, old);
  }
}

static void take_entries(struct pm_gossip *g, struct pm_member *source,
                         const struct pm_wire_answer *answer) {
  unsigned quorum = pm_admit_quorum(g, source), quota = NEW_MAX;
  for (size_t i = 0; i < answer->entries_count; i++)
    pm_admit_entry(g, source, &answer->entries[i], quorum, &quota);
}

/* An answer that is not what a member would say: its next probe decides. */
static void doubt(struct pm_gossip *g, struct pm_member *m) {
  if (!m->in_flight) pm_table_set_due(&g->table, m, g->now);
}

static bool credible(struct pm_gossip *g, const struct pm_member *m,
                     const struct pm_wire_answer *answer, uint64_t nonce) {
  if (answer->node.version == 0) return !pm_core_keyed(g) || g->config.legacy_peers;
  return pm_result_judge(g, m, &answer->node, nonce, true) == PM_REFUSAL_NONE;
}

static void take(struct pm_gossip *g, struct pm_member *m, const struct pm_wire_answer *answer) {
  struct pm_member_detail *d = pm_table_detail(&g->table, m);
  if (!m->in_flight) pm_result_alive(g, m);
  if (answer->node.version > 0) {
    if (answer->node.has_challenge) {
      d->challenge = answer->node.challenge;
      d->challenge_at = g->now;
    }
    if (answer->node.your_ip.family != PM_IP_NONE) g->reach.seen_as = answer->node.your_ip;
    if (pm_node_id_equal(&answer->node.id, &d->id)) pm_result_own_word(g, m);
    pm_result_pace(g, m, answer->node.pace_s);
    pm_result_reach(g, m, answer->node.you_reach);
  }
  if (answer->node.version == 0) g->out->old_word = pm_table_handle(&g->table, m);
  take_entries(g, m, answer);
  take_hints(g, m, answer);
}

void pm_answer_take(struct pm_gossip *g, const struct pm_gossip_event *event) {
  const struct pm_gossip_token *token = &event->answer.token;
  if (!g->round.pulling || token->handle != g->round.token.handle ||
      token->nonce != g->round.token.nonce)
    return;
  struct pm_member *m = pm_table_by_handle(&g->table, token->handle);
  bool member = m && (m->state == PM_MEMBER_VERIFIED || m->state == PM_MEMBER_SUSPECT);
  bool answered = false;
  if (member && g->config.grow) {
    answered = event->answer.answer && credible(g, m, event->answer.answer, token->nonce);
    if (answered)
      take(g, m, event->answer.answer);
    else
      doubt(g, m);
  }
  pm_round_end(g, answered);
}
