#include <string.h>

#include "gossip/core.h"

/* What others are told: who we are, whether we could reach them, and those of our members that we
 * have proof of, recent and our own. */

enum {
  RING_ENTRIES = 16, /* for newcomers at a busy seed */
  BUSY_ENTRIES = 8,  /* for others there */
  LOST_TOLD_S = 180,
};

/* A coordinate that is wrong by half predicts nothing: not worth 40 bytes of each entry. */
static const float error_useful = 0.5f;

bool pm_serve_listable(const struct pm_gossip *g, const struct pm_member *m) {
  if (m->state != PM_MEMBER_VERIFIED && m->state != PM_MEMBER_SUSPECT) return false;
  if (pm_mutated(LISTING)) return true;
  if (m->fails >= 2 || m->shadow) return false;
  if (m->local && pm_table_detail(&g->table, m)->steady < PM_CORE_SEED_STEADY) return false;
  return pm_time_since_ns(g->now, m->last_ok) <= (int64_t)PM_CORE_FRESH_S * PM_NS_PER_S;
}

/* --- who asks --------------------------------------------------------------------------------- */

/* Was that address ours to be dialled at? Else the MAC would serve a man in the middle. */
static bool is_ours(const struct pm_gossip *g, const struct pm_gossip_event *event,
                    const struct pm_ip *ip, uint16_t port) {
  if (event->request.local_port == port && pm_ip_equal(&event->request.local_ip, ip)) return true;
  for (size_t i = 0; i < g->config.self_count; i++) {
    const struct pm_contact *self = &g->config.self[i];
    if (self->port != port) continue;
    if (pm_ip_equal(&self->ip, ip)) return true;
    if (self->ip.family == PM_IP_NONE &&
        (g->reach.seen_as.family == PM_IP_NONE || pm_ip_equal(&g->reach.seen_as, ip)))
      return true;
  }
  return false;
}

static bool may_speak(const struct pm_gossip *g, const struct pm_gossip_event *event) {
  const struct pm_wire_request *r = event->request.request;
  if (strcmp(r->mesh, g->config.mesh) != 0) return false;
  if (!pm_core_keyed(g)) return true;
  if (!r->has_mac || !is_ours(g, event, &r->to_ip, r->to_port)) return false;
  if (!pm_auth_challenge_valid(g->secret, &event->request.source, r->challenge, g->now))
    return false;
  struct pm_auth_claim claim = {.role = PM_AUTH_ASKS,
                                .challenge = r->challenge,
                                .id = &r->id,
                                .dialled_ip = &r->to_ip,
                                .dialled_port = r->to_port,
                                .pull = r->pull,
                                .mesh = g->config.mesh};
  return pm_auth_verify(&g->config.auth, &claim, r->mac);
}

/* An announced endpoint without address, or without name, is the source's. */
static struct pm_contact as_seen(const struct pm_contact *announced, const struct pm_ip *source) {
  struct pm_contact contact = *announced;
  if (contact.ip.family == PM_IP_NONE) contact.ip = *source;
  if (contact.host[0] == '\0') {
    char text[PM_IP_TEXT_BYTES];
    pm_ip_text(&contact.ip, text);
    memcpy(contact.host, text, sizeof text);
  }
  return contact;
}

static void admit_caller(struct pm_gossip *g, const struct pm_gossip_event *event) {
  const struct pm_wire_request *r = event->request.request;
  for (size_t i = 0; i < r->self_count; i++) {
    struct pm_contact contact = as_seen(&r->self[i], &event->request.source);
    pm_admit_contact(g, &contact, &event->request.source);
  }
}

static enum pm_wire_reach reach_of(const struct pm_gossip *g, const struct pm_gossip_event *event) {
  const struct pm_wire_request *r = event->request.request;
  enum pm_wire_reach reach = PM_WIRE_REACH_UNKNOWN;
  for (size_t i = 0; i < r->self_count; i++) {
    struct pm_contact contact = as_seen(&r->self[i], &event->request.source);
    uint64_t key = pm_core_key(g, &contact);
    uint32_t slot = pm_table_find(&g->table, key);
    const struct pm_member *m = slot == PM_NO_SLOT ? NULL : pm_table_at(&g->table, slot);
    if (m && m->state == PM_MEMBER_VERIFIED) return PM_WIRE_REACH_YES;
    if (!m && pm_refusals_unreachable(&g->refusals, key, g->now)) reach = PM_WIRE_REACH_NO;
  }
  return reach;
}

/* --- the node's own line ---------------------------------------------------------------------- */

static void sign_reply(const struct pm_gossip *g, const struct pm_gossip_event *event,
                       struct pm_wire_pong *out) {
  const struct pm_wire_request *r = event->request.request;
  out->has_challenge = true;
  out->challenge = pm_auth_challenge(g->secret, &event->request.source, g->now);
  if (!r->has_nonce || !is_ours(g, event, &r->to_ip, r->to_port)) return;
  struct pm_auth_claim claim = {.role = PM_AUTH_ANSWERS,
                                .challenge = r->nonce,
                                .id = &g->config.id,
                                .dialled_ip = &r->to_ip,
                                .dialled_port = r->to_port,
                                .pull = r->pull,
                                .mesh = g->config.mesh};
  out->has_mac = true;
  pm_auth_sign(&g->config.auth, &claim, out->mac);
}

static void fill_node(const struct pm_gossip *g, const struct pm_gossip_event *event,
                      struct pm_wire_pong *out) {
  const struct pm_wire_request *r = event->request.request;
  *out = (struct pm_wire_pong){.version = PM_WIRE_VERSION,
                               .id = g->config.id,
                               .inc = g->config.inc,
                               .nonce = r->nonce,
                               .has_nonce = r->has_nonce,
                               .your_ip = event->request.source,
                               .pace_s = g->config.pace_s,
                               .coordinate = g->coordinate,
                               .has_coordinate = true};
  memcpy(out->mesh, g->config.mesh, sizeof out->mesh);
  out->you_reach = reach_of(g, event);
  if (pm_core_keyed(g)) sign_reply(g, event, out);
}

/* --- the list --------------------------------------------------------------------------------- */

static void put_entry(struct pm_gossip *g, const struct pm_member *m) {
  static const struct pm_member_detail none;
  struct pm_wire_answer *reply = &g->out->reply;
  if (!pm_bounds_allow_listing(g, m) || reply->entries_count == reply->entries_max) return;
  const struct pm_member_detail *d = pm_table_detail(&g->table, m);
  if (!d) d = &none; /* never: only members are listed */
  struct pm_wire_entry *entry = &reply->entries[reply->entries_count++];
  entry->contact = m->contact;
  memcpy(entry->location, d->location, sizeof entry->location);
  entry->has_mesh = true;
  entry->id = d->id;
  entry->age_s = (uint32_t)(pm_time_since_ns(g->now, m->last_ok) / PM_NS_PER_S);
  entry->rtt_us = d->rtt_us;
  entry->depth = m->depth;
  entry->has_coordinate = d->has_coordinate && d->coordinate.error < error_useful;
  entry->coordinate = d->coordinate;
}

static bool is_caller(const struct pm_member *m, const struct pm_gossip_event *event) {
  if (pm_mutated(SELF)) return false;
  const struct pm_wire_request *r = event->request.request;
  for (size_t i = 0; r && i < r->self_count; i++) {
    struct pm_contact contact = as_seen(&r->self[i], &event->request.source);
    if (contact.port == m->contact.port && pm_ip_equal(&contact.ip, &m->contact.ip)) return true;
  }
  return false;
}

static bool is_wanted(const struct pm_wire_request *r, const struct pm_member *m) {
  uint64_t salted = pm_bloom_salted(m->pub, r->salt);
  if (pm_bloom_part(salted, r->parts) != r->part) return false;
  return !r->has_bloom || !pm_bloom_has(&r->bloom, salted);
}

/* From a random start, so that each caller hears another part first. */
static void list_members(struct pm_gossip *g, const struct pm_gossip_event *event, size_t limit) {
  const struct pm_table_set *set = &g->table.sets[PM_SET_VERIFIED];
  const struct pm_wire_request *r = event->request.request;
  uint32_t start = set->count ? (uint32_t)pm_rng_below(&g->rng, set->count) : 0;
  for (uint32_t i = 0; i < set->count; i++) {
    const struct pm_member *m = pm_table_at(&g->table, set->slots[(start + i) % set->count]);
    if (!pm_serve_listable(g, m) || is_caller(m, event) || (r && !is_wanted(r, m))) continue;
    if (g->out->reply.entries_count >= limit) {
      g->out->reply.more = true;
      return;
    }
    put_entry(g, m);
  }
}

/* The fault that the simulator must see: what was only heard is passed on. */
static void list_hearsay(struct pm_gossip *g) {
  const struct pm_table_set *set = &g->table.sets[PM_SET_CANDIDATE];
  for (uint32_t i = 0; i < set->count; i++) put_entry(g, pm_table_at(&g->table, set->slots[i]));
}

/* The newest members, for newcomers: picked with random steps through the ring. */
static void list_ring(struct pm_gossip *g, const struct pm_gossip_event *event) {
  size_t count = g->ring.count, at = 0;
  if (count == 0) return;
  for (int i = 0; i < RING_ENTRIES; i++) {
    at = (at + 1 + (size_t)pm_rng_below(&g->rng, count / RING_ENTRIES + 1)) % count;
    const struct pm_member *m = pm_table_by_handle(&g->table, pm_ring_at(&g->ring, at));
    if (m && pm_serve_listable(g, m) && !is_caller(m, event)) put_entry(g, m);
    if ((size_t)i + 1 >= count) return;
  }
}

static void list_lost(struct pm_gossip *g, uint32_t salt) {
  const struct pm_table_set *set = &g->table.sets[PM_SET_LOST];
  struct pm_wire_answer *reply = &g->out->reply;
  for (uint32_t i = 0; i < set->count && reply->lost_count < PM_WIRE_LOST_MAX; i++) {
    const struct pm_member *m = pm_table_at(&g->table, set->slots[i]);
    int64_t age_s = pm_time_since_ns(g->now, m->since) / PM_NS_PER_S;
    if (m->tries > 0 || age_s > LOST_TOLD_S) continue;
    reply->lost[reply->lost_count++] =
        (struct pm_wire_lost){.salted = pm_bloom_salted(m->pub, salt), .age_s = (uint32_t)age_s};
  }
}

static bool is_newcomer(const struct pm_wire_request *r) {
  return !r->has_bloom || (r->parts == 1 && pm_bloom_estimate(&r->bloom) < PM_CORE_FEW);
}

static void fill_list(struct pm_gossip *g, const struct pm_gossip_event *event) {
  const struct pm_wire_request *r = event->request.request;
  if (pm_bucket_take(&g->page, g->now)) {
    list_members(g, event, r ? r->limit : PM_WIRE_ENTRIES_MAX);
  } else if (r && is_newcomer(r)) {
    list_ring(g, event);
  } else {
    list_members(g, event, BUSY_ENTRIES);
  }
  if (pm_mutated(HEARSAY)) list_hearsay(g);
  if (r) list_lost(g, r->salt);
}

static void begin_reply(struct pm_gossip *g) {
  struct pm_wire_answer *reply = &g->out->reply;
  *reply = (struct pm_wire_answer){.entries = g->out->reply_entries,
                                   .entries_max = PM_WIRE_ENTRIES_MAX,
                                   .total = pm_core_verified(g),
                                   .parts = 1};
  g->out->has_reply = true;
  g->counts.requests++;
}

void pm_serve_request(struct pm_gossip *g, const struct pm_gossip_event *event) {
  const struct pm_wire_request *r = event->request.request;
  begin_reply(g);
  if (!r) { /* an old node: shareable entries only, as it pings all that it reads */
    if (!pm_core_keyed(g) || g->config.legacy_peers) fill_list(g, event);
    return;
  }
  bool speaks = may_speak(g, event);
  fill_node(g, event, &g->out->reply.node);
  g->out->reply.part = r->part;
  g->out->reply.parts = r->parts;
  g->out->reply.short_entries = r->short_entries;
  g->out->asked_by_peer = speaks;
  if (!speaks) return;
  if (r->pull) fill_list(g, event);
  if (g->config.grow) admit_caller(g, event);
}
