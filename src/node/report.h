/* What the node tells on standard error about its targets, in the original's words.
 */
#ifndef PM_NODE_REPORT_H
#define PM_NODE_REPORT_H

#include "base/log.h"
#include "probe/sample.h"
#include "probe/target.h"

void pm_report_added(const struct pm_log *log, const struct pm_target_spec *spec);
/* location: ours. detail: why the probe failed, "" for a success. */
void pm_report_sample(const struct pm_log *log, const char *location,
                      const struct pm_target *target, const struct pm_sample *sample,
                      const char *detail);
void pm_report_ended(const struct pm_log *log, const struct pm_target *target);
void pm_report_came_back(const struct pm_log *log, const struct pm_target *target);

#endif
