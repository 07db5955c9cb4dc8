#include "link.h"

enum { PPM = 1000000, NS_PER_US = 1000 };

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void pm_link_init(struct pm_link *link, uint64_t seed) {
  *link = (struct pm_link){.rng = seed};
}

/* Two numbers are drawn for each packet, whatever the settings, so that changing the loss does not
 * change the jitter. */
enum pm_link_fate pm_link_draw(struct pm_link *link, int64_t *out_delay_ns) {
  const struct pm_link_settings *settings = &link->settings;
  int64_t chance = (int64_t)(draw(&link->rng) % PPM);
  uint64_t spread = (uint64_t)(2 * settings->jitter_us * NS_PER_US + 1);
  int64_t jitter_ns = (int64_t)(draw(&link->rng) % spread) - settings->jitter_us * NS_PER_US;
  if (settings->cut) return PM_LINK_IS_CUT;
  if (chance < settings->loss_ppm) return PM_LINK_LOSES;
  int64_t delay_ns = settings->delay_us * NS_PER_US + jitter_ns;
  *out_delay_ns = delay_ns > 0 ? delay_ns : 0;
  return PM_LINK_PASSES;
}

void pm_link_counts_add(struct pm_link_counts *sum, const struct pm_link_counts *more) {
  sum->packets += more->packets;
  sum->lost += more->lost;
  sum->cut += more->cut;
  sum->overflowed += more->overflowed;
  sum->syns += more->syns;
  sum->syns_lost += more->syns_lost;
  sum->synacks += more->synacks;
  sum->synacks_lost += more->synacks_lost;
  if (more->late_ns_max > sum->late_ns_max) sum->late_ns_max = more->late_ns_max;
}
