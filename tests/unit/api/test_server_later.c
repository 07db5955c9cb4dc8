/* Answers that come later: given, and given up when the client goes, time is over or the server
 * ends. */
#include "server_fixture.h"

#define HOST          "Host: a\r\n"
#define GET_LATER     "GET /later HTTP/1.1\r\n" HOST "\r\n"
#define ASK(f, fd, n) (client_send(f, fd, GET_LATER), wait_for(f, n))

static void wait_for(struct fixture *f, unsigned handled) {
  STEP_UNTIL(f, -1, f->handled == handled);
  assert_int_equal(f->later_err, PM_OK);
}

/* The request is still as it was sent. */
static void fill(void *owner, const struct pm_http_request *request,
                 struct pm_http_response *response) {
  (void)owner;
  response->content_type = "text/plain";
  pm_buf_printf(&response->body, "%s?%s\n", request->path, request->query);
}

static void complete(struct fixture *f, uint64_t id) {
  f->later->answer(f->later->owner, id, fill, f);
}

static void start(struct fixture *f) {
  fixture_init(f);
  fixture_start(f);
}

static void test_answer_comes_later_and_the_connection_goes_on(void **state) {
  struct fixture f;
  (void)state;
  start(&f);
  const int fd = client_settle(&f);
  for (unsigned i = 1; i <= 2; i++) {
    client_send(&f, fd, "GET /later?a=b%20c HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&f, 2 * i - 1);
    complete(&f, f.later_id);
    struct reading reading = client_answer(&f, fd);
    assert_has(reading.text, "HTTP/1.1 200 ");
    assert_string_equal(body_of(&reading), "/later?a=b%20c\n");
    reading_free(&reading);
    expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  }
  complete(&f, f.later_id); /* a second time: dead */
  assert_int_equal(f.cancelled, 0);
  close(fd);
  fixture_end(&f);
}

static void test_answers_find_their_own_connection(void **state) {
  struct fixture f;
  (void)state;
  start(&f);
  const int one = client_settle(&f), two = client_settle(&f);
  client_send(&f, one, "GET /later?one HTTP/1.1\r\n" HOST "\r\n");
  wait_for(&f, 1);
  const uint64_t first = f.later_id;
  client_send(&f, two, "GET /later?two HTTP/1.1\r\n" HOST "\r\n");
  wait_for(&f, 2);
  complete(&f, f.later_id);
  complete(&f, first);
  struct reading a = client_answer(&f, one), b = client_answer(&f, two);
  assert_string_equal(body_of(&a), "/later?one\n");
  assert_string_equal(body_of(&b), "/later?two\n");
  reading_free(&a);
  reading_free(&b);
  close(one);
  close(two);
  fixture_end(&f);
}

static void test_head_gets_no_body(void **state) {
  struct fixture f;
  (void)state;
  start(&f);
  const int fd = client_settle(&f);
  client_send(&f, fd, "HEAD /later HTTP/1.1\r\n" HOST "\r\n");
  wait_for(&f, 1);
  complete(&f, f.later_id);
  struct reading reading = {0};
  STEP_UNTIL(&f, fd, (client_read(fd, &reading), answer_bytes(&reading, true) > 0));
  assert_has(reading.text, "Content-Length: 8\r\n");
  assert_int_equal(reading.bytes, answer_bytes(&reading, true));
  reading_free(&reading);
  close(fd);
  fixture_end(&f);
}

static void test_a_client_that_goes_is_not_answered(void **state) {
  struct fixture f;
  (void)state;
  start(&f);
  const int fd = client_settle(&f);
  ASK(&f, fd, 1);
  close(fd);
  STEP_UNTIL(&f, -1, f.cancelled == 1);
  STEP_UNTIL(&f, -1, counts_of(&f).open == 0);
  complete(&f, f.later_id);
  assert_int_equal(f.cancelled, 1);
  fixture_end(&f);
}

static void test_time_ends(void **state) {
  struct fixture f;
  (void)state;
  fixture_init(&f);
  f.config.later_ms = 20;
  fixture_start(&f);
  const int fd = client_settle(&f);
  expect_answer(&f, fd, GET_LATER, "503", NULL);
  assert_int_equal(f.cancelled, 1);
  assert_int_equal(counts_of(&f).timeouts, 1);
  complete(&f, f.later_id);
  expect_answer(&f, fd, "GET / HTTP/1.1\r\n" HOST "\r\n", "200", "hello\n");
  close(fd);
  fixture_end(&f);
}

static void test_the_servers_end_cancels(void **state) {
  struct fixture f;
  (void)state;
  start(&f);
  const int fd = client_settle(&f);
  ASK(&f, fd, 1);
  pm_server_close(f.server, 1, on_server_closed, &f);
  assert_int_equal(f.cancelled, 0);
  STEP_UNTIL(&f, -1, f.closed);
  assert_int_equal(f.cancelled, 1);
  expect_silent_end(&f, fd);
  close(fd);
  fixture_end(&f);
}

static void test_within_the_grace_it_is_still_answered(void **state) {
  struct fixture f;
  (void)state;
  start(&f);
  const int fd = client_settle(&f);
  ASK(&f, fd, 1);
  pm_server_close(f.server, PATIENCE_MS, on_server_closed, &f);
  complete(&f, f.later_id);
  expect_last_answer(&f, fd, "", "200");
  close(fd);
  STEP_UNTIL(&f, -1, f.closed);
  assert_int_equal(f.cancelled, 0);
  fixture_end(&f);
}

static void test_who_sends_on_meanwhile_gets_one_answer(void **state) {
  struct fixture f;
  (void)state;
  start(&f);
  const int fd = client_settle(&f);
  ASK(&f, fd, 1);
  client_send(&f, fd, GET_LATER);
  for (int i = 0; i < 3; i++) step(&f, -1);
  complete(&f, f.later_id);
  expect_last_answer(&f, fd, "", "200");
  assert_int_equal(f.handled, 1);
  close(fd);
  fixture_end(&f);
}

static void test_too_many_are_refused(void **state) {
  struct fixture f;
  int fds[PM_LATER_MAX];
  (void)state;
  start(&f);
  for (unsigned i = 0; i < PM_LATER_MAX; i++) {
    fds[i] = client_settle(&f);
    ASK(&f, fds[i], i + 1);
  }
  const int more = client_settle(&f);
  expect_answer(&f, more, GET_LATER, "503", "at once\n");
  assert_int_equal(f.later_err, PM_ERR_FULL);
  close(fds[0]);
  STEP_UNTIL(&f, -1, f.cancelled == 1);
  ASK(&f, more, PM_LATER_MAX + 2);
  close(more);
  for (unsigned i = 1; i < PM_LATER_MAX; i++) close(fds[i]);
  STEP_UNTIL(&f, -1, f.cancelled == PM_LATER_MAX + 1);
  fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answer_comes_later_and_the_connection_goes_on),
      cmocka_unit_test(test_answers_find_their_own_connection),
      cmocka_unit_test(test_head_gets_no_body),
      cmocka_unit_test(test_a_client_that_goes_is_not_answered),
      cmocka_unit_test(test_time_ends),
      cmocka_unit_test(test_the_servers_end_cancels),
      cmocka_unit_test(test_within_the_grace_it_is_still_answered),
      cmocka_unit_test(test_who_sends_on_meanwhile_gets_one_answer),
      cmocka_unit_test(test_too_many_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
