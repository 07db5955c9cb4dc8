/* Absolute deadlines: who is slow is sent away, however busy he looks. Asserted is what happens,
 * and in which order; how long it takes only has an upper bound far away (the fixture's patience).
 */
#include "server_fixture.h"

#define HOST "Host: a\r\n"

enum { SHORT_MS = 40 };

/* Sends a byte at every step until an answer comes; it must come while the drip goes on. */
static struct reading drip(struct fixture *f, int fd) {
  struct reading reading = {0};
  size_t sent = 0;
  while (answer_bytes(&reading, false) == 0) {
    if (send(fd, "x", 1, MSG_NOSIGNAL) == 1) sent++;
    step(f, -1);
    client_read(fd, &reading);
    assert_false(reading.reset);
    assert_true(sent < 8000); /* so that no cap on bytes did it */
  }
  assert_true(sent > 1);
  return reading;
}

static void expect_drip_refused(const char *beginning) {
  struct fixture f;
  fixture_init(&f);
  f.config.header_ms = f.config.body_ms = SHORT_MS;
  fixture_start(&f);
  const int fd = client_settle(&f);
  client_send(&f, fd, beginning);
  struct reading reading = drip(&f, fd);
  assert_has(reading.text, "HTTP/1.1 408 Request Timeout\r\n");
  assert_has(reading.text, "Connection: close\r\n");
  assert_int_equal(f.handled, 0);
  assert_int_equal(counts_of(&f).timeouts, 1);
  reading_free(&reading);
  close(fd);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  fixture_end(&f);
}

static void test_dripping_head(void **state) {
  (void)state;
  expect_drip_refused("GET / HTTP/1.1\r\n" HOST "X-Slow: ");
}

static void test_dripping_body(void **state) {
  (void)state;
  expect_drip_refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 9000\r\n\r\n");
}

static void test_silence(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.header_ms = SHORT_MS;
  fixture_start(&f);
  const int fd = client_settle(&f);
  expect_silent_end(&f, fd);
  assert_int_equal(counts_of(&f).timeouts, 1);
  close(fd);
  fixture_end(&f);
}

/* A wait that began later and is shorter ends first. */
static void test_order(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.header_ms = 10 * PATIENCE_MS;
  f.config.idle_ms = SHORT_MS;
  fixture_start(&f);
  const int silent = client_settle(&f);
  const int idle = client_settle(&f);
  expect_answer(&f, idle, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  expect_silent_end(&f, idle);
  assert_int_equal(counts_of(&f).timeouts, 0); /* idleness is nobody's fault */
  assert_int_equal(counts_of(&f).open, 1);
  expect_answer(&f, silent, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  close(idle);
  close(silent);
  fixture_end(&f);
}

static void test_unread_answer(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.write_ms = SHORT_MS;
  fixture_start(&f);
  const int fd = client_settle(&f);
  client_send(&f, fd, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, -1, counts_of(&f).timeouts == 1);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  struct reading reading = client_read_to_end(&f, fd);
  assert_true(reading.reset); /* a short answer must not look like a whole one */
  reading_free(&reading);
  close(fd);
  fixture_end(&f);
}

/* Reading a little now and then does not prolong it either. */
static void test_dripping_reader(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.write_ms = SHORT_MS;
  fixture_start(&f);
  const int fd = client_settle(&f);
  client_send(&f, fd, "GET /big?60000000 HTTP/1.1\r\n" HOST "\r\n");
  size_t bytes = 0;
  STEP_UNTIL(&f, -1, ({
    char some[4096];
    const ssize_t count = recv(fd, some, sizeof(some), 0);
    bytes += count > 0 ? (size_t)count : 0;
    counts_of(&f).timeouts == 1;
  }));
  assert_true(bytes > 0);
  assert_true(bytes < 30000000);
  close(fd);
  fixture_end(&f);
}

static void test_lingering(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.linger_ms = SHORT_MS;
  fixture_start(&f);
  const int fd = client_settle(&f);
  expect_last_answer(&f, fd, "NONSENSE\r\n", "501");
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0); /* although we never closed */
  assert_int_equal(counts_of(&f).timeouts, 0);
  close(fd);
  fixture_end(&f);
}

/* A lingering connection does not read for ever. */
static void test_draining_is_bounded(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.linger_ms = 10 * PATIENCE_MS;
  fixture_start(&f);
  const int fd = client_settle(&f);
  client_send(&f, fd, "NONSENSE\r\n");
  static const char more[16384];
  STEP_UNTIL(&f, -1, (send(fd, more, sizeof(more), MSG_NOSIGNAL), counts_of(&f).open == 0));
  close(fd);
  fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dripping_head), cmocka_unit_test(test_dripping_body),
      cmocka_unit_test(test_silence),       cmocka_unit_test(test_order),
      cmocka_unit_test(test_unread_answer), cmocka_unit_test(test_dripping_reader),
      cmocka_unit_test(test_lingering),     cmocka_unit_test(test_draining_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
