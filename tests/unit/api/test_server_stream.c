/* Answers that go on: what a client reads of them, and who ends them when. */
#include "server_fixture.h"

#define STREAM_HTTP_1_1 "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"

static int setup(void **state) {
  static struct fixture f;
  fixture_init(&f);
  f.config.client_connections_max = f.config.connections_max;
  fixture_start(&f);
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  fixture_end(*state);
  return 0;
}

static enum pm_err send_text(struct fixture *f, const char *text) {
  return f->streams->send(f->streams->owner, f->stream_id, text, strlen(text));
}

/* A client whose stream has begun; what it has read so far. */
static int stream_client(struct fixture *f, const char *request, struct reading *reading) {
  const int fd = client_connect(f);
  client_send(f, fd, request);
  STEP_UNTIL(f, fd,
             (client_read(fd, reading), reading->bytes > 0 && strstr(reading->text, "begins\n")));
  return fd;
}

static void read_until(struct fixture *f, int fd, struct reading *reading, const char *text) {
  STEP_UNTIL(f, fd, (client_read(fd, reading), strstr(reading->text, text) != NULL));
}

static void what_is_sent_follows_the_head(void **state) {
  struct fixture *f = *state;
  struct reading reading = {0};
  const int fd = stream_client(f, STREAM_HTTP_1_1, &reading);
  assert_int_equal(f->stream_err, PM_OK);
  assert_int_equal(counts_of(f).streams, 1);
  assert_has(reading.text, "HTTP/1.1 200 OK\r\n");
  assert_has(reading.text, "\r\nConnection: close\r\n");
  assert_has_not(reading.text, "Content-Length");
  assert_has_not(reading.text, "Transfer-Encoding");

  assert_int_equal(send_text(f, "one\n"), PM_OK);
  assert_int_equal(send_text(f, "two\n"), PM_OK);
  read_until(f, fd, &reading, "two\n");
  assert_string_equal(body_of(&reading), "begins\none\ntwo\n");
  assert_false(reading.ended);

  close(fd);
  STEP_UNTIL(f, -1, f->gone == 1);
  assert_int_equal(counts_of(f).streams, 0);
  assert_int_equal(send_text(f, "three\n"), PM_ERR_MISSING);
  reading_free(&reading);
}

static void old_clients_get_it_too(void **state) {
  struct fixture *f = *state;
  struct reading reading = {0};
  const int fd = stream_client(f, "GET /stream HTTP/1.0\r\n\r\n", &reading);
  assert_int_equal(send_text(f, "one\n"), PM_OK);
  read_until(f, fd, &reading, "one\n");
  assert_string_equal(body_of(&reading), "begins\none\n");
  f->streams->end(f->streams->owner, f->stream_id);
  assert_int_equal(f->gone, 1);
  close(fd);
  reading_free(&reading);
}

/* What the handler does not call endless is an answer like any other. */
static void an_answer_with_an_end_ends_the_stream(void **state) {
  struct fixture *f = *state;
  const int fd = client_connect(f);
  expect_answer(f, fd, "GET /stream-not HTTP/1.1\r\nHost: h\r\n\r\n", "200", "begins\n");
  assert_int_equal(f->gone, 1);
  expect_answer(f, fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "200", "hello\n");
  close(fd);
}

/* Nothing of what a client sends into its own stream is taken for a request. */
static void further_requests_are_not_read(void **state) {
  struct fixture *f = *state;
  struct reading reading = {0};
  const int fd = stream_client(f, STREAM_HTTP_1_1, &reading);
  client_send(f, fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  for (int i = 0; i < 5; i++) step(f, fd);
  assert_int_equal(send_text(f, "still\n"), PM_OK);
  read_until(f, fd, &reading, "still\n");
  assert_int_equal(f->handled, 1);
  assert_int_equal(f->gone, 0);
  close(fd);
  reading_free(&reading);
}

static void the_idle_deadline_does_not_end_it(void **state) {
  struct fixture *f = *state;
  fixture_end(f);
  fixture_init(f);
  f->config.idle_ms = f->config.write_ms = f->config.header_ms = 30;
  fixture_start(f);
  struct reading reading = {0};
  const int fd = stream_client(f, STREAM_HTTP_1_1, &reading);
  const uint64_t begin_ns = uv_hrtime();
  while (uv_hrtime() - begin_ns < 150 * UINT64_C(1000000)) step(f, fd);
  assert_int_equal(f->gone, 0);
  assert_int_equal(counts_of(f).timeouts, 0);
  close(fd);
  reading_free(&reading);
}

/* Fills the kernel's buffers and then the queue of a client that does not read. */
static size_t fill(struct fixture *f, const char *piece) {
  size_t taken = 0;
  for (;;) {
    enum pm_err err = send_text(f, piece);
    if (err != PM_OK) {
      assert_int_equal(err, PM_ERR_FULL);
      return taken;
    }
    taken += strlen(piece);
    assert_true(f->streams->queued(f->streams->owner, f->stream_id) <= PM_STREAM_QUEUE_BYTES_MAX);
    uv_run(&f->loop, UV_RUN_NOWAIT);
  }
}

static void a_slow_reader_gets_all_that_was_taken(void **state) {
  struct fixture *f = *state;
  static char piece[8192];
  struct reading reading = {0};
  memset(piece, 'x', sizeof(piece) - 1);
  const int fd = stream_client(f, STREAM_HTTP_1_1, &reading);
  const size_t taken = fill(f, piece);
  assert_true(taken >= PM_STREAM_QUEUE_BYTES_MAX - sizeof(piece));
  assert_true(f->streams->queued(f->streams->owner, f->stream_id) >
              PM_STREAM_QUEUE_BYTES_MAX - sizeof(piece));
  STEP_UNTIL(f, fd,
             (client_read(fd, &reading), f->streams->queued(f->streams->owner, f->stream_id) == 0));
  assert_int_equal(send_text(f, "end\n"), PM_OK);
  read_until(f, fd, &reading, "end\n");
  assert_int_equal(strlen(body_of(&reading)), strlen("begins\n") + taken + strlen("end\n"));
  assert_int_equal(f->gone, 0);
  close(fd);
  reading_free(&reading);
}

static void a_reader_that_takes_nothing_is_dropped_in_time(void **state) {
  struct fixture *f = *state;
  static char piece[8192];
  fixture_end(f);
  fixture_init(f);
  f->config.write_ms = 50;
  fixture_start(f);
  struct reading reading = {0};
  memset(piece, 'x', sizeof(piece) - 1);
  const int fd = stream_client(f, STREAM_HTTP_1_1, &reading);
  fill(f, piece);
  STEP_UNTIL(f, -1, f->gone == 1);
  assert_int_equal(counts_of(f).open, 0);
  assert_int_equal(counts_of(f).timeouts, 1);
  close(fd);
  reading_free(&reading);
}

static void there_are_so_many_and_no_more(void **state) {
  struct fixture *f = *state;
  int fds[PM_STREAMS_CLIENT_MAX];
  struct reading reading = {0};
  for (int i = 0; i < PM_STREAMS_CLIENT_MAX; i++) {
    fds[i] = stream_client(f, STREAM_HTTP_1_1, &reading);
    assert_int_equal(f->stream_err, PM_OK);
    reading_free(&reading);
  }
  assert_int_equal(counts_of(f).streams, PM_STREAMS_CLIENT_MAX);
  const int fd = client_connect(f);
  expect_answer(f, fd, STREAM_HTTP_1_1, "503", "begins\n");
  assert_int_equal(f->stream_err, PM_ERR_FULL);
  assert_int_equal(f->gone, 0);
  close(fds[0]);
  STEP_UNTIL(f, -1, f->gone == 1);
  fds[0] = stream_client(f, STREAM_HTTP_1_1, &reading);
  assert_int_equal(f->stream_err, PM_OK);
  for (int i = 0; i < PM_STREAMS_CLIENT_MAX; i++) close(fds[i]);
  STEP_UNTIL(f, -1, f->gone == 1 + PM_STREAMS_CLIENT_MAX);
  reading_free(&reading);
  close(fd);
}

/* The grace is for answers with an end. */
static void the_servers_end_is_theirs(void **state) {
  struct fixture *f = *state;
  struct reading reading = {0};
  const int fd = stream_client(f, STREAM_HTTP_1_1, &reading);
  pm_server_close(f->server, PATIENCE_MS, on_server_closed, f);
  assert_int_equal(f->gone, 1);
  STEP_UNTIL(f, fd, (client_read(fd, &reading), f->closed && (reading.ended || reading.reset)));
  close(fd);
  reading_free(&reading);
}

static void lent_bytes_are_sent_as_they_lie(void **state) {
  struct fixture *f = *state;
  const int fd = client_connect(f);
  for (int i = 0; i < 2; i++)
    expect_answer(f, fd, "GET /lent HTTP/1.1\r\nHost: h\r\n\r\n", "200", "lent by the process\n");
  client_send(f, fd, "HEAD /lent HTTP/1.1\r\nHost: h\r\n\r\n");
  struct reading reading = {0};
  STEP_UNTIL(f, fd, (client_read(fd, &reading), answer_bytes(&reading, true) > 0));
  assert_has(reading.text, "\r\nContent-Length: 20\r\n");
  assert_string_equal(body_of(&reading), "");
  close(fd);
  reading_free(&reading);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_sent_follows_the_head),
      TEST(old_clients_get_it_too),
      TEST(an_answer_with_an_end_ends_the_stream),
      TEST(further_requests_are_not_read),
      TEST(the_idle_deadline_does_not_end_it),
      TEST(a_slow_reader_gets_all_that_was_taken),
      TEST(a_reader_that_takes_nothing_is_dropped_in_time),
      TEST(there_are_so_many_and_no_more),
      TEST(the_servers_end_is_theirs),
      TEST(lent_bytes_are_sent_as_they_lie),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
