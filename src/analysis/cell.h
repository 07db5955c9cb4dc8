/* A cell of the matrix: how one node sees the path to another, as it says of itself. Plain values.
 *
 * The round trip is TCP's (SYN to SYN-ACK), in the kernel's clock where there is one; percentiles
 * are of the last ten minutes, loss is of probes. A round trip crosses the path both ways: what the
 * two directions of a pair differ in is said by analysis/asymmetry.h.
 */
#ifndef PM_ANALYSIS_CELL_H
#define PM_ANALYSIS_CELL_H

#include <stdbool.h>
#include <stdint.h>

#define PM_CELL_STATE_MAP(X)                                          \
  X(UNKNOWN, "unknown")   /* nobody measures it, or nobody told us */ \
  X(MEASURED, "measured") /* its latest probe succeeded */            \
  X(FAILED, "failed")     /* its latest probes failed */              \
  X(STALE, "stale")       /* nothing was heard of it for a while: says nothing of now */

enum pm_cell_state {
#define X(name, text) PM_CELL_##name,
  PM_CELL_STATE_MAP(X)
#undef X
      PM_CELL_STATE_COUNT
};
const char *pm_cell_state_text(enum pm_cell_state state);

/* Of the round trip. */
#define PM_CELL_QUANTILE_MAP(X) X(P25) X(P50) X(P75) X(P90) X(P99)
/* Medians of a probe's phases as libcurl and the kernel tell them; 0: the phase did not happen. */
#define PM_CELL_PHASE_MAP(X) X(DNS) X(TLS) X(FIRST) X(TOTAL)

enum pm_cell_quantile {
#define X(name) PM_CELL_##name,
  PM_CELL_QUANTILE_MAP(X)
#undef X
      PM_CELL_QUANTILE_COUNT
};
enum pm_cell_phase {
#define X(name) PM_CELL_PHASE_##name,
  PM_CELL_PHASE_MAP(X)
#undef X
      PM_CELL_PHASE_COUNT
};

struct pm_cell {
  enum pm_cell_state state;
  uint32_t every_s;    /* between its probes: a measured cell is at most that older than its row */
  uint32_t sent, lost; /* probes of the window; lost ones are those that failed */
  int64_t rtt_ns[PM_CELL_QUANTILE_COUNT]; /* ascending; all 0: no success in the window */
  int64_t jitter_ns;                      /* RFC 3550, of the round trip */
  int64_t phase_ns[PM_CELL_PHASE_COUNT];
};

#endif
