/* The account behind the bounds: what each run of each node was told, proved and did. Shared by
 * check.c (I1 to I10) and check_rules.c (pace, brake, reach, networks, depth).
 */
#ifndef PM_SIM_CHECK_ACCOUNT_H
#define PM_SIM_CHECK_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

enum { SIM_TOLD_MAX = 2, SIM_TRIES_KEPT = 7, SIM_REACH_NOS = 3, SIM_NETWORK_FAILS = 3 };

/* What one run of a node knows of one endpoint, or (port 0) of one address, or of one /24. */
struct sim_known {
  uint64_t key; /* 0: free */
  int64_t proved_ns;
  int64_t lost_ns;   /* when it was last given up, or tried again in vain */
  int64_t told_ns;   /* the latest success that somebody told of */
  int64_t earned_ns; /* when it last fed the failure budget; 0: never */
  union {
    int64_t tries_ns[SIM_TRIES_KEPT];     /* of an address: latest tries on strangers' word */
    int64_t failed_ns[SIM_NETWORK_FAILS]; /* of a /24: latest failures on strangers' word */
    int64_t probed_ns;                    /* of an endpoint: its latest probe */
  };
  uint32_t told[SIM_TOLD_MAX]; /* groups of those who told */
  uint32_t pace_s;             /* what it asked for */
  uint16_t depth;              /* least that somebody told, and one more */
  uint8_t told_count, tries, fails;
  bool local, consent, claim, proved, one_enough;
  bool word_failed; /* its last try on strangers' word */
};

struct sim_rate {
  double tokens;
  int64_t at_ns;
};

struct sim_account {
  struct sim_rate verify, speculative, total, hint;
  int64_t started_ns;
  int64_t seen_ns; /* the latest time that the node's clock showed */
  uint64_t failures, successes;
  int64_t brake_ns; /* end of the hour for which growth is counted */
  uint32_t brake_base;
  uint32_t reach_groups[SIM_REACH_NOS];
  unsigned reach_nos;
  int64_t silent_ns; /* until then it announces itself to nobody */
};

struct sim_check {
  struct sim_known *known;
  size_t mask, count;
  bool whole; /* the account is kept */
  struct sim_account *accounts;
  uint64_t violations;
};

struct sim_known *sim_account_endpoint(struct sim_world *w, uint32_t node,
                                       const struct pm_contact *contact);
struct sim_known *sim_account_network(struct sim_world *w, uint32_t node, const struct pm_ip *ip);
uint32_t sim_account_group(const struct pm_contact *contact);

/* check_rules.c, called where check.c looks. */
void sim_rules_reset(struct sim_world *w, uint32_t node);
void sim_rules_told(struct sim_known *k, const struct pm_wire_entry *entry);
void sim_rules_send(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send);
void sim_rules_failed(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                      enum pm_dial why);

#endif
