/* Queries alone: what an answer holds, how long to wait, and what an end leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "name_server.h"
#include "probe/dns_channel.h"

static const struct name_record zone[] = {
    {.name = "one.test", .ips = {"192.0.2.1"}, .ttl_s = 60},
    {.name = "again.test", .ips = {"192.0.2.1", "192.0.2.2", "192.0.2.1"}, .ttl_s = 7},
    {.name = "many.test",
     .ips = {"192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5",
             "192.0.2.6", "192.0.2.7", "192.0.2.8", "192.0.2.9"},
     .ttl_s = 86400},
    {.name = "empty.test"},
    {.name = "silent.test", .silent = true},
    {.name = NULL},
};

struct fixture {
  uv_loop_t loop;
  struct name_server server;
  struct pm_dns_channel *channel;
  struct pm_dns_query query;
  int answered, worked, closed;
  struct pm_dns_answer answer; /* the last */
};

static void on_answered(void *owner, void *query_owner, const struct pm_dns_answer *answer) {
  struct fixture *f = owner;
  assert_ptr_equal(query_owner, &f->query);
  f->answered++;
  f->answer = *answer;
}

static void on_worked(void *owner) {
  struct fixture *f = owner;
  f->worked++;
  uv_stop(&f->loop);
}

static void on_closed(void *owner) {
  struct fixture *f = owner;
  f->closed++;
  f->channel = NULL;
}

static int setup(void **state) {
  static const struct pm_dns_channel_hooks hooks = {.answered = on_answered, .worked = on_worked};
  static struct fixture f;
  f = (struct fixture){.answered = 0};
  assert_int_equal(uv_loop_init(&f.loop), 0);
  name_server_open(&f.server, &f.loop, zone);
  struct pm_why why;
  assert_int_equal(pm_dns_channel_open(&f.loop, f.server.address, &hooks, &f, &f.channel, &why),
                   PM_OK);
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (f->channel) pm_dns_channel_close(f->channel, on_closed, f);
  name_server_close(&f->server);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(f->closed, 1);
  return uv_loop_close(&f->loop); /* fails if a handle was left */
}

static void ask(struct fixture *f, const char *host) {
  pm_dns_channel_ask(f->channel, &f->query, host, &f->query);
}

static void wait_for_answers(struct fixture *f, int count) {
  while (f->answered < count) uv_run(&f->loop, UV_RUN_DEFAULT);
}

static void what_an_answer_holds(void **state) {
  static const struct {
    const char *host;
    enum pm_err err;
    size_t count;
    int ttl_s;
    const char *reason;
  } table[] = {
      {"one.test", PM_OK, 1, 60, ""},
      {"again.test", PM_OK, 2, 7, ""},    /* each once */
      {"many.test", PM_OK, 8, 86400, ""}, /* as many as there is room for */
      {"empty.test", PM_ERR_MISSING, 0, 0, "the name has no address"},
      {"nowhere.test", PM_ERR_MISSING, 0, 0, "no such name"},
  };
  struct fixture *f = *state;
  for (int i = 0; i < (int)(sizeof table / sizeof *table); i++) {
    ask(f, table[i].host);
    assert_int_equal(f->answered, i); /* it takes the loop */
    wait_for_answers(f, i + 1);
    assert_int_equal(f->answer.err, table[i].err);
    assert_int_equal(f->answer.count, table[i].count);
    if (table[i].err == PM_OK) assert_int_equal(f->answer.ttl_s, table[i].ttl_s);
    assert_string_equal(f->answer.reason, table[i].reason);
    for (size_t a = 0; a < f->answer.count; a++)
      for (size_t b = 0; b < a; b++)
        assert_false(pm_ip_equal(&f->answer.addresses[a], &f->answer.addresses[b]));
  }
  assert_true(f->worked >= 5);
}

static void what_needs_no_server_is_answered_from_inside(void **state) {
  struct fixture *f = *state;
  ask(f, "a-label-of-more-than-63-characters-cannot-be-asked-for-by-anybody.test");
  assert_int_equal(f->answered, 1);
  assert_int_equal(f->worked, 0);
  assert_int_equal(f->answer.err, PM_ERR_MISSING);
  assert_int_equal(f->server.a_questions, 0);
}

static void it_waits_only_for_queries(void **state) {
  struct fixture *f = *state;
  assert_int_equal(pm_dns_channel_wait_ms(f->channel), INT64_MAX);
  pm_dns_channel_process(f->channel);
  ask(f, "silent.test");
  assert_in_range(pm_dns_channel_wait_ms(f->channel), 1, 2001); /* the first try's 2 s */
  pm_dns_channel_close(f->channel, on_closed, f);
  uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(f->answered, 0); /* a query that is forgotten is not answered */
}

static void without_a_socket_it_closes_at_once(void **state) {
  struct fixture *f = *state;
  pm_dns_channel_close(f->channel, on_closed, f);
  assert_int_equal(f->closed, 1);
}

static void with_a_socket_it_closes_from_the_loop(void **state) {
  struct fixture *f = *state;
  ask(f, "silent.test");
  pm_dns_channel_close(f->channel, on_closed, f);
  assert_int_equal(f->closed, 0);
  uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(f->closed, 1);
}

static void wrong_servers_are_refused(void **state) {
  struct fixture *f = *state;
  static const struct pm_dns_channel_hooks hooks = {.answered = on_answered, .worked = on_worked};
  struct pm_dns_channel *channel = NULL;
  struct pm_why why = {""};
  assert_int_equal(pm_dns_channel_open(&f->loop, "not an address", &hooks, f, &channel, &why),
                   PM_ERR_SYSTEM);
  assert_null(channel);
  assert_memory_equal(why.text, "the name resolver cannot start: ", 32);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(what_an_answer_holds),
      TEST(what_needs_no_server_is_answered_from_inside),
      TEST(it_waits_only_for_queries),
      TEST(without_a_socket_it_closes_at_once),
      TEST(with_a_socket_it_closes_from_the_loop),
      TEST(wrong_servers_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
