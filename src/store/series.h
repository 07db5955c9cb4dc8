/* Rows in the database: adding a minute, adding up a stretch, merging shorter rows into longer
 * ones. Blocks. Everything here is between pm_database_begin and its end; failures stick there.
 */
#ifndef PM_STORE_SERIES_H
#define PM_STORE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/slot.h"
#include "store/database.h"

/* Adds a packed slot at that minute, to whatever is there. False: it is too old or not sound, and
 * counted as refused. */
bool pm_series_put(struct pm_database *db, int64_t pair, int64_t minute, const uint8_t *slot,
                   size_t count);
/* The same with a row. */
bool pm_series_put_row(struct pm_database *db, int64_t pair, int64_t minute, const uint8_t *row,
                       size_t count);

/* Adds what is known of [since, until), in rows of that tier as far as they are made, in shorter
 * ones where they are not yet. Both ends are multiples of the tier's length. */
void pm_series_add_span(struct pm_database *db, enum pm_tier tier, int64_t pair, int64_t since,
                        int64_t until, struct pm_slot_sum *sum);

/* Makes up to so many longer rows whose time was over by now; true if any was to be made. */
bool pm_series_merge_due(struct pm_database *db, int64_t now, int64_t max);
bool pm_series_any_pending(struct pm_database *db, enum pm_tier tier, int64_t before);

/* The beginning of the earliest row of that tier; INT64_MAX: there is none. */
int64_t pm_series_earliest(struct pm_database *db, enum pm_tier tier);
/* Deletes what begins before the horizon, and sets it. */
void pm_series_set_horizon(struct pm_database *db, enum pm_tier tier, int64_t horizon);

#endif
