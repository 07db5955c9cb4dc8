#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/json_write.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { TEXT_BYTES_MAX = 4096 };

struct sheet {
  struct pm_buf buf;
  struct pm_json_writer w;
};

static void sheet_init(struct sheet *sheet, bool indent) {
  pm_buf_init(&sheet->buf, TEXT_BYTES_MAX);
  pm_json_writer_init(&sheet->w, &sheet->buf, indent);
}

static void sheet_expect(struct sheet *sheet, const char *expected) {
  assert_int_equal(pm_buf_status(&sheet->buf), PM_OK);
  assert_string_equal(sheet->buf.data, expected);
  pm_buf_deinit(&sheet->buf);
}

/* What the original answered to /v1/peers before it had a peer. */
static void a_node_without_peers_reads_as_in_the_original(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, true);
  struct pm_json_writer *w = &sheet.w;
  pm_json_object_begin(w, NULL);
  pm_json_put_wall(w, "Start", (struct pm_wall){INT64_C(1795343569123456789)}, false);
  pm_json_put_string(w, "SrvLoc", "Sunnyvale,US");
  pm_json_put_string(w, "SrvHost", "localhost");
  pm_json_put_int(w, "SrvPort", 8080);
  pm_json_put_null(w, "Peers");
  pm_json_put_int(w, "Requests", 9);
  pm_json_put_int(w, "NumActive", 0);
  pm_json_put_int(w, "NumDeleted", 0);
  pm_json_put_null(w, "DelPeers");
  pm_json_object_end(w);
  sheet_expect(&sheet, "{\n"
                       "  \"Start\": \"2026-11-22T10:32:49Z\",\n"
                       "  \"SrvLoc\": \"Sunnyvale,US\",\n"
                       "  \"SrvHost\": \"localhost\",\n"
                       "  \"SrvPort\": 8080,\n"
                       "  \"Peers\": null,\n"
                       "  \"Requests\": 9,\n"
                       "  \"NumActive\": 0,\n"
                       "  \"NumDeleted\": 0,\n"
                       "  \"DelPeers\": null\n"
                       "}");
}

/* What the original answered to /v1/metrics. */
static void nested_objects_read_as_in_the_original(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, true);
  struct pm_json_writer *w = &sheet.w;
  pm_json_object_begin(w, NULL);
  pm_json_put_wall(w, "AppStart", (struct pm_wall){INT64_C(1795343569000000000)}, false);
  pm_json_put_int(w, "NumPeers", 0);
  pm_json_put_int(w, "NumActive", 0);
  pm_json_put_int(w, "NumDeleted", 0);
  pm_json_object_begin(w, "MemStats");
  pm_json_put_wall(w, "Measured", (struct pm_wall){INT64_C(1795343570072294244)}, true);
  pm_json_put_int(w, "Active", 11038);
  pm_json_put_int(w, "AllocMB", 1);
  pm_json_put_int(w, "SystemMB", 12);
  pm_json_put_int(w, "NumGC", 0);
  pm_json_object_end(w);
  pm_json_object_end(w);
  sheet_expect(&sheet, "{\n"
                       "  \"AppStart\": \"2026-11-22T10:32:49Z\",\n"
                       "  \"NumPeers\": 0,\n"
                       "  \"NumActive\": 0,\n"
                       "  \"NumDeleted\": 0,\n"
                       "  \"MemStats\": {\n"
                       "    \"Measured\": \"2026-11-22T10:32:50.072294244Z\",\n"
                       "    \"Active\": 11038,\n"
                       "    \"AllocMB\": 1,\n"
                       "    \"SystemMB\": 12,\n"
                       "    \"NumGC\": 0\n"
                       "  }\n"
                       "}");
}

static void write_mixture(struct pm_json_writer *w) {
  pm_json_object_begin(w, NULL);
  pm_json_array_begin(w, "Peers");
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "Url", "http://127.0.0.1:8081/v1/ping");
  pm_json_object_begin(w, "Empty");
  pm_json_object_end(w);
  pm_json_object_end(w);
  pm_json_put_int(w, NULL, -1);
  pm_json_array_begin(w, NULL);
  pm_json_array_end(w);
  pm_json_array_begin(w, NULL);
  pm_json_put_bool(w, NULL, true);
  pm_json_put_bool(w, NULL, false);
  pm_json_array_end(w);
  pm_json_array_end(w);
  pm_json_put_string_or_null(w, "Full", "x");
  pm_json_put_string_or_null(w, "Blank", "");
  pm_json_put_string_or_null(w, "None", NULL);
  pm_json_object_end(w);
}

static void arrays_and_objects_nest(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, true);
  write_mixture(&sheet.w);
  sheet_expect(&sheet, "{\n"
                       "  \"Peers\": [\n"
                       "    {\n"
                       "      \"Url\": \"http://127.0.0.1:8081/v1/ping\",\n"
                       "      \"Empty\": {}\n"
                       "    },\n"
                       "    -1,\n"
                       "    [],\n"
                       "    [\n"
                       "      true,\n"
                       "      false\n"
                       "    ]\n"
                       "  ],\n"
                       "  \"Full\": \"x\",\n"
                       "  \"Blank\": null,\n"
                       "  \"None\": null\n"
                       "}");
}

static void without_indentation_all_is_one_line(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, false);
  write_mixture(&sheet.w);
  sheet_expect(&sheet, "{\"Peers\":[{\"Url\":\"http://127.0.0.1:8081/v1/ping\",\"Empty\":{}},-1,[],"
                       "[true,false]],\"Full\":\"x\",\"Blank\":null,\"None\":null}");
}

static void nesting_goes_32_deep(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, false);
  for (int i = 0; i < PM_JSON_WRITE_DEPTH_MAX; i++) pm_json_array_begin(&sheet.w, NULL);
  pm_json_put_int(&sheet.w, NULL, 1);
  pm_json_put_int(&sheet.w, NULL, 2);
  for (int i = 0; i < PM_JSON_WRITE_DEPTH_MAX; i++) pm_json_array_end(&sheet.w);
  sheet_expect(&sheet, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1,2]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}

static const struct {
  const char *text;
  const char *written;
} strings[] = {
    {"", "\"\""},
    {"plain /path?query#part 'single'", "\"plain /path?query#part 'single'\""},
    {"\"\\", "\"\\\"\\\\\""},
    {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
    {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
    {"<a href=\"x\">&</a>", "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\u003c/a\\u003e\""},
    {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
    {"\xe2\x80\xa8|\xe2\x80\xa9", "\"\\u2028|\\u2029\""},
    {"\xff\xe2\x82|\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd\""},
    {"\xef\xbf\xbd", "\"\xef\xbf\xbd\""},
};

static void strings_are_escaped_as_in_go(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(strings); i++) {
    struct sheet sheet;
    sheet_init(&sheet, true);
    pm_json_put_string(&sheet.w, NULL, strings[i].text);
    sheet_expect(&sheet, strings[i].written);
  }
}

static void names_are_escaped_too(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, false);
  pm_json_object_begin(&sheet.w, NULL);
  pm_json_put_int(&sheet.w, "a\"<\n", 1);
  pm_json_object_end(&sheet.w);
  sheet_expect(&sheet, "{\"a\\\"\\u003c\\n\":1}");
}

static void integers_are_exact_to_64_bits(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, false);
  pm_json_array_begin(&sheet.w, NULL);
  pm_json_put_int(&sheet.w, NULL, INT64_MIN);
  pm_json_put_int(&sheet.w, NULL, INT64_C(1000000000000000));
  pm_json_put_int(&sheet.w, NULL, INT64_MAX);
  pm_json_put_uint(&sheet.w, NULL, UINT64_MAX);
  pm_json_array_end(&sheet.w);
  sheet_expect(&sheet,
               "[-9223372036854775808,1000000000000000,9223372036854775807,18446744073709551615]");
}

static void doubles_have_a_fixed_number_of_decimals(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, false);
  pm_json_array_begin(&sheet.w, NULL);
  pm_json_put_double(&sheet.w, NULL, 1.25, 3);
  pm_json_put_double(&sheet.w, NULL, -0.0004, 3);
  pm_json_put_double(&sheet.w, NULL, 2.5e15, 0);
  pm_json_put_double(&sheet.w, NULL, 1.0 / 3.0, 9);
  pm_json_put_double(&sheet.w, NULL, NAN, 3);
  pm_json_put_double(&sheet.w, NULL, INFINITY, 3);
  pm_json_put_double(&sheet.w, NULL, -INFINITY, 0);
  pm_json_array_end(&sheet.w);
  sheet_expect(&sheet, "[1.250,-0.000,2500000000000000,0.333333333,null,null,null]");
}

/* Digit by digit what printf writes, halves included: old readers and golden files know no other.
 */
static void doubles_are_rounded_as_printf_does(void **state) {
  (void)state;
  static const double fixed[] = {0,        -0.0,       0.05,         0.15,         0.25,  0.35,
                                 0.5,      1.5,        2.5,          1e-9,         5e-10, 1e-20,
                                 4.9e-324, 0.125,      9.9999999995, 9999999999.5, 1e10,  1e22,
                                 1e300,    123456.789, -59999.995};
  uint64_t random = 1;
  for (int i = 0; i < 20000; i++) {
    double value;
    random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if (i < (int)LENGTH(fixed))
      value = fixed[i];
    else if (i % 2 == 0) /* eighths: often just between two decimals */
      value = (double)(int64_t)(random >> 40) / 8 - 1e6;
    else
      value = ldexp((double)(int64_t)random, (int)(random >> 32 & 63) - 100);
    for (int decimals = 0; decimals <= 9; decimals++) {
      char expected[400];
      struct sheet sheet;
      sheet_init(&sheet, false);
      pm_json_put_double(&sheet.w, NULL, value, decimals);
      (void)snprintf(expected, sizeof(expected), "%.*f", decimals, value);
      sheet_expect(&sheet, expected);
    }
  }
}

static void a_time_that_never_came_is_the_year_1(void **state) {
  (void)state;
  struct sheet sheet;
  sheet_init(&sheet, true);
  pm_json_put_wall(&sheet.w, NULL, (struct pm_wall){0}, true);
  sheet_expect(&sheet, "\"0001-01-01T00:00:00Z\"");
}

static void a_full_buffer_is_found_at_the_end(void **state) {
  (void)state;
  struct pm_buf buf;
  struct pm_json_writer w;
  pm_buf_init(&buf, 10);
  pm_json_writer_init(&w, &buf, true);
  write_mixture(&w);
  assert_int_equal(pm_buf_status(&buf), PM_ERR_FULL);
  assert_int_equal(w.depth, 0);
  pm_buf_deinit(&buf);
}

static void elements_written_elsewhere_take_their_place(void **state) {
  (void)state;
  struct pm_buf elements, whole;
  struct pm_json_writer w;
  pm_buf_init(&elements, 100);
  pm_buf_init(&whole, 100);
  pm_json_writer_init(&w, &elements, true);
  pm_json_array_begin(&w, NULL);
  pm_json_put_int(&w, NULL, 2);
  pm_json_put_int(&w, NULL, 3);
  pm_json_writer_init(&w, &whole, true);
  pm_json_array_begin(&w, NULL);
  pm_json_put_elements(&w, "", 0);
  pm_json_put_int(&w, NULL, 1);
  pm_json_put_elements(&w, elements.data + 1, elements.len - 1);
  pm_json_put_int(&w, NULL, 4);
  pm_json_array_end(&w);
  assert_string_equal(whole.data, "[\n  1,\n  2,\n  3,\n  4\n]");
  pm_buf_deinit(&elements);
  pm_buf_deinit(&whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_node_without_peers_reads_as_in_the_original),
      cmocka_unit_test(nested_objects_read_as_in_the_original),
      cmocka_unit_test(arrays_and_objects_nest),
      cmocka_unit_test(without_indentation_all_is_one_line),
      cmocka_unit_test(nesting_goes_32_deep),
      cmocka_unit_test(strings_are_escaped_as_in_go),
      cmocka_unit_test(names_are_escaped_too),
      cmocka_unit_test(integers_are_exact_to_64_bits),
      cmocka_unit_test(doubles_have_a_fixed_number_of_decimals),
      cmocka_unit_test(doubles_are_rounded_as_printf_does),
      cmocka_unit_test(a_time_that_never_came_is_the_year_1),
      cmocka_unit_test(a_full_buffer_is_found_at_the_end),
      cmocka_unit_test(elements_written_elsewhere_take_their_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
