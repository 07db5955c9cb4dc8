/* Response headers: nothing that comes from outside can split a response. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/http_head.h"
#include "api/http_message.h"

static void test_header_values(void **state) {
  static const struct {
    const char *value;
    enum pm_err err;
  } cases[] = {
      {"", PM_OK},
      {"plain; a=\"b\"", PM_OK},
      {"a\tb", PM_OK},
      {"caf\xc3\xa9", PM_OK},
      {"a\r\nSet-Cookie: b", PM_ERR_SYNTAX},
      {"a\nb", PM_ERR_SYNTAX},
      {"a\rb", PM_ERR_SYNTAX},
      {"a\x01", PM_ERR_SYNTAX},
      {"a\x7f", PM_ERR_SYNTAX},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_http_response response = {.headers_count = 0};
    assert_int_equal(pm_http_response_header(&response, "X", cases[i].value), cases[i].err);
    assert_int_equal(response.headers_count, cases[i].err == PM_OK ? 1 : 0);
  }
}

static void test_header_caps(void **state) {
  char value[PM_HTTP_HEADER_VALUE_BYTES + 1];
  struct pm_http_response response = {.headers_count = 0};
  (void)state;
  memset(value, 'v', sizeof(value));
  value[PM_HTTP_HEADER_VALUE_BYTES] = '\0';
  assert_int_equal(pm_http_response_header(&response, "X", value), PM_ERR_TOO_LARGE);
  value[PM_HTTP_HEADER_VALUE_BYTES - 1] = '\0';
  for (int i = 0; i < PM_HTTP_RESPONSE_HEADERS_MAX; i++) {
    assert_int_equal(pm_http_response_header(&response, "X", value), PM_OK);
  }
  assert_int_equal(pm_http_response_header(&response, "X", "v"), PM_ERR_TOO_LARGE);
  assert_int_equal(response.headers_count, PM_HTTP_RESPONSE_HEADERS_MAX);
  assert_string_equal(response.headers[PM_HTTP_RESPONSE_HEADERS_MAX - 1].value, value);

  /* The head has room for all of it. */
  struct pm_buf out;
  response.status = 431;
  response.content_type = "text/plain; charset=utf-8";
  pm_buf_init(&response.body, 16);
  pm_buf_init(&out, PM_HTTP_HEAD_OUT_BYTES_MAX);
  pm_http_head_write(&out, &response, false, "Sun, 22 Nov 2026 20:00:00 GMT");
  assert_int_equal(pm_buf_status(&out), PM_OK);
  pm_buf_deinit(&out);
}

static void test_date(void **state) {
  struct pm_http_date date = {0};
  (void)state;
  const struct pm_wall early = {1795377600 * (int64_t)PM_NS_PER_S + 5};
  const struct pm_wall same = {early.ns + 900 * (int64_t)PM_NS_PER_MS};
  const struct pm_wall next = {early.ns + (int64_t)PM_NS_PER_S};
  assert_string_equal(pm_http_date_text(&date, early), "Sun, 22 Nov 2026 20:00:00 GMT");
  assert_string_equal(pm_http_date_text(&date, same), "Sun, 22 Nov 2026 20:00:00 GMT");
  assert_string_equal(pm_http_date_text(&date, next), "Sun, 22 Nov 2026 20:00:01 GMT");
}

static void test_status_text(void **state) {
  (void)state;
  assert_string_equal(pm_http_status_text(200), "OK");
  assert_string_equal(pm_http_status_text(431), "Request Header Fields Too Large");
  assert_string_equal(pm_http_status_text(799), "Unknown");
  assert_false(pm_http_status_has_body(204));
  assert_false(pm_http_status_has_body(304));
  assert_true(pm_http_status_has_body(404));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_header_values),
      cmocka_unit_test(test_header_caps),
      cmocka_unit_test(test_date),
      cmocka_unit_test(test_status_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
