/* Absolute deadlines without a timer each: one queue for every length of time. Whoever is armed now
 * is due after all that were armed before, so the first of a queue is always the next one due, and
 * the one that has waited longest. Pure.
 */
#ifndef PM_API_DEADLINE_H
#define PM_API_DEADLINE_H

#include <stdint.h>

struct pm_deadline_queue;

/* Embedded in what waits; all zero: not armed. */
struct pm_deadline {
  struct pm_deadline_queue *queue;
  struct pm_deadline *before, *after;
  int64_t armed_ms;
};

struct pm_deadline_queue {
  struct pm_deadline *first, *last;
  int64_t length_ms;
};

/* Leaves the queue it was in. now_ms never goes back. */
void pm_deadline_arm(struct pm_deadline_queue *queue, struct pm_deadline *deadline, int64_t now_ms);
/* Nothing happens if it is not armed. */
void pm_deadline_disarm(struct pm_deadline *deadline);
/* When the first is due; INT64_MAX if nobody waits. */
int64_t pm_deadline_next_ms(const struct pm_deadline_queue *queue);

#endif
