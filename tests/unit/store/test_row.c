/* Rows: what comes out is what went in, in fewer bytes; no bytes read as a row by accident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "minutes.h"
#include "store/bits.h"
#include "store/row.h"

struct sums {
  struct pm_slot_sum in, out;
  uint8_t row[PM_ROW_BYTES_MAX];
};

static int set_up(void **state) {
  struct sums *sums = calloc(1, sizeof(*sums));
  pm_slot_sum_init(&sums->in);
  pm_slot_sum_init(&sums->out);
  *state = sums;
  return 0;
}

static int tear_down(void **state) {
  free(*state);
  return 0;
}

static void assert_equal(const struct pm_slot_sum *a, const struct pm_slot_sum *b) {
  assert_memory_equal(&a->numbers, &b->numbers, sizeof(a->numbers));
  assert_memory_equal(a->counts, b->counts, sizeof(a->counts));
  assert_memory_equal(a->first, b->first, sizeof(a->first));
  assert_memory_equal(a->last, b->last, sizeof(a->last));
}

/* So many probes of paths of some 20 ms. */
static void fill(struct pm_slot_sum *sum, struct pm_rng *rng, int samples) {
  struct pm_slot slot;
  pm_slot_init(&slot);
  for (int i = 0; i < samples; i++) {
    struct pm_sample sample = {.outcome = i % 17 == 5 ? PM_OUTCOME_CONNECT : PM_OUTCOME_SUCCESS,
                               .connection = {.known = true, .syns_sent = 1, .syn_answered = true}};
    for (int phase = PM_PHASE_TCP; phase < PM_PHASE_COUNT; phase++)
      sample.phase_ns[phase] = 20 * PM_NS_PER_MS + (int64_t)pm_rng_below(rng, 3 * PM_NS_PER_MS);
    assert_int_equal(pm_slot_add(&slot, &sample), PM_OK);
    for (int phase = 0; phase < PM_PHASE_COUNT; phase++) slot.phases[phase].jitter_ns = 12345;
  }
  pm_slot_sum_add(sum, &slot);
  pm_slot_deinit(&slot);
}

static void a_row_gives_back_what_it_was_made_of(void **state) {
  struct sums *sums = *state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 7);
  const int sizes[] = {0, 1, 6, 60, 360, 3600};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    pm_row_sum_clear(&sums->in);
    pm_row_sum_clear(&sums->out);
    fill(&sums->in, &rng, sizes[i]);
    size_t count = pm_row_pack(&sums->in, sums->row);
    assert_int_equal(pm_row_add(&sums->out, sums->row, count), PM_OK);
    assert_equal(&sums->in, &sums->out);
  }
}

static void the_outermost_values_fit(void **state) {
  struct sums *sums = *state;
  struct pm_slot slot;
  pm_slot_init(&slot);
  struct pm_sample shortest = {.outcome = PM_OUTCOME_SUCCESS, .phase_ns = {1, 1, 1, 1, 1, 1}};
  struct pm_sample longest = shortest;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++)
    longest.phase_ns[phase] = INT64_C(300) * PM_NS_PER_S;
  assert_int_equal(pm_slot_add(&slot, &shortest), PM_OK);
  assert_int_equal(pm_slot_add(&slot, &longest), PM_OK);
  pm_slot_sum_add(&sums->in, &slot);
  pm_slot_deinit(&slot);
  sums->in.numbers.sent = UINT32_MAX;
  sums->in.counts[PM_PHASE_TCP][0] = UINT32_MAX;
  size_t count = pm_row_pack(&sums->in, sums->row);
  assert_int_equal(pm_row_add(&sums->out, sums->row, count), PM_OK);
  assert_equal(&sums->in, &sums->out);
  /* Once more: counters stay at their maximum. */
  assert_int_equal(pm_row_add(&sums->out, sums->row, count), PM_OK);
  assert_int_equal(sums->out.numbers.sent, UINT32_MAX);
  assert_int_equal(sums->out.counts[PM_PHASE_TCP][0], UINT32_MAX);
}

static void a_full_row_fits_its_maximum(void **state) {
  struct sums *sums = *state;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    for (int index = 0; index < PM_HISTOGRAM_BUCKETS; index++)
      sums->in.counts[phase][index] = UINT32_MAX;
    sums->in.first[phase] = 0;
    sums->in.last[phase] = PM_HISTOGRAM_BUCKETS - 1;
    sums->in.numbers.phases[phase].sum_ns = (INT64_C(1) << PM_BITS_WIDTH_MAX) - 1;
  }
  size_t count = pm_row_pack(&sums->in, sums->row);
  assert_in_range(count, 80000, PM_ROW_BYTES_MAX);
  assert_int_equal(pm_row_add(&sums->out, sums->row, count), PM_OK);
  assert_equal(&sums->in, &sums->out);
}

static void a_row_is_shorter_than_a_packed_slot(void **state) {
  struct sums *sums = *state;
  const struct {
    int samples;
    size_t percent;
  } cases[] = {{6, 65}, {60, 60}, {360, 80}};
  struct pm_rng rng;
  pm_rng_seed(&rng, 3);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_slot slot = {0};
    uint8_t *packed;
    size_t packed_count;
    pm_row_sum_clear(&sums->in);
    fill(&sums->in, &rng, cases[i].samples);
    assert_int_equal(pm_slot_sum_take(&sums->in, &slot), PM_OK);
    assert_int_equal(pm_slot_pack(&slot, &packed, &packed_count), PM_OK);
    size_t count = pm_row_pack(&sums->in, sums->row);
    print_message("%d samples: slot %zu bytes, row %zu\n", cases[i].samples, packed_count, count);
    assert_true(count * 100 <= packed_count * cases[i].percent);
    free(packed);
    pm_slot_deinit(&slot);
  }
}

/* Each cut is refused; each flipped bit is refused, or read within bounds. */
static void damaged_rows_are_refused(void **state) {
  struct sums *sums = *state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 5);
  fill(&sums->in, &rng, 20);
  size_t count = pm_row_pack(&sums->in, sums->row);
  for (size_t cut = 0; cut < count; cut++) {
    uint8_t *copy = malloc(cut + 1); /* so that a byte read too far is found */
    memcpy(copy, sums->row, cut);
    pm_row_sum_clear(&sums->out);
    assert_int_equal(pm_row_add(&sums->out, copy, cut), PM_ERR_SYNTAX);
    free(copy);
  }
  int refused = 0;
  for (size_t bit = 0; bit < count * 8; bit++) {
    sums->row[bit / 8] ^= (uint8_t)(1 << bit % 8);
    pm_row_sum_clear(&sums->out);
    refused += pm_row_add(&sums->out, sums->row, count) != PM_OK;
    sums->row[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_true(refused > (int)count); /* an eighth at least; the rest are other numbers */
  pm_row_sum_clear(&sums->out);
  assert_int_equal(pm_row_add(&sums->out, sums->row, count), PM_OK);
  assert_equal(&sums->in, &sums->out);
}

static void bytes_of_nothing_are_no_rows(void **state) {
  struct sums *sums = *state;
  struct pm_rng rng;
  pm_rng_seed(&rng, 11);
  int accepted = 0;
  for (int i = 0; i < 20000; i++) {
    uint8_t bytes[48];
    size_t count = pm_rng_below(&rng, sizeof(bytes));
    for (size_t at = 0; at < count; at++) bytes[at] = (uint8_t)pm_rng_below(&rng, 256);
    pm_row_sum_clear(&sums->out);
    accepted += pm_row_add(&sums->out, bytes, count) == PM_OK;
  }
  assert_in_range(accepted, 0, 200);
}

static void figures_are_those_of_the_histogram(void **state) {
  struct sums *sums = *state;
  struct pm_rng rng;
  struct pm_figures figures;
  struct pm_slot slot = {0};
  pm_rng_seed(&rng, 9);
  fill(&sums->in, &rng, 500);
  assert_int_equal(pm_slot_sum_take(&sums->in, &slot), PM_OK);
  pm_row_sum_figures(&sums->in, PM_PHASE_TCP, &figures);
  assert_int_equal(figures.count, slot.phases[PM_PHASE_TCP].histogram.total);
  assert_int_equal(figures.mean_ns, pm_slot_mean_ns(&slot, PM_PHASE_TCP));
  assert_int_equal(figures.p10_ns, pm_slot_quantile_ns(&slot, PM_PHASE_TCP, 0.10));
  assert_int_equal(figures.p25_ns, pm_slot_quantile_ns(&slot, PM_PHASE_TCP, 0.25));
  assert_int_equal(figures.p50_ns, pm_slot_quantile_ns(&slot, PM_PHASE_TCP, 0.50));
  assert_int_equal(figures.p75_ns, pm_slot_quantile_ns(&slot, PM_PHASE_TCP, 0.75));
  assert_int_equal(figures.p90_ns, pm_slot_quantile_ns(&slot, PM_PHASE_TCP, 0.90));
  assert_int_equal(figures.p99_ns, pm_slot_quantile_ns(&slot, PM_PHASE_TCP, 0.99));
  pm_row_sum_figures(&sums->in, PM_PHASE_DNS, &figures);
  assert_int_equal(figures.count, 0);
  assert_int_equal(figures.p50_ns, 0);
  pm_slot_deinit(&slot);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_row_gives_back_what_it_was_made_of, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_outermost_values_fit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_full_row_fits_its_maximum, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_row_is_shorter_than_a_packed_slot, set_up, tear_down),
      cmocka_unit_test_setup_teardown(damaged_rows_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bytes_of_nothing_are_no_rows, set_up, tear_down),
      cmocka_unit_test_setup_teardown(figures_are_those_of_the_histogram, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
