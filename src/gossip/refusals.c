#include "gossip/refusals.h"

#include <string.h>

enum {
  WAYS = 8,
  REFUSED_S = 3600,
  REFUSED_DOUBLINGS = 5, /* 1 h, 2, 4, 8, 16, then 24 */
  REFUSED_S_MAX = 24 * 3600,
  CONTACT_S = 60,
  CONTACT_DOUBLINGS = 6,
  CONTACT_S_MAX = 3600,
};

static uint32_t doubled_s(uint32_t first_s, unsigned times, unsigned doublings, uint32_t most_s) {
  if (times >= doublings) return most_s;
  uint32_t s = first_s << times;
  return s > most_s ? most_s : s;
}

static uint32_t seconds(struct pm_time t) {
  return (uint32_t)(t.ns / PM_NS_PER_S);
}

void pm_refusals_carve(struct pm_refusals *refusals, struct pm_arena *arena, uint32_t entries) {
  uint32_t sets = 1;
  while (sets * WAYS < entries) sets *= 2;
  refusals->sets_mask = sets - 1;
  refusals->entries = pm_arena_take(arena, (size_t)sets * WAYS, sizeof *refusals->entries);
}

void pm_refusals_init(struct pm_refusals *refusals) {
  memset(refusals->entries, 0,
         (size_t)(refusals->sets_mask + 1) * WAYS * sizeof *refusals->entries);
}

static struct pm_refusal *set_for(const struct pm_refusals *refusals, uint64_t key) {
  return refusals->entries + (size_t)((uint32_t)(key >> 32) & refusals->sets_mask) * WAYS;
}

static struct pm_refusal *find(const struct pm_refusals *refusals, uint64_t key) {
  struct pm_refusal *set = set_for(refusals, key);
  for (int i = 0; i < WAYS; i++)
    if (set[i].key == key) return &set[i];
  return NULL;
}

static struct pm_refusal *place(struct pm_refusals *refusals, uint64_t key) {
  struct pm_refusal *set = set_for(refusals, key), *best = &set[0];
  for (int i = 0; i < WAYS; i++) {
    if (set[i].key == 0) return &set[i];
    if (set[i].until_s < best->until_s) best = &set[i];
  }
  return best;
}

static void wait_for_contact(struct pm_refusal *entry, struct pm_time now) {
  entry->contact_s =
      seconds(now) + doubled_s(CONTACT_S, entry->contacts, CONTACT_DOUBLINGS, CONTACT_S_MAX);
  if (entry->contacts < UINT8_MAX) entry->contacts++;
}

void pm_refusals_add(struct pm_refusals *refusals, uint64_t key, bool on_contact,
                     struct pm_time now) {
  struct pm_refusal *entry = find(refusals, key);
  if (!entry) {
    entry = place(refusals, key);
    *entry = (struct pm_refusal){.key = key, .contact_s = seconds(now)};
    if (on_contact) wait_for_contact(entry, now);
  }
  entry->until_s =
      seconds(now) + doubled_s(REFUSED_S, entry->times, REFUSED_DOUBLINGS, REFUSED_S_MAX);
  if (entry->times < UINT8_MAX) entry->times++;
}

bool pm_refusals_has(const struct pm_refusals *refusals, uint64_t key, struct pm_time now) {
  const struct pm_refusal *entry = find(refusals, key);
  return entry && seconds(now) < entry->until_s;
}

bool pm_refusals_unreachable(const struct pm_refusals *refusals, uint64_t key, struct pm_time now) {
  const struct pm_refusal *entry = find(refusals, key);
  return entry && entry->contacts > 0 && seconds(now) < entry->until_s;
}

bool pm_refusals_forgive(struct pm_refusals *refusals, uint64_t key, struct pm_time now) {
  struct pm_refusal *entry = find(refusals, key);
  if (!entry) return true;
  if (seconds(now) < entry->contact_s) return false;
  wait_for_contact(entry, now);
  entry->until_s = seconds(now);
  return true;
}

const struct pm_refusal *pm_refusals_next(const struct pm_refusals *refusals, uint32_t *cursor,
                                          struct pm_time now) {
  uint32_t entries = (refusals->sets_mask + 1) * WAYS;
  while (*cursor < entries) {
    const struct pm_refusal *entry = &refusals->entries[(*cursor)++];
    if (entry->key != 0 && seconds(now) < entry->until_s) return entry;
  }
  return NULL;
}

static uint32_t within(int64_t wait_s, uint32_t most_s) {
  return wait_s < 0 ? 0 : wait_s > most_s ? most_s : (uint32_t)wait_s;
}

void pm_refusals_restore(struct pm_refusals *refusals, const struct pm_gossip_refused *saved,
                         struct pm_time now) {
  if (saved->key == 0 || saved->wait_s <= 0 || find(refusals, saved->key)) return;
  *place(refusals, saved->key) = (struct pm_refusal){
      .key = saved->key,
      .until_s = seconds(now) + within(saved->wait_s, REFUSED_S_MAX),
      .contact_s = seconds(now) + within(saved->contact_wait_s, CONTACT_S_MAX),
      .times = (uint8_t)within(saved->times, UINT8_MAX),
      .contacts = (uint8_t)within(saved->contacts, UINT8_MAX),
  };
}

void pm_refusals_clear(struct pm_refusals *refusals, uint64_t key) {
  struct pm_refusal *entry = find(refusals, key);
  if (entry) *entry = (struct pm_refusal){0};
}
