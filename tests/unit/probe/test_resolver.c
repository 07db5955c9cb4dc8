#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "name_server.h"
#include "probe/resolver.h"

static const struct name_record zone[] = {
    {.name = "one.test", .ips = {"192.0.2.1"}, .ttl_s = 60},
    {.name = "brief.test", .ips = {"192.0.2.2"}, .ttl_s = 0},
    {.name = "three.test", .ips = {"192.0.2.1", "192.0.2.2", "192.0.2.3"}, .ttl_s = 60},
    {.name = "many.test",
     .ips = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6",
             "192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10"},
     .ttl_s = 60},
    {.name = "empty.test"},
    {.name = "failing.test", .rcode = 2},
    {.name = "silent.test", .silent = true},
    {.name = NULL},
};

struct fixture {
  uv_loop_t loop;
  struct name_server server;
  struct pm_resolver *resolver;
};

/* What a lookup came to. */
struct outcome {
  int calls;
  enum pm_err err;
  size_t count;
  struct pm_ip first;
  int64_t took_ns;
  char reason[64];
  void (*then)(struct outcome *outcome); /* within the callback */
  struct fixture *fixture;
  struct pm_lookup lookup;
  struct pm_lookup *other;
};

static void on_answer(void *owner, const struct pm_resolver_answer *answer) {
  struct outcome *o = owner;
  o->calls++;
  o->err = answer->err;
  o->count = answer->count;
  if (answer->count > 0) o->first = answer->addresses[0];
  o->took_ns = answer->took_ns;
  snprintf(o->reason, sizeof o->reason, "%s", answer->reason);
  uv_stop(&o->fixture->loop);
  if (o->then) o->then(o);
}

static int setup(void **state) {
  static struct fixture f;
  f = (struct fixture){0};
  assert_int_equal(uv_loop_init(&f.loop), 0);
  name_server_open(&f.server, &f.loop, zone);
  struct pm_why why;
  assert_int_equal(pm_resolver_open(&f.loop, 7, f.server.address, &f.resolver, &why), PM_OK);
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (f->resolver) pm_resolver_close(f->resolver, NULL, NULL);
  name_server_close(&f->server);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  return uv_loop_close(&f->loop); /* fails if a handle was left */
}

static void start(struct fixture *f, struct outcome *o, const char *host, int64_t timeout_ms) {
  o->fixture = f;
  assert_int_equal(pm_resolver_start(f->resolver, &o->lookup, host, timeout_ms, on_answer, o),
                   PM_OK);
  assert_int_equal(o->calls, 0); /* never from inside */
}

static void wait_for(struct fixture *f, const struct outcome *o) {
  while (o->calls == 0) uv_run(&f->loop, UV_RUN_DEFAULT);
}

static void look_up(struct fixture *f, struct outcome *o, const char *host) {
  *o = (struct outcome){0};
  start(f, o, host, 5000);
  wait_for(f, o);
}

static struct pm_ip ip(const char *text) {
  struct pm_ip value;
  assert_int_equal(pm_ip_parse(text, &value), PM_OK);
  return value;
}

static void test_outcomes(void **state) {
  static const struct {
    const char *host;
    enum pm_err err;
    size_t count;
    const char *reason;
  } table[] = {
      {"one.test", PM_OK, 1, ""},
      {"many.test", PM_OK, PM_RESOLVER_ADDRESSES_MAX, ""},
      {"empty.test", PM_ERR_MISSING, 0, "the name has no address"},
      {"nowhere.test", PM_ERR_MISSING, 0, "no such name"},
      {"failing.test", PM_ERR_IO, 0, "no name server could be reached"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct outcome o;
    look_up(*state, &o, table[i].host);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.err, table[i].err);
    assert_int_equal(o.count, table[i].count);
    assert_string_equal(o.reason, table[i].reason);
    assert_true(o.took_ns > 0);
  }
}

static void test_an_answer_is_used_again_even_with_a_ttl_of_0(void **state) {
  struct fixture *f = *state;
  size_t count = 99;
  assert_null(pm_resolver_cached(f->resolver, "brief.test", &count));
  struct outcome o;
  look_up(f, &o, "brief.test");
  const struct pm_ip *cached = pm_resolver_cached(f->resolver, "brief.test", &count);
  assert_non_null(cached);
  assert_int_equal(count, 1);
  struct pm_ip expected = ip("192.0.2.2");
  assert_true(pm_ip_equal(&cached[0], &expected));
  assert_int_equal(f->server.a_questions, 1);
}

static void test_a_failure_is_not_kept(void **state) {
  struct fixture *f = *state;
  struct outcome o;
  size_t count;
  for (size_t i = 1; i <= 2; i++) {
    look_up(f, &o, "nowhere.test");
    assert_null(pm_resolver_cached(f->resolver, "nowhere.test", &count));
    assert_int_equal(f->server.a_questions, i);
  }
}

static void test_lookups_of_one_name_share_a_query(void **state) {
  struct fixture *f = *state;
  struct outcome a = {0}, b = {0}, c = {0};
  start(f, &a, "one.test", 5000);
  start(f, &b, "one.test", 5000);
  start(f, &c, "three.test", 5000);
  wait_for(f, &a);
  wait_for(f, &b);
  wait_for(f, &c);
  assert_int_equal(f->server.a_questions, 2);
  assert_int_equal(a.count, 1);
  assert_int_equal(b.count, 1);
  assert_int_equal(c.count, 3);
}

static void test_a_lookup_ends_at_its_deadline(void **state) {
  struct fixture *f = *state;
  struct outcome late = {0}, soon = {0};
  start(f, &late, "silent.test", 120);
  start(f, &soon, "silent.test", 40);
  wait_for(f, &soon);
  assert_int_equal(late.calls, 0);
  wait_for(f, &late);
  assert_int_equal(soon.err, PM_ERR_TIMEOUT);
  assert_string_equal(soon.reason, "no answer in time");
  assert_in_range(soon.took_ns, 40 * PM_NS_PER_MS, 120 * PM_NS_PER_MS);
  assert_true(late.took_ns >= 120 * (int64_t)PM_NS_PER_MS);
}

static void test_a_cancelled_lookup_is_not_told(void **state) {
  struct fixture *f = *state;
  struct outcome a = {0}, b = {0};
  start(f, &a, "one.test", 5000);
  start(f, &b, "one.test", 5000);
  pm_resolver_cancel(f->resolver, &a.lookup);
  pm_resolver_cancel(f->resolver, &a.lookup); /* twice is fine */
  wait_for(f, &b);
  assert_int_equal(a.calls, 0);
}

static void cancel_other(struct outcome *o) {
  pm_resolver_cancel(o->fixture->resolver, o->other);
}

static void test_a_callback_may_cancel_the_next(void **state) {
  struct fixture *f = *state;
  struct outcome a = {.then = cancel_other}, b = {.then = cancel_other};
  a.other = &b.lookup;
  b.other = &a.lookup;
  start(f, &a, "one.test", 5000);
  start(f, &b, "one.test", 5000);
  while (a.calls + b.calls == 0) uv_run(&f->loop, UV_RUN_DEFAULT);
  for (int i = 0; i < 10; i++) uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(a.calls + b.calls, 1);
}

static void again(struct outcome *o) {
  if (o->calls == 3) return;
  int err = pm_resolver_start(o->fixture->resolver, &o->lookup, "nowhere.test", 5000, on_answer, o);
  assert_int_equal(err, PM_OK);
}

static void test_asking_again_within_the_callback_asks_the_server_again(void **state) {
  struct fixture *f = *state;
  struct outcome o = {.then = again};
  start(f, &o, "nowhere.test", 5000);
  while (o.calls < 3) uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(f->server.a_questions, 3);
}

static void close_resolver(struct outcome *o) {
  pm_resolver_close(o->fixture->resolver, NULL, NULL);
  o->fixture->resolver = NULL;
}

static void test_a_callback_may_close_the_resolver(void **state) {
  struct fixture *f = *state;
  struct outcome a = {.then = close_resolver}, b = {.then = close_resolver}, c = {0};
  start(f, &a, "one.test", 5000);
  start(f, &b, "one.test", 5000);
  start(f, &c, "silent.test", 5000);
  while (a.calls + b.calls == 0) uv_run(&f->loop, UV_RUN_DEFAULT);
  for (int i = 0; i < 10; i++) uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(a.calls + b.calls, 1);
  assert_int_equal(c.calls, 0);
}

static void test_an_address_that_failed_comes_last(void **state) {
  struct fixture *f = *state;
  struct outcome o;
  size_t count;
  look_up(f, &o, "three.test");
  const struct pm_ip *cached = pm_resolver_cached(f->resolver, "three.test", &count);
  struct pm_ip first = cached[0], second = cached[1], third = cached[2];
  pm_resolver_avoid(f->resolver, "three.test", &second); /* is not in use: nothing to avoid */
  assert_true(pm_ip_equal(&cached[0], &first));
  pm_resolver_avoid(f->resolver, "three.test", &first);
  cached = pm_resolver_cached(f->resolver, "three.test", &count);
  assert_int_equal(count, 3);
  assert_true(pm_ip_equal(&cached[0], &second));
  assert_true(pm_ip_equal(&cached[1], &third));
  assert_true(pm_ip_equal(&cached[2], &first));
  /* A new answer keeps the one in use in front. */
  look_up(f, &o, "three.test");
  assert_true(pm_ip_equal(&o.first, &second));
}

/* The original kept the address of the first success for ever. */
static void test_a_name_that_moves_is_followed(void **state) {
  static const struct name_record moved[] = {
      {.name = "one.test", .ips = {"10.9.9.9", "10.9.9.8"}, .ttl_s = 60}, {.name = NULL}};
  static const struct name_record gone[] = {{.name = "one.test", .rcode = 3}, {.name = NULL}};
  struct fixture *f = *state;
  struct outcome o;
  size_t count;
  look_up(f, &o, "one.test");
  const struct pm_ip before = o.first;
  f->server.records = moved;
  look_up(f, &o, "one.test");
  assert_int_equal(o.count, 2);
  const struct pm_ip *cached = pm_resolver_cached(f->resolver, "one.test", &count);
  assert_int_equal(count, 2);
  for (size_t i = 0; i < count; i++) assert_false(pm_ip_equal(&cached[i], &before));
  f->server.records = gone;
  look_up(f, &o, "one.test");
  assert_int_equal(o.err, PM_ERR_MISSING);
  assert_int_equal(o.count, 0);
}

/* From the hosts file, or without one. */
static void test_localhost_is_no_question(void **state) {
  struct outcome o;
  look_up(*state, &o, "localhost");
  assert_int_equal(o.err, PM_OK);
  assert_int_equal(pm_ip_classify(&o.first), PM_IP_CLASS_LOOPBACK);
  assert_int_equal(((struct fixture *)*state)->server.a_questions, 0);
}

static void test_the_table_is_bounded(void **state) {
  struct fixture *f = *state;
  struct outcome *all = calloc(PM_RESOLVER_NAMES_MAX, sizeof *all);
  assert_non_null(all);
  char host[32];
  /* Labels of more than 63 characters end without a query, so that this stays quick. */
  static const char label[] =
      "0123456789012345678901234567890123456789012345678901234567890123456789";
  char long_host[128];
  for (size_t i = 0; i < PM_RESOLVER_NAMES_MAX; i++) {
    snprintf(long_host, sizeof long_host, "%s.n%zu.test", label, i);
    start(f, &all[i], long_host, 60000);
  }
  struct pm_lookup one_more = {0};
  snprintf(host, sizeof host, "one.test");
  assert_int_equal(pm_resolver_start(f->resolver, &one_more, host, 5000, on_answer, NULL),
                   PM_ERR_FULL);
  for (size_t i = 0; i < PM_RESOLVER_NAMES_MAX; i++) wait_for(f, &all[i]);
  assert_int_equal(all[0].err, PM_ERR_MISSING);
  struct outcome o; /* nobody waits any more: the oldest gives way */
  look_up(f, &o, "one.test");
  assert_int_equal(o.err, PM_OK);
  free(all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_outcomes),
      TEST(test_an_answer_is_used_again_even_with_a_ttl_of_0),
      TEST(test_a_failure_is_not_kept),
      TEST(test_lookups_of_one_name_share_a_query),
      TEST(test_a_lookup_ends_at_its_deadline),
      TEST(test_a_cancelled_lookup_is_not_told),
      TEST(test_a_callback_may_cancel_the_next),
      TEST(test_asking_again_within_the_callback_asks_the_server_again),
      TEST(test_a_callback_may_close_the_resolver),
      TEST(test_an_address_that_failed_comes_last),
      TEST(test_a_name_that_moves_is_followed),
      TEST(test_localhost_is_no_question),
      TEST(test_the_table_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
