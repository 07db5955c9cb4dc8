/* What one process hands to the next: the dead stay dead, and the refused refused. */
#include "core_fixture.h"
#include "gossip/view.h"

static struct pm_gossip_tombstone tombstone(const struct pm_contact *c, int64_t lost_s) {
  return (struct pm_gossip_tombstone){
      .contact = *c, .lost_s = lost_s, .last_ok_s = lost_s + 60, .tries = 0};
}

static void restore_lost(struct fixture *f, const struct pm_gossip_tombstone *lost) {
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_RESTORE_LOST, .lost = lost});
}

static struct fixture *with_a_seed(void) {
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1);
  add_local(f, &seed);
  pong(f, &seed);
  return f;
}

static void a_restart_does_not_raise_the_dead(void **state) {
  (void)state;
  struct fixture *f = with_a_seed();
  struct pm_contact dead = node(2);
  struct pm_gossip_tombstone lost = tombstone(&dead, 100);
  restore_lost(f, &lost);
  assert_int_equal(state_of(f, &dead), PM_MEMBER_LOST);
  assert_null(sent_to(f, &dead));
  for (int i = 0; i < 4; i++) {
    tell(f, &dead, 1, 300); /* older than the loss, however little the process remembers */
    for (size_t s = 0; s < f->sends_count; s++)
      assert_int_not_equal(f->sends[s].why, PM_DIAL_REVIVAL);
  }
  assert_int_equal(state_of(f, &dead), PM_MEMBER_LOST);
  fixture_free(f);
}

static void fresher_word_revives_it(void **state) {
  (void)state;
  struct fixture *f = with_a_seed();
  struct pm_contact dead = node(2);
  struct pm_gossip_tombstone lost = tombstone(&dead, 100);
  restore_lost(f, &lost);
  tell(f, &dead, 1, 5);
  assert_int_equal(sent_to(f, &dead)->why, PM_DIAL_REVIVAL);
  pong(f, &dead);
  assert_int_equal(state_of(f, &dead), PM_MEMBER_VERIFIED);
  assert_int_equal(f->g->counts.changes[PM_CHANGE_REVIVED], 1);
  fixture_free(f);
}

static void a_day_after_its_last_answer_it_is_forgotten(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact a = node(2), b = node(3), c = node(4);
  struct pm_gossip_tombstone lost = tombstone(&a, 24 * 3600 - 100);
  restore_lost(f, &lost);
  assert_int_equal(state_of(f, &a), PM_MEMBER_LOST);
  run_s(f, 110); /* its last retry may still be under way for a minute */
  assert_int_equal(state_of(f, &a), PM_MEMBER_FREE);
  lost = tombstone(&b, 24 * 3600);
  restore_lost(f, &lost);
  assert_int_equal(state_of(f, &b), PM_MEMBER_FREE);
  lost = (struct pm_gossip_tombstone){.contact = c, .lost_s = 50, .last_ok_s = 49};
  restore_lost(f, &lost); /* answered after it was lost: nonsense */
  assert_int_equal(state_of(f, &c), PM_MEMBER_FREE);
  fixture_free(f);
}

static void a_member_is_not_buried(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact living = node(2);
  befriend(f, &living);
  struct pm_gossip_tombstone lost = tombstone(&living, 10);
  restore_lost(f, &lost);
  assert_int_equal(state_of(f, &living), PM_MEMBER_VERIFIED);
  fixture_free(f);
}

/* One is named, does not answer, and is refused. */
static void refuse(struct fixture *f, const struct pm_contact *c) {
  for (int round = 0; round < 100 && f->g->counts.refusals[PM_REFUSAL_UNREACHABLE] == 0; round++) {
    tell(f, c, 1, 5);
    const struct pm_gossip_send *send = sent_to(f, c);
    if (send && send->kind == PM_GOSSIP_SEND_PROBE) no_pong(f, c);
  }
  assert_int_equal(state_of(f, c), PM_MEMBER_FREE);
}

static void the_refused_stay_refused(void **state) {
  (void)state;
  struct fixture *before = with_a_seed(), *after = fixture_new();
  struct pm_contact c = node(2), seed = node(1);
  struct pm_gossip_refused refused, none;
  uint32_t cursor = 0;
  refuse(before, &c);
  assert_true(pm_gossip_next_refused(before->g, &cursor, &refused));
  assert_false(pm_gossip_next_refused(before->g, &cursor, &none));
  assert_in_range(refused.wait_s, 3000, 3600);
  assert_int_equal(refused.times, 1);

  after->config.key_seed = pm_gossip_key_seed(before->g);
  fixture_start(after);
  step(after, (struct pm_gossip_event){.kind = PM_GOSSIP_RESTORE_REFUSED, .refused = &refused});
  add_local(after, &seed);
  pong(after, &seed);
  tell(after, &c, 1, 5);
  assert_int_equal(state_of(after, &c), PM_MEMBER_FREE);
  assert_int_equal(after->g->counts.refusals[PM_REFUSAL_BEFORE], 1);
  for (int64_t waited_s = 0; waited_s < refused.wait_s; waited_s += 5) {
    forget_sends(after);
    run_s(after, 5);
    const struct pm_gossip_send *send = sent_to(after, &seed);
    if (send && send->kind == PM_GOSSIP_SEND_PROBE) pong(after, &seed);
  }
  tell(after, &c, 1, 5);
  assert_int_equal(sent_to(after, &c)->why, PM_DIAL_WORD);
  fixture_free(before);
  fixture_free(after);
}

static void nonsense_about_the_refused_is_cut(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  const struct pm_gossip_refused rows[] = {
      {.key = 1, .wait_s = INT64_MAX, .contact_wait_s = INT64_MAX, .times = UINT32_MAX},
      {.key = 2, .wait_s = -5},
      {.key = 0, .wait_s = 5},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_RESTORE_REFUSED, .refused = &rows[i]});
  struct pm_gossip_refused out;
  uint32_t cursor = 0;
  assert_true(pm_gossip_next_refused(f->g, &cursor, &out));
  assert_int_equal(out.key, 1);
  assert_int_equal(out.wait_s, 24 * 3600);
  assert_int_equal(out.contact_wait_s, 3600);
  assert_int_equal(out.times, UINT8_MAX);
  assert_false(pm_gossip_next_refused(f->g, &cursor, &out));
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_restart_does_not_raise_the_dead),
      cmocka_unit_test(fresher_word_revives_it),
      cmocka_unit_test(a_day_after_its_last_answer_it_is_forgotten),
      cmocka_unit_test(a_member_is_not_buried),
      cmocka_unit_test(the_refused_stay_refused),
      cmocka_unit_test(nonsense_about_the_refused_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
