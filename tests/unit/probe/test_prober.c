#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loopback_server.h"
#include "probe/prober.h"

/* These run at the plan's own pace: a target's first probe comes a second after it is added. */

enum { TOLD_MAX = 64 };

struct told {
  char what; /* 's' sample, 'e' ended, 'b' came back */
  uint64_t id;
  enum pm_target_state state;
  enum pm_outcome outcome;
};

struct fixture {
  uv_loop_t loop;
  struct pm_policy policy;
  struct loopback_server server;
  struct loopback_server refusing;
  struct pm_exchanger *exchanger;
  struct pm_prober *prober;
  struct told told[TOLD_MAX];
  size_t told_count;
  void (*then)(struct fixture *f, const struct told *told); /* within the events */
  int prober_closed;
};

static void tell(struct fixture *f, struct told told) {
  assert_true(f->told_count < TOLD_MAX);
  f->told[f->told_count++] = told;
  uv_stop(&f->loop);
  if (f->then) f->then(f, &told);
}

static void on_sample(void *owner, const struct pm_target *target, const struct pm_sample *sample,
                      const char *detail) {
  assert_int_equal(detail[0] == '\0', sample->outcome == PM_OUTCOME_SUCCESS);
  tell(owner, (struct told){'s', target->id, target->state, sample->outcome});
}

static void on_ended(void *owner, const struct pm_target *target) {
  tell(owner, (struct told){'e', target->id, target->state, 0});
}

static void on_came_back(void *owner, const struct pm_target *target) {
  tell(owner, (struct told){'b', target->id, target->state, 0});
}

static int setup(void **state) {
  static struct fixture f;
  f = (struct fixture){.server.text = "HTTP/1.1 200 OK\r\n\r\n<p>Served from Lyon,FR\n"};
  signal(SIGPIPE, SIG_IGN);
  assert_int_equal(uv_loop_init(&f.loop), 0);
  loopback_server_open(&f.server, &f.loop, "127.0.0.1");
  loopback_server_bind(&f.refusing, &f.loop, "127.0.0.1", 0);
  f.refusing.text = f.server.text;
  struct pm_exchanger_config exchanger = {
      .policy = &f.policy, .user_agent = "tester/1", .in_flight_max = 8};
  struct pm_prober_config prober = {
      .limits = {1000, 1000, 2000, 10000, 1000},
      .in_flight_max = 8,
      .given_up_retry_s = 1,
      .seed = 11,
      .events = {.sample = on_sample, .ended = on_ended, .came_back = on_came_back},
      .owner = &f,
  };
  struct pm_why why;
  assert_int_equal(pm_exchanger_open(&f.loop, &exchanger, &f.exchanger, &why), PM_OK);
  assert_int_equal(pm_prober_open(&f.loop, f.exchanger, &prober, &f.prober, &why), PM_OK);
  *state = &f;
  return 0;
}

static void on_prober_closed(void *owner) {
  struct fixture *f = owner;
  f->prober_closed++;
  pm_exchanger_close(f->exchanger, NULL, NULL);
}

static void close_prober(struct fixture *f) {
  if (f->prober) pm_prober_close(f->prober, on_prober_closed, f);
  f->prober = NULL;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  f->then = NULL;
  close_prober(f);
  loopback_server_close(&f->server);
  loopback_server_close(&f->refusing);
  while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0) {
  }
  assert_int_equal(f->prober_closed, 1);
  return uv_loop_close(&f->loop); /* fails if a handle was left */
}

static struct pm_target_spec spec_of(uint16_t port, const char *path) {
  struct pm_target_spec spec = {.learned = PM_LEARNED_CONFIG, .delay_s = 1, .fail_max = 2};
  char text[128];
  struct pm_why why;
  snprintf(text, sizeof text, "127.0.0.1:%u/%s", port, path);
  assert_int_equal(pm_endpoint_parse(text, NULL, &spec.endpoint, &why), PM_OK);
  return spec;
}

static uint64_t add(struct fixture *f, const struct pm_target_spec *spec) {
  uint64_t id = 0;
  struct pm_why why;
  assert_int_equal(pm_prober_add(f->prober, spec, &id, &why), PM_OK);
  return id;
}

static size_t count(const struct fixture *f, char what, uint64_t id) {
  size_t n = 0;
  for (size_t i = 0; i < f->told_count; i++) n += f->told[i].what == what && f->told[i].id == id;
  return n;
}

static void wait_for(struct fixture *f, char what, uint64_t id, size_t times) {
  while (count(f, what, id) < times) uv_run(&f->loop, UV_RUN_DEFAULT);
}

static const struct told *last(const struct fixture *f) {
  assert_true(f->told_count > 0);
  return &f->told[f->told_count - 1];
}

static void test_a_target_ends_at_its_limit(void **state) {
  struct fixture *f = *state;
  struct pm_target_spec spec = spec_of(f->server.port, "");
  spec.limit = 2;
  uint64_t id = add(f, &spec);
  assert_int_equal(pm_prober_active(f->prober), 1);
  wait_for(f, 'e', id, 1);
  assert_int_equal(count(f, 's', id), 2);
  assert_int_equal(last(f)->state, PM_TARGET_DONE);
  assert_int_equal(f->server.accepted, 2);
  assert_int_equal(pm_prober_active(f->prober), 0);
  const struct pm_roster *roster = pm_prober_roster(f->prober);
  assert_int_equal(pm_roster_count(roster), 0);
  assert_int_equal(pm_roster_ended_count(roster), 1);
  assert_string_equal(pm_roster_ended_at(roster, 0)->location, "Lyon,FR");
  assert_int_equal(pm_roster_ended_at(roster, 0)->stats.successes, 2);
}

static void test_given_up_and_back(void **state) {
  struct fixture *f = *state;
  struct pm_target_spec spec = spec_of(f->refusing.port, "");
  uint64_t id = add(f, &spec);
  wait_for(f, 'e', id, 1);
  assert_int_equal(last(f)->state, PM_TARGET_GIVEN_UP);
  assert_int_equal(count(f, 's', id), 2);
  assert_int_equal(pm_prober_active(f->prober), 0);
  assert_int_equal(pm_roster_count(pm_prober_roster(f->prober)), 1);
  loopback_server_listen(&f->refusing);
  wait_for(f, 'b', id, 1);
  assert_int_equal(last(f)->state, PM_TARGET_ACTIVE);
  assert_int_equal(pm_prober_active(f->prober), 1);
  close_prober(f); /* it ends a second time, as one that is active */
  assert_int_equal(count(f, 'e', id), 2);
}

static void test_a_learned_target_that_is_given_up_is_forgotten(void **state) {
  struct fixture *f = *state;
  struct pm_target_spec spec = spec_of(f->refusing.port, "");
  spec.learned = PM_LEARNED_PEER;
  spec.source = spec.endpoint.host_ip;
  uint64_t id = add(f, &spec);
  wait_for(f, 'e', id, 1);
  assert_int_equal(last(f)->state, PM_TARGET_GIVEN_UP);
  assert_int_equal(pm_roster_count(pm_prober_roster(f->prober)), 0);
  assert_int_equal(pm_prober_remove(f->prober, id), PM_ERR_MISSING);
}

static void test_what_cannot_be_added(void **state) {
  struct fixture *f = *state;
  struct pm_target_spec spec = spec_of(f->server.port, "");
  struct pm_target_spec slash = spec_of(f->server.port, "?");
  struct pm_why why;
  uint64_t first = add(f, &spec), id = 0;
  assert_int_not_equal(add(f, &slash), first);
  assert_int_equal(pm_prober_add(f->prober, &spec, &id, &why), PM_ERR_DUPLICATE);
  assert_int_equal(id, first);
  spec = spec_of(f->server.port, "other");
  spec.learned = PM_LEARNED_PEER;
  spec.source = pm_ip_from_bytes(PM_IP_V4, (const uint8_t[]){192, 0, 1, 7});
  assert_int_equal(pm_prober_add(f->prober, &spec, &id, &why), PM_ERR_DENIED);
  assert_non_null(strstr(why.text, "may not be probed"));
  assert_int_equal(pm_roster_count(pm_prober_roster(f->prober)), 2);
}

static void test_removal_while_a_probe_is_under_way(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_SILENT;
  struct pm_target_spec spec = spec_of(f->server.port, "");
  uint64_t id = add(f, &spec);
  while (f->server.request_bytes == 0) uv_run(&f->loop, UV_RUN_ONCE);
  assert_int_equal(pm_exchange_in_flight(f->exchanger), 1);
  assert_int_equal(pm_prober_remove(f->prober, id), PM_OK);
  assert_int_equal(pm_exchange_in_flight(f->exchanger), 0);
  assert_int_equal(f->told_count, 1);
  assert_int_equal(last(f)->what, 'e');
  assert_int_equal(last(f)->state, PM_TARGET_REMOVED);
  assert_int_equal(pm_prober_active(f->prober), 0);
  assert_int_equal(pm_prober_remove(f->prober, id), PM_ERR_MISSING);
}

/* The other one goes on meanwhile; its samples measure the time. */
static void test_what_is_paused_is_not_probed(void **state) {
  struct fixture *f = *state;
  struct pm_target_spec paused = spec_of(f->server.port, "a");
  struct pm_target_spec other = spec_of(f->server.port, "b");
  uint64_t a = add(f, &paused), b = add(f, &other);
  wait_for(f, 's', a, 1);
  assert_int_equal(pm_prober_pause(f->prober, a, true), PM_OK);
  assert_int_equal(pm_prober_pause(f->prober, a, true), PM_OK);
  const struct pm_target *target = pm_roster_at(pm_prober_roster(f->prober), 0);
  assert_true(target->paused);
  assert_int_equal(target->state, PM_TARGET_ACTIVE);
  wait_for(f, 's', b, 3);
  assert_int_equal(target->stats.successes, 1);
  assert_int_equal(pm_prober_pause(f->prober, a, false), PM_OK);
  assert_false(target->paused);
  wait_for(f, 's', a, 2);
  assert_int_equal(pm_prober_pause(f->prober, 99, true), PM_ERR_MISSING);
}

static void test_a_pause_gives_up_what_is_under_way(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_SILENT;
  struct pm_target_spec spec = spec_of(f->server.port, "");
  uint64_t id = add(f, &spec);
  while (f->server.request_bytes == 0) uv_run(&f->loop, UV_RUN_ONCE);
  assert_int_equal(pm_prober_pause(f->prober, id, true), PM_OK);
  assert_int_equal(pm_exchange_in_flight(f->exchanger), 0);
  assert_int_equal(f->told_count, 0);
  assert_int_equal(pm_prober_remove(f->prober, id), PM_OK);
  assert_int_equal(pm_prober_active(f->prober), 0);
}

static void test_closing_ends_what_is_active_in_order(void **state) {
  struct fixture *f = *state;
  uint64_t ids[3];
  for (int i = 0; i < 3; i++) {
    struct pm_target_spec spec = spec_of(f->server.port, i == 0 ? "c" : i == 1 ? "a" : "b");
    ids[i] = add(f, &spec);
  }
  struct pm_prober *prober = f->prober;
  close_prober(f);
  assert_int_equal(f->told_count, 3);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(f->told[i].id, ids[i]);
    assert_int_equal(f->told[i].what, 'e');
    assert_int_equal(f->told[i].state, PM_TARGET_ACTIVE);
  }
  struct pm_target_spec late = spec_of(f->server.port, "d");
  uint64_t id;
  struct pm_why why;
  assert_int_equal(pm_prober_add(prober, &late, &id, &why), PM_ERR_CLOSED);
  assert_int_equal(pm_prober_remove(prober, ids[0]), PM_ERR_CLOSED);
  assert_int_equal(f->prober_closed, 0); /* from the loop */
}

static void remove_on_sample(struct fixture *f, const struct told *told) {
  if (told->what == 's') assert_int_equal(pm_prober_remove(f->prober, told->id), PM_OK);
}

static void test_a_sample_handler_may_remove_its_target(void **state) {
  struct fixture *f = *state;
  f->then = remove_on_sample;
  struct pm_target_spec goes_on = spec_of(f->server.port, "a");
  struct pm_target_spec done = spec_of(f->server.port, "b");
  done.limit = 1; /* it would end with this very sample */
  uint64_t a = add(f, &goes_on), b = add(f, &done);
  wait_for(f, 'e', a, 1);
  wait_for(f, 'e', b, 1);
  for (int i = 0; i < 10; i++) uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(f->told_count, 4); /* a sample and an end each */
  for (size_t i = 0; i < f->told_count; i++)
    if (f->told[i].what == 'e') assert_int_equal(f->told[i].state, PM_TARGET_REMOVED);
  assert_int_equal(pm_prober_active(f->prober), 0);
}

static void add_on_end(struct fixture *f, const struct told *told) {
  if (told->what != 'e' || f->told_count > 2) return;
  struct pm_target_spec spec = spec_of(f->server.port, "next");
  add(f, &spec);
}

static void test_an_end_handler_may_add_a_target(void **state) {
  struct fixture *f = *state;
  f->then = add_on_end;
  struct pm_target_spec spec = spec_of(f->server.port, "first");
  spec.limit = 1;
  uint64_t id = add(f, &spec);
  wait_for(f, 'e', id, 1);
  assert_int_equal(pm_prober_active(f->prober), 1);
  wait_for(f, 's', id + 1, 1);
  assert_int_equal(last(f)->outcome, PM_OUTCOME_SUCCESS);
}

static void close_on_sample(struct fixture *f, const struct told *told) {
  if (told->what == 's') close_prober(f);
}

static void test_a_sample_handler_may_close_the_prober(void **state) {
  struct fixture *f = *state;
  f->then = close_on_sample;
  struct pm_target_spec done = spec_of(f->server.port, "a"), other = spec_of(f->server.port, "b");
  done.limit = other.limit = 1;
  uint64_t ids[] = {add(f, &done), add(f, &other)};
  while (f->prober) uv_run(&f->loop, UV_RUN_DEFAULT);
  /* One sample, and the end of either: the one that was done with it, too. */
  assert_int_equal(f->told_count, 3);
  assert_int_equal(count(f, 'e', ids[0]), 1);
  assert_int_equal(count(f, 'e', ids[1]), 1);
}

/* The exchanger is shared: whoever else has all its places leaves none to a probe. */
static void test_a_probe_that_finds_no_place_is_a_sample(void **state) {
  struct fixture *f = *state;
  f->server.manner = LOOPBACK_SILENT;
  struct pm_target_spec spec = spec_of(f->server.port, "");
  struct pm_exchange_request request = {.endpoint = &spec.endpoint,
                                        .learned = PM_LEARNED_CONFIG,
                                        .limits = {5000, 5000, 5000, 1000, 1000}};
  uint64_t id;
  while (pm_exchange_start(f->exchanger, &request, NULL, NULL, &id) == PM_OK) {
  }
  uint64_t target = add(f, &spec);
  wait_for(f, 's', target, 1);
  assert_int_equal(last(f)->outcome, PM_OUTCOME_INTERNAL);
  assert_int_equal(last(f)->state, PM_TARGET_ACTIVE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_target_ends_at_its_limit),
      TEST(test_given_up_and_back),
      TEST(test_a_learned_target_that_is_given_up_is_forgotten),
      TEST(test_what_cannot_be_added),
      TEST(test_removal_while_a_probe_is_under_way),
      TEST(test_what_is_paused_is_not_probed),
      TEST(test_a_pause_gives_up_what_is_under_way),
      TEST(test_closing_ends_what_is_active_in_order),
      TEST(test_a_sample_handler_may_remove_its_target),
      TEST(test_an_end_handler_may_add_a_target),
      TEST(test_a_sample_handler_may_close_the_prober),
      TEST(test_a_probe_that_finds_no_place_is_a_sample),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
