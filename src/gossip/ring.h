/* The joiner ring: the members verified most recently. When everyone starts at once, a busy seed
 * hands each newcomer a few random ones of these, so that newcomers find each other. Holds handles
 * (they may have gone since: the reader checks). Pure.
 */
#ifndef PM_GOSSIP_RING_H
#define PM_GOSSIP_RING_H

#include <stddef.h>
#include <stdint.h>

enum { PM_RING_SLOTS = 256 };

struct pm_ring {
  uint64_t handles[PM_RING_SLOTS];
  size_t count;
  size_t next;
};

void pm_ring_init(struct pm_ring *ring);
void pm_ring_push(struct pm_ring *ring, uint64_t handle);
/* at < ring->count. */
uint64_t pm_ring_at(const struct pm_ring *ring, size_t at);

#endif
