/* The sinks of alerts keep each target apart, in whatever order they come and go, and drop the
 * oldest events where nobody takes them. Nothing here runs the loop before the end, so no event
 * leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <uv.h>

#include "publish/alerts.h"
#include "publish/http_client.h"
#include "sinks_fixture.h"

enum { TARGETS = 1500, STRIDE = 701 }; /* coprime: visits every target, in no order */

struct fixture {
  uv_loop_t loop;
  struct pm_http_client *client;
  struct pm_sink *sink;
  struct pm_log log;
  int closed;
};

static int set_up(void **state) {
  static struct fixture f;
  struct pm_http_client_config client = {0};
  f = (struct fixture){.log = {.level = PM_LOG_ALWAYS, .fd = -1}};
  struct pm_alerts_config config = {
      .url = "http://127.0.0.1:9/",
      .location = "Paris,FR",
      .incidents = {.down_after = 3, .window_s = 60, .windows_bad = 1, .windows_count = 1},
      .log = &f.log,
      .seed = 1,
  };
  if (uv_loop_init(&f.loop) != 0) return -1;
  if (pm_http_client_open(&f.loop, &client, &f.client, NULL) != PM_OK) return -1;
  config.client = f.client;
  *state = &f;
  return pm_alerts_open(&f.loop, &config, &f.sink, NULL) == PM_OK ? 0 : -1;
}

static void on_client_closed(void *owner) {
  ((struct fixture *)owner)->closed++;
}

static void on_sink_closed(void *owner) {
  struct fixture *f = owner;
  f->closed++;
  pm_http_client_close(f->client, on_client_closed, f);
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  f->sink->ops->close(f->sink, 0, on_sink_closed, f);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  return f->closed == 2 ? uv_loop_close(&f->loop) : -1;
}

static void let_fail(struct fixture *f, struct pm_target *target, int times) {
  struct pm_sample sample = sinks_failure();
  for (int i = 0; i < times; i++) f->sink->ops->sample(f->sink, target, &sample);
}

static uint64_t dropped(const struct fixture *f) {
  struct pm_sink_counts counts;
  f->sink->ops->counts(f->sink, &counts);
  assert_int_equal(counts.failed, 0);
  return counts.dropped;
}

static void test_each_target_is_watched_by_itself(void **state) {
  struct fixture *f = *state;
  struct pm_sink_counts counts;
  struct pm_target target;
  /* Two failures of each, then the third: nobody's count is another one's. */
  for (int round = 0; round < 2; round++) {
    for (uint64_t i = 0; i < TARGETS; i++) {
      sinks_target(&target, 1 + i * STRIDE % TARGETS, "http://192.0.2.9/v1/ping", "X");
      let_fail(f, &target, round == 0 ? 2 : 1);
    }
    assert_int_equal(dropped(f), round == 0 ? 0 : TARGETS - PM_ALERTS_QUEUE_EVENTS_MAX);
  }
  f->sink->ops->counts(f->sink, &counts);
  assert_int_equal(counts.taken, 3 * TARGETS);
  /* Each that leaves closes its own. */
  for (uint64_t i = 0; i < TARGETS; i++) {
    sinks_target(&target, 1 + i * (STRIDE + 2) % TARGETS, "http://192.0.2.9/v1/ping", "X");
    target.state = PM_TARGET_REMOVED;
    f->sink->ops->ended(f->sink, &target);
  }
  assert_int_equal(dropped(f), 2 * TARGETS - PM_ALERTS_QUEUE_EVENTS_MAX);
  f->sink->ops->ended(f->sink, &target); /* forgotten */
  assert_int_equal(dropped(f), 2 * TARGETS - PM_ALERTS_QUEUE_EVENTS_MAX);
}

/* Of those that are given up only what a person named can come back. */
static void test_what_is_given_up(void **state) {
  struct fixture *f = *state;
  static const struct {
    enum pm_learned learned;
    enum pm_target_state state;
    uint64_t closing; /* events */
  } rows[] = {
      {PM_LEARNED_CONFIG, PM_TARGET_GIVEN_UP, 0}, {PM_LEARNED_OPERATOR, PM_TARGET_GIVEN_UP, 0},
      {PM_LEARNED_PEER, PM_TARGET_GIVEN_UP, 1},   {PM_LEARNED_CONFIG, PM_TARGET_DONE, 1},
      {PM_LEARNED_CONFIG, PM_TARGET_ACTIVE, 0}, /* the node ends */
  };
  struct pm_target target;
  for (uint64_t i = 0; i < PM_ALERTS_QUEUE_EVENTS_MAX; i++) { /* fill the queue */
    sinks_target(&target, 100 + i, "http://192.0.2.9/v1/ping", "X");
    let_fail(f, &target, 3);
  }
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    sinks_target(&target, i + 1, "http://192.0.2.9/v1/ping", "X");
    target.spec.learned = rows[i].learned;
    let_fail(f, &target, 3);
    uint64_t before = dropped(f);
    target.state = rows[i].state;
    f->sink->ops->ended(f->sink, &target);
    assert_int_equal(dropped(f) - before, rows[i].closing);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_each_target_is_watched_by_itself, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_what_is_given_up, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
