/* A to B against B to A: differences that are there are found in the right direction, and noise is
 * told from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/asymmetry.h"
#include "base/rng.h"

enum { MS = 1000000 };

/* --- one pair ----------------------------------------------------------------------------------
 */

static struct pm_cell cell_of(int64_t p25, int64_t p50, int64_t p75, uint32_t sent, uint32_t lost) {
  return (struct pm_cell){.state = PM_CELL_MEASURED,
                          .every_s = 10,
                          .sent = sent,
                          .lost = lost,
                          .rtt_ns = {p25, p50, p75, p75 + p75 / 10, p75 * 2}};
}

static struct pm_asymmetry judge(const struct pm_cell *ab, const struct pm_cell *ba) {
  struct pm_asymmetry pair = {.ab = ab, .ba = ba};
  pm_asymmetry_judge(&pair);
  return pair;
}

static void a_difference_beyond_noise_has_its_sign(void **state) {
  (void)state;
  struct pm_cell fast = cell_of(19 * MS, 20 * MS, 21 * MS, 60, 0);
  struct pm_cell slow = cell_of(29 * MS, 30 * MS, 31 * MS, 60, 0);
  struct pm_asymmetry pair = judge(&slow, &fast);
  assert_true(pair.beyond_noise);
  assert_int_equal(pair.difference_ns, 10 * MS);
  /* 4 * sqrt(2) * 1.2533 * (2 ms / 1.349) / sqrt(30) */
  assert_in_range(pair.noise_ns, 1915000, 1925000);
  pair = judge(&fast, &slow);
  assert_true(pair.beyond_noise);
  assert_int_equal(pair.difference_ns, -10 * MS);
  assert_false(pair.loss_beyond_noise);
}

static void three_limits_have_to_be_passed(void **state) {
  (void)state;
  const struct {
    int64_t p50, half_iqr, difference;
    uint32_t sent;
    bool beyond;
  } cases[] = {
      {1 * MS, 1000, 199000, 60, false}, /* below the floor */
      {1 * MS, 1000, 201000, 60, true},
      {100 * MS, 1000, 4900000, 60, false}, /* below 5 % */
      {100 * MS, 1000, 5100000, 60, true},
      {100 * MS, 20 * MS, 19 * MS, 60, false}, /* 4 standard errors are 38 ms */
      {100 * MS, 20 * MS, 40 * MS, 60, true},
      {100 * MS, 20 * MS, 40 * MS, 30, false}, /* of fewer samples */
      {100 * MS, 1000, 50 * MS, 9, false},     /* of too few */
      {100 * MS, 1000, 50 * MS, 10, true},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    int64_t p50 = cases[i].p50, half = cases[i].half_iqr, high = p50 + cases[i].difference;
    struct pm_cell a = cell_of(p50 - half, p50, p50 + half, cases[i].sent, 0);
    struct pm_cell b = cell_of(high - half, high, high + half, cases[i].sent, 0);
    if (judge(&b, &a).beyond_noise != cases[i].beyond) fail_msg("case %zu", i);
    if (judge(&a, &b).beyond_noise != cases[i].beyond) fail_msg("case %zu, turned", i);
  }
}

static void loss_on_one_side_is_told_from_chance(void **state) {
  (void)state;
  const struct {
    uint32_t sent_a, lost_a, sent_b, lost_b;
    bool beyond;
  } cases[] = {
      {60, 0, 60, 0, false},   {60, 10, 60, 0, false},  {60, 22, 60, 0, true},
      {60, 30, 60, 25, false}, {600, 40, 600, 0, true}, {60, 60, 60, 60, false},
      {60, 60, 60, 0, true},   {3, 3, 3, 0, false},     {0, 0, 60, 30, false},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_cell a = cell_of(MS, MS, MS, cases[i].sent_a, cases[i].lost_a);
    struct pm_cell b = cell_of(MS, MS, MS, cases[i].sent_b, cases[i].lost_b);
    if (judge(&a, &b).loss_beyond_noise != cases[i].beyond) fail_msg("case %zu", i);
    if (judge(&b, &a).loss_beyond_noise != cases[i].beyond) fail_msg("case %zu, turned", i);
  }
  struct pm_cell a = cell_of(MS, MS, MS, 60, 30), b = cell_of(MS, MS, MS, 60, 0);
  assert_float_equal(judge(&a, &b).loss_difference, 0.5, 1e-9);
  assert_float_equal(judge(&b, &a).loss_difference, -0.5, 1e-9);
}

static void a_side_without_success_has_no_difference(void **state) {
  (void)state;
  struct pm_cell good = cell_of(19 * MS, 20 * MS, 21 * MS, 60, 0);
  struct pm_cell dead = {.state = PM_CELL_FAILED, .sent = 60, .lost = 60};
  struct pm_asymmetry pair = judge(&good, &dead);
  assert_int_equal(pair.difference_ns, 0);
  assert_int_equal(pair.noise_ns, 0);
  assert_false(pair.beyond_noise);
  assert_true(pair.loss_beyond_noise);
}

/* --- many pairs of measured samples ------------------------------------------------------------
 */

static double normal(struct pm_rng *rng) {
  double u = 1 - pm_rng_unit(rng);
  return sqrt(-2 * log(u)) * cos(2 * M_PI * pm_rng_unit(rng));
}

/* Ten minutes of a path: log-normal around 20 ms, each sample like the one before by memory. */
struct path {
  double sigma, memory, loss;
};

static int compare(const void *x, const void *y) {
  int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
  return a < b ? -1 : a > b;
}

static struct pm_cell measure(struct pm_rng *rng, const struct path *path, uint32_t sent,
                              double times) {
  int64_t values[600];
  uint32_t count = 0;
  double last = normal(rng);
  for (uint32_t i = 0; i < sent; i++) {
    last = path->memory * last + sqrt(1 - path->memory * path->memory) * normal(rng);
    if (pm_rng_unit(rng) >= path->loss)
      values[count++] = (int64_t)(20e6 * times * exp(path->sigma * last));
  }
  qsort(values, count, sizeof(*values), compare);
  return (struct pm_cell){.state = PM_CELL_MEASURED,
                          .sent = sent,
                          .lost = sent - count,
                          .rtt_ns = {values[count / 4], values[count / 2], values[count * 3 / 4],
                                     values[count * 9 / 10], values[count * 99 / 100]}};
}

static const struct path PATHS[] = {
    {.sigma = 0.05}, {.sigma = 0.3, .loss = 0.05}, {.sigma = 1}, {.sigma = 0.5, .memory = 0.3}};

static void alike_paths_show_no_difference(void **state) {
  (void)state;
  const uint32_t lengths[] = {12, 60, 600};
  for (size_t p = 0; p < sizeof(PATHS) / sizeof(PATHS[0]); p++)
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
      unsigned runs = lengths[l] < 600 ? 4000 : 1000, found = 0, lossy = 0;
      for (unsigned seed = 1; seed <= runs; seed++) {
        struct pm_rng rng;
        pm_rng_seed(&rng, seed);
        struct pm_cell ab = measure(&rng, &PATHS[p], lengths[l], 1);
        struct pm_cell ba = measure(&rng, &PATHS[p], lengths[l], 1);
        struct pm_asymmetry pair = judge(&ab, &ba);
        found += pair.beyond_noise;
        lossy += pair.loss_beyond_noise;
      }
      print_message("path %zu, %u samples: %u and %u of %u\n", p, lengths[l], found, lossy, runs);
      assert_true(found <= runs / 1000);
      assert_true(lossy <= runs / 1000);
    }
}

static void paths_that_differ_show_it_in_the_right_direction(void **state) {
  (void)state;
  unsigned found = 0;
  for (unsigned seed = 1; seed <= 1000; seed++) {
    struct pm_rng rng;
    pm_rng_seed(&rng, seed);
    struct pm_cell ab = measure(&rng, &PATHS[0], 60, 1.2);
    struct pm_cell ba = measure(&rng, &PATHS[0], 60, 1);
    struct pm_asymmetry pair = judge(&ab, &ba);
    found += pair.beyond_noise;
    assert_true(pair.difference_ns > 0);
  }
  assert_true(found >= 990);
}

/* --- all pairs of a matrix ---------------------------------------------------------------------
 */

static const struct pm_time NOW = {INT64_C(1000) * PM_NS_PER_S};

static struct pm_node_id node(uint8_t name) {
  struct pm_node_id id = {0};
  id.bytes[0] = name;
  return id;
}

static uint64_t name_of(uint8_t name) {
  struct pm_node_id id = node(name);
  return pm_matrix_short(&id);
}

static void row(struct pm_matrix *matrix, uint8_t from, const uint8_t *to, const int64_t *ms,
                size_t count) {
  struct pm_matrix_cell cells[8];
  for (size_t i = 0; i < count; i++) {
    cells[i].to = name_of(to[i]);
    cells[i].cell = cell_of(ms[i] * MS, ms[i] * MS, ms[i] * MS, 60, 0);
    if (ms[i] == 0) cells[i].cell.state = PM_CELL_STALE;
  }
  struct pm_matrix_news news = {.from = node(from),
                                .inc = 1,
                                .upto = 1,
                                .as_of = NOW,
                                .source = PM_ROW_DIRECT,
                                .hops = 1,
                                .via = node(from),
                                .cells = cells,
                                .count = count};
  assert_int_equal(pm_matrix_take(matrix, &news, NOW), PM_OK);
}

static struct pm_matrix *four_nodes(void) {
  struct pm_matrix *matrix;
  assert_int_equal(pm_matrix_new(16, &matrix), PM_OK);
  row(matrix, 1, (uint8_t[]){2, 3, 4}, (int64_t[]){10, 50, 20}, 3);
  row(matrix, 2, (uint8_t[]){1, 3}, (int64_t[]){12, 30}, 2); /* 1-2: 2 ms apart */
  row(matrix, 3, (uint8_t[]){1, 2}, (int64_t[]){40, 30}, 2); /* 1-3: 10 ms; 2-3: none */
  row(matrix, 4, (uint8_t[]){1, 5}, (int64_t[]){0, 7}, 2);   /* 4-1 is stale; 5 is no row */
  return matrix;
}

static void pairs_that_both_ends_measure_are_ranked(void **state) {
  (void)state;
  struct pm_matrix *matrix = four_nodes();
  struct pm_asymmetry pairs[8];
  size_t total;
  assert_int_equal(pm_asymmetry_rank(matrix, NOW, pairs, 8, &total), 3);
  assert_int_equal(total, 3);
  assert_int_equal(pairs[0].a, name_of(1));
  assert_int_equal(pairs[0].b, name_of(3));
  assert_int_equal(pairs[0].difference_ns, 10 * MS);
  assert_true(pairs[0].beyond_noise);
  assert_memory_equal(&pairs[0].row_b->from, &(struct pm_node_id){{3}}, sizeof(struct pm_node_id));
  assert_int_equal(pairs[1].b, name_of(2));
  assert_int_equal(pairs[1].difference_ns, -2 * MS);
  assert_int_equal(pairs[2].a, name_of(2));
  assert_false(pairs[2].beyond_noise);
  pm_matrix_free(matrix);
}

static void only_the_first_are_given(void **state) {
  (void)state;
  struct pm_matrix *matrix = four_nodes();
  struct pm_asymmetry pairs[2];
  size_t total;
  assert_int_equal(pm_asymmetry_rank(matrix, NOW, pairs, 2, &total), 2);
  assert_int_equal(total, 3);
  assert_int_equal(pairs[0].difference_ns, 10 * MS);
  assert_int_equal(pairs[1].difference_ns, -2 * MS);
  assert_int_equal(pm_asymmetry_rank(matrix, NOW, pairs, 0, &total), 0);
  assert_int_equal(total, 3);
  pm_matrix_free(matrix);
}

static void what_is_old_is_not_judged(void **state) {
  (void)state;
  struct pm_matrix *matrix = four_nodes();
  struct pm_time later = {NOW.ns + INT64_C(120) * PM_NS_PER_S};
  struct pm_asymmetry pairs[8];
  size_t total;
  assert_int_equal(pm_asymmetry_rank(matrix, later, pairs, 8, &total), 0);
  assert_int_equal(total, 0);
  pm_matrix_free(matrix);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_difference_beyond_noise_has_its_sign),
      cmocka_unit_test(three_limits_have_to_be_passed),
      cmocka_unit_test(loss_on_one_side_is_told_from_chance),
      cmocka_unit_test(a_side_without_success_has_no_difference),
      cmocka_unit_test(alike_paths_show_no_difference),
      cmocka_unit_test(paths_that_differ_show_it_in_the_right_direction),
      cmocka_unit_test(pairs_that_both_ends_measure_are_ranked),
      cmocka_unit_test(only_the_first_are_given),
      cmocka_unit_test(what_is_old_is_not_judged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
