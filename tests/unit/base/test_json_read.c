#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"

#define LENGTH(array)  (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct pm_json_limits roomy = {
    .bytes_max = 100000, .depth_max = 64, .items_max = 10000, .string_bytes_max = 10000};

/* The text is copied without a NUL behind it, so that reading past it is found. */
static enum pm_err parse(const char *text, size_t bytes, const struct pm_json_limits *limits,
                         struct pm_json_doc **out, struct pm_why *why) {
  char *copy = malloc(bytes > 0 ? bytes : 1);
  assert_non_null(copy);
  memcpy(copy, text, bytes);
  enum pm_err err = pm_json_parse(copy, bytes, limits, out, why);
  free(copy);
  return err;
}

static struct pm_json_doc *parse_good(const char *text) {
  struct pm_json_doc *doc = NULL;
  struct pm_why why = {""};
  if (parse(text, strlen(text), &roomy, &doc, &why) != PM_OK) fail_msg("%s: %s", text, why.text);
  return doc;
}

static const char *well_formed[] = {
    "null",
    " \t\r\n true \t\r\n ",
    "false",
    "0",
    "-0",
    "-0.0e-0",
    "10.25E+3",
    "123456789012345678901234567890123456789012345678901234567890123", /* 63 digits */
    "\"\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\uD83D\\uDE00\"",
    "\"\x7f \xc3\xa9 \xf0\x9f\x98\x80\"",
    "[]",
    "[ ]",
    "{}",
    "{ }",
    "[[],{},[{}]]",
    "{\"\":\"\"}",
    " { \"a\" : [ 1 , 2 ] , \"b\" : { } } ",
};

static void well_formed_documents_are_taken(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(well_formed); i++) pm_json_free(parse_good(well_formed[i]));
}

static const struct {
  const char *text;
  size_t bytes;
  const char *why;
} malformed[] = {
    {BYTES(""), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("  "), "this is not JSON: no value where one is due at byte 2"},
    {BYTES("\xef\xbb\xbf{}"), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("\v1"), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("1\0"), "this is not JSON: something behind the value at byte 1"},
    {BYTES("1 2"), "this is not JSON: something behind the value at byte 2"},
    {BYTES("{}x"), "this is not JSON: something behind the value at byte 2"},
    {BYTES("nul"), "this is not JSON: an unknown word at byte 3"},
    {BYTES("nulL"), "this is not JSON: an unknown word at byte 3"},
    {BYTES("True"), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("01"), "this is not JSON: something behind the value at byte 1"},
    {BYTES("+1"), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("-"), "this is not JSON: no value where one is due at byte 1"},
    {BYTES(".5"), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("1."), "this is not JSON: no digit behind the point at byte 2"},
    {BYTES("1e"), "this is not JSON: no digit in the exponent at byte 2"},
    {BYTES("1e+-1"), "this is not JSON: no digit in the exponent at byte 3"},
    {BYTES("0x10"), "this is not JSON: something behind the value at byte 1"},
    {BYTES("NaN"), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("\""), "this is not JSON: a string without its end at byte 1"},
    {BYTES("\"a\\"), "this is not JSON: a string without its end at byte 3"},
    {BYTES("\"a\\\""), "this is not JSON: a string without its end at byte 4"},
    {BYTES("\"a\tb\""), "this is not JSON: a control character in a string at byte 2"},
    {BYTES("\"a\0b\""), "this is not JSON: a control character in a string at byte 2"},
    {BYTES("\"\\x41\""), "this is not JSON: an unknown escape at byte 2"},
    {BYTES("\"\\\0\""), "this is not JSON: an unknown escape at byte 2"},
    {BYTES("\"\\u12\""), "this is not JSON: a broken \\u escape at byte 5"},
    {BYTES("\"\\u12g4\""), "this is not JSON: a broken \\u escape at byte 5"},
    {BYTES("\"\\u12"), "this is not JSON: a broken \\u escape at byte 5"},
    {BYTES("\"\\u0000\""), "this is not JSON: an escaped NUL in a string at byte 7"},
    {BYTES("{\"a\\u0000b\":1}"), "this is not JSON: an escaped NUL in a string at byte 9"},
    {BYTES("\"\\uD83D\""), "this is not JSON: half a surrogate pair at byte 7"},
    {BYTES("\"\\uD83D\\n\""), "this is not JSON: half a surrogate pair at byte 8"},
    {BYTES("\"\\uD83D\\u0041\""), "this is not JSON: half a surrogate pair at byte 13"},
    {BYTES("\"\\uDE00\""), "this is not JSON: half a surrogate pair at byte 7"},
    {BYTES("\"\xff\""), "this is not JSON: a byte that is not UTF-8 at byte 1"},
    {BYTES("\"\xc0\x80\""), "this is not JSON: a byte that is not UTF-8 at byte 1"},
    {BYTES("\"\xe2\x82\""), "this is not JSON: a byte that is not UTF-8 at byte 1"},
    {BYTES("["), "this is not JSON: no value where one is due at byte 1"},
    {BYTES("[1"), "this is not JSON: no comma or closing bracket at byte 2"},
    {BYTES("[1,]"), "this is not JSON: no value where one is due at byte 3"},
    {BYTES("[,1]"), "this is not JSON: no value where one is due at byte 1"},
    {BYTES("[1 2]"), "this is not JSON: no comma or closing bracket at byte 3"},
    {BYTES("[1}"), "this is not JSON: no comma or closing bracket at byte 2"},
    {BYTES("]"), "this is not JSON: no value where one is due at byte 0"},
    {BYTES("{"), "this is not JSON: no string where one is due at byte 1"},
    {BYTES("{\"a\"}"), "this is not JSON: no colon behind a name at byte 4"},
    {BYTES("{\"a\":}"), "this is not JSON: no value where one is due at byte 5"},
    {BYTES("{\"a\":1,}"), "this is not JSON: no string where one is due at byte 7"},
    {BYTES("{a:1}"), "this is not JSON: no string where one is due at byte 1"},
    {BYTES("{\"a\":1]"), "this is not JSON: no comma or closing bracket at byte 6"},
    {BYTES("/**/1"), "this is not JSON: no value where one is due at byte 0"},
};

static void malformed_documents_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(malformed); i++) {
    struct pm_json_doc *doc = NULL;
    struct pm_why why = {""};
    enum pm_err err = parse(malformed[i].text, malformed[i].bytes, &roomy, &doc, &why);
    if (err != PM_ERR_SYNTAX) fail_msg("\"%s\" is %s", malformed[i].text, pm_err_name(err));
    assert_string_equal(why.text, malformed[i].why);
    assert_null(doc);
    assert_int_equal(parse(malformed[i].text, malformed[i].bytes, &roomy, &doc, NULL),
                     PM_ERR_SYNTAX);
  }
}

/* Each pair is the largest document that a limit of 10 bytes, 2 levels, 4 values and 3 bytes of
 * string lets pass, and one that is larger by one. */
static const struct {
  const char *fits;
  const char *too_large;
  const char *why;
} at_limits[] = {
    {" \"a\" \t\r\n  ", " \"a\" \t\r\n   ", "the JSON document has more bytes than 10"},
    {"[[], {}]", "[[[]]]", "the JSON document has deeper nesting than 2"},
    {"{\"a\":{}}", "[{\"\":[]}]", "the JSON document has deeper nesting than 2"},
    {"[1,2,3]", "[1,2,3,4]", "the JSON document has more values than 4"},
    {"[[],[],[]]", "[[[],[]]]", "the JSON document has deeper nesting than 2"},
    {"\"abc\"", "\"abcd\"", "the JSON document has a longer string than 3"},
    {"\"\\n-\"", "\"\\n\\n\"", "the JSON document has a longer string than 3"},
    {"\"\xe2\x82\xac\"", "\"\xe2\x82\xac.\"", "the JSON document has a longer string than 3"},
    {"{\"abc\":1}", "{\"abcd\":1}", "the JSON document has a longer string than 3"},
};

static void what_exceeds_a_limit_is_refused_by_name(void **state) {
  (void)state;
  static const struct pm_json_limits tight = {
      .bytes_max = 10, .depth_max = 2, .items_max = 4, .string_bytes_max = 3};
  for (size_t i = 0; i < LENGTH(at_limits); i++) {
    struct pm_json_doc *doc = NULL;
    struct pm_why why = {""};
    const char *fits = at_limits[i].fits;
    const char *too_large = at_limits[i].too_large;
    if (parse(fits, strlen(fits), &tight, &doc, &why) != PM_OK) fail_msg("%s: %s", fits, why.text);
    pm_json_free(doc);
    doc = NULL;
    assert_int_equal(parse(too_large, strlen(too_large), &tight, &doc, &why), PM_ERR_TOO_LARGE);
    assert_string_equal(why.text, at_limits[i].why);
    assert_null(doc);
  }
}

static void nesting_ends_at_64(void **state) {
  (void)state;
  char text[130];
  memset(text, '[', 65);
  memset(text + 65, ']', 65);
  struct pm_json_doc *doc = NULL;
  assert_int_equal(parse(text + 1, 128, &roomy, &doc, NULL), PM_OK);
  pm_json_free(doc);
  assert_int_equal(parse(text, 130, &roomy, &doc, NULL), PM_ERR_TOO_LARGE);
}

static void a_scalar_needs_no_depth(void **state) {
  (void)state;
  static const struct pm_json_limits flat = {
      .bytes_max = 10, .depth_max = 0, .items_max = 1, .string_bytes_max = 0};
  struct pm_json_doc *doc = NULL;
  assert_int_equal(parse("\"\"", 2, &flat, &doc, NULL), PM_OK);
  pm_json_free(doc);
  assert_int_equal(parse("[]", 2, &flat, &doc, NULL), PM_ERR_TOO_LARGE);
}

static void a_number_longer_than_63_characters_is_refused(void **state) {
  (void)state;
  char digits[65];
  memset(digits, '7', 64);
  digits[64] = '\0';
  struct pm_json_doc *doc = NULL;
  struct pm_why why = {""};
  assert_int_equal(parse(digits, 64, &roomy, &doc, &why), PM_ERR_TOO_LARGE);
  assert_string_equal(why.text, "the JSON document has a longer number than 63");
}

static void members_are_found_by_their_exact_name(void **state) {
  (void)state;
  struct pm_json_doc *doc = parse_good("{\"Url\":1,\"url\":2,\"URL\":3,\"url\":4,\"\":5}");
  const struct pm_json *root = pm_json_root(doc);
  int64_t value = 0;
  assert_int_equal(pm_json_int(pm_json_member(root, "url"), 0, 9, &value), PM_OK);
  assert_int_equal(value, 2);
  assert_int_equal(pm_json_int(pm_json_member(root, "URL"), 0, 9, &value), PM_OK);
  assert_int_equal(value, 3);
  assert_int_equal(pm_json_int(pm_json_member(root, ""), 0, 9, &value), PM_OK);
  assert_int_equal(value, 5);
  assert_null(pm_json_member(root, "uRL"));
  assert_null(pm_json_member(NULL, "Url"));
  assert_null(pm_json_member(pm_json_first(root), "Url"));
  pm_json_free(doc);
}

static void children_follow_in_order(void **state) {
  (void)state;
  struct pm_json_doc *doc = parse_good("{\"list\":[10,20,30],\"none\":[],\"n\\u00e9\":0}");
  const struct pm_json *list = pm_json_first(pm_json_root(doc));
  assert_string_equal(pm_json_name(list), "list");
  assert_true(pm_json_is_array(list));
  int64_t sum = 0;
  int count = 0;
  for (const struct pm_json *n = pm_json_first(list); n != NULL; n = pm_json_next(n)) {
    int64_t value = 0;
    assert_string_equal(pm_json_name(n), "");
    assert_int_equal(pm_json_int(n, 0, 100, &value), PM_OK);
    sum = sum * 100 + value;
    count++;
  }
  assert_int_equal(count, 3);
  assert_int_equal(sum, 102030);
  const struct pm_json *none = pm_json_next(list);
  assert_null(pm_json_first(none));
  assert_string_equal(pm_json_name(pm_json_next(none)), "n\xc3\xa9");
  assert_null(pm_json_next(pm_json_next(none)));
  assert_null(pm_json_next(NULL));
  assert_null(pm_json_first(NULL));
  assert_string_equal(pm_json_name(NULL), "");
  pm_json_free(doc);
}

static void strings_are_unescaped(void **state) {
  (void)state;
  struct pm_json_doc *doc = parse_good("\"\\u003cb\\u003e \\\\ \\/ \\n \\u20ac \\ud83d\\ude00\"");
  const char *text = NULL;
  assert_int_equal(pm_json_string(pm_json_root(doc), &text), PM_OK);
  assert_string_equal(text, "<b> \\ / \n \xe2\x82\xac \xf0\x9f\x98\x80");
  pm_json_free(doc);
}

static const struct {
  const char *text;
  enum pm_err err;
  int64_t value;
} integers[] = {
    {"-5", PM_OK, -5},
    {"0", PM_OK, 0},
    {"1e3", PM_OK, 1000},
    {"7.0", PM_OK, 7},
    {"910181", PM_OK, 910181},
    {"9007199254740991", PM_OK, INT64_C(9007199254740991)},
    {"-9007199254740991", PM_OK, INT64_C(-9007199254740991)},
    {"9007199254740992", PM_ERR_RANGE, 0},
    {"9007199254740993", PM_ERR_RANGE, 0}, /* a double rounds it to the one above */
    {"-9007199254740992", PM_ERR_RANGE, 0},
    {"1e300", PM_ERR_RANGE, 0},
    {"-1e999", PM_ERR_RANGE, 0},
    {"1.5", PM_ERR_TYPE, 0},
    {"1e-3", PM_ERR_TYPE, 0},
    {"\"5\"", PM_ERR_TYPE, 0},
    {"true", PM_ERR_TYPE, 0},
    {"[]", PM_ERR_TYPE, 0},
    {"null", PM_ERR_MISSING, 0},
};

static void integers_are_taken_where_they_are_exact(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(integers); i++) {
    struct pm_json_doc *doc = parse_good(integers[i].text);
    int64_t value = -77;
    enum pm_err err = pm_json_int(pm_json_root(doc), INT64_MIN, INT64_MAX, &value);
    if (err != integers[i].err) fail_msg("%s is %s", integers[i].text, pm_err_name(err));
    assert_int_equal(value, err == PM_OK ? integers[i].value : -77);
    pm_json_free(doc);
  }
}

static void integers_are_taken_within_their_bounds(void **state) {
  (void)state;
  struct pm_json_doc *doc = parse_good("443");
  const struct pm_json *port = pm_json_root(doc);
  int64_t value = -77;
  assert_int_equal(pm_json_int(port, 444, 65535, &value), PM_ERR_RANGE);
  assert_int_equal(pm_json_int(port, 1, 442, &value), PM_ERR_RANGE);
  assert_int_equal(value, -77);
  assert_int_equal(pm_json_int(port, 443, 443, &value), PM_OK);
  assert_int_equal(value, 443);
  pm_json_free(doc);
}

static void a_value_of_another_type_is_not_converted(void **state) {
  (void)state;
  struct pm_json_doc *doc = parse_good("[1.25, \"x\", true, false, null, 1e999]");
  const struct pm_json *number = pm_json_first(pm_json_root(doc));
  const struct pm_json *string = pm_json_next(number);
  const struct pm_json *yes = pm_json_next(string);
  const struct pm_json *no = pm_json_next(yes);
  const struct pm_json *null = pm_json_next(no);
  const char *text = "before";
  double real = 0;
  bool truth = false;
  assert_int_equal(pm_json_double(number, &real), PM_OK);
  assert_true(real == 1.25);
  assert_int_equal(pm_json_double(string, &real), PM_ERR_TYPE);
  assert_int_equal(pm_json_double(pm_json_next(null), &real), PM_ERR_RANGE);
  assert_true(real == 1.25);
  assert_int_equal(pm_json_bool(yes, &truth), PM_OK);
  assert_true(truth);
  assert_int_equal(pm_json_bool(no, &truth), PM_OK);
  assert_false(truth);
  assert_int_equal(pm_json_bool(number, &truth), PM_ERR_TYPE);
  assert_int_equal(pm_json_string(yes, &text), PM_ERR_TYPE);
  assert_int_equal(pm_json_string(null, &text), PM_ERR_MISSING);
  assert_string_equal(text, "before");
  assert_true(pm_json_is_null(null));
  assert_false(pm_json_is_null(no));
  assert_false(pm_json_is_object(pm_json_root(doc)));
  pm_json_free(doc);
}

static void nothing_is_missing(void **state) {
  (void)state;
  const char *text = NULL;
  int64_t integer;
  double real;
  bool truth;
  assert_true(pm_json_is_null(NULL));
  assert_false(pm_json_is_object(NULL));
  assert_false(pm_json_is_array(NULL));
  assert_int_equal(pm_json_string(NULL, &text), PM_ERR_MISSING);
  assert_int_equal(pm_json_int(NULL, 0, 1, &integer), PM_ERR_MISSING);
  assert_int_equal(pm_json_double(NULL, &real), PM_ERR_MISSING);
  assert_int_equal(pm_json_bool(NULL, &truth), PM_ERR_MISSING);
  pm_json_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(well_formed_documents_are_taken),
      cmocka_unit_test(malformed_documents_are_refused),
      cmocka_unit_test(what_exceeds_a_limit_is_refused_by_name),
      cmocka_unit_test(nesting_ends_at_64),
      cmocka_unit_test(a_scalar_needs_no_depth),
      cmocka_unit_test(a_number_longer_than_63_characters_is_refused),
      cmocka_unit_test(members_are_found_by_their_exact_name),
      cmocka_unit_test(children_follow_in_order),
      cmocka_unit_test(strings_are_unescaped),
      cmocka_unit_test(integers_are_taken_where_they_are_exact),
      cmocka_unit_test(integers_are_taken_within_their_bounds),
      cmocka_unit_test(a_value_of_another_type_is_not_converted),
      cmocka_unit_test(nothing_is_missing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
