#include "gossip/rewards.h"

#include <string.h>

enum { WAYS = 16, DAY_S = 24 * 3600, IPV6_SITE_BYTES = 8 };

void pm_rewards_carve(struct pm_rewards *rewards, struct pm_arena *arena, uint32_t entries) {
  uint32_t sets = 1;
  while (sets * WAYS < entries) sets *= 2;
  rewards->sets_mask = sets - 1;
  rewards->entries = pm_arena_take(arena, (size_t)sets * WAYS, sizeof *rewards->entries);
}

void pm_rewards_init(struct pm_rewards *rewards, uint64_t seed) {
  rewards->seed = seed;
  memset(rewards->entries, 0, (size_t)(rewards->sets_mask + 1) * WAYS * sizeof *rewards->entries);
}

static uint64_t earner(const struct pm_rewards *rewards, const struct pm_contact *contact) {
  struct pm_ip ip = contact->ip;
  if (pm_ip_classify(&ip) != PM_IP_CLASS_PUBLIC)
    return pm_contact_ip_hash(&ip, rewards->seed + contact->port);
  if (ip.family == PM_IP_V6)
    memset(ip.bytes + IPV6_SITE_BYTES, 0, sizeof ip.bytes - IPV6_SITE_BYTES);
  return pm_contact_ip_hash(&ip, rewards->seed);
}

bool pm_rewards_take(struct pm_rewards *rewards, const struct pm_contact *contact,
                     struct pm_time now) {
  uint64_t hash = earner(rewards, contact);
  uint32_t tag = (uint32_t)hash | 1, now_s = (uint32_t)(now.ns / PM_NS_PER_S);
  struct pm_reward *set =
      rewards->entries + (size_t)((uint32_t)(hash >> 32) & rewards->sets_mask) * WAYS;
  struct pm_reward *place = NULL;
  for (int i = 0; i < WAYS; i++) {
    bool old = set[i].tag == 0 || now_s - set[i].at_s > DAY_S;
    if (set[i].tag == tag && !old) return false;
    if (old && !place) place = &set[i];
  }
  if (!place) return false;
  *place = (struct pm_reward){.tag = tag, .at_s = now_s};
  return true;
}
