/* Carves tables out of one block of the caller's memory. With a NULL base it only counts, so that
 * the size asked for and the layout made can never differ. Pure.
 */
#ifndef PM_GOSSIP_ARENA_H
#define PM_GOSSIP_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct pm_arena {
  uint8_t *base;
  size_t used;
};

/* Aligned to 16 bytes; NULL while counting. Not cleared. */
static inline void *pm_arena_take(struct pm_arena *arena, size_t count, size_t bytes) {
  void *at = arena->base ? arena->base + arena->used : NULL;
  arena->used += (count * bytes + 15) & ~(size_t)15;
  return at;
}

#endif
