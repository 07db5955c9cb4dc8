/* The paths from this node, aggregated over a flush interval, and the ceiling on what they cost.
 * Pure: samples in, once an interval a publish/cloudwatch_batch out.
 *
 * A path leads to a location, however many targets share it. With a ceiling of N metrics this node
 * names at most N different ones in any hour of the calendar (AWS bills a custom metric by the
 * hours in which it was sent). If the paths need more, the worst stay in detail, chosen anew each
 * hour by the last hour's loss, then by its mean round trip, and the others are seen only in the
 * roll-ups, which hold every path, those in detail included:
 *
 *   ToLocation "*"     everything from here
 *   ToLocation "*,JP"  every location whose name ends in ",JP"; if these take at most half of N
 *
 * A path that appears while there is no room waits in the roll-ups for the next hour.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_PATHS_H
#define PM_PUBLISH_CLOUDWATCH_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/sample.h"
#include "publish/cloudwatch_batch.h"

enum {
  PM_CLOUDWATCH_PATHS_MAX = 8192, /* above what one node can know and probe */
  /* Statuses of successes that have a legacy metric each; a target answers with one or two. */
  PM_CLOUDWATCH_STATUSES_MAX = 4,
  PM_CLOUDWATCH_REGIONS_MAX = 256, /* countries; there are fewer */
  /* "*" and one path, six metrics each and the old one; less than that shows nothing. */
  PM_CLOUDWATCH_METRICS_MIN = 13,
};

struct pm_cloudwatch_paths_config {
  const char *from;   /* this node's location; copied */
  bool legacy;        /* the original's metric, too */
  int64_t interval_s; /* below 60: high resolution */
  size_t metrics_max; /* 0: no ceiling, else at least PM_CLOUDWATCH_METRICS_MIN */
};

struct pm_cloudwatch_paths_counts {
  uint64_t samples;
  uint64_t lost;     /* samples for which there was no memory, or a path too many */
  uint64_t left_out; /* data that the ceiling kept back beyond what it planned */
  size_t paths;      /* known now */
  size_t in_detail;  /* of these, since the latest flush */
  size_t metrics;    /* different ones named in the hour of the latest flush */
};

struct pm_cloudwatch_paths;

enum pm_err pm_cloudwatch_paths_new(const struct pm_cloudwatch_paths_config *config,
                                    struct pm_cloudwatch_paths **out) PM_MUST_USE;
void pm_cloudwatch_paths_free(struct pm_cloudwatch_paths *paths);

/* to: the location's name, any bytes. */
void pm_cloudwatch_paths_add(struct pm_cloudwatch_paths *paths, const char *to,
                             const struct pm_sample *sample);
/* Moves what was added since the last flush into the batch (initialised, empty). at: the interval's
 * beginning. What does not fit for want of memory is counted as left out. */
void pm_cloudwatch_paths_flush(struct pm_cloudwatch_paths *paths, struct pm_wall at,
                               struct pm_cloudwatch_batch *batch);
void pm_cloudwatch_paths_counts(const struct pm_cloudwatch_paths *paths,
                                struct pm_cloudwatch_paths_counts *out);

#endif
