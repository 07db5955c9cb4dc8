/* A scenario for each rule that bounds how hard a node knocks or how fast it grows. What each rule
 * forbids is in check_rules.c; here the world is made such that it would happen.
 */
#ifndef PM_SIM_RULES_H
#define PM_SIM_RULES_H

#include "world.h"

enum { SIM_BRAKE_NEWCOMERS_S = 3900, SIM_RESTART_S = 180 };

/* Half of the nodes want to be probed every 30 s at most. */
void sim_prepare_pace(struct sim_world *w);
/* Twenty nodes for more than an hour, then all others at once. */
void sim_prepare_brake(struct sim_world *w);
/* Some cannot be reached, and must have understood it at the end. */
void sim_prepare_reach(struct sim_world *w);
bool sim_judge_reach(struct sim_world *w);
/* Every third node follows two hops only. */
void sim_prepare_depth(struct sim_world *w);
/* Everybody goes and comes back, the master does not. */
void sim_prepare_restart(struct sim_world *w);
void sim_second_restart(struct sim_world *w, int64_t second);

#endif
