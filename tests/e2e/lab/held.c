#include "held.h"

#include <stdlib.h>

bool pm_held_init(struct pm_held_heap *heap) {
  *heap = (struct pm_held_heap){.items = calloc(PM_HELD_MAX, sizeof(struct pm_held))};
  return heap->items != NULL;
}

void pm_held_deinit(struct pm_held_heap *heap) {
  free(heap->items);
  *heap = (struct pm_held_heap){0};
}

static bool is_before(const struct pm_held *a, const struct pm_held *b) {
  return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

bool pm_held_push(struct pm_held_heap *heap, struct pm_held item) {
  if (heap->count == PM_HELD_MAX) return false;
  item.number = heap->arrivals++;
  size_t at = heap->count++;
  while (at > 0 && is_before(&item, &heap->items[(at - 1) / 2])) {
    heap->items[at] = heap->items[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  heap->items[at] = item;
  return true;
}

const struct pm_held *pm_held_first(const struct pm_held_heap *heap) {
  return heap->count > 0 ? &heap->items[0] : NULL;
}

void pm_held_pop(struct pm_held_heap *heap) {
  struct pm_held last = heap->items[--heap->count];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap->count) break;
    if (child + 1 < heap->count && is_before(&heap->items[child + 1], &heap->items[child])) child++;
    if (!is_before(&heap->items[child], &last)) break;
    heap->items[at] = heap->items[child];
    at = child;
  }
  heap->items[at] = last;
}
