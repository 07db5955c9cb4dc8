#include "api/recent.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 16 };

void pm_recent_init(struct pm_recent *recent) {
  *recent = (struct pm_recent){0};
}

void pm_recent_deinit(struct pm_recent *recent) {
  for (size_t i = 0; i < recent->count; i++) free(recent->rings[i].samples);
  free(recent->rings);
  pm_recent_init(recent);
}

/* Where the target's ring is, or would be. */
static size_t place_of(const struct pm_recent *recent, uint64_t target) {
  size_t low = 0;
  for (size_t high = recent->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (recent->rings[middle].target < target)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct pm_recent_ring *ring_of(const struct pm_recent *recent, uint64_t target) {
  size_t place = place_of(recent, target);
  const bool there = place < recent->count && recent->rings[place].target == target;
  return there ? &recent->rings[place] : NULL;
}

static bool make_room(struct pm_recent *recent) {
  if (recent->count < recent->room) return true;
  size_t room = recent->room == 0 ? ROOM_FIRST : recent->room * 2;
  struct pm_recent_ring *grown = realloc(recent->rings, room * sizeof(*grown));
  if (grown == NULL) return false;
  recent->rings = grown;
  recent->room = room;
  return true;
}

/* Targets' ids ascend, so a new one seldom comes before others. */
static struct pm_recent_ring *new_ring(struct pm_recent *recent, uint64_t target) {
  struct pm_recent_sample *samples = malloc(PM_RECENT_SAMPLES * sizeof(*samples));
  if (samples == NULL || !make_room(recent)) {
    free(samples);
    return NULL;
  }
  size_t place = place_of(recent, target);
  memmove(&recent->rings[place + 1], &recent->rings[place],
          (recent->count - place) * sizeof(recent->rings[0]));
  recent->count++;
  recent->rings[place] = (struct pm_recent_ring){.target = target, .samples = samples};
  return &recent->rings[place];
}

void pm_recent_add(struct pm_recent *recent, uint64_t target, const struct pm_sample *sample) {
  struct pm_recent_ring *ring = ring_of(recent, target);
  if (ring == NULL) ring = new_ring(recent, target);
  if (ring == NULL) return;
  struct pm_recent_sample *kept = &ring->samples[ring->next];
  *kept = (struct pm_recent_sample){
      .at = sample->at, .outcome = (uint8_t)sample->outcome, .verdict = (uint8_t)sample->verdict};
  for (int i = 0; i < PM_PHASE_COUNT; i++) kept->phase_ns[i] = (float)sample->phase_ns[i];
  ring->next = (ring->next + 1) % PM_RECENT_SAMPLES;
  if (ring->count < PM_RECENT_SAMPLES) ring->count++;
}

void pm_recent_drop(struct pm_recent *recent, uint64_t target) {
  struct pm_recent_ring *ring = ring_of(recent, target);
  if (ring == NULL) return;
  free(ring->samples);
  recent->count--;
  size_t place = (size_t)(ring - recent->rings);
  memmove(ring, ring + 1, (recent->count - place) * sizeof(*ring));
}

size_t pm_recent_count(const struct pm_recent *recent, uint64_t target) {
  const struct pm_recent_ring *ring = ring_of(recent, target);
  return ring != NULL ? ring->count : 0;
}

const struct pm_recent_sample *pm_recent_at(const struct pm_recent *recent, uint64_t target,
                                            size_t at) {
  const struct pm_recent_ring *ring = ring_of(recent, target);
  if (ring == NULL || at >= ring->count) return NULL;
  return &ring->samples[(ring->next + PM_RECENT_SAMPLES - ring->count + at) % PM_RECENT_SAMPLES];
}
