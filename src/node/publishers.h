/* Opens the sinks that the options name (but for the console, which is always there) and hands them
 * to the node's publisher, with the one HTTP client that they share. Also what the options
 * --cloudwatch-forecast and --cloudwatch-dashboard print.
 */
#ifndef PM_NODE_PUBLISHERS_H
#define PM_NODE_PUBLISHERS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "node/options.h"
#include "publish/sink.h"

struct uv_loop_s;
struct pm_publishers;

/* location: ours. The sinks become the publisher's; on failure, too, for those opened so far. */
enum pm_err pm_publishers_open(struct uv_loop_s *loop, const struct pm_options *options,
                               const char *location, const struct pm_log *log,
                               struct pm_publisher *publisher, struct pm_publishers **out,
                               struct pm_why *why) PM_MUST_USE;
/* After the publisher has been closed. NULL is fine; calls closed, maybe at once, and frees. */
void pm_publishers_close(struct pm_publishers *publishers, void (*closed)(void *owner),
                         void *owner);

/* PM_ERR_NOMEM. */
enum pm_err pm_publishers_forecast(const struct pm_options *options,
                                   struct pm_buf *out) PM_MUST_USE;
/* For the region that the environment names, else us-east-1. */
void pm_publishers_dashboard(struct pm_buf *out);

#endif
