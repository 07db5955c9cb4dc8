#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "check.h"
#include "gossip/mutation.h"
#include "scenario.h"

void sim_options_complete(struct sim_options *o) {
  if (o->minutes <= 0) o->minutes = o->scenario->minutes;
  if (o->loss <= 0 && strcmp(o->scenario->name, "loss") == 0) o->loss = 0.1;
  if (o->attackers == 0 && o->scenario->hooks.attack_reply) o->attackers = 50;
}

static void print_json(const struct sim_world *w, const struct sim_outcome *out) {
  struct pm_buf buf;
  struct pm_json_writer j;
  pm_buf_init(&buf, 8192);
  pm_json_writer_init(&j, &buf, true);
  pm_json_object_begin(&j, NULL);
  pm_json_put_string(&j, "scenario", w->options.scenario->name);
  pm_json_put_uint(&j, "nodes", w->options.nodes);
  pm_json_put_uint(&j, "attackers", w->options.attackers);
  pm_json_put_uint(&j, "seed", w->options.seed);
  pm_json_put_uint(&j, "table", w->members_max);
  pm_json_put_double(&j, "t99_s", out->t99_s, 1);
  pm_json_put_double(&j, "t100_s", out->t100_s, 1);
  pm_json_put_double(&j, "coverage", out->coverage, 4);
  pm_json_put_double(&j, "pulls_per_node", out->pulls_per_node, 1);
  pm_json_put_double(&j, "kb_per_node", out->kb_per_node, 1);
  pm_json_put_uint(&j, "seed_peak_rps", w->stats.seed_peak_rps);
  pm_json_put_uint(&j, "zombies", out->zombies);
  pm_json_put_double(&j, "forget_p50_s", out->forget_p50_s, 0);
  pm_json_put_double(&j, "forget_p99_s", out->forget_p99_s, 0);
  pm_json_put_uint(&j, "victim_probes", w->stats.victim_probes);
  pm_json_put_uint(&j, "victim_worst", w->stats.victim_worst);
  pm_json_put_uint(&j, "victim_bound", out->victim_bound);
  pm_json_put_double(&j, "attacker_share", out->attacker_share, 4);
  pm_json_put_uint(&j, "core_bytes", w->core_bytes);
  pm_json_put_bool(&j, "reached", out->reached);
  pm_json_put_uint(&j, "violations", out->violations);
  pm_json_object_end(&j);
  printf("%s\n", buf.data);
  pm_buf_deinit(&buf);
}

static void print_table(const struct sim_world *w, const struct sim_outcome *out) {
  printf("%-18s %8s %6s %8s %8s %8s %8s %9s %9s %8s %8s %10s\n", "scenario", "nodes", "table",
         "target s", "all s", "known %", "pulls", "kB", "seed r/s", "zombies", "victim",
         "violations");
  printf("%-18s %8u %6u %8.0f %8.0f %8.2f %8.1f %9.1f %9" PRIu64 " %8" PRIu64 " %8" PRIu64
         " %10" PRIu64 "\n",
         w->options.scenario->name, w->options.nodes, w->members_max, out->t99_s, out->t100_s,
         100 * out->coverage, out->pulls_per_node, out->kb_per_node, w->stats.seed_peak_rps,
         out->zombies, w->stats.victim_probes, out->violations);
  if (out->forget_p99_s > 0)
    printf("the dead were forgotten after %.0f s (p50), %.0f s (p99)\n", out->forget_p50_s,
           out->forget_p99_s);
  if (w->options.attackers > 0)
    printf("attackers: worst victim %" PRIu64 " probes, bound %" PRIu64
           " in the first hour; at most %.1f %% of a table\n",
           w->stats.victim_worst, out->victim_bound, 100 * out->attacker_share);
  if (w->count > SIM_WIRE_NODES_MAX || w->options.model_pings)
    printf("routine pings of the probe plan were modelled, not sent as bytes\n");
  if (w->count > SIM_CHECK_NODES_MAX)
    printf("only I1, I6, I7, I9 and I10 were checked (more than %d nodes)\n", SIM_CHECK_NODES_MAX);
  printf("one core takes %.2f MB; digest %016" PRIx64 "\n", (double)w->core_bytes / 1e6,
         w->stats.digest);
}

int sim_run_one(const struct sim_options *options) {
  struct sim_world *w = sim_world_new(options, &options->scenario->hooks);
  struct sim_outcome out = sim_scenario_run(w);
  if (options->json)
    print_json(w, &out);
  else
    print_table(w, &out);
  if (!out.good) {
    fprintf(stderr, "NOT REACHED; replay: ");
    sim_print_replay(stderr, &w->options);
  }
  sim_world_free(w);
  return out.good ? 0 : 1;
}

/* --- the report ------------------------------------------------------------------------------- */

/* What the design's throw-away simulator reached: ours is to be at least as good. */
static const struct promise {
  const char *scenario;
  uint32_t nodes, attackers;
  double loss, minutes;
  double t99_s, t100_s, pulls, kb; /* 0: not promised */
  double forget_p50_s, forget_p99_s;
  uint64_t victim_probes;
} promises[] = {
    {"converge", 10, 0, 0, 10, 9, 9, 4, 3.5, 0, 0, 0},
    {"converge", 100, 0, 0, 10, 14, 17, 7, 18, 0, 0, 0},
    {"converge", 1000, 0, 0, 10, 101, 158, 29, 273, 0, 0, 0},
    {"loss", 1000, 0, 0.1, 10, 140, 0, 0, 0, 0, 0, 0},
    {"loss", 1000, 0, 0.3, 10, 229, 0, 0, 0, 0, 0, 0},
    {"seed-death", 1000, 0, 0, 10, 101, 0, 0, 0, 0, 0, 0},
    {"partition", 1000, 0, 0, 25, 120, 0, 0, 0, 0, 0, 0},
    {"kill", 1000, 0, 0, 25, 0, 0, 0, 0, 155, 389, 0},
    {"attack-victim", 1000, 1, 0, 60, 0, 0, 0, 0, 0, 0, 2002},
    {"attack-victim", 1000, 50, 0, 60, 0, 0, 0, 0, 0, 0, 2100},
    {"attack-victim", 1000, 200, 0, 60, 0, 0, 0, 0, 0, 0, 2400},
    {"lan", 300, 0, 0, 5, 60, 0, 0, 0, 0, 0, 0},
    {"one-ip", 300, 0, 0, 5, 60, 0, 0, 0, 0, 0, 0},
    {"ingress", 300, 0, 0, 5, 60, 0, 0, 0, 0, 0, 0},
    {"lb-seed", 300, 0, 0, 5, 60, 0, 0, 0, 0, 0, 0},
};

static void print_pair(double measured, double promised) {
  if (promised > 0)
    printf(" %7.0f (%5.0f)", measured, promised);
  else
    printf(" %7.0f        ", measured);
}

static bool report_row(const struct sim_options *base, const struct promise *p) {
  struct sim_options o = *base;
  o.scenario = sim_scenario_find(p->scenario);
  o.nodes = p->nodes;
  o.attackers = p->attackers;
  o.loss = p->loss;
  o.minutes = p->minutes;
  struct sim_world *w = sim_world_new(&o, &o.scenario->hooks);
  struct sim_outcome out = sim_scenario_run(w);
  printf("%-14s %5u %4u %3.0f%%", p->scenario, p->nodes, p->attackers, 100 * p->loss);
  print_pair(out.t99_s, p->t99_s);
  print_pair(out.t100_s, p->t100_s);
  print_pair(out.pulls_per_node, p->pulls);
  print_pair(out.kb_per_node, p->kb);
  print_pair(out.forget_p50_s, p->forget_p50_s);
  print_pair(out.forget_p99_s, p->forget_p99_s);
  print_pair((double)w->stats.victim_worst, (double)p->victim_probes);
  printf(" %s\n", out.good ? "" : "NOT GOOD");
  fflush(stdout);
  sim_world_free(w);
  return out.good;
}

int sim_run_report(const struct sim_options *options) {
  bool good = true;
  printf("measured (promised)\n%-14s %5s %4s %4s %15s %15s %15s %15s %15s %15s %15s\n", "scenario",
         "nodes", "att.", "loss", "target s", "all s", "pulls/node", "kB/node", "forgotten p50",
         "forgotten p99", "worst victim");
  for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++)
    good &= report_row(options, &promises[i]);
  return good ? 0 : 1;
}

/* --- many seeds ------------------------------------------------------------------------------- */

int sim_run_soak(const struct sim_options *options, uint32_t runs) {
  uint32_t bad = 0;
  struct sim_options o = *options;
  o.scenario = sim_scenario_find("mixed");
  o.nodes = 60;
  o.minutes = o.scenario->minutes;
  o.quiet = true;
  o.model_pings = !o.keyed;
  for (uint32_t run = 0; run < runs; run++) {
    o.seed = options->seed + run;
    struct sim_world *w = sim_world_new(&o, &o.scenario->hooks);
    struct sim_outcome out = sim_scenario_run(w);
    if (!out.good) {
      bad++;
      printf("\nseed %" PRIu64 ": %" PRIu64 " violations, %" PRIu64
             " zombies, known %.2f %%; replay: ",
             o.seed, out.violations + out.refused_by_core, out.zombies, 100 * out.coverage);
      sim_print_replay(stdout, &o);
    }
    sim_world_free(w);
    if (!options->quiet) fprintf(stderr, "\r%u of %u, %u bad ", run + 1, runs, bad);
  }
  if (!options->quiet) fprintf(stderr, "\n");
  printf("%u runs of mixed faults at %u nodes: %u bad\n", runs, o.nodes, bad);
  return bad == 0 ? 0 : 1;
}

/* --- mutants ---------------------------------------------------------------------------------- */

#ifdef PM_MUTATIONS

enum pm_mutation pm_mutation_chosen;

static const struct mutant {
  enum pm_mutation mutation;
  const char *name, *scenario;
  uint32_t nodes, attackers, members_max;
  double minutes;
} mutants[] = {
    {PM_MUTATION_FAILURE_BUDGET, "failure-budget", "attack-blackholes", 40, 20, 0, 15},
    {PM_MUTATION_ADDRESS_LIMIT, "address-limit", "attack-victim", 40, 10, 0, 10},
    {PM_MUTATION_SCOPE, "scope", "attack-blackholes", 40, 10, 0, 5},
    {PM_MUTATION_HEARSAY, "hearsay", "converge", 60, 0, 0, 2},
    {PM_MUTATION_QUORUM, "quorum", "attack-blackholes", 40, 10, 0, 5},
    {PM_MUTATION_VERIFY_RATE, "verify-rate", "converge", 200, 0, 0, 1},
    {PM_MUTATION_FRESHNESS, "freshness", "kill", 150, 0, 160, 15},
    {PM_MUTATION_SELF, "self", "lb-seed", 100, 0, 0, 3},
    {PM_MUTATION_SHARE, "share", "sybil", 40, 200, 128, 30},
    {PM_MUTATION_DEATH, "death", "kill", 60, 0, 0, 25},
    {PM_MUTATION_LISTING, "listing", "kill", 60, 0, 0, 15},
    {PM_MUTATION_CONSENT, "consent", "attack-victim", 40, 10, 0, 5},
};

/* Whether the run is found good; its findings are not printed, they are wanted. */
static bool is_good(const struct sim_options *base, const struct mutant *m,
                    enum pm_mutation mutation) {
  struct sim_options o = *base;
  o.scenario = sim_scenario_find(m->scenario);
  o.nodes = m->nodes;
  o.attackers = m->attackers;
  o.members_max = m->members_max;
  o.minutes = m->minutes;
  o.quiet = o.silent = true;
  pm_mutation_chosen = mutation;
  struct sim_world *w = sim_world_new(&o, &o.scenario->hooks);
  bool good = sim_scenario_run(w).good;
  sim_world_free(w);
  pm_mutation_chosen = PM_MUTATION_NONE;
  return good;
}

int sim_run_mutants(const struct sim_options *options) {
  int missed = 0;
  for (size_t i = 0; i < sizeof mutants / sizeof mutants[0]; i++) {
    const struct mutant *m = &mutants[i];
    bool sound = is_good(options, m, PM_MUTATION_NONE);
    bool caught = !is_good(options, m, m->mutation);
    printf("%-16s %-18s %s\n", m->name, m->scenario,
           !sound   ? "fails without the fault, too"
           : caught ? "caught"
                    : "NOT CAUGHT");
    fflush(stdout);
    missed += !sound || !caught;
  }
  return missed == 0 ? 0 : 1;
}

#else

int sim_run_mutants(const struct sim_options *options) {
  (void)options;
  fprintf(stderr, "pingmesh-sim: --mutants needs pingmesh-sim-mutant, built with PM_MUTATIONS\n");
  return 2;
}

#endif
