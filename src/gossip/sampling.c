#include <string.h>

#include "gossip/core.h"

/* Who stays when the table is full: the smallest keyed hashes of the address, so that no name and
 * no order of arrival helps a newcomer; and those of an hour's standing, up to three quarters of
 * the table, leave only by dying, so that no crowd of newcomers can take the table over. */

enum {
  TENURE_MS = 3600 * 1000,
  TENURE_PERCENT = 75,
  GROUP_SHARE = 16,      /* a public /16 gets this part of the table … */
  GROUP_MEMBERS_MIN = 2, /* … and of a small one at least so many */
  IP_PORTS_MAX = 8,
  BRAKE_GROWTH_MIN = 256,
  WORST_KEPT_MS = 10000, /* tenure grows with time: look anew */
};

uint64_t pm_sampling_rank(const struct pm_gossip *g, const struct pm_ip *ip) {
  uint64_t rank = pm_contact_ip_hash(ip, g->rank_seed);
  return rank ? rank : 1;
}

static struct pm_member *verified_at(const struct pm_gossip *g, uint32_t i) {
  return pm_table_at(&g->table, g->table.sets[PM_SET_VERIFIED].slots[i]);
}

static bool has_tenure(const struct pm_gossip *g, const struct pm_member_detail *d) {
  return pm_time_since_ns(g->now, d->proved) >= (int64_t)TENURE_MS * PM_NS_PER_MS;
}

static uint64_t rank_of(const struct pm_gossip *g, const struct pm_member *m) {
  return g->ranks[m->detail];
}

/* Of the largest rank at all: every newcomer to a full table asks for it, so the ranks lie side by
 * side. One that has become local since does not count. */
static struct pm_member *of_largest_rank(const struct pm_gossip *g) {
  for (;;) {
    uint64_t largest = 0;
    uint32_t at = 0, count = g->config.members_max;
    for (uint32_t i = 0; i < count; i++) {
      if (g->ranks[i] <= largest) continue;
      largest = g->ranks[i];
      at = i;
    }
    if (largest == 0) return NULL;
    struct pm_member *m = pm_table_at(&g->table, g->table.details[at].owner);
    if (!m->local) return m;
    g->ranks[at] = 0;
  }
}

/* The one that gives way first: of the largest rank among those who may. */
static struct pm_member *first_to_go(const struct pm_gossip *g) {
  if (pm_time_since_ns(g->now, g->started) < (int64_t)TENURE_MS * PM_NS_PER_MS)
    return of_largest_rank(g); /* nobody has tenure yet */
  uint32_t count = pm_core_verified(g), tenured = 0;
  for (uint32_t i = 0; i < count; i++)
    tenured += has_tenure(g, pm_table_detail(&g->table, verified_at(g, i)));
  bool all = tenured > (uint64_t)g->config.members_max * TENURE_PERCENT / 100;
  struct pm_member *worst = NULL;
  uint64_t rank = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct pm_member *m = verified_at(g, i);
    const struct pm_member_detail *d = pm_table_detail(&g->table, m);
    if (m->local || (!all && has_tenure(g, d)) || rank_of(g, m) <= rank) continue;
    rank = rank_of(g, m);
    worst = m;
  }
  return worst;
}

static size_t network_bytes(const struct pm_ip *ip) {
  return ip->family == PM_IP_V4 ? 2 : 4;
}

static uint16_t *network_count(struct pm_gossip *g, const struct pm_ip *ip) {
  struct pm_ip network = {.family = ip->family};
  memcpy(network.bytes, ip->bytes, network_bytes(ip));
  return &g->networks[pm_contact_ip_hash(&network, g->group_seed) % PM_CORE_NETWORKS];
}

void pm_sampling_count(struct pm_gossip *g, const struct pm_member *m, int by) {
  uint16_t *count = network_count(g, &m->contact.ip);
  *count = (uint16_t)(*count + by);
  g->ranks[m->detail] = by > 0 && !m->local ? pm_sampling_rank(g, &m->contact.ip) : 0;
  g->worst_until = g->now;
}

static uint64_t worst_rank(struct pm_gossip *g) {
  if (pm_time_before(g->now, g->worst_until)) return g->worst_rank;
  const struct pm_member *m = first_to_go(g);
  g->worst_rank = m ? rank_of(g, m) : 0;
  g->worst_until = pm_time_add_ms(g->now, WORST_KEPT_MS);
  return g->worst_rank;
}

static bool is_full(const struct pm_gossip *g) {
  return pm_core_verified(g) >= g->config.members_max;
}

/* A network's and an address's share; both only where addresses cost something: in public. */
static bool share_taken(struct pm_gossip *g, const struct pm_member *self,
                        const struct pm_contact *contact) {
  uint32_t group_max = g->config.members_max / GROUP_SHARE, in_group = 0, on_ip = 0;
  if (group_max < GROUP_MEMBERS_MIN) group_max = GROUP_MEMBERS_MIN;
  if (pm_mutated(SHARE)) return false;
  uint32_t at_most = *network_count(g, &contact->ip);
  if (at_most < group_max && at_most < IP_PORTS_MAX) return false; /* no need to count */
  if (pm_ip_classify(&contact->ip) != PM_IP_CLASS_PUBLIC) return false;
  for (uint32_t i = 0; i < pm_core_verified(g); i++) {
    const struct pm_member *m = verified_at(g, i);
    if (m == self || m->contact.ip.family != contact->ip.family) continue;
    if (memcmp(m->contact.ip.bytes, contact->ip.bytes, network_bytes(&contact->ip)) != 0) continue;
    in_group++;
    on_ip += pm_ip_equal(&m->contact.ip, &contact->ip);
  }
  return in_group >= group_max || on_ip >= IP_PORTS_MAX;
}

/* After an hour of uptime: at most twice as many in an hour, or 256 more. */
static bool brakes(const struct pm_gossip *g) {
  uint32_t base = g->brake.base;
  if (base == 0 || pm_mutated(BRAKE)) return false;
  uint32_t growth = base > BRAKE_GROWTH_MIN ? base : BRAKE_GROWTH_MIN;
  return pm_core_verified(g) >= base + growth;
}

enum pm_refusal_reason pm_sampling_admits(struct pm_gossip *g, const struct pm_member *m,
                                          const struct pm_contact *contact) {
  if (m && m->local) return PM_REFUSAL_NONE;
  if (is_full(g) && pm_sampling_rank(g, &contact->ip) >= worst_rank(g))
    return PM_REFUSAL_TABLE_FULL;
  if (share_taken(g, m, contact)) return PM_REFUSAL_GROUP_FULL;
  if (brakes(g)) return PM_REFUSAL_BRAKE;
  return PM_REFUSAL_NONE;
}

bool pm_sampling_make_room(struct pm_gossip *g, uint64_t rank) {
  if (!is_full(g)) return true;
  struct pm_member *m = first_to_go(g);
  if (!m || rank_of(g, m) <= rank) return false;
  pm_core_change(g, PM_CHANGE_EVICTED, PM_REFUSAL_NONE, m, NULL);
  pm_core_drop(g, m);
  return true;
}
