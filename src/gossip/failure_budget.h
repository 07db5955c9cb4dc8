/* The cap on harm to others: how many handshakes on strangers' word may still fail. A try first
 * reserves what its failure would cost; a failure spends it, a success gives it back and half a
 * failure more. So failures empty it and successes do not, and in any window w
 *
 *   failures <= burst + w / refill + successes / 2
 *
 * whatever strangers say. Pure.
 */
#ifndef PM_GOSSIP_FAILURE_BUDGET_H
#define PM_GOSSIP_FAILURE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct pm_failure_budget {
  struct pm_time at; /* when level was right */
  int64_t level_ns;  /* in units of refill time: refill_ns is one failure */
  int64_t refill_ns;
  int64_t cap_ns;
  int64_t reserved; /* tries that have not ended */
  uint64_t failures, successes;
};

void pm_failure_budget_init(struct pm_failure_budget *budget, int64_t burst, int64_t refill_ms,
                            struct pm_time now);
/* False if a failure could not be paid; else its price is set aside. */
bool pm_failure_budget_reserve(struct pm_failure_budget *budget, struct pm_time now);
/* rewarded: the success counts (once a day for an endpoint: the caller knows). */
void pm_failure_budget_settle(struct pm_failure_budget *budget, bool success, bool rewarded,
                              struct pm_time now);
/* What failed before has proved itself after all, by a try that was not paid from here: the success
 * counts, as rewarded ones do. */
void pm_failure_budget_reward(struct pm_failure_budget *budget, struct pm_time now);
/* When the next reservation can succeed if nothing else happens. */
struct pm_time pm_failure_budget_ready(const struct pm_failure_budget *budget);
/* Failures that can still be paid, for people. */
int64_t pm_failure_budget_left(const struct pm_failure_budget *budget, struct pm_time now);

#endif
