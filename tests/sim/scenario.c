#include "scenario.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attackers.h"
#include "check.h"
#include "gossip/view.h"
#include "mixed.h"
#include "rows_judge.h"
#include "rules.h"

enum { S = 1000000000 };

/* --- starting --------------------------------------------------------------------------------- */

static void start_all(struct sim_world *w, int64_t within_ms) {
  sim_world_start_at(w, 0, 0);
  for (uint32_t i = 1; i < w->members; i++)
    sim_world_start_at(w, i, pm_rng_between(&w->rng, 0, within_ms) * 1000000);
}

static void start_attackers(struct sim_world *w, int64_t at_ns) {
  for (uint32_t i = w->members; i < w->count; i++) sim_world_start_at(w, i, at_ns);
}

static void mix_in(struct sim_world *w) {
  uint32_t old = (uint32_t)(w->options.old_share * w->members);
  uint32_t nat = (uint32_t)(w->options.nat_share * w->members);
  for (uint32_t i = 0; i < old && i + 1 < w->members; i++) w->nodes[1 + i].kind = SIM_OLD;
  for (uint32_t i = 0; i < nat && i + 1 < w->members; i++) w->nodes[w->members - 1 - i].nat = true;
}

void sim_prepare_plain(struct sim_world *w) {
  mix_in(w);
  start_all(w, 3000);
  start_attackers(w, 30ll * S);
}

/* --- faults ----------------------------------------------------------------------------------- */

uint32_t sim_random_member(struct sim_world *w) {
  return 1 + (uint32_t)pm_rng_below(&w->rng, w->members - 1);
}

static void second_seed_death(struct sim_world *w, int64_t second) {
  if (second == 10) sim_world_kill(w, 0);
}

enum { KILL_S = 300, CHURN_S = 300, SPLIT_S = 300, HEAL_S = 900 };

static void second_kill(struct sim_world *w, int64_t second) {
  if (second != KILL_S) return;
  uint32_t wanted = w->members * 3 / 10;
  for (uint32_t killed = 0; killed < wanted;) {
    uint32_t i = sim_random_member(w);
    if (!w->nodes[i].alive) continue;
    sim_world_kill(w, i);
    killed++;
  }
}

/* A share of the nodes goes each minute, and as many come (back). */
static void second_churn(struct sim_world *w, int64_t second) {
  if (second < CHURN_S) return;
  double per_s = w->options.churn * w->members / 60;
  uint32_t count = (uint32_t)per_s + (pm_rng_unit(&w->rng) < per_s - (uint32_t)per_s);
  for (uint32_t k = 0; k < count; k++) {
    uint32_t i = sim_random_member(w);
    if (!w->nodes[i].alive) continue;
    sim_world_kill(w, i);
    sim_world_start_at(w, i, w->now_ns + pm_rng_between(&w->rng, 60, 600) * S);
  }
}

static void prepare_partition(struct sim_world *w) {
  sim_prepare_plain(w);
  for (uint32_t i = 0; i < w->count; i++) w->nodes[i].side = i % 2;
}

static void second_partition(struct sim_world *w, int64_t second) {
  if (second == SPLIT_S) w->partitioned = true;
  if (second == HEAL_S) w->partitioned = false;
}

/* --- places ----------------------------------------------------------------------------------- */

static void set_address(struct sim_node *n, const char *text, uint16_t port) {
  if (pm_ip_parse(text, &n->contact.ip) != PM_OK) abort();
  n->contact.port = port;
  n->source = n->contact.ip;
  snprintf(n->contact.host, sizeof n->contact.host, "%s", text);
}

static void prepare_lan(struct sim_world *w) {
  for (uint32_t i = 0; i < w->members; i++) {
    char text[32];
    snprintf(text, sizeof text, "10.1.%u.%u", 1 + i / 250, 1 + i % 250);
    set_address(&w->nodes[i], text, SIM_PORT);
  }
  w->seed_contact = w->nodes[0].contact;
  sim_prepare_plain(w);
}

static void prepare_one_ip(struct sim_world *w) {
  for (uint32_t i = 0; i < w->members; i++)
    set_address(&w->nodes[i], "127.0.0.1", (uint16_t)(SIM_PORT + i));
  w->seed_contact = w->nodes[0].contact;
  sim_prepare_plain(w);
}

/* What others see when a node calls is not where it can be reached. */
static void prepare_ingress(struct sim_world *w) {
  for (uint32_t i = 1; i < w->members; i++) {
    w->nodes[i].source = w->nodes[i].contact.ip;
    w->nodes[i].source.bytes[3] ^= 0x80;
  }
  sim_prepare_plain(w);
}

static void prepare_lb_seed(struct sim_world *w) {
  w->lb_seed = true;
  w->seed_contact.ip = sim_public_ip(56000, 77);
  snprintf(w->seed_contact.host, sizeof w->seed_contact.host, "seed.example.net");
  sim_prepare_plain(w);
}

static void prepare_nat(struct sim_world *w) {
  if (w->options.nat_share <= 0) w->options.nat_share = 0.2;
  sim_prepare_plain(w);
}

static void prepare_old(struct sim_world *w) {
  if (w->options.old_share <= 0) w->options.old_share = 0.3;
  sim_prepare_plain(w);
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct sim_scenario scenarios[] = {
    {.name = "converge",
     .what = "all start within 3 s, one master",
     .minutes = 10,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain},
     .stops_when_full = true},
    {.name = "loss",
     .what = "the same, exchanges fail (--loss, else 10 %)",
     .minutes = 10,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain},
     .stops_when_full = true},
    {.name = "seed-death",
     .what = "the master dies after 10 s",
     .minutes = 10,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain, .second = second_seed_death},
     .stops_when_full = true},
    {.name = "kill",
     .what = "30 % die at once after 5 min",
     .minutes = 25,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain, .second = second_kill}},
    {.name = "churn",
     .what = "5 % (--churn) a minute go and come",
     .minutes = 30,
     .target = 0.8,
     .hooks = {.prepare = sim_prepare_plain, .second = second_churn}},
    {.name = "partition",
     .what = "halves cannot reach each other from 5 to 15 min",
     .minutes = 25,
     .target = 0.98,
     .from_s = HEAL_S,
     .within_s = 180,
     .hooks = {.prepare = prepare_partition, .second = second_partition}},
    {.name = "mixed",
     .what = "all faults and some liars for 15 min, then peace",
     .minutes = 35,
     /* Not more: who failed in the storms is not tried again on strangers' word for an hour, and
      * the liars keep the failure budget empty. */
     .target = 0.90,
     .from_s = SIM_MIXED_PEACE_S,
     .attackers = 4,
     .hooks = {.prepare = sim_mixed_prepare,
               .second = sim_mixed_second,
               .attack_reply = sim_reply_lies,
               .attack_body = sim_body_endless,
               .attack_self = sim_claim_lies}},
    {.name = "restart",
     .what = "all but the master restart after 3 min, with what they saved",
     .minutes = 8,
     .target = 0.99,
     .from_s = SIM_RESTART_S,
     .hooks = {.prepare = sim_prepare_restart, .second = sim_second_restart}},
    {.name = "pace",
     .what = "half want a probe every 30 s at most",
     .minutes = 8,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_pace}},
    {.name = "brake",
     .what = "20 nodes for an hour, then all others at once",
     .minutes = 75,
     .target = 0.95,
     .from_s = SIM_BRAKE_NEWCOMERS_S,
     .hooks = {.prepare = sim_prepare_brake}},
    {.name = "reach",
     .what = "20 % (--nat) cannot be reached, and understand it",
     .minutes = 8,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_reach, .judge = sim_judge_reach}},
    {.name = "depth",
     .what = "a third follow 2 hops, attackers list what is too deep",
     .minutes = 8,
     .target = 0.99,
     .attackers = 10,
     .hooks = {.prepare = sim_prepare_depth, .attack_reply = sim_reply_deep}},
    {.name = "attack-flapping",
     .what = "attackers come back every few minutes, to earn new failures",
     .minutes = 60,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain,
               .second = sim_second_flapping,
               .attack_reply = sim_reply_flapping,
               .attack_self = sim_claim_flapping}},
    {.name = "attack-network",
     .what = "attackers list all addresses of four /24s",
     .minutes = 30,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain, .attack_reply = sim_reply_networks}},
    {.name = "attack-victim",
     .what = "attackers name one address under all names and ports",
     .minutes = 60,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_victim, .attack_reply = sim_reply_victim}},
    {.name = "attack-claims",
     .what = "the same, and claim to be it whenever they contact anybody",
     .minutes = 60,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_victim,
               .attack_reply = sim_reply_victim,
               .attack_self = sim_claim_victim}},
    {.name = "attack-blackholes",
     .what = "attackers list a million addresses where nobody is",
     .minutes = 60,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain, .attack_reply = sim_reply_blackholes}},
    {.name = "attack-chorus",
     .what = "the same, and all list the same ones at a time",
     .minutes = 60,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain, .attack_reply = sim_reply_chorus}},
    {.name = "sybil",
     .what = "attackers answer, in eight networks, and list each other",
     .minutes = 90,
     .target = 0.9,
     .hooks = {.prepare = sim_prepare_sybil, .attack_reply = sim_reply_sybil},
     .share_max = 0.5},
    {.name = "nat",
     .what = "20 % (--nat) cannot be reached",
     .minutes = 10,
     .target = 0.99,
     .hooks = {.prepare = prepare_nat},
     .stops_when_full = true},
    {.name = "old-nodes",
     .what = "30 % (--old) are old nodes",
     .minutes = 10,
     .target = 0.99,
     .hooks = {.prepare = prepare_old},
     .stops_when_full = true},
    {.name = "lan",
     .what = "all in one private /16",
     .minutes = 5,
     .target = 0.99,
     .within_s = 60,
     .hooks = {.prepare = prepare_lan},
     .stops_when_full = true},
    {.name = "one-ip",
     .what = "all ports of one address",
     .minutes = 5,
     .target = 0.99,
     .within_s = 60,
     .hooks = {.prepare = prepare_one_ip},
     .stops_when_full = true},
    {.name = "ingress",
     .what = "seen from another address than the announced one",
     .minutes = 5,
     .target = 0.99,
     .within_s = 60,
     .hooks = {.prepare = prepare_ingress},
     .stops_when_full = true},
    {.name = "lb-seed",
     .what = "the seed's name leads to any member",
     .minutes = 5,
     .target = 0.99,
     .within_s = 60,
     .hooks = {.prepare = prepare_lb_seed},
     .stops_when_full = true},
    {.name = "rows",
     .what = "every node holds the whole matrix, and half of them die",
     .minutes = SIM_ROWS_MINUTES,
     .target = 0.99,
     .hooks = {.prepare = sim_rows_prepare,
               .second = sim_rows_judge_second,
               .judge = sim_rows_judge}},
    {.name = "rows-detours",
     .what = "the same; one pair in ten is slower in one direction",
     .minutes = SIM_ROWS_MINUTES,
     .target = 0.99,
     .hooks = {.prepare = sim_rows_prepare_detours,
               .second = sim_rows_judge_second,
               .judge = sim_rows_judge}},
    {.name = "rows-liars",
     .what = "each node pings 12 others, liars pass on forged rows",
     .minutes = 8,
     .target = 0.95,
     .attackers = 4,
     .hooks = {.prepare = sim_rows_prepare_liars,
               .second = sim_rows_lies_second,
               .attack_reply = sim_rows_lie,
               .judge = sim_rows_judge_lies}},
    {.name = "wan",
     .what = "converge over --matrix",
     .minutes = 10,
     .target = 0.99,
     .hooks = {.prepare = sim_prepare_plain},
     .stops_when_full = true},
};

const struct sim_scenario *sim_scenario_find(const char *name) {
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
    if (strcmp(scenarios[i].name, name) == 0) return &scenarios[i];
  return NULL;
}

uint32_t sim_scenario_attackers(const struct sim_scenario *s) {
  enum { USUAL = 50 };
  return s->attackers > 0 ? s->attackers : s->hooks.attack_reply ? USUAL : 0;
}

void sim_scenario_list(FILE *out) {
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
    fprintf(out, "  %-18s %s\n", scenarios[i].name, scenarios[i].what);
}

void sim_print_replay(FILE *out, const struct sim_options *o) {
  fprintf(out, "pingmesh-sim --scenario %s --nodes %u --seed %" PRIu64, o->scenario->name, o->nodes,
          o->seed);
  fprintf(out, " --minutes %g --loss %g", o->minutes, o->loss);
  if (o->attackers != sim_scenario_attackers(o->scenario))
    fprintf(out, " --attackers %u", o->attackers);
  if (o->members_max) fprintf(out, " --max-peers %u", o->members_max);
  if (o->old_share > 0) fprintf(out, " --old %g", o->old_share);
  if (o->nat_share > 0) fprintf(out, " --nat %g", o->nat_share);
  if (o->churn != SIM_CHURN_USUAL) fprintf(out, " --churn %g", o->churn);
  if (o->matrix) fprintf(out, " --matrix %s", o->matrix);
  fprintf(out, "%s%s\n", o->whole ? " --whole" : "", o->keyed ? " --key" : "");
}

/* --- running ---------------------------------------------------------------------------------- */

static double percentile(const struct sim_world *w, double share) {
  uint64_t total = 0, seen = 0;
  for (size_t s = 0; s < SIM_FORGET_S_MAX; s++) total += w->stats.forgotten[s];
  for (size_t s = 0; s < SIM_FORGET_S_MAX; s++) {
    seen += w->stats.forgotten[s];
    if (total > 0 && (double)seen >= share * (double)total) return (double)s;
  }
  return 0;
}

static double attacker_share(const struct sim_world *w) {
  double most = 0;
  for (uint32_t i = 0; i < w->members && w->count > w->members; i++) {
    uint32_t held = 0;
    for (uint32_t j = w->members; j < w->count; j++) held += sim_world_knows(w, i, j);
    if ((double)held / w->members_max > most) most = (double)held / w->members_max;
  }
  return most;
}

/* Of all entries of tables: how many are dead nodes. */
static double dead_share(const struct sim_world *w) {
  uint64_t held = 0, dead = 0;
  for (uint32_t i = 0; w->knows && i < w->members; i++) {
    if (!w->nodes[i].core) continue;
    for (uint32_t j = 0; j < w->count; j++) {
      if (!sim_world_knows(w, i, j)) continue;
      held++;
      dead += !w->nodes[j].alive;
    }
  }
  return held == 0 ? 0 : (double)dead / (double)held;
}

/* Rows of a report run side by side: a line each simulated minute or so. */
static void progress_line(const struct sim_world *w, double coverage) {
  enum { EVERY_S = 60 };
  if (w->now_ns / S % EVERY_S != 0) return;
  fprintf(stderr, "%s: %.0f of %.0f s, known %.2f %%\n", w->options.label, (double)w->now_ns / 1e9,
          (double)w->end_ns / 1e9, 100 * coverage);
}

static void progress(const struct sim_world *w, double coverage) {
  if (w->options.quiet) return;
  if (w->options.label) {
    progress_line(w, coverage);
    return;
  }
  fprintf(stderr, "\r%6.0f s  known %6.2f %%  requests %" PRIu64 "  violations %" PRIu64 " ",
          (double)w->now_ns / 1e9, 100 * coverage, w->stats.requests,
          sim_check_violations(w->check));
}

static uint64_t refused_by_cores(const struct sim_world *w) {
  uint64_t refused = 0;
  for (uint32_t i = 0; i < w->members; i++) {
    struct pm_gossip_status status;
    if (!w->nodes[i].core) continue;
    pm_gossip_status(w->nodes[i].core, &status);
    for (int b = 0; b < PM_BOUND_COUNT; b++) refused += status.bounds[b];
  }
  return refused;
}

static void count_pulls(const struct sim_world *w, struct sim_outcome *out) {
  uint64_t pulls = 0, bytes = 0, honest = 0;
  for (uint32_t i = 0; i < w->members; i++) {
    if (w->nodes[i].kind != SIM_HONEST) continue;
    honest++;
    pulls += w->nodes[i].pulls;
    bytes += w->nodes[i].bytes;
  }
  out->pulls_per_node = (double)pulls / (double)honest;
  out->kb_per_node = (double)bytes / 1000 / (double)honest;
}

static void sum_up(struct sim_world *w, struct sim_outcome *out) {
  if (out->pulls_per_node < 0) count_pulls(w, out);
  out->coverage = sim_world_coverage(w);
  out->zombies = sim_world_zombies(w);
  out->forget_p50_s = percentile(w, 0.5);
  out->forget_p99_s = percentile(w, 0.99);
  out->attacker_share = attacker_share(w);
  out->dead_share = dead_share(w);
  out->victim_bound = 2 * (uint64_t)w->count;
  out->violations = sim_check_violations(w->check);
  out->refused_by_core = refused_by_cores(w);
}

struct sim_outcome sim_scenario_run(struct sim_world *w) {
  const struct sim_scenario *s = w->options.scenario;
  struct sim_outcome out = {.t99_s = -1, .t100_s = -1, .pulls_per_node = -1};
  bool on = true;
  for (int64_t second = 1; on; second++) {
    on = sim_world_run(w, second * S);
    double at_s = (double)w->now_ns / 1e9;
    if (at_s < s->from_s || (w->members > 300 && second % 2 == 1 && on)) continue;
    double coverage = sim_world_coverage(w);
    if (out.t99_s < 0 && coverage >= s->target) out.t99_s = at_s - s->from_s;
    if (out.t100_s < 0 && coverage >= 1) out.t100_s = at_s - s->from_s;
    if (second % 10 == 0 || !on) progress(w, coverage);
    if (!s->stops_when_full || out.t100_s < 0) continue;
    if (out.pulls_per_node < 0) count_pulls(w, &out);
    if (!w->options.whole) break;
  }
  if (!w->options.quiet && !w->options.label) fprintf(stderr, "\n");
  sum_up(w, &out);
  double within_s = s->within_s;
  if (within_s <= 0) within_s = w->options.minutes * 60;
  out.reached = out.t99_s >= 0 && out.t99_s <= within_s;
  if (w->hooks.judge && !w->hooks.judge(w)) out.reached = false;
  if (s->share_max > 0 && out.attacker_share > s->share_max) out.reached = false;
  out.good = out.reached && out.violations == 0 && out.refused_by_core == 0 && out.zombies == 0;
  return out;
}
