/* Windows: what they hold and when it leaves them, what a slot is packed into, what a store finds,
 * and what it takes in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "probe/stats.h"
#include "probe/target.h"
#include "probe/window.h"
#include "samples.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { MS = PM_NS_PER_MS };
static const int64_t S = PM_NS_PER_S;

static enum pm_err unpack(const uint8_t *bytes, size_t count, struct pm_slot *out) {
  struct pm_slot_sum sum;
  pm_slot_sum_init(&sum);
  enum pm_err err = pm_slot_sum_add_packed(&sum, bytes, count);
  return err == PM_OK ? pm_slot_sum_take(&sum, out) : err;
}

/* A window, a slot to ask into, and now. */
struct fixture {
  struct pm_window window;
  struct pm_slot slot;
  int64_t now_s;
};

static int open_fixture(void **state) {
  struct fixture *f = calloc(1, sizeof(*f));
  if (f == NULL) return -1;
  *state = f;
  return 0;
}

static int close_fixture(void **state) {
  struct fixture *f = *state;
  pm_window_deinit(&f->window);
  pm_slot_deinit(&f->slot);
  free(f);
  return 0;
}

static void add(struct fixture *f, struct pm_sample sample) {
  sample.ended.ns = f->now_s * S;
  assert_int_equal(pm_window_add(&f->window, &sample), PM_OK);
}

static const struct pm_slot *ask_at(struct fixture *f, enum pm_window_span span, int64_t at_s) {
  const struct pm_time at = {at_s * S};
  assert_int_equal(pm_window_query(&f->window, span, at, &f->slot), PM_OK);
  return &f->slot;
}

static const struct pm_slot *ask(struct fixture *f, enum pm_window_span span) {
  return ask_at(f, span, f->now_s);
}

/* ---- what counts ---- */

static void every_outcome_and_verdict_has_its_counter(void **state) {
  struct fixture *f = *state;
  struct pm_sample sample = sample_success(1, 1);
  add(f, sample);
  sample.verdict = PM_VERDICT_STARVED;
  add(f, sample);
  sample.verdict = PM_VERDICT_RETRANSMITTED;
  sample.connection = (struct pm_sample_connection){.known = true,
                                                    .syns_sent = 2,
                                                    .syn_answered = true,
                                                    .data_segments_sent = 3,
                                                    .data_retransmits = 1};
  add(f, sample);
  add(f, sample_failure(1, PM_OUTCOME_STATUS, 404));
  sample = sample_failure(1, PM_OUTCOME_TIMEOUT, 0);
  sample.verdict = PM_VERDICT_STARVED;
  add(f, sample);
  add(f, sample_failure(1, PM_OUTCOME_INTERNAL, 0)); /* neither was tried */
  add(f, sample_failure(1, PM_OUTCOME_POLICY, 0));
  assert_int_equal(pm_window_add_late(&f->window, (struct pm_time){f->now_s * S}, 4), PM_OK);
  const struct pm_slot *slot = ask(f, PM_WINDOW_SPAN_1M);
  assert_int_equal(slot->sent, 5);
  assert_int_equal(slot->succeeded, 3);
  assert_int_equal(slot->lost, 2);
  assert_int_equal(slot->starved, 2);
  assert_int_equal(slot->retransmitted, 1);
  assert_int_equal(slot->late, 4);
  assert_int_equal(slot->packets.trials, 1);
  assert_int_equal(slot->packets.lost, 1);
  assert_int_equal(slot->packets.data_segments, 3);
  assert_int_equal(slot->packets.data_retransmits, 1);
  assert_int_equal(slot->phases[PM_PHASE_TCP].histogram.total, 2); /* successes not starved */
}

static void phases_have_their_figures(void **state) {
  struct fixture *f = *state;
  for (int i = 1; i <= 100; i++) {
    struct pm_sample sample = sample_success(i, 1);
    sample.phase_ns[PM_PHASE_TCP] = i * (int64_t)MS;
    sample.phase_ns[PM_PHASE_TLS] = 0;
    add(f, sample);
  }
  const struct pm_slot *slot = ask(f, PM_WINDOW_SPAN_1H);
  static const struct {
    double q;
    double ms;
  } rows[] = {{0, 1}, {0.5, 50}, {0.9, 90}, {0.95, 95}, {0.99, 99}, {1, 100}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    double ms = (double)pm_slot_quantile_ns(slot, PM_PHASE_TCP, rows[i].q) / MS;
    assert_true(fabs(ms - rows[i].ms) <= 0.01 * rows[i].ms);
  }
  assert_int_equal(slot->phases[PM_PHASE_TCP].min_ns, 1 * MS);
  assert_int_equal(slot->phases[PM_PHASE_TCP].max_ns, 100 * MS);
  assert_int_equal(pm_slot_mean_ns(slot, PM_PHASE_TCP), 50500000);
  assert_int_equal(slot->phases[PM_PHASE_TLS].histogram.total, 0);
  assert_int_equal(pm_slot_quantile_ns(slot, PM_PHASE_TLS, 0.5), 0);
  assert_int_equal(pm_slot_mean_ns(slot, PM_PHASE_TLS), 0);
}

/* TCP takes 2, 18, 2 ms: D is 16 ms twice, so J is 1 ms and then 1 + 15/16 ms. */
static void jitter_follows_rfc_3550(void **state) {
  struct fixture *f = *state;
  static const struct {
    int64_t scale; /* of 2 ms */
    enum pm_verdict verdict;
    int64_t jitter_ns;
  } rows[] = {{1, PM_VERDICT_CLEAN, 0},
              {9, PM_VERDICT_CLEAN, 1 * MS},
              {900, PM_VERDICT_STARVED, 1 * MS}, /* not to be trusted: no part of it */
              {1, PM_VERDICT_CLEAN, 1937500}};
  for (size_t i = 0; i < COUNT(rows); i++, f->now_s += 7) {
    struct pm_sample sample = sample_success(1, rows[i].scale);
    sample.verdict = rows[i].verdict;
    add(f, sample);
    for (int span = 0; span < PM_WINDOW_SPAN_COUNT; span++) {
      const struct pm_slot *slot = ask(f, (enum pm_window_span)span);
      assert_int_equal(slot->phases[PM_PHASE_TCP].jitter_ns, rows[i].jitter_ns);
    }
    add(f, sample_failure(1, PM_OUTCOME_TIMEOUT, 0)); /* nor are failures */
  }
  /* It goes on over slots that had nothing to add. */
  f->now_s += 600;
  add(f, sample_success(1, 1));
  assert_int_equal(ask(f, PM_WINDOW_SPAN_1M)->phases[PM_PHASE_TCP].jitter_ns, 1816406);
}

/* ---- what lies within ---- */

/* A sample at one time is in each window until that has moved past the slot that holds it. */
static void a_sample_leaves_a_window_after_its_length(void **state) {
  struct fixture *f = *state;
  static const struct {
    enum pm_window_span span;
    int64_t length_s, slot_s;
  } rows[] = {
      {PM_WINDOW_SPAN_1M, 60, 10}, {PM_WINDOW_SPAN_10M, 600, 60}, {PM_WINDOW_SPAN_1H, 3600, 600}};
  static const int64_t starts_s[] = {0, 5, 59, 60, 599, 600, 3599, 86400 * 365};
  for (size_t k = 0; k < COUNT(starts_s); k++) {
    for (int filled = 0; filled < 2; filled++) { /* with and without others behind it */
      pm_window_deinit(&f->window);
      f->now_s = starts_s[k];
      struct pm_sample sample = sample_success(1, 1000);
      add(f, sample);
      bool inside[COUNT(rows)] = {true, true, true};
      for (int64_t age_s = 0; age_s < 4300; age_s++) {
        f->now_s = starts_s[k] + age_s;
        if (filled && age_s > 0 && age_s % 7 == 0) add(f, sample_success(1, 1));
        if (age_s % 3 != 0) continue;
        for (size_t i = 0; i < COUNT(rows); i++) {
          inside[i] = ask(f, rows[i].span)->phases[PM_PHASE_TCP].max_ns == 2000 * MS;
          if (age_s < rows[i].length_s) assert_true(inside[i]);
          if (age_s >= rows[i].length_s + rows[i].slot_s) assert_false(inside[i]);
        }
      }
    }
  }
}

/* Against plain counting of what was added, at intervals that do not fit the slots. */
static void counts_are_those_of_what_was_added(void **state) {
  struct fixture *f = *state;
  static const int64_t lengths_s[] = {60, 600, 3600};
  static const int64_t slots_s[] = {10, 60, 600};
  static int64_t times_s[4000];
  size_t count = 0;
  struct pm_rng rng;
  pm_rng_seed(&rng, 7);
  for (f->now_s = 12345; count < COUNT(times_s);) {
    /* Mostly every few seconds; now and then silent for up to an hour and a half. */
    f->now_s +=
        pm_rng_below(&rng, 200) == 0 ? pm_rng_between(&rng, 0, 5400) : pm_rng_between(&rng, 0, 9);
    times_s[count++] = f->now_s;
    add(f, sample_success(1, 1));
    if (count % 5 != 0) continue;
    for (int span = 0; span < PM_WINDOW_SPAN_COUNT; span++) {
      int64_t from_s = (f->now_s / slots_s[span]) * slots_s[span] - lengths_s[span];
      uint32_t expected = 0;
      for (size_t i = count; i > 0 && times_s[i - 1] >= from_s; i--) expected++;
      const struct pm_slot *slot = ask(f, (enum pm_window_span)span);
      assert_int_equal(slot->sent, expected);
      assert_int_equal(slot->phases[PM_PHASE_TOTAL].histogram.total, expected);
      assert_int_equal(slot->phases[PM_PHASE_TOTAL].sum_ns, expected * 6 * (int64_t)MS);
    }
  }
}

static void time_that_goes_back_counts_in_the_open_slot(void **state) {
  struct fixture *f = *state;
  f->now_s = 1000;
  add(f, sample_success(1, 1));
  f->now_s = 10;
  add(f, sample_success(1, 1));
  assert_int_equal(ask_at(f, PM_WINDOW_SPAN_1M, 1000)->sent, 2);
  assert_int_equal(ask_at(f, PM_WINDOW_SPAN_1M, 0)->sent, 2);
}

static void an_empty_window_has_nothing(void **state) {
  struct fixture *f = *state;
  for (int span = 0; span < PM_WINDOW_SPAN_COUNT; span++) {
    assert_true(pm_slot_is_empty(ask(f, (enum pm_window_span)span)));
  }
  assert_int_equal(pm_window_advance(&f->window, (struct pm_time){1000 * S}), PM_OK);
  assert_false(f->window.begun);
}

/* ---- packed ---- */

static void fill(struct fixture *f, int samples, uint64_t seed) {
  struct pm_rng rng;
  pm_rng_seed(&rng, seed);
  for (int i = 0; i < samples; i++) {
    struct pm_sample sample = sample_success(1, 1);
    for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
      sample.phase_ns[phase] = pm_rng_between(&rng, 1, 200 * MS);
    }
    add(f, sample);
  }
}

static void assert_same(const struct pm_slot *a, const struct pm_slot *b) {
  assert_int_equal(a->sent, b->sent);
  assert_int_equal(a->late, b->late);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    const struct pm_slot_phase *x = &a->phases[phase];
    const struct pm_slot_phase *y = &b->phases[phase];
    assert_int_equal(x->sum_ns, y->sum_ns);
    assert_int_equal(x->min_ns, y->min_ns);
    assert_int_equal(x->max_ns, y->max_ns);
    assert_int_equal(x->jitter_ns, y->jitter_ns);
    assert_int_equal(x->histogram.total, y->histogram.total);
    assert_int_equal(x->histogram.count, y->histogram.count);
    for (int i = 0; i < x->histogram.count; i++) {
      assert_int_equal(x->histogram.buckets[i].index, y->histogram.buckets[i].index);
      assert_int_equal(x->histogram.buckets[i].count, y->histogram.buckets[i].count);
    }
  }
}

static void what_is_packed_comes_out_again(void **state) {
  struct fixture *f = *state;
  static const int sizes[] = {0, 1, 60, 5000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    struct pm_slot read = {0};
    uint8_t *bytes;
    size_t count;
    pm_window_deinit(&f->window);
    fill(f, sizes[i], i);
    const struct pm_slot *slot = ask(f, PM_WINDOW_SPAN_1M);
    assert_int_equal(pm_slot_pack(slot, &bytes, &count), PM_OK);
    assert_int_equal(unpack(bytes, count, &read), PM_OK);
    assert_same(slot, &read);
    free(bytes);
    pm_slot_deinit(&read);
  }
}

/* The bytes of a slot that a store may have kept: they must be read by whatever comes later. */
static void the_packed_form_stays_what_it_is(void **state) {
  struct fixture *f = *state;
  static const uint8_t golden[] = {
      1,                               /* version */
      2,    2,    0,    0,    0,    0, /* probes */
      0,    0,    0,    0,             /* packets */
      0,                               /* no dns */
      2,    0x80, 0x9b, 0xee, 0x02,    /* tcp: two buckets, 6 ms in all, */
      0x80, 0x89, 0x7a, 0x80, 0x92, 0xf4, 0x01, 0xc8, 0xd0, 0x07, /* 2 to 4 ms, jitter 125 µs */
      0xfa, 0x05, 1,    0x40, 1,                                  /* buckets 762 and 64 on */
      0,    0,    0,    0};
  struct pm_sample sample = sample_success(1, 1);
  memset(sample.phase_ns, 0, sizeof(sample.phase_ns));
  sample.phase_ns[PM_PHASE_TCP] = 2 * MS;
  add(f, sample);
  sample.phase_ns[PM_PHASE_TCP] = 4 * MS;
  add(f, sample);
  uint8_t *bytes;
  size_t count;
  assert_int_equal(pm_slot_pack(ask(f, PM_WINDOW_SPAN_1M), &bytes, &count), PM_OK);
  assert_int_equal(count, sizeof(golden));
  assert_memory_equal(bytes, golden, sizeof(golden));
  free(bytes);
}

/* What a damaged file may hold: it is refused or read, and nothing else. */
static void damaged_bytes_are_refused(void **state) {
  struct fixture *f = *state;
  uint8_t *bytes;
  size_t count;
  fill(f, 200, 3);
  assert_int_equal(pm_slot_pack(ask(f, PM_WINDOW_SPAN_1M), &bytes, &count), PM_OK);
  for (size_t cut = 0; cut < count; cut++) {
    struct pm_slot read = {0};
    assert_int_equal(unpack(bytes, cut, &read), PM_ERR_SYNTAX);
    pm_slot_deinit(&read);
  }
  struct pm_rng rng;
  pm_rng_seed(&rng, 5);
  int refused = 0;
  for (int i = 0; i < 5000; i++) {
    struct pm_slot read = {0};
    uint8_t *byte = &bytes[pm_rng_below(&rng, count)];
    uint8_t was = *byte;
    *byte = (uint8_t)pm_rng_next(&rng);
    enum pm_err err = unpack(bytes, count, &read);
    assert_true(err == PM_OK || err == PM_ERR_SYNTAX);
    refused += err == PM_ERR_SYNTAX;
    *byte = was;
    pm_slot_deinit(&read);
  }
  assert_in_range(refused, 1000, 4999);
  bytes[0] = 2; /* a later version */
  assert_int_equal(unpack(bytes, count, &f->slot), PM_ERR_SYNTAX);
  free(bytes);
}

/* ---- for a store ---- */

/* A store that asks once a minute gets each minute once, whole, and in order. */
static void every_minute_is_handed_out_once(void **state) {
  struct fixture *f = *state;
  int64_t taken = INT64_MIN;
  uint32_t samples = 0;
  uint32_t stored = 0;
  int minutes = 0;
  for (f->now_s = 90; f->now_s < 90 + 3600; f->now_s++) {
    bool silent = f->now_s / 60 % 5 == 0;
    if (!silent) {
      add(f, sample_success(1, 1));
      samples++;
    }
    if (f->now_s % 60 != 20) continue;
    assert_int_equal(pm_window_advance(&f->window, (struct pm_time){f->now_s * S}), PM_OK);
    struct pm_window_minute minute;
    while (pm_window_next_minute(&f->window, taken, &minute)) {
      struct pm_slot slot = {0};
      assert_true(minute.minute > taken && minute.minute < f->now_s / 60);
      assert_int_equal(unpack(minute.bytes, minute.count, &slot), PM_OK);
      assert_true(minute.minute % 5 != 0);
      assert_int_equal(slot.sent, minute.minute == 1 ? 30 : 60);
      stored += slot.sent;
      taken = minute.minute;
      minutes++;
      pm_slot_deinit(&slot);
    }
  }
  assert_int_equal(minutes, 48);
  assert_int_equal(stored, samples - 30); /* all but the open minute's */
}

static void a_minute_waits_for_ten(void **state) {
  struct fixture *f = *state;
  struct pm_window_minute minute;
  add(f, sample_success(1, 1));
  assert_false(pm_window_next_minute(&f->window, INT64_MIN, &minute));
  for (f->now_s = 60; f->now_s < 660; f->now_s += 10) {
    add(f, sample_success(1, 1));
    assert_true(pm_window_next_minute(&f->window, INT64_MIN, &minute));
    assert_int_equal(minute.minute, 0);
  }
  f->now_s = 660;
  add(f, sample_success(1, 1));
  assert_true(pm_window_next_minute(&f->window, INT64_MIN, &minute));
  assert_int_equal(minute.minute, 1);
}

/* ---- memory ---- */

/* Round trips that spread over a factor of five as real paths do, http to a literal address. */
static struct pm_sample realistic(struct pm_rng *rng) {
  struct pm_sample sample = sample_success(1, 1);
  sample.phase_ns[PM_PHASE_DNS] = 0;
  sample.phase_ns[PM_PHASE_TLS] = 0;
  sample.connection = (struct pm_sample_connection){
      .known = true, .syns_sent = 1, .syn_answered = true, .data_segments_sent = 1};
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    double spread = 0; /* of four uniform numbers: a bell over 1 to 5 */
    for (int k = 0; k < 4; k++) spread += pm_rng_unit(rng);
    sample.phase_ns[phase] = (int64_t)((1 + spread) * (double)sample.phase_ns[phase]);
  }
  return sample;
}

static void an_hours_memory_is_what_the_header_says(void **state) {
  struct fixture *f = *state;
  static const struct {
    int64_t interval_s;
    size_t bytes_max;
  } rows[] = {{10, PM_WINDOW_BYTES_AT_10_S}, {1, PM_WINDOW_BYTES_AT_1_S}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct pm_rng rng;
    size_t most = 0;
    pm_rng_seed(&rng, 1);
    pm_window_deinit(&f->window);
    for (f->now_s = 0; f->now_s < 2 * 3600; f->now_s += rows[i].interval_s) {
      add(f, realistic(&rng));
      size_t bytes = pm_window_bytes(&f->window);
      if (bytes > most) most = bytes;
    }
    print_message("windows of a target at %d s: %zu bytes, of which %zu fixed; a target without: "
                  "%zu\n",
                  (int)rows[i].interval_s, most, sizeof(struct pm_window),
                  sizeof(struct pm_target) - sizeof(struct pm_window));
    assert_in_range(most, sizeof(struct pm_window), rows[i].bytes_max);
  }
}

/* The open minute: its closed slots and the open one; and it is handed out again once it is closed,
 * so that who took it must remember that. */
static void the_open_minute_can_be_looked_at(void **state) {
  struct fixture *f = *state;
  int64_t minute = 0;
  assert_int_equal(pm_window_open_minute(&f->window, &minute, &f->slot), PM_ERR_MISSING);
  for (f->now_s = 605; f->now_s < 645; f->now_s += 10) add(f, sample_success(1, 1));
  assert_int_equal(pm_window_open_minute(&f->window, &minute, &f->slot), PM_OK);
  assert_int_equal(minute, 10);
  assert_int_equal(f->slot.sent, 4);
  struct pm_window_minute closed;
  assert_false(pm_window_next_minute(&f->window, INT64_MIN, &closed));
  f->now_s = 665;
  add(f, sample_success(1, 1));
  assert_true(pm_window_next_minute(&f->window, INT64_MIN, &closed));
  assert_int_equal(closed.minute, 10);
  assert_int_equal(pm_window_open_minute(&f->window, &minute, &f->slot), PM_OK);
  assert_int_equal(minute, 11);
  assert_int_equal(f->slot.sent, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
  const struct CMUnitTest tests[] = {
      TEST(every_outcome_and_verdict_has_its_counter),
      TEST(phases_have_their_figures),
      TEST(jitter_follows_rfc_3550),
      TEST(a_sample_leaves_a_window_after_its_length),
      TEST(counts_are_those_of_what_was_added),
      TEST(time_that_goes_back_counts_in_the_open_slot),
      TEST(an_empty_window_has_nothing),
      TEST(what_is_packed_comes_out_again),
      TEST(the_packed_form_stays_what_it_is),
      TEST(damaged_bytes_are_refused),
      TEST(every_minute_is_handed_out_once),
      TEST(a_minute_waits_for_ten),
      TEST(the_open_minute_can_be_looked_at),
      TEST(an_hours_memory_is_what_the_header_says),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
