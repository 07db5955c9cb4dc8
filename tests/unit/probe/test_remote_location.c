#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/remote_location.h"

/* Bodies are copied to the heap without a NUL, so that the sanitizer sees any byte read past them.
 */
static enum pm_err locate(const char *body, size_t bytes, char out[PM_LOCATION_BYTES]) {
  char *copy = malloc(bytes > 0 ? bytes : 1);
  assert_non_null(copy);
  memcpy(copy, body, bytes);
  enum pm_err err = pm_remote_location(copy, bytes, out);
  free(copy);
  return err;
}

struct row {
  const char *body;
  const char *location; /* NULL: none */
};

static void check(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char out[PM_LOCATION_BYTES] = "untouched";
    enum pm_err err = locate(rows[i].body, strlen(rows[i].body), out);
    if (rows[i].location == NULL) {
      if (err != PM_ERR_MISSING) fail_msg("%s gave %s", rows[i].body, out);
      assert_string_equal(out, "untouched");
    } else {
      if (err != PM_OK) fail_msg("%s gave nothing", rows[i].body);
      assert_string_equal(out, rows[i].location);
    }
  }
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void html_pages(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"<html><body><h1>pingmesh</h1>\n<p>Served from Paris,FR\n</body>", "Paris,FR"},
      {"<p>Served from Paris,FR\r\n<p>Hi", "Paris,FR"},
      {"<p>Served from Paris,FR</p>", "Paris,FR"},
      {"<p>Served from Paris,FR", "Paris,FR"},
      {"<p>Served from   \tNew York  \t\n", "New York"},
      {"<p>Served from\tOslo", "Oslo"},
      {"<p>Served from a&amp;b &lt;c&gt; &quot;d&quot; &#39;e&#x27; &apos;\n",
       "a&b <c> \"d\" 'e' '"},
      {"<p>Served from Z&#252;rich", "Z\xc3\xbcrich"},
      {"<p>Served from Z&#xFC;rich", "Z\xc3\xbcrich"},
      {"<p>Served from Z\xc3\xbcrich", "Z\xc3\xbcrich"},
      {"<p>Served from &nbsp;&nbsp;x&nbsp;", "x"},
      {"<p>Served from AT&T & sons &unknown; &#; &#x; &#12a; &",
       "AT&T & sons &unknown; &#; &#x; &#12a; &"},
      {"<p>Served from x&#x110000;&#xD800;&#99999999;y", "x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy"},
      {"<p>Served from \n<p>Served from Paris", NULL},
      {"<p>Served from <b>Paris</b>", NULL},
      {"<p>Served from", NULL},
      {"<p>Served fromage Paris", NULL},
      {"<p>served from Paris", NULL},
      {"<p>Serve", NULL},
      {"", NULL},
  };
  CHECK(rows);
}

static void json_documents(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"{\n  \"Start\": \"x\",\n  \"SrvLoc\": \"Paris,FR\",\n  \"SrvHost\": \"\"\n}", "Paris,FR"},
      {"{\"SrvLoc\":\"Paris,FR\"}", "Paris,FR"},
      {"{\"SrvLoc\" \n:\t\"  Paris  \"}", "Paris"},
      {"{\"SrvLoc\":\"Z\\u00fcrich \\\"\\/\\\\\"}", "Z\xc3\xbcrich \"/\\"},
      {"{\"SrvLoc\":\"\\ud83d\\uDE00\"}", "\xf0\x9f\x98\x80"},
      {"{\"SrvLoc\":\"a\\ud83db\"}", "a\xef\xbf\xbd"
                                     "b"},
      {"{\"SrvLoc\":\"\\ud83d\\u0041\"}", "\xef\xbf\xbd"
                                          "A"},
      {"{\"SrvLoc\":\"\\uDE00\"}", "\xef\xbf\xbd"},
      {"{\"SrvLoc\":\"a\\u0026b\"}", "a&b"},
      {"{\"SrvLoc\":\"a&amp;b\"}", "a&amp;b"},
      {"{\"SrvLoc\":\"\"}", NULL},
      {"{\"SrvLoc\":\" \\n \"}", NULL},
      {"{\"SrvLoc\":null}", NULL},
      {"{\"SrvLoc\":7}", NULL},
      {"{\"SrvLoc\":\"Par", NULL},
      {"{\"SrvLoc\":\"Par\\", NULL},
      {"{\"SrvLoc\":\"Par\\u00", NULL},
      {"{\"SrvLoc\":\"Par\\u00zz\"}", NULL},
      {"{\"SrvLoc\":\"Par\\ud83d\\uzzzz\"}", NULL},
      {"{\"SrvLoc\":\"Par\\x\"}", NULL},
      {"{\"SrvLoc\":", NULL},
      {"{\"SrvLoc\"", NULL},
      {"{\"srvloc\":\"Paris\"}", NULL},
      {"{\"Other\":\"\\\"SrvLoc\\\":\\\"Paris\\\"\"}", NULL},
  };
  CHECK(rows);
}

static void of_both_the_first_that_names_a_place_counts(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"{\"SrvLoc\":\"A\",\"x\":\"<p>Served from B\"}", "A"},
      {"<p>Served from B\n<pre>{\"SrvLoc\":\"A\"}", "B"},
      {"{\"SrvLoc\":\"\",\"x\":\"<p>Served from B\n\"}", "B"},
      {"<p>Served from \n<pre>{\"SrvLoc\":\"A\"}", "A"},
  };
  CHECK(rows);
}

static void hostile_bytes_are_made_harmless(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"<p>Served from a\x1b[2Jb\tc\x7f"
       "d",
       "a?[2Jb?c?d"},
      {"<p>Served from a\xff\xc3z", "a??z"},
      {"<p>Served from a&#10;b&#13;c&#27;d&#0;e", "a?b?c?d?e"},
      {"{\"SrvLoc\":\"a\\nb\\tc\\u0000d\\u202ee\\u009bf\"}", "a?b?c?d?e?f"},
  };
  CHECK(rows);
}

static void a_nul_in_the_body_does_not_end_the_name(void **state) {
  (void)state;
  char out[PM_LOCATION_BYTES];
  static const char html[] = "\0<p>Served from a\0b\n";
  assert_int_equal(locate(html, sizeof(html) - 1, out), PM_OK);
  assert_string_equal(out, "a?b");
  static const char json[] = "\0\"SrvLoc\":\"a\0b\"";
  assert_int_equal(locate(json, sizeof(json) - 1, out), PM_OK);
  assert_string_equal(out, "a?b");
  assert_int_equal(pm_remote_location(NULL, 0, out), PM_ERR_MISSING);
}

/* "é" is two bytes: 127 bytes hold 63 of them, and the cut must not leave half of one. */
static void a_long_name_is_cut_at_a_characters_boundary(void **state) {
  (void)state;
  static const char *const characters[] = {"e", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  for (size_t length = 1; length <= 4; length++) {
    char body[1024] = "<p>Served from ";
    size_t at = strlen(body);
    for (int i = 0; i < 200; i++, at += length) memcpy(body + at, characters[length - 1], length);
    char out[PM_LOCATION_BYTES];
    assert_int_equal(locate(body, at, out), PM_OK);
    assert_int_equal(strlen(out), (PM_LOCATION_BYTES - 1) / length * length);
    assert_memory_equal(out, body + strlen("<p>Served from "), strlen(out));
  }
}

static void nothing_follows_the_cut(void **state) {
  (void)state;
  char filler[PM_LOCATION_BYTES - 1] = "";
  memset(filler, 'a', sizeof(filler) - 1);
  char body[256];
  int bytes = snprintf(body, sizeof(body), "\"SrvLoc\":\"%s\xc3\xa9zzz\"", filler);
  char out[PM_LOCATION_BYTES];
  assert_int_equal(locate(body, (size_t)bytes, out), PM_OK);
  assert_int_equal(strlen(out), PM_LOCATION_BYTES - 2);
  assert_int_equal(out[PM_LOCATION_BYTES - 3], 'a');
}

/* Every prefix of a body is a body that was cut somewhere. */
static void no_cut_reads_past_the_end(void **state) {
  (void)state;
  static const char json[] = "{\"SrvLoc\": \"\\ud83d\\ude00\\u00fc\\n\"}";
  static const char html[] = "<p>Served from Z&#252;rich &amp; \xf0\x9f\x98\x80</p>";
  char out[PM_LOCATION_BYTES];
  for (size_t bytes = 0; bytes < sizeof(json); bytes++) {
    enum pm_err expected = bytes >= sizeof(json) - 2 ? PM_OK : PM_ERR_MISSING;
    assert_int_equal(locate(json, bytes, out), expected);
  }
  for (size_t bytes = 0; bytes < sizeof(html); bytes++) {
    enum pm_err expected = bytes > strlen("<p>Served from ") ? PM_OK : PM_ERR_MISSING;
    assert_int_equal(locate(html, bytes, out), expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(html_pages),
      cmocka_unit_test(json_documents),
      cmocka_unit_test(of_both_the_first_that_names_a_place_counts),
      cmocka_unit_test(hostile_bytes_are_made_harmless),
      cmocka_unit_test(a_nul_in_the_body_does_not_end_the_name),
      cmocka_unit_test(a_long_name_is_cut_at_a_characters_boundary),
      cmocka_unit_test(nothing_follows_the_cut),
      cmocka_unit_test(no_cut_reads_past_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
