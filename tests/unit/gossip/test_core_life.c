/* Members: failing, lost, hinted at, revived, and never resurrected by hearsay. */
#include "core_fixture.h"

static struct fixture *with_members(unsigned count) {
  struct fixture *f = fixture_new();
  fixture_start(f);
  for (unsigned i = 1; i <= count; i++) {
    struct pm_contact c = node(i);
    befriend(f, &c);
  }
  return f;
}

/* All but one answer whatever is asked of them, for so long. */
static void live_s(struct fixture *f, double seconds, unsigned members, unsigned dead) {
  for (double t = 0; t < seconds; t += 0.5) {
    forget_sends(f);
    run_s(f, 0.5);
    for (unsigned i = 1; i <= members; i++) {
      struct pm_contact c = node(i);
      const struct pm_gossip_send *send = sent_to(f, &c);
      if (!send || send->kind != PM_GOSSIP_SEND_PROBE) continue;
      if (i == dead)
        no_pong(f, &c);
      else
        pong(f, &c);
    }
  }
}

static void a_member_is_refreshed_every_five_minutes(void **state) {
  (void)state;
  struct fixture *f = with_members(1);
  struct pm_contact c = node(1);
  f->g->config.grow = false; /* no pulls */
  forget_sends(f);
  run_s(f, 265);
  assert_int_equal(count_sent(f, &c), 0);
  run_s(f, 70);
  assert_int_equal(count_sent(f, &c), 1);
  assert_int_equal(sent_to(f, &c)->why, PM_DIAL_REFRESH);
  fixture_free(f);
}

static void five_failures_in_a_row_lose_a_member(void **state) {
  (void)state;
  struct fixture *f = with_members(3);
  struct pm_contact c = node(2);
  for (int failures = 0; failures < 5; failures++) {
    assert_int_equal(state_of(f, &c), failures == 0 ? PM_MEMBER_VERIFIED : PM_MEMBER_SUSPECT);
    struct pm_member *m =
        pm_table_at(&f->g->table, pm_table_find(&f->g->table, pm_core_key(f->g, &c)));
    assert_int_equal(pm_serve_listable(f->g, m), failures < 2);
    struct pm_gossip_send send;
    assert_true(pm_gossip_plan_ping(f->g, pm_table_handle(&f->g->table, m), f->now, &send));
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG, .pong = {.token = send.token}});
  }
  assert_int_equal(state_of(f, &c), PM_MEMBER_LOST);
  fixture_free(f);
}

static void a_success_ends_suspicion(void **state) {
  (void)state;
  struct fixture *f = with_members(3);
  live_s(f, 310, 3, 2);
  struct pm_contact c = node(2);
  assert_int_equal(state_of(f, &c), PM_MEMBER_SUSPECT);
  live_s(f, 20, 3, 0);
  assert_int_equal(state_of(f, &c), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

static void suspects_are_probed_every_ten_seconds_until_lost(void **state) {
  (void)state;
  struct fixture *f = with_members(3);
  struct pm_contact c = node(2);
  live_s(f, 400, 3, 2);
  assert_int_equal(state_of(f, &c), PM_MEMBER_LOST);
  assert_int_equal(f->g->counts.changes[PM_CHANGE_LOST], 1);
  fixture_free(f);
}

static void old_testimony_does_not_raise_the_dead(void **state) {
  (void)state;
  struct fixture *f = with_members(3);
  struct pm_contact c = node(2);
  live_s(f, 400, 3, 2);
  assert_int_equal(state_of(f, &c), PM_MEMBER_LOST);
  for (int i = 0; i < 4; i++) {
    tell(f, &c, 1, 300);
    for (size_t s = 0; s < f->sends_count; s++)
      assert_int_not_equal(f->sends[s].why, PM_DIAL_REVIVAL);
  }
  fixture_free(f);
}

static const struct pm_gossip_send *find_revival(const struct fixture *f,
                                                 const struct pm_contact *c) {
  const struct pm_gossip_send *send = sent_to(f, c);
  return send && send->why == PM_DIAL_REVIVAL ? send : NULL;
}

/* Told again and again until it is tried on that word; our own retries meanwhile are in vain. */
static void tell_until_revival(struct fixture *f, const struct pm_contact *c) {
  for (int i = 0; i < 200; i++) {
    tell(f, c, 1, 0);
    if (find_revival(f, c)) return;
    const struct pm_gossip_send *send = sent_to(f, c);
    if (send && send->kind == PM_GOSSIP_SEND_PROBE) no_pong(f, c);
  }
  fail_msg("never tried again");
}

static void fresher_testimony_revives_with_backoff(void **state) {
  (void)state;
  struct fixture *f = with_members(3);
  struct pm_contact c = node(2);
  live_s(f, 430, 3, 2);
  assert_int_equal(state_of(f, &c), PM_MEMBER_LOST);
  struct pm_time asked = f->now;
  tell_until_revival(f, &c);
  assert_true(pm_time_since_ns(f->now, asked) < 60 * (int64_t)PM_NS_PER_S);
  no_pong(f, &c);
  assert_int_equal(state_of(f, &c), PM_MEMBER_LOST);
  struct pm_time failed = f->now;
  tell_until_revival(f, &c);
  assert_true(pm_time_since_ns(f->now, failed) >= 120 * (int64_t)PM_NS_PER_S);
  pong(f, &c);
  assert_int_equal(state_of(f, &c), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

static void a_lost_one_that_contacts_us_is_tried_at_once(void **state) {
  (void)state;
  struct fixture *f = with_members(3);
  struct pm_contact c = node(2);
  live_s(f, 400, 3, 2);
  forget_sends(f);
  inbound(f, &c, &c.ip);
  assert_int_equal(sent_to(f, &c)->why, PM_DIAL_CONSENT);
  pong(f, &c);
  assert_int_equal(state_of(f, &c), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

/* The hint of one neighbour makes us look; what we see decides. */
static void a_hint_only_schedules_our_own_probe(void **state) {
  (void)state;
  struct fixture *f = with_members(3);
  struct pm_contact c = node(2);
  run_s(f, 5);
  forget_sends(f);
  while (!f->g->round.pulling || f->g->round.token.handle == 0) run_s(f, 0.5);
  struct pm_member *teller = pm_table_by_handle(&f->g->table, f->g->round.token.handle);
  struct pm_contact from = teller->contact;
  if (pm_ip_equal(&from.ip, &c.ip)) c = node(3);
  struct pm_wire_answer a = {.parts = 1, .lost_count = 1};
  a.lost[0] = (struct pm_wire_lost){pm_bloom_salted(pm_contact_hash(&c, 0), f->g->round.salt), 0};
  a.node = (struct pm_wire_pong){.version = 1,
                                 .id = id_of(&from),
                                 .inc = 1,
                                 .mesh = "default",
                                 .nonce = f->g->round.token.nonce,
                                 .has_nonce = true};
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER, .answer = {f->g->round.token, &a}});
  const struct pm_gossip_send *look = NULL;
  for (size_t i = 0; i < f->update.sends_count; i++)
    if (f->update.sends[i].why == PM_DIAL_HINT) look = &f->update.sends[i];
  assert_non_null(look);
  assert_true(pm_ip_equal(&look->to.ip, &c.ip));
  assert_int_equal(state_of(f, &c), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

static void our_own_endpoint_is_found_out_and_left_alone(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact mirror = node(5);
  inbound(f, &mirror, &mirror.ip);
  const struct pm_gossip_send *send = sent_to(f, &mirror);
  struct pm_wire_pong p = {.version = 1,
                           .mesh = "default",
                           .id = f->config.id,
                           .inc = f->config.inc,
                           .nonce = send->request.nonce,
                           .has_nonce = true};
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                   .pong = {.token = send->token, .ok = true, .pong = &p}});
  assert_int_equal(state_of(f, &mirror), PM_MEMBER_SELF);
  forget_sends(f);
  for (int i = 0; i < 10; i++) {
    inbound(f, &mirror, &mirror.ip);
    run_s(f, 600);
  }
  assert_int_equal(f->sends_count, 0);
  fixture_free(f);
}

static void two_endpoints_of_one_node_are_one_member(void **state) {
  (void)state;
  struct fixture *f = with_members(1);
  struct pm_contact first = node(1), second = node(2);
  inbound(f, &second, &second.ip);
  const struct pm_gossip_send *send = sent_to(f, &second);
  struct pm_wire_pong p = {.version = 1,
                           .mesh = "default",
                           .id = id_of(&first),
                           .inc = 1,
                           .nonce = send->request.nonce,
                           .has_nonce = true};
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                   .pong = {.token = send->token, .ok = true, .pong = &p}});
  assert_int_equal(pm_core_verified(f->g), 1);
  assert_int_equal(f->g->counts.changes[PM_CHANGE_ALIAS], 1);
  forget_sends(f);
  inbound(f, &second, &second.ip);
  assert_null(sent_to(f, &second));
  fixture_free(f);
}

static void an_answer_without_our_nonce_proves_nothing(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact c = node(1);
  inbound(f, &c, &c.ip);
  struct pm_wire_pong p = {.version = 1,
                           .mesh = "default",
                           .id = id_of(&c),
                           .inc = 1,
                           .nonce = 12345,
                           .has_nonce = true};
  step(f,
       (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                .pong = {.token = sent_to(f, &c)->token, .ok = true, .pong = &p}});
  assert_int_equal(state_of(f, &c), PM_MEMBER_FREE);
  assert_int_equal(f->g->counts.refusals[PM_REFUSAL_NO_PROOF], 1);
  fixture_free(f);
}

static void an_old_node_proves_itself_by_its_location(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact old = node(1), site = node(2);
  add_local(f, &old);
  add_local(f, &site);
  step(f, (struct pm_gossip_event){
              .kind = PM_GOSSIP_PONG,
              .pong = {.token = sent_to(f, &old)->token, .ok = true, .location = "Paris,FR"}});
  step(f, (struct pm_gossip_event){
              .kind = PM_GOSSIP_PONG,
              .pong = {.token = sent_to(f, &site)->token, .ok = true, .location = ""}});
  assert_int_equal(state_of(f, &old), PM_MEMBER_VERIFIED);
  assert_int_equal(state_of(f, &site), PM_MEMBER_LOCAL);
  forget_sends(f);
  run_s(f, 320);
  for (size_t i = 0; i < f->sends_count; i++)
    if (pm_ip_equal(&f->sends[i].to.ip, &old.ip)) assert_true(f->sends[i].plain);
  fixture_free(f);
}

static void three_who_cannot_reach_us_silence_us(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  for (unsigned i = 1; i <= 4; i++) {
    struct pm_contact c = node(i);
    inbound(f, &c, &c.ip);
    const struct pm_gossip_send *send = sent_to(f, &c);
    assert_int_equal(send->request.self_count, i <= 3 ? 1 : 0);
    struct pm_wire_pong p = {.version = 1,
                             .mesh = "default",
                             .id = id_of(&c),
                             .inc = 1,
                             .you_reach = PM_WIRE_REACH_NO,
                             .nonce = send->request.nonce,
                             .has_nonce = true};
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                     .pong = {.token = send->token, .ok = true, .pong = &p}});
  }
  fixture_free(f);
}

/* Waits for the next pull and lets it end without an answer; how long it took to come. */
static double seconds_to_a_pull_in_vain(struct fixture *f) {
  struct pm_time from = f->now;
  for (int i = 0; i < 1000 && !f->g->round.pulling; i++) run_s(f, 0.1);
  assert_true(f->g->round.pulling);
  double waited_s = (double)pm_time_since_ns(f->now, from) / 1e9;
  step(f,
       (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER, .answer = {.token = f->g->round.token}});
  return waited_s;
}

static void a_pull_in_vain_is_made_up_for_once(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  for (unsigned i = 1; i <= 4; i++) {
    struct pm_contact member = node(i);
    befriend(f, &member);
  }
  for (int i = 0; i < 8; i++) tell(f, NULL, 0, 5);
  assert_int_equal(f->g->round.interval_ms, 30000);
  assert_true(seconds_to_a_pull_in_vain(f) > 20);
  assert_true(seconds_to_a_pull_in_vain(f) < 3);
  assert_true(seconds_to_a_pull_in_vain(f) > 20);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_member_is_refreshed_every_five_minutes),
      cmocka_unit_test(five_failures_in_a_row_lose_a_member),
      cmocka_unit_test(a_success_ends_suspicion),
      cmocka_unit_test(suspects_are_probed_every_ten_seconds_until_lost),
      cmocka_unit_test(old_testimony_does_not_raise_the_dead),
      cmocka_unit_test(fresher_testimony_revives_with_backoff),
      cmocka_unit_test(a_lost_one_that_contacts_us_is_tried_at_once),
      cmocka_unit_test(a_hint_only_schedules_our_own_probe),
      cmocka_unit_test(our_own_endpoint_is_found_out_and_left_alone),
      cmocka_unit_test(two_endpoints_of_one_node_are_one_member),
      cmocka_unit_test(an_answer_without_our_nonce_proves_nothing),
      cmocka_unit_test(an_old_node_proves_itself_by_its_location),
      cmocka_unit_test(three_who_cannot_reach_us_silence_us),
      cmocka_unit_test(a_pull_in_vain_is_made_up_for_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
