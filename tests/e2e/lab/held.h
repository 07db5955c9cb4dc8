/* Packets that wait for their time: a heap by due time, those of one time in order of arrival. */
#ifndef PM_LAB_HELD_H
#define PM_LAB_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

enum {
  PM_HELD_MAX = 65536, /* a second of delay at more packets than one core can queue */
};

struct pm_held {
  int64_t due_ns;
  uint64_t number;    /* of arrival */
  uint32_t packet_id; /* netfilter's */
  struct pm_packet packet;
};

struct pm_held_heap {
  struct pm_held *items;
  size_t count;
  uint64_t arrivals;
};

/* False if there is no memory for it. */
bool pm_held_init(struct pm_held_heap *heap);
void pm_held_deinit(struct pm_held_heap *heap);
/* Sets item's number. False if the heap is full. */
bool pm_held_push(struct pm_held_heap *heap, struct pm_held item);
/* The next one due; NULL if there is none. */
const struct pm_held *pm_held_first(const struct pm_held_heap *heap);
void pm_held_pop(struct pm_held_heap *heap);

#endif
