#include "gossip/failure_budget.h"

void pm_failure_budget_init(struct pm_failure_budget *budget, int64_t burst, int64_t refill_ms,
                            struct pm_time now) {
  int64_t refill_ns = refill_ms * PM_NS_PER_MS;
  *budget = (struct pm_failure_budget){.at = now,
                                       .level_ns = burst * refill_ns,
                                       .refill_ns = refill_ns,
                                       .cap_ns = burst * refill_ns};
}

static int64_t capped(const struct pm_failure_budget *budget, int64_t level_ns) {
  return level_ns > budget->cap_ns ? budget->cap_ns : level_ns;
}

static int64_t level_at(const struct pm_failure_budget *budget, struct pm_time now) {
  int64_t passed_ns = pm_time_since_ns(now, budget->at);
  if (passed_ns <= 0) return budget->level_ns;
  if (passed_ns > budget->cap_ns) passed_ns = budget->cap_ns;
  return capped(budget, budget->level_ns + passed_ns);
}

static int64_t price(const struct pm_failure_budget *budget) {
  return (budget->reserved + 1) * budget->refill_ns;
}

bool pm_failure_budget_reserve(struct pm_failure_budget *budget, struct pm_time now) {
  if (level_at(budget, now) < price(budget)) return false;
  budget->reserved++;
  return true;
}

void pm_failure_budget_settle(struct pm_failure_budget *budget, bool success, bool rewarded,
                              struct pm_time now) {
  int64_t level_ns = level_at(budget, now);
  if (budget->reserved > 0) budget->reserved--;
  if (!success) {
    level_ns -= budget->refill_ns;
    budget->failures++;
  } else if (rewarded) {
    level_ns = capped(budget, level_ns + budget->refill_ns / 2);
    budget->successes++;
  }
  budget->level_ns = level_ns;
  budget->at = now;
}

void pm_failure_budget_reward(struct pm_failure_budget *budget, struct pm_time now) {
  budget->level_ns = capped(budget, level_at(budget, now) + budget->refill_ns / 2);
  budget->at = now;
  budget->successes++;
}

struct pm_time pm_failure_budget_ready(const struct pm_failure_budget *budget) {
  int64_t missing_ns = price(budget) - budget->level_ns;
  if (price(budget) > budget->cap_ns) return PM_TIME_NEVER; /* something must end first */
  return pm_time_add_ns(budget->at, missing_ns);
}

int64_t pm_failure_budget_left(const struct pm_failure_budget *budget, struct pm_time now) {
  int64_t left = level_at(budget, now) / budget->refill_ns - budget->reserved;
  return left < 0 ? 0 : left;
}
