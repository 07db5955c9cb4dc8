/* What a caller does not want to hear: a salted Bloom filter over one partition of the hashes it
 * knows. 10 bits and 7 probes a key: about 0.8 % false positives, and none lasts, as the salt
 * changes. 640 bytes for up to 512 keys; 80, 160 or 320 do for fewer. Pure; the format is part of
 * the wire.
 *
 * Keys are public (unseeded) contact hashes; the salt mixes them anew for every request.
 */
#ifndef PM_GOSSIP_BLOOM_H
#define PM_GOSSIP_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PM_BLOOM_BYTES = 640,
  PM_BLOOM_BYTES_MIN = 80, /* and the doubles of it up to PM_BLOOM_BYTES */
  PM_BLOOM_KEYS = 512,     /* as many as a filter is made for, so the size of a partition */
  PM_BLOOM_PARTS_MAX = 1024,
};

struct pm_bloom {
  uint16_t bytes; /* of bits, in use */
  uint8_t bits[PM_BLOOM_BYTES];
};

/* The hash of a key for one request: of Bloom probes, partitions and hints. */
uint64_t pm_bloom_salted(uint64_t key, uint64_t salt);
/* Which of parts (at least 1) a salted hash belongs to. */
unsigned pm_bloom_part(uint64_t salted, unsigned parts);

/* Empty, and large enough for so many keys (or as large as can be). */
void pm_bloom_init(struct pm_bloom *bloom, size_t keys);
/* Is this a size that a filter can have? */
bool pm_bloom_size_valid(size_t bytes);
void pm_bloom_add(struct pm_bloom *bloom, uint64_t salted);
bool pm_bloom_has(const struct pm_bloom *bloom, uint64_t salted);
/* About how many keys were added (Swamidass and Baldi, 2007). */
size_t pm_bloom_estimate(const struct pm_bloom *bloom);

#endif
