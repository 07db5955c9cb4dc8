/* Folding the hours of months into the 168 of a week. Pure. Nothing of it is kept: 400 days of a
 * pair are 9,600 rows, folded in some tens of milliseconds, and a table would have to be made for
 * every zone and phase.
 */
#ifndef PM_STORE_PROFILE_H
#define PM_STORE_PROFILE_H

#include <stdint.h>

#include "base/err.h"
#include "probe/slot.h"
#include "store/answer.h"

struct pm_profile_folding;

/* At most PM_STORE_ROWS_MAX hours are taken. PM_ERR_NOMEM. */
enum pm_err pm_profile_folding_new(enum pm_phase phase, const struct pm_zone *zone,
                                   struct pm_profile_folding **out) PM_MUST_USE;
void pm_profile_folding_free(struct pm_profile_folding *folding);
/* minute: the beginning of the hour, since 1970 UTC. */
void pm_profile_fold(struct pm_profile_folding *folding, int64_t minute,
                     const struct pm_slot_sum *hour);
/* Once. PM_ERR_NOMEM. */
enum pm_err pm_profile_finish(struct pm_profile_folding *folding,
                              struct pm_profile *out) PM_MUST_USE;

/* The hour of the week, 0: Monday from midnight, of that hour's middle. */
int pm_profile_cell_of(int64_t minute, const struct pm_zone *zone);

#endif
