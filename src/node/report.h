/* What the node tells on standard error about its targets, in the original's words. A failed probe
 * is two lines, and while a network is down they all fail: what is beyond a budget is counted. That
 * a target is given up is always said.
 */
#ifndef PM_NODE_REPORT_H
#define PM_NODE_REPORT_H

#include "base/log.h"
#include "node/log_budget.h"
#include "probe/sample.h"
#include "probe/target.h"

void pm_report_added(const struct pm_log *log, const struct pm_target_spec *spec);
/* Of failures. */
void pm_report_budget_init(struct pm_log_budget *failures, struct pm_time now);
/* After the target has recorded it. location: ours. detail: why the probe failed, "" for a success.
 */
void pm_report_sample(const struct pm_log *log, struct pm_log_budget *failures,
                      const char *location, const struct pm_target *target,
                      const struct pm_sample *sample, const char *detail);
void pm_report_ended(const struct pm_log *log, const struct pm_target *target);
void pm_report_came_back(const struct pm_log *log, const struct pm_target *target);

#endif
