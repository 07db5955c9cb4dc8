#include <string.h>

#include "gossip/core.h"

/* Pulls: one neighbour a round, soon again while verified members grow, ever more rarely after. */

enum {
  GROWTH_PERCENT = 10,
  SLOWER_PERCENT = 150,
  SLOWER_GROWING_PERCENT = 125, /* while it grows by less */
  JITTER_PERCENT = 25,
  QUIET_ROUNDS = 3,
  PULL_GUARD_MS = 15000,
  SEED_AGAIN_MS = 900 * 1000,
  OLD_NODE_ODDS = 8, /* an old node's answer is ten times as large: asked so much more rarely */
  PICKS = 8,
  NEW_WANTED = 64, /* new endpoints that one answer may bring, as admission counts them */
  NEW_WANTED_FULL = 32,
};

/* --- whom ------------------------------------------------------------------------------------- */

static bool seeds_rest(const struct pm_gossip *g) {
  return pm_core_verified(g) >= PM_CORE_FEW && g->round.quiet >= QUIET_ROUNDS;
}

static bool is_healthy(const struct pm_member *m) {
  return m->state == PM_MEMBER_VERIFIED && m->fails == 0;
}

static struct pm_member *random_seed(struct pm_gossip *g) {
  const struct pm_table_set *set = &g->table.sets[PM_SET_VERIFIED];
  struct pm_member *chosen = NULL;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < set->count; i++) {
    struct pm_member *m = pm_table_at(&g->table, set->slots[i]);
    if (m->local && is_healthy(m) && pm_rng_below(&g->rng, ++seen) == 0) chosen = m;
  }
  return chosen;
}

static struct pm_member *random_neighbour(struct pm_gossip *g, bool with_seeds) {
  const struct pm_table_set *set = &g->table.sets[PM_SET_VERIFIED];
  for (int i = 0; i < PICKS && set->count > 0; i++) {
    uint32_t at = (uint32_t)pm_rng_below(&g->rng, set->count);
    struct pm_member *m = pm_table_at(&g->table, set->slots[at]);
    if (!is_healthy(m) || (m->local && !with_seeds)) continue;
    bool old = pm_table_detail(&g->table, m)->old_node;
    /* A newcomer's seed is worth asking, old or not: it may be the only one that knows the rest. */
    bool needed = m->local && pm_core_verified(g) < PM_CORE_FEW;
    if (old && !needed && pm_rng_below(&g->rng, OLD_NODE_ODDS) != 0) continue;
    return m;
  }
  return NULL;
}

/* Seeds are never given up, but in a settled mesh of N̂ nodes they hear from each of them so
 * rarely that all together ask them ten times a second at most. */
static struct pm_member *choose(struct pm_gossip *g) {
  bool rest = seeds_rest(g);
  if (rest && !pm_time_before(g->now, g->round.seeds_at)) {
    int64_t wait_ms = (int64_t)(pm_kmv_estimate(&g->kmv) / 10 * 1000);
    if (wait_ms < SEED_AGAIN_MS) wait_ms = SEED_AGAIN_MS;
    g->round.seeds_at = pm_time_add_ms(g->now, pm_core_jitter_ms(g, wait_ms, JITTER_PERCENT));
    struct pm_member *seed = random_seed(g);
    if (seed) return seed;
  }
  struct pm_member *m = random_neighbour(g, !rest);
  return m ? m : random_seed(g);
}

/* --- what for --------------------------------------------------------------------------------- */

/* Known for good: members, those about to be tried, other names of members, ourselves. Not the
 * lost (they need a fresh testimony), and the heard only while one testimony is enough: at the end.
 */
static const enum pm_set known_sets[] = {PM_SET_VERIFIED, PM_SET_CANDIDATE, PM_SET_SELF,
                                         PM_SET_HEARD};

static size_t known_sets_count(const struct pm_gossip *g) {
  size_t count = sizeof known_sets / sizeof known_sets[0];
  return pm_dial_speculates(g) ? count : count - 1;
}

static uint32_t count_known(const struct pm_gossip *g) {
  uint32_t count = g->table.aliases_count;
  for (size_t s = 0; s < known_sets_count(g); s++) count += g->table.sets[known_sets[s]].count;
  return count;
}

static void add_known(struct pm_wire_request *request, uint64_t pub) {
  uint64_t salted = pm_bloom_salted(pub, request->salt);
  if (pm_bloom_part(salted, request->parts) == request->part) pm_bloom_add(&request->bloom, salted);
}

static void fill_bloom(const struct pm_gossip *g, uint32_t known, struct pm_wire_request *request) {
  pm_bloom_init(&request->bloom, (known + request->parts - 1) / request->parts);
  for (size_t s = 0; s < known_sets_count(g); s++) {
    const struct pm_table_set *set = &g->table.sets[known_sets[s]];
    for (uint32_t i = 0; i < set->count; i++)
      add_known(request, pm_table_at(&g->table, set->slots[i])->pub);
  }
  for (uint32_t i = 0; g->table.aliases_count > 0 && i < g->table.aliases_max; i++)
    if (g->table.aliases[i].owner != PM_NO_SLOT) add_known(request, g->table.aliases[i].pub);
}

/* No more than can be of use: what may be new, and seconds for what was heard once. Of that, little
 * is ever better than what a full table has. */
static unsigned wanted(const struct pm_gossip *g) {
  uint32_t limit = NEW_WANTED;
  if (pm_core_verified(g) >= g->config.members_max) limit = NEW_WANTED_FULL;
  if (!pm_dial_speculates(g)) limit += g->table.sets[PM_SET_HEARD].count;
  return limit > PM_WIRE_LIMIT_MAX ? PM_WIRE_LIMIT_MAX : limit;
}

/* All parts in turn under one salt, so that everything is asked for in so many rounds; then another
 * salt, so that a false positive does not last and nobody can crowd one part. */
static void next_part(struct pm_gossip *g, uint32_t parts) {
  struct pm_core_round *r = &g->round;
  r->part++;
  if (r->part < parts && r->parts == parts) return;
  r->part = 0;
  r->parts = parts;
  r->salt = (uint32_t)pm_core_nonce(g);
}

static void fill_wants(struct pm_gossip *g, struct pm_wire_request *request) {
  uint32_t known = count_known(g);
  uint32_t parts = (known + PM_BLOOM_KEYS - 1) / PM_BLOOM_KEYS;
  request->limit = wanted(g);
  request->short_entries = true;
  request->parts = parts == 0 ? 1 : parts > PM_BLOOM_PARTS_MAX ? PM_BLOOM_PARTS_MAX : parts;
  next_part(g, request->parts);
  request->part = g->round.part;
  request->salt = g->round.salt;
  request->has_bloom = known > 0;
  if (known > 0) fill_bloom(g, known, request);
}

static bool pull(struct pm_gossip *g, struct pm_member *m) {
  struct pm_gossip_send *send = pm_core_send(g);
  if (!send) return false;
  send->kind = PM_GOSSIP_SEND_PULL;
  send->why = PM_DIAL_REFRESH;
  send->plain = pm_table_detail(&g->table, m)->old_node;
  send->to = m->contact;
  pm_dial_request(g, m, true, &send->request);
  fill_wants(g, &send->request);
  send->token = (struct pm_gossip_token){pm_table_handle(&g->table, m), send->request.nonce};
  g->round.pulling = true;
  g->round.token = send->token;
  g->round.sent = g->now;
  g->round.brought = 0;
  g->counts.pulls++;
  return true;
}

/* --- a lost one a round ----------------------------------------------------------------------- */

static void retry_lost(struct pm_gossip *g) {
  const struct pm_table_set *lost = &g->table.sets[PM_SET_LOST];
  for (int i = 0; i < PICKS && lost->count > 0; i++) {
    uint32_t at = (uint32_t)pm_rng_below(&g->rng, lost->count);
    struct pm_member *m = pm_table_at(&g->table, lost->slots[at]);
    if (m->in_flight || m->queue != PM_QUEUE_NONE || pm_time_before(g->now, m->next_retry))
      continue;
    if (pm_bucket_take(&g->total, g->now)) (void)pm_dial_probe(g, m, PM_DIAL_LOST_RETRY);
    return;
  }
}

/* --- when ------------------------------------------------------------------------------------- */

/* A pull that can only add to what waits to be dialled already is put off. */
static int64_t wait_ms(const struct pm_gossip *g) {
  int64_t backlog_ms = pm_dial_backlog_ms(g);
  if (backlog_ms < g->round.interval_ms) return g->round.interval_ms;
  return backlog_ms < g->config.round_max_ms ? backlog_ms : g->config.round_max_ms;
}

/* Driven by verified successes alone: a liar cannot keep it fast. A pull without an answer is made
 * up for at once by one of somebody else, but once a round: who never answers can double the pulls.
 */
void pm_round_end(struct pm_gossip *g, bool answered) {
  struct pm_core_round *r = &g->round;
  r->again = !answered && !r->again;
  if (r->again) {
    r->pulling = false;
    r->at = pm_time_add_ms(r->sent, pm_core_jitter_ms(g, g->config.round_min_ms, JITTER_PERCENT));
    return;
  }
  uint64_t verified = pm_core_verified(g), before = r->verified_before;
  bool grows = verified * 100 >= before * (100 + GROWTH_PERCENT) && verified > before;
  int64_t slower_ms =
      r->interval_ms * (verified > before ? SLOWER_GROWING_PERCENT : SLOWER_PERCENT) / 100;
  r->interval_ms = grows                                ? g->config.round_min_ms
                   : slower_ms > g->config.round_max_ms ? g->config.round_max_ms
                                                        : slower_ms;
  r->verified_before = (uint32_t)verified;
  r->quiet = r->brought > 0 ? 0 : r->quiet + 1;
  r->pulling = false;
  r->at = pm_time_add_ms(r->sent, pm_core_jitter_ms(g, wait_ms(g), JITTER_PERCENT));
}

/* Many may start together, with one seed: their pulls come when their first probes of it are over,
 * and it has somebody to tell of. */
void pm_round_init(struct pm_gossip *g) {
  int64_t round_ms = g->config.round_min_ms;
  int64_t first_ms = pm_rng_between(&g->rng, round_ms * 3 / 2, round_ms * 2);
  g->round = (struct pm_core_round){.at = pm_time_add_ms(g->now, first_ms),
                                    .interval_ms = g->config.round_min_ms,
                                    .seeds_at = g->now};
}

static bool waits_for_members(const struct pm_gossip *g) {
  return !g->config.grow || pm_core_verified(g) == 0;
}

static struct pm_time guard(const struct pm_gossip *g) {
  return pm_time_add_ms(g->round.sent, PULL_GUARD_MS);
}

void pm_round_run(struct pm_gossip *g) {
  if (g->round.pulling && !pm_time_before(g->now, guard(g))) pm_round_end(g, false);
  if (g->round.pulling || pm_time_before(g->now, g->round.at)) return;
  retry_lost(g);
  struct pm_member *m = waits_for_members(g) ? NULL : choose(g);
  if (m && pm_bucket_take(&g->total, g->now) && pull(g, m)) return;
  g->round.at = pm_time_add_ms(g->now, g->config.round_min_ms);
}

struct pm_time pm_round_deadline(const struct pm_gossip *g) {
  if (g->round.pulling) return guard(g);
  if (waits_for_members(g) && g->table.sets[PM_SET_LOST].count == 0) return PM_TIME_NEVER;
  return g->round.at;
}
