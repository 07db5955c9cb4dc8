/* The shortest probe interval that a member accepts may change at any time. */
#include "core_fixture.h"
#include "gossip/view.h"

static unsigned told(const struct fixture *f, enum pm_change kind) {
  unsigned count = 0;
  for (size_t i = 0; i < f->update.changes_count; i++) count += f->update.changes[i].kind == kind;
  return count;
}

/* The answer to a planned ping, asking for this pace. */
static void ping(struct fixture *f, const struct pm_contact *c, uint32_t pace_s) {
  struct pm_gossip_send send;
  f->now = pm_time_add_ms(f->now, 61 * 1000); /* no pace here is longer */
  assert_true(pm_gossip_plan_ping(f->g, pm_gossip_find(f->g, c), f->now, &send));
  struct pm_wire_pong p = {.version = 1,
                           .id = id_of(c),
                           .inc = 1,
                           .mesh = "default",
                           .nonce = send.request.nonce,
                           .has_nonce = true,
                           .pace_s = pace_s};
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                   .pong = {.token = send.token, .ok = true, .pong = &p}});
}

static uint32_t pace_of(const struct fixture *f, const struct pm_contact *c) {
  struct pm_gossip_member member;
  assert_true(pm_gossip_get(f->g, pm_gossip_find(f->g, c), &member));
  return member.pace_s;
}

static void a_new_pace_of_an_active_member_is_told_once(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact c = node(1);
  befriend(f, &c);
  assert_int_equal(told(f, PM_CHANGE_ACTIVATED), 1);
  assert_int_equal(told(f, PM_CHANGE_PACED), 0);
  static const struct {
    uint32_t pace_s;
    unsigned told;
  } rows[] = {{0, 0}, {30, 1}, {30, 0}, {60, 1}, {0, 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ping(f, &c, rows[i].pace_s);
    assert_int_equal(told(f, PM_CHANGE_PACED), rows[i].told);
    assert_int_equal(pace_of(f, &c), rows[i].pace_s);
  }
  fixture_free(f);
}

static void a_pull_can_tell_it_too(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact c = node(1);
  befriend(f, &c);
  while (!f->g->round.pulling) run_s(f, 0.5);
  struct pm_wire_answer a = {.parts = 1};
  a.node = (struct pm_wire_pong){.version = 1,
                                 .id = id_of(&c),
                                 .inc = 1,
                                 .mesh = "default",
                                 .nonce = f->g->round.token.nonce,
                                 .has_nonce = true,
                                 .pace_s = 45};
  step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER, .answer = {f->g->round.token, &a}});
  assert_int_equal(told(f, PM_CHANGE_PACED), 1);
  assert_int_equal(pace_of(f, &c), 45);
  fixture_free(f);
}

/* Who is not probed at every interval gets no pings that could be too many: it is told when it is
 * activated. */
static void of_one_that_is_not_active_nothing_is_told(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.active_max = 1;
  fixture_start(f);
  struct pm_contact active = node(1), other = node(2);
  befriend(f, &active);
  befriend(f, &other);
  ping(f, &other, 30);
  assert_int_equal(told(f, PM_CHANGE_PACED), 0);
  assert_int_equal(pace_of(f, &other), 30);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_pace_of_an_active_member_is_told_once),
      cmocka_unit_test(a_pull_can_tell_it_too),
      cmocka_unit_test(of_one_that_is_not_active_nothing_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
