/* What /metrics is made of: gathers the node's state and the process's figures for
 * publish/prometheus.
 */
#ifndef PM_NODE_EXPOSITION_H
#define PM_NODE_EXPOSITION_H

#include "base/buf.h"
#include "node/turns.h"
#include "publish/prometheus.h"

/* Fills the view's process and loop, and writes it. The caller fills the rest. */
void pm_exposition_write(struct pm_prometheus_view *view, struct pm_turns *turns,
                         struct pm_buf *out);

#endif
