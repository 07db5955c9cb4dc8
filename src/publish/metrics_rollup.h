/* Rows of single targets made into rows of places, whose counters only ever grow: targets come and
 * go, learn where they are and are added to other places, and a sum over those that are there would
 * fall each time, which whoever reads counters takes for a restart and counts all of it anew. So a
 * place's counters are the sums of what its targets counted from one time to the next. What a
 * target counted between the last time and its end is lost, and nothing else.
 *
 * Places that have a name keep it; those beyond the maximum, and one that calls itself so, are
 * "other". Pure.
 */
#ifndef PM_PUBLISH_METRICS_ROLLUP_H
#define PM_PUBLISH_METRICS_ROLLUP_H

#include <stddef.h>

#include "base/err.h"
#include "publish/metrics_rows.h"

struct pm_metrics_rollup;

/* PM_ERR_NOMEM. */
enum pm_err pm_metrics_rollup_new(struct pm_metrics_rollup **out) PM_MUST_USE;
void pm_metrics_rollup_free(struct pm_metrics_rollup *rollup);

/* In place: rows by target, in the roster's order, become rows by place, places_max (at least 1)
 * with a name at the most and "other" behind them. Gauges are of the targets that are there.
 * PM_ERR_NOMEM: rows are not to be used. */
enum pm_err pm_metrics_rollup_apply(struct pm_metrics_rollup *rollup, struct pm_metrics_rows *rows,
                                    size_t places_max) PM_MUST_USE;

#endif
