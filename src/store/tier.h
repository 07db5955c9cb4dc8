/* The lengths of the rows that are kept, for how long, and what may go. Pure. Times are minutes
 * since 1970 UTC; a row is named by its pair and the minute that it begins with.
 *
 * Of each tier there is a horizon: rows that begin before it are gone or going, and nothing is
 * added there any more. Minutes from before it go straight into the next longer row. So a longer
 * row is either merged anew from all its shorter ones, or has them no more and is added to; never
 * both, and no minute counts twice.
 */
#ifndef PM_STORE_TIER_H
#define PM_STORE_TIER_H

#include <stdbool.h>
#include <stdint.h>

#define PM_TIER_MAP(X)    \
  X(MINUTE, "minutes", 1) \
  X(TEN, "tens", 10)      \
  X(HOUR, "hours", 60)

enum pm_tier {
#define X(name, table, minutes) PM_TIER_##name,
  PM_TIER_MAP(X)
#undef X
      PM_TIER_COUNT
};

enum {
  PM_TIER_MINUTE_BITS = 28, /* of a minute in a key: until the year 2480 */
  PM_TIER_MINUTE_MAX = (1 << PM_TIER_MINUTE_BITS) - 1,
  PM_TIER_PAIR_MAX = 1 << 24, /* ids are never used again; far more than are ever there at once */
  /* A horizon passes so much time that has rows in one run. Runs come every ten minutes: an hour of
     a clock that is wrong costs twelve hours of rows. */
  PM_TIER_STEP_MIN = 120,
};

/* Rows that others reported (store/reported.h): tens and hours, with horizons of their own, and the
 * first to go where there is no more room. */
enum pm_report_tier { PM_REPORT_TEN, PM_REPORT_HOUR, PM_REPORT_TIER_COUNT };

/* For how many minutes the rows of each tier are kept. */
struct pm_tier_keep {
  int64_t minutes[PM_TIER_COUNT];
  int64_t reported[PM_REPORT_TIER_COUNT];
};
struct pm_tier_keep pm_tier_keep_in_file(void);
struct pm_tier_keep pm_tier_keep_in_memory(void);

int64_t pm_tier_minutes(enum pm_tier tier); /* its length */
/* The beginning of the row that holds the minute. */
int64_t pm_tier_align(enum pm_tier tier, int64_t minute);

/* Keys ascend by pair, then by time. minute within [0, PM_TIER_MINUTE_MAX]. */
int64_t pm_tier_key(int64_t pair, int64_t minute);
int64_t pm_tier_key_pair(int64_t key);
int64_t pm_tier_key_minute(int64_t key);

/* The shortest rows that may still be added to at that minute; PM_TIER_COUNT: none. */
enum pm_tier pm_tier_of(const int64_t horizons[PM_TIER_COUNT], int64_t minute);

/* Where the horizon goes in this run, given the earliest row of the tier (INT64_MAX: none): never
 * back, never past what is kept, only past rows that are there, and whole hours, so that it cuts no
 * longer row in two. */
int64_t pm_tier_next_horizon(enum pm_tier tier, const struct pm_tier_keep *keep, int64_t horizon,
                             int64_t earliest, int64_t now);
/* The same where there is no more room: some more of the tier goes, but never the latest stretch of
 * it, which is kept whatever it takes. */
int64_t pm_tier_tight_horizon(enum pm_tier tier, int64_t horizon, int64_t earliest, int64_t now);

/* The same of reported rows. */
int64_t pm_tier_next_report_horizon(enum pm_report_tier tier, const struct pm_tier_keep *keep,
                                    int64_t horizon, int64_t earliest, int64_t now);
int64_t pm_tier_tight_report_horizon(enum pm_report_tier tier, int64_t horizon, int64_t earliest,
                                     int64_t now);

/* The step of an answer from that minute on: what was asked for, or the shortest that is still kept
 * there and is a multiple of it. */
int64_t pm_tier_step(const int64_t horizons[PM_TIER_COUNT], int64_t since, int64_t step);
int64_t pm_tier_report_step(const int64_t horizons[PM_REPORT_TIER_COUNT], int64_t since,
                            int64_t step);
/* The longest rows that such steps are made of. */
enum pm_tier pm_tier_of_step(int64_t step);

#endif
