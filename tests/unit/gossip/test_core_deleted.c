/* What an old node has deleted is a reason to look, and nothing more. */
#include "core_fixture.h"

/* An old node that is a seed, and members of ours beside it. */
static struct fixture *with_old_node(unsigned members) {
  struct fixture *f = fixture_new();
  fixture_start(f);
  for (unsigned i = 2; i < 2 + members; i++) {
    struct pm_contact c = node(i);
    befriend(f, &c);
  }
  struct pm_contact old = node(1);
  add_local(f, &old);
  step(f, (struct pm_gossip_event){
              .kind = PM_GOSSIP_PONG,
              .pong = {.token = sent_to(f, &old)->token, .ok = true, .location = "Paris,FR"}});
  return f;
}

/* All live: the old node by its location, the others by their nonce. */
static void answer_probes(struct fixture *f) {
  struct pm_contact old = node(1);
  for (size_t s = 0; s < f->sends_count; s++) {
    struct pm_gossip_send send = f->sends[s];
    if (send.kind != PM_GOSSIP_SEND_PROBE) continue;
    struct pm_wire_pong p = {.version = 1,
                             .id = id_of(&send.to),
                             .inc = 1,
                             .mesh = "default",
                             .nonce = send.request.nonce,
                             .has_nonce = true};
    bool is_old = pm_ip_equal(&send.to.ip, &old.ip);
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                     .pong = {.token = send.token,
                                              .ok = true,
                                              .pong = is_old ? NULL : &p,
                                              .location = "Paris,FR"}});
  }
}

/* Waits until the old node is asked, and lets it say what it deleted so long ago. */
static void say_deleted(struct fixture *f, const struct pm_contact *gone, size_t count,
                        uint32_t age_s) {
  struct pm_contact old = node(1);
  uint64_t asked = pm_table_handle(
      &f->g->table,
      pm_table_at(&f->g->table, pm_table_find(&f->g->table, pm_core_key(f->g, &old))));
  for (int i = 0; i < 20000; i++) {
    forget_sends(f);
    run_s(f, 0.5);
    answer_probes(f);
    if (!f->g->round.pulling) continue;
    struct pm_wire_answer a = {.parts = 1};
    bool is_old = f->g->round.token.handle == asked;
    for (size_t c = 0; is_old && c < count; c++)
      a.lost[a.lost_count++] = (struct pm_wire_lost){pm_contact_hash(&gone[c], 0), age_s};
    forget_sends(f);
    step(f, (struct pm_gossip_event){.kind = PM_GOSSIP_ANSWER,
                                     .answer = {f->g->round.token, is_old ? &a : NULL}});
    if (is_old) return;
    answer_probes(f);
  }
  fail_msg("the old node was never asked");
}

static unsigned looks(const struct fixture *f) {
  unsigned count = 0;
  for (size_t i = 0; i < f->sends_count; i++) count += f->sends[i].why == PM_DIAL_HINT;
  return count;
}

static void it_is_looked_at_once_and_stays_a_member(void **state) {
  (void)state;
  struct fixture *f = with_old_node(1);
  struct pm_contact c = node(2);
  run_s(f, 10);
  say_deleted(f, &c, 1, 0);
  assert_int_equal(looks(f), 1);
  assert_int_equal(sent_to(f, &c)->why, PM_DIAL_HINT);
  pong(f, &c);
  struct pm_member *m =
      pm_table_at(&f->g->table, pm_table_find(&f->g->table, pm_core_key(f->g, &c)));
  assert_int_equal(m->state, PM_MEMBER_VERIFIED);
  say_deleted(f, &c, 1, 5000); /* the same list, later: it has answered us since */
  assert_int_equal(looks(f), 0);
  fixture_free(f);
}

static void it_does_not_bring_the_verdict_nearer(void **state) {
  (void)state;
  struct fixture *f = with_old_node(1);
  struct pm_contact c = node(2);
  say_deleted(f, &c, 1, 0);
  struct pm_member *m =
      pm_table_at(&f->g->table, pm_table_find(&f->g->table, pm_core_key(f->g, &c)));
  assert_int_equal(m->hint_count, 0);
  fixture_free(f);
}

static void the_bucket_of_hints_caps_it(void **state) {
  (void)state;
  enum { MEMBERS = 40 };
  struct fixture *f = with_old_node(MEMBERS);
  struct pm_contact all[MEMBERS];
  for (unsigned i = 0; i < MEMBERS; i++) all[i] = node(2 + i);
  say_deleted(f, all, MEMBERS, 0);
  assert_int_equal(looks(f), 20);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_looked_at_once_and_stays_a_member),
      cmocka_unit_test(it_does_not_bring_the_verdict_nearer),
      cmocka_unit_test(the_bucket_of_hints_caps_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
