#include "queue.h"

#include <stdio.h>
#include <stdlib.h>

#include "exchange.h"

/* A heap of four children each: half as many levels as with two, and so half the cache misses of a
 * hundred thousand events. */
enum { CHILDREN = 4 };

static bool before(const struct sim_event *a, const struct sim_event *b) {
  return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static void grow(struct sim_world *w) {
  w->queue_max = w->queue_max ? w->queue_max * 2 : 1024;
  w->queue = realloc(w->queue, w->queue_max * sizeof *w->queue);
  if (w->queue) return;
  fprintf(stderr, "pingmesh-sim: out of memory\n");
  exit(1);
}

void sim_queue_push(struct sim_world *w, int64_t at_ns, enum sim_event_kind kind, uint32_t node,
                    struct sim_message *message) {
  if (w->queue_count == w->queue_max) grow(w);
  struct sim_event e = {at_ns, w->queue_seq++, kind, node, message};
  size_t at = w->queue_count++;
  while (at > 0 && before(&e, &w->queue[(at - 1) / CHILDREN])) {
    w->queue[at] = w->queue[(at - 1) / CHILDREN];
    at = (at - 1) / CHILDREN;
  }
  w->queue[at] = e;
}

static size_t earliest_child(const struct sim_world *w, size_t at) {
  size_t first = CHILDREN * at + 1, end = first + CHILDREN;
  if (end > w->queue_count) end = w->queue_count;
  size_t best = first;
  for (size_t child = first + 1; child < end; child++)
    if (before(&w->queue[child], &w->queue[best])) best = child;
  return best;
}

bool sim_queue_pop(struct sim_world *w, int64_t until_ns, struct sim_event *out) {
  if (w->queue_count == 0 || w->queue[0].at_ns > until_ns) return false;
  *out = w->queue[0];
  struct sim_event last = w->queue[--w->queue_count];
  size_t at = 0;
  while (CHILDREN * at + 1 < w->queue_count) {
    size_t child = earliest_child(w, at);
    if (!before(&w->queue[child], &last)) break;
    w->queue[at] = w->queue[child];
    at = child;
  }
  if (w->queue_count > 0) w->queue[at] = last;
  return true;
}

void sim_queue_free(struct sim_world *w) {
  for (size_t i = 0; i < w->queue_count; i++) sim_message_free(w->queue[i].message);
  free(w->queue);
}
