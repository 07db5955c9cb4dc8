/* For whoever looks into a run that was not good: who is not known, and who knows too little.
 */
#ifndef PM_SIM_EXPLAIN_H
#define PM_SIM_EXPLAIN_H

#include <stdio.h>

#include "world.h"

void sim_explain(const struct sim_world *w, FILE *out);

#endif
