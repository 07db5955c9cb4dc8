/* The scenarios on rows: what every node is to know of all paths, and what that may cost. */
#ifndef PM_SIM_ROWS_JUDGE_H
#define PM_SIM_ROWS_JUDGE_H

#include "world.h"

/* Everybody grows together; from SIM_ROWS_SETTLED_S on every node is to hold nearly all cells, at
 * few bytes; at SIM_ROWS_KILL_S half of them die. */
enum { SIM_ROWS_SETTLED_S = 180, SIM_ROWS_KILL_S = 420, SIM_ROWS_MINUTES = 11 };

void sim_rows_prepare(struct sim_world *w);
/* The same with detours: what is slower in one direction is to be found, and nothing else. */
void sim_rows_prepare_detours(struct sim_world *w);
/* Each pings a few of the others, and liars pass on forged rows. */
void sim_rows_prepare_liars(struct sim_world *w);
void sim_rows_lie(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);

void sim_rows_judge_second(struct sim_world *w, int64_t second);
bool sim_rows_judge(struct sim_world *w);
void sim_rows_lies_second(struct sim_world *w, int64_t second);
bool sim_rows_judge_lies(struct sim_world *w);

#endif
