/* What others are told, who stays in a full table, and who may speak in a mesh with a key. */
#include "core_fixture.h"

static struct pm_wire_request pull_request(const struct fixture *f) {
  struct pm_wire_request r = {
      .version = 1, .pull = true, .limit = 256, .parts = 1, .nonce = 4, .has_nonce = true};
  memcpy(r.mesh, f->config.mesh, sizeof r.mesh);
  r.id.bytes[0] = 0x55;
  return r;
}

static void ask(struct fixture *f, const struct pm_wire_request *r, const char *source) {
  struct pm_gossip_event event = {.kind = PM_GOSSIP_REQUEST};
  event.request.source = contact(source).ip;
  event.request.local_ip = f->config.self[0].ip;
  event.request.local_port = f->config.self[0].port;
  event.request.request = r;
  step(f, event);
  assert_true(f->update.has_reply);
}

static bool lists(const struct fixture *f, const struct pm_contact *c) {
  for (size_t i = 0; i < f->update.reply.entries_count; i++)
    if (pm_contact_hash(&f->update.reply.entries[i].contact, 0) == pm_contact_hash(c, 0))
      return true;
  return false;
}

static void only_the_proved_are_listed(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact member = node(1), candidate = node(2), local = node(3), silent = node(4);
  befriend(f, &member);
  add_local(f, &local);
  inbound(f, &candidate, &candidate.ip);
  befriend(f, &silent);
  struct pm_wire_request r = pull_request(f);
  ask(f, &r, "x:1|20.1.1.1");
  assert_int_equal(f->update.reply.entries_count, 2);
  assert_true(lists(f, &member) && lists(f, &silent));
  assert_int_equal(f->update.reply.entries[0].age_s, 0);
  f->now = pm_time_add_ms(f->now, 601 * 1000);
  ask(f, &r, "x:1|20.1.1.1");
  assert_int_equal(f->update.reply.entries_count, 0);
  fixture_free(f);
}

static void the_caller_itself_and_what_it_knows_are_left_out(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact a = node(1), b = node(2), c = node(3);
  befriend(f, &a), befriend(f, &b), befriend(f, &c);
  struct pm_wire_request r = pull_request(f);
  r.self[0] = a;
  r.self_count = 1;
  r.salt = 77;
  r.has_bloom = true;
  pm_bloom_init(&r.bloom, PM_BLOOM_KEYS);
  pm_bloom_add(&r.bloom, pm_bloom_salted(pm_contact_hash(&b, 0), 77));
  ask(f, &r, "x:1|11.1.0.1");
  assert_int_equal(f->update.reply.entries_count, 1);
  assert_true(lists(f, &c));
  assert_int_equal(f->update.reply.node.you_reach, PM_WIRE_REACH_YES);
  fixture_free(f);
}

static void short_entries_are_for_those_who_ask_for_them(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact member = node(1);
  befriend(f, &member);
  struct pm_wire_request r = pull_request(f);
  ask(f, &r, "x:1|20.1.1.1");
  assert_false(f->update.reply.short_entries);
  r.short_entries = true;
  ask(f, &r, "x:1|20.1.1.1");
  assert_true(f->update.reply.short_entries);
  fixture_free(f);
}

static void a_seed_is_listed_after_three_successes_within_a_minute(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.round_min_ms = f->config.round_max_ms = 3600 * 1000; /* no pulls here */
  fixture_start(f);
  struct pm_contact seed = node(1);
  struct pm_wire_request r = pull_request(f);
  add_local(f, &seed);
  for (int success = 1; success <= 3; success++) {
    pong(f, &seed);
    ask(f, &r, "x:1|20.1.1.1");
    assert_int_equal(f->update.reply.entries_count, success == 3);
    forget_sends(f);
    run_s(f, success < 3 ? 12 : 100); /* steady then: its turn comes every five minutes */
    assert_int_equal(f->sends_count, success < 3);
  }
  fixture_free(f);
}

static void partitions_cover_all_members_once(void **state) {
  (void)state;
  enum { MEMBERS = 40, PARTS = 3 };
  struct fixture *f = fixture_new();
  fixture_start(f);
  for (unsigned i = 1; i <= MEMBERS; i++) {
    struct pm_contact c = node(i);
    befriend(f, &c);
  }
  size_t total = 0;
  for (unsigned part = 0; part < PARTS; part++) {
    struct pm_wire_request r = pull_request(f);
    r.part = part, r.parts = PARTS;
    ask(f, &r, "x:1|20.1.1.1");
    total += f->update.reply.entries_count;
  }
  assert_int_equal(total, MEMBERS);
  fixture_free(f);
}

static void another_mesh_hears_who_we_are_and_nothing_else(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact member = node(1), caller = node(2);
  befriend(f, &member);
  struct pm_wire_request r = pull_request(f);
  memcpy(r.mesh, "other", 6);
  r.self[0] = caller;
  r.self_count = 1;
  ask(f, &r, "x:1|11.2.0.1");
  assert_int_equal(f->update.reply.entries_count, 0);
  assert_string_equal(f->update.reply.node.mesh, "default");
  assert_int_equal(state_of(f, &caller), PM_MEMBER_FREE);
  fixture_free(f);
}

static void an_old_reader_gets_shareable_entries(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact member = node(1), local = node(3);
  befriend(f, &member);
  add_local(f, &local);
  ask(f, NULL, "x:1|20.1.1.1");
  assert_int_equal(f->update.reply.node.version, 0);
  assert_int_equal(f->update.reply.entries_count, 1);
  assert_true(lists(f, &member));
  fixture_free(f);
}

static void a_busy_node_gives_newcomers_the_ring_and_others_a_few(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  for (unsigned i = 1; i <= 40; i++) {
    struct pm_contact c = node(i);
    befriend(f, &c);
  }
  struct pm_wire_request r = pull_request(f);
  f->g->page.full_at = pm_time_add_ms(f->now, 3600 * 1000);
  ask(f, &r, "x:1|20.1.1.1");
  assert_in_range(f->update.reply.entries_count, 10, 16);
  r.has_bloom = true;
  pm_bloom_init(&r.bloom, PM_BLOOM_KEYS);
  for (uint64_t i = 0; i < 20; i++) pm_bloom_add(&r.bloom, pm_bloom_salted(i, 0));
  ask(f, &r, "x:1|20.1.1.1");
  assert_int_equal(f->update.reply.entries_count, 8);
  fixture_free(f);
}

static void what_we_lost_is_told_as_a_hint(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact c = node(1);
  befriend(f, &c);
  struct pm_member *m =
      pm_table_at(&f->g->table, pm_table_find(&f->g->table, pm_core_key(f->g, &c)));
  for (int i = 0; i < 5; i++) {
    struct pm_gossip_send send;
    assert_true(pm_gossip_plan_ping(f->g, pm_table_handle(&f->g->table, m), f->now, &send));
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG, .pong = {.token = send.token}});
  }
  struct pm_wire_request r = pull_request(f);
  r.salt = 5;
  f->now = pm_time_add_ms(f->now, 10 * 1000);
  ask(f, &r, "x:1|20.1.1.1");
  assert_int_equal(f->update.reply.lost_count, 1);
  assert_true(f->update.reply.lost[0].salted == pm_bloom_salted(pm_contact_hash(&c, 0), 5));
  assert_int_equal(f->update.reply.lost[0].age_s, 10);
  f->now = pm_time_add_ms(f->now, 171 * 1000);
  ask(f, &r, "x:1|20.1.1.1");
  assert_int_equal(f->update.reply.lost_count, 0);
  fixture_free(f);
}

/* --- the full table --------------------------------------------------------------------------- */

static void a_full_table_keeps_the_smallest_ranks(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  unsigned refused = 0;
  for (unsigned i = 1; i <= 400; i++) {
    struct pm_contact c = node(i);
    forget_sends(f);
    inbound(f, &c, &c.ip);
    run_s(f, 0.2);
    if (sent_to(f, &c))
      pong(f, &c);
    else
      refused++;
  }
  assert_int_equal(pm_core_verified(f->g), 64);
  uint64_t ranks_below = 0, worst = 0;
  for (uint32_t i = 0; i < 64; i++) {
    struct pm_member *m = pm_table_at(&f->g->table, f->g->table.sets[PM_SET_VERIFIED].slots[i]);
    uint64_t rank = f->g->ranks[m->detail];
    if (rank > worst) worst = rank;
  }
  for (unsigned i = 1; i <= 400; i++) {
    struct pm_contact c = node(i);
    ranks_below += pm_sampling_rank(f->g, &c.ip) < worst;
  }
  assert_int_equal(ranks_below, 63);
  assert_true(refused > 100);
  fixture_free(f);
}

static void tenure_protects_three_quarters(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.refresh_ms = 100000000;
  fixture_start(f);
  for (unsigned i = 1; i <= 64; i++) {
    struct pm_contact c = node(i);
    befriend(f, &c);
  }
  f->now = pm_time_add_ms(f->now, 3601 * 1000);
  unsigned kept = 0;
  for (unsigned i = 1000; i < 1600; i++) {
    struct pm_contact c = node(i);
    forget_sends(f);
    inbound(f, &c, &c.ip);
    f->now = pm_time_add_ms(f->now, 200);
    tick(f);
    if (sent_to(f, &c)) pong(f, &c);
  }
  for (unsigned i = 1; i <= 64; i++) {
    struct pm_contact c = node(i);
    kept += state_of(f, &c) == PM_MEMBER_VERIFIED;
  }
  assert_in_range(kept, 48, 50);
  fixture_free(f);
}

static void a_network_and_an_address_have_their_share(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  unsigned in_network = 0, on_address = 0;
  for (unsigned i = 1; i <= 20; i++) {
    char text[64];
    snprintf(text, sizeof text, "9.9.0.%u:80|9.9.0.%u", i, i);
    struct pm_contact c = contact(text);
    inbound(f, &c, &c.ip);
    if (sent_to(f, &c)) pong(f, &c), in_network++;
  }
  assert_int_equal(in_network, 4); /* a sixteenth of 64 */
  f->g->config.members_max = 64;
  for (unsigned i = 1; i <= 20; i++) {
    char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%u|127.0.0.1", 8000 + i);
    struct pm_contact c = contact(text);
    inbound(f, &c, &c.ip);
    if (sent_to(f, &c)) pong(f, &c), on_address++;
    run_s(f, 0.2);
  }
  assert_int_equal(on_address, 20); /* shares are for public addresses */
  fixture_free(f);
}

/* --- keys ------------------------------------------------------------------------------------- */

static struct pm_gossip_auth key(uintptr_t secret) {
  return (struct pm_gossip_auth){.mac = test_mac, .ctx = (void *)secret, .keys = 1};
}

static void mac_pong(struct fixture *f, const struct pm_contact *from, uintptr_t secret) {
  const struct pm_gossip_send *send = sent_to(f, from);
  struct pm_wire_pong p = {.version = 1,
                           .mesh = "default",
                           .id = id_of(from),
                           .inc = 1,
                           .nonce = send->request.nonce,
                           .has_nonce = true,
                           .has_challenge = true,
                           .challenge = 0xabc,
                           .has_mac = true};
  struct pm_gossip_auth auth = key(secret);
  struct pm_auth_claim claim = {.role = PM_AUTH_ANSWERS,
                                .challenge = p.nonce,
                                .id = &p.id,
                                .dialled_ip = &from->ip,
                                .dialled_port = from->port,
                                .mesh = "default"};
  pm_auth_sign(&auth, &claim, p.mac);
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                   .pong = {.token = send->token, .ok = true, .pong = &p}});
}

static void only_key_holders_prove_themselves(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.auth = key(1);
  fixture_start(f);
  struct pm_contact friend = node(1), liar = node(2), bare = node(3);
  add_local(f, &friend), add_local(f, &liar), add_local(f, &bare);
  mac_pong(f, &friend, 1);
  mac_pong(f, &liar, 2);
  pong(f, &bare);
  assert_int_equal(state_of(f, &friend), PM_MEMBER_VERIFIED);
  assert_int_equal(state_of(f, &liar), PM_MEMBER_LOCAL);
  assert_int_equal(state_of(f, &bare), PM_MEMBER_LOCAL);
  run_s(f, 7);
  assert_true(sent_to(f, &friend)->request.has_mac);
  fixture_free(f);
}

/* Keys are changed node by node: the new one is accepted from when it is there on, and no further
 * one is. (The test's MAC makes of the second key of secret 1 what the first of secret 2 makes.) */
static void a_key_that_comes_later_proves_too(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.auth = key(1);
  fixture_start(f);
  struct pm_contact early = node(1), late = node(2), liar = node(3);
  add_local(f, &early), add_local(f, &late), add_local(f, &liar);
  pm_gossip_set_keys(f->g, 0);
  pm_gossip_set_keys(f->g, PM_GOSSIP_KEYS_MAX + 1);
  mac_pong(f, &early, 2);
  assert_int_equal(state_of(f, &early), PM_MEMBER_LOCAL);
  pm_gossip_set_keys(f->g, 2);
  mac_pong(f, &late, 2);
  mac_pong(f, &liar, 3);
  assert_int_equal(state_of(f, &late), PM_MEMBER_VERIFIED);
  assert_int_equal(state_of(f, &liar), PM_MEMBER_LOCAL);
  fixture_free(f);
}

static void a_mesh_without_a_key_gets_none(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  pm_gossip_set_keys(f->g, 1);
  struct pm_contact bare = node(1);
  add_local(f, &bare);
  pong(f, &bare);
  assert_int_equal(state_of(f, &bare), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

/* The first call gets a challenge, the second proves the caller; a replay from elsewhere does not.
 */
static void a_caller_must_mac_the_challenge_it_was_given(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.auth = key(1);
  fixture_start(f);
  struct pm_contact caller = node(2);
  struct pm_wire_request r = pull_request(f);
  r.self[0] = caller;
  r.self_count = 1;
  r.to_ip = f->config.self[0].ip;
  r.to_port = f->config.self[0].port;
  ask(f, &r, "x:1|11.2.0.1");
  assert_int_equal(state_of(f, &caller), PM_MEMBER_FREE);
  assert_true(f->update.reply.node.has_challenge && f->update.reply.node.has_mac);
  r.challenge = f->update.reply.node.challenge;
  r.has_mac = true;
  struct pm_gossip_auth auth = key(1);
  struct pm_auth_claim claim = {.role = PM_AUTH_ASKS,
                                .challenge = r.challenge,
                                .id = &r.id,
                                .dialled_ip = &r.to_ip,
                                .dialled_port = r.to_port,
                                .pull = true,
                                .mesh = "default"};
  pm_auth_sign(&auth, &claim, r.mac);
  ask(f, &r, "x:1|11.3.0.1");
  assert_int_equal(state_of(f, &caller), PM_MEMBER_FREE);
  r.mac[3] ^= 1;
  ask(f, &r, "x:1|11.2.0.1");
  assert_int_equal(state_of(f, &caller), PM_MEMBER_FREE);
  r.mac[3] ^= 1;
  ask(f, &r, "x:1|11.2.0.1");
  assert_int_equal(state_of(f, &caller), PM_MEMBER_CANDIDATE);
  f->now = pm_time_add_ms(f->now, 7 * 60 * 1000);
  r.self[0] = node(4);
  ask(f, &r, "x:1|11.2.0.1");
  assert_int_equal(state_of(f, &r.self[0]), PM_MEMBER_FREE);
  fixture_free(f);
}

/* A man in the middle is dialled at his address and cannot borrow our MAC for it. */
static void we_mac_no_address_that_is_not_ours(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.auth = key(1);
  fixture_start(f);
  struct pm_wire_request r = pull_request(f);
  r.to_ip = contact("x:1|66.66.66.66").ip;
  r.to_port = 8080;
  ask(f, &r, "x:1|11.2.0.1");
  assert_false(f->update.reply.node.has_mac);
  fixture_free(f);
}

static void siphash_is_siphash(void **state) {
  (void)state;
  uint64_t secret[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  uint8_t data[15];
  for (uint8_t i = 0; i < 15; i++) data[i] = i;
  assert_true(pm_siphash(secret, data, 15) == 0xa129ca6149be45e5u); /* the paper's test vector */
}

static void the_core_keeps_within_its_megabytes(void **state) {
  (void)state;
  struct pm_gossip_config config;
  pm_gossip_config_init(&config, 1024);
  assert_true(pm_gossip_size(&config) < 1500000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_the_proved_are_listed),
      cmocka_unit_test(the_caller_itself_and_what_it_knows_are_left_out),
      cmocka_unit_test(short_entries_are_for_those_who_ask_for_them),
      cmocka_unit_test(a_seed_is_listed_after_three_successes_within_a_minute),
      cmocka_unit_test(partitions_cover_all_members_once),
      cmocka_unit_test(another_mesh_hears_who_we_are_and_nothing_else),
      cmocka_unit_test(an_old_reader_gets_shareable_entries),
      cmocka_unit_test(a_busy_node_gives_newcomers_the_ring_and_others_a_few),
      cmocka_unit_test(what_we_lost_is_told_as_a_hint),
      cmocka_unit_test(a_full_table_keeps_the_smallest_ranks),
      cmocka_unit_test(tenure_protects_three_quarters),
      cmocka_unit_test(a_network_and_an_address_have_their_share),
      cmocka_unit_test(only_key_holders_prove_themselves),
      cmocka_unit_test(a_key_that_comes_later_proves_too),
      cmocka_unit_test(a_mesh_without_a_key_gets_none),
      cmocka_unit_test(a_caller_must_mac_the_challenge_it_was_given),
      cmocka_unit_test(we_mac_no_address_that_is_not_ours),
      cmocka_unit_test(siphash_is_siphash),
      cmocka_unit_test(the_core_keeps_within_its_megabytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
