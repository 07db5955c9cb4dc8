#include <stdio.h>
#include <string.h>

#include "check.h"
#include "check_account.h"

/* The rules that bound how hard a node knocks: pace, brake, reach, networks, depth. Kept, like the
 * rest of the account, from what went over the wire. */

enum {
  SUSPECT_PACE_S_MAX = 60, /* a suspect is probed that often, whatever it asked for */
  HOUR_S = 3600,
  BRAKE_GROWTH_MIN = 256,
  NETWORK_WINDOW_S = 600,
  TTL_DEFAULT = 8,
};
#define S 1000000000ll

static struct sim_account *account(struct sim_world *w, uint32_t node) {
  return &w->check->accounts[node];
}

static bool knows(const struct sim_world *w, uint32_t node, const struct pm_contact *contact) {
  uint32_t other = sim_world_find(w, &contact->ip, contact->port);
  return other != SIM_NOBODY && sim_world_knows(w, node, other);
}

void sim_rules_reset(struct sim_world *w, uint32_t node) {
  struct sim_account *a = account(w, node);
  a->brake_ns = a->started_ns + HOUR_S * S;
  a->silent_ns = a->started_ns;
}

/* --- pace: probes of a member keep the distance that it asked for ----------------------------- */

static void check_pace(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  struct sim_known *k = sim_account_endpoint(w, node, &send->to);
  int64_t now_ns = sim_check_now(w, node), since_ns = now_ns - k->probed_ns;
  k->probed_ns = now_ns;
  if (send->why < PM_DIAL_REFRESH || k->pace_s == 0 || !knows(w, node, &send->to)) return;
  uint32_t pace_s = k->pace_s;
  if (k->fails > 0 && pace_s > SUSPECT_PACE_S_MAX) pace_s = SUSPECT_PACE_S_MAX;
  if (since_ns < pace_s * S)
    sim_check_fail(w, node, "rule 12", "a member is probed sooner than it asked for");
}

/* --- reach: three who could not reach it silence a node --------------------------------------- */

/* Only what members say counts; a yes of anybody ends the row. */
void sim_check_reach(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                     const struct pm_wire_pong *pong) {
  struct sim_account *a = account(w, node);
  if (pong->you_reach == PM_WIRE_REACH_YES) a->reach_nos = 0;
  if (pong->you_reach != PM_WIRE_REACH_NO || !knows(w, node, contact)) return;
  uint32_t group = sim_account_group(contact);
  for (unsigned i = 0; i < a->reach_nos; i++)
    if (a->reach_groups[i] == group) return;
  a->reach_groups[a->reach_nos++] = group;
  if (a->reach_nos < SIM_REACH_NOS) return;
  a->reach_nos = 0;
  a->silent_ns = sim_check_now(w, node) + HOUR_S * S;
}

int64_t sim_check_silent_until(const struct sim_world *w, uint32_t node) {
  return w->check->accounts[node].silent_ns;
}

static void check_reach(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  if (send->plain || send->request.self_count == 0) return;
  if (sim_check_now(w, node) < account(w, node)->silent_ns)
    sim_check_fail(w, node, "rule 11", "it announces itself though three could not reach it");
}

void sim_check_pong(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                    const struct pm_wire_pong *pong) {
  if (!w->check->whole) return;
  if (knows(w, node, contact)) sim_account_endpoint(w, node, contact)->pace_s = pong->pace_s;
  sim_check_reach(w, node, contact, pong);
}

/* --- networks: at most three failures of one /24 in ten minutes ------------------------------- */

void sim_rules_failed(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                      enum pm_dial why) {
  bool limited = why == PM_DIAL_CLAIM || why == PM_DIAL_WORD || why == PM_DIAL_SPECULATIVE;
  if (!limited || contact->ip.family != PM_IP_V4) return;
  if (pm_ip_classify(&contact->ip) != PM_IP_CLASS_PUBLIC) return;
  struct sim_known *k = sim_account_network(w, node, &contact->ip);
  int64_t now_ns = sim_check_now(w, node), oldest_ns = k->failed_ns[SIM_NETWORK_FAILS - 1];
  if (k->tries == SIM_NETWORK_FAILS && now_ns - oldest_ns < NETWORK_WINDOW_S * S)
    sim_check_fail(w, node, "/24", "a fourth failure in ten minutes in one network");
  memmove(k->failed_ns + 1, k->failed_ns, sizeof k->failed_ns - sizeof k->failed_ns[0]);
  k->failed_ns[0] = now_ns;
  if (k->tries < SIM_NETWORK_FAILS) k->tries++;
}

/* --- depth: what is too far from a seed is not followed --------------------------------------- */

void sim_rules_told(struct sim_known *k, const struct pm_wire_entry *entry) {
  uint16_t depth = (uint16_t)((entry->has_mesh ? entry->depth : 0) + 1);
  if (k->depth == 0 || depth < k->depth) k->depth = depth;
}

static void check_depth(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  if (send->why != PM_DIAL_WORD && send->why != PM_DIAL_SPECULATIVE) return;
  unsigned ttl = w->nodes[node].ttl ? w->nodes[node].ttl : TTL_DEFAULT;
  if (sim_account_endpoint(w, node, &send->to)->depth > ttl)
    sim_check_fail(w, node, "rule 13", "an endpoint too far from a seed is dialled");
}

void sim_rules_send(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  if (!w->check->whole) return;
  check_reach(w, node, send);
  if (send->kind != PM_GOSSIP_SEND_PROBE) return;
  check_depth(w, node, send);
  check_pace(w, node, send);
}

/* --- brake: a grown table doubles in an hour at most ------------------------------------------ */

void sim_check_step(struct sim_world *w, uint32_t node) {
  struct sim_account *a = account(w, node);
  uint32_t verified = w->nodes[node].verified, base = a->brake_base;
  if (sim_check_now(w, node) >= a->brake_ns) {
    a->brake_ns = sim_check_now(w, node) + HOUR_S * S;
    a->brake_base = verified > 0 ? verified : 1;
  } else if (base > 0 && verified > base + (base > BRAKE_GROWTH_MIN ? base : BRAKE_GROWTH_MIN)) {
    sim_check_fail(w, node, "rule 14", "a table grew more than the brake allows");
  }
}
