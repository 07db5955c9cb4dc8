#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"

static void every_code_has_its_name_and_text(void **state) {
  (void)state;
  assert_int_equal(PM_OK, 0);
  assert_string_equal(pm_err_name(PM_OK), "OK");
  assert_string_equal(pm_err_text(PM_OK), "success");
  assert_string_equal(pm_err_name(PM_ERR_TOO_LARGE), "TOO_LARGE");
  assert_string_equal(pm_err_text(PM_ERR_TOO_LARGE), "larger than its limit");
  assert_string_equal(pm_err_name(PM_ERR_SYSTEM), "SYSTEM");
  assert_string_equal(pm_err_text(PM_ERR_SYSTEM), "the system refused");
}

static void a_code_outside_the_list_is_unknown(void **state) {
  (void)state;
  assert_string_equal(pm_err_name(PM_ERR_COUNT), "UNKNOWN");
  assert_string_equal(pm_err_text((enum pm_err)9999), "unknown error");
}

static void why_holds_the_sentence_and_returns_the_code(void **state) {
  (void)state;
  struct pm_why why;
  enum pm_err err = pm_why_set(&why, PM_ERR_RANGE, "-d is %d, but must be at least %d", -3, 0);
  assert_int_equal(err, PM_ERR_RANGE);
  assert_string_equal(why.text, "-d is -3, but must be at least 0");
}

static void nobody_needs_to_ask_why(void **state) {
  (void)state;
  assert_int_equal(pm_why_set(NULL, PM_ERR_SYNTAX, "%s", "lost"), PM_ERR_SYNTAX);
}

static void why_replaces_what_garbles_a_terminal(void **state) {
  (void)state;
  struct pm_why why;
  (void)pm_why_set(&why, PM_ERR_SYNTAX, "host \"%s\" is none", "a\x1b[2J\r\nb\xff");
  assert_string_equal(why.text, "host \"a?[2J??b?\" is none");
}

static void why_may_wrap_its_own_sentence(void **state) {
  (void)state;
  struct pm_why why;
  (void)pm_why_set(&why, PM_ERR_SYNTAX, "port 0");
  (void)pm_why_set(&why, PM_ERR_SYNTAX, "peers.txt line 3: %s", why.text);
  assert_string_equal(why.text, "peers.txt line 3: port 0");
}

/* 316 'x' leave three bytes: a character of three still fits, one of four is left out whole. */
static void why_is_cut_between_characters(void **state) {
  (void)state;
  struct pm_why why;
  char long_text[317];
  memset(long_text, 'x', 316);
  long_text[316] = '\0';

  (void)pm_why_set(&why, PM_ERR_SYNTAX, "%s\xe2\x82\xac and more", long_text);
  assert_int_equal(strlen(why.text), 319);
  assert_string_equal(why.text + 315, "x\xe2\x82\xac");

  (void)pm_why_set(&why, PM_ERR_SYNTAX, "%s\xf0\x9f\x98\x80 and more", long_text);
  assert_int_equal(strlen(why.text), 316);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_has_its_name_and_text),
      cmocka_unit_test(a_code_outside_the_list_is_unknown),
      cmocka_unit_test(why_holds_the_sentence_and_returns_the_code),
      cmocka_unit_test(nobody_needs_to_ask_why),
      cmocka_unit_test(why_replaces_what_garbles_a_terminal),
      cmocka_unit_test(why_may_wrap_its_own_sentence),
      cmocka_unit_test(why_is_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
