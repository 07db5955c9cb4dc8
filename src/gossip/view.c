#include "gossip/view.h"

#include <string.h>

#include "gossip/core.h"

static int64_t seconds_since(const struct pm_gossip *g, struct pm_time then) {
  return pm_time_since_ns(g->now, then) / PM_NS_PER_S;
}

static void fill_detail(const struct pm_member_detail *d, struct pm_gossip_member *out) {
  out->active = d->active_pos != PM_NO_SLOT;
  out->old_node = d->old_node;
  out->rtt_us = d->rtt_us;
  out->pace_s = d->pace_s;
  out->id = d->id;
  out->inc = d->inc;
  out->has_coordinate = d->has_coordinate;
  out->coordinate = d->coordinate;
  out->location = d->location;
}

static void fill(const struct pm_gossip *g, const struct pm_member *m,
                 struct pm_gossip_member *out) {
  const struct pm_member_detail *d = pm_table_detail(&g->table, m);
  *out = (struct pm_gossip_member){
      .handle = pm_table_handle(&g->table, m),
      .contact = m->contact,
      .state = (enum pm_member_state)m->state,
      .learned = m->local ? PM_DIAL_LOCAL : (enum pm_dial)m->origin,
      .source = pm_table_by_handle(&g->table, m->source) ? m->source : 0,
      .source_ip = m->source_ip,
      .local = m->local,
      .listed = pm_serve_listable(g, m),
      .shadow = m->shadow,
      .depth = m->depth,
      .fails = m->fails,
      .tries = m->tries,
      .state_s = seconds_since(g, m->since),
      .last_ok_s = m->last_ok.ns == 0 ? -1 : seconds_since(g, m->last_ok),
      .location = "",
  };
  if (d) fill_detail(d, out);
}

bool pm_gossip_next(const struct pm_gossip *g, uint32_t *cursor, struct pm_gossip_member *out) {
  while (*cursor < g->table.slots_used) {
    const struct pm_member *m = pm_table_at(&g->table, (*cursor)++);
    if (m->state == PM_MEMBER_FREE) continue;
    fill(g, m, out);
    return true;
  }
  return false;
}

bool pm_gossip_get(const struct pm_gossip *g, uint64_t handle, struct pm_gossip_member *out) {
  const struct pm_member *m = pm_table_by_handle(&g->table, handle);
  if (m) fill(g, m, out);
  return m != NULL;
}

bool pm_gossip_next_refused(const struct pm_gossip *g, uint32_t *cursor,
                            struct pm_gossip_refused *out) {
  const struct pm_refusal *entry = pm_refusals_next(&g->refusals, cursor, g->now);
  if (!entry) return false;
  int64_t now_s = g->now.ns / PM_NS_PER_S;
  *out = (struct pm_gossip_refused){.key = entry->key,
                                    .wait_s = entry->until_s - now_s,
                                    .contact_wait_s = entry->contact_s - now_s,
                                    .times = entry->times,
                                    .contacts = entry->contacts};
  return true;
}

uint64_t pm_gossip_key_seed(const struct pm_gossip *g) {
  return g->key_seed;
}

uint64_t pm_gossip_find(const struct pm_gossip *g, const struct pm_contact *contact) {
  uint32_t slot = pm_table_find(&g->table, pm_core_key(g, contact));
  return slot == PM_NO_SLOT ? 0 : pm_table_handle(&g->table, pm_table_at(&g->table, slot));
}

bool pm_gossip_is_member(const struct pm_gossip *g, const struct pm_node_id *id) {
  uint32_t at = 0;
  return pm_table_next_with_id(&g->table, id, &at) != NULL;
}

static struct pm_gossip_budget of_bucket(const struct pm_gossip *g, const char *name,
                                         const struct pm_bucket *bucket, int64_t burst) {
  return (struct pm_gossip_budget){.name = name,
                                   .left = pm_bucket_left(bucket, g->now),
                                   .burst = burst,
                                   .taken = bucket->taken,
                                   .refused = bucket->refused};
}

static void fill_budgets(const struct pm_gossip *g, struct pm_gossip_budget *out) {
  const struct pm_gossip_config *c = &g->config;
  *out++ = of_bucket(g, "verify", &g->verify, c->verify.burst);
  *out++ = of_bucket(g, "speculative", &g->speculative, c->speculative.burst);
  *out++ = of_bucket(g, "claim", &g->claim, c->claim.burst);
  *out++ = of_bucket(g, "inbound", &g->inbound, c->inbound.burst);
  *out++ = of_bucket(g, "hint", &g->hint, c->hint.burst);
  *out++ = of_bucket(g, "total", &g->total, c->total.burst);
  *out++ = of_bucket(g, "page", &g->page, c->page.burst);
  *out = (struct pm_gossip_budget){.name = "failure",
                                   .left = pm_failure_budget_left(&g->failure, g->now),
                                   .burst = c->failure.burst,
                                   .taken = g->failure.failures};
}

static void fill_sizes(const struct pm_gossip *g, struct pm_gossip_status *out) {
  const struct pm_table_set *sets = g->table.sets;
  out->local = sets[PM_SET_LOCAL].count;
  out->heard = sets[PM_SET_HEARD].count;
  out->candidates = sets[PM_SET_CANDIDATE].count;
  out->verified = sets[PM_SET_VERIFIED].count;
  out->lost = sets[PM_SET_LOST].count;
  out->active = g->active_count;
  out->aliases = g->table.aliases_count;
}

void pm_gossip_status(const struct pm_gossip *g, struct pm_gossip_status *out) {
  *out = (struct pm_gossip_status){.nodes_estimate = pm_kmv_estimate(&g->kmv),
                                   .interval_ms = g->round.interval_ms,
                                   .silent = pm_time_before(g->now, g->reach.silent_until),
                                   .loss = g->death.loss,
                                   .fails_to_lose = pm_death_fails(&g->death, 0),
                                   .coordinate = g->coordinate,
                                   .pulls = g->counts.pulls,
                                   .probes = g->counts.probes,
                                   .lookups = g->counts.lookups,
                                   .requests = g->counts.requests};
  fill_sizes(g, out);
  fill_budgets(g, out->budgets);
  memcpy(out->changes, g->counts.changes, sizeof out->changes);
  memcpy(out->refusals, g->counts.refusals, sizeof out->refusals);
  memcpy(out->bounds, g->bounds.refused, sizeof out->bounds);
}
