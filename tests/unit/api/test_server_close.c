/* The server's end: who may finish, and that nothing is left behind. */
#include "server_fixture.h"

#define HOST "Host: a\r\n"

static void begin_close(struct fixture *f, int64_t grace_ms) {
  pm_server_close(f->server, grace_ms, on_server_closed, f);
  assert_false(f->closed); /* never from within the call */
}

static void test_without_connections(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  begin_close(&f, PATIENCE_MS);
  STEP_UNTIL(&f, -1, f.closed);
  fixture_end(&f);
}

static void test_idle_connections_end_at_once(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fresh = client_settle(&f);
  const int idle = client_settle(&f);
  expect_answer(&f, idle, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  begin_close(&f, PATIENCE_MS);
  expect_silent_end(&f, fresh);
  expect_silent_end(&f, idle);
  STEP_UNTIL(&f, -1, f.closed);
  close(fresh);
  close(idle);
  fixture_end(&f);
}

static void test_request_under_way_is_answered(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_settle(&f);
  client_send(&f, fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab");
  step(&f, -1);
  step(&f, -1);
  begin_close(&f, PATIENCE_MS);
  step(&f, -1);
  assert_false(f.closed);
  expect_last_answer(&f, fd, "cd", "200");
  close(fd);
  STEP_UNTIL(&f, -1, f.closed);
  fixture_end(&f);
}

static void test_from_the_handler(void **state) {
  struct fixture f;
  (void)state;
  for (int settled = 0; settled < 2; settled++) {
    fixture_init(&f);
    fixture_start(&f);
    const int fd = settled ? client_settle(&f) : client_connect(&f);
    expect_last_answer(&f, fd, "GET /quit HTTP/1.1\r\n" HOST "\r\n", "200");
    close(fd);
    STEP_UNTIL(&f, -1, f.closed);
    fixture_end(&f);
  }
}

static void test_grace_ends(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int slow_reader = client_connect(&f);
  client_send(&f, slow_reader, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, -1, f.handled == 1);
  const int slow_writer = client_settle(&f);
  client_send(&f, slow_writer, "GET / HT");
  step(&f, -1);
  begin_close(&f, 40);
  STEP_UNTIL(&f, -1, f.closed);
  assert_int_equal(f.handled, 1);
  close(slow_reader);
  close(slow_writer);
  fixture_end(&f);
}

static void test_port_is_free_afterwards(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const uint16_t port = pm_server_port(f.server);
  const int fd = client_connect(&f);
  expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  begin_close(&f, 0);
  f.config.port = port;
  struct fixture second;
  fixture_init(&second);
  second.config.port = port;
  fixture_start(&second); /* although the first one's connections are in TIME_WAIT */
  assert_int_equal(pm_server_port(second.server), port);
  fixture_end(&second);
  STEP_UNTIL(&f, -1, f.closed);
  close(fd);
  fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_without_connections),
      cmocka_unit_test(test_idle_connections_end_at_once),
      cmocka_unit_test(test_request_under_way_is_answered),
      cmocka_unit_test(test_from_the_handler),
      cmocka_unit_test(test_grace_ends),
      cmocka_unit_test(test_port_is_free_afterwards),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
