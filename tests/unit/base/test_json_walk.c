/* Values are the same as those of the tree that base/json_read.h gives; only the way is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct pm_json_limits roomy = {
    .bytes_max = 100000, .depth_max = 64, .items_max = 10000, .string_bytes_max = 10000};

/* The text without a NUL behind it, so that reading past it is found; the caller frees it. */
static char *checked(const char *text, struct pm_json_walk *out) {
  size_t bytes = strlen(text);
  char *copy = malloc(bytes);
  struct pm_why why = {""};
  assert_non_null(copy);
  memcpy(copy, text, bytes);
  if (pm_json_check(copy, bytes, &roomy, &why) != PM_OK) fail_msg("%s: %s", text, why.text);
  *out = pm_json_walk_begin(copy, bytes);
  return copy;
}

static void strings_are_decoded(void **state) {
  (void)state;
  static const struct {
    const char *json, *text;
  } rows[] = {{"\"\"", ""},
              {" \"plain\" ", "plain"},
              {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
              {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
              {"\"\\ud83d\\uDE00!\"", "\xf0\x9f\x98\x80!"},
              {"\"\xc3\xa9\"", "\xc3\xa9"}};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    struct pm_json_walk walk;
    char text[32];
    char *copy = checked(rows[i].json, &walk);
    assert_true(pm_json_walk_string(&walk, text, sizeof(text)));
    assert_string_equal(text, rows[i].text);
    free(copy);
  }
}

static void a_string_needs_room_for_its_nul(void **state) {
  (void)state;
  static const char *const rows[] = {"\"four\"", "\"f\\u006fur\""};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    struct pm_json_walk walk;
    char text[5] = "kept";
    char *copy = checked(rows[i], &walk);
    struct pm_json_walk again = walk;
    assert_false(pm_json_walk_string(&walk, text, 4));
    assert_true(pm_json_walk_string(&again, text, 5));
    assert_string_equal(text, "four");
    assert_ptr_equal(walk.at, again.at);
    free(copy);
  }
}

static void numbers_are_those_of_strtod(void **state) {
  (void)state;
  static const char *const rows[] = {"0",
                                     "-0",
                                     "7",
                                     "-12.5",
                                     "0.1",
                                     "123456789012345",
                                     "1234567890123456",
                                     "0.00000000000001",
                                     "99999999999.999",
                                     "1e5",
                                     "-2.5E-3",
                                     "9007199254740993",
                                     "0.30000000000000004441",
                                     "1e-400"};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    struct pm_json_walk walk;
    double value = 42, expected = strtod(rows[i], NULL);
    char *copy = checked(rows[i], &walk);
    assert_true(pm_json_walk_double(&walk, &value));
    if (memcmp(&value, &expected, sizeof(value)) != 0) fail_msg("%s: %.17g", rows[i], value);
    assert_ptr_equal(walk.at, walk.end);
    free(copy);
  }
}

static void integers_are_whole_and_in_range(void **state) {
  (void)state;
  static const struct {
    const char *json;
    bool taken;
    int64_t value;
  } rows[] = {
      {"0", true, 0},      {"100", true, 100},  {"1e2", true, 100}, {"2.0", true, 2},
      {"101", false, 0},   {"-1", false, 0},    {"1.5", false, 0},  {"9007199254740992", false, 0},
      {"1e999", false, 0}, {"\"1\"", false, 0}, {"null", false, 0}, {"[1]", false, 0}};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    struct pm_json_walk walk;
    int64_t value = 0;
    char *copy = checked(rows[i].json, &walk);
    if (pm_json_walk_int(&walk, 0, 100, &value) != rows[i].taken || value != rows[i].value)
      fail_msg("%s: %ld", rows[i].json, (long)value);
    assert_ptr_equal(walk.at, walk.end);
    free(copy);
  }
}

/* What is not what was asked for is passed, whatever it is. */
static void another_type_is_passed(void **state) {
  (void)state;
  static const char *const rows[] = {"true",
                                     "null",
                                     "-1.5e+3",
                                     "\"a\\\"]\"",
                                     "[1,[2,\"]\"],{\"}\":[]}]",
                                     "{\"a\":{\"b\":\"\\\\\"}}"};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    struct pm_json_walk walk;
    char text[128], document[128];
    int64_t value = 0;
    bool truth;
    snprintf(document, sizeof document, "[%s , %s,%s,%s, 7]", rows[i], rows[i], rows[i], rows[i]);
    char *copy = checked(document, &walk);
    assert_true(pm_json_walk_enter(&walk, '['));
    assert_true(pm_json_walk_element(&walk));
    assert_int_equal(pm_json_walk_string(&walk, text, sizeof(text)), rows[i][0] == '"');
    assert_true(pm_json_walk_element(&walk));
    assert_int_equal(pm_json_walk_bool(&walk, &truth), rows[i][0] == 't');
    assert_true(pm_json_walk_element(&walk));
    assert_false(pm_json_walk_int(&walk, 0, 1, &value));
    assert_true(pm_json_walk_element(&walk));
    pm_json_walk_skip(&walk);
    assert_true(pm_json_walk_element(&walk));
    assert_true(pm_json_walk_int(&walk, 0, 7, &value));
    assert_int_equal(value, 7);
    assert_false(pm_json_walk_element(&walk));
    assert_ptr_equal(walk.at, walk.end);
    free(copy);
  }
}

static void members_have_exact_names(void **state) {
  (void)state;
  struct pm_json_walk walk;
  char *copy = checked("{\"Age\" : 1,\"age\":2 , \"\\u0041ge\":3,\"Ag\":4,\"Ages\":5,\"\":6,"
                       "\"\\n0123456789012345678901234567890123456789\":7}",
                       &walk);
  static const bool expected[] = {true, false, true, false, false, false, false};
  assert_true(pm_json_walk_enter(&walk, '{'));
  for (int64_t i = 0; i < (int64_t)LENGTH(expected); i++) {
    int64_t value = 0;
    assert_true(pm_json_walk_member(&walk));
    assert_int_equal(pm_json_walk_is(&walk, "Age"), expected[i]);
    assert_true(pm_json_walk_int(&walk, 0, 100, &value));
    assert_int_equal(value, i + 1);
  }
  assert_false(pm_json_walk_member(&walk));
  free(copy);
}

static void empty_containers_are_passed(void **state) {
  (void)state;
  struct pm_json_walk walk;
  char *copy = checked("[ { } ,[ ],null]", &walk);
  assert_true(pm_json_walk_is_array(&walk));
  assert_true(pm_json_walk_enter(&walk, '['));
  assert_true(pm_json_walk_element(&walk));
  assert_true(pm_json_walk_enter(&walk, '{'));
  assert_false(pm_json_walk_member(&walk));
  assert_true(pm_json_walk_element(&walk));
  assert_false(pm_json_walk_enter(&walk, '{'));
  assert_true(pm_json_walk_element(&walk));
  assert_true(pm_json_walk_is_null(&walk));
  pm_json_walk_skip(&walk);
  assert_false(pm_json_walk_element(&walk));
  free(copy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_are_decoded),
      cmocka_unit_test(a_string_needs_room_for_its_nul),
      cmocka_unit_test(numbers_are_those_of_strtod),
      cmocka_unit_test(integers_are_whole_and_in_range),
      cmocka_unit_test(another_type_is_passed),
      cmocka_unit_test(members_have_exact_names),
      cmocka_unit_test(empty_containers_are_passed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
