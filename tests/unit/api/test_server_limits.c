/* When places or descriptors run out; and where the server listens. */
#include <sys/resource.h>

#include "server_fixture.h"

#define HOST "Host: a\r\n"

static bool has_ended(int fd) {
  struct reading reading = {0};
  client_read(fd, &reading);
  const bool ended = reading.ended || reading.reset;
  reading_free(&reading);
  return ended;
}

static void test_longest_idle_gives_way(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.connections_max = 3;
  fixture_start(&f);
  const int busy = client_settle(&f);
  client_send(&f, busy, "GET / HT");
  const int idle = client_settle(&f);
  const int silent = client_settle(&f);
  expect_answer(&f, idle, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");

  /* silent has waited for longer than idle has since its answer. */
  const int fourth = client_settle(&f);
  expect_silent_end(&f, silent);
  assert_false(has_ended(idle));
  expect_answer(&f, fourth, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  const int fifth = client_settle(&f);
  expect_silent_end(&f, idle);
  expect_answer(&f, fifth, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  assert_int_equal(counts_of(&f).gave_way, 2);
  assert_int_equal(counts_of(&f).open, 3);
  expect_answer(&f, busy, "TP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  const int all[] = {busy, idle, silent, fourth, fifth};
  for (size_t i = 0; i < 5; i++) close(all[i]);
  fixture_end(&f);
}

/* Whoever only begins to ask cannot keep the others out. */
static void test_half_request_gives_way(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.connections_max = 2;
  fixture_start(&f);
  const int body = client_settle(&f);
  client_send(&f, body, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n1");
  const int head = client_settle(&f);
  client_send(&f, head, "GET / HT");
  step(&f, -1);
  step(&f, -1);
  const int third = client_connect(&f);
  expect_answer(&f, third, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  expect_silent_end(&f, head);
  client_send(&f, third, "GET / HT");
  expect_answer(&f, body, "23456789", "200", "123456789");
  const int fourth = client_connect(&f);
  expect_answer(&f, fourth, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  expect_silent_end(&f, body); /* idle by now, and so before the half request */
  assert_false(has_ended(third));
  assert_int_equal(counts_of(&f).refused_full, 0);
  assert_int_equal(counts_of(&f).gave_way, 2);
  const int all[] = {body, head, third, fourth};
  for (size_t i = 0; i < 4; i++) close(all[i]);
  fixture_end(&f);
}

static int client_being_answered(struct fixture *f) {
  const unsigned before = f->handled;
  const int fd = client_settle(f);
  client_send(f, fd, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(f, -1, f->handled == before + 1);
  return fd;
}

static void expect_big_answer(struct fixture *f, int fd) {
  struct reading reading = client_answer(f, fd);
  assert_int_equal(strlen(body_of(&reading)), 30000000);
  reading_free(&reading);
}

static void test_all_being_answered(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.connections_max = 2;
  fixture_start(&f);
  const int first = client_being_answered(&f);
  const int second = client_being_answered(&f);
  const int third = client_settle(&f);
  expect_silent_end(&f, third);
  assert_int_equal(counts_of(&f).refused_full, 1);
  assert_int_equal(counts_of(&f).gave_way, 0);
  expect_big_answer(&f, first);
  expect_big_answer(&f, second);
  close(first);
  close(second);
  close(third);
  fixture_end(&f);
}

/* From now on no descriptor can be had; returns what to restore. */
static struct rlimit exhaust_descriptors(void) {
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(STDIN_FILENO); /* the lowest that is free */
  assert_true(next >= 0);
  close(next);
  const struct rlimit none = {(rlim_t)next, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  return before;
}

static void test_no_descriptors(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int busy = client_being_answered(&f);
  const int waiting = client_connect(&f);
  client_send(&f, waiting, "GET / HTTP/1.1\r\n" HOST "\r\n");
  const struct rlimit before = exhaust_descriptors();
  /* The connection is in the kernel's queue, yet the loop comes to rest: it does not spin. */
  STEP_UNTIL(&f, -1, ({
    struct pollfd loop = {uv_backend_fd(&f.loop), POLLIN, 0};
    poll(&loop, 1, 0) == 0 && uv_backend_timeout(&f.loop) > 1;
  }));
  assert_int_equal(counts_of(&f).connections, 1);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  struct reading reading = client_answer(&f, waiting);
  assert_has(reading.text, "HTTP/1.1 200 OK\r\n");
  reading_free(&reading);
  expect_big_answer(&f, busy);
  close(busy);
  close(waiting);
  fixture_end(&f);
}

static void test_idle_gives_its_descriptor(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int idle = client_settle(&f);
  expect_answer(&f, idle, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  const int waiting = client_connect(&f);
  const struct rlimit before = exhaust_descriptors();
  expect_answer(&f, waiting, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  expect_silent_end(&f, idle);
  assert_int_equal(counts_of(&f).gave_way, 1);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  close(idle);
  close(waiting);
  fixture_end(&f);
}

static bool machine_has_v6(void) {
  const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  const bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
  if (fd >= 0) close(fd);
  return has;
}

static int connect_v6(const struct fixture *f) {
  const struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                       .sin6_port = htons(pm_server_port(f->server)),
                                       .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  return fd;
}

static void test_all_addresses(void **state) {
  struct fixture f;
  struct pm_ip expected;
  (void)state;
  fixture_init(&f);
  f.config.bind = (struct pm_ip){0};
  fixture_start(&f);
  int fd = client_connect(&f);
  expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  assert_int_equal(pm_ip_parse("127.0.0.1", &expected), PM_OK);
  assert_true(pm_ip_equal(&f.client, &expected)); /* not ::ffff:127.0.0.1 */
  close(fd);
  if (machine_has_v6()) {
    fd = connect_v6(&f);
    assert_true(fd >= 0);
    expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
    assert_int_equal(pm_ip_parse("::1", &expected), PM_OK);
    assert_true(pm_ip_equal(&f.client, &expected));
    close(fd);
  }
  fixture_end(&f);
}

static void test_one_v6_address(void **state) {
  struct fixture f;
  (void)state;
  if (!machine_has_v6()) {
    print_message("no IPv6 on loopback\n");
    skip();
  }
  fixture_init(&f);
  assert_int_equal(pm_ip_parse("::1", &f.config.bind), PM_OK);
  fixture_start(&f);
  const int fd = connect_v6(&f);
  assert_true(fd >= 0);
  expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  close(fd);
  fixture_end(&f);
}

static void test_port_taken(void **state) {
  struct fixture f;
  struct pm_server *second = NULL;
  struct pm_why why = {""};
  char expected[96];
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  struct pm_server_config config = f.config;
  config.port = pm_server_port(f.server);
  assert_int_equal(pm_server_open(&f.loop, &config, handle, &f, &second, &why), PM_ERR_SYSTEM);
  assert_null(second);
  snprintf(expected, sizeof(expected), "port %u on 127.0.0.1: address already in use", config.port);
  assert_string_equal(why.text, expected);
  config.bind = (struct pm_ip){0};
  assert_int_equal(pm_server_open(&f.loop, &config, handle, &f, &second, &why), PM_ERR_SYSTEM);
  snprintf(expected, sizeof(expected), "port %u on all addresses: address already in use",
           config.port);
  assert_string_equal(why.text, expected);
  fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_longest_idle_gives_way),
      cmocka_unit_test(test_half_request_gives_way),
      cmocka_unit_test(test_all_being_answered),
      cmocka_unit_test(test_no_descriptors),
      cmocka_unit_test(test_idle_gives_its_descriptor),
      cmocka_unit_test(test_all_addresses),
      cmocka_unit_test(test_one_v6_address),
      cmocka_unit_test(test_port_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
