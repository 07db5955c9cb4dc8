/* The names that a resolver was asked for, and the addresses that they came to: a table of bounded
 * size, in which the name that was used least recently makes room for a new one, unless somebody
 * waits for it. Pure: it asks nobody and reads no clock.
 *
 * An entry is the beginning of a larger struct of the table's owner, which is allocated with it,
 * all zeroes at first:
 *
 *   struct owners_name { struct pm_name_entry entry; … };
 *   pm_name_cache_new(key_seed, names_max, sizeof(struct owners_name), &cache);
 */
#ifndef PM_PROBE_NAME_CACHE_H
#define PM_PROBE_NAME_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ip.h"
#include "probe/resolver.h" /* how many addresses a name has, and for how long */

struct pm_name_cache;

/* To be read; written by the functions below. It stays where it is for as long as it is held. */
struct pm_name_entry {
  struct pm_name_entry *chain;           /* of its bucket */
  struct pm_name_entry *older, *younger; /* by last use */
  uint64_t key;
  uint32_t holds;   /* of who waits for it */
  uint8_t count;    /* of addresses */
  const char *host; /* at the end of the same memory */
  struct pm_time fresh_until;
  struct pm_ip addresses[PM_RESOLVER_ADDRESSES_MAX]; /* the one in use first */
};

/* key_seed: a secret, so that nobody can prepare names that collide. entry_bytes: of the owner's
 * struct. PM_ERR_NOMEM. */
enum pm_err pm_name_cache_new(uint64_t key_seed, size_t names_max, size_t entry_bytes,
                              struct pm_name_cache **out) PM_MUST_USE;
/* With all entries, held ones included. */
void pm_name_cache_free(struct pm_name_cache *cache);

/* NULL if it is not there. That alone is no use of it. host is in lower case (base/endpoint.h). */
struct pm_name_entry *pm_name_cache_find(const struct pm_name_cache *cache, const char *host);
void pm_name_cache_use(struct pm_name_cache *cache, struct pm_name_entry *entry);
/* The one that is there or a new one, and a use of it. It may push out another, which must not be
 * touched from then on. PM_ERR_FULL: all are held. PM_ERR_NOMEM. */
enum pm_err pm_name_cache_take(struct pm_name_cache *cache, const char *host,
                               struct pm_name_entry **out) PM_MUST_USE;

/* Somebody waits for it, and it stays until as many have released it. */
void pm_name_entry_hold(struct pm_name_entry *entry);
void pm_name_entry_release(struct pm_name_entry *entry);

/* A new answer takes the place of the old one: the addresses in their order, but the one in use
 * first if it is still among them. They are fresh for ttl_s, put into PM_RESOLVER_REUSE_S_MIN to
 * PM_RESOLVER_REUSE_S_MAX. Beyond PM_RESOLVER_ADDRESSES_MAX they are cut. */
void pm_name_entry_fill(struct pm_name_entry *entry, const struct pm_ip *addresses, size_t count,
                        int ttl_s, struct pm_time now);
/* It has addresses, and they may be used without asking again. */
bool pm_name_entry_is_fresh(const struct pm_name_entry *entry, struct pm_time now);
/* If this address is the one in use and there are others, it becomes the last. */
void pm_name_entry_avoid(struct pm_name_entry *entry, const struct pm_ip *ip);

#endif
