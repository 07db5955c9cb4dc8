/* What is in the bodies of a queue is counted by what became of it, and an endpoint that answers
 * 500 for an hour costs each sink no more than it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "publish/alerts.h"
#include "publish/clickhouse.h"
#include "publish/delivery_queue.h"
#include "publish/otlp.h"

static const struct pm_backoff backoff = {.base_ms = 500, .cap_ms = 60000};

static struct pm_time at_ms(int64_t ms) {
  return (struct pm_time){ms * PM_NS_PER_MS};
}

static void put(struct pm_delivery_queue *queue, int64_t now_ms, size_t bytes, uint64_t units) {
  pm_delivery_queue_put_units(queue, at_ms(now_ms), malloc(bytes), bytes, 0, units);
}

static void test_each_unit_ends_in_one_place(void **state) {
  (void)state;
  const struct pm_delivery_limits limits = {
      .bodies_max = 2, .bytes_max = 100, .age_ms_max = 1000, .backoff = backoff};
  struct pm_delivery_queue queue;
  pm_delivery_queue_init(&queue, &limits, 1);
  put(&queue, 0, 101, 7); /* never fits */
  assert_int_equal(queue.counts.units_dropped, 7);
  put(&queue, 0, 10, 1);
  put(&queue, 0, 10, 20);
  put(&queue, 0, 10, 300); /* pushes out the first */
  assert_int_equal(queue.counts.units_dropped, 8);
  assert_non_null(pm_delivery_queue_start(&queue, at_ms(1)));
  pm_delivery_queue_failed(&queue);
  assert_int_equal(queue.counts.units_failed, 20);
  assert_null(pm_delivery_queue_start(&queue, at_ms(5000))); /* too old */
  assert_int_equal(queue.counts.units_dropped, 308);
  assert_int_equal(queue.counts.units_failed, 20);
  pm_delivery_queue_deinit(&queue);
}

/* Bodies of that size and content, so many of them every interval; 500 for the first hour, all well
 * for another one. Returns what was in the bodies that arrived. */
static uint64_t two_hours(struct pm_delivery_queue *queue, int64_t interval_ms, int bodies,
                          size_t bytes, uint64_t units, size_t *out_bytes_most,
                          unsigned *out_tries) {
  enum { HOUR_MS = 3600 * 1000, STEP_MS = 100 };
  uint64_t arrived = 0;
  *out_bytes_most = 0;
  *out_tries = 0;
  for (int64_t now_ms = 0; now_ms < 2 * HOUR_MS; now_ms += STEP_MS) {
    for (int i = 0; now_ms < HOUR_MS && now_ms % interval_ms == 0 && i < bodies; i++)
      put(queue, now_ms, bytes, units);
    if (queue->counts.waiting_bytes > *out_bytes_most)
      *out_bytes_most = queue->counts.waiting_bytes;
    const struct pm_delivery_body *body = pm_delivery_queue_start(queue, at_ms(now_ms));
    if (body == NULL) continue;
    if (now_ms < HOUR_MS) {
      ++*out_tries;
      pm_delivery_queue_retry(queue, at_ms(now_ms), -1);
    } else {
      arrived += body->units;
      pm_delivery_queue_sent(queue);
    }
  }
  return arrived;
}

static void test_an_hour_of_errors_for_each_sink(void **state) {
  (void)state;
  static const struct {
    const char *sink;
    struct pm_delivery_limits limits;
    int64_t interval_ms;
    int bodies;
    size_t bytes;
    uint64_t units, arrive, lost;
  } rows[] = {
      /* A thousand peers at 10 s. */
      {"clickhouse",
       {.bodies_max = PM_CLICKHOUSE_QUEUE_BODIES_MAX,
        .bytes_max = PM_CLICKHOUSE_QUEUE_BYTES_MAX,
        .age_ms_max = 24 * 3600 * 1000},
       10000,
       1,
       60000,
       1000,
       360000,
       0},
      /* Five thousand: the oldest give way. 559 bodies of 60 kB are 32 MB. */
      {"clickhouse, too much",
       {.bodies_max = PM_CLICKHOUSE_QUEUE_BODIES_MAX,
        .bytes_max = PM_CLICKHOUSE_QUEUE_BYTES_MAX,
        .age_ms_max = 24 * 3600 * 1000},
       10000,
       5,
       60000,
       1000,
       559000,
       1241000},
      {"otlp, a thousand peers",
       {.bodies_max = PM_OTLP_QUEUE_BODIES_MAX,
        .bytes_max = PM_OTLP_QUEUE_BYTES_MAX,
        .age_ms_max = 24 * 3600 * 1000},
       60000,
       16,
       60000,
       64,
       960 * 64,
       0},
      {"events, a thousand peers that go down and up",
       {.bodies_max = PM_ALERTS_QUEUE_EVENTS_MAX,
        .bytes_max = PM_ALERTS_QUEUE_BYTES_MAX,
        .age_ms_max = 24 * 3600 * 1000},
       1800000,
       1000,
       1500,
       1,
       1000,
       1000},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_delivery_queue queue;
    struct pm_delivery_limits limits = rows[i].limits;
    size_t most;
    unsigned tries;
    limits.backoff = backoff;
    pm_delivery_queue_init(&queue, &limits, 7);
    uint64_t arrived = two_hours(&queue, rows[i].interval_ms, rows[i].bodies, rows[i].bytes,
                                 rows[i].units, &most, &tries);
    assert_int_equal(arrived, rows[i].arrive);
    assert_int_equal(queue.counts.units_dropped, rows[i].lost);
    assert_int_equal(queue.counts.waiting_bodies, 0);
    assert_true(most <= limits.bytes_max);
    /* A try every half minute in the mean, as the cap of a minute with full jitter gives. */
    assert_in_range(tries, 100, 180);
    pm_delivery_queue_deinit(&queue);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_unit_ends_in_one_place),
      cmocka_unit_test(test_an_hour_of_errors_for_each_sink),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
