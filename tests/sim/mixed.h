/* All faults at once, for a quarter of an hour, then peace: what the soak runs, many seeds over.
 */
#ifndef PM_SIM_MIXED_H
#define PM_SIM_MIXED_H

#include "world.h"

enum { SIM_MIXED_PEACE_S = 900 };

void sim_mixed_prepare(struct sim_world *w);
void sim_mixed_second(struct sim_world *w, int64_t second);

#endif
