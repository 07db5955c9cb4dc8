/* Whether a path has hours of the week at which it is slower, or whether it only looks so. Pure.
 *
 * Input: the medians of hours, each with its hour of the week. The question is put to the 24 hours
 * of the day (all days together, each hour as a share of its own day's median, so that a path that
 * was routed anew hides nothing), then to the 168 of the week (as a share of the week's median, and
 * of the hour of the day's, if there is a pattern of the day). The test is Kruskal-Wallis' over the
 * groups (JASA 1952), which asks nothing of the values' distribution. Its p-value is the larger one
 * of two: the chi-square approximation, and the share of as many weeks made by turning each day (or
 * week) by a random number of hours that look as good, for neighbouring hours are alike and the
 * first knows nothing of it. The random numbers are always the same ones.
 *
 * Of paths without a pattern at most 2 * PM_PATTERN_P are said to have one. An hour counts as slow
 * if the path has a pattern at all, the hour's median lies above that of all hours by more than
 * PM_PATTERN_SHARE, and its group of the day or of the week lies above the rest by a rank test of
 * its own (Mann-Whitney, PM_PATTERN_HOUR_P, Bonferroni over the groups).
 *
 * Fewer than four days hold no pattern, fewer than three weeks none of the week. One slow hour a
 * week does not show within four weeks; one slow day does.
 */
#ifndef PM_ANALYSIS_PATTERN_H
#define PM_ANALYSIS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PM_PATTERN_P      0.001
#define PM_PATTERN_HOUR_P 0.01
#define PM_PATTERN_SHARE  0.05
enum {
  PM_PATTERN_HOURS_MAX = 168 * 60, /* 60 weeks */
  PM_PATTERN_GROUP_MIN = 3,        /* hours in a group, below which it says nothing */
};

struct pm_pattern_hour {
  uint16_t hour_of_week; /* 0: Monday 0 to 1 o'clock in the viewer's zone */
  int64_t median_ns;
};

struct pm_pattern {
  double p_day;  /* that the 24 hours are alike, if they are */
  double p_week; /* the same of the 168; 1 where weeks are too few */
  bool daily, weekly;
  int64_t median_ns;     /* of all hours */
  double slower_by[168]; /* share by which that hour's median is above it; negative: faster */
  bool slow[168];        /* beyond noise */
};

/* hours: in the order of time. PM_ERR_NOMEM, PM_ERR_TOO_LARGE; PM_ERR_RANGE: no hour of a week, or
 * a median below 1 ns. CPU, where there is a pattern: 5 ms for four weeks, 100 ms for a year. */
enum pm_err pm_pattern_find(const struct pm_pattern_hour *hours, size_t count,
                            struct pm_pattern *out) PM_MUST_USE;

#endif
