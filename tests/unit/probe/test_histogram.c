#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "probe/histogram.h"

enum { MS = 1000 * 1000 };

static void add_all(struct pm_histogram *h, const int64_t *values, size_t count) {
  for (size_t i = 0; i < count; i++) assert_int_equal(pm_histogram_add(h, values[i]), PM_OK);
}

static void assert_same(const struct pm_histogram *a, const struct pm_histogram *b) {
  assert_int_equal(a->total, b->total);
  assert_int_equal(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    assert_int_equal(a->buckets[i].index, b->buckets[i].index);
    assert_int_equal(a->buckets[i].count, b->buckets[i].count);
  }
}

/* Uniform in the exponent, so that every power of two of the range is drawn as often. */
static int64_t random_value_ns(struct pm_rng *rng) {
  return (int64_t)exp2(PM_HISTOGRAM_LOW_BITS +
                       pm_rng_unit(rng) * (PM_HISTOGRAM_HIGH_BITS - PM_HISTOGRAM_LOW_BITS));
}

static int compare_values(const void *a, const void *b) {
  const int64_t *left = a;
  const int64_t *right = b;
  return (*left > *right) - (*left < *right);
}

static void buckets_tile_the_range_without_gap(void **state) {
  (void)state;
  int64_t expected_low_ns = 512;
  for (int index = 0; index < PM_HISTOGRAM_BUCKETS; index++) {
    int64_t low_ns;
    int64_t high_ns;
    pm_histogram_bounds((uint16_t)index, &low_ns, &high_ns);
    assert_int_equal(low_ns, expected_low_ns);
    assert_int_equal(pm_histogram_index(low_ns), index);
    assert_int_equal(pm_histogram_index(high_ns - 1), index);
    expected_low_ns = high_ns;
  }
  assert_int_equal(PM_HISTOGRAM_BUCKETS, 1792);
  assert_int_equal(expected_low_ns, INT64_C(137438953472));
}

static void values_outside_the_range_count_in_the_outermost_buckets(void **state) {
  (void)state;
  static const struct {
    int64_t value_ns;
    int index;
  } rows[] = {
      {INT64_MIN, 0},
      {-1, 0},
      {0, 0},
      {1, 0},
      {511, 0},
      {512, 0},
      {519, 0},
      {520, 1},
      {1023, 63},
      {1024, 64},
      {INT64_C(137438953471), 1791},
      {INT64_C(137438953472), 1791},
      {INT64_MAX, 1791},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_int_equal(pm_histogram_index(rows[i].value_ns), rows[i].index);
  }
}

static void the_middle_of_a_bucket_is_within_one_percent_of_any_value_in_it(void **state) {
  (void)state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 1);
  double worst = 0;
  for (int i = 0; i < 200000; i++) {
    int64_t value_ns = random_value_ns(&rng);
    int64_t low_ns;
    int64_t high_ns;
    pm_histogram_bounds(pm_histogram_index(value_ns), &low_ns, &high_ns);
    assert_in_range(value_ns, low_ns, high_ns - 1);
    int64_t middle_ns = low_ns + (high_ns - low_ns) / 2;
    double error = fabs((double)(middle_ns - value_ns)) / (double)value_ns;
    if (error > worst) worst = error;
  }
  assert_true(worst <= 0.01);
  assert_true(worst > 0.007); /* else this test looked at the wrong thing */
}

static void quantiles_are_within_one_percent_of_the_sorted_values(void **state) {
  (void)state;
  static const double quantiles[] = {0, 0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
  enum { VALUES = 5000 };
  static int64_t values[VALUES];
  for (uint64_t seed = 0; seed < 5; seed++) {
    struct pm_rng rng;
    pm_rng_seed(&rng, seed);
    for (int i = 0; i < VALUES; i++) values[i] = random_value_ns(&rng);
    struct pm_histogram h;
    pm_histogram_init(&h);
    add_all(&h, values, VALUES);
    qsort(values, VALUES, sizeof(values[0]), compare_values);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
      size_t rank = (size_t)ceil(quantiles[i] * VALUES);
      double exact = (double)values[rank > 0 ? rank - 1 : 0];
      double found = (double)pm_histogram_quantile_ns(&h, quantiles[i]);
      assert_true(fabs(found - exact) <= 0.01 * exact);
    }
    pm_histogram_deinit(&h);
  }
}

static void quantiles_take_the_nearest_rank(void **state) {
  (void)state;
  static const int64_t values[] = {1 * MS, 2 * MS, 3 * MS, 4 * MS};
  static const struct {
    double q;
    int64_t exact_ns;
  } rows[] = {{-1, 1 * MS},   {0, 1 * MS},    {0.25, 1 * MS}, {0.26, 2 * MS}, {0.5, 2 * MS},
              {0.51, 3 * MS}, {0.75, 3 * MS}, {0.76, 4 * MS}, {1, 4 * MS},    {2, 4 * MS}};
  struct pm_histogram h;
  pm_histogram_init(&h);
  add_all(&h, values, 4);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    int64_t found_ns = pm_histogram_quantile_ns(&h, rows[i].q);
    assert_int_equal(pm_histogram_index(found_ns), pm_histogram_index(rows[i].exact_ns));
  }
  pm_histogram_deinit(&h);
}

static void an_empty_histogram_has_no_quantile(void **state) {
  (void)state;
  struct pm_histogram h = {0};
  assert_int_equal(pm_histogram_quantile_ns(&h, 0.5), 0);
  assert_int_equal(pm_histogram_add(&h, 5 * MS), PM_OK);
  assert_int_not_equal(pm_histogram_quantile_ns(&h, 0.5), 0);
  pm_histogram_clear(&h);
  assert_int_equal(pm_histogram_quantile_ns(&h, 0.5), 0);
  assert_int_equal(h.total, 0);
  assert_int_equal(h.count, 0);
  pm_histogram_deinit(&h);
  pm_histogram_deinit(&h);
  assert_null(h.buckets);
}

/* Added together and merged must be the same histogram, whatever fell where. */
static void merging_is_exact(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 50; seed++) {
    struct pm_rng rng;
    pm_rng_seed(&rng, seed);
    struct pm_histogram parts[3] = {0};
    struct pm_histogram whole = {0};
    struct pm_histogram merged = {0};
    uint64_t values = pm_rng_below(&rng, 600);
    for (uint64_t i = 0; i < values; i++) {
      int64_t value_ns = random_value_ns(&rng);
      assert_int_equal(pm_histogram_add(&parts[pm_rng_below(&rng, 3)], value_ns), PM_OK);
      assert_int_equal(pm_histogram_add(&whole, value_ns), PM_OK);
    }
    for (int i = 0; i < 3; i++) assert_int_equal(pm_histogram_merge(&merged, &parts[i]), PM_OK);
    assert_int_equal(merged.total, values);
    assert_same(&merged, &whole);
    for (int i = 0; i < 3; i++) pm_histogram_deinit(&parts[i]);
    pm_histogram_deinit(&whole);
    pm_histogram_deinit(&merged);
  }
}

static void merging_with_itself_doubles(void **state) {
  (void)state;
  static const int64_t values[] = {9 * MS, 1 * MS, 5 * MS, 5 * MS};
  struct pm_histogram h = {0};
  struct pm_histogram twice = {0};
  add_all(&h, values, 4);
  add_all(&twice, values, 4);
  add_all(&twice, values, 4);
  assert_int_equal(pm_histogram_merge(&h, &h), PM_OK);
  assert_same(&h, &twice);
  pm_histogram_deinit(&h);
  pm_histogram_deinit(&twice);
}

static void counts_saturate_and_total_stays_their_sum(void **state) {
  (void)state;
  struct pm_histogram h = {0};
  assert_int_equal(pm_histogram_add(&h, 5 * MS), PM_OK);
  for (int doubling = 0; doubling < 33; doubling++) {
    assert_int_equal(pm_histogram_merge(&h, &h), PM_OK);
  }
  assert_int_equal(h.buckets[0].count, UINT32_MAX);
  assert_int_equal(h.total, UINT32_MAX);
  assert_int_equal(pm_histogram_add(&h, 5 * MS), PM_OK);
  assert_int_equal(h.total, UINT32_MAX);
  assert_int_equal(pm_histogram_index(pm_histogram_quantile_ns(&h, 1)), pm_histogram_index(5 * MS));
  pm_histogram_deinit(&h);
}

static void memory_is_bounded_by_the_range(void **state) {
  (void)state;
  struct pm_histogram h = {0};
  for (int round = 0; round < 2; round++) {
    for (int index = PM_HISTOGRAM_BUCKETS - 1; index >= 0; index--) {
      int64_t low_ns;
      int64_t high_ns;
      pm_histogram_bounds((uint16_t)index, &low_ns, &high_ns);
      assert_int_equal(pm_histogram_add(&h, low_ns), PM_OK);
    }
  }
  assert_int_equal(h.count, PM_HISTOGRAM_BUCKETS);
  assert_int_equal(h.cap, PM_HISTOGRAM_BUCKETS);
  assert_int_equal(h.total, 2 * PM_HISTOGRAM_BUCKETS);
  assert_int_equal(sizeof(struct pm_histogram_bucket), 8);
  pm_histogram_deinit(&h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(buckets_tile_the_range_without_gap),
      cmocka_unit_test(values_outside_the_range_count_in_the_outermost_buckets),
      cmocka_unit_test(the_middle_of_a_bucket_is_within_one_percent_of_any_value_in_it),
      cmocka_unit_test(quantiles_are_within_one_percent_of_the_sorted_values),
      cmocka_unit_test(quantiles_take_the_nearest_rank),
      cmocka_unit_test(an_empty_histogram_has_no_quantile),
      cmocka_unit_test(merging_is_exact),
      cmocka_unit_test(merging_with_itself_doubles),
      cmocka_unit_test(counts_saturate_and_total_stays_their_sum),
      cmocka_unit_test(memory_is_bounded_by_the_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
