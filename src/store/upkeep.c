#include "store/upkeep.h"

#include "store/names.h"
#include "store/reported.h"
#include "store/series.h"

enum {
  MERGES_A_PIECE = 512, /* some 20 ms */
  REPORTS_A_PIECE = 16, /* of a hundred paths each: as long */
  LOOK_MIN = 10,        /* between looks at the horizons, see PM_TIER_STEP_MIN */
};

/* A tier's horizon waits until everything before it has been merged into the next one. */
static bool move(struct pm_database *db, enum pm_tier tier, int64_t horizon) {
  if (horizon <= db->horizons[tier]) return false;
  if (tier + 1 < PM_TIER_COUNT && pm_series_any_pending(db, tier + 1, horizon)) return false;
  pm_series_set_horizon(db, tier, horizon);
  return true;
}

static bool move_reported(struct pm_database *db, enum pm_report_tier tier, int64_t horizon) {
  if (horizon <= db->report_horizons[tier]) return false;
  if (tier == PM_REPORT_TEN && pm_reported_any_pending(db, horizon)) return false;
  pm_reported_set_horizon(db, tier, horizon);
  return true;
}

static void let_go_of_old(struct pm_upkeep *upkeep, struct pm_database *db, int64_t now) {
  for (enum pm_tier tier = 0; tier < PM_TIER_COUNT; tier++) {
    int64_t horizon = pm_tier_next_horizon(tier, &upkeep->keep, db->horizons[tier],
                                           pm_series_earliest(db, tier), now);
    move(db, tier, horizon);
  }
  for (enum pm_report_tier tier = 0; tier < PM_REPORT_TIER_COUNT; tier++) {
    int64_t horizon = pm_tier_next_report_horizon(tier, &upkeep->keep, db->report_horizons[tier],
                                                  pm_reported_earliest(db, tier), now);
    move_reported(db, tier, horizon);
  }
  int64_t reported = db->report_horizons[PM_REPORT_HOUR];
  pm_names_forget(db, db->horizons[PM_TIER_HOUR], reported > 0 ? reported : 1);
}

/* True if anything went. What others reported goes first, the longest past of it before all else.
 */
static bool make_room(struct pm_database *db, int64_t now) {
  for (int tier = PM_REPORT_TIER_COUNT - 1; tier >= 0; tier--) {
    int64_t horizon =
        pm_tier_tight_report_horizon((enum pm_report_tier)tier, db->report_horizons[tier],
                                     pm_reported_earliest(db, (enum pm_report_tier)tier), now);
    if (move_reported(db, (enum pm_report_tier)tier, horizon)) return true;
  }
  for (enum pm_tier tier = 0; tier < PM_TIER_COUNT; tier++) {
    int64_t horizon =
        pm_tier_tight_horizon(tier, db->horizons[tier], pm_series_earliest(db, tier), now);
    if (move(db, tier, horizon)) return true;
  }
  return false;
}

/* A clock that was set back looks again at once, and not only when it comes there again. */
static bool is_time_to_look(struct pm_upkeep *upkeep, int64_t now) {
  if (now >= upkeep->looked && now - upkeep->looked < LOOK_MIN) return false;
  upkeep->looked = now;
  return true;
}

enum pm_err pm_upkeep_piece(struct pm_upkeep *upkeep, struct pm_database *db, int64_t now,
                            bool *out_more, struct pm_why *why) {
  pm_database_begin(db);
  /* Room first: without it nothing can be merged either. */
  bool more = pm_database_is_tight(db) && make_room(db, now);
  if (!more) more = pm_series_merge_due(db, now, MERGES_A_PIECE);
  if (!more) more = pm_reported_merge_due(db, now, REPORTS_A_PIECE);
  if (!more && is_time_to_look(upkeep, now)) let_go_of_old(upkeep, db, now);
  enum pm_err err = pm_database_end(db, why);
  if (err == PM_OK && !more) pm_database_shrink(db);
  if (err == PM_OK) *out_more = more;
  return err;
}
