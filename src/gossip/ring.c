#include "gossip/ring.h"

void pm_ring_init(struct pm_ring *ring) {
  ring->count = 0;
  ring->next = 0;
}

void pm_ring_push(struct pm_ring *ring, uint64_t handle) {
  ring->handles[ring->next] = handle;
  ring->next = (ring->next + 1) % PM_RING_SLOTS;
  if (ring->count < PM_RING_SLOTS) ring->count++;
}

uint64_t pm_ring_at(const struct pm_ring *ring, size_t at) {
  return ring->handles[at];
}
