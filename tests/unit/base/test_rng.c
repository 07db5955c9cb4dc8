#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

/* From the authors' reference code, started at {1, 2, 3, 4}. */
static void the_numbers_are_xoshiro256_plus_plus(void **state) {
  (void)state;
  static const uint64_t expected[] = {
      UINT64_C(41943041),
      UINT64_C(58720359),
      UINT64_C(3588806011781223),
      UINT64_C(3591011842654386),
      UINT64_C(9228616714210784205),
      UINT64_C(9973669472204895162),
      UINT64_C(14011001112246962877),
      UINT64_C(12406186145184390807),
      UINT64_C(15849039046786891736),
      UINT64_C(10450023813501588000),
  };
  struct pm_rng rng = {{1, 2, 3, 4}};
  for (int i = 0; i < 10; i++) assert_true(pm_rng_next(&rng) == expected[i]);
}

static void the_seed_is_spread_by_splitmix64(void **state) {
  (void)state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 0);
  assert_true(rng.s[0] == UINT64_C(0xe220a8397b1dcdaf));
  assert_true(rng.s[1] == UINT64_C(0x6e789e6aa1b965f4));
  assert_true(rng.s[2] == UINT64_C(0x06c45d188009454f));
  assert_true(rng.s[3] == UINT64_C(0xf88bb8a8724c81ec));
  pm_rng_seed(&rng, 42);
  assert_true(pm_rng_next(&rng) == UINT64_C(15021278609987233951));
}

static void below_stays_below(void **state) {
  (void)state;
  static const uint64_t expected[] = {8, 7, 1, 7, 1, 5, 9, 5, 0, 1, 9, 3};
  struct pm_rng rng;
  pm_rng_seed(&rng, 1);
  for (int i = 0; i < 12; i++) assert_int_equal(pm_rng_below(&rng, 10), expected[i]);
  for (int i = 0; i < 100; i++) assert_int_equal(pm_rng_below(&rng, 1), 0);
  assert_int_equal(pm_rng_below(&rng, 0), 0);
}

/* Scaling 2^64 values to three quarters of them would give every third result twice as often. */
static void below_has_no_bias(void **state) {
  (void)state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 7);
  int counts[3] = {0};
  for (int i = 0; i < 30000; i++) counts[pm_rng_below(&rng, UINT64_C(3) << 62) % 3]++;
  for (int i = 0; i < 3; i++) assert_in_range(counts[i], 9700, 10300);
}

static void unit_fills_zero_to_one(void **state) {
  (void)state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 3);
  int tenths[10] = {0};
  for (int i = 0; i < 10000; i++) {
    double u = pm_rng_unit(&rng);
    assert_true(u >= 0.0 && u < 1.0);
    tenths[(int)(u * 10)]++;
  }
  for (int i = 0; i < 10; i++) assert_in_range(tenths[i], 900, 1100);
}

static void unit_never_rounds_up_to_one(void **state) {
  (void)state;
  /* A state whose next number has every bit set: rotl(s0 + s3, 23) + s0 with s0 = 0, s3 = ~0. */
  struct pm_rng rng = {{0, 1, 2, UINT64_MAX}};
  assert_true(pm_rng_unit(&rng) == 1.0 - 0x1p-53);
}

static void between_reaches_both_ends(void **state) {
  (void)state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 5);
  int counts[5] = {0};
  for (int i = 0; i < 5000; i++) {
    int64_t n = pm_rng_between(&rng, -2, 2);
    assert_true(n >= -2 && n <= 2);
    counts[n + 2]++;
  }
  for (int i = 0; i < 5; i++) assert_in_range(counts[i], 850, 1150);
  assert_int_equal(pm_rng_between(&rng, 9, 9), 9);
  assert_int_equal(pm_rng_between(&rng, 9, 8), 9);
}

static void between_takes_the_whole_range(void **state) {
  (void)state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 5);
  int negative = 0;
  for (int i = 0; i < 1000; i++) negative += pm_rng_between(&rng, INT64_MIN, INT64_MAX) < 0;
  assert_in_range(negative, 430, 570);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_numbers_are_xoshiro256_plus_plus),
      cmocka_unit_test(the_seed_is_spread_by_splitmix64),
      cmocka_unit_test(below_stays_below),
      cmocka_unit_test(below_has_no_bias),
      cmocka_unit_test(unit_fills_zero_to_one),
      cmocka_unit_test(unit_never_rounds_up_to_one),
      cmocka_unit_test(between_reaches_both_ends),
      cmocka_unit_test(between_takes_the_whole_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
