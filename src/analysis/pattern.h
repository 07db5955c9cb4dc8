/* Whether a path has hours of the week at which it is slower, or whether it only looks so. Pure.
 *
 * Input: the medians of hours, each with its hour of the week. The question is put to the 24 hours
 * of the day (all days together), then to the 168 of the week: Kruskal-Wallis (JASA 1952) over the
 * groups, which asks nothing of the values' distribution; its p-value by the chi-square
 * approximation. An hour counts as slow if the path has a pattern at all (p < PM_PATTERN_P) and its
 * own group's median lies above the median of all hours by more than PM_PATTERN_SHARE and by a rank
 * test of its own against the rest (Mann-Whitney, Bonferroni over the groups).
 */
#ifndef PM_ANALYSIS_PATTERN_H
#define PM_ANALYSIS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PM_PATTERN_P     0.001
#define PM_PATTERN_SHARE 0.05
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

/* PM_ERR_NOMEM, PM_ERR_TOO_LARGE. Fewer than two days: nothing is found. */
enum pm_err pm_pattern_find(const struct pm_pattern_hour *hours, size_t count,
                            struct pm_pattern *out) PM_MUST_USE;

#endif
