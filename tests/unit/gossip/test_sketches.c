/* Bloom filter, KMV sketch, coordinates, death's arithmetic: numbers that must come out right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "gossip/bloom.h"
#include "gossip/death.h"
#include "gossip/kmv.h"
#include "gossip/vivaldi.h"

static void a_full_filter_has_all_and_errs_rarely(void **state) {
  (void)state;
  struct pm_bloom bloom;
  struct pm_rng rng;
  uint64_t keys[PM_BLOOM_KEYS];
  pm_rng_seed(&rng, 1);
  pm_bloom_init(&bloom, PM_BLOOM_KEYS);
  for (size_t i = 0; i < PM_BLOOM_KEYS; i++) {
    keys[i] = pm_rng_next(&rng);
    pm_bloom_add(&bloom, pm_bloom_salted(keys[i], 5));
  }
  for (size_t i = 0; i < PM_BLOOM_KEYS; i++)
    assert_true(pm_bloom_has(&bloom, pm_bloom_salted(keys[i], 5)));
  int wrong = 0;
  for (int i = 0; i < 100000; i++)
    wrong += pm_bloom_has(&bloom, pm_bloom_salted(pm_rng_next(&rng), 5));
  assert_in_range(wrong, 400, 1300);
  size_t estimate = pm_bloom_estimate(&bloom);
  assert_in_range(estimate, PM_BLOOM_KEYS - 30, PM_BLOOM_KEYS + 30);
}

static void small_filters_do_for_few_keys(void **state) {
  (void)state;
  static const struct {
    size_t keys;
    uint16_t bytes;
  } rows[] = {{0, 80}, {64, 80}, {65, 160}, {128, 160}, {200, 320}, {257, 640}, {9000, 640}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct pm_bloom bloom;
    struct pm_rng rng;
    int wrong = 0;
    pm_bloom_init(&bloom, rows[i].keys);
    assert_int_equal(bloom.bytes, rows[i].bytes);
    pm_rng_seed(&rng, 8);
    for (size_t k = 0; k < rows[i].keys && k < PM_BLOOM_KEYS; k++)
      pm_bloom_add(&bloom, pm_bloom_salted(pm_rng_next(&rng), 3));
    for (int k = 0; k < 10000; k++)
      wrong += pm_bloom_has(&bloom, pm_bloom_salted(pm_rng_next(&rng), 3));
    assert_in_range(wrong, 0, 130);
  }
  assert_false(pm_bloom_size_valid(0) || pm_bloom_size_valid(79) || pm_bloom_size_valid(240));
}

static void another_salt_errs_elsewhere(void **state) {
  (void)state;
  struct pm_rng rng;
  struct pm_bloom bloom[2];
  pm_rng_seed(&rng, 2);
  for (int s = 0; s < 2; s++) pm_bloom_init(&bloom[s], PM_BLOOM_KEYS);
  for (size_t i = 0; i < PM_BLOOM_KEYS; i++) {
    uint64_t key = pm_rng_next(&rng);
    for (int s = 0; s < 2; s++) pm_bloom_add(&bloom[s], pm_bloom_salted(key, (uint64_t)s + 1));
  }
  int both = 0;
  for (int i = 0; i < 100000; i++) {
    uint64_t key = pm_rng_next(&rng);
    both += pm_bloom_has(&bloom[0], pm_bloom_salted(key, 1)) &&
            pm_bloom_has(&bloom[1], pm_bloom_salted(key, 2));
  }
  assert_in_range(both, 0, 40);
}

static void partitions_share_evenly(void **state) {
  (void)state;
  struct pm_rng rng;
  int count[7] = {0};
  pm_rng_seed(&rng, 3);
  for (int i = 0; i < 70000; i++) count[pm_bloom_part(pm_bloom_salted(pm_rng_next(&rng), 9), 7)]++;
  for (int p = 0; p < 7; p++) assert_in_range(count[p], 9500, 10500);
}

/* Part of the wire: nodes of all versions must agree. */
static void salted_hashes_are_what_they_always_were(void **state) {
  (void)state;
  assert_true(pm_bloom_salted(0, 0) == 0);
  assert_true(pm_bloom_salted(1, 0) == 0x5692161d100b05e5u);
  assert_true(pm_bloom_salted(1, 0) != pm_bloom_salted(1, 1));
}

static void kmv_counts_distinct_ones(void **state) {
  (void)state;
  static const int sizes[] = {1, 100, 128, 1000, 20000};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    struct pm_kmv kmv;
    struct pm_rng rng;
    pm_kmv_init(&kmv);
    for (int round = 0; round < 3; round++) {
      pm_rng_seed(&rng, 4);
      for (int i = 0; i < sizes[s]; i++) pm_kmv_add(&kmv, pm_rng_next(&rng));
    }
    double error = pm_kmv_estimate(&kmv) / sizes[s] - 1;
    assert_true(fabs(error) < (sizes[s] < PM_KMV_K ? 1e-9 : 0.25));
  }
}

static void f_follows_the_loss(void **state) {
  (void)state;
  static const struct {
    double loss;
    unsigned fails, hinted, tries;
  } rows[] = {{0.01, 5, 3, 4}, {0.1, 6, 3, 4}, {0.3, 12, 6, 6}, {0.63, 30, 15, 8}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct pm_death death = {.loss = rows[i].loss};
    assert_int_equal(pm_death_fails(&death, 0), rows[i].fails);
    assert_int_equal(pm_death_fails(&death, 1), rows[i].fails);
    assert_int_equal(pm_death_fails(&death, 2), rows[i].hinted);
    assert_int_equal(pm_death_tries(&death), rows[i].tries);
  }
}

static void only_failures_before_a_success_count_as_loss(void **state) {
  (void)state;
  struct pm_death death;
  struct pm_rng rng;
  unsigned fails = 0;
  pm_death_init(&death);
  pm_rng_seed(&rng, 5);
  for (int i = 0; i < 5000; i++) {
    if (pm_rng_unit(&rng) < 0.3) {
      fails++;
      continue;
    }
    pm_death_success(&death, fails);
    fails = 0;
  }
  assert_true(fabs(death.loss - 0.3) < 0.12);
  for (int i = 0; i < 2000; i++) pm_death_success(&death, 0);
  assert_true(death.loss <= 0.011);
}

/* Thirty nodes on a plane with access links: every pair is told apart after some hundred pings. */
static void coordinates_predict_round_trips(void **state) {
  (void)state;
  enum { NODES = 30 };
  static double x[NODES], y[NODES], access_ms[NODES];
  static struct pm_vivaldi c[NODES];
  struct pm_rng rng;
  pm_rng_seed(&rng, 6);
  for (int i = 0; i < NODES; i++) {
    x[i] = pm_rng_unit(&rng) * 100;
    y[i] = pm_rng_unit(&rng) * 100;
    access_ms[i] = 1 + pm_rng_unit(&rng) * 5;
    pm_vivaldi_init(&c[i]);
  }
  for (int step = 0; step < 300 * NODES; step++) {
    int i = (int)pm_rng_below(&rng, NODES), j = (int)pm_rng_below(&rng, NODES);
    double rtt = hypot(x[i] - x[j], y[i] - y[j]) + access_ms[i] + access_ms[j];
    if (i != j) pm_vivaldi_update(&c[i], &c[j], (float)rtt, &rng);
  }
  double error = 0;
  for (int i = 0; i < NODES; i++)
    for (int j = 0; j < i; j++) {
      double rtt = hypot(x[i] - x[j], y[i] - y[j]) + access_ms[i] + access_ms[j];
      error += fabs((double)pm_vivaldi_rtt_ms(&c[i], &c[j]) - rtt) / rtt;
    }
  assert_true(error / (NODES * (NODES - 1) / 2) < 0.12);
}

static void nonsense_moves_no_coordinate(void **state) {
  (void)state;
  struct pm_rng rng;
  struct pm_vivaldi own, remote = {.at_ms = {NAN, 0, 0}, .height_ms = 1, .error = 1};
  pm_rng_seed(&rng, 1);
  pm_vivaldi_init(&own);
  pm_vivaldi_update(&own, &remote, 10, &rng);
  remote = (struct pm_vivaldi){.at_ms = {1e9f, 0, 0}, .height_ms = 1, .error = 1};
  pm_vivaldi_update(&own, &remote, 10, &rng);
  remote = (struct pm_vivaldi){.at_ms = {1, 0, 0}, .height_ms = 1, .error = 1};
  pm_vivaldi_update(&own, &remote, NAN, &rng);
  pm_vivaldi_update(&own, &remote, -5, &rng);
  pm_vivaldi_update(&own, &remote, 1e9f, &rng);
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++) assert_true(own.at_ms[i] == 0);
  assert_true(own.error == 1.0f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_full_filter_has_all_and_errs_rarely),
      cmocka_unit_test(small_filters_do_for_few_keys),
      cmocka_unit_test(another_salt_errs_elsewhere),
      cmocka_unit_test(partitions_share_evenly),
      cmocka_unit_test(salted_hashes_are_what_they_always_were),
      cmocka_unit_test(kmv_counts_distinct_ones),
      cmocka_unit_test(f_follows_the_loss),
      cmocka_unit_test(only_failures_before_a_success_count_as_loss),
      cmocka_unit_test(coordinates_predict_round_trips),
      cmocka_unit_test(nonsense_moves_no_coordinate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
