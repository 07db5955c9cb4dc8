/* The line writer: nothing that the far end of a descriptor does may hold up the loop, and every
 * line is written whole, or counted as dropped or failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "publish/line_writer.h"

enum {
  FLUSH_MS = 20000, /* long enough for any machine: only the test of the deadline waits one out */
  LINE_BYTES = 100,
};

struct fixture {
  uv_loop_t loop;
  struct pm_line_writer *writer;
  bool closed;
};

static int set_up(void **state) {
  static struct fixture fixture;
  fixture = (struct fixture){0};
  signal(SIGPIPE, SIG_IGN);
  if (uv_loop_init(&fixture.loop) != 0) return -1;
  *state = &fixture;
  return 0;
}

/* Fails if a test left a handle open. */
static int tear_down(void **state) {
  struct fixture *f = *state;
  return uv_loop_close(&f->loop);
}

static void open_writer(struct fixture *f, int fd, size_t bytes_max) {
  assert_int_equal(pm_line_writer_open(&f->loop, fd, bytes_max, &f->writer), PM_OK);
}

static void on_closed(void *owner) {
  struct fixture *f = owner;
  assert_false(f->closed);
  f->closed = true;
}

static void close_writer(struct fixture *f, int64_t flush_ms) {
  pm_line_writer_close(f->writer, flush_ms, on_closed, f);
  assert_false(f->closed); /* only from the loop */
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_true(f->closed);
}

static void put(struct fixture *f, const char *line) {
  pm_line_writer_put(f->writer, line, strlen(line));
}

/* LINE_BYTES bytes that begin with the number. */
static void put_numbered(struct fixture *f, int number) {
  char line[LINE_BYTES + 1];
  snprintf(line, sizeof(line), "%-*d\n", LINE_BYTES - 1, number);
  pm_line_writer_put(f->writer, line, LINE_BYTES);
}

/* A pipe of one page that is full already. */
static void open_full_pipe(int ends[2], size_t *out_filler_bytes) {
  static const char filler[64] = {'.'};
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
  int flags = fcntl(ends[1], F_GETFL);
  fcntl(ends[1], F_SETFL, flags | O_NONBLOCK);
  *out_filler_bytes = 0;
  ssize_t got;
  while ((got = write(ends[1], filler, sizeof(filler))) > 0) *out_filler_bytes += (size_t)got;
  fcntl(ends[1], F_SETFL, flags);
}

/* What was refused by a full descriptor has been tried at least once. */
static void run_some_rounds(struct fixture *f) {
  for (int i = 0; i < 5; i++) uv_run(&f->loop, UV_RUN_ONCE);
}

static size_t read_all(int fd, char *out, size_t out_bytes) {
  size_t total = 0;
  ssize_t got;
  while (total < out_bytes && (got = read(fd, out + total, out_bytes - total)) > 0) {
    total += (size_t)got;
  }
  return total;
}

/* Closes the writer while the far end reads along; returns what came, up to the end of stream. */
static size_t close_while_reading(struct fixture *f, const int ends[2], char *out,
                                  size_t out_bytes) {
  size_t total = 0;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  pm_line_writer_close(f->writer, FLUSH_MS, on_closed, f);
  while (!f->closed) {
    uv_run(&f->loop, UV_RUN_NOWAIT);
    ssize_t got = read(ends[0], out + total, out_bytes - total);
    if (got > 0) total += (size_t)got;
  }
  close(ends[1]);
  return total + read_all(ends[0], out + total, out_bytes - total);
}

static void assert_numbered(const char *text, int count) {
  for (int i = 0; i < count; i++) {
    int number = -1;
    assert_int_equal(sscanf(text + (size_t)i * LINE_BYTES, "%d", &number), 1);
    assert_int_equal(number, i);
  }
}

static void assert_file_holds(FILE *file, const char *expected) {
  char text[1024];
  rewind(file);
  size_t got = fread(text, 1, sizeof(text) - 1, file);
  text[got] = '\0';
  assert_string_equal(text, expected);
}

static void a_file_gets_every_line_in_order(void **state) {
  struct fixture *f = *state;
  FILE *file = tmpfile();
  open_writer(f, fileno(file), 4096);
  put(f, "one\n");
  put(f, "\ntwo\nlines of one\n");
  put(f, "");
  uv_run(&f->loop, UV_RUN_DEFAULT); /* ends: an idle writer does not keep the loop alive */
  put(f, "three\n");
  assert_int_equal(pm_line_writer_dropped(f->writer), 0);
  assert_int_equal(pm_line_writer_failed(f->writer), 0);
  close_writer(f, FLUSH_MS);
  assert_file_holds(file, "one\n\ntwo\nlines of one\nthree\n");
  fclose(file);
}

static void many_lines_go_in_batches(void **state) {
  struct fixture *f = *state;
  FILE *file = tmpfile();
  open_writer(f, fileno(file), 1 << 20);
  for (int i = 0; i < 3000; i++) put_numbered(f, i);
  close_writer(f, FLUSH_MS);
  char line[LINE_BYTES + 1];
  rewind(file);
  for (int i = 0; i < 3000; i++) {
    int number = -1;
    assert_non_null(fgets(line, sizeof(line), file));
    assert_int_equal(sscanf(line, "%d", &number), 1);
    assert_int_equal(number, i);
  }
  assert_null(fgets(line, sizeof(line), file));
  fclose(file);
}

static void a_full_queue_drops_the_oldest_lines_and_counts_them(void **state) {
  struct fixture *f = *state;
  char text[8192];
  size_t filler_bytes;
  int ends[2];
  open_full_pipe(ends, &filler_bytes);
  open_writer(f, ends[1], 10 * LINE_BYTES);
  put_numbered(f, 0); /* taken out of the queue at once: it is being written */
  for (int i = 1; i <= 25; i++) put_numbered(f, i);
  assert_int_equal(pm_line_writer_dropped(f->writer), 15);
  run_some_rounds(f);
  put_numbered(f, 26);
  assert_int_equal(pm_line_writer_dropped(f->writer), 16);

  assert_int_equal(read_all(ends[0], text, filler_bytes), filler_bytes);
  close_writer(f, FLUSH_MS);
  close(ends[1]);
  assert_int_equal(read_all(ends[0], text, sizeof(text)), 11 * LINE_BYTES);
  for (int i = 0; i < 11; i++) {
    int number = -1;
    assert_int_equal(sscanf(text + (size_t)i * LINE_BYTES, "%d", &number), 1);
    assert_int_equal(number, i == 0 ? 0 : 16 + i);
  }
  close(ends[0]);
}

static void a_line_longer_than_the_queue_is_dropped_alone(void **state) {
  struct fixture *f = *state;
  FILE *file = tmpfile();
  open_writer(f, fileno(file), 8);
  put(f, "1234567\n");
  uv_run(&f->loop, UV_RUN_DEFAULT);
  put(f, "12345678\n");
  put(f, "after\n");
  assert_int_equal(pm_line_writer_dropped(f->writer), 1);
  close_writer(f, FLUSH_MS);
  assert_file_holds(file, "1234567\nafter\n");
  fclose(file);
}

/* Lines that the far end does not read must not keep the process from ending. */
static void close_on_a_stuck_reader(struct fixture *f, int fd) {
  open_writer(f, fd, 1 << 20);
  for (int i = 0; i < 5000; i++) put_numbered(f, i);
  struct pm_time begun = pm_clock_now();
  close_writer(f, 60);
  int64_t took_ms = pm_time_since_ns(pm_clock_now(), begun) / PM_NS_PER_MS;
  assert_in_range(took_ms, 59, 10000);
}

static void closing_gives_a_stuck_pipe_its_time_and_no_more(void **state) {
  size_t filler_bytes;
  int ends[2];
  open_full_pipe(ends, &filler_bytes);
  close_on_a_stuck_reader(*state, ends[1]);
  close(ends[0]);
  close(ends[1]);
}

static void closing_gives_a_stuck_socket_its_time_and_no_more(void **state) {
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  close_on_a_stuck_reader(*state, ends[1]);
  close(ends[0]);
  close(ends[1]);
}

static void closing_gives_a_stuck_terminal_its_time_and_no_more(void **state) {
  int ours;
  int terminal;
  assert_int_equal(openpty(&ours, &terminal, NULL, NULL, NULL), 0);
  close_on_a_stuck_reader(*state, terminal);
  close(ours);
  close(terminal);
}

static void what_comes_while_closing_is_dropped(void **state) {
  struct fixture *f = *state;
  FILE *file = tmpfile();
  open_writer(f, fileno(file), 4096);
  put(f, "before\n");
  pm_line_writer_close(f->writer, FLUSH_MS, on_closed, f);
  put(f, "after\n");
  assert_int_equal(pm_line_writer_dropped(f->writer), 1);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_true(f->closed);
  assert_file_holds(file, "before\n");
  fclose(file);
}

static void a_reader_that_went_away_is_a_failure_counted(void **state) {
  struct fixture *f = *state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  open_writer(f, ends[1], 4096);
  for (int i = 0; i < 5; i++) put_numbered(f, i);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(pm_line_writer_failed(f->writer), 5);
  assert_int_equal(pm_line_writer_dropped(f->writer), 0);
  close_writer(f, FLUSH_MS);
  close(ends[1]);
}

static void a_reader_that_goes_away_later_is_a_failure_counted(void **state) {
  struct fixture *f = *state;
  char text[LINE_BYTES];
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  open_writer(f, ends[1], 4096);
  put_numbered(f, 0);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(read_all(ends[0], text, sizeof(text)), LINE_BYTES);
  close(ends[0]);
  put_numbered(f, 1);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(pm_line_writer_failed(f->writer), 1);
  close_writer(f, FLUSH_MS);
  close(ends[1]);
}

static void a_full_device_is_a_failure_counted(void **state) {
  struct fixture *f = *state;
  int fd = open("/dev/full", O_WRONLY);
  assert_true(fd >= 0);
  open_writer(f, fd, 4096);
  put(f, "lost\n");
  uv_run(&f->loop, UV_RUN_DEFAULT);
  put(f, "lost as well\n");
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(pm_line_writer_failed(f->writer), 2);
  close_writer(f, FLUSH_MS);
  close(fd);
}

static void set_soft_limit(int resource, rlim_t value) {
  struct rlimit limit;
  assert_int_equal(getrlimit(resource, &limit), 0);
  limit.rlim_cur = value;
  assert_int_equal(setrlimit(resource, &limit), 0);
}

static rlim_t soft_limit(int resource) {
  struct rlimit limit;
  assert_int_equal(getrlimit(resource, &limit), 0);
  return limit.rlim_cur;
}

/* A disk that is full in the middle of a line, and has room again later. */
static void half_a_line_is_ended_before_the_next(void **state) {
  struct fixture *f = *state;
  FILE *file = tmpfile();
  rlim_t before = soft_limit(RLIMIT_FSIZE);
  signal(SIGXFSZ, SIG_IGN);
  open_writer(f, fileno(file), 4096);
  set_soft_limit(RLIMIT_FSIZE, 8);
  put(f, "first\n");
  put(f, "second\n");
  put(f, "third\n");
  uv_run(&f->loop, UV_RUN_DEFAULT);
  set_soft_limit(RLIMIT_FSIZE, before);
  assert_int_equal(pm_line_writer_failed(f->writer), 2);
  put(f, "fourth\n");
  put(f, "fifth\n");
  close_writer(f, FLUSH_MS);
  assert_file_holds(file, "first\nse\nfourth\nfifth\n");
  fclose(file);
}

static void the_flags_of_a_shared_descriptor_stay_as_they_are(void **state) {
  struct fixture *f = *state;
  char text[LINE_BYTES];
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  int before = fcntl(ends[1], F_GETFL);
  open_writer(f, ends[1], 4096);
  put_numbered(f, 7);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(fcntl(ends[1], F_GETFL), before);
  assert_int_equal(before & O_NONBLOCK, 0);
  assert_int_equal(read_all(ends[0], text, sizeof(text)), LINE_BYTES);
  close_writer(f, FLUSH_MS);
  /* With our second descriptor gone, closing the caller's ends the stream. */
  close(ends[1]);
  assert_int_equal(read(ends[0], text, sizeof(text)), 0);
  close(ends[0]);
}

/* Where no second descriptor can be had, a full pipe still must not hold up a thread. */
static void without_a_descriptor_of_its_own_it_does_not_wait_either(void **state) {
  struct fixture *f = *state;
  char text[8192];
  size_t filler_bytes;
  int ends[2];
  open_full_pipe(ends, &filler_bytes);
  int next_free = dup(ends[0]);
  close(next_free);
  rlim_t before = soft_limit(RLIMIT_NOFILE);
  set_soft_limit(RLIMIT_NOFILE, (rlim_t)next_free);
  open_writer(f, ends[1], 1 << 20);
  set_soft_limit(RLIMIT_NOFILE, before);

  for (int i = 0; i < 30; i++) put_numbered(f, i);
  run_some_rounds(f);
  assert_int_equal(read_all(ends[0], text, filler_bytes), filler_bytes);
  assert_int_equal(close_while_reading(f, ends, text, sizeof(text)), 30 * LINE_BYTES);
  assert_numbered(text, 30);
  close(ends[0]);
}

/* More than a socket holds, so that it is full for a while. */
static void a_socket_gets_every_line(void **state) {
  struct fixture *f = *state;
  enum { LINES = 3000 };
  static char text[LINES * LINE_BYTES + 1];
  int ends[2];
  int small = 4096;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  open_writer(f, ends[1], 1 << 20);
  for (int i = 0; i < LINES; i++) put_numbered(f, i);
  assert_int_equal(close_while_reading(f, ends, text, sizeof(text)), LINES * LINE_BYTES);
  assert_numbered(text, LINES);
  close(ends[0]);
}

static void a_terminal_gets_every_line(void **state) {
  struct fixture *f = *state;
  char text[64];
  int ours;
  int terminal;
  struct termios raw;
  assert_int_equal(openpty(&ours, &terminal, NULL, NULL, NULL), 0);
  assert_int_equal(tcgetattr(terminal, &raw), 0);
  cfmakeraw(&raw);
  assert_int_equal(tcsetattr(terminal, TCSANOW, &raw), 0);
  open_writer(f, terminal, 4096);
  put(f, "one\n");
  put(f, "two\n");
  close_writer(f, FLUSH_MS);
  assert_int_equal(read_all(ours, text, 8), 8);
  assert_memory_equal(text, "one\ntwo\n", 8);
  close(terminal);
  close(ours);
}

static void a_descriptor_that_is_not_open_is_refused(void **state) {
  struct fixture *f = *state;
  assert_int_equal(pm_line_writer_open(&f->loop, -1, 4096, &f->writer), PM_ERR_SYSTEM);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_file_gets_every_line_in_order),
      TEST(many_lines_go_in_batches),
      TEST(a_full_queue_drops_the_oldest_lines_and_counts_them),
      TEST(a_line_longer_than_the_queue_is_dropped_alone),
      TEST(closing_gives_a_stuck_pipe_its_time_and_no_more),
      TEST(closing_gives_a_stuck_socket_its_time_and_no_more),
      TEST(closing_gives_a_stuck_terminal_its_time_and_no_more),
      TEST(what_comes_while_closing_is_dropped),
      TEST(a_reader_that_went_away_is_a_failure_counted),
      TEST(a_reader_that_goes_away_later_is_a_failure_counted),
      TEST(a_full_device_is_a_failure_counted),
      TEST(half_a_line_is_ended_before_the_next),
      TEST(the_flags_of_a_shared_descriptor_stay_as_they_are),
      TEST(without_a_descriptor_of_its_own_it_does_not_wait_either),
      TEST(a_socket_gets_every_line),
      TEST(a_terminal_gets_every_line),
      TEST(a_descriptor_that_is_not_open_is_refused),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
