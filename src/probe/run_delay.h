/* The run delay of the thread that opened it: for how long in all it was ready to run and got no
 * processor. As thousands of probes may ask in one turn of the loop, the kernel is asked at most
 * once in a millisecond of the loop's time.
 */
#ifndef PM_PROBE_RUN_DELAY_H
#define PM_PROBE_RUN_DELAY_H

#include <stdbool.h>
#include <stdint.h>

/* Fields are its own. */
struct pm_run_delay {
  int fd; /* -1: it stays 0 */
  uint64_t read_at_ms;
  int64_t ns;
};

/* With on false, and where the kernel does not tell, it stays 0. */
void pm_run_delay_open(struct pm_run_delay *delay, bool on);
void pm_run_delay_close(struct pm_run_delay *delay);

/* now_ms: the loop's (uv_now). */
int64_t pm_run_delay_ns(struct pm_run_delay *delay, uint64_t now_ms);

#endif
