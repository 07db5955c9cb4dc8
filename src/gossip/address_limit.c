#include "gossip/address_limit.h"

#include <string.h>

#include "gossip/contact.h"
#include "gossip/mutation.h"

enum {
  WAYS = 16,
  MINUTE_S = 60,
  HOUR_S = 60 * MINUTE_S,
  DAY_S = 24 * HOUR_S,
  DOUBLINGS_MAX = 5,
  NETWORK_WINDOW_S = 10 * MINUTE_S,
  NETWORK_FAILS_MAX = 3,
  PRIVATE_WINDOW_S = HOUR_S,
  PRIVATE_FAILS_MAX = 16,
};

static uint32_t sets_for(uint32_t entries) {
  uint32_t sets = 1;
  while (sets * WAYS < entries) sets *= 2;
  return sets;
}

void pm_address_limit_carve(struct pm_address_limit *limit, struct pm_arena *arena,
                            uint32_t addresses) {
  uint32_t address_sets = sets_for(addresses), network_sets = sets_for(addresses / 4);
  limit->addresses_mask = address_sets - 1;
  limit->networks_mask = network_sets - 1;
  limit->addresses = pm_arena_take(arena, (size_t)address_sets * WAYS, sizeof *limit->addresses);
  limit->networks = pm_arena_take(arena, (size_t)network_sets * WAYS, sizeof *limit->networks);
}

void pm_address_limit_init(struct pm_address_limit *limit, uint64_t seed) {
  limit->seed = seed;
  memset(limit->addresses, 0,
         (size_t)(limit->addresses_mask + 1) * WAYS * sizeof *limit->addresses);
  memset(limit->networks, 0, (size_t)(limit->networks_mask + 1) * WAYS * sizeof *limit->networks);
}

static uint32_t seconds(struct pm_time t) {
  return (uint32_t)(t.ns / PM_NS_PER_S);
}

static struct pm_time instant(uint32_t at_s) {
  return (struct pm_time){(int64_t)at_s * PM_NS_PER_S};
}

static bool is_public(const struct pm_ip *ip) {
  return pm_ip_classify(ip) == PM_IP_CLASS_PUBLIC;
}

static uint64_t address_hash(const struct pm_address_limit *limit, const struct pm_ip *ip) {
  return pm_contact_ip_hash(ip, limit->seed);
}

/* The other half chooses the set. */
static uint32_t tag_of(uint64_t hash) {
  return (uint32_t)hash ? (uint32_t)hash : 1;
}

/* /24, of IPv6 /48: what one site usually gets. */
static uint64_t network_hash(const struct pm_address_limit *limit, const struct pm_ip *ip) {
  struct pm_ip network = *ip;
  size_t kept = ip->family == PM_IP_V4 ? 3 : 6;
  memset(network.bytes + kept, 0, sizeof network.bytes - kept);
  return pm_contact_ip_hash(&network, ~limit->seed);
}

/* An address may be forgotten a day after its last try: see the header's "6 in a day". */
static bool is_stale(const struct pm_address *entry, uint32_t kept_s, uint32_t now_s) {
  return entry->open == 0 && now_s - entry->last_s > kept_s;
}

/* The entry of hash, else a free or stale place (with another tag), else NULL. */
static struct pm_address *place(struct pm_address *table, uint32_t mask, uint64_t hash,
                                uint32_t kept_s, uint32_t now_s) {
  struct pm_address *set = table + (size_t)((uint32_t)(hash >> 32) & mask) * WAYS;
  struct pm_address *unused = NULL;
  for (int i = 0; i < WAYS; i++) {
    if (set[i].tag == tag_of(hash)) return &set[i];
    if (!unused && (set[i].tag == 0 || is_stale(&set[i], kept_s, now_s))) unused = &set[i];
  }
  return unused;
}

static struct pm_address *address_of(struct pm_address_limit *limit, const struct pm_ip *ip,
                                     struct pm_time now) {
  uint64_t hash = address_hash(limit, ip);
  return place(limit->addresses, limit->addresses_mask, hash, DAY_S, seconds(now));
}

static struct pm_address *network_of(struct pm_address_limit *limit, const struct pm_ip *ip,
                                     struct pm_time now) {
  uint64_t hash = network_hash(limit, ip);
  return place(limit->networks, limit->networks_mask, hash, NETWORK_WINDOW_S, seconds(now));
}

/* After its first, second, … try. A second more, as times are kept in whole seconds. */
static uint32_t wait_s(unsigned tries) {
  if (tries == 1) return MINUTE_S + 1;
  unsigned doublings = tries - 2;
  uint32_t wait = doublings >= DOUBLINGS_MAX ? DAY_S : (uint32_t)HOUR_S << doublings;
  return (wait > DAY_S ? DAY_S : wait) + 1;
}

static enum pm_address_verdict ask_tries(const struct pm_address *entry, uint32_t now_s,
                                         struct pm_time *out_until) {
  if (entry->tries == 0 || now_s - entry->last_s >= wait_s(entry->tries)) return PM_ADDRESS_OK;
  *out_until = instant(entry->last_s + wait_s(entry->tries));
  return PM_ADDRESS_WAIT;
}

static enum pm_address_verdict ask_window(const struct pm_address *entry, uint32_t window_s,
                                          unsigned fails_max, uint32_t now_s,
                                          struct pm_time *out_until) {
  unsigned fails = now_s - entry->failed_s <= window_s ? entry->fails : 0;
  if (fails + entry->open < fails_max) return PM_ADDRESS_OK;
  /* With tries still open, ask again soon: they may succeed. */
  *out_until = instant(fails < fails_max ? now_s + 1 : entry->failed_s + window_s + 1);
  return PM_ADDRESS_WAIT;
}

enum pm_address_verdict pm_address_limit_ask(struct pm_address_limit *limit, const struct pm_ip *ip,
                                             struct pm_time now, struct pm_time *out_until) {
  const struct pm_address *address = address_of(limit, ip, now);
  if (!address) return PM_ADDRESS_FULL;
  bool known = address->tag == tag_of(address_hash(limit, ip));
  if (!is_public(ip)) {
    if (!known) return PM_ADDRESS_OK;
    return ask_window(address, PRIVATE_WINDOW_S, PRIVATE_FAILS_MAX, seconds(now), out_until);
  }
  const struct pm_address *network = network_of(limit, ip, now);
  if (!network) return PM_ADDRESS_FULL;
  if (known) {
    enum pm_address_verdict verdict = ask_tries(address, seconds(now), out_until);
    if (verdict != PM_ADDRESS_OK) return verdict;
  }
  if (network->tag != tag_of(network_hash(limit, ip)) || pm_mutated(NETWORK)) return PM_ADDRESS_OK;
  return ask_window(network, NETWORK_WINDOW_S, NETWORK_FAILS_MAX, seconds(now), out_until);
}

static void begin(struct pm_address *entry, uint64_t hash, struct pm_time now) {
  if (!entry) return;
  if (entry->tag != tag_of(hash)) *entry = (struct pm_address){.tag = tag_of(hash)};
  if (entry->tries < UINT16_MAX) entry->tries++;
  entry->open++;
  entry->last_s = seconds(now);
}

void pm_address_limit_begin(struct pm_address_limit *limit, const struct pm_ip *ip,
                            struct pm_time now) {
  begin(address_of(limit, ip, now), address_hash(limit, ip), now);
  if (is_public(ip)) begin(network_of(limit, ip, now), network_hash(limit, ip), now);
}

static void end(struct pm_address *entry, uint64_t hash, uint32_t window_s, bool success,
                uint32_t now_s) {
  if (!entry || entry->tag != tag_of(hash)) return;
  if (entry->open > 0) entry->open--;
  if (success) {
    entry->tries = 0;
    if (entry->open == 0 && entry->fails == 0) entry->tag = 0;
    return;
  }
  if (now_s - entry->failed_s > window_s) entry->fails = 0;
  entry->failed_s = now_s;
  if (entry->fails < UINT16_MAX) entry->fails++;
}

void pm_address_limit_end(struct pm_address_limit *limit, const struct pm_ip *ip, bool success,
                          struct pm_time now) {
  struct pm_address *address = address_of(limit, ip, now);
  uint64_t hash = address_hash(limit, ip);
  bool public = is_public(ip);
  if (public && success && address && address->tag == tag_of(hash)) address->fails = 0;
  end(address, hash, PRIVATE_WINDOW_S, success, seconds(now));
  if (!public) return;
  end(network_of(limit, ip, now), network_hash(limit, ip), NETWORK_WINDOW_S, success, seconds(now));
}
