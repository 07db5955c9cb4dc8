/* The store's upkeep: longer rows are made, old ones go, and where there is no more room, the
 * reports of others first, then the oldest of the shortest. Blocks, for some milliseconds a piece.
 */
#ifndef PM_STORE_UPKEEP_H
#define PM_STORE_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/database.h"
#include "store/tier.h"

struct pm_upkeep {
  struct pm_tier_keep keep;
  int64_t looked; /* minute at which horizons were last looked at */
};

/* One piece, in a transaction. out_more: the next one may come at once. Errors as
 * pm_database_end. */
enum pm_err pm_upkeep_piece(struct pm_upkeep *upkeep, struct pm_database *db, int64_t now,
                            bool *out_more, struct pm_why *why) PM_MUST_USE;

#endif
