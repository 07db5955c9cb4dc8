/* How much may be said of one kind of event: beyond the budget, events are counted instead of
 * written, and told as a number with the next line. Neither a fault that hits thousands of targets
 * nor a stranger may fill the log.
 */
#ifndef PM_NODE_LOG_BUDGET_H
#define PM_NODE_LOG_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "gossip/bucket.h"

struct pm_log_budget {
  struct pm_bucket bucket;
  uint64_t unsaid; /* since the latest that was said */
};

/* One event every step_ms in the long run, burst of them at once. */
void pm_log_budget_init(struct pm_log_budget *budget, int64_t step_ms, int64_t burst,
                        struct pm_time now);
/* False, and counted, if too much was said lately. True: out_unsaid is how many were not said
 * before this one, and they are forgotten. */
bool pm_log_budget_take(struct pm_log_budget *budget, struct pm_time now, uint64_t *out_unsaid);

#endif
