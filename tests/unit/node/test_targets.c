/* The file of endpoints, line by line. (What becomes of them: tests/e2e/test_rotation.py.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/targets.h"
#include "probe/roster.h"

static enum pm_err parse(const char *text, struct pm_options_target **out, size_t *out_count,
                         struct pm_why *why) {
  return pm_targets_parse(text, strlen(text), out, out_count, why);
}

static void endpoints_comments_and_blanks(void **state) {
  (void)state;
  struct pm_options_target *targets;
  size_t count;
  struct pm_why why;
  assert_int_equal(parse("# our nodes\n\n  http://a.example:8080/v1/ping#Paris,FR \r\n"
                         "\t# a page\nhttps+insecure://b.example/x\nc.example",
                         &targets, &count, &why),
                   PM_OK);
  assert_int_equal(count, 3);
  assert_string_equal(targets[0].endpoint.url, "http://a.example:8080/v1/ping");
  assert_string_equal(targets[0].endpoint.location, "Paris,FR");
  assert_false(targets[0].insecure);
  assert_string_equal(targets[1].endpoint.url, "https://b.example/x");
  assert_true(targets[1].insecure);
  assert_string_equal(targets[2].endpoint.host, "c.example");
  free(targets);
}

static void an_empty_file_is_fine(void **state) {
  (void)state;
  static const char *const texts[] = {"", "\n", "# nothing\n\n"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct pm_options_target *targets;
    size_t count = 9;
    assert_int_equal(parse(texts[i], &targets, &count, NULL), PM_OK);
    assert_int_equal(count, 0);
    free(targets);
  }
}

static void what_is_wrong_is_named_with_its_line(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"a.example\nftp://b.example/\n", "line 2: "},
      {"\n\n-d\n", "line 3: -d: an endpoint is wanted here"},
      {"a.example\nb.example:99999\n", "line 2: "},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pm_options_target *targets;
    size_t count;
    struct pm_why why = {""};
    assert_int_not_equal(parse(rows[i].text, &targets, &count, &why), PM_OK);
    if (!strstr(why.text, rows[i].says)) fail_msg("row %zu: %s", i, why.text);
  }
}

/* As of a disk that has lost a block: what stands behind it must not be taken for removed. */
static void a_file_that_is_no_text_is_refused(void **state) {
  (void)state;
  static const char text[] = "a.example\nb.example\0\0\0\nc.example\n";
  struct pm_options_target *targets;
  size_t count;
  struct pm_why why = {""};
  assert_int_equal(pm_targets_parse(text, sizeof text - 1, &targets, &count, &why), PM_ERR_SYNTAX);
  assert_string_equal(why.text, "line 2: it has a byte of 0: the file is no text");
}

static void no_line_and_no_file_is_without_end(void **state) {
  (void)state;
  struct pm_options_target *targets;
  struct pm_why why = {""};
  size_t count;
  struct pm_buf text;
  pm_buf_init(&text, 1 << 20);
  for (int i = 0; i < 8000; i++) pm_buf_char(&text, 'a');
  assert_int_equal(parse(text.data, &targets, &count, &why), PM_ERR_TOO_LARGE);
  pm_buf_reset(&text);
  for (int i = 0; i <= PM_ROSTER_TARGETS_MAX; i++) pm_buf_printf(&text, "h%d.example\n", i);
  assert_int_equal(parse(text.data, &targets, &count, &why), PM_ERR_FULL);
  assert_non_null(strstr(why.text, "line 16385"));
  pm_buf_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(endpoints_comments_and_blanks),
      cmocka_unit_test(an_empty_file_is_fine),
      cmocka_unit_test(what_is_wrong_is_named_with_its_line),
      cmocka_unit_test(a_file_that_is_no_text_is_refused),
      cmocka_unit_test(no_line_and_no_file_is_without_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
