/* The active set and its rotation, the mature brake, saved members, and what people see of it all.
 */
#include "core_fixture.h"

#include "gossip/view.h"

static void befriend_many(struct fixture *f, unsigned from, unsigned to) {
  for (unsigned i = from; i < to; i++) {
    struct pm_contact c = node(i);
    befriend(f, &c);
    forget_sends(f);
  }
}

static struct fixture *with_active(unsigned active_max, unsigned members) {
  struct fixture *f = fixture_new();
  f->config.active_max = active_max;
  f->config.refresh_ms = 1000000000; /* nobody answers in these tests */
  fixture_start(f);
  befriend_many(f, 1, 1 + members);
  f->g->config.grow = false;
  return f;
}

static void as_many_are_active_as_may_be(void **state) {
  (void)state;
  struct fixture *f = with_active(8, 20);
  assert_int_equal(f->g->active_count, 8);
  assert_int_equal(f->g->counts.changes[PM_CHANGE_ACTIVATED], 8);
  fixture_free(f);
}

static void every_minute_one_gives_way_until_all_had_their_turn(void **state) {
  (void)state;
  struct fixture *f = with_active(8, 20);
  bool seen[64] = {false};
  unsigned count = 0;
  run_s(f, 10 * 60);
  assert_in_range(f->g->counts.changes[PM_CHANGE_DEACTIVATED], 8, 12);
  assert_int_equal(f->g->active_count, 8);
  for (int minute = 0; minute < 120; minute++) {
    run_s(f, 60);
    for (uint32_t i = 0; i < f->g->active_count; i++) seen[f->g->active[i]] = true;
  }
  for (size_t i = 0; i < 64; i++) count += seen[i];
  assert_int_equal(count, 20);
  fixture_free(f);
}

static void a_lost_member_is_active_no_longer(void **state) {
  (void)state;
  struct fixture *f = with_active(8, 8);
  struct pm_contact c = node(3);
  uint64_t handle = pm_gossip_find(f->g, &c);
  for (int i = 0; i < 5; i++) {
    struct pm_gossip_send send;
    assert_true(pm_gossip_plan_ping(f->g, handle, f->now, &send));
    assert_false(pm_gossip_plan_ping(f->g, handle, f->now, &send)); /* one at a time */
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG, .pong = {.token = send.token}});
  }
  assert_int_equal(f->g->active_count, 7);
  assert_int_equal(f->g->counts.changes[PM_CHANGE_DEACTIVATED], 1);
  fixture_free(f);
}

static void a_mature_mesh_does_not_explode(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  pm_gossip_config_init(&f->config, 1024);
  f->config.id.bytes[0] = 1;
  f->config.refresh_ms = 1000000000;
  fixture_start(f);
  befriend_many(f, 1, 11);
  f->now = pm_time_add_ms(f->now, 3601 * 1000);
  tick(f);
  for (unsigned i = 100; i < 500; i++) {
    struct pm_contact c = node(i);
    forget_sends(f);
    inbound(f, &c, &c.ip);
    run_s(f, 0.2);
    if (sent_to(f, &c)) pong(f, &c);
  }
  assert_int_equal(pm_core_verified(f->g), 10 + 256);
  assert_int_equal(f->g->counts.refusals[PM_REFUSAL_BRAKE], 400 - 256);
  fixture_free(f);
}

static void saved_members_are_tried_after_a_restart(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact saved = node(4);
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_RESTORE, .restore = &saved});
  assert_int_equal(sent_to(f, &saved)->why, PM_DIAL_SAVED);
  pong(f, &saved);
  run_s(f, 7);
  assert_int_equal(sent_to(f, &saved)->kind, PM_GOSSIP_SEND_PULL); /* no seed was needed */
  fixture_free(f);
}

static void people_see_how_each_was_learned(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1), caller = node(2), told = node(3);
  add_local(f, &seed);
  pong(f, &seed);
  befriend(f, &caller);
  tell(f, &told, 1, 5);
  struct pm_gossip_member view;
  uint32_t cursor = 0;
  unsigned count = 0;
  while (pm_gossip_next(f->g, &cursor, &view)) count++;
  assert_int_equal(count, 3);
  assert_true(pm_gossip_get(f->g, pm_gossip_find(f->g, &seed), &view));
  assert_int_equal(view.learned, PM_DIAL_LOCAL);
  assert_true(view.local && view.active);
  assert_true(pm_gossip_get(f->g, pm_gossip_find(f->g, &caller), &view));
  assert_int_equal(view.learned, PM_DIAL_CONSENT);
  assert_int_equal(view.state, PM_MEMBER_VERIFIED);
  assert_string_equal(view.location, "Here");
  assert_true(view.listed && view.last_ok_s < 60);
  assert_true(pm_gossip_get(f->g, pm_gossip_find(f->g, &told), &view));
  assert_int_equal(view.learned, PM_DIAL_WORD);
  assert_true(view.source != 0 && !view.listed);
  struct pm_gossip_status status;
  pm_gossip_status(f->g, &status);
  assert_int_equal(status.verified, 2);
  assert_string_equal(status.budgets[PM_GOSSIP_BUDGETS - 1].name, "failure");
  for (int b = 0; b < PM_BOUND_COUNT; b++) assert_int_equal(status.bounds[b], 0);
  step(f,
       (struct pm_gossip_event){.kind = PM_GOSSIP_FORGET, .forget = pm_gossip_find(f->g, &caller)});
  assert_int_equal(pm_gossip_find(f->g, &caller), 0);
  fixture_free(f);
}

static void a_removed_seed_is_gone_and_may_be_found_again(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1);
  add_local(f, &seed);
  pong(f, &seed);
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_LOCAL_REMOVE, .local = &seed});
  assert_int_equal(state_of(f, &seed), PM_MEMBER_FREE);
  befriend(f, &seed);
  fixture_free(f);
}

/* I11: the same seed and the same events give the same actions. */
static void the_same_seed_acts_the_same(void **state) {
  (void)state;
  uint64_t digests[2] = {0, 0};
  for (int run = 0; run < 2; run++) {
    struct fixture *f = with_active(4, 12);
    f->g->config.grow = true;
    run_s(f, 300);
    for (size_t i = 0; i < f->sends_count; i++) {
      uint64_t words[3] = {digests[run], f->sends[i].token.nonce,
                           pm_contact_hash(&f->sends[i].to, 0)};
      digests[run] = XXH3_64bits(words, sizeof words);
    }
    assert_true(f->sends_count > 10);
    fixture_free(f);
  }
  assert_true(digests[0] == digests[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_many_are_active_as_may_be),
      cmocka_unit_test(every_minute_one_gives_way_until_all_had_their_turn),
      cmocka_unit_test(a_lost_member_is_active_no_longer),
      cmocka_unit_test(a_mature_mesh_does_not_explode),
      cmocka_unit_test(saved_members_are_tried_after_a_restart),
      cmocka_unit_test(people_see_how_each_was_learned),
      cmocka_unit_test(a_removed_seed_is_gone_and_may_be_found_again),
      cmocka_unit_test(the_same_seed_acts_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
