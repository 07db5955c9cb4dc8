/* The last line of defence: what a broken address limiter would let through is refused, counted,
 * and nothing else is. */
#include "core_fixture.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 24 * HOUR_S };

/* A candidate on strangers' word, as admission makes one, for which the limiter is never asked. */
static struct pm_member *named(struct fixture *f, const char *text) {
  struct pm_contact c = contact(text);
  struct pm_member *m = pm_table_add(&f->g->table, &c, pm_core_key(f->g, &c), PM_MEMBER_CANDIDATE);
  assert_non_null(m);
  m->group_count = 1;
  m->source_ip = node(1).ip;
  return m;
}

static bool allowed(struct fixture *f, const struct pm_member *m, enum pm_dial reason,
                    int64_t at_s) {
  f->g->now = pm_time_add_ns(f->g->started, at_s * PM_NS_PER_S);
  return pm_bounds_allow_probe(f->g, m, reason);
}

static void two_tries_in_an_hour_and_six_in_a_day(void **state) {
  (void)state;
  static const struct {
    int64_t at_s;
    bool allowed;
  } rows[] = {
      {0, true},           {1, true},          {2, false},         {HOUR_S, false},
      {HOUR_S + 2, true},  {2 * HOUR_S, true}, {3 * HOUR_S, true}, {4 * HOUR_S, true},
      {5 * HOUR_S, false}, {DAY_S, false},     {DAY_S + 2, true},  {DAY_S + 3, true},
      {DAY_S + 4, false},  {2 * DAY_S, true},
  };
  struct fixture *f = fixture_new();
  fixture_start(f);
  const struct pm_member *m = named(f, "a.example:80|8.8.8.8");
  uint64_t refused = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (allowed(f, m, PM_DIAL_WORD, rows[i].at_s) != rows[i].allowed) fail_msg("row %zu", i);
    refused += !rows[i].allowed;
    assert_int_equal(f->g->bounds.refused[PM_BOUND_ADDRESS], refused);
  }
  fixture_free(f);
}

static void no_window_of_ten_seconds_has_more_than_the_bucket_gives(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  const struct pm_member *m = named(f, "a.example:80|8.8.8.8");
  const struct pm_gossip_rate *rate = &f->g->config.verify;
  const int64_t most = rate->burst + 10000 / rate->step_ms + 1;
  for (int64_t i = 0; i < most; i++) assert_true(allowed(f, m, PM_DIAL_SAVED, 0));
  assert_false(allowed(f, m, PM_DIAL_SAVED, 0));
  assert_int_equal(f->g->bounds.refused[PM_BOUND_RATE], 1);
  assert_true(allowed(f, m, PM_DIAL_SAVED, 10));
  fixture_free(f);
}

static void only_who_answers_us_comes_back(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  const struct pm_member *m = named(f, "a.example:80|8.8.8.8");
  assert_false(pm_bounds_allow_revival(f->g, m));
  assert_int_equal(f->g->bounds.refused[PM_BOUND_REVIVAL], 1);
  f->g->answering = m;
  assert_true(pm_bounds_allow_revival(f->g, m));
  fixture_free(f);
}

static void names_and_ports_do_not_matter(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  const struct pm_member *a = named(f, "a.example:80|8.8.8.8");
  const struct pm_member *b = named(f, "b.example:81|8.8.8.8");
  const struct pm_member *c = named(f, "c.example:80|8.8.8.9");
  assert_true(allowed(f, a, PM_DIAL_WORD, 0));
  assert_true(allowed(f, b, PM_DIAL_CLAIM, 0));
  assert_false(allowed(f, a, PM_DIAL_WORD, 1));
  assert_false(allowed(f, b, PM_DIAL_CLAIM, 1));
  assert_true(allowed(f, c, PM_DIAL_WORD, 1));
  fixture_free(f);
}

static void only_strangers_word_about_public_addresses_counts(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  const struct pm_member *public = named(f, "a.example:80|8.8.8.8");
  struct pm_member *private = named(f, "b.example:80|10.0.0.1");
  private->source_ip = private->contact.ip;
  for (int i = 0; i < 20; i++) {
    assert_true(allowed(f, public, PM_DIAL_CONSENT, i));
    assert_true(allowed(f, private, PM_DIAL_WORD, i));
  }
  assert_int_equal(f->g->bounds.refused[PM_BOUND_ADDRESS], 0);
  fixture_free(f);
}

static void a_proof_begins_anew(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  const struct pm_member *m = named(f, "a.example:80|8.8.8.8");
  for (int i = 0; i < 2; i++) assert_true(allowed(f, m, PM_DIAL_WORD, i));
  assert_false(allowed(f, m, PM_DIAL_WORD, 2));
  pm_bounds_proved(f->g, &m->contact.ip);
  assert_true(allowed(f, m, PM_DIAL_WORD, 3));
  fixture_free(f);
}

/* Each address once: as many as there is memory for, and never one that pushes out another. */
static void a_full_memory_refuses(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  f->config.addresses_max = 64;
  fixture_start(f);
  struct pm_member *m = named(f, "a.example:80|8.8.8.8");
  unsigned first = 0, again = 0;
  for (unsigned i = 0; i < 1024; i++) {
    m->contact.ip = node(i).ip;
    first += allowed(f, m, PM_DIAL_WORD, 0);
  }
  for (unsigned i = 0; i < 1024; i++) {
    m->contact.ip = node(i).ip;
    again += allowed(f, m, PM_DIAL_WORD, 1);
  }
  assert_int_equal(first, 64);
  assert_int_equal(again, 64);
  m->contact.ip = contact("x:1|9.9.9.9").ip;
  assert_false(allowed(f, m, PM_DIAL_WORD, DAY_S - 1));
  assert_true(allowed(f, m, PM_DIAL_WORD, DAY_S + 1));
  fixture_free(f);
}

/* The whole core with its limiter: the bound is never what stops it. */
static void the_limiter_keeps_within_the_bound(void **state) {
  (void)state;
  struct fixture *f = fixture_new();
  fixture_start(f);
  struct pm_contact seed = node(1), victim = node(2);
  add_local(f, &seed);
  pong(f, &seed);
  for (int i = 0; i < 2; i++) { /* from then on its answers to pulls are enough */
    while (sent_to(f, &seed)->kind != PM_GOSSIP_SEND_PROBE || !f->g->table.slots[0].in_flight)
      run_s(f, 1);
    pong(f, &seed);
  }
  for (int round = 0; round < 400; round++) {
    tell(f, &victim, 1, 5);
    const struct pm_gossip_send *send = sent_to(f, &victim);
    if (send && send->kind == PM_GOSSIP_SEND_PROBE) no_pong(f, &victim);
  }
  assert_in_range(f->g->failure.failures, 2, 6);
  assert_int_equal(f->g->bounds.refused[PM_BOUND_ADDRESS], 0);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_tries_in_an_hour_and_six_in_a_day),
      cmocka_unit_test(names_and_ports_do_not_matter),
      cmocka_unit_test(no_window_of_ten_seconds_has_more_than_the_bucket_gives),
      cmocka_unit_test(only_who_answers_us_comes_back),
      cmocka_unit_test(only_strangers_word_about_public_addresses_counts),
      cmocka_unit_test(a_proof_begins_anew),
      cmocka_unit_test(a_full_memory_refuses),
      cmocka_unit_test(the_limiter_keeps_within_the_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
