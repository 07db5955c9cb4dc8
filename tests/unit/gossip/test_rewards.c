/* What an endpoint earns the failure budget: half a failure, once a day. */
#include "core_fixture.h"
#include "gossip/view.h"

enum { DAY_S = 24 * 3600 };

static struct pm_rewards rewards_of(uint32_t entries) {
  struct pm_rewards rewards;
  struct pm_arena arena = {.base = NULL};
  pm_rewards_carve(&rewards, &arena, entries);
  arena = (struct pm_arena){.base = malloc(arena.used)};
  pm_rewards_carve(&rewards, &arena, entries);
  pm_rewards_init(&rewards, 12345);
  return rewards;
}

static struct pm_time at_s(int64_t seconds) {
  return (struct pm_time){(1000000 + seconds) * PM_NS_PER_S};
}

static bool earns(struct pm_rewards *rewards, const char *text, int64_t seconds) {
  struct pm_contact c = contact(text);
  return pm_rewards_take(rewards, &c, at_s(seconds));
}

static void once_a_day(void **state) {
  (void)state;
  struct pm_rewards rewards = rewards_of(64);
  assert_true(earns(&rewards, "a.example:80|8.8.8.8", 0));
  assert_false(earns(&rewards, "a.example:80|8.8.8.8", 1));
  assert_false(earns(&rewards, "a.example:80|8.8.8.8", DAY_S));
  assert_true(earns(&rewards, "a.example:80|8.8.8.8", DAY_S + 2));
  assert_false(earns(&rewards, "a.example:80|8.8.8.8", 2 * DAY_S));
  free(rewards.entries);
}

static void names_and_ports_of_a_public_address_share_it(void **state) {
  (void)state;
  struct pm_rewards rewards = rewards_of(64);
  assert_true(earns(&rewards, "a.example:80|8.8.8.8", 0));
  assert_false(earns(&rewards, "b.example:81|8.8.8.8", 0));
  assert_true(earns(&rewards, "a.example:80|8.8.8.9", 0));
  assert_true(earns(&rewards, "[2600:1:2:3::1]:80|2600:1:2:3::1", 0));
  assert_false(earns(&rewards, "[2600:1:2:3::2]:80|2600:1:2:3::2", 0));
  assert_true(earns(&rewards, "[2600:1:2:4::1]:80|2600:1:2:4::1", 0));
  assert_true(earns(&rewards, "a:80|127.0.0.1", 0));
  assert_true(earns(&rewards, "a:81|127.0.0.1", 0));
  assert_false(earns(&rewards, "b:81|127.0.0.1", 0));
  free(rewards.entries);
}

/* A full memory earns nothing rather than forget who did. */
static void the_memory_caps_what_a_day_earns(void **state) {
  (void)state;
  enum { ENTRIES = 64, NAMED = 4096 };
  struct pm_rewards rewards = rewards_of(ENTRIES);
  for (int day = 0; day < 3; day++) {
    unsigned earned = 0;
    for (int again = 0; again < 2; again++)
      for (unsigned i = 0; i < NAMED; i++) {
        struct pm_contact c = node(i);
        earned += pm_rewards_take(&rewards, &c, at_s(day * (DAY_S + 2)));
      }
    assert_int_equal(earned, ENTRIES);
  }
  free(rewards.entries);
}

/* The core: dropped and named again, it is verified again, and earns nothing. */
static void one_that_comes_back_earns_nothing_more(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1), other = node(2);
  add_local(f, &seed);
  pong(f, &seed);
  for (int times = 0; times < 3; times++) {
    tell(f, &other, 1, 5);
    pong(f, &other);
    assert_int_equal(state_of(f, &other), PM_MEMBER_VERIFIED);
    assert_int_equal(f->g->failure.successes, 1);
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_FORGET,
                                     .forget = pm_gossip_find(f->g, &other)});
    assert_int_equal(state_of(f, &other), PM_MEMBER_FREE);
  }
  assert_int_equal(f->g->counts.changes[PM_CHANGE_VERIFIED], 4);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(once_a_day),
      cmocka_unit_test(names_and_ports_of_a_public_address_share_it),
      cmocka_unit_test(the_memory_caps_what_a_day_earns),
      cmocka_unit_test(one_that_comes_back_earns_nothing_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
