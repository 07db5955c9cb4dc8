/* The queue of an endpoint, on a clock of its own: what is kept, what is dropped, and when a try is
 * due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/delivery_queue.h"

static const struct pm_delivery_limits limits = {.bodies_max = 100,
                                                 .bytes_max = 1000,
                                                 .age_ms_max = 2 * 3600 * 1000,
                                                 .backoff = {.base_ms = 500, .cap_ms = 60000}};

struct fixture {
  struct pm_delivery_queue queue;
  struct pm_time now;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof(*f));
  pm_delivery_queue_init(&f->queue, &limits, 7);
  f->now = (struct pm_time){(int64_t)1000 * PM_NS_PER_S};
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  pm_delivery_queue_deinit(&f->queue);
  free(f);
  return 0;
}

/* A body of so many bytes that begins with its number. */
static void put(struct fixture *f, int number, size_t bytes, int64_t delay_ms) {
  char *data = calloc(1, bytes + 16);
  snprintf(data, bytes + 16, "%d", number);
  pm_delivery_queue_put(&f->queue, f->now, data, bytes, delay_ms);
}

/* The number of the body that is tried now; -1 if none is. */
static int start(struct fixture *f) {
  const struct pm_delivery_body *body = pm_delivery_queue_start(&f->queue, f->now);
  return body != NULL ? (int)strtol(body->data, NULL, 10) : -1;
}

static void pass_ms(struct fixture *f, int64_t ms) {
  f->now = pm_time_add_ms(f->now, ms);
}

/* Every body is at exactly one place. */
static void assert_balance(const struct fixture *f) {
  const struct pm_delivery_counts *counts = &f->queue.counts;
  assert_int_equal(counts->taken,
                   counts->sent + counts->dropped + counts->failed + counts->waiting_bodies);
}

static void test_in_order_one_at_a_time(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 3; i++) put(f, i, 10, 0);
  assert_int_equal(start(f), 0);
  assert_int_equal(start(f), -1);
  pm_delivery_queue_sent(&f->queue);
  assert_int_equal(start(f), 1);
  pm_delivery_queue_failed(&f->queue);
  assert_int_equal(start(f), 2);
  pm_delivery_queue_sent(&f->queue);
  assert_int_equal(pm_delivery_queue_due(&f->queue).ns, PM_TIME_NEVER.ns);
  assert_int_equal(f->queue.counts.sent, 2);
  assert_int_equal(f->queue.counts.failed, 1);
  assert_int_equal(f->queue.counts.waiting_bytes, 0);
  assert_balance(f);
}

static void test_the_oldest_give_way(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 25; i++) put(f, i, 100, 0); /* ten fit */
  assert_int_equal(f->queue.counts.waiting_bodies, 10);
  assert_int_equal(f->queue.counts.waiting_bytes, 1000);
  assert_int_equal(f->queue.counts.dropped, 15);
  assert_int_equal(start(f), 15);
  put(f, 25, 100, 0); /* 16 goes; 15 is under way and stays */
  pm_delivery_queue_sent(&f->queue);
  assert_int_equal(start(f), 17);
  assert_balance(f);
}

static void test_bounds_hold_by_number_too(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 250; i++) put(f, i, 1, 0);
  assert_int_equal(f->queue.counts.waiting_bodies, 100);
  assert_int_equal(start(f), 150);
  assert_balance(f);
}

static void test_what_never_fits_is_dropped(void **state) {
  struct fixture *f = *state;
  put(f, 0, 1001, 0);
  assert_int_equal(start(f), -1);
  assert_int_equal(f->queue.counts.dropped, 1);
  assert_balance(f);
}

static void test_waits_for_its_delay_and_the_end_hurries_it(void **state) {
  struct fixture *f = *state;
  put(f, 0, 10, 5000);
  pass_ms(f, 4999);
  assert_int_equal(start(f), -1);
  assert_int_equal(pm_time_since_ns(pm_delivery_queue_due(&f->queue), f->now), PM_NS_PER_MS);
  pm_delivery_queue_hurry(&f->queue);
  assert_int_equal(start(f), 0);
}

static void test_a_failure_holds_up_the_queue(void **state) {
  struct fixture *f = *state;
  put(f, 0, 10, 0);
  put(f, 1, 10, 0);
  assert_int_equal(start(f), 0);
  pm_delivery_queue_retry(&f->queue, f->now, -1);
  struct pm_time due = pm_delivery_queue_due(&f->queue);
  assert_in_range(pm_time_since_ns(due, f->now) / PM_NS_PER_MS, 1, 1000);
  assert_int_equal(start(f), -1);
  f->now = due;
  assert_int_equal(start(f), 0); /* the same again, before the younger one */
  pm_delivery_queue_sent(&f->queue);
  assert_int_equal(start(f), 1); /* and without delay after a success */
}

static void test_the_endpoint_may_ask_for_time(void **state) {
  struct fixture *f = *state;
  static const struct {
    int64_t asked_ms, low_ms, high_ms;
  } rows[] = {{30000, 30000, 30000}, {3600 * 1000, 60000, 60000}};
  put(f, 0, 10, 0);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(start(f), 0);
    pm_delivery_queue_retry(&f->queue, f->now, rows[i].asked_ms);
    struct pm_time due = pm_delivery_queue_due(&f->queue);
    assert_in_range(pm_time_since_ns(due, f->now) / PM_NS_PER_MS, rows[i].low_ms, rows[i].high_ms);
    f->now = due;
  }
}

/* A body a minute while the endpoint answers 500 for that long; then it is well. Returns the number
 * of tries meanwhile. */
static int outage(struct fixture *f, int minutes) {
  struct pm_time end = pm_time_add_ms(f->now, (int64_t)minutes * 60000);
  struct pm_time next_put = f->now;
  int tries = 0, number = 0;
  while (pm_time_before(f->now, end)) {
    if (!pm_time_before(f->now, next_put)) {
      put(f, number++, 10, 0);
      next_put = pm_time_add_ms(next_put, 60000);
    }
    if (start(f) >= 0) {
      tries++;
      pm_delivery_queue_retry(&f->queue, f->now, -1);
    }
    f->now = pm_time_min(pm_delivery_queue_due(&f->queue), next_put);
  }
  return tries;
}

static int send_all(struct fixture *f) {
  int sent = 0, number;
  while (pm_delivery_queue_due(&f->queue).ns != PM_TIME_NEVER.ns) {
    if (pm_time_before(f->now, pm_delivery_queue_due(&f->queue)))
      f->now = pm_delivery_queue_due(&f->queue);
    number = start(f);
    assert_int_equal(number, sent + (int)f->queue.counts.dropped);
    pm_delivery_queue_sent(&f->queue);
    sent++;
  }
  return sent;
}

static void test_throttled_for_half_an_hour_nothing_is_lost(void **state) {
  struct fixture *f = *state;
  outage(f, 30);
  assert_int_equal(send_all(f), 30);
  assert_int_equal(f->queue.counts.dropped, 0);
  assert_balance(f);
}

static void test_an_hour_of_errors_costs_few_tries_and_no_body(void **state) {
  struct fixture *f = *state;
  int tries = outage(f, 60);
  /* Full jitter up to a minute: one try in half a minute on average, some more at the beginning. */
  assert_in_range(tries, 90, 170);
  assert_int_equal(f->queue.counts.retries, tries);
  assert_int_equal(f->queue.counts.waiting_bytes, 600);
  assert_int_equal(send_all(f), 60);
  assert_balance(f);
}

static void test_five_hours_keep_what_is_young_enough(void **state) {
  struct fixture *f = *state;
  outage(f, 300);
  /* Two hours is the age limit, a hundred bodies the room: the latter comes first. */
  assert_int_equal(f->queue.counts.waiting_bodies, 100);
  assert_int_equal(f->queue.counts.dropped, 200);
  pass_ms(f, 90 * 60000);
  assert_int_equal(start(f), 300 - 30); /* the others are older than two hours now */
  assert_balance(f);
}

static void test_what_was_not_tried_waits_without_a_failure(void **state) {
  struct fixture *f = *state;
  put(f, 0, 10, 0);
  assert_int_equal(start(f), 0);
  pm_delivery_queue_unstart(&f->queue, pm_time_add_ms(f->now, 60000));
  assert_int_equal(start(f), -1);
  assert_int_equal(f->queue.counts.retries, 0);
  pass_ms(f, 60000);
  assert_int_equal(start(f), 0);
}

static void test_clearing_drops_everything(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 3; i++) put(f, i, 10, 0);
  assert_int_equal(start(f), 0);
  pm_delivery_queue_clear(&f->queue);
  assert_int_equal(f->queue.counts.dropped, 3);
  assert_int_equal(f->queue.counts.waiting_bodies, 0);
  assert_balance(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_in_order_one_at_a_time),
      TEST(test_the_oldest_give_way),
      TEST(test_bounds_hold_by_number_too),
      TEST(test_what_never_fits_is_dropped),
      TEST(test_waits_for_its_delay_and_the_end_hurries_it),
      TEST(test_a_failure_holds_up_the_queue),
      TEST(test_the_endpoint_may_ask_for_time),
      TEST(test_throttled_for_half_an_hour_nothing_is_lost),
      TEST(test_an_hour_of_errors_costs_few_tries_and_no_body),
      TEST(test_five_hours_keep_what_is_young_enough),
      TEST(test_what_was_not_tried_waits_without_a_failure),
      TEST(test_clearing_drops_everything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
