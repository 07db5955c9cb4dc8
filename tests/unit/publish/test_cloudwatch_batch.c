/* Values of a datum: within AWS's limits, and with the percentiles that the samples had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "publish/cloudwatch_batch.h"

enum { SAMPLES = 20000 };

static void test_dimensions_are_what_aws_takes(void **state) {
  (void)state;
  static const struct {
    const char *text, *dimension;
  } rows[] = {
      {"Paris,FR", "Paris,FR"},
      {"New York,US", "New York,US"},
      {"Z\xc3\xbcrich,CH", "Z%C3%BCrich,CH"},
      {"a\tb\n", "a%09b%0A"},
      {":8080", "%3A8080"},
      {"host:8080", "host:8080"},
      {"", "unknown"},
      {"  ", "unknown"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char out[PM_CLOUDWATCH_DIMENSION_BYTES];
    pm_cloudwatch_dimension(rows[i].text, out);
    assert_string_equal(out, rows[i].dimension);
  }
  char longest[2000], out[PM_CLOUDWATCH_DIMENSION_BYTES];
  memset(longest, '\xff', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  pm_cloudwatch_dimension(longest, out);
  assert_int_equal(strlen(out), 798); /* 266 escapes of three characters */
}

static int ascending(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

/* As CloudWatch would see it: all values of the batch, the nearest rank. */
static double percentile_of(const struct pm_cloudwatch_batch *batch, double q, uint64_t total) {
  uint64_t rank = (uint64_t)ceil(q * (double)total), seen = 0;
  double at = -1;
  /* Data of one metric come in ascending order of their values. */
  for (size_t i = 0; i < batch->values_count && seen < rank; i++) {
    assert_true(batch->values[i].value > at);
    at = batch->values[i].value;
    seen += batch->values[i].count;
  }
  return at;
}

/* sigma: of the logarithm; 0.05 is a quiet path, 2.5 spreads over five orders of magnitude. */
static void check_percentiles(double sigma, size_t data_max) {
  static const double quantiles[] = {0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999};
  int64_t *raw = malloc(SAMPLES * sizeof(*raw));
  struct pm_histogram times;
  struct pm_cloudwatch_batch batch;
  struct pm_rng rng;
  pm_rng_seed(&rng, 42);
  pm_histogram_init(&times);
  for (int i = 0; i < SAMPLES; i++) {
    double normal =
        sqrt(-2 * log(1 - pm_rng_unit(&rng))) * cos(2 * 3.14159265358979 * pm_rng_unit(&rng));
    raw[i] = (int64_t)(20.0 * PM_NS_PER_MS * exp(sigma * normal));
    assert_int_equal(pm_histogram_add(&times, raw[i]), PM_OK);
  }
  qsort(raw, SAMPLES, sizeof(*raw), ascending);
  pm_cloudwatch_batch_init(&batch);
  assert_int_equal(pm_cloudwatch_batch_add_times(&batch, PM_CLOUDWATCH_TCP_RTT, 0, 0, &times),
                   PM_OK);
  assert_in_range(batch.count, 1, data_max);
  for (size_t i = 0; i < batch.count; i++)
    assert_in_range(batch.data[i].values_count, 1, PM_CLOUDWATCH_VALUES_MAX);
  for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
    double truth = (double)raw[(size_t)ceil(quantiles[i] * SAMPLES) - 1] / PM_NS_PER_MS;
    double seen = percentile_of(&batch, quantiles[i], SAMPLES);
    assert_true(fabs(seen - truth) <= 0.02 * truth);
  }
  pm_cloudwatch_batch_deinit(&batch);
  pm_histogram_deinit(&times);
  free(raw);
}

static void test_percentiles_survive(void **state) {
  (void)state;
  check_percentiles(0.05, 1);
  check_percentiles(0.5, 2);
  check_percentiles(2.5, 5);
}

static void test_nothing_gives_no_datum(void **state) {
  (void)state;
  static const struct pm_cloudwatch_value values[] = {{1, 0}, {2, 0}};
  struct pm_cloudwatch_batch batch;
  pm_cloudwatch_batch_init(&batch);
  assert_int_equal(pm_cloudwatch_batch_add(&batch, PM_CLOUDWATCH_LOSS, 0, 0, values, 2), PM_OK);
  assert_int_equal(batch.count, 0);
  pm_cloudwatch_batch_deinit(&batch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dimensions_are_what_aws_takes),
      cmocka_unit_test(test_percentiles_survive),
      cmocka_unit_test(test_nothing_gives_no_datum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
