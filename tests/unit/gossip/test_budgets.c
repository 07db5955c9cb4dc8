/* Token bucket, failure budget, address limiter, refusals: what keeps us harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/rng.h"
#include "gossip/address_limit.h"
#include "gossip/bucket.h"
#include "gossip/failure_budget.h"
#include "gossip/refusals.h"

static struct pm_time at_s(double seconds) {
  return (struct pm_time){1000000000ll * 86400 + (int64_t)(seconds * 1e9)};
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state) {
  (void)state;
  struct pm_bucket bucket;
  pm_bucket_init(&bucket, 100, 50, at_s(0));
  for (int i = 0; i < 50; i++) assert_true(pm_bucket_take(&bucket, at_s(0)));
  assert_false(pm_bucket_take(&bucket, at_s(0)));
  assert_false(pm_bucket_take(&bucket, at_s(0.099)));
  assert_true(pm_bucket_take(&bucket, at_s(0.1)));
  assert_int_equal(pm_bucket_ready(&bucket).ns, at_s(0.2).ns);
  assert_int_equal(bucket.refused, 2);
  assert_int_equal(pm_bucket_left(&bucket, at_s(1.1)), 10);
  assert_int_equal(pm_bucket_left(&bucket, at_s(1000)), 50);
}

static void no_window_of_a_bucket_exceeds_burst_and_rate(void **state) {
  (void)state;
  enum { TAKES = 4000 };
  static double taken[TAKES];
  struct pm_rng rng;
  struct pm_bucket bucket;
  int count = 0;
  pm_rng_seed(&rng, 7);
  pm_bucket_init(&bucket, 500, 20, at_s(0));
  for (double t = 0; count < TAKES && t < 1500; t += pm_rng_unit(&rng) * 0.2)
    if (pm_bucket_take(&bucket, at_s(t))) taken[count++] = t;
  for (int first = 0; first < count; first++)
    for (int last = first; last < count; last += 7)
      assert_true(last - first + 1 <= 20 + (taken[last] - taken[first]) * 2 + 1e-6);
}

static void failures_empty_the_budget_and_successes_do_not(void **state) {
  (void)state;
  struct pm_failure_budget budget;
  pm_failure_budget_init(&budget, 30, 60000, at_s(0));
  for (int i = 0; i < 1000; i++) {
    assert_true(pm_failure_budget_reserve(&budget, at_s(0)));
    pm_failure_budget_settle(&budget, true, true, at_s(0));
  }
  assert_int_equal(pm_failure_budget_left(&budget, at_s(0)), 30);
  for (int i = 0; i < 30; i++) {
    assert_true(pm_failure_budget_reserve(&budget, at_s(1)));
    pm_failure_budget_settle(&budget, false, false, at_s(1));
  }
  assert_false(pm_failure_budget_reserve(&budget, at_s(1)));
  assert_false(pm_failure_budget_reserve(&budget, at_s(60.9)));
  assert_int_equal(pm_failure_budget_ready(&budget).ns, at_s(61).ns);
  assert_true(pm_failure_budget_reserve(&budget, at_s(61)));
}

static void tries_under_way_are_set_aside(void **state) {
  (void)state;
  struct pm_failure_budget budget;
  pm_failure_budget_init(&budget, 3, 60000, at_s(0));
  for (int i = 0; i < 3; i++) assert_true(pm_failure_budget_reserve(&budget, at_s(0)));
  assert_false(pm_failure_budget_reserve(&budget, at_s(0)));
  pm_failure_budget_settle(&budget, true, true, at_s(0));
  assert_true(pm_failure_budget_reserve(&budget, at_s(0)));
}

static void an_unrewarded_success_earns_nothing(void **state) {
  (void)state;
  struct pm_failure_budget budget;
  pm_failure_budget_init(&budget, 2, 60000, at_s(0));
  assert_true(pm_failure_budget_reserve(&budget, at_s(0)));
  pm_failure_budget_settle(&budget, false, false, at_s(0));
  for (int i = 0; i < 10; i++) {
    assert_true(pm_failure_budget_reserve(&budget, at_s(0)));
    pm_failure_budget_settle(&budget, true, false, at_s(0));
  }
  assert_int_equal(pm_failure_budget_left(&budget, at_s(0)), 1);
  assert_int_equal(budget.successes, 0);
}

/* --- addresses -------------------------------------------------------------------------------- */

struct limiter {
  struct pm_address_limit limit;
  void *memory;
};

static void limiter_new(struct limiter *l, uint32_t addresses) {
  struct pm_arena arena = {0};
  pm_address_limit_carve(&l->limit, &arena, addresses);
  l->memory = malloc(arena.used);
  assert_non_null(l->memory);
  arena = (struct pm_arena){.base = l->memory};
  pm_address_limit_carve(&l->limit, &arena, addresses);
  pm_address_limit_init(&l->limit, 99);
}

static struct pm_ip ip(const char *text) {
  struct pm_ip out;
  assert_int_equal(pm_ip_parse(text, &out), PM_OK);
  return out;
}

/* Asks, and if it may, tries in vain. */
static bool fail_once(struct limiter *l, const char *text, double t) {
  struct pm_ip address = ip(text);
  struct pm_time until;
  if (pm_address_limit_ask(&l->limit, &address, at_s(t), &until) != PM_ADDRESS_OK) return false;
  pm_address_limit_begin(&l->limit, &address, at_s(t));
  pm_address_limit_end(&l->limit, &address, false, at_s(t + 0.5));
  return true;
}

static void two_tries_in_the_first_hour_and_six_in_a_day(void **state) {
  (void)state;
  struct limiter l;
  limiter_new(&l, 256);
  int hour = 0, day = 0;
  for (double t = 0; t < 86400; t += 7.3) {
    if (!fail_once(&l, "8.8.8.8", t)) continue;
    day++;
    hour += t < 3600;
  }
  assert_int_equal(hour, 2);
  assert_int_equal(day, 6);
  free(l.memory);
}

static void no_day_later_has_more_than_six(void **state) {
  (void)state;
  enum { TRIES = 64 };
  static double tries[TRIES];
  struct limiter l;
  limiter_new(&l, 256);
  int count = 0;
  for (double t = 0; t < 14 * 86400 && count < TRIES; t += 31)
    if (fail_once(&l, "8.8.8.8", t)) tries[count++] = t;
  for (int i = 6; i < count; i++) assert_true(tries[i] - tries[i - 6] >= 86400);
  for (int i = 2; i < count; i++) assert_true(tries[i] - tries[i - 2] >= 3600);
  free(l.memory);
}

static void a_success_forgets_the_tries(void **state) {
  (void)state;
  struct limiter l;
  limiter_new(&l, 256);
  struct pm_ip address = ip("8.8.8.8");
  struct pm_time until;
  assert_true(fail_once(&l, "8.8.8.8", 0));
  assert_false(fail_once(&l, "8.8.8.8", 10));
  assert_true(pm_address_limit_ask(&l.limit, &address, at_s(62), &until) == PM_ADDRESS_OK);
  pm_address_limit_begin(&l.limit, &address, at_s(62));
  pm_address_limit_end(&l.limit, &address, true, at_s(62));
  assert_true(fail_once(&l, "8.8.8.8", 63));
  free(l.memory);
}

static void a_network_gets_three_failures_in_ten_minutes(void **state) {
  (void)state;
  struct limiter l;
  limiter_new(&l, 256);
  assert_true(fail_once(&l, "8.8.8.1", 0));
  assert_true(fail_once(&l, "8.8.8.2", 1));
  assert_true(fail_once(&l, "8.8.8.3", 2));
  assert_false(fail_once(&l, "8.8.8.4", 3));
  assert_true(fail_once(&l, "8.8.9.4", 3));
  assert_false(fail_once(&l, "8.8.8.4", 600));
  assert_true(fail_once(&l, "8.8.8.4", 605));
  free(l.memory);
}

static void a_private_address_gets_sixteen_failures_an_hour(void **state) {
  (void)state;
  struct limiter l;
  limiter_new(&l, 256);
  int failed = 0;
  for (double t = 0; t < 3600; t += 10) failed += fail_once(&l, "10.1.2.3", t);
  assert_int_equal(failed, 16);
  assert_true(fail_once(&l, "10.1.2.4", 3600));
  free(l.memory);
}

static void a_full_table_dials_nobody_new(void **state) {
  (void)state;
  struct limiter l;
  limiter_new(&l, 16);
  int dialled = 0, full = 0;
  for (unsigned i = 0; i < 2000; i++) {
    uint8_t bytes[4] = {(uint8_t)(11 + i % 80), (uint8_t)(i / 80), (uint8_t)i, 1};
    struct pm_ip address = pm_ip_from_bytes(PM_IP_V4, bytes);
    struct pm_time until;
    enum pm_address_verdict v = pm_address_limit_ask(&l.limit, &address, at_s(i * 0.01), &until);
    full += v == PM_ADDRESS_FULL;
    if (v != PM_ADDRESS_OK) continue;
    dialled++;
    pm_address_limit_begin(&l.limit, &address, at_s(i * 0.01));
    pm_address_limit_end(&l.limit, &address, false, at_s(i * 0.01));
  }
  assert_int_equal(dialled, 16);
  assert_int_equal(dialled + full, 2000);
  free(l.memory);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void refusals_double_from_an_hour_to_a_day(void **state) {
  (void)state;
  struct pm_refusals refusals;
  struct pm_arena arena = {0};
  pm_refusals_carve(&refusals, &arena, 64);
  void *memory = malloc(arena.used);
  arena = (struct pm_arena){.base = memory};
  pm_refusals_carve(&refusals, &arena, 64);
  pm_refusals_init(&refusals);
  static const double hours[] = {1, 2, 4, 8, 16, 24, 24};
  double t = 0;
  for (size_t i = 0; i < sizeof hours / sizeof hours[0]; i++) {
    pm_refusals_add(&refusals, 42, false, at_s(t));
    assert_true(pm_refusals_has(&refusals, 42, at_s(t + hours[i] * 3600 - 1)));
    assert_false(pm_refusals_has(&refusals, 42, at_s(t + hours[i] * 3600)));
    t += hours[i] * 3600;
  }
  assert_false(pm_refusals_has(&refusals, 43, at_s(0)));
  free(memory);
}

static void contact_forgives_ever_more_slowly(void **state) {
  (void)state;
  struct pm_refusals refusals;
  struct pm_arena arena = {0};
  pm_refusals_carve(&refusals, &arena, 64);
  void *memory = malloc(arena.used);
  arena = (struct pm_arena){.base = memory};
  pm_refusals_carve(&refusals, &arena, 64);
  pm_refusals_init(&refusals);
  assert_true(pm_refusals_forgive(&refusals, 42, at_s(0)));
  pm_refusals_add(&refusals, 42, true, at_s(0));
  int forgiven = 0;
  for (double t = 0; t < 3600; t += 5) {
    if (!pm_refusals_forgive(&refusals, 42, at_s(t))) continue;
    assert_false(pm_refusals_has(&refusals, 42, at_s(t)));
    pm_refusals_add(&refusals, 42, true, at_s(t));
    forgiven++;
  }
  assert_int_equal(forgiven, 5); /* after 60, 120, 240, 480, 960 s: at 60, 180, 420, 900, 1860 s */
  pm_refusals_clear(&refusals, 42);
  assert_false(pm_refusals_has(&refusals, 42, at_s(3600)));
  free(memory);
}

static void who_was_tried_on_others_word_is_forgiven_at_its_first_contact(void **state) {
  (void)state;
  struct pm_refusals refusals;
  struct pm_arena arena = {0};
  pm_refusals_carve(&refusals, &arena, 64);
  void *memory = malloc(arena.used);
  arena = (struct pm_arena){.base = memory};
  pm_refusals_carve(&refusals, &arena, 64);
  pm_refusals_init(&refusals);
  pm_refusals_add(&refusals, 42, false, at_s(0));
  assert_true(pm_refusals_forgive(&refusals, 42, at_s(1)));
  assert_false(pm_refusals_has(&refusals, 42, at_s(1)));
  pm_refusals_add(&refusals, 42, true, at_s(40));
  assert_false(pm_refusals_forgive(&refusals, 42, at_s(60)));
  assert_true(pm_refusals_forgive(&refusals, 42, at_s(61)));
  pm_refusals_add(&refusals, 42, true, at_s(62));
  assert_false(pm_refusals_forgive(&refusals, 42, at_s(180)));
  assert_true(pm_refusals_forgive(&refusals, 42, at_s(181)));
  free(memory);
}

static void a_late_proof_gives_half_a_failure_back(void **state) {
  (void)state;
  struct pm_failure_budget budget;
  pm_failure_budget_init(&budget, 3, 60000, at_s(0));
  for (int i = 0; i < 3; i++) {
    assert_true(pm_failure_budget_reserve(&budget, at_s(0)));
    pm_failure_budget_settle(&budget, false, false, at_s(0));
  }
  pm_failure_budget_reward(&budget, at_s(0));
  assert_int_equal(pm_failure_budget_left(&budget, at_s(0)), 0);
  pm_failure_budget_reward(&budget, at_s(0));
  assert_int_equal(pm_failure_budget_left(&budget, at_s(0)), 1);
  for (int i = 0; i < 10; i++) pm_failure_budget_reward(&budget, at_s(0));
  assert_int_equal(pm_failure_budget_left(&budget, at_s(0)), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
      cmocka_unit_test(no_window_of_a_bucket_exceeds_burst_and_rate),
      cmocka_unit_test(failures_empty_the_budget_and_successes_do_not),
      cmocka_unit_test(tries_under_way_are_set_aside),
      cmocka_unit_test(an_unrewarded_success_earns_nothing),
      cmocka_unit_test(two_tries_in_the_first_hour_and_six_in_a_day),
      cmocka_unit_test(no_day_later_has_more_than_six),
      cmocka_unit_test(a_success_forgets_the_tries),
      cmocka_unit_test(a_network_gets_three_failures_in_ten_minutes),
      cmocka_unit_test(a_private_address_gets_sixteen_failures_an_hour),
      cmocka_unit_test(a_full_table_dials_nobody_new),
      cmocka_unit_test(refusals_double_from_an_hour_to_a_day),
      cmocka_unit_test(contact_forgives_ever_more_slowly),
      cmocka_unit_test(who_was_tried_on_others_word_is_forgiven_at_its_first_contact),
      cmocka_unit_test(a_late_proof_gives_half_a_failure_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
