#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/escape.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
/* Text of which NULs are part. */
#define BYTES(literal) literal, sizeof(literal) - 1
#define REPLACEMENT    "\xef\xbf\xbd" /* U+FFFD */

static const struct {
  const char *text;
  size_t bytes;
  size_t length;
  uint32_t code;
} characters[] = {
    {BYTES("a"), 1, 'a'},
    {BYTES("\0"), 1, 0},
    {BYTES("\x7f"), 1, 0x7f},
    {BYTES("\xc2\x80"), 2, 0x80},
    {BYTES("\xdf\xbf"), 2, 0x7ff},
    {BYTES("\xe0\xa0\x80"), 3, 0x800},
    {BYTES("\xe2\x82\xac and more"), 3, 0x20ac},
    {BYTES("\xed\x9f\xbf"), 3, 0xd7ff},
    {BYTES("\xee\x80\x80"), 3, 0xe000},
    {BYTES("\xef\xbf\xbf"), 3, 0xffff},
    {BYTES("\xf0\x90\x80\x80"), 4, 0x10000},
    {BYTES("\xf4\x8f\xbf\xbf"), 4, 0x10ffff},
    {BYTES(""), 0, 0},
    {BYTES("\x80"), 0, 0},             /* a continuation alone */
    {BYTES("\xc3"), 0, 0},             /* cut */
    {BYTES("\xe2\x82"), 0, 0},         /* cut */
    {BYTES("\xf0\x9f\x98"), 0, 0},     /* cut */
    {BYTES("\xc3("), 0, 0},            /* no continuation */
    {BYTES("\xe2\x82("), 0, 0},        /* no continuation */
    {BYTES("\xc0\x80"), 0, 0},         /* overlong NUL */
    {BYTES("\xc1\xbf"), 0, 0},         /* overlong */
    {BYTES("\xe0\x9f\xbf"), 0, 0},     /* overlong */
    {BYTES("\xf0\x8f\xbf\xbf"), 0, 0}, /* overlong */
    {BYTES("\xed\xa0\x80"), 0, 0},     /* the first surrogate */
    {BYTES("\xed\xbf\xbf"), 0, 0},     /* the last surrogate */
    {BYTES("\xf4\x90\x80\x80"), 0, 0}, /* U+110000 */
    {BYTES("\xf5\x80\x80\x80"), 0, 0},
    {BYTES("\xff"), 0, 0},
};

static void only_well_formed_utf8_is_a_character(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(characters); i++) {
    uint32_t code = 77;
    size_t length = pm_utf8_next(characters[i].text, characters[i].bytes, &code);
    if (length != characters[i].length) fail_msg("row %zu has length %zu", i, length);
    assert_int_equal(code, length > 0 ? characters[i].code : 77);
  }
}

static const struct {
  const char *cut;
  const char *trimmed;
} cuts[] = {
    {"", ""},
    {"abc", "abc"},
    {"a\xe2\x82\xac", "a\xe2\x82\xac"},
    {"a\xe2\x82", "a"},
    {"a\xe2", "a"},
    {"a\xc3", "a"},
    {"a\xc3\xa9", "a\xc3\xa9"},
    {"a\xf0\x9f\x98", "a"},
    {"a\xf0\x9f\x98\x80", "a\xf0\x9f\x98\x80"},
    {"\xe2\x82", ""},
    {"\x80", "\x80"}, /* not the cut's doing */
    {"a\x80\x80\x80\x80", "a\x80\x80\x80\x80"},
};

static void a_cut_character_is_dropped(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(cuts); i++) {
    char text[16] = "";
    memcpy(text, cuts[i].cut, strlen(cuts[i].cut));
    pm_utf8_trim_cut(text);
    assert_string_equal(text, cuts[i].trimmed);
  }
}

struct escape_case {
  const char *text;
  size_t bytes;
  const char *escaped;
};

static void check_cases(void (*escape)(struct pm_buf *, const char *, size_t),
                        const struct escape_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct pm_buf buf;
    pm_buf_init(&buf, 100);
    escape(&buf, cases[i].text, cases[i].bytes);
    assert_int_equal(pm_buf_status(&buf), PM_OK);
    assert_string_equal(buf.data, cases[i].escaped);
    pm_buf_deinit(&buf);
  }
}

static void html_is_harmless(void **state) {
  (void)state;
  static const struct escape_case cases[] = {
      {BYTES(""), ""},
      {BYTES("Paris,FR"), "Paris,FR"},
      {BYTES("<script>alert(\"1\" & '2')</script>"),
       "&lt;script&gt;alert(&#34;1&#34; &amp; &#39;2&#39;)&lt;/script&gt;"},
      {BYTES("tab\t line\r\n"), "tab\t line\r\n"},
      {BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
      {BYTES("a\0b\x1b\x7f"), "a" REPLACEMENT "b" REPLACEMENT REPLACEMENT},
      {BYTES("\xc2\x9b"), REPLACEMENT},
      {BYTES("\xff\xe2\x82<"), REPLACEMENT REPLACEMENT REPLACEMENT "&lt;"},
  };
  check_cases(pm_escape_html, cases, LENGTH(cases));
}

static const struct escape_case lines[] = {
    {BYTES(""), ""},
    {BYTES("Paris,FR \"quoted\" <kept>"), "Paris,FR \"quoted\" <kept>"},
    {BYTES("a\tb\nc\rd"), "a?b?c?d"},
    {BYTES("\x1b[31mred\x7f"), "?[31mred?"},
    {BYTES("Z\xc3\xbcrich"), "Z\xc3\xbcrich"},
    {BYTES("\xc2\x9b"
           "31m"),
     "?31m"}, /* C1: CSI in one character */
    {BYTES("a\xe2\x80\xa8"
           "b\xe2\x80\xa9"),
     "a?b?"}, /* U+2028, U+2029 */
    {BYTES("\xe2\x80\xae"
           "txt.exe"),
     "?txt.exe"},                              /* U+202E */
    {BYTES("\xe2\x81\xa6\xe2\x81\xa9"), "??"}, /* U+2066, U+2069 */
    {BYTES("\xe2\x80\x8f\xd8\x9c"), "??"},     /* U+200F, U+061C */
    {BYTES("\xe2\x80\xaf"), "\xe2\x80\xaf"},   /* U+202F, a space behind the range */
    {BYTES("\xff\xfe.\xe2\x82"), "??.??"},
};

static void a_line_stays_a_line(void **state) {
  (void)state;
  check_cases(pm_escape_line, lines, LENGTH(lines));
  static const struct escape_case nul = {BYTES("a\0b"), "a?b"};
  check_cases(pm_escape_line, &nul, 1);
}

static void a_line_is_escaped_in_place_too(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(lines); i++) {
    char text[64] = "";
    memcpy(text, lines[i].text, lines[i].bytes);
    pm_escape_line_inplace(text);
    assert_string_equal(text, lines[i].escaped);
  }
}

static void a_query_value_is_percent_encoded(void **state) {
  (void)state;
  static const struct escape_case cases[] = {
      {BYTES(""), ""},
      {BYTES("AZaz09-._~"), "AZaz09-._~"},
      {BYTES("a b+c&d=e/f?g#h%i"), "a%20b%2Bc%26d%3De%2Ff%3Fg%23h%25i"},
      {BYTES("\xc3\xa9\0\xff@[`{"), "%C3%A9%00%FF%40%5B%60%7B"},
  };
  check_cases(pm_escape_query, cases, LENGTH(cases));
}

static void escaping_stops_where_the_buffer_is_full(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 6);
  pm_escape_html(&buf, "ab<<", 4);
  assert_int_equal(pm_buf_status(&buf), PM_ERR_FULL);
  assert_string_equal(buf.data, "ab&lt;");
  pm_buf_deinit(&buf);
}

static const struct {
  const char *text;
  size_t bytes;
  enum pm_err err;
  const char *decoded;
} forms[] = {
    {BYTES(""), PM_OK, ""},
    {BYTES("a+b%20c"), PM_OK, "a b c"},
    {BYTES("%41%7a%2B%fF"), PM_OK, "Az+\xff"},
    {BYTES("1234567"), PM_OK, "1234567"},
    {BYTES("%31234567"), PM_OK, "1234567"},
    {BYTES("12345678"), PM_ERR_TOO_LARGE, NULL},
    {BYTES("%"), PM_ERR_SYNTAX, NULL},
    {BYTES("%4"), PM_ERR_SYNTAX, NULL},
    {BYTES("%4g"), PM_ERR_SYNTAX, NULL},
    {BYTES("%g4"), PM_ERR_SYNTAX, NULL},
    {BYTES("% 4"), PM_ERR_SYNTAX, NULL},
    {BYTES("%%41"), PM_ERR_SYNTAX, NULL},
    {BYTES("a%00b"), PM_ERR_SYNTAX, NULL},
    {BYTES("a\0b"), PM_ERR_SYNTAX, NULL},
};

static void a_form_value_is_decoded_whole_or_not(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(forms); i++) {
    char out[8] = "before";
    enum pm_err err = pm_unescape_form(forms[i].text, forms[i].bytes, out, sizeof(out));
    assert_int_equal(err, forms[i].err);
    assert_string_equal(out, err == PM_OK ? forms[i].decoded : "before");
  }
  assert_int_equal(pm_unescape_form("", 0, NULL, 0), PM_ERR_TOO_LARGE);
}

static void hexadecimal_digits_have_values(void **state) {
  (void)state;
  for (int c = -128; c < 128; c++) {
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *found = c > 0 ? strchr(digits, c) : NULL;
    assert_int_equal(pm_hex_value((char)c), found != NULL ? (found - digits) % 16 : -1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_well_formed_utf8_is_a_character),
      cmocka_unit_test(a_cut_character_is_dropped),
      cmocka_unit_test(html_is_harmless),
      cmocka_unit_test(a_line_stays_a_line),
      cmocka_unit_test(a_line_is_escaped_in_place_too),
      cmocka_unit_test(a_query_value_is_percent_encoded),
      cmocka_unit_test(escaping_stops_where_the_buffer_is_full),
      cmocka_unit_test(a_form_value_is_decoded_whole_or_not),
      cmocka_unit_test(hexadecimal_digits_have_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
