/* A row: a slot as the store keeps it. Pure. The same as a packed slot (probe/slot.h) says, in bits
 * instead of bytes: a fifth to a half shorter, most where samples are few and wide apart, without
 * loss but for sums of more than 52 days. All phases lie in one row: a pair's view wants several of
 * them, the counters are theirs together, and six rows would pay six times for their keys.
 *
 *   version:4  { counter + 1 }10  { phase }6
 *   phase: buckets + 1 [ { index - index before, count }* sum min max jitter ]
 *   min and max: 1 and the place within the first or last bucket, or 0 and a number
 *
 * Counters, buckets, indexes and counts in gamma code, the rest as numbers (store/bits.h).
 */
#ifndef PM_STORE_ROW_H
#define PM_STORE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/slot.h"
#include "store/answer.h"

enum {
  /* Every bucket filled to its brim. Real rows have 50 to 500 bytes. */
  PM_ROW_BYTES_MAX = 160 << 10,
};

/* Empties it, at the price of what was filled; to begin with, pm_slot_sum_init. */
void pm_row_sum_clear(struct pm_slot_sum *sum);

size_t pm_row_pack(const struct pm_slot_sum *sum, uint8_t out[PM_ROW_BYTES_MAX]);
/* Earlier ones first. PM_ERR_SYNTAX: not a row of this version; the sum may hold some of it. */
enum pm_err pm_row_add(struct pm_slot_sum *sum, const uint8_t *bytes, size_t count) PM_MUST_USE;

/* What is in counts[first] to counts[last], as figures; sum, minimum, maximum and jitter are
 * the phase's. */
void pm_row_figures(const uint32_t *counts, size_t first, size_t last,
                    const struct pm_slot_phase *phase, struct pm_figures *out);
void pm_row_sum_figures(const struct pm_slot_sum *sum, enum pm_phase phase, struct pm_figures *out);

#endif
