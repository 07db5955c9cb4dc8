/* What waits to be delivered to one endpoint, and when the next try is due. Pure: time and the
 * generator's seed are handed in; publish/delivery acts on it.
 *
 * Bodies go out one at a time, in the order in which they came. A failed try puts its body back at
 * the front and holds up the whole queue (publish/backoff.h), for it says that the endpoint is
 * unwell, not the body. The queue is bounded in bodies, bytes and age; what has no room pushes out
 * the oldest waiting body. Each body ends in exactly one of sent, dropped and failed.
 */
#ifndef PM_PUBLISH_DELIVERY_QUEUE_H
#define PM_PUBLISH_DELIVERY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "publish/backoff.h"

struct pm_delivery_limits {
  size_t bodies_max, bytes_max; /* the body under way included */
  int64_t age_ms_max;           /* a body older than this is dropped instead of tried again */
  struct pm_backoff backoff;
};

struct pm_delivery_counts {
  uint64_t taken;                       /* bodies that were put */
  uint64_t sent;                        /* taken over by the endpoint */
  uint64_t dropped;                     /* for want of room or for age, or still there at the end */
  uint64_t failed;                      /* refused for good by the endpoint */
  uint64_t retries;                     /* tries beyond each body's first */
  size_t waiting_bodies, waiting_bytes; /* now, the one under way included */
  uint64_t units_dropped, units_failed; /* what was in those bodies */
};

struct pm_delivery_body {
  struct pm_delivery_body *next;
  char *data; /* owned */
  size_t bytes;
  uint64_t units; /* whatever the sink counts: samples, events */
  struct pm_time put_at;
  struct pm_time not_before;
  unsigned tries; /* that failed so far */
};

/* Caller's storage. */
struct pm_delivery_queue {
  struct pm_delivery_limits limits;
  struct pm_rng rng;
  struct pm_delivery_body *first, *last; /* waiting, the oldest first */
  struct pm_delivery_body *under_way;    /* NULL: none */
  unsigned failures_in_a_row;            /* of the endpoint; 0 after a success */
  struct pm_time not_before;             /* of the endpoint: nothing is tried earlier */
  struct pm_delivery_counts counts;
};

void pm_delivery_queue_init(struct pm_delivery_queue *queue,
                            const struct pm_delivery_limits *limits, uint64_t seed);
/* Frees what is there without counting it. */
void pm_delivery_queue_deinit(struct pm_delivery_queue *queue);

/* Takes over data (from malloc). It is not tried before delay_ms have passed. A body that alone
 * exceeds bytes_max is dropped. */
void pm_delivery_queue_put(struct pm_delivery_queue *queue, struct pm_time now, char *data,
                           size_t bytes, int64_t delay_ms);
/* The same for a body that holds so many units. */
void pm_delivery_queue_put_units(struct pm_delivery_queue *queue, struct pm_time now, char *data,
                                 size_t bytes, int64_t delay_ms, uint64_t units);

/* When there is something to do, PM_TIME_NEVER if nothing waits or something is under way. */
struct pm_time pm_delivery_queue_due(const struct pm_delivery_queue *queue);
/* The body to try now, which is then under way; NULL: nothing is due. Drops what is too old. */
const struct pm_delivery_body *pm_delivery_queue_start(struct pm_delivery_queue *queue,
                                                       struct pm_time now);

/* How the try ended. One of these follows each start that gave a body.
 * after_ms: what the endpoint asked for (Retry-After), taken up to the backoff's cap; negative:
 * nothing. */
void pm_delivery_queue_sent(struct pm_delivery_queue *queue);
void pm_delivery_queue_failed(struct pm_delivery_queue *queue);
void pm_delivery_queue_retry(struct pm_delivery_queue *queue, struct pm_time now, int64_t after_ms);
/* It was not tried at all and waits for something else: back to the front, not before then. */
void pm_delivery_queue_unstart(struct pm_delivery_queue *queue, struct pm_time not_before);

/* Forgets every delay, as before the end, or when what was waited for is there. */
void pm_delivery_queue_hurry(struct pm_delivery_queue *queue);
/* Drops all that waits and, if any, what is under way. */
void pm_delivery_queue_clear(struct pm_delivery_queue *queue);

#endif
