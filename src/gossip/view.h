/* What people and the API may see of the core: every endpoint it knows, how it was learned and what
 * became of it, the budgets left, and the counters. Read only; nothing here changes the core.
 */
#ifndef PM_GOSSIP_VIEW_H
#define PM_GOSSIP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/bounds.h"
#include "gossip/gossip.h"

struct pm_gossip_member {
  uint64_t handle;
  struct pm_contact contact;
  enum pm_member_state state;
  enum pm_dial learned;   /* how it came to be tried: LOCAL, CONSENT, CLAIM, WORD, SAVED … */
  uint64_t source;        /* handle of the member that named it; 0: nobody, or gone */
  struct pm_ip source_ip; /* whose word it was; family NONE: a person's */
  bool active, local;
  bool listed;   /* told to others now */
  bool old_node; /* no Mesh; its URL takes no query */
  bool shadow;   /* a seed whose node is a member under another endpoint */
  unsigned depth, fails, tries;
  int64_t state_s;      /* since it is in this state */
  int64_t last_ok_s;    /* since our last success with it; -1: never */
  uint32_t rtt_us;      /* 0: unknown */
  uint32_t pace_s;      /* the shortest interval it accepts; 0: any */
  struct pm_node_id id; /* zero: unknown */
  uint64_t inc;
  bool has_coordinate;
  struct pm_vivaldi coordinate;
  const char *location; /* in the core, until the next step; "" if unknown */
};

/* All endpoints, in no order: start with *cursor = 0; false at the end. Do not step in between. */
bool pm_gossip_next(const struct pm_gossip *g, uint32_t *cursor, struct pm_gossip_member *out);
/* False if the handle's member has gone. */
bool pm_gossip_get(const struct pm_gossip *g, uint64_t handle, struct pm_gossip_member *out);
/* Those that were refused and still wait, for the next process: *cursor as above. */
bool pm_gossip_next_refused(const struct pm_gossip *g, uint32_t *cursor,
                            struct pm_gossip_refused *out);
/* What the keys of the refused are made with: secret, for the next process's config.key_seed. */
uint64_t pm_gossip_key_seed(const struct pm_gossip *g);
/* 0 if the endpoint (or alias) is unknown. */
uint64_t pm_gossip_find(const struct pm_gossip *g, const struct pm_contact *contact);

/* Whether a member that answers, or did until just now, has proved this identity. */
bool pm_gossip_is_member(const struct pm_gossip *g, const struct pm_node_id *id);

struct pm_gossip_budget {
  const char *name;
  int64_t left, burst;
  uint64_t taken, refused;
};

enum { PM_GOSSIP_BUDGETS = 8 };

struct pm_gossip_status {
  uint32_t local, heard, candidates, verified, active, lost, aliases;
  double nodes_estimate; /* distinct ones ever verified */
  int64_t interval_ms;   /* between pulls now */
  bool silent;           /* nobody reaches us: we do not announce ourselves */
  double loss;           /* transient, that F is computed from */
  unsigned fails_to_lose;
  struct pm_vivaldi coordinate;
  struct pm_gossip_budget budgets[PM_GOSSIP_BUDGETS];
  uint64_t pulls, probes, lookups, requests;
  uint64_t changes[PM_CHANGE_COUNT];
  uint64_t refusals[PM_REFUSAL_COUNT];
  uint64_t bounds[PM_BOUND_COUNT]; /* other than 0: a fault of ours */
};

void pm_gossip_status(const struct pm_gossip *g, struct pm_gossip_status *out);

#endif
