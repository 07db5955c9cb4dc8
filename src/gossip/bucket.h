/* A token bucket as exact integers (the generic cell rate algorithm, ITU-T I.371): in any window w
 * at most burst + rate·w tokens are taken. Starts full. Pure.
 */
#ifndef PM_GOSSIP_BUCKET_H
#define PM_GOSSIP_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct pm_bucket {
  struct pm_time full_at; /* when the bucket will be full again */
  int64_t step_ns;        /* one token's time */
  int64_t slack_ns;       /* (burst - 1) tokens' time */
  uint64_t taken;
  uint64_t refused;
};

/* One token every step_ms, at most burst saved up. burst is at least 1. */
void pm_bucket_init(struct pm_bucket *bucket, int64_t step_ms, int64_t burst, struct pm_time now);
bool pm_bucket_has(const struct pm_bucket *bucket, struct pm_time now);
/* False, and counted, if there is none. */
bool pm_bucket_take(struct pm_bucket *bucket, struct pm_time now);
/* A token that was taken comes back; a full bucket stays as full as it is. */
void pm_bucket_return(struct pm_bucket *bucket);
/* The earliest instant at which there is a token; not after now if there is one already. */
struct pm_time pm_bucket_ready(const struct pm_bucket *bucket);
/* Whole tokens left, for people. */
int64_t pm_bucket_left(const struct pm_bucket *bucket, struct pm_time now);

#endif
