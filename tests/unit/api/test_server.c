/* The server over real sockets: what goes over the wire, and when a connection ends. */
#include "server_fixture.h"

#define HOST "Host: a\r\n"

static void test_answer(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_connect(&f);
  client_send(&f, fd, "GET /v1/ping HTTP/1.1\r\n" HOST "\r\n");
  struct reading reading = client_answer(&f, fd);
  char *date = strstr(reading.text, "Date: ");
  assert_non_null(date);
  char day[4];
  char month[4];
  int number;
  int year;
  int end = 0;
  assert_int_equal(
      sscanf(date, "Date: %3s, %2d %3s %4d %*2d:%*2d:%*2d GMT%n", day, &number, month, &year, &end),
      4);
  day[3] = '\0';
  assert_int_equal(end, 6 + 29);
  memset(date + 6, '-', 29);
  assert_string_equal(reading.text, "HTTP/1.1 200 OK\r\n"
                                    "Server: pingmesh\r\n"
                                    "X-Content-Type-Options: nosniff\r\n"
                                    "Date: -----------------------------\r\n"
                                    "Connection: keep-alive\r\n"
                                    "Content-Type: text/plain\r\n"
                                    "Content-Length: 6\r\n"
                                    "Pingmesh-Test: yes\r\n"
                                    "\r\n"
                                    "hello\n");
  struct pm_ip loopback;
  assert_int_equal(pm_ip_parse("127.0.0.1", &loopback), PM_OK);
  assert_true(pm_ip_equal(&f.client, &loopback));
  assert_false(f.tls);
  reading_free(&reading);
  close(fd);
  fixture_end(&f);
}

static void test_answers_without_body(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_connect(&f);
  struct reading reading = {0};

  client_send(&f, fd, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, fd, (client_read(fd, &reading), answer_bytes(&reading, true) > 0));
  assert_has(reading.text, "Content-Length: 6\r\n");
  assert_int_equal(reading.bytes, answer_bytes(&reading, true));
  reading_free(&reading);

  client_send(&f, fd, "GET /none HTTP/1.1\r\n" HOST "\r\n");
  reading = client_answer(&f, fd);
  assert_has(reading.text, "HTTP/1.1 204 No Content\r\n");
  assert_has_not(reading.text, "\r\nContent-");
  reading_free(&reading);

  client_send(&f, fd, "GET /empty HTTP/1.1\r\n" HOST "\r\n");
  reading = client_answer(&f, fd);
  assert_has(reading.text, "Content-Length: 0\r\n");
  assert_has_not(reading.text, "\r\nContent-Type");
  reading_free(&reading);
  close(fd);
  fixture_end(&f);
}

static void test_keep_alive(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.requests_per_connection_max = 4;
  fixture_start(&f);
  const int fd = client_connect(&f);
  expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  expect_answer(&f, fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "200",
                "abc");
  expect_answer(&f, fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200", "hello\n");
  expect_last_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200"); /* the fourth */
  assert_int_equal(counts_of(&f).connections, 1);
  assert_int_equal(counts_of(&f).requests, 4);
  close(fd);
  fixture_end(&f);
}

static void test_close_on_request(void **state) {
  static const char *const requests[] = {
      "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
      "GET /close HTTP/1.1\r\n" HOST "\r\n", /* the handler wants it */
  };
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
    const int fd = client_connect(&f);
    expect_last_answer(&f, fd, requests[i], "200");
    close(fd);
  }
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  fixture_end(&f);
}

static void test_request_in_pieces(void **state) {
  static const char request[] = "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_settle(&f);
  for (size_t i = 0; i < sizeof(request) - 2; i++) {
    client_send_bytes(&f, fd, request + i, 1);
    step(&f, -1);
  }
  assert_int_equal(f.handled, 0);
  expect_answer(&f, fd, "\n", "200", "abcde");
  close(fd);
  fixture_end(&f);
}

static void test_continue(void **state) {
  static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
  struct fixture f;
  struct reading reading = {0};
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_connect(&f);
  client_send(&f, fd,
              "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  STEP_UNTIL(&f, fd, (client_read(fd, &reading), reading.bytes >= sizeof(interim) - 1));
  assert_string_equal(reading.text, interim);
  assert_int_equal(f.handled, 0);
  expect_answer(&f, fd, "ok", "200", "ok");
  reading_free(&reading);
  close(fd);
  fixture_end(&f);
}

/* Without lingering the client would see a reset here, and often no answer. */
static void test_answer_before_unread_bytes(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);

  int fd = client_connect(&f);
  expect_last_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "200");
  assert_int_equal(f.handled, 1); /* the second is not looked at */
  close(fd);

  enum { BODY_BYTES = 200 * 1000 };
  char *request = malloc(BODY_BYTES + 128);
  assert_non_null(request);
  int at =
      snprintf(request, 128, "POST / HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", BODY_BYTES);
  memset(request + at, 'x', BODY_BYTES);
  request[at + BODY_BYTES] = '\0';
  fd = client_connect(&f);
  expect_last_answer(&f, fd, request, "413");
  close(fd);

  memset(request, 'x', BODY_BYTES);
  memcpy(request, "GET / NONSENSE\r\n", 16);
  request[BODY_BYTES] = '\0';
  fd = client_connect(&f);
  expect_last_answer(&f, fd, request, "400");
  close(fd);
  free(request);

  assert_int_equal(counts_of(&f).bad_requests, 2);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  fixture_end(&f);
}

static void test_refusal_explains_itself(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_connect(&f);
  client_send(&f, fd, "GET / HTTP/1.1\r\n\r\n");
  struct reading reading = client_read_to_end(&f, fd);
  assert_has(reading.text, "HTTP/1.1 400 Bad Request\r\n");
  assert_has(reading.text, "Content-Type: application/problem+json\r\n");
  assert_string_equal(body_of(&reading), "{\n"
                                         "  \"title\": \"Bad Request\",\n"
                                         "  \"status\": 400,\n"
                                         "  \"detail\": \"The Host header is missing.\"\n"
                                         "}\n");
  reading_free(&reading);
  close(fd);
  fixture_end(&f);
}

static void test_failed_handler(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_connect(&f);
  expect_answer(&f, fd, "GET /broken HTTP/1.1\r\n" HOST "\r\n", "500", NULL);
  expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  close(fd);
  fixture_end(&f);
}

static void test_large_answer(void **state) {
  enum { BYTES = 20 * 1000 * 1000 / 16 * 16 };
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_connect(&f);
  char request[80];
  for (int i = 0; i < 2; i++) {
    snprintf(request, sizeof(request), "GET /big?%d HTTP/1.1\r\n" HOST "\r\n", BYTES);
    client_send(&f, fd, request);
    struct reading reading = client_answer(&f, fd);
    const char *body = body_of(&reading);
    assert_int_equal(strlen(body), BYTES);
    size_t at = 0;
    while (at < BYTES && memcmp(body + at, "0123456789abcde\n", 16) == 0) at += 16;
    assert_int_equal(at, BYTES);
    reading_free(&reading);
  }
  close(fd);
  fixture_end(&f);
}

/* Who does not fetch an answer must not make the node hold many of them, nor keep others from small
 * ones; and who is slowest makes room. */
static void test_queued_bytes_cap(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.response_bytes_queued_max = 1000 * 1000;
  fixture_start(&f);
  const int slow = client_connect(&f);
  client_send(&f, slow, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, -1, f.handled == 1);

  int other = client_connect(&f);
  expect_answer(&f, other, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  expect_last_answer(&f, other, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n", "503");
  close(other);

  struct reading reading = client_read_to_end(&f, slow);
  assert_true(reading.reset);
  assert_true(reading.bytes < 30000000);
  reading_free(&reading);
  close(slow);
  other = client_connect(&f);
  client_send(&f, other, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
  reading = client_answer(&f, other);
  assert_int_equal(strlen(body_of(&reading)), 30000000);
  reading_free(&reading);
  close(other);
  fixture_end(&f);
}

static void test_client_goes_away(void **state) {
  static const char *const beginnings[] = {
      "", "GET / HT", "POST / HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nabc"};
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
    const int fd = client_settle(&f);
    client_send(&f, fd, beginnings[i]);
    step(&f, -1);
    assert_int_equal(counts_of(&f).open, 1);
    close(fd);
    STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  }
  /* In the middle of an answer. */
  const int fd = client_connect(&f);
  client_send(&f, fd, "GET /big?30000000 HTTP/1.1\r\n" HOST "\r\n");
  STEP_UNTIL(&f, -1, f.handled == 1);
  close(fd);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  fixture_end(&f);
}

/* A client that ends its direction after the request still gets its answer. */
static void test_half_closed(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  fixture_start(&f);
  const int fd = client_settle(&f);
  client_send(&f, fd, "GET /big?3000000 HTTP/1.0\r\n\r\n");
  assert_int_equal(shutdown(fd, SHUT_WR), 0);
  struct reading reading = client_read_to_end(&f, fd);
  assert_true(reading.ended);
  assert_int_equal(strlen(body_of(&reading)), 3000000);
  reading_free(&reading);
  close(fd);
  fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answer),
      cmocka_unit_test(test_answers_without_body),
      cmocka_unit_test(test_keep_alive),
      cmocka_unit_test(test_close_on_request),
      cmocka_unit_test(test_request_in_pieces),
      cmocka_unit_test(test_continue),
      cmocka_unit_test(test_answer_before_unread_bytes),
      cmocka_unit_test(test_refusal_explains_itself),
      cmocka_unit_test(test_failed_handler),
      cmocka_unit_test(test_large_answer),
      cmocka_unit_test(test_queued_bytes_cap),
      cmocka_unit_test(test_client_goes_away),
      cmocka_unit_test(test_half_closed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
