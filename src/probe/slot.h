/* A slot: what the samples of one stretch of time add up to, and its packed form. Pure.
 *
 * Slots add up exactly, packed or not. Packed, one is a string of some two hundred bytes: LEB128
 * numbers, no alignment, no byte order; fit to be kept and read again (a store's blob). Reading
 * checks every byte.
 *
 *   version  sent succeeded lost starved retransmitted late
 *   trials lost segments retransmits  { phase }6
 *   phase: buckets [ sum min max jitter { index - index before, count }* ]
 */
#ifndef PM_PROBE_SLOT_H
#define PM_PROBE_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/histogram.h"
#include "probe/loss.h"
#include "probe/sample.h"

/* Of the successes that had this phase, and had it so that it may be published as latency. */
struct pm_slot_phase {
  int64_t sum_ns, min_ns, max_ns; /* 0 while there are none */
  int64_t jitter_ns;              /* of probe/window.h, as it stood after the latest of them */
  struct pm_histogram histogram;  /* its total is their count */
};

struct pm_slot {
  uint32_t sent;          /* probes that were tried: neither kept back (POLICY) nor failed on our
                             side (INTERNAL) */
  uint32_t succeeded;     /* of sent */
  uint32_t lost;          /* the others of sent */
  uint32_t starved;       /* of sent; how many of them says little of the path and much of us */
  uint32_t retransmitted; /* of sent: a packet of theirs was sent again */
  uint32_t late;          /* turns passed over, for the probe before was still running */
  struct pm_loss packets; /* of sent, as far as the kernel told */
  struct pm_slot_phase phases[PM_PHASE_COUNT];
};

/* Of all zeroes is an empty slot, too. */
void pm_slot_init(struct pm_slot *slot);
void pm_slot_deinit(struct pm_slot *slot);
/* Empties it; keeps the memory of its histograms. */
void pm_slot_clear(struct pm_slot *slot);
bool pm_slot_is_empty(const struct pm_slot *slot);
/* Where its counters are, those of packets included, in the order in which codecs write them. */
enum { PM_SLOT_COUNTERS = 10 };
void pm_slot_counters(struct pm_slot *slot, uint32_t *out[PM_SLOT_COUNTERS]);

/* Whether that phase of a sample counts in struct pm_slot_phase. */
bool pm_slot_takes_phase(const struct pm_sample *sample, enum pm_phase phase);
/* All but the jitter. PM_ERR_NOMEM: some histogram misses the sample; the rest is taken. */
enum pm_err pm_slot_add(struct pm_slot *slot, const struct pm_sample *sample) PM_MUST_USE;
/* The mean of a phase; 0 without samples. */
int64_t pm_slot_mean_ns(const struct pm_slot *slot, enum pm_phase phase);
/* As of a histogram, but never beyond the phase's minimum and maximum, which are exact. */
int64_t pm_slot_quantile_ns(const struct pm_slot *slot, enum pm_phase phase, double q);

/* out is the caller's to free. PM_ERR_NOMEM. */
enum pm_err pm_slot_pack(const struct pm_slot *slot, uint8_t **out, size_t *out_bytes) PM_MUST_USE;

/* Adding up many slots: each bucket of each phase has its place, so that one costs no more than its
 * own length. 43 KB; for the stack. */
struct pm_slot_sum {
  struct pm_slot numbers;                               /* its histograms are not used */
  uint16_t first[PM_PHASE_COUNT], last[PM_PHASE_COUNT]; /* of what is filled; first > last: none */
  uint32_t counts[PM_PHASE_COUNT][PM_HISTOGRAM_BUCKETS];
};
void pm_slot_sum_init(struct pm_slot_sum *sum);
/* Earlier ones first: the jitter of the last one counts. */
void pm_slot_sum_add(struct pm_slot_sum *sum, const struct pm_slot *slot);
/* PM_ERR_SYNTAX: not a packed slot of this version; the sum may hold some of it. */
enum pm_err pm_slot_sum_add_packed(struct pm_slot_sum *sum, const uint8_t *bytes,
                                   size_t count) PM_MUST_USE;
/* out: a slot, which is replaced. PM_ERR_NOMEM: some histogram is empty. */
enum pm_err pm_slot_sum_take(const struct pm_slot_sum *sum, struct pm_slot *out) PM_MUST_USE;

#endif
