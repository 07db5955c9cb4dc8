#include <fnmatch.h>
#include <stdio.h>

#include "gossip/mutation.h"
#include "run.h"
#include "scenario.h"

/* Deliberate faults in the core, one a rule: the scenario beside each must find it, and must be
 * good without it. */

#ifdef PM_MUTATIONS

enum pm_mutation pm_mutation_chosen;

static const struct mutant {
  enum pm_mutation mutation;
  const char *name, *scenario;
  uint32_t nodes, attackers, members_max;
  double minutes;
} mutants[] = {
    {PM_MUTATION_FAILURE_BUDGET, "failure-budget", "attack-chorus", 40, 20, 0, 15},
    {PM_MUTATION_SPECULATION, "speculation", "attack-chorus", 40, 1, 0, 10},
    {PM_MUTATION_REWARD, "reward", "attack-flapping", 40, 50, 0, 60},
    {PM_MUTATION_ADDRESS_LIMIT, "address-limit", "attack-claims", 40, 10, 0, 10},
    {PM_MUTATION_SCOPE, "scope", "attack-chorus", 40, 10, 0, 5},
    {PM_MUTATION_HEARSAY, "hearsay", "converge", 60, 0, 0, 2},
    {PM_MUTATION_QUORUM, "quorum", "attack-chorus", 40, 10, 0, 5},
    {PM_MUTATION_VERIFY_RATE, "verify-rate", "converge", 200, 0, 0, 1},
    {PM_MUTATION_FRESHNESS, "freshness", "kill", 150, 0, 160, 15},
    {PM_MUTATION_SELF, "self", "lb-seed", 100, 0, 0, 3},
    {PM_MUTATION_SHARE, "share", "sybil", 40, 200, 128, 30},
    {PM_MUTATION_DEATH, "death", "kill", 60, 0, 0, 25},
    {PM_MUTATION_LISTING, "listing", "kill", 60, 0, 0, 15},
    {PM_MUTATION_CONSENT, "consent", "attack-claims", 40, 10, 0, 5},
    {PM_MUTATION_PACE, "pace", "pace", 40, 0, 0, 5},
    {PM_MUTATION_BRAKE, "brake", "brake", 320, 0, 0, 68},
    {PM_MUTATION_REACH, "reach", "reach", 40, 0, 0, 6},
    {PM_MUTATION_NETWORK, "network", "attack-network", 40, 10, 0, 10},
    {PM_MUTATION_DEPTH, "depth", "depth", 40, 10, 0, 5},
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
  sim_options_complete(&o);
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
    if (options->rows && fnmatch(options->rows, m->name, 0) != 0) continue;
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
