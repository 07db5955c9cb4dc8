/* One direction between two hosts: what happens to each packet on it. Pure: the same seed and the
 * same packets in the same order meet the same fates.
 */
#ifndef PM_LAB_LINK_H
#define PM_LAB_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct pm_link_settings {
  int64_t delay_us;
  int64_t jitter_us; /* each packet's delay is drawn evenly from delay ± jitter, 0 at least */
  int64_t loss_ppm;  /* of a million packets */
  bool cut;          /* all of them are lost */
};

struct pm_link_counts {
  uint64_t packets;
  uint64_t lost;
  uint64_t cut;
  uint64_t overflowed; /* lost for want of room in the delayer: the laboratory's own fault */
  uint64_t syns, syns_lost, synacks, synacks_lost; /* of the above; lost in any way */
  int64_t late_ns_max;                             /* that a release came after its due time */
};

struct pm_link {
  struct pm_link_settings settings;
  struct pm_link_counts counts;
  uint64_t rng;
};

enum pm_link_fate { PM_LINK_PASSES, PM_LINK_LOSES, PM_LINK_IS_CUT };

void pm_link_init(struct pm_link *link, uint64_t seed);
/* out_delay_ns is written if the packet passes. */
enum pm_link_fate pm_link_draw(struct pm_link *link, int64_t *out_delay_ns);
void pm_link_counts_add(struct pm_link_counts *sum, const struct pm_link_counts *more);

#endif
