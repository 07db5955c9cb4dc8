/* The latest samples of each target, as they were: what /v1/recent shows beside the sums. Pure,
 * bounded: a ring for each target of a full roster takes 63 MB, for ten targets 38 KB.
 */
#ifndef PM_API_RECENT_H
#define PM_API_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/sample.h"

enum { PM_RECENT_SAMPLES = 96 }; /* a quarter of an hour at the usual pace; 40 bytes each */

struct pm_recent_sample {
  struct pm_wall at;
  float phase_ns[PM_PHASE_COUNT]; /* to one part in ten million */
  uint8_t outcome, verdict;       /* enum pm_outcome, enum pm_verdict */
};

struct pm_recent_ring {
  uint64_t target;
  struct pm_recent_sample *samples; /* PM_RECENT_SAMPLES */
  uint32_t count, next;
};

struct pm_recent {
  struct pm_recent_ring *rings; /* ascending by target */
  size_t count, room;
};

void pm_recent_init(struct pm_recent *recent);
void pm_recent_deinit(struct pm_recent *recent);
/* Without memory the sample is not kept. */
void pm_recent_add(struct pm_recent *recent, uint64_t target, const struct pm_sample *sample);
/* The target has ended. */
void pm_recent_drop(struct pm_recent *recent, uint64_t target);

/* How many there are of that target. */
size_t pm_recent_count(const struct pm_recent *recent, uint64_t target);
/* at < count, the oldest first; borrowed until the next adding. */
const struct pm_recent_sample *pm_recent_at(const struct pm_recent *recent, uint64_t target,
                                            size_t at);

#endif
