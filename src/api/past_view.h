/* What is known of the past, as JSON and as pages without script: a smoke plot with its table, the
 * hours of a week as a table, the list of pairs. Pure. Every string may hold any bytes.
 */
#ifndef PM_API_PAST_VIEW_H
#define PM_API_PAST_VIEW_H

#include "api/past.h"
#include "base/buf.h"

/* What ask.kind says. */
void pm_past_view_json(const struct pm_past_ask *ask, const struct pm_past_answer *answer,
                       struct pm_buf *out);
void pm_past_view_html(const struct pm_past_ask *ask, const struct pm_past_answer *answer,
                       struct pm_buf *out);

#endif
