/* The standard descriptors of a process that was started without some of them, and the limit of
 * open files. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/descriptors.h"

/* In a child that closes those of the mask: how many of the three are open after filling up, and 8
 * more if a fourth was left behind. */
static int open_after_filling(unsigned closed_mask) {
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    close_range(STDERR_FILENO + 1, ~0U, 0);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
      if (closed_mask & 1u << fd) close(fd);
    pm_descriptors_fill_standard();
    int open_count = fcntl(STDERR_FILENO + 1, F_GETFD) >= 0 ? 8 : 0;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) open_count += fcntl(fd, F_GETFD) >= 0;
    _exit(open_count);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void test_closed_ones_are_filled(void **state) {
  (void)state;
  for (unsigned mask = 0; mask < 8; mask++) assert_int_equal(open_after_filling(mask), 3);
}

/* ---- the limit ---- */

struct reserved {
  size_t room;
  rlim_t soft; /* the limit that is left behind */
  char said[256];
};

/* In a child, for a hard limit once lowered stays so. What it logs goes into a pipe. */
static struct reserved reserve(rlim_t soft, rlim_t hard, size_t wanted, size_t spare) {
  struct reserved got = {0};
  int answer[2];
  int log_pipe[2];
  assert_int_equal(pipe(answer), 0);
  assert_int_equal(pipe(log_pipe), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const struct pm_log log = {.level = PM_LOG_INFO, .fd = log_pipe[1]};
    struct rlimit limit = {soft, hard};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(1);
    got.room = pm_descriptors_reserve(wanted, spare, &log);
    getrlimit(RLIMIT_NOFILE, &limit);
    got.soft = limit.rlim_cur;
    _exit(write(answer[1], &got, sizeof(got)) == (ssize_t)sizeof(got) ? 0 : 1);
  }
  int status;
  close(log_pipe[1]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_int_equal(read(answer[0], &got, sizeof(got)), sizeof(got));
  ssize_t bytes = read(log_pipe[0], got.said, sizeof(got.said) - 1);
  assert_true(bytes >= 0);
  got.said[bytes] = '\0';
  close(answer[0]);
  close(answer[1]);
  close(log_pipe[0]);
  return got;
}

static void test_the_limit_is_raised_as_far_as_allowed(void **state) {
  (void)state;
  static const struct {
    rlim_t soft, hard;
    size_t room;
    rlim_t soft_after;
    const char *says; /* NULL: nothing */
  } rows[] = {
      {400, 400, 300, 400, NULL},                               /* enough as it is */
      {900, 900, 300, 900, NULL},                               /* never lowered */
      {64, 900, 300, 400, NULL},                                /* raised, no further than needed */
      {64, 300, 200, 300, "at most 200 probes run at once"},    /* raised as far as it goes */
      {64, 120, 20, 120, "the limit of open files is 120: at"}, /* and no further */
      {64, 100, 1, 100, "at most 1 probes run at once"},        /* there is always one */
      {64, 64, 1, 64, "raise it with ulimit -n"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct reserved got = reserve(rows[i].soft, rows[i].hard, 300, 100);
    assert_int_equal(got.room, rows[i].room);
    assert_int_equal(got.soft, rows[i].soft_after);
    if (rows[i].says == NULL) assert_string_equal(got.said, "");
    if (rows[i].says != NULL && strstr(got.said, rows[i].says) == NULL) fail_msg("%s", got.said);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_closed_ones_are_filled),
      cmocka_unit_test(test_the_limit_is_raised_as_far_as_allowed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
