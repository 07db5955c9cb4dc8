#include "attackers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "scenario.h"

static void name_entry(struct sim_world *w, struct pm_wire_entry *entry, const struct pm_ip *ip,
                       uint16_t port) {
  *entry = (struct pm_wire_entry){.has_mesh = true, .age_s = 0, .depth = 1};
  entry->contact.ip = *ip;
  entry->contact.port = port;
  snprintf(entry->contact.host, sizeof entry->contact.host, "h%u.example.net",
           (unsigned)pm_rng_below(&w->rng, 1000000));
}

/* One address under any number of names and ports. */
void sim_reply_victim(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  (void)attacker;
  for (size_t i = 0; i < PM_WIRE_LIMIT_MAX; i++)
    name_entry(w, &reply->entries[reply->entries_count++], &w->victim,
               (uint16_t)(1 + pm_rng_below(&w->rng, 65000)));
}

void sim_claim_victim(struct sim_world *w, uint32_t attacker, struct pm_wire_request *request) {
  (void)attacker;
  struct pm_wire_entry entry;
  name_entry(w, &entry, &w->victim, (uint16_t)(1 + pm_rng_below(&w->rng, 65000)));
  request->self[request->self_count++] = entry.contact;
}

void sim_prepare_victim(struct sim_world *w) {
  w->victim = sim_public_ip(56500, 99);
  sim_prepare_plain(w);
}

enum { HOLES = 1000000, CHORUS_S = 300, CHORUS_STEP = 7919 };

/* Addresses at which nobody is, and some traps. */
static void list_holes(struct sim_world *w, uint32_t first, struct pm_wire_answer *reply) {
  static const char *const traps[] = {"127.0.0.1", "169.254.169.254", "10.0.0.1",
                                      "224.0.0.1", "0.0.0.0",         "192.168.1.1"};
  for (uint32_t i = 0; i < PM_WIRE_LIMIT_MAX; i++) {
    uint32_t hole = (first + i) % HOLES;
    struct pm_ip ip = sim_public_ip(20000 + hole % 30000, 2000 + hole / 30000);
    if (i % 32 == 0 && pm_ip_parse(traps[i / 32 % 6], &ip) != PM_OK) abort();
    struct pm_wire_entry *entry = &reply->entries[reply->entries_count++];
    name_entry(w, entry, &ip, SIM_PORT);
    snprintf(entry->contact.host, sizeof entry->contact.host, "h%u.example.net", hole);
  }
}

void sim_reply_blackholes(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  (void)attacker;
  list_holes(w, (uint32_t)pm_rng_below(&w->rng, HOLES), reply);
}

void sim_reply_chorus(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  (void)attacker;
  uint32_t verse = (uint32_t)(w->now_ns / ((int64_t)CHORUS_S * PM_NS_PER_S));
  list_holes(w, verse * CHORUS_STEP + (uint32_t)pm_rng_below(&w->rng, PM_WIRE_LIMIT_MAX), reply);
}

/* Attackers that answer list each other, as fresh as can be. */
void sim_reply_sybil(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  (void)attacker;
  uint32_t attackers = w->count - w->members;
  for (size_t i = 0; i < PM_WIRE_LIMIT_MAX && i < attackers; i++) {
    uint32_t j = w->members + (uint32_t)pm_rng_below(&w->rng, attackers);
    name_entry(w, &reply->entries[reply->entries_count], &w->nodes[j].contact.ip, SIM_PORT);
    reply->entries[reply->entries_count++].contact = w->nodes[j].contact;
  }
}

/* All in eight /16s: what one who rents machines has. */
enum { SYBIL_NETWORKS = 8 };

void sim_prepare_sybil(struct sim_world *w) {
  for (uint32_t i = w->members; i < w->count; i++) {
    struct sim_node *n = &w->nodes[i];
    char text[PM_IP_TEXT_BYTES];
    n->contact.ip = n->source = sim_public_ip(40000 + i % SYBIL_NETWORKS, i / SYBIL_NETWORKS + 300);
    pm_ip_text(&n->contact.ip, text);
    snprintf(n->contact.host, sizeof n->contact.host, "%s", text);
  }
  sim_prepare_plain(w);
}

/* --- rules ------------------------------------------------------------------------------------ */

enum { NETWORKS = 4, HOSTS = 254, DEEP = PM_GOSSIP_TTL_DEFAULT };

void sim_reply_networks(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  (void)attacker;
  uint32_t first = (uint32_t)(w->now_ns / 10000000000);
  for (uint32_t i = 0; i < PM_WIRE_LIMIT_MAX; i++) {
    uint32_t host = first + i / NETWORKS;
    struct pm_ip ip = sim_public_ip(52000 + i % NETWORKS, 256 * 7 + 1 + host % HOSTS);
    struct pm_wire_entry *entry = &reply->entries[reply->entries_count++];
    name_entry(w, entry, &ip, SIM_PORT);
    pm_ip_text(&ip, entry->contact.host);
  }
}

void sim_reply_deep(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  sim_reply_networks(w, attacker, reply);
  for (size_t i = 0; i < reply->entries_count; i++)
    reply->entries[i].depth = (uint8_t)(DEEP + pm_rng_below(&w->rng, 256 - DEEP));
}

/* A fifth of the attackers stay, and tell; the others are there for two minutes of five and gone
 * for long enough to be given up. Nobody speaks of one that is gone: that would cost what its
 * return is to earn. The holes are few, as the queue that they wait in is the friends', too. */
enum { FLAP_S = 300, FLAP_UP_S = 120, FLAP_TELLERS = 5, FLAP_HOLES = 8 };

static bool flaps(const struct sim_world *w, uint32_t attacker) {
  return (attacker - w->members) % FLAP_TELLERS != 0;
}

void sim_reply_flapping(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  (void)attacker;
  uint32_t flap = (uint32_t)(w->now_ns / 1000000000 / FLAP_S);
  for (uint32_t i = w->members; i < w->count && reply->entries_count < PM_WIRE_LIMIT_MAX / 2; i++) {
    if (!w->nodes[i].alive) continue;
    struct pm_wire_entry *entry = &reply->entries[reply->entries_count++];
    name_entry(w, entry, &w->nodes[i].contact.ip, SIM_PORT);
    entry->contact = w->nodes[i].contact;
  }
  for (uint32_t i = 0; i < FLAP_HOLES; i++) {
    struct pm_ip ip = sim_public_ip(20000 + flap * FLAP_HOLES + i, 2000);
    struct pm_wire_entry *entry = &reply->entries[reply->entries_count++];
    name_entry(w, entry, &ip, SIM_PORT);
    pm_ip_text(&ip, entry->contact.host);
  }
}

/* Once known they no longer consent: from then on it is others' word that brings them back. */
void sim_claim_flapping(struct sim_world *w, uint32_t attacker, struct pm_wire_request *request) {
  if (w->now_ns > FLAP_S * 1000000000ll && flaps(w, attacker)) request->self_count = 0;
}

void sim_second_flapping(struct sim_world *w, int64_t second) {
  int64_t phase = second % FLAP_S;
  if (second < FLAP_S || (phase != 0 && phase != FLAP_S - FLAP_UP_S)) return;
  for (uint32_t i = w->members; i < w->count; i++) {
    if (!flaps(w, i)) continue;
    if (phase == 0)
      sim_world_kill(w, i);
    else
      sim_world_start(w, i);
  }
}

/* --- all sorts of lies ------------------------------------------------------------------------ */

static uint32_t any_age(struct sim_world *w) {
  static const uint32_t ages[] = {0, 1, 300, 599, 601, 86400, UINT32_MAX - 1};
  return ages[pm_rng_below(&w->rng, sizeof ages / sizeof ages[0])];
}

void sim_reply_lies(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply) {
  (void)attacker;
  for (size_t i = 0; i < PM_WIRE_LIMIT_MAX; i++) {
    const struct sim_node *of = &w->nodes[pm_rng_below(&w->rng, w->count)];
    struct pm_wire_entry *entry = &reply->entries[reply->entries_count++];
    name_entry(w, entry, &of->contact.ip, of->contact.port);
    entry->contact = of->contact;
    entry->age_s = of->alive ? any_age(w) : 0;
    entry->depth = (uint8_t)pm_rng_below(&w->rng, 256);
  }
}

void sim_claim_lies(struct sim_world *w, uint32_t attacker, struct pm_wire_request *request) {
  (void)attacker;
  struct pm_wire_entry entry;
  struct pm_ip ip = sim_public_ip(30000 + (uint32_t)pm_rng_below(&w->rng, 1000), 99);
  name_entry(w, &entry, &ip, SIM_PORT);
  request->self[request->self_count++] = entry.contact;
}

/* --- a million entries ------------------------------------------------------------------------ */

/* Both more than a document may have: the one is cut by its number of entries, the other refused by
 * its size. Nobody reads further, so nobody needs to write all of the million. */
enum { ENTRIES_MANY = 1200, ENTRIES_TOO_MANY = 4000, ENDLESS_ODDS = 16 };

static void put_entries(struct sim_world *w, struct pm_buf *out, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    char text[PM_IP_TEXT_BYTES];
    struct pm_ip ip = sim_public_ip((uint32_t)pm_rng_below(&w->rng, 30000) + 20000, 4000 + i);
    pm_ip_text(&ip, text);
    pm_buf_printf(out, "{\"Url\":\"http://%s:80/v1/ping\",\"PeerIP\":\"%s\",\"Mesh\":{\"Age\":0}},",
                  text, text);
  }
}

char *sim_body_endless(struct sim_world *w, uint32_t attacker, const struct pm_wire_pong *node,
                       size_t *out_bytes) {
  if (pm_rng_below(&w->rng, ENDLESS_ODDS) != 0) return NULL;
  struct pm_wire_entry one;
  struct pm_wire_answer answer = {
      .node = *node, .entries = &one, .entries_max = 1, .entries_count = 1, .parts = 1};
  name_entry(w, &one, &w->nodes[attacker].contact.ip, SIM_PORT);
  one.contact = w->nodes[attacker].contact;
  struct pm_peers_head head = {.srv_loc = "", .srv_host = "", .srv_port = SIM_PORT};
  struct pm_buf frame, text;
  pm_buf_init(&frame, PM_WIRE_ANSWER_READ_BYTES_MAX);
  pm_buf_init(&text, PM_WIRE_OLD_READ_BYTES_MAX);
  pm_wire_answer_write(&answer, &head, &frame);
  if (pm_buf_status(&frame) != PM_OK) abort();
  const char *list = strchr(strstr(frame.data, "\"Peers\""), '[') + 1;
  pm_buf_append(&text, frame.data, (size_t)(list - frame.data));
  put_entries(w, &text, pm_rng_below(&w->rng, 2) ? ENTRIES_MANY : ENTRIES_TOO_MANY);
  pm_buf_append(&text, list, frame.len - (size_t)(list - frame.data));
  if (pm_buf_status(&text) != PM_OK) abort();
  char *body = strdup(text.data);
  if (!body) abort();
  *out_bytes = text.len;
  pm_buf_deinit(&frame);
  pm_buf_deinit(&text);
  return body;
}
