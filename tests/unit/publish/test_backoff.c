/* How long to wait: never above the cap, spread over all of it, never nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish/backoff.h"

static const struct pm_backoff backoff = {.base_ms = 100, .cap_ms = 5000};

static void test_grows_to_the_cap(void **state) {
  (void)state;
  static const struct {
    unsigned tries;
    int64_t most_ms;
  } rows[] = {{1, 200}, {2, 400}, {5, 3200}, {6, 5000}, {40, 5000}, {UINT32_MAX, 5000}};
  struct pm_rng rng;
  pm_rng_seed(&rng, 1);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    int64_t sum = 0, largest = 0;
    for (int n = 0; n < 2000; n++) {
      int64_t ms = pm_backoff_delay_ms(&backoff, rows[i].tries, &rng);
      assert_in_range(ms, 1, rows[i].most_ms);
      sum += ms;
      if (ms > largest) largest = ms;
    }
    /* Full jitter is uniform: its mean is half of the most, give or take 4 standard errors. */
    assert_in_range(sum / 2000, rows[i].most_ms * 47 / 100, rows[i].most_ms * 53 / 100);
    assert_true(largest > rows[i].most_ms * 98 / 100);
  }
}

static void test_is_never_nothing(void **state) {
  (void)state;
  static const struct pm_backoff none = {.base_ms = 0, .cap_ms = 0};
  struct pm_rng rng;
  pm_rng_seed(&rng, 1);
  assert_int_equal(pm_backoff_delay_ms(&none, 3, &rng), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grows_to_the_cap),
      cmocka_unit_test(test_is_never_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
