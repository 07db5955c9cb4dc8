#include "node/log_budget.h"

void pm_log_budget_init(struct pm_log_budget *budget, int64_t step_ms, int64_t burst,
                        struct pm_time now) {
  budget->unsaid = 0;
  pm_bucket_init(&budget->bucket, step_ms, burst, now);
}

bool pm_log_budget_take(struct pm_log_budget *budget, struct pm_time now, uint64_t *out_unsaid) {
  if (!pm_bucket_take(&budget->bucket, now)) {
    budget->unsaid++;
    return false;
  }
  *out_unsaid = budget->unsaid;
  budget->unsaid = 0;
  return true;
}
