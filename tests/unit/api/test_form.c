/* Fields of queries and bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "api/form.h"

/* The fields as "name=value;", decoded. */
static const char *parsed(const char *text, size_t bytes, enum pm_err *out_err) {
  static char shown[256];
  struct pm_form form;
  *out_err = pm_form_parse(text, bytes, &form, NULL);
  shown[0] = '\0';
  for (size_t i = 0; i < form.count; i++) {
    size_t at = strlen(shown);
    snprintf(shown + at, sizeof(shown) - at, "%s=%s;", form.fields[i].name, form.fields[i].value);
  }
  return shown;
}

static void reads_fields(void **state) {
  static const struct {
    const char *text, *fields;
    enum pm_err err;
  } cases[] = {
      {"", "", PM_OK},
      {"a=1", "a=1;", PM_OK},
      {"a=1&b=2", "a=1;b=2;", PM_OK},
      {"&&a=1&&", "a=1;", PM_OK},
      {"a", "a=;", PM_OK},
      {"a=", "a=;", PM_OK},
      {"=1", "=1;", PM_OK},
      {"a=b=c", "a=b=c;", PM_OK},
      {"url=http://h/v1/peers?addpeers=true&ip=", "url=http://h/v1/peers?addpeers=true;ip=;",
       PM_OK},
      {"a=two+words%2B%26%3D", "a=two words+&=;", PM_OK},
      {"%61=%c3%BC", "a=\xc3\xbc;", PM_OK},
      {"a=1&a=2", "a=1;a=2;", PM_OK},
      {"a=%", "", PM_ERR_SYNTAX},
      {"a=1&b=%4", "", PM_ERR_SYNTAX},
      {"a=%zz", "", PM_ERR_SYNTAX},
      {"a=%00", "", PM_ERR_SYNTAX},
      {"%=1", "", PM_ERR_SYNTAX},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    enum pm_err err;
    const char *fields = parsed(cases[i].text, strlen(cases[i].text), &err);
    assert_int_equal(err, cases[i].err);
    assert_string_equal(fields, cases[i].fields);
  }
}

static void a_raw_nul_is_refused(void **state) {
  (void)state;
  enum pm_err err;
  assert_string_equal(parsed("a=1\0b", 5, &err), "");
  assert_int_equal(err, PM_ERR_SYNTAX);
}

static void the_first_of_a_name_counts(void **state) {
  (void)state;
  struct pm_form form;
  assert_int_equal(pm_form_parse("a=1&b=2&a=3", 11, &form, NULL), PM_OK);
  assert_string_equal(pm_form_value(&form, "a"), "1");
  assert_string_equal(pm_form_value(&form, "b"), "2");
  assert_string_equal(pm_form_value(&form, "A"), "");
}

static void fields_have_a_maximum(void **state) {
  (void)state;
  struct pm_form form;
  struct pm_why why;
  const char text[] = "&a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q";
  assert_int_equal(pm_form_parse(text, strlen(text) - 2, &form, NULL), PM_OK);
  assert_int_equal(form.count, PM_FORM_FIELDS_MAX);
  assert_int_equal(pm_form_parse(text, strlen(text), &form, &why), PM_ERR_TOO_LARGE);
  assert_int_equal(form.count, 0);
  assert_string_equal(why.text, "the form has more than 16 fields or 4096 bytes");
}

static void text_has_a_maximum(void **state) {
  (void)state;
  struct pm_form form;
  char text[PM_FORM_TEXT_BYTES];
  memset(text, 'x', sizeof(text));
  text[0] = 'a';
  text[1] = '=';
  /* "a", the value, and a NUL behind each. */
  assert_int_equal(pm_form_parse(text, PM_FORM_TEXT_BYTES - 1, &form, NULL), PM_OK);
  assert_int_equal(strlen(pm_form_value(&form, "a")), PM_FORM_TEXT_BYTES - 3);
  assert_int_equal(pm_form_parse(text, PM_FORM_TEXT_BYTES, &form, NULL), PM_ERR_TOO_LARGE);
}

static void the_sentence_names_the_field(void **state) {
  (void)state;
  struct pm_form form;
  struct pm_why why;
  assert_int_equal(pm_form_parse("a=1&b=%zz&c", 11, &form, &why), PM_ERR_SYNTAX);
  assert_string_equal(
      why.text, "the field \"b=%zz\" holds a broken escape: write '%' as \"%25\", and no NUL");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_fields),
      cmocka_unit_test(a_raw_nul_is_refused),
      cmocka_unit_test(the_first_of_a_name_counts),
      cmocka_unit_test(fields_have_a_maximum),
      cmocka_unit_test(text_has_a_maximum),
      cmocka_unit_test(the_sentence_names_the_field),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
