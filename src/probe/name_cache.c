#include "probe/name_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

enum { BUCKETS = 4096 }; /* chains of four in the mean at PM_RESOLVER_NAMES_MAX */

struct pm_name_cache {
  uint64_t key_seed;
  size_t names_max;
  size_t entry_bytes;
  size_t count;
  struct pm_name_entry *oldest, *youngest;
  struct pm_name_entry *buckets[BUCKETS];
};

enum pm_err pm_name_cache_new(uint64_t key_seed, size_t names_max, size_t entry_bytes,
                              struct pm_name_cache **out) {
  assert(entry_bytes >= sizeof(struct pm_name_entry));
  struct pm_name_cache *cache = calloc(1, sizeof *cache);
  if (!cache) return PM_ERR_NOMEM;
  cache->key_seed = key_seed;
  cache->names_max = names_max;
  cache->entry_bytes = entry_bytes;
  *out = cache;
  return PM_OK;
}

void pm_name_cache_free(struct pm_name_cache *cache) {
  if (!cache) return;
  struct pm_name_entry *next;
  for (struct pm_name_entry *e = cache->oldest; e; e = next) {
    next = e->younger;
    free(e);
  }
  free(cache);
}

/* --- by last use ---------------------------------------------------------------------------- */

static void use_list_remove(struct pm_name_cache *cache, struct pm_name_entry *e) {
  if (e->older)
    e->older->younger = e->younger;
  else
    cache->oldest = e->younger;
  if (e->younger)
    e->younger->older = e->older;
  else
    cache->youngest = e->older;
}

static void use_list_append(struct pm_name_cache *cache, struct pm_name_entry *e) {
  e->older = cache->youngest;
  e->younger = NULL;
  if (cache->youngest)
    cache->youngest->younger = e;
  else
    cache->oldest = e;
  cache->youngest = e;
}

void pm_name_cache_use(struct pm_name_cache *cache, struct pm_name_entry *entry) {
  if (cache->youngest == entry) return;
  use_list_remove(cache, entry);
  use_list_append(cache, entry);
}

/* --- by name -------------------------------------------------------------------------------- */

static uint64_t key_of(const struct pm_name_cache *cache, const char *host, size_t bytes) {
  return XXH3_64bits_withSeed(host, bytes, cache->key_seed);
}

static struct pm_name_entry *find(const struct pm_name_cache *cache, uint64_t key,
                                  const char *host) {
  for (struct pm_name_entry *e = cache->buckets[key % BUCKETS]; e; e = e->chain)
    if (e->key == key && strcmp(e->host, host) == 0) return e;
  return NULL;
}

static void drop(struct pm_name_cache *cache, struct pm_name_entry *e) {
  struct pm_name_entry **at = &cache->buckets[e->key % BUCKETS];
  while (*at != e) at = &(*at)->chain;
  *at = e->chain;
  use_list_remove(cache, e);
  cache->count--;
  free(e);
}

static bool make_room(struct pm_name_cache *cache) {
  for (struct pm_name_entry *e = cache->oldest; e; e = e->younger) {
    if (e->holds > 0) continue;
    drop(cache, e);
    return true;
  }
  return false;
}

static enum pm_err add(struct pm_name_cache *cache, uint64_t key, const char *host,
                       size_t host_bytes, struct pm_name_entry **out) {
  if (cache->count >= cache->names_max && !make_room(cache)) return PM_ERR_FULL;
  struct pm_name_entry *e = calloc(1, cache->entry_bytes + host_bytes + 1);
  if (!e) return PM_ERR_NOMEM;
  e->host = memcpy((char *)e + cache->entry_bytes, host, host_bytes + 1);
  e->key = key;
  struct pm_name_entry **bucket = &cache->buckets[key % BUCKETS];
  e->chain = *bucket;
  *bucket = e;
  use_list_append(cache, e);
  cache->count++;
  *out = e;
  return PM_OK;
}

struct pm_name_entry *pm_name_cache_find(const struct pm_name_cache *cache, const char *host) {
  return find(cache, key_of(cache, host, strlen(host)), host);
}

enum pm_err pm_name_cache_take(struct pm_name_cache *cache, const char *host,
                               struct pm_name_entry **out) {
  size_t host_bytes = strlen(host);
  uint64_t key = key_of(cache, host, host_bytes);
  struct pm_name_entry *e = find(cache, key, host);
  if (!e) return add(cache, key, host, host_bytes, out);
  pm_name_cache_use(cache, e);
  *out = e;
  return PM_OK;
}

void pm_name_entry_hold(struct pm_name_entry *entry) {
  entry->holds++;
}

void pm_name_entry_release(struct pm_name_entry *entry) {
  assert(entry->holds > 0);
  entry->holds--;
}

/* --- its addresses -------------------------------------------------------------------------- */

static int64_t reuse_s(int ttl_s) {
  if (ttl_s < PM_RESOLVER_REUSE_S_MIN) return PM_RESOLVER_REUSE_S_MIN;
  if (ttl_s > PM_RESOLVER_REUSE_S_MAX) return PM_RESOLVER_REUSE_S_MAX;
  return ttl_s;
}

static void move_to_front(struct pm_name_entry *entry, const struct pm_ip *ip) {
  size_t at = 0;
  while (at < entry->count && !pm_ip_equal(&entry->addresses[at], ip)) at++;
  if (at == entry->count) return;
  memmove(entry->addresses + 1, entry->addresses, at * sizeof *entry->addresses);
  entry->addresses[0] = *ip;
}

void pm_name_entry_fill(struct pm_name_entry *entry, const struct pm_ip *addresses, size_t count,
                        int ttl_s, struct pm_time now) {
  bool was_used = entry->count > 0;
  const struct pm_ip in_use = entry->addresses[0];
  entry->count = count < PM_RESOLVER_ADDRESSES_MAX ? (uint8_t)count : PM_RESOLVER_ADDRESSES_MAX;
  memcpy(entry->addresses, addresses, entry->count * sizeof *addresses);
  if (was_used) move_to_front(entry, &in_use);
  entry->fresh_until = pm_time_add_ms(now, reuse_s(ttl_s) * 1000);
}

bool pm_name_entry_is_fresh(const struct pm_name_entry *entry, struct pm_time now) {
  return entry->count > 0 && pm_time_before(now, entry->fresh_until);
}

void pm_name_entry_avoid(struct pm_name_entry *entry, const struct pm_ip *ip) {
  if (entry->count < 2 || !pm_ip_equal(&entry->addresses[0], ip)) return;
  const struct pm_ip avoided = *ip; /* it may be the one that is moved */
  memmove(entry->addresses, entry->addresses + 1, (entry->count - 1u) * sizeof *entry->addresses);
  entry->addresses[entry->count - 1] = avoided;
}
