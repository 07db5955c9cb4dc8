#include "gossip/gossip.h"

#include <string.h>
#include <xxhash.h>

#include "gossip/core.h"

/* --- made once -------------------------------------------------------------------------------- */

static size_t carve(struct pm_gossip *g, uint8_t *base, const struct pm_gossip_config *config) {
  struct pm_arena arena = {.base = base};
  (void)pm_arena_take(&arena, 1, sizeof *g);
  pm_table_carve(&g->table, &arena, config);
  pm_refusals_carve(&g->refusals, &arena, config->refused_max);
  pm_rewards_carve(&g->rewards, &arena, config->rewards_max);
  pm_address_limit_carve(&g->addresses, &arena, config->addresses_max);
  pm_bounds_carve(&g->bounds, &arena, config->addresses_max);
  g->active = pm_arena_take(&arena, config->active_max, sizeof *g->active);
  g->places = pm_arena_take(&arena, config->members_max, sizeof *g->places);
  g->ranks = pm_arena_take(&arena, config->members_max, sizeof *g->ranks);
  return arena.used;
}

size_t pm_gossip_size(const struct pm_gossip_config *config) {
  struct pm_gossip g;
  return carve(&g, NULL, config);
}

static void set_rate(struct pm_bucket *bucket, const struct pm_gossip_rate *rate,
                     struct pm_time now) {
  pm_bucket_init(bucket, rate->step_ms, rate->burst, now);
}

static void init_rates(struct pm_gossip *g, struct pm_time now) {
  const struct pm_gossip_config *c = &g->config;
  set_rate(&g->verify, &c->verify, now);
  set_rate(&g->speculative, &c->speculative, now);
  set_rate(&g->claim, &c->claim, now);
  set_rate(&g->inbound, &c->inbound, now);
  set_rate(&g->hint, &c->hint, now);
  set_rate(&g->total, &c->total, now);
  set_rate(&g->page, &c->page, now);
  pm_failure_budget_init(&g->failure, c->failure.burst, c->failure.step_ms, now);
}

/* Every secret from the one seed, each under a label of its own. */
static void init_secrets(struct pm_gossip *g, const uint8_t seed[PM_GOSSIP_SEED_BYTES]) {
  uint64_t *secrets[] = {&g->key_seed, &g->rank_seed, &g->group_seed, &g->secret[0], &g->secret[1]};
  for (uint64_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
    *secrets[i] = XXH3_64bits_withSeed(seed, PM_GOSSIP_SEED_BYTES, i + 1);
  if (g->config.key_seed) g->key_seed = g->config.key_seed;
  pm_rng_seed(&g->rng, XXH3_64bits_withSeed(seed, PM_GOSSIP_SEED_BYTES, 0));
}

static void init_state(struct pm_gossip *g, struct pm_time now) {
  pm_table_init(&g->table);
  memset(g->ranks, 0, g->config.members_max * sizeof *g->ranks);
  pm_refusals_init(&g->refusals);
  pm_rewards_init(&g->rewards, g->rank_seed + 1);
  pm_address_limit_init(&g->addresses, g->rank_seed ^ g->key_seed);
  pm_bounds_init(&g->bounds, g->rank_seed + 2);
  pm_death_init(&g->death);
  pm_vivaldi_init(&g->coordinate);
  if (pm_vivaldi_valid(&g->config.coordinate)) g->coordinate = g->config.coordinate;
  pm_kmv_init(&g->kmv);
  pm_ring_init(&g->ring);
  for (int q = 0; q < PM_QUEUE_COUNT; q++)
    g->ready[q] = (struct pm_ready){.head = PM_NO_SLOT, .tail = PM_NO_SLOT};
  pm_round_init(g);
  g->rotate_at = pm_time_add_ms(now, g->config.rotate_ms);
  g->brake.window = pm_time_add_ms(now, g->config.brake_after_ms);
  g->speculation = (struct pm_core_speculation){.at = now};
}

struct pm_gossip *pm_gossip_init(void *mem, const struct pm_gossip_config *config,
                                 const uint8_t seed[PM_GOSSIP_SEED_BYTES], struct pm_time now) {
  static const struct pm_policy no_rules;
  struct pm_gossip *g = mem;
  memset(g, 0, sizeof *g);
  g->config = *config;
  if (!g->config.policy) g->config.policy = &no_rules;
  g->now = g->started = now;
  carve(g, mem, config);
  init_secrets(g, seed);
  init_rates(g, now);
  init_state(g, now);
  return g;
}

/* --- for all parts ---------------------------------------------------------------------------- */

uint64_t pm_core_nonce(struct pm_gossip *g) {
  uint64_t count = ++g->nonces;
  uint64_t nonce = pm_siphash(g->secret, &count, sizeof count);
  return nonce ? nonce : 1;
}

int64_t pm_core_jitter_ms(struct pm_gossip *g, int64_t ms, unsigned percent) {
  int64_t spread = ms * percent / 100;
  return pm_rng_between(&g->rng, ms - spread, ms + spread);
}

uint32_t pm_core_verified(const struct pm_gossip *g) {
  return g->table.sets[PM_SET_VERIFIED].count;
}

bool pm_core_keyed(const struct pm_gossip *g) {
  return g->config.auth.mac != NULL;
}

uint64_t pm_core_key(const struct pm_gossip *g, const struct pm_contact *contact) {
  uint64_t key = pm_contact_hash(contact, g->key_seed);
  return key ? key : 1;
}

void pm_core_change(struct pm_gossip *g, enum pm_change kind, enum pm_refusal_reason reason,
                    const struct pm_member *m, const struct pm_contact *contact) {
  g->counts.changes[kind]++;
  if (kind == PM_CHANGE_REFUSED) g->counts.refusals[reason]++;
  if (g->out->changes_count == PM_GOSSIP_CHANGES_MAX) {
    g->out->changes_dropped++;
    return;
  }
  g->out->changes[g->out->changes_count++] =
      (struct pm_gossip_change){.kind = kind,
                                .reason = reason,
                                .handle = m ? pm_table_handle(&g->table, m) : 0,
                                .contact = m ? m->contact : *contact};
}

struct pm_gossip_send *pm_core_send(struct pm_gossip *g) {
  if (g->out->sends_count == PM_GOSSIP_SENDS_MAX) return NULL;
  return &g->out->sends[g->out->sends_count++];
}

/* The one way out of the table: queues, budgets and counts are left in order. */
void pm_core_drop(struct pm_gossip *g, struct pm_member *m) {
  pm_dial_dequeue(g, m);
  if (m->in_flight) pm_dial_settle(g, m, false);
  pm_active_remove(g, m);
  pm_admit_leave_source(g, m);
  if (m->state == PM_MEMBER_VERIFIED || m->state == PM_MEMBER_SUSPECT) pm_sampling_count(g, m, -1);
  pm_table_drop(&g->table, m);
}

/* --- timers ----------------------------------------------------------------------------------- */

static enum pm_dial refresh_reason(const struct pm_gossip *g, const struct pm_member *m) {
  (void)g;
  if (m->fails > 0) return PM_DIAL_SUSPECT;
  return m->reason == PM_DIAL_HINT ? PM_DIAL_HINT : PM_DIAL_REFRESH;
}

static void forget(struct pm_gossip *g, struct pm_member *m) {
  pm_core_change(g, PM_CHANGE_FORGOTTEN, PM_REFUSAL_NONE, m, NULL);
  pm_core_drop(g, m);
}

static bool fire_member(struct pm_gossip *g, struct pm_member *m) {
  struct pm_time welcome = pm_dial_welcome(g, m);
  if (!pm_time_before(g->now, welcome)) return pm_dial_probe(g, m, refresh_reason(g, m));
  pm_table_set_due(&g->table, m, welcome);
  return true;
}

/* False if the step can send no more. */
static bool fire(struct pm_gossip *g, struct pm_member *m) {
  if (m->in_flight) { /* its end was never reported */
    pm_result_failed(g, m, PM_REFUSAL_UNREACHABLE);
    return true;
  }
  switch ((enum pm_member_state)m->state) {
  case PM_MEMBER_VERIFIED:
  case PM_MEMBER_SUSPECT:
    return fire_member(g, m);
  case PM_MEMBER_CANDIDATE:
  case PM_MEMBER_LOCAL:
    pm_table_set_due(&g->table, m, PM_TIME_NEVER);
    m->resolving = false;
    pm_dial_enqueue(g, m);
    return true;
  case PM_MEMBER_HEARD:
  case PM_MEMBER_LOST:
    forget(g, m);
    return true;
  case PM_MEMBER_SELF:
  case PM_MEMBER_FREE:
  case PM_MEMBER_STATE_COUNT:
    break;
  }
  pm_table_set_due(&g->table, m, PM_TIME_NEVER);
  return true;
}

static void run_timers(struct pm_gossip *g) {
  for (;;) {
    struct pm_member *m = pm_table_first_due(&g->table);
    if (!m || pm_time_before(g->now, pm_table_first_at(&g->table))) return;
    if (!fire(g, m)) return;
  }
}

/* --- stepping --------------------------------------------------------------------------------- */

static void forget_handle(struct pm_gossip *g, uint64_t handle) {
  struct pm_member *m = pm_table_by_handle(&g->table, handle);
  if (m) forget(g, m);
}

static void dispatch(struct pm_gossip *g, const struct pm_gossip_event *event) {
  switch (event->kind) {
  case PM_GOSSIP_TICK:
    break;
  case PM_GOSSIP_REQUEST:
    pm_serve_request(g, event);
    break;
  case PM_GOSSIP_PONG:
    pm_result_pong(g, event);
    break;
  case PM_GOSSIP_ANSWER:
    pm_answer_take(g, event);
    break;
  case PM_GOSSIP_LOCAL_ADD:
    pm_admit_local(g, event->local);
    break;
  case PM_GOSSIP_LOCAL_REMOVE:
    pm_admit_remove_local(g, event->local);
    break;
  case PM_GOSSIP_RESOLVED:
    pm_result_resolved(g, event);
    break;
  case PM_GOSSIP_RESTORE:
    pm_admit_restored(g, event->restore);
    break;
  case PM_GOSSIP_RESTORE_LOST:
    pm_admit_tombstone(g, event->lost);
    break;
  case PM_GOSSIP_RESTORE_REFUSED:
    pm_refusals_restore(&g->refusals, event->refused, g->now);
    break;
  case PM_GOSSIP_FORGET:
    forget_handle(g, event->forget);
    break;
  }
}

static void run_brake(struct pm_gossip *g) {
  if (pm_time_before(g->now, g->brake.window)) return;
  g->brake.window = pm_time_add_ms(g->now, 3600 * 1000);
  g->brake.base = pm_core_verified(g);
  if (g->brake.base == 0) g->brake.base = 1;
}

void pm_gossip_step(struct pm_gossip *g, const struct pm_gossip_event *event,
                    struct pm_gossip_update *out) {
  out->sends_count = 0;
  out->changes_count = 0;
  out->changes_dropped = 0;
  out->has_reply = out->asked_by_peer = false;
  out->proved = (struct pm_node_id){0};
  out->old_word = 0;
  g->out = out;
  if (pm_time_before(g->now, event->now)) g->now = event->now;
  dispatch(g, event);
  run_brake(g);
  run_timers(g);
  pm_round_run(g);
  pm_dial_pump(g);
  pm_active_run(g);
  pm_bounds_check_tables(g);
  g->out = NULL;
}

void pm_gossip_set_keys(struct pm_gossip *g, unsigned keys) {
  if (pm_core_keyed(g) && keys > 0 && keys <= PM_GOSSIP_KEYS_MAX) g->config.auth.keys = keys;
}

struct pm_time pm_gossip_deadline(const struct pm_gossip *g) {
  struct pm_time at = pm_time_min(pm_round_deadline(g), pm_dial_deadline(g));
  at = pm_time_min(at, pm_table_first_at(&g->table));
  if (g->active_count < pm_core_verified(g)) at = pm_time_min(at, g->rotate_at);
  return at;
}
