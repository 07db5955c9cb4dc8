#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/* The log's other end keeps the boundaries of write(2): one receive gives what one write sent. */
struct wire {
  int fds[2];
  struct pm_log log;
};

static void wire_open(struct wire *wire, enum pm_log_level level) {
  assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, wire->fds), 0);
  wire->log = (struct pm_log){.level = level, .fd = wire->fds[1]};
}

static void wire_close(struct wire *wire) {
  close(wire->fds[0]);
  close(wire->fds[1]);
}

/* One write as text; "" if there is none. */
static size_t wire_take(struct wire *wire, char *out, size_t out_bytes) {
  ssize_t got = recv(wire->fds[0], out, out_bytes - 1, 0);
  size_t length = got > 0 ? (size_t)got : 0;
  out[length] = '\0';
  return length;
}

/* "2026/11/22 10:28:40 " in digits and punctuation. */
static void assert_stamp(const char *line) {
  const char *pattern = "dddd/dd/dd dd:dd:dd ";
  for (size_t i = 0; pattern[i] != '\0'; i++) {
    if (pattern[i] == 'd') {
      assert_in_range(line[i], '0', '9');
    } else {
      assert_int_equal(line[i], pattern[i]);
    }
  }
}

static void a_line_is_a_stamp_and_the_text_in_one_write(void **state) {
  (void)state;
  struct wire wire;
  char line[200];
  wire_open(&wire, PM_LOG_INFO);
  pm_log(&wire.log, PM_LOG_ALWAYS, "listening on port %d", 8080);
  assert_int_equal(wire_take(&wire, line, sizeof(line)), 43);
  assert_stamp(line);
  assert_string_equal(line + 20, "listening on port 8080\n");
  assert_int_equal(wire_take(&wire, line, sizeof(line)), 0);
  wire_close(&wire);
}

static void a_line_shows_up_to_the_logs_level(void **state) {
  (void)state;
  for (int level = PM_LOG_ALWAYS; level <= PM_LOG_DEBUG; level++) {
    struct wire wire;
    char line[200];
    wire_open(&wire, (enum pm_log_level)level);
    for (int of_line = PM_LOG_ALWAYS; of_line <= PM_LOG_DEBUG; of_line++) {
      pm_log(&wire.log, (enum pm_log_level)of_line, "text");
      assert_int_equal(wire_take(&wire, line, sizeof(line)), of_line <= level ? 25 : 0);
    }
    wire_close(&wire);
  }
}

static void text_from_outside_cannot_end_the_line(void **state) {
  (void)state;
  struct wire wire;
  char line[200];
  wire_open(&wire, PM_LOG_INFO);
  pm_log(&wire.log, PM_LOG_INFO, "peer %s", "a\n2026/11/22 10:28:40 forged\x1b[2J\xff");
  wire_take(&wire, line, sizeof(line));
  assert_string_equal(line + 20, "peer a?2026/11/22 10:28:40 forged?[2J?\n");
  wire_close(&wire);
}

static void a_long_line_is_cut_between_characters(void **state) {
  (void)state;
  struct wire wire;
  char text[5000];
  char line[5000];
  memset(text, 'x', sizeof(text));
  text[sizeof(text) - 1] = '\0';
  wire_open(&wire, PM_LOG_INFO);
  pm_log(&wire.log, PM_LOG_INFO, "%s", text);
  assert_int_equal(wire_take(&wire, line, sizeof(line)), 4096);
  assert_string_equal(line + 4094, "x\n");

  /* 20 bytes of stamp, 4073 of text: two bytes are left before the line end. */
  text[4073] = '\0';
  pm_log(&wire.log, PM_LOG_INFO, "%s\xe2\x82\xac", text);
  assert_int_equal(wire_take(&wire, line, sizeof(line)), 4094);
  assert_string_equal(line + 4092, "x\n");

  text[4072] = '\0';
  pm_log(&wire.log, PM_LOG_INFO, "%s\xe2\x82\xac", text);
  assert_int_equal(wire_take(&wire, line, sizeof(line)), 4096);
  assert_string_equal(line + 4091, "x\xe2\x82\xac\n");
  wire_close(&wire);
}

static void a_failing_log_disturbs_nothing(void **state) {
  (void)state;
  int read_only = open("/dev/null", O_RDONLY);
  assert_true(read_only >= 0);
  struct pm_log log = {.level = PM_LOG_INFO, .fd = read_only};
  errno = ENOTTY;
  pm_log(&log, PM_LOG_INFO, "not writable: %d", read_only);
  assert_int_equal(errno, ENOTTY);
  close(read_only);
}

/* A pipe that is full; returns what fills it. */
static size_t fill(const int pipe[2]) {
  char filling[8192] = {0};
  int bytes = fcntl(pipe[1], F_SETPIPE_SZ, sizeof(filling));
  assert_int_equal(bytes, sizeof(filling));
  assert_int_equal(write(pipe[1], filling, sizeof(filling)), sizeof(filling));
  return sizeof(filling);
}

static void a_reader_that_does_not_read_is_not_waited_for(void **state) {
  (void)state;
  int pipe_fds[2];
  char text[8193];
  uint64_t lost = 0;
  assert_int_equal(pipe(pipe_fds), 0);
  struct pm_log log = {.level = PM_LOG_INFO, .fd = pipe_fds[1], .lost = &lost};
  size_t filled = fill(pipe_fds);
  alarm(10); /* ends the test if a write waits */
  pm_log(&log, PM_LOG_INFO, "one");
  pm_log(&log, PM_LOG_INFO, "two");
  pm_log(&log, PM_LOG_DEBUG, "not for this log");
  alarm(0);
  assert_int_equal(lost, 2);

  assert_int_equal(read(pipe_fds[0], text, filled), filled);
  pm_log(&log, PM_LOG_INFO, "three");
  assert_int_equal(lost, 0);
  ssize_t got = read(pipe_fds[0], text, sizeof(text) - 1);
  assert_true(got > 20);
  text[got] = '\0';
  const char *told = "2 lines are missing here: nobody read them\n";
  assert_memory_equal(text + 20, told, strlen(told));
  assert_string_equal(text + 20 + strlen(told) + 20, "three\n");
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

static void a_log_need_not_count(void **state) {
  (void)state;
  int pipe_fds[2];
  assert_int_equal(pipe(pipe_fds), 0);
  struct pm_log log = {.level = PM_LOG_INFO, .fd = pipe_fds[1]};
  fill(pipe_fds);
  alarm(10);
  pm_log(&log, PM_LOG_INFO, "lost");
  alarm(0);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_is_a_stamp_and_the_text_in_one_write),
      cmocka_unit_test(a_line_shows_up_to_the_logs_level),
      cmocka_unit_test(text_from_outside_cannot_end_the_line),
      cmocka_unit_test(a_long_line_is_cut_between_characters),
      cmocka_unit_test(a_failing_log_disturbs_nothing),
      cmocka_unit_test(a_reader_that_does_not_read_is_not_waited_for),
      cmocka_unit_test(a_log_need_not_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
