/* The scenarios: what happens to the world, and what must come of it.
 */
#ifndef PM_SIM_SCENARIO_H
#define PM_SIM_SCENARIO_H

#include <stdio.h>

#include "world.h"

/* What was seen over a run, one row of the report. */
struct sim_outcome {
  double t99_s, t100_s; /* since the event that the scenario waits for; negative: never */
  double coverage;      /* at the end */
  double pulls_per_node, kb_per_node; /* of a scenario that stops when all know all: until then */
  uint64_t zombies;
  uint64_t victim_bound;
  double dead_share;     /* of all tables' entries: nodes that are dead at the end */
  double attacker_share; /* most of one honest table that attackers hold */
  double forget_p50_s, forget_p99_s;
  bool reached;             /* what the scenario asks for */
  uint64_t violations;      /* seen by the account beside the cores */
  uint64_t refused_by_core; /* bounds that cores had to hold themselves */
  bool good;                /* all of it */
};

struct sim_scenario {
  const char *name;
  const char *what; /* one line for people */
  double minutes;   /* its usual length */
  double from_s;    /* t99 and t100 count from here */
  double within_s;  /* 0: or there must be coverage of target within so long */
  double target;
  uint32_t attackers; /* 0: as many as usual, if they answer */
  struct sim_hooks hooks;
  bool stops_when_full; /* at t100 */
  double share_max;     /* 0: or attackers may hold no more of a table */
};

const struct sim_scenario *sim_scenario_find(const char *name);
uint32_t sim_scenario_attackers(const struct sim_scenario *scenario);
void sim_scenario_list(FILE *out);
/* Runs to the end and judges. */
struct sim_outcome sim_scenario_run(struct sim_world *w);
/* For those who prepare a world: everybody starts within 3 s, attackers after 30 s. */
void sim_prepare_plain(struct sim_world *w);
/* Any but the master. */
uint32_t sim_random_member(struct sim_world *w);
void sim_print_replay(FILE *out, const struct sim_options *options);

#endif
