#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "probe/roster.h"
#include "samples.h"

static const struct pm_wall NOW = {42};

static struct pm_target_spec spec_of(const char *text) {
  struct pm_target_spec spec = {.delay_s = 1, .fail_max = 1};
  assert_int_equal(pm_endpoint_parse(text, NULL, &spec.endpoint, NULL), PM_OK);
  return spec;
}

static struct pm_target_spec numbered(int n) {
  char text[64];
  snprintf(text, sizeof(text), "http://node-%d.example/v1/ping", n);
  return spec_of(text);
}

static struct pm_roster *roster_new(void) {
  struct pm_roster *roster = NULL;
  assert_int_equal(pm_roster_new(99, &roster), PM_OK);
  return roster;
}

static struct pm_target *add(struct pm_roster *roster, const struct pm_target_spec *spec) {
  struct pm_target *target = NULL;
  assert_int_equal(pm_roster_add(roster, spec, NOW, &target), PM_OK);
  return target;
}

static void an_empty_roster_knows_nobody(void **state) {
  (void)state;
  struct pm_roster *roster = roster_new();
  struct pm_target_spec spec = numbered(1);
  assert_int_equal(pm_roster_count(roster), 0);
  assert_int_equal(pm_roster_ended_count(roster), 0);
  assert_null(pm_roster_by_id(roster, 1));
  assert_null(pm_roster_by_id(roster, 0));
  assert_null(pm_roster_by_endpoint(roster, &spec.endpoint));
  pm_roster_retire(roster, 1, PM_TARGET_DONE);
  assert_int_equal(pm_roster_ended_total(roster), 0);
  pm_roster_free(roster);
  pm_roster_free(NULL);
}

static void a_target_is_found_by_id_and_by_endpoint(void **state) {
  (void)state;
  struct pm_roster *roster = roster_new();
  struct pm_target_spec spec = spec_of("http://a.example/v1/ping");
  struct pm_target *target = add(roster, &spec);
  assert_int_not_equal(target->id, 0);
  assert_int_equal(target->added.ns, 42);
  assert_int_equal(target->state, PM_TARGET_ACTIVE);
  assert_ptr_equal(pm_roster_by_id(roster, target->id), target);
  assert_null(pm_roster_by_id(roster, target->id + 1));
  struct pm_target_spec same = spec_of("HTTP://A.example:80/v1/ping#Paris");
  assert_ptr_equal(pm_roster_by_endpoint(roster, &same.endpoint), target);
  struct pm_target_spec other = spec_of("http://a.example/v1/peers");
  assert_null(pm_roster_by_endpoint(roster, &other.endpoint));
  pm_roster_free(roster);
}

static void the_same_endpoint_twice_is_a_duplicate(void **state) {
  (void)state;
  struct pm_roster *roster = roster_new();
  struct pm_target_spec spec = spec_of("http://a.example/v1/ping");
  struct pm_target *first = add(roster, &spec);
  struct pm_target *second = NULL;
  struct pm_target_spec same = spec_of("a.example:80/v1/ping");
  assert_int_equal(pm_roster_add(roster, &same, NOW, &second), PM_ERR_DUPLICATE);
  assert_ptr_equal(second, first);
  assert_int_equal(pm_roster_count(roster), 1);
  pm_roster_free(roster);
}

static void a_retired_target_is_among_the_ended_and_may_come_again(void **state) {
  (void)state;
  struct pm_roster *roster = roster_new();
  struct pm_target_spec spec = numbered(1);
  struct pm_target *target = add(roster, &spec);
  uint64_t id = target->id;
  struct pm_sample sample = sample_success(1, 1);
  pm_target_record(target, &sample, "Paris");
  pm_roster_retire(roster, id, PM_TARGET_REMOVED);
  assert_int_equal(pm_roster_count(roster), 0);
  assert_null(pm_roster_by_id(roster, id));
  assert_null(pm_roster_by_endpoint(roster, &spec.endpoint));
  assert_int_equal(pm_roster_ended_count(roster), 1);
  assert_int_equal(pm_roster_ended_total(roster), 1);
  assert_ptr_equal(pm_roster_ended_at(roster, 0), target);
  assert_int_equal(target->state, PM_TARGET_REMOVED);
  assert_int_equal(target->stats.successes, 1);
  struct pm_target *again = add(roster, &spec);
  assert_int_not_equal(again->id, id);
  assert_int_equal(again->stats.successes, 0);
  pm_roster_free(roster);
}

static void the_last_hundred_ended_are_kept_oldest_first(void **state) {
  (void)state;
  struct pm_roster *roster = roster_new();
  for (int n = 1; n <= 250; n++) {
    struct pm_target_spec spec = numbered(n);
    uint64_t id = add(roster, &spec)->id;
    assert_int_equal(id, n);
    pm_roster_retire(roster, id, PM_TARGET_DONE);
    assert_int_equal(pm_roster_ended_count(roster), n < 100 ? n : 100);
    assert_int_equal(pm_roster_ended_at(roster, 0)->id, n < 100 ? 1 : n - 99);
    assert_int_equal(pm_roster_ended_at(roster, pm_roster_ended_count(roster) - 1)->id, n);
  }
  assert_int_equal(pm_roster_ended_total(roster), 250);
  assert_int_equal(pm_roster_count(roster), 0);
  pm_roster_free(roster);
}

static void targets_stay_in_order_of_adding(void **state) {
  (void)state;
  struct pm_roster *roster = roster_new();
  for (int n = 1; n <= 10; n++) {
    struct pm_target_spec spec = numbered(n);
    add(roster, &spec);
  }
  static const uint64_t retired[] = {1, 5, 10};
  for (size_t i = 0; i < 3; i++) pm_roster_retire(roster, retired[i], PM_TARGET_DONE);
  struct pm_target_spec spec = numbered(5);
  add(roster, &spec);
  static const uint64_t expected[] = {2, 3, 4, 6, 7, 8, 9, 11};
  assert_int_equal(pm_roster_count(roster), 8);
  for (size_t i = 0; i < 8; i++) assert_int_equal(pm_roster_at(roster, i)->id, expected[i]);
  pm_roster_free(roster);
}

static void it_is_full_at_its_maximum(void **state) {
  (void)state;
  struct pm_roster *roster = roster_new();
  struct pm_target *target = NULL;
  struct pm_target_spec spec = numbered(0);
  for (int n = 0; n < PM_ROSTER_TARGETS_MAX; n++) {
    spec = numbered(n);
    add(roster, &spec);
  }
  struct pm_target_spec more = spec_of("http://more.example/");
  assert_int_equal(pm_roster_add(roster, &more, NOW, &target), PM_ERR_FULL);
  assert_null(target);
  assert_int_equal(pm_roster_add(roster, &spec, NOW, &target), PM_ERR_DUPLICATE);
  pm_roster_retire(roster, 1, PM_TARGET_REMOVED);
  assert_int_equal(pm_roster_add(roster, &more, NOW, &target), PM_OK);
  assert_int_equal(pm_roster_count(roster), PM_ROSTER_TARGETS_MAX);
  pm_roster_free(roster);
}

/* Against a plain array, over thousands of random additions and retirements: growth and deletion in
 * the table must never lose or keep anything. Addresses must not move. */
static void random_changes_agree_with_a_plain_list(void **state) {
  (void)state;
  enum { ENDPOINTS = 300 };
  struct pm_roster *roster = roster_new();
  struct pm_rng rng;
  pm_rng_seed(&rng, 11);
  struct pm_target *present[ENDPOINTS] = {0};
  uint64_t ids[ENDPOINTS] = {0};
  size_t count = 0;
  for (int step = 0; step < 5000; step++) {
    int n = (int)pm_rng_below(&rng, ENDPOINTS);
    struct pm_target_spec spec = numbered(n);
    if (present[n] == NULL) {
      present[n] = add(roster, &spec);
      ids[n] = present[n]->id;
      count++;
    } else {
      pm_roster_retire(roster, ids[n], PM_TARGET_REMOVED);
      present[n] = NULL;
      count--;
    }
    int probe = (int)pm_rng_below(&rng, ENDPOINTS);
    struct pm_target_spec probed = numbered(probe);
    assert_ptr_equal(pm_roster_by_endpoint(roster, &probed.endpoint), present[probe]);
    assert_ptr_equal(pm_roster_by_id(roster, ids[probe]), present[probe]);
    assert_int_equal(pm_roster_count(roster), count);
  }
  for (int n = 0; n < ENDPOINTS; n++) {
    struct pm_target_spec spec = numbered(n);
    assert_ptr_equal(pm_roster_by_endpoint(roster, &spec.endpoint), present[n]);
  }
  pm_roster_free(roster);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_roster_knows_nobody),
      cmocka_unit_test(a_target_is_found_by_id_and_by_endpoint),
      cmocka_unit_test(the_same_endpoint_twice_is_a_duplicate),
      cmocka_unit_test(a_retired_target_is_among_the_ended_and_may_come_again),
      cmocka_unit_test(the_last_hundred_ended_are_kept_oldest_first),
      cmocka_unit_test(targets_stay_in_order_of_adding),
      cmocka_unit_test(it_is_full_at_its_maximum),
      cmocka_unit_test(random_changes_agree_with_a_plain_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
