/* A core under test and everything around it: time, and others that answer as the test says.
 */
#ifndef PM_TEST_CORE_FIXTURE_H
#define PM_TEST_CORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "gossip/core.h"

struct fixture {
  struct pm_gossip_config config;
  struct pm_gossip *g;
  struct pm_time now;
  struct pm_gossip_update update;    /* of the last step */
  struct pm_gossip_send sends[4096]; /* of all steps since forget_sends */
  size_t sends_count;
};

/* Plain names for many: node 7 is 11.7.0.1:8080, alone in its /16. */
static inline struct pm_contact node(unsigned i) {
  struct pm_contact contact;
  char text[64];
  snprintf(text, sizeof text, "%u.%u.0.1:8080|%u.%u.0.1", 11 + i / 256, i % 256, 11 + i / 256,
           i % 256);
  assert_int_equal(pm_contact_from_text(text, &contact), PM_OK);
  return contact;
}

static inline struct pm_contact contact(const char *text) {
  struct pm_contact out;
  assert_int_equal(pm_contact_from_text(text, &out), PM_OK);
  return out;
}

static inline void test_mac(void *ctx, unsigned key, const void *data, size_t bytes,
                            uint8_t out[PM_WIRE_MAC_BYTES]) {
  XXH128_hash_t hash = XXH3_128bits_withSeed(data, bytes, (uint64_t)(uintptr_t)ctx + key);
  memcpy(out, &hash, PM_WIRE_MAC_BYTES);
}

/* The table is small; the test may change config before fixture_start. */
static inline struct fixture *fixture_new(void) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  pm_gossip_config_init(&f->config, 64);
  f->config.id.bytes[0] = 0xee;
  f->config.inc = 77;
  f->config.self[0] = node(9000);
  f->config.self_count = 1;
  f->now = (struct pm_time){5000 * (int64_t)PM_NS_PER_S};
  return f;
}

static inline void fixture_start(struct fixture *f) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {1, 2, 3};
  struct pm_why why;
  assert_int_equal(pm_gossip_config_check(&f->config, &why), PM_OK);
  f->g = pm_gossip_init(malloc(pm_gossip_size(&f->config)), &f->config, seed, f->now);
}

static inline void fixture_free(struct fixture *f) {
  free(f->g);
  free(f);
}

static inline void step(struct fixture *f, struct pm_gossip_event event) {
  event.now = f->now;
  pm_gossip_step(f->g, &event, &f->update);
  for (size_t i = 0; i < f->update.sends_count; i++) {
    assert_true(f->sends_count < sizeof f->sends / sizeof f->sends[0]);
    f->sends[f->sends_count++] = f->update.sends[i];
  }
}

static inline void tick(struct fixture *f) {
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_TICK});
}

/* Steps at every deadline until so many seconds have passed. */
static inline void run_s(struct fixture *f, double seconds) {
  struct pm_time end = pm_time_add_ns(f->now, (int64_t)(seconds * 1e9));
  for (int guard = 0; guard < 2000000; guard++) {
    struct pm_time next = pm_gossip_deadline(f->g);
    if (!pm_time_before(next, end)) break;
    if (pm_time_before(f->now, next))
      f->now = next;
    else
      f->now = pm_time_add_ns(f->now, 1);
    tick(f);
  }
  f->now = end;
  tick(f);
}

static inline void forget_sends(struct fixture *f) {
  f->sends_count = 0;
}

/* The latest send to it, NULL if there was none. */
static inline const struct pm_gossip_send *sent_to(const struct fixture *f,
                                                   const struct pm_contact *to) {
  for (size_t i = f->sends_count; i-- > 0;)
    if (f->sends[i].to.port == to->port && pm_ip_equal(&f->sends[i].to.ip, &to->ip))
      return &f->sends[i];
  return NULL;
}

static inline size_t count_sent(const struct fixture *f, const struct pm_contact *to) {
  size_t count = 0;
  for (size_t i = 0; i < f->sends_count; i++)
    count += f->sends[i].to.port == to->port && pm_ip_equal(&f->sends[i].to.ip, &to->ip);
  return count;
}

static inline struct pm_node_id id_of(const struct pm_contact *c) {
  struct pm_node_id id;
  uint64_t hash = pm_contact_hash(c, 5);
  memcpy(id.bytes, &hash, 8);
  memcpy(id.bytes + 8, &hash, 8);
  return id;
}

/* A node of ours answers the latest probe to it. */
static inline void pong(struct fixture *f, const struct pm_contact *from) {
  const struct pm_gossip_send *send = sent_to(f, from);
  assert_non_null(send);
  struct pm_wire_pong p = {
      .version = 1, .id = id_of(from), .inc = 1, .nonce = send->request.nonce, .has_nonce = true};
  memcpy(p.mesh, f->config.mesh, sizeof p.mesh);
  step(f,
       (struct pm_gossip_event){
           .kind = PM_GOSSIP_PONG,
           .pong = {
               .token = send->token, .ok = true, .pong = &p, .location = "Here", .rtt_us = 20000}});
}

static inline void no_pong(struct fixture *f, const struct pm_contact *from) {
  const struct pm_gossip_send *send = sent_to(f, from);
  assert_non_null(send);
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG, .pong = {.token = send->token}});
}

static inline enum pm_member_state state_of(const struct fixture *f, const struct pm_contact *c) {
  uint32_t slot = pm_table_find(&f->g->table, pm_core_key(f->g, c));
  if (slot == PM_NO_SLOT) return PM_MEMBER_FREE;
  return (enum pm_member_state)pm_table_at(&f->g->table, slot)->state;
}

static inline void add_local(struct fixture *f, const struct pm_contact *c) {
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_LOCAL_ADD, .local = c});
}

/* It contacts us, announcing itself. */
static inline void inbound(struct fixture *f, const struct pm_contact *announced,
                           const struct pm_ip *source) {
  struct pm_wire_request r = {.version = 1, .nonce = 9, .has_nonce = true, .parts = 1};
  memcpy(r.mesh, f->config.mesh, sizeof r.mesh);
  r.id = id_of(announced);
  r.self[0] = *announced;
  r.self_count = 1;
  struct pm_gossip_event event = {.kind = PM_GOSSIP_REQUEST};
  event.request.source = *source;
  event.request.request = &r;
  step(f, event);
}

/* Contact, handshake, proof: a member. */
static inline void befriend(struct fixture *f, const struct pm_contact *c) {
  inbound(f, c, &c->ip);
  for (int i = 0; i < 100 && state_of(f, c) == PM_MEMBER_CANDIDATE && !sent_to(f, c); i++)
    run_s(f, 0.1);
  pong(f, c);
  assert_int_equal(state_of(f, c), PM_MEMBER_VERIFIED);
}

/* Waits until the core pulls from whom it likes, and answers with this list. The teller is told. */
static inline struct pm_contact tell(struct fixture *f, const struct pm_contact *about,
                                     size_t count, uint32_t age_s) {
  struct pm_wire_entry entries[PM_WIRE_LIMIT_MAX];
  forget_sends(f);
  for (int i = 0; i < 1000; i++) {
    run_s(f, 0.5);
    for (size_t s = f->sends_count; s-- > 0;) {
      const struct pm_gossip_send *send = &f->sends[s];
      if (send->kind == PM_GOSSIP_SEND_PROBE || !f->g->round.pulling) continue;
      struct pm_contact teller = send->to;
      struct pm_wire_answer a = {.entries = entries, .entries_count = count, .parts = 1};
      for (size_t e = 0; e < count; e++)
        entries[e] = (struct pm_wire_entry){.contact = about[e], .has_mesh = true, .age_s = age_s};
      a.node = (struct pm_wire_pong){.version = 1,
                                     .id = id_of(&teller),
                                     .inc = 1,
                                     .nonce = send->request.nonce,
                                     .has_nonce = true};
      memcpy(a.node.mesh, f->config.mesh, sizeof a.node.mesh);
      step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER,
                                       .answer = {.token = send->token, .answer = &a}});
      return teller;
    }
  }
  fail_msg("nobody was asked");
  return *about;
}

#endif
