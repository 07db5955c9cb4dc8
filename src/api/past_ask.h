/* Reads what /v1/history and /v1/profile are asked for. Pure: the time comes with the call.
 */
#ifndef PM_API_PAST_ASK_H
#define PM_API_PAST_ASK_H

#include "api/form.h"
#include "api/past.h"
#include "base/clock.h"

/* Fields: from (default: this node), to, since, until, step, phase; zone and by for a week
 * (analysis/zone.h; "location"); after for pairs, which is what a series without "to" becomes. A
 * time is RFC 3339, "now", or "-6h" before now (s, m, h, d, w); a step is a length such as "10m" or
 * seconds. Without them: the last six hours, or four weeks for a week, by a step that makes at most
 * 400 rows. PM_ERR_SYNTAX, PM_ERR_RANGE, PM_ERR_TOO_LARGE, each with one sentence for the asker. */
enum pm_err pm_past_ask_read(const struct pm_form *form, enum pm_past_kind kind, struct pm_wall now,
                             struct pm_past_ask *out, struct pm_why *why) PM_MUST_USE;

#endif
