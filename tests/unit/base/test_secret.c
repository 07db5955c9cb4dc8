#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"

static void secrets_differ(void **state) {
  (void)state;
  unsigned char a[1000] = {0};
  unsigned char b[1000] = {0};
  assert_int_equal(pm_secret_fill(a, sizeof(a)), PM_OK);
  assert_int_equal(pm_secret_fill(b, sizeof(b)), PM_OK);
  assert_memory_not_equal(a, b, 32);
  assert_memory_not_equal(a + 968, b + 968, 32);
}

static void secrets_compare_by_content_and_length(void **state) {
  (void)state;
  assert_true(pm_secret_equal("abcd", 4, "abcd", 4));
  assert_false(pm_secret_equal("abcd", 4, "abce", 4));
  assert_false(pm_secret_equal("abcd", 4, "Abcd", 4));
  assert_false(pm_secret_equal("abcd", 4, "abcd", 3));
  assert_true(pm_secret_equal("", 0, "x", 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(secrets_differ),
      cmocka_unit_test(secrets_compare_by_content_and_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
