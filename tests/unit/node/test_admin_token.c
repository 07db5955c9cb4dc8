/* The admin token: where it comes from, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/admin_token.h"

static enum pm_err read_bytes(const char *bytes, size_t count, char *out, struct pm_why *why) {
  char path[] = "/tmp/pingmesh-token-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, count), count);
  close(fd);
  const struct pm_options options = {.admin_token_file = path};
  enum pm_err err = pm_admin_token_read(&options, out, why);
  unlink(path);
  return err;
}

static void the_first_line_is_the_token(void **state) {
  (void)state;
  static const char *const files[] = {"correct-horse", "correct-horse\n", "correct-horse\r\nand\n"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char token[PM_AUTH_TOKEN_BYTES_MAX + 1];
    assert_int_equal(read_bytes(files[i], strlen(files[i]), token, NULL), PM_OK);
    assert_string_equal(token, "correct-horse");
  }
}

static void the_environment_has_one_too(void **state) {
  (void)state;
  char token[PM_AUTH_TOKEN_BYTES_MAX + 1] = "?";
  struct pm_options options = {.admin_token = "from-elsewhere"};
  assert_int_equal(pm_admin_token_read(&options, token, NULL), PM_OK);
  assert_string_equal(token, "from-elsewhere");
  options.admin_token = NULL;
  assert_int_equal(pm_admin_token_read(&options, token, NULL), PM_OK);
  assert_string_equal(token, "");
}

static void what_is_no_token_is_refused(void **state) {
  (void)state;
  char longest[PM_AUTH_TOKEN_BYTES_MAX + 2], token[PM_AUTH_TOKEN_BYTES_MAX + 1];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  const struct {
    const char *bytes;
    size_t count;
    const char *says;
  } rows[] = {
      {"", 0, "is empty"},
      {"\ncorrect-horse", 14, "0 characters"},
      {"short", 5, "5 characters; 8 to 256 are right"},
      {longest, sizeof longest - 1, "257 characters"},
      {"correct horse", 13, "has a blank"},
      {"correct-h\xc3\xb6rse", 14, "not ASCII"},
      {"correct-\0horse\n", 15, "a byte of 0"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pm_why why = {""};
    assert_int_not_equal(read_bytes(rows[i].bytes, rows[i].count, token, &why), PM_OK);
    assert_string_equal(token, "");
    if (!strstr(why.text, rows[i].says)) fail_msg("row %zu: %s", i, why.text);
  }
  memset(longest, 'x', PM_AUTH_TOKEN_BYTES_MAX);
  assert_int_equal(read_bytes(longest, PM_AUTH_TOKEN_BYTES_MAX, token, NULL), PM_OK);
  assert_int_equal(strlen(token), PM_AUTH_TOKEN_BYTES_MAX);
}

static void a_file_that_cannot_be_read_is_named(void **state) {
  (void)state;
  char token[PM_AUTH_TOKEN_BYTES_MAX + 1];
  static const char *const paths[] = {"/nonexistent/token", "/"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    const struct pm_options options = {.admin_token_file = paths[i]};
    struct pm_why why = {""};
    assert_int_equal(pm_admin_token_read(&options, token, &why), PM_ERR_IO);
    assert_non_null(strstr(why.text, paths[i]));
    assert_non_null(strstr(why.text, "cannot be read: "));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_line_is_the_token),
      cmocka_unit_test(the_environment_has_one_too),
      cmocka_unit_test(what_is_no_token_is_refused),
      cmocka_unit_test(a_file_that_cannot_be_read_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
