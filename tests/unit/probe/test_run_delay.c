/* How often the kernel is asked for our thread's run delay. A file stands in for its answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/run_delay.h"

static void kernel_says(int fd, const char *text) {
  assert_int_equal(ftruncate(fd, 0), 0);
  assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
}

static void it_is_read_once_in_a_millisecond(void **state) {
  (void)state;
  struct pm_run_delay delay = {.fd = memfd_create("schedstat", MFD_CLOEXEC)};
  assert_true(delay.fd >= 0);
  kernel_says(delay.fd, "70 100 1\n");
  assert_int_equal(pm_run_delay_ns(&delay, 5), 100);
  kernel_says(delay.fd, "80 300 2\n");
  assert_int_equal(pm_run_delay_ns(&delay, 5), 100);
  assert_int_equal(pm_run_delay_ns(&delay, 6), 300);
  pm_run_delay_close(&delay);
  assert_int_equal(pm_run_delay_ns(&delay, 7), 300); /* what was known last */
}

static void switched_off_it_stays_0(void **state) {
  (void)state;
  struct pm_run_delay delay;
  pm_run_delay_open(&delay, false);
  assert_int_equal(delay.fd, -1);
  assert_int_equal(pm_run_delay_ns(&delay, 1000), 0);
  pm_run_delay_close(&delay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_read_once_in_a_millisecond),
      cmocka_unit_test(switched_off_it_stays_0),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
