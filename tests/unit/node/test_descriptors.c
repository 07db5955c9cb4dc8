/* The standard descriptors of a process that was started without some of them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_closed_ones_are_filled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
