/* How far to trust a sample: from what the kernel and the clocks told of its probe to a verdict.
 * Pure.
 *
 * Three things tell that we, not the path, were slow. Lag: the kernel's stamp of an event against
 * our clock when we looked; it sees everything that kept us, another process, a quota, our own work
 * on other probes, but only where there is an event. The run delay of our thread (schedstat),
 * summed over the probe; it misses what some kernels do not count while a quota is used up. And the
 * time that we took to send the request, which begins a phase.
 */
#ifndef PM_PROBE_VERDICT_H
#define PM_PROBE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "probe/sample.h"

enum {
  /* Who has the processor looks within some tens of microseconds; who has to wait for another's
   * turn waits for a slice of the scheduler, 3 ms by default and 0.75 ms at the least. */
  PM_VERDICT_LAG_NS_MAX = PM_NS_PER_MS,
  /* Run delay is of the whole thread, and most of it may have been at the cost of other probes or
   * of none: it counts if it is as much as that at once and this share of the probe, too. */
  PM_VERDICT_RUN_DELAY_SHARE_MIN = 10, /* one tenth */
  /* Of what a probe may take, the path must have had this share before its silence is its own. */
  PM_VERDICT_PATH_SHARE_MIN = 2, /* one half */
};

/* From outcome, TOTAL, loop_lag_ns, run_delay_ns and connection. Starved outweighs retransmitted,
 * which the connection still tells. */
enum pm_verdict pm_verdict_of(const struct pm_sample *sample);

/* Whether a time-out was our own: something had come that we did not look at in time (unseen), or
 * we were late for so much of the limit (withheld_ns, all lags together) that the path had too
 * little of it. Such a probe failed on our side, and is no loss. */
bool pm_verdict_timeout_is_ours(bool unseen, int64_t withheld_ns, int64_t run_delay_ns,
                                int64_t limit_ns);

#endif
