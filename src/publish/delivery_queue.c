#include "publish/delivery_queue.h"

#include <assert.h>
#include <stdlib.h>

void pm_delivery_queue_init(struct pm_delivery_queue *queue,
                            const struct pm_delivery_limits *limits, uint64_t seed) {
  *queue = (struct pm_delivery_queue){.limits = *limits};
  pm_rng_seed(&queue->rng, seed);
}

static void free_body(struct pm_delivery_body *body) {
  if (body == NULL) return;
  free(body->data);
  free(body);
}

/* A body's way out of the queue, whatever becomes of it. */
static void forget(struct pm_delivery_queue *queue, struct pm_delivery_body *body) {
  queue->counts.waiting_bodies--;
  queue->counts.waiting_bytes -= body->bytes;
  free_body(body);
}

static struct pm_delivery_body *pop(struct pm_delivery_queue *queue) {
  struct pm_delivery_body *body = queue->first;
  queue->first = body->next;
  if (queue->first == NULL) queue->last = NULL;
  body->next = NULL;
  return body;
}

static void push_front(struct pm_delivery_queue *queue, struct pm_delivery_body *body) {
  body->next = queue->first;
  queue->first = body;
  if (queue->last == NULL) queue->last = body;
}

static void drop_oldest(struct pm_delivery_queue *queue) {
  queue->counts.dropped++;
  queue->counts.units_dropped += queue->first->units;
  forget(queue, pop(queue));
}

static bool has_room(const struct pm_delivery_queue *queue, size_t bytes) {
  return queue->counts.waiting_bodies < queue->limits.bodies_max &&
         queue->counts.waiting_bytes + bytes <= queue->limits.bytes_max;
}

static struct pm_delivery_body *new_body(char *data, size_t bytes) {
  struct pm_delivery_body *body = calloc(1, sizeof(*body));
  if (body == NULL) return NULL;
  body->data = data;
  body->bytes = bytes;
  return body;
}

static void push_back(struct pm_delivery_queue *queue, struct pm_delivery_body *body) {
  if (queue->last != NULL) {
    queue->last->next = body;
  } else {
    queue->first = body;
  }
  queue->last = body;
  queue->counts.waiting_bodies++;
  queue->counts.waiting_bytes += body->bytes;
}

void pm_delivery_queue_put(struct pm_delivery_queue *queue, struct pm_time now, char *data,
                           size_t bytes, int64_t delay_ms) {
  pm_delivery_queue_put_units(queue, now, data, bytes, delay_ms, 1);
}

void pm_delivery_queue_put_units(struct pm_delivery_queue *queue, struct pm_time now, char *data,
                                 size_t bytes, int64_t delay_ms, uint64_t units) {
  queue->counts.taken++;
  while (!has_room(queue, bytes) && queue->first != NULL) drop_oldest(queue);
  struct pm_delivery_body *body = has_room(queue, bytes) ? new_body(data, bytes) : NULL;
  if (body == NULL) {
    queue->counts.dropped++;
    queue->counts.units_dropped += units;
    free(data);
    return;
  }
  body->units = units;
  body->put_at = now;
  body->not_before = pm_time_add_ms(now, delay_ms);
  push_back(queue, body);
}

struct pm_time pm_delivery_queue_due(const struct pm_delivery_queue *queue) {
  if (queue->under_way != NULL || queue->first == NULL) return PM_TIME_NEVER;
  struct pm_time own = queue->first->not_before;
  return pm_time_before(own, queue->not_before) ? queue->not_before : own;
}

static void drop_aged(struct pm_delivery_queue *queue, struct pm_time now) {
  int64_t age_ns_max = queue->limits.age_ms_max * PM_NS_PER_MS;
  while (queue->first != NULL && pm_time_since_ns(now, queue->first->put_at) > age_ns_max) {
    drop_oldest(queue);
  }
}

const struct pm_delivery_body *pm_delivery_queue_start(struct pm_delivery_queue *queue,
                                                       struct pm_time now) {
  if (queue->under_way == NULL) drop_aged(queue, now);
  struct pm_time due = pm_delivery_queue_due(queue);
  if (due.ns == PM_TIME_NEVER.ns || pm_time_before(now, due)) return NULL;
  queue->under_way = pop(queue);
  return queue->under_way;
}

static struct pm_delivery_body *take_back(struct pm_delivery_queue *queue) {
  struct pm_delivery_body *body = queue->under_way;
  assert(body != NULL);
  queue->under_way = NULL;
  return body;
}

/* The endpoint answers: what waits need not wait for it any longer. */
static void endpoint_is_well(struct pm_delivery_queue *queue) {
  queue->failures_in_a_row = 0;
  queue->not_before = (struct pm_time){0};
}

void pm_delivery_queue_sent(struct pm_delivery_queue *queue) {
  queue->counts.sent++;
  endpoint_is_well(queue);
  forget(queue, take_back(queue));
}

void pm_delivery_queue_failed(struct pm_delivery_queue *queue) {
  queue->counts.failed++;
  queue->counts.units_failed += queue->under_way->units;
  endpoint_is_well(queue);
  forget(queue, take_back(queue));
}

void pm_delivery_queue_retry(struct pm_delivery_queue *queue, struct pm_time now,
                             int64_t after_ms) {
  struct pm_delivery_body *body = take_back(queue);
  body->tries++;
  queue->counts.retries++;
  queue->failures_in_a_row++;
  int64_t delay_ms =
      pm_backoff_delay_ms(&queue->limits.backoff, queue->failures_in_a_row, &queue->rng);
  if (after_ms > queue->limits.backoff.cap_ms) after_ms = queue->limits.backoff.cap_ms;
  if (delay_ms < after_ms) delay_ms = after_ms;
  queue->not_before = pm_time_add_ms(now, delay_ms);
  push_front(queue, body);
}

void pm_delivery_queue_unstart(struct pm_delivery_queue *queue, struct pm_time not_before) {
  push_front(queue, take_back(queue));
  queue->not_before = not_before;
}

void pm_delivery_queue_hurry(struct pm_delivery_queue *queue) {
  queue->not_before = (struct pm_time){0};
  for (struct pm_delivery_body *body = queue->first; body != NULL; body = body->next)
    body->not_before = (struct pm_time){0};
}

void pm_delivery_queue_clear(struct pm_delivery_queue *queue) {
  if (queue->under_way != NULL) push_front(queue, take_back(queue));
  while (queue->first != NULL) drop_oldest(queue);
}

void pm_delivery_queue_deinit(struct pm_delivery_queue *queue) {
  if (queue->under_way != NULL) push_front(queue, take_back(queue));
  while (queue->first != NULL) forget(queue, pop(queue));
}
