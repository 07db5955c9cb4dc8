#include "gossip/bucket.h"

void pm_bucket_init(struct pm_bucket *bucket, int64_t step_ms, int64_t burst, struct pm_time now) {
  int64_t step_ns = step_ms * PM_NS_PER_MS;
  *bucket = (struct pm_bucket){
      .full_at = now, .step_ns = step_ns, .slack_ns = step_ns * (burst > 1 ? burst - 1 : 0)};
}

struct pm_time pm_bucket_ready(const struct pm_bucket *bucket) {
  return pm_time_add_ns(bucket->full_at, -bucket->slack_ns);
}

bool pm_bucket_has(const struct pm_bucket *bucket, struct pm_time now) {
  return !pm_time_before(now, pm_bucket_ready(bucket));
}

bool pm_bucket_take(struct pm_bucket *bucket, struct pm_time now) {
  if (!pm_bucket_has(bucket, now)) {
    bucket->refused++;
    return false;
  }
  struct pm_time from = pm_time_before(bucket->full_at, now) ? now : bucket->full_at;
  bucket->full_at = pm_time_add_ns(from, bucket->step_ns);
  bucket->taken++;
  return true;
}

void pm_bucket_return(struct pm_bucket *bucket) {
  bucket->full_at = pm_time_add_ns(bucket->full_at, -bucket->step_ns);
}

int64_t pm_bucket_left(const struct pm_bucket *bucket, struct pm_time now) {
  int64_t missing_ns = pm_time_since_ns(bucket->full_at, now);
  if (missing_ns < 0) missing_ns = 0;
  int64_t room_ns = bucket->slack_ns + bucket->step_ns - missing_ns;
  return room_ns <= 0 ? 0 : room_ns / bucket->step_ns;
}
