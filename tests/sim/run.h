/* What pingmesh-sim does with scenarios: run one, compare with what the design promises, run many
 * seeds, or prove that deliberate faults are caught. Each returns the process's exit code.
 */
#ifndef PM_SIM_RUN_H
#define PM_SIM_RUN_H

#include "options.h"

/* What was not given is the scenario's. */
void sim_options_complete(struct sim_options *options);
int sim_run_one(const struct sim_options *options);
int sim_run_report(const struct sim_options *options);
int sim_run_soak(const struct sim_options *options, uint32_t runs);
int sim_run_mutants(const struct sim_options *options);

#endif
