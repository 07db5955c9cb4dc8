/* What the OTLP sink knows of each target: counts and histograms since the target's beginning, to
 * be sent whole at every interval (cumulative temporality: a request that is lost costs resolution,
 * no count). Pure.
 *
 * A copy of a path is cheap to take and may outlive it: its names are shared and counted.
 */
#ifndef PM_PUBLISH_OTLP_PATHS_H
#define PM_PUBLISH_OTLP_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "probe/buckets.h"
#include "probe/target.h"

/* Immutable but for refs, which only the loop touches. */
struct pm_otlp_names {
  unsigned refs;
  char url[PM_URL_BYTES], host[PM_HOST_BYTES], to[PM_LOCATION_BYTES];
  uint16_t port;
  bool https, host_is_ip;
};

struct pm_otlp_path {
  uint64_t id; /* of the target */
  struct pm_otlp_names *names;
  struct pm_wall start;  /* of all counts: the first sample of it that came */
  struct pm_wall latest; /* sample */
  bool up, ended;        /* as of the latest sample; measured no longer */
  uint64_t outcomes[PM_OUTCOME_COUNT];
  uint64_t starved, retransmitted, syns, syns_lost;
  uint64_t samples_new; /* since it was sent */
  struct pm_buckets buckets[PM_PHASE_COUNT];
};

struct pm_otlp_paths {
  struct pm_otlp_path *items; /* by id */
  size_t count, room;
  uint64_t lost; /* samples, for want of memory */
};

void pm_otlp_paths_init(struct pm_otlp_paths *paths);
void pm_otlp_paths_deinit(struct pm_otlp_paths *paths);
void pm_otlp_paths_add(struct pm_otlp_paths *paths, const struct pm_target *target,
                       const struct pm_sample *sample);
/* It is sent once more, and forgotten by the next take. */
void pm_otlp_paths_ended(struct pm_otlp_paths *paths, const struct pm_target *target);
/* A copy of all paths, from malloc, each to be given to pm_otlp_path_release; NULL if there are
 * none or no memory (*out_count is 0 then). *out_samples: new ones since the take before. */
struct pm_otlp_path *pm_otlp_paths_take(struct pm_otlp_paths *paths, size_t *out_count,
                                        uint64_t *out_samples);
void pm_otlp_path_release(struct pm_otlp_path *path);

#endif
