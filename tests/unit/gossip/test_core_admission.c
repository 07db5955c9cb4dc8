/* Who gets in, on whose word, and at what price. */
#include "core_fixture.h"

static void a_seed_is_tried_at_once_and_asked_once_it_proved(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1);
  add_local(f, &seed);
  assert_non_null(sent_to(f, &seed));
  assert_int_equal(sent_to(f, &seed)->why, PM_DIAL_LOCAL);
  pong(f, &seed);
  assert_int_equal(state_of(f, &seed), PM_MEMBER_VERIFIED);
  run_s(f, 7);
  assert_int_equal(sent_to(f, &seed)->kind, PM_GOSSIP_SEND_PULL);
  fixture_free(f);
}

static void a_seeds_word_alone_suffices_for_a_newcomer(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1), other = node(2);
  add_local(f, &seed);
  pong(f, &seed);
  tell(f, &other, 1, 5);
  assert_int_equal(sent_to(f, &other)->why, PM_DIAL_WORD);
  pong(f, &other);
  assert_int_equal(state_of(f, &other), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

/* Two members in different networks: from now on one word is hearsay, two make a candidate. */
static struct fixture *with_two_members(void) {
  struct fixture *f = fixture_new();
  f->config.speculative.burst = 1;
  fixture_start(f);
  struct pm_contact a = node(1), b = node(2);
  befriend(f, &a);
  befriend(f, &b);
  struct pm_bucket *bucket = &f->g->speculative; /* none to be had in these tests */
  while (pm_bucket_take(bucket, f->now)) {
  }
  bucket->full_at = pm_time_add_ms(f->now, 3600 * 1000);
  return f;
}

static void one_word_is_hearsay_two_make_a_candidate(void **state) {
  (void)state;
  struct fixture *f = with_two_members();
  struct pm_contact other = node(3);
  struct pm_contact first = tell(f, &other, 1, 5);
  assert_int_equal(state_of(f, &other), PM_MEMBER_HEARD);
  for (int i = 0; i < 8; i++) {
    struct pm_contact teller = tell(f, &other, 1, 5);
    bool another = !pm_ip_equal(&teller.ip, &first.ip);
    assert_int_equal(state_of(f, &other), another ? PM_MEMBER_CANDIDATE : PM_MEMBER_HEARD);
    assert_int_equal(sent_to(f, &other) != NULL, another);
    if (another) break;
    assert_true(i < 7);
  }
  fixture_free(f);
}

static void two_of_one_network_are_one_source(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact a = contact("11.1.0.1:8080|11.1.0.1"), b = contact("11.1.9.9:8080|11.1.9.9");
  struct pm_contact c = node(2), other = node(3);
  befriend(f, &a);
  befriend(f, &b);
  befriend(f, &c);
  f->g->speculative.full_at = pm_time_add_ms(f->now, 3600 * 1000);
  bool heard_a = false, heard_b = false;
  /* a and b tell, c does not: whoever else is asked has nothing to say. */
  for (int i = 0; i < 12; i++) {
    forget_sends(f);
    while (!f->g->round.pulling) run_s(f, 1);
    struct pm_member *m = pm_table_by_handle(&f->g->table, f->g->round.token.handle);
    struct pm_contact teller = m->contact;
    bool of_c = pm_ip_equal(&teller.ip, &c.ip);
    struct pm_wire_entry entry = {.contact = other, .has_mesh = true, .age_s = 3};
    struct pm_wire_answer answer = {.entries = &entry, .entries_count = of_c ? 0 : 1, .parts = 1};
    answer.node = (struct pm_wire_pong){.version = 1,
                                        .id = id_of(&teller),
                                        .inc = 1,
                                        .nonce = f->g->round.token.nonce,
                                        .has_nonce = true,
                                        .mesh = "default"};
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER,
                                     .answer = {f->g->round.token, &answer}});
    heard_a |= pm_ip_equal(&teller.ip, &a.ip);
    heard_b |= pm_ip_equal(&teller.ip, &b.ip);
    if (heard_a && heard_b) break;
  }
  assert_true(heard_a && heard_b);
  assert_int_equal(state_of(f, &other), PM_MEMBER_HEARD);
  assert_null(sent_to(f, &other));
  fixture_free(f);
}

static void hearsay_is_worth_a_rare_probe(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact a = node(1), b = node(2), others[20];
  befriend(f, &a);
  befriend(f, &b);
  for (unsigned i = 0; i < 20; i++) others[i] = node(10 + i);
  tell(f, others, 20, 5);
  run_s(f, 20);
  size_t speculative = 0;
  for (size_t i = 0; i < f->sends_count; i++) speculative += f->sends[i].why == PM_DIAL_SPECULATIVE;
  assert_in_range(speculative, 1, 8);
  fixture_free(f);
}

static size_t speculative_sends(const struct fixture *f) {
  size_t count = 0;
  for (size_t i = 0; i < f->sends_count; i++)
    count += f->sends[i].kind == PM_GOSSIP_SEND_PROBE && f->sends[i].why == PM_DIAL_SPECULATIVE;
  return count;
}

/* What one source says and is true costs nothing of the bucket; what is not costs a wait, too. */
static void hearsay_that_proves_true_is_worth_more(void **state) {
  (void)state;
  enum { OTHERS = 40, TRUE_ONES = 20 };
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact a = node(1), b = node(2), others[OTHERS];
  befriend(f, &a);
  befriend(f, &b);
  for (unsigned i = 0; i < OTHERS; i++) others[i] = node(10 + i);
  tell(f, others, TRUE_ONES, 5);
  for (int i = 0; i < 50; i++) {
    for (unsigned o = 0; o < TRUE_ONES; o++)
      if (state_of(f, &others[o]) == PM_MEMBER_HEARD && sent_to(f, &others[o])) pong(f, &others[o]);
    run_s(f, 0.1);
  }
  assert_int_equal(speculative_sends(f), TRUE_ONES);
  for (unsigned o = 0; o < TRUE_ONES; o++)
    assert_int_equal(state_of(f, &others[o]), PM_MEMBER_VERIFIED);
  assert_int_equal(pm_bucket_left(&f->g->speculative, f->now), 8);

  tell(f, others + TRUE_ONES, OTHERS - TRUE_ONES, 5);
  for (int i = 0; i < 50; i++) {
    run_s(f, 0.1);
    for (unsigned o = TRUE_ONES; o < OTHERS; o++)
      if (f->g->table.sets[PM_SET_HEARD].count > 0 && sent_to(f, &others[o]) &&
          pm_table_at(&f->g->table, pm_table_find(&f->g->table, pm_core_key(f->g, &others[o])))
              ->in_flight)
        no_pong(f, &others[o]);
  }
  assert_in_range(speculative_sends(f), 1, 2);
  assert_in_range(pm_bucket_left(&f->g->speculative, f->now), 6, 7);
  run_s(f, 110);
  assert_in_range(speculative_sends(f), 1, 2);
  run_s(f, 20);
  assert_in_range(speculative_sends(f), 2, 3);
  fixture_free(f);
}

/* Half a second a probe in this mesh: 40 were named, of which 30 may fail. */
static void a_pull_waits_for_what_waits_to_be_dialled(void **state) {
  (void)state;
  enum { OTHERS = 40 };
  struct fixture *f = fixture_new();
  f->config.verify = (struct pm_gossip_rate){.step_ms = 500, .burst = 1};
  fixture_start(f);
  struct pm_contact seed = node(1), others[OTHERS];
  add_local(f, &seed);
  pong(f, &seed);
  for (unsigned i = 0; i < OTHERS; i++) others[i] = node(10 + i);
  tell(f, others, OTHERS, 5);
  struct pm_time told = f->now;
  forget_sends(f);
  while (!f->g->round.pulling) run_s(f, 0.5);
  assert_in_range(pm_time_since_ns(f->now, told) / PM_NS_PER_S, 10, 20);
  fixture_free(f);
}

static void who_contacts_us_is_tried_back_at_that_address_only(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact caller = node(1);
  inbound(f, &caller, &caller.ip);
  assert_int_equal(sent_to(f, &caller)->why, PM_DIAL_CONSENT);
  struct pm_contact claimed = node(2);
  inbound(f, &claimed, &caller.ip);
  assert_int_equal(sent_to(f, &claimed)->why, PM_DIAL_CLAIM);
  fixture_free(f);
}

/* A seed's word is being tried when its subject calls, too. */
static struct fixture *with_one_on_a_seeds_word(const struct pm_contact *other) {
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1);
  add_local(f, &seed);
  pong(f, &seed);
  tell(f, other, 1, 5);
  assert_int_equal(sent_to(f, other)->why, PM_DIAL_WORD);
  return f;
}

static void who_calls_while_others_word_is_tried_is_tried_on_its_own(void **state) {
  (void)state;
  struct pm_contact other = node(2);
  struct fixture *f = with_one_on_a_seeds_word(&other);
  inbound(f, &other, &other.ip);
  assert_int_equal(count_sent(f, &other), 1);
  no_pong(f, &other);
  for (size_t tries = 2; tries <= 4; tries++) {
    assert_int_equal(count_sent(f, &other), tries);
    assert_int_equal(sent_to(f, &other)->why, PM_DIAL_CONSENT);
    no_pong(f, &other);
    for (int i = 0; i < 300 && count_sent(f, &other) == tries; i++) run_s(f, 0.1);
  }
  assert_int_equal(count_sent(f, &other), 4);
  assert_int_equal(state_of(f, &other), PM_MEMBER_FREE);
  assert_int_equal(f->g->failure.failures, 1);
  fixture_free(f);
}

static void a_proof_after_a_failure_earns_once(void **state) {
  (void)state;
  struct pm_contact other = node(2);
  struct fixture *f = with_one_on_a_seeds_word(&other);
  no_pong(f, &other);
  assert_int_equal(f->g->failure.failures, 1);
  assert_int_equal(pm_failure_budget_left(&f->g->failure, f->now), 29);
  inbound(f, &other, &other.ip);
  pong(f, &other);
  assert_int_equal(state_of(f, &other), PM_MEMBER_VERIFIED);
  assert_int_equal(f->g->failure.successes, 1);
  assert_true(f->g->death.loss > 0.015); /* 0.01 at least; the failure was the network's */
  struct pm_contact uninvited = node(3);
  befriend(f, &uninvited); /* nobody named it: no failure could be its, and it earns nothing */
  assert_int_equal(f->g->failure.successes, 1);
  fixture_free(f);
}

/* Two lost tries on others' word prove nothing; four in vain after its own call do. */
static void who_calls_and_cannot_be_called_is_told_so(void **state) {
  (void)state;
  struct pm_contact other = node(2);
  struct fixture *f = with_one_on_a_seeds_word(&other);
  no_pong(f, &other);
  forget_sends(f);
  for (int i = 0; i < 700 && !sent_to(f, &other); i++) run_s(f, 0.1);
  no_pong(f, &other);
  assert_int_equal(state_of(f, &other), PM_MEMBER_FREE);
  inbound(f, &other, &other.ip);
  assert_int_equal(f->update.reply.node.you_reach, PM_WIRE_REACH_UNKNOWN);
  assert_int_equal(state_of(f, &other), PM_MEMBER_CANDIDATE); /* forgiven at once */
  for (int tries = 0; tries < 4; tries++) {
    no_pong(f, &other);
    forget_sends(f);
    for (int i = 0; i < 300 && !sent_to(f, &other); i++) run_s(f, 0.1);
  }
  assert_int_equal(state_of(f, &other), PM_MEMBER_FREE);
  inbound(f, &other, &other.ip);
  assert_int_equal(f->update.reply.node.you_reach, PM_WIRE_REACH_NO);
  fixture_free(f);
}

static void hearsay_that_did_not_answer_once_may_be_seconded(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact a = node(1), b = node(2), other = node(3);
  befriend(f, &a);
  befriend(f, &b);
  struct pm_contact first = tell(f, &other, 1, 5);
  for (int i = 0; i < 100 && !sent_to(f, &other); i++) run_s(f, 0.1);
  assert_int_equal(sent_to(f, &other)->why, PM_DIAL_SPECULATIVE);
  no_pong(f, &other);
  f->g->speculative.full_at = pm_time_add_ms(f->now, 3600 * 1000);
  assert_int_equal(state_of(f, &other), PM_MEMBER_HEARD);
  for (int i = 0; i < 20 && state_of(f, &other) == PM_MEMBER_HEARD; i++) {
    struct pm_contact teller = tell(f, &other, 1, 5);
    if (!pm_ip_equal(&teller.ip, &first.ip)) break;
  }
  assert_int_equal(state_of(f, &other), PM_MEMBER_CANDIDATE);
  for (int i = 0; i < 700 && !sent_to(f, &other); i++) run_s(f, 0.1);
  assert_int_equal(sent_to(f, &other)->why, PM_DIAL_WORD);
  no_pong(f, &other); /* the second try, and the last for an hour */
  assert_int_equal(state_of(f, &other), PM_MEMBER_FREE);
  fixture_free(f);
}

static void claims_have_a_bucket_of_their_own(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_ip source = node(1).ip;
  for (unsigned i = 0; i < 100; i++) {
    struct pm_contact claimed = node(10 + i);
    inbound(f, &claimed, &source);
  }
  assert_in_range(f->sends_count, 1, 20);
  assert_int_equal(f->g->counts.refusals[PM_REFUSAL_RATE], 80);
  fixture_free(f);
}

static void contact_is_limited_in_rate(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.candidates_max = 1000;
  fixture_start(f);
  for (unsigned i = 0; i < 300; i++) {
    struct pm_contact caller = node(10 + i);
    inbound(f, &caller, &caller.ip);
  }
  assert_int_equal(f->g->counts.changes[PM_CHANGE_ADMITTED], 100);
  assert_int_equal(f->sends_count, 50);
  fixture_free(f);
}

static void strangers_cannot_point_at_our_own_networks(void **state) {
  (void)state;
  static const char *const traps[] = {
      "127.0.0.1:8080|127.0.0.1",   "10.0.0.1:8080|10.0.0.1",  "169.254.169.254:80|169.254.169.254",
      "169.254.1.1:80|169.254.1.1", "224.0.0.1:80|224.0.0.1",  "0.0.0.0:80|0.0.0.0",
      "[fe80::1]:80|fe80::1",       "localhost:8080|127.0.0.1"};
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1), others[8];
  add_local(f, &seed);
  pong(f, &seed);
  for (size_t i = 0; i < 8; i++) others[i] = contact(traps[i]);
  tell(f, others, 8, 5);
  run_s(f, 5);
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(state_of(f, &others[i]), PM_MEMBER_FREE);
    assert_null(sent_to(f, &others[i]));
  }
  assert_int_equal(f->g->counts.refusals[PM_REFUSAL_SCOPE], 8);
  fixture_free(f);
}

static void a_mesh_on_one_machine_works(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = contact("127.0.0.1:8080|127.0.0.1");
  struct pm_contact other = contact("127.0.0.1:8081|127.0.0.1");
  add_local(f, &seed);
  pong(f, &seed);
  tell(f, &other, 1, 5);
  pong(f, &other);
  assert_int_equal(state_of(f, &other), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

static void a_name_without_address_is_looked_up_and_filtered(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1), named = contact("trap.example.net:8080|");
  add_local(f, &seed);
  pong(f, &seed);
  tell(f, &named, 1, 5);
  const struct pm_gossip_send *send = &f->sends[f->sends_count - 1];
  assert_int_equal(send->kind, PM_GOSSIP_SEND_RESOLVE);
  assert_string_equal(send->to.host, "trap.example.net");
  struct pm_ip ips[2] = {contact("x:1|127.0.0.1").ip, node(7).ip};
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_RESOLVED, .resolved = {send->token, ips, 2}});
  run_s(f, 1);
  struct pm_contact resolved = named;
  resolved.ip = ips[1];
  assert_non_null(sent_to(f, &resolved));
  resolved.ip = ips[0];
  assert_null(sent_to(f, &resolved));
  fixture_free(f);
}

static void quotas_hold_against_a_talkative_source(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.candidates_max = 1000;
  fixture_start(f);
  struct pm_contact seed = node(1), others[200];
  add_local(f, &seed);
  pong(f, &seed);
  for (unsigned i = 0; i < 200; i++) others[i] = node(10 + i);
  tell(f, others, 200, 5);
  assert_int_equal(f->g->counts.changes[PM_CHANGE_ADMITTED], 64);
  assert_int_equal(f->g->counts.refusals[PM_REFUSAL_QUOTA], 136);
  fixture_free(f);
}

static void failures_on_strangers_word_end_at_the_budget(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.candidates_max = 1000;
  fixture_start(f);
  struct pm_contact seed = node(1), others[64];
  add_local(f, &seed);
  pong(f, &seed);
  for (unsigned i = 0; i < 64; i++) others[i] = node(10 + i);
  tell(f, others, 64, 5);
  size_t failed = 0;
  for (double t = 0; t < 30; t += 0.5) {
    run_s(f, 0.5);
    for (unsigned i = 0; i < 64; i++)
      if (sent_to(f, &others[i]) && state_of(f, &others[i]) == PM_MEMBER_CANDIDATE)
        no_pong(f, &others[i]);
    failed = (size_t)f->g->failure.failures;
  }
  assert_int_equal(failed, 30);
  fixture_free(f);
}

static void stale_and_far_entries_are_not_followed(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.ttl = 0;
  fixture_start(f);
  struct pm_contact seed = node(1), other = node(3);
  add_local(f, &seed);
  pong(f, &seed);
  tell(f, &other, 1, 5);
  assert_int_equal(f->g->counts.refusals[PM_REFUSAL_TOO_DEEP], 1);
  f->g->config.ttl = 8;
  tell(f, &other, 1, 601);
  assert_int_equal(f->g->counts.refusals[PM_REFUSAL_STALE], 1);
  assert_int_equal(state_of(f, &other), PM_MEMBER_FREE);
  fixture_free(f);
}

static void without_growth_nobody_is_admitted(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.grow = false;
  fixture_start(f);
  struct pm_contact caller = node(1);
  inbound(f, &caller, &caller.ip);
  assert_true(f->update.has_reply);
  run_s(f, 60);
  assert_int_equal(f->sends_count, 0);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_seed_is_tried_at_once_and_asked_once_it_proved),
      cmocka_unit_test(a_seeds_word_alone_suffices_for_a_newcomer),
      cmocka_unit_test(one_word_is_hearsay_two_make_a_candidate),
      cmocka_unit_test(two_of_one_network_are_one_source),
      cmocka_unit_test(hearsay_is_worth_a_rare_probe),
      cmocka_unit_test(hearsay_that_proves_true_is_worth_more),
      cmocka_unit_test(a_pull_waits_for_what_waits_to_be_dialled),
      cmocka_unit_test(who_contacts_us_is_tried_back_at_that_address_only),
      cmocka_unit_test(who_calls_while_others_word_is_tried_is_tried_on_its_own),
      cmocka_unit_test(a_proof_after_a_failure_earns_once),
      cmocka_unit_test(who_calls_and_cannot_be_called_is_told_so),
      cmocka_unit_test(hearsay_that_did_not_answer_once_may_be_seconded),
      cmocka_unit_test(claims_have_a_bucket_of_their_own),
      cmocka_unit_test(contact_is_limited_in_rate),
      cmocka_unit_test(strangers_cannot_point_at_our_own_networks),
      cmocka_unit_test(a_mesh_on_one_machine_works),
      cmocka_unit_test(a_name_without_address_is_looked_up_and_filtered),
      cmocka_unit_test(quotas_hold_against_a_talkative_source),
      cmocka_unit_test(failures_on_strangers_word_end_at_the_budget),
      cmocka_unit_test(stale_and_far_entries_are_not_followed),
      cmocka_unit_test(without_growth_nobody_is_admitted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
