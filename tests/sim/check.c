#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "check_account.h"
#include "scenario.h"

enum { PRINTED_MAX = 20, FRESH_S = 600, FEW = 8 };

struct sim_check *sim_check_new(uint32_t nodes) {
  struct sim_check *check = calloc(1, sizeof *check);
  if (!check) exit(1);
  check->whole = nodes <= SIM_CHECK_NODES_MAX;
  check->mask = (1 << 16) - 1;
  check->known = calloc(check->mask + 1, sizeof *check->known);
  check->accounts = calloc(nodes, sizeof *check->accounts);
  if (!check->known || !check->accounts) exit(1);
  return check;
}

void sim_check_free(struct sim_check *check) {
  free(check->known);
  free(check->accounts);
  free(check);
}

uint64_t sim_check_violations(const struct sim_check *check) {
  return check->violations;
}

void sim_check_fail(struct sim_world *w, uint32_t node, const char *bound, const char *what) {
  if (w->check->violations++ >= PRINTED_MAX || w->options.silent) return;
  fprintf(stderr, "VIOLATION %s at %.3f s, node %u: %s\n  replay: ", bound, (double)w->now_ns / 1e9,
          node, what);
  sim_print_replay(stderr, &w->options);
}

/* --- the account ------------------------------------------------------------------------------ */

static struct sim_known *place(struct sim_known *table, size_t mask, uint64_t key) {
  size_t at = key & mask;
  while (table[at].key != 0 && table[at].key != key) at = (at + 1) & mask;
  return &table[at];
}

static void grow(struct sim_check *check) {
  size_t mask = check->mask * 2 + 1;
  struct sim_known *table = calloc(mask + 1, sizeof *table);
  if (!table) exit(1);
  for (size_t i = 0; i <= check->mask; i++)
    if (check->known[i].key != 0) *place(table, mask, check->known[i].key) = check->known[i];
  free(check->known);
  check->known = table;
  check->mask = mask;
}

static struct sim_known *know(struct sim_world *w, uint32_t node, const struct pm_ip *ip,
                              uint16_t port) {
  struct sim_check *check = w->check;
  uint64_t words[5] = {node, w->nodes[node].runs, port, ip->family};
  uint64_t key = XXH3_64bits_withSeed(ip->bytes, 16, XXH3_64bits(words, sizeof words)) | 1;
  if (check->count * 2 > check->mask) grow(check);
  struct sim_known *k = place(check->known, check->mask, key);
  if (k->key == 0) {
    k->key = key;
    check->count++;
  }
  return k;
}

struct sim_known *sim_account_endpoint(struct sim_world *w, uint32_t node,
                                       const struct pm_contact *c) {
  return know(w, node, &c->ip, c->port);
}

struct sim_known *sim_account_network(struct sim_world *w, uint32_t node, const struct pm_ip *ip) {
  struct pm_ip network = *ip;
  memset(network.bytes + 3, 0, sizeof network.bytes - 3);
  network.family = UINT8_MAX; /* so that it is no address's place */
  return know(w, node, &network, 0);
}

int64_t sim_check_now(struct sim_world *w, uint32_t node) {
  struct sim_account *a = &w->check->accounts[node];
  int64_t now_ns = sim_world_clock(w, node);
  if (now_ns > a->seen_ns) a->seen_ns = now_ns;
  return a->seen_ns;
}

static void fill_rate(struct sim_rate *rate, double burst, int64_t now_ns) {
  *rate = (struct sim_rate){burst, now_ns};
}

/* A bucket of its own, in floating point: independent of the core's arithmetic. */
static bool spend(struct sim_rate *rate, double per_s, double burst, int64_t now_ns) {
  rate->tokens += (double)(now_ns - rate->at_ns) / 1e9 * per_s;
  if (rate->tokens > burst) rate->tokens = burst;
  rate->at_ns = now_ns;
  rate->tokens -= 1;
  return rate->tokens > -0.01;
}

void sim_check_reset(struct sim_world *w, uint32_t node) {
  struct sim_account *a = &w->check->accounts[node];
  *a = (struct sim_account){.started_ns = sim_world_clock(w, node)};
  a->seen_ns = a->started_ns;
  fill_rate(&a->verify, 50, sim_check_now(w, node));
  fill_rate(&a->speculative, 8, sim_check_now(w, node));
  fill_rate(&a->total, 60, sim_check_now(w, node));
  fill_rate(&a->hint, 20, sim_check_now(w, node));
  sim_rules_reset(w, node);
}

void sim_check_local(struct sim_world *w, uint32_t node, const struct pm_contact *contact) {
  if (w->check->whole) sim_account_endpoint(w, node, contact)->local = true;
}

void sim_check_consent(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                       const struct pm_ip *source) {
  if (!w->check->whole) return;
  struct pm_ip ip = contact->ip.family == PM_IP_NONE ? *source : contact->ip;
  struct sim_known *k = know(w, node, &ip, contact->port);
  if (pm_ip_equal(&ip, source))
    k->consent = true;
  else
    k->claim = true;
}

static bool is_public(const struct pm_ip *ip) {
  return pm_ip_classify(ip) == PM_IP_CLASS_PUBLIC;
}

uint32_t sim_account_group(const struct pm_contact *c) {
  if (is_public(&c->ip) && c->ip.family == PM_IP_V4)
    return (uint32_t)c->ip.bytes[0] << 8 | c->ip.bytes[1];
  return (uint32_t)XXH3_64bits_withSeed(c->ip.bytes, 16, c->port);
}

static void tell(struct sim_known *k, uint32_t group, bool one_enough) {
  k->one_enough |= one_enough;
  for (unsigned i = 0; i < k->told_count; i++)
    if (k->told[i] == group) return;
  if (k->told_count < SIM_TOLD_MAX) k->told[k->told_count++] = group;
}

void sim_check_answer(struct sim_world *w, uint32_t node, const struct pm_contact *source,
                      const struct pm_wire_answer *answer, int64_t sent_ns) {
  if (!w->check->whole) return;
  struct sim_known *from = sim_account_endpoint(w, node, source);
  from->proved_ns = sim_check_now(w, node); /* an answer is a success, too */
  from->fails = 0;
  bool seed = sim_account_endpoint(w, node, source)->local;
  uint32_t verified = w->nodes[node].verified;
  bool one_enough = w->options.keyed || (seed && verified < FEW) || verified <= 1;
  for (size_t i = 0; i < answer->entries_count; i++) {
    struct sim_known *k = sim_account_endpoint(w, node, &answer->entries[i].contact);
    int64_t told_ns = sent_ns - (int64_t)answer->entries[i].age_s * 1000000000;
    if (told_ns > k->told_ns) k->told_ns = told_ns;
    tell(k, sim_account_group(source), one_enough);
    sim_rules_told(k, &answer->entries[i]);
  }
}

/* Whether this success is one of an endpoint that strangers named: by the try that they caused, or
 * by a later one after that had failed. */
static bool is_named(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                     enum pm_dial why) {
  if (pm_dial_is_third_party(why)) return true;
  if (!w->check->whole) return why < PM_DIAL_REFRESH;
  return sim_account_endpoint(w, node, contact)->word_failed;
}

/* A success earns half a failure once a day for an endpoint. */
static bool earns(struct sim_world *w, uint32_t node, const struct pm_contact *contact) {
  if (!w->check->whole) return true;
  struct sim_known *k = sim_account_endpoint(w, node, contact);
  int64_t now_ns = sim_check_now(w, node);
  if (k->earned_ns != 0 && now_ns - k->earned_ns < 86400ll * 1000000000) return false;
  k->earned_ns = now_ns;
  return true;
}

void sim_check_result(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                      enum pm_dial why, bool success, int64_t sent_ns) {
  struct sim_account *a = &w->check->accounts[node];
  if (success && is_named(w, node, contact, why) && earns(w, node, contact)) {
    a->successes++;
    a->speculative.tokens += why == PM_DIAL_SPECULATIVE;
  }
  if (!success && pm_dial_is_third_party(why)) {
    a->failures++;
    double allowed =
        30 + (double)(sim_check_now(w, node) - a->started_ns) / 60e9 + (double)a->successes / 2;
    if ((double)a->failures > allowed + 1)
      sim_check_fail(w, node, "I6", "failures beyond the budget");
  }
  if (!w->check->whole) return;
  struct sim_known *k = sim_account_endpoint(w, node, contact);
  k->word_failed = !success && (k->word_failed || pm_dial_is_third_party(why));
  if (!success) {
    sim_rules_failed(w, node, contact, why);
    /* Where a clock jumped, a probe given up for lost may still end after a later one succeeded. */
    if (k->fails < UINT8_MAX && sent_ns >= k->proved_ns) k->fails++;
    return;
  }
  k->fails = 0;
  k->proved = true;
  k->proved_ns = sim_check_now(w, node);
  know(w, node, &contact->ip, 0)->tries = 0;
}

/* --- I1, I2, I5, I9: at each emission --------------------------------------------------------- */

static bool from_verify(const struct pm_gossip_send *send) {
  return send->kind == PM_GOSSIP_SEND_PROBE && send->why != PM_DIAL_LOST_RETRY &&
         send->why < PM_DIAL_REFRESH;
}

static void check_rates(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  struct sim_account *a = &w->check->accounts[node];
  bool planned = send->kind == PM_GOSSIP_SEND_PROBE && send->why >= PM_DIAL_REFRESH;
  if (from_verify(send) && !spend(&a->verify, 10, 50, sim_check_now(w, node)))
    sim_check_fail(w, node, "I1", "handshakes beyond 50 + 10/s");
  if (send->kind == PM_GOSSIP_SEND_PROBE && send->why == PM_DIAL_SPECULATIVE &&
      !spend(&a->speculative, 1.0 / 30, 8, sim_check_now(w, node)))
    sim_check_fail(w, node, "I1", "speculative failures beyond 8 + 1 per 30 s");
  if (send->kind == PM_GOSSIP_SEND_PROBE && send->why == PM_DIAL_HINT &&
      !spend(&a->hint, 5, 20, sim_check_now(w, node)))
    sim_check_fail(w, node, "I1", "probes on hints beyond 20 + 5/s");
  if (!planned && !spend(&a->total, 1000.0 / 33, 60, sim_check_now(w, node)))
    sim_check_fail(w, node, "I1", "requests beyond 60 + 30/s");
}

static bool reason_holds(const struct sim_known *k, enum pm_dial why) {
  switch (why) {
  case PM_DIAL_LOCAL:
    return k->local;
  case PM_DIAL_SAVED:
    return true;
  case PM_DIAL_CONSENT:
    return k->consent;
  case PM_DIAL_CLAIM:
    return k->claim;
  case PM_DIAL_WORD:
    return k->told_count >= SIM_TOLD_MAX || (k->told_count == 1 && k->one_enough);
  case PM_DIAL_SPECULATIVE:
    return k->told_count > 0;
  case PM_DIAL_REVIVAL:
    return k->proved && k->told_ns > k->lost_ns;
  case PM_DIAL_LOST_RETRY:
  case PM_DIAL_REFRESH:
  case PM_DIAL_SUSPECT:
  case PM_DIAL_HINT:
    return k->proved;
  case PM_DIAL_PLANNED:
    return k->proved || k->local;
  case PM_DIAL_COUNT:
    break;
  }
  return false;
}

static unsigned tries_within(const struct sim_known *k, int64_t now_ns, int64_t window_s) {
  unsigned count = 0;
  for (unsigned i = 0; i < k->tries && i < SIM_TRIES_KEPT; i++)
    count += now_ns - k->tries_ns[i] < window_s * 1000000000;
  return count;
}

static void check_address(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  bool limited =
      send->why == PM_DIAL_CLAIM || send->why == PM_DIAL_WORD || send->why == PM_DIAL_SPECULATIVE;
  if (!limited || !is_public(&send->to.ip)) return;
  struct sim_known *k = know(w, node, &send->to.ip, 0);
  memmove(k->tries_ns + 1, k->tries_ns, sizeof k->tries_ns - sizeof k->tries_ns[0]);
  k->tries_ns[0] = sim_check_now(w, node);
  if (k->tries < SIM_TRIES_KEPT) k->tries++;
  if (tries_within(k, sim_check_now(w, node), 3600) > 2)
    sim_check_fail(w, node, "I5", "more than 2 tries in an hour at an address that never proved");
  if (tries_within(k, sim_check_now(w, node), 86400) > 6)
    sim_check_fail(w, node, "I5", "more than 6 tries in a day at an address that never proved");
}

static void check_scope(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  enum pm_ip_class to = pm_ip_classify(&send->to.ip);
  enum pm_ip_class own = pm_ip_classify(&w->nodes[node].contact.ip);
  if (to == PM_IP_CLASS_PUBLIC || !w->check->whole) return;
  if (sim_account_endpoint(w, node, &send->to)->local) return;
  if (to != own || (to != PM_IP_CLASS_LOOPBACK && to != PM_IP_CLASS_PRIVATE))
    sim_check_fail(w, node, "I9", "an address outside its scope is dialled");
}

static void check_reason(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  struct sim_known *k = sim_account_endpoint(w, node, &send->to);
  bool pull = send->kind == PM_GOSSIP_SEND_PULL;
  if (pull ? k->proved : reason_holds(k, send->why)) return;
  char text[PM_CONTACT_TEXT_BYTES + 80], contact[PM_CONTACT_TEXT_BYTES];
  pm_contact_text(&send->to, contact);
  snprintf(text, sizeof text, "%s is asked as \"%s\" without that reason", contact,
           pull ? "pull" : pm_dial_text(send->why));
  sim_check_fail(w, node, "I2", text);
}

void sim_check_send(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send) {
  check_rates(w, node, send);
  if (send->kind == PM_GOSSIP_SEND_RESOLVE) return;
  if (w->check->whole) check_reason(w, node, send);
  if (w->check->whole && send->kind == PM_GOSSIP_SEND_PROBE) check_address(w, node, send);
  check_scope(w, node, send);
  sim_rules_send(w, node, send);
}

/* --- I3, I4, I7, I10: at each reply ----------------------------------------------------------- */

static bool is_self(const struct sim_world *w, uint32_t node, const struct pm_contact *c) {
  const struct pm_contact *self = &w->nodes[node].contact;
  return self->port == c->port && pm_ip_equal(&self->ip, &c->ip);
}

void sim_check_reply(struct sim_world *w, uint32_t node, const struct pm_gossip_update *update) {
  const struct pm_wire_answer *reply = &update->reply;
  if (w->nodes[node].verified > w->members_max)
    sim_check_fail(w, node, "I7", "more members than the table holds");
  for (size_t i = 0; i < reply->entries_count; i++) {
    const struct pm_contact *c = &reply->entries[i].contact;
    if (is_self(w, node, c)) sim_check_fail(w, node, "I10", "it lists itself");
    if (!w->check->whole) continue;
    struct sim_known *k = sim_account_endpoint(w, node, c);
    if (!k->proved && k->local)
      sim_check_fail(w, node, "I4", "a local target that is no member is listed");
    else if (!k->proved || k->fails >= 2 ||
             sim_check_now(w, node) - k->proved_ns > (int64_t)(FRESH_S + 1) * 1000000000)
      sim_check_fail(w, node, "I3", "an entry is listed without a recent proof");
  }
}

/* --- I8 --------------------------------------------------------------------------------------- */

void sim_check_change(struct sim_world *w, uint32_t node, const struct pm_gossip_change *change) {
  if (!w->check->whole) return;
  struct sim_known *k = sim_account_endpoint(w, node, &change->contact);
  int64_t now_ns = sim_check_now(w, node);
  if (change->kind == PM_CHANGE_LOST) k->lost_ns = now_ns;
  if (change->kind != PM_CHANGE_VERIFIED || k->proved_ns == now_ns) return;
  char text[PM_CONTACT_TEXT_BYTES + 80], contact[PM_CONTACT_TEXT_BYTES];
  pm_contact_text(&change->contact, contact);
  snprintf(text, sizeof text, "%s is verified without a success of its own, the last %.3f s ago",
           contact, (double)(now_ns - k->proved_ns) / 1e9);
  sim_check_fail(w, node, "I8", text);
}
