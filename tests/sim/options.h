/* What a simulation is asked to do. Plain data, filled from the command line.
 */
#ifndef PM_SIM_OPTIONS_H
#define PM_SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct sim_scenario;

#define SIM_CHURN_USUAL 0.05

struct sim_options {
  uint32_t nodes;
  uint32_t attackers;
  uint32_t members_max; /* 0: by the number of nodes */
  uint64_t seed;
  double minutes; /* 0: the scenario's own length */
  double loss;
  double churn;     /* of the nodes a minute */
  double old_share; /* of the nodes: old ones */
  double nat_share; /* of the nodes: cannot be reached from outside */
  const struct sim_scenario *scenario;
  const char *matrix; /* file of round-trip times; NULL: synthetic geography */
  const char *label;  /* of a report's row: progress comes as lines under this name */
  const char *rows;   /* of the report and the mutants: names like this only; NULL: all */
  bool quick;         /* of the report: small ones only */
  bool whole;         /* all minutes, though all know all */
  bool json;
  bool quiet;  /* no progress */
  bool silent; /* violations are counted, not printed */
  bool keyed;
  bool model_pings; /* the plan's pings take a short cut past the bytes at any size */
};

#endif
