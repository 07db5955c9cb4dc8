/* The body of a CloudWatch dashboard for what publish/cloudwatch sends, as
 * `aws cloudwatch put-dashboard --dashboard-body` takes it. Pure.
 *
 * Every widget searches (SEARCH), so that new nodes appear by themselves. Two variables at the top
 * choose the locations A and B of the comparison of directions.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_DASHBOARD_H
#define PM_PUBLISH_CLOUDWATCH_DASHBOARD_H

#include "base/buf.h"

enum { PM_CLOUDWATCH_DASHBOARD_BYTES_MAX = 64 * 1024 };

/* region: where the metrics are. Ends with a line end. */
void pm_cloudwatch_dashboard_print(const char *region, struct pm_buf *out);

#endif
