#include "store/tier.h"

enum { HOUR = 60, DAY = 24 * HOUR };

static const int64_t LENGTHS[PM_TIER_COUNT] = {
#define X(name, table, minutes) [PM_TIER_##name] = (minutes),
    PM_TIER_MAP(X)
#undef X
};

/* Of each tier so much stays even where there is no room: what a page about now shows. */
static const int64_t TIGHT[PM_TIER_COUNT] = {
    [PM_TIER_MINUTE] = HOUR, [PM_TIER_TEN] = 6 * HOUR, [PM_TIER_HOUR] = DAY};

/* Of rows of each tier that go at once then: some per cent of all of them. */
static const int64_t TIGHT_STEPS[PM_TIER_COUNT] = {
    [PM_TIER_MINUTE] = 2 * HOUR, [PM_TIER_TEN] = 12 * HOUR, [PM_TIER_HOUR] = 5 * DAY};

static const int64_t REPORT_TIGHT[PM_REPORT_TIER_COUNT] = {
    [PM_REPORT_TEN] = 3 * HOUR, [PM_REPORT_HOUR] = DAY};
static const int64_t REPORT_TIGHT_STEPS[PM_REPORT_TIER_COUNT] = {
    [PM_REPORT_TEN] = 12 * HOUR, [PM_REPORT_HOUR] = 2 * DAY};

/* Reported rows of a mesh of a hundred, 9,900 pairs: a day of tens takes some 25 MB, one of hours
 * 5 MB (./dev bench store). */
struct pm_tier_keep pm_tier_keep_in_file(void) {
  return (struct pm_tier_keep){
      .minutes = {[PM_TIER_MINUTE] = 2 * DAY, [PM_TIER_TEN] = 30 * DAY, [PM_TIER_HOUR] = 400 * DAY},
      .reported = {[PM_REPORT_TEN] = 2 * DAY, [PM_REPORT_HOUR] = 90 * DAY}};
}

/* A day, and only three hours of it by the minute: some 50 KB a pair. */
struct pm_tier_keep pm_tier_keep_in_memory(void) {
  return (struct pm_tier_keep){
      .minutes = {[PM_TIER_MINUTE] = 3 * HOUR, [PM_TIER_TEN] = DAY, [PM_TIER_HOUR] = DAY},
      .reported = {[PM_REPORT_TEN] = 6 * HOUR, [PM_REPORT_HOUR] = DAY}};
}

int64_t pm_tier_minutes(enum pm_tier tier) {
  return LENGTHS[tier];
}

int64_t pm_tier_align(enum pm_tier tier, int64_t minute) {
  return minute - minute % LENGTHS[tier];
}

int64_t pm_tier_key(int64_t pair, int64_t minute) {
  return pair << PM_TIER_MINUTE_BITS | minute;
}

int64_t pm_tier_key_pair(int64_t key) {
  return key >> PM_TIER_MINUTE_BITS;
}

int64_t pm_tier_key_minute(int64_t key) {
  return key & PM_TIER_MINUTE_MAX;
}

enum pm_tier pm_tier_of(const int64_t horizons[PM_TIER_COUNT], int64_t minute) {
  for (int tier = 0; tier < PM_TIER_COUNT; tier++)
    if (pm_tier_align((enum pm_tier)tier, minute) >= horizons[tier]) return (enum pm_tier)tier;
  return PM_TIER_COUNT;
}

static int64_t whole_hours(int64_t minutes) {
  return minutes < 0 ? 0 : minutes - minutes % HOUR;
}

/* A horizon moves only past rows that are there: else a clock that is wrong while the store is
 * empty would put it where everything right is too old. */
static int64_t towards(int64_t limit, int64_t horizon, int64_t earliest, int64_t step) {
  if (limit <= horizon || earliest >= limit) return horizon;
  int64_t next = whole_hours(earliest > horizon ? earliest : horizon) + step;
  return next < limit ? next : limit;
}

int64_t pm_tier_next_horizon(enum pm_tier tier, const struct pm_tier_keep *keep, int64_t horizon,
                             int64_t earliest, int64_t now) {
  return towards(whole_hours(now - keep->minutes[tier]), horizon, earliest, PM_TIER_STEP_MIN);
}

int64_t pm_tier_tight_horizon(enum pm_tier tier, int64_t horizon, int64_t earliest, int64_t now) {
  return towards(whole_hours(now - TIGHT[tier]), horizon, earliest, TIGHT_STEPS[tier]);
}

int64_t pm_tier_next_report_horizon(enum pm_report_tier tier, const struct pm_tier_keep *keep,
                                    int64_t horizon, int64_t earliest, int64_t now) {
  return towards(whole_hours(now - keep->reported[tier]), horizon, earliest, PM_TIER_STEP_MIN);
}

int64_t pm_tier_tight_report_horizon(enum pm_report_tier tier, int64_t horizon, int64_t earliest,
                                     int64_t now) {
  return towards(whole_hours(now - REPORT_TIGHT[tier]), horizon, earliest,
                 REPORT_TIGHT_STEPS[tier]);
}

int64_t pm_tier_report_step(const int64_t horizons[PM_REPORT_TIER_COUNT], int64_t since,
                            int64_t step) {
  int64_t length = LENGTHS[since < horizons[PM_REPORT_TEN] ? PM_TIER_HOUR : PM_TIER_TEN];
  return (step + length - 1) / length * length;
}

int64_t pm_tier_step(const int64_t horizons[PM_TIER_COUNT], int64_t since, int64_t step) {
  enum pm_tier tier = pm_tier_of(horizons, since < 0 ? 0 : since);
  if (tier == PM_TIER_COUNT) tier = PM_TIER_HOUR;
  int64_t length = LENGTHS[tier];
  return (step + length - 1) / length * length;
}

enum pm_tier pm_tier_of_step(int64_t step) {
  for (int tier = PM_TIER_COUNT - 1; tier > 0; tier--)
    if (step % LENGTHS[tier] == 0) return (enum pm_tier)tier;
  return PM_TIER_MINUTE;
}
