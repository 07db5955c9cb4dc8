#include "api/deadline.h"

#include <stddef.h>

void pm_deadline_arm(struct pm_deadline_queue *queue, struct pm_deadline *deadline,
                     int64_t now_ms) {
  pm_deadline_disarm(deadline);
  *deadline = (struct pm_deadline){.queue = queue, .before = queue->last, .armed_ms = now_ms};
  if (queue->last != NULL) {
    queue->last->after = deadline;
  } else {
    queue->first = deadline;
  }
  queue->last = deadline;
}

void pm_deadline_disarm(struct pm_deadline *deadline) {
  struct pm_deadline_queue *queue = deadline->queue;
  if (queue == NULL) return;
  if (deadline->before != NULL) {
    deadline->before->after = deadline->after;
  } else {
    queue->first = deadline->after;
  }
  if (deadline->after != NULL) {
    deadline->after->before = deadline->before;
  } else {
    queue->last = deadline->before;
  }
  deadline->queue = NULL;
}

int64_t pm_deadline_next_ms(const struct pm_deadline_queue *queue) {
  if (queue->first == NULL) return INT64_MAX;
  int64_t due_ms;
  if (__builtin_add_overflow(queue->first->armed_ms, queue->length_ms, &due_ms)) return INT64_MAX;
  return due_ms;
}
