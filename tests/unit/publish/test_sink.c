/* The publisher: every sink hears everything, hooks may be missing, and closing waits for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "publish/sink.h"

struct counting_sink {
  struct pm_sink sink;
  int samples, ended, notices, closes;
  int64_t flush_ms;
  const char *notice;
  void (*closed)(void *owner);
  void *owner;
};

static void on_sample(struct pm_sink *sink, const struct pm_target *target,
                      const struct pm_sample *sample) {
  (void)target, (void)sample;
  ((struct counting_sink *)sink)->samples++;
}

static void on_ended(struct pm_sink *sink, const struct pm_target *target) {
  (void)target;
  ((struct counting_sink *)sink)->ended++;
}

static void on_notice(struct pm_sink *sink, const char *line) {
  struct counting_sink *counting = (struct counting_sink *)sink;
  counting->notices++;
  counting->notice = line;
}

static void on_close(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner),
                     void *owner) {
  struct counting_sink *counting = (struct counting_sink *)sink;
  counting->closes++;
  counting->flush_ms = flush_ms;
  counting->closed = closed;
  counting->owner = owner;
}

static const struct pm_sink_ops all_hooks = {
    .name = "all", .sample = on_sample, .ended = on_ended, .notice = on_notice, .close = on_close};
static const struct pm_sink_ops close_alone = {.name = "none", .close = on_close};

static void note_closed(void *owner) {
  (*(int *)owner)++;
}

static void every_sink_hears_what_it_has_a_hook_for(void **state) {
  (void)state;
  struct pm_publisher publisher;
  struct counting_sink first = {.sink.ops = &all_hooks};
  struct counting_sink deaf = {.sink.ops = &close_alone};
  struct counting_sink last = {.sink.ops = &all_hooks};
  struct pm_target target;
  struct pm_sample sample;
  memset(&target, 0, sizeof(target));
  memset(&sample, 0, sizeof(sample));
  pm_publisher_init(&publisher);
  assert_int_equal(pm_publisher_add(&publisher, &first.sink), PM_OK);
  assert_int_equal(pm_publisher_add(&publisher, &deaf.sink), PM_OK);
  assert_int_equal(pm_publisher_add(&publisher, &last.sink), PM_OK);
  pm_publisher_sample(&publisher, &target, &sample);
  pm_publisher_sample(&publisher, &target, &sample);
  pm_publisher_ended(&publisher, &target);
  pm_publisher_notice(&publisher, "words");
  for (struct counting_sink **at = (struct counting_sink *[]){&first, &last, NULL}; *at; at++) {
    assert_int_equal((*at)->samples, 2);
    assert_int_equal((*at)->ended, 1);
    assert_int_equal((*at)->notices, 1);
    assert_string_equal((*at)->notice, "words");
  }
  assert_int_equal(deaf.samples + deaf.ended + deaf.notices, 0);
}

static void one_sink_too_many_is_refused(void **state) {
  (void)state;
  struct pm_publisher publisher;
  struct counting_sink sink = {.sink.ops = &all_hooks};
  pm_publisher_init(&publisher);
  for (int i = 0; i < PM_PUBLISHER_SINKS_MAX; i++) {
    assert_int_equal(pm_publisher_add(&publisher, &sink.sink), PM_OK);
  }
  assert_int_equal(pm_publisher_add(&publisher, &sink.sink), PM_ERR_FULL);
}

static void closing_ends_when_the_last_sink_is_closed(void **state) {
  (void)state;
  struct pm_publisher publisher;
  struct counting_sink first = {.sink.ops = &all_hooks};
  struct counting_sink last = {.sink.ops = &close_alone};
  int closed = 0;
  pm_publisher_init(&publisher);
  assert_int_equal(pm_publisher_add(&publisher, &first.sink), PM_OK);
  assert_int_equal(pm_publisher_add(&publisher, &last.sink), PM_OK);
  pm_publisher_close(&publisher, note_closed, &closed);
  assert_int_equal(first.closes, 1);
  assert_int_equal(last.closes, 1);
  assert_int_equal(first.flush_ms, PM_PUBLISHER_FLUSH_MS);

  pm_publisher_notice(&publisher, "too late");
  assert_int_equal(first.notices, 0);

  last.closed(last.owner);
  assert_int_equal(closed, 0);
  first.closed(first.owner);
  assert_int_equal(closed, 1);
}

static void closing_without_sinks_ends_at_once(void **state) {
  (void)state;
  struct pm_publisher publisher;
  int closed = 0;
  pm_publisher_init(&publisher);
  pm_publisher_close(&publisher, note_closed, &closed);
  assert_int_equal(closed, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sink_hears_what_it_has_a_hook_for),
      cmocka_unit_test(one_sink_too_many_is_refused),
      cmocka_unit_test(closing_ends_when_the_last_sink_is_closed),
      cmocka_unit_test(closing_without_sinks_ends_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
