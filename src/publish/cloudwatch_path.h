/* One path, or a roll-up of several: what was measured in this interval, what was named in this
 * hour. Inside publish/cloudwatch_paths and its ceiling only. Pure.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_PATH_H
#define PM_PUBLISH_CLOUDWATCH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/histogram.h"
#include "probe/sample.h"
#include "publish/cloudwatch_batch.h"
#include "publish/cloudwatch_paths.h"

/* Round trips of the successes with one status. */
struct pm_cloudwatch_status {
  int http_status;
  bool named; /* in this hour */
  struct pm_histogram tcp;
};

struct pm_cloudwatch_path {
  char *to; /* as a dimension's value; owned */
  /* This interval. */
  uint32_t probes, failures;
  uint32_t intervals_up, intervals_down; /* of a roll-up: its paths' */
  struct pm_cloudwatch_status statuses[PM_CLOUDWATCH_STATUSES_MAX];
  size_t statuses_count;
  struct pm_histogram times[PM_CLOUDWATCH_TOTAL + 1]; /* TCP_RTT's is that of other statuses */
  bool tls;
  /* This hour. */
  uint32_t hour_probes, hour_failures, hour_round_trips;
  double hour_round_trip_ms; /* summed */
  uint32_t named;            /* bit m: the metric m was */
  bool planned, in_detail;
};

/* What the ceiling lets through. */
struct pm_cloudwatch_allowance {
  size_t metrics_max; /* 0: all */
  size_t metrics;     /* named in this hour */
  uint64_t left_out;
};

struct pm_cloudwatch_path *pm_cloudwatch_path_new(const char *to);
void pm_cloudwatch_path_free(struct pm_cloudwatch_path *path);

enum pm_err pm_cloudwatch_path_add(struct pm_cloudwatch_path *path,
                                   const struct pm_sample *sample) PM_MUST_USE;
/* Adds from's interval to a roll-up. */
enum pm_err pm_cloudwatch_path_merge(struct pm_cloudwatch_path *into,
                                     const struct pm_cloudwatch_path *from) PM_MUST_USE;
/* Writes the interval into the batch as far as the allowance goes. */
void pm_cloudwatch_path_write(struct pm_cloudwatch_path *path, bool legacy,
                              struct pm_cloudwatch_allowance *allowance,
                              struct pm_cloudwatch_batch *batch);
void pm_cloudwatch_path_end_interval(struct pm_cloudwatch_path *path);
void pm_cloudwatch_path_end_hour(struct pm_cloudwatch_path *path);

/* How many metrics it names. */
size_t pm_cloudwatch_path_needs(const struct pm_cloudwatch_path *path, bool legacy);
/* Above 0 if a did worse than b in this hour. */
int pm_cloudwatch_path_compare(const struct pm_cloudwatch_path *a,
                               const struct pm_cloudwatch_path *b);

#endif
