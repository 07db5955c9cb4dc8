/* What the nodes of the scenarios on rows measure: a path between two nodes with its noise, its day
 * and its detours, and the window of ten minutes from which a node makes a cell. The daemon's
 * windows (probe/window.h) are histograms; these keep the samples, which are few.
 */
#ifndef PM_SIM_ROWS_PATHS_H
#define PM_SIM_ROWS_PATHS_H

#include "analysis/cell.h"
#include "world.h"

enum { SIM_PATH_SAMPLES = 60 /* ten minutes at an interval of 10 s */ };

struct sim_path {
  float rtt_ms[SIM_PATH_SAMPLES]; /* of the last probes; 0: failed */
  uint32_t sent;                  /* ever */
  uint32_t successes, fails_in_a_row;
  float latest_ms, jitter_ms;
};

/* One round trip as a measures it:
 *   geography + a day's swing (a third of the pairs, 20 % up and down) + queueing, which is
 *   exponential with a mean of 2 % and 0.1 ms; each hundredth waits up to twice as long
 * and, where the scenario has detours, more on the way from a to b than from b to a. */
float sim_path_draw_ms(struct sim_world *w, uint32_t a, uint32_t b);
/* Such a pair: a's calls take 5 ms and 15 % more. One pair in ten. */
bool sim_path_is_detour(const struct sim_world *w, uint32_t a, uint32_t b);

void sim_path_add(struct sim_path *path, bool ok, float rtt_ms);
/* False if nothing was sent yet. */
bool sim_path_cell(const struct sim_path *path, struct pm_cell *out);

#endif
