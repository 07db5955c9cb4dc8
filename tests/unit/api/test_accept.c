/* Page or JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/accept.h"

static enum pm_format by_header(const char *accept, enum pm_format neutral) {
  struct pm_http_request request = {.query = ""};
  if (accept != NULL) {
    request.headers[request.headers_count++] = (struct pm_http_header){"accept", accept};
  }
  return pm_accept_format(&request, neutral);
}

static void the_heavier_one_wins(void **state) {
  static const char *const html[] = {
      "text/html",
      "TEXT/HTML",
      "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
      "application/json;q=0.5, text/html;q=0.9",
      "text/*, application/json;q=0.9",
      "text/html, application/json; q=0.999",
      "application/json;q=0, */*",
  };
  static const char *const json[] = {
      "application/json",
      "application/problem+json",
      "application/json, text/plain;q=0.9, */*;q=0.8",
      "text/html;q=0.5,application/json;q=0.50001,application/json;q=0.6",
      "*/*, text/html;q=0.1",
      "text/html;level=1;q=0, */*;q=0.1",
      "application/*",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(html) / sizeof(html[0]); i++) {
    assert_int_equal(by_header(html[i], PM_FORMAT_JSON), PM_FORMAT_HTML);
  }
  for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
    assert_int_equal(by_header(json[i], PM_FORMAT_HTML), PM_FORMAT_JSON);
  }
}

static void neutral_where_both_weigh_the_same(void **state) {
  static const char *const ties[] = {
      NULL, "", "*/*", "image/png", ",,;q=1,", "text/html, application/json", "text/htmlx", "q=1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof(ties) / sizeof(ties[0]); i++) {
    assert_int_equal(by_header(ties[i], PM_FORMAT_JSON), PM_FORMAT_JSON);
    assert_int_equal(by_header(ties[i], PM_FORMAT_HTML), PM_FORMAT_HTML);
  }
}

static void the_query_decides_by_format(void **state) {
  static const struct {
    const char *query;
    enum pm_format of_json, of_html; /* by what is neutral */
  } cases[] = {
      {"format=html", PM_FORMAT_HTML, PM_FORMAT_HTML},
      {"addpeers=true&format=json", PM_FORMAT_JSON, PM_FORMAT_JSON},
      {"format=xml", PM_FORMAT_JSON, PM_FORMAT_HTML},
      {"", PM_FORMAT_JSON, PM_FORMAT_HTML},
      {"format=html&x=%", PM_FORMAT_JSON, PM_FORMAT_HTML},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const struct pm_http_request request = {.query = cases[i].query};
    assert_int_equal(pm_accept_query(&request, PM_FORMAT_JSON), cases[i].of_json);
    assert_int_equal(pm_accept_query(&request, PM_FORMAT_HTML), cases[i].of_html);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_heavier_one_wins),
      cmocka_unit_test(neutral_where_both_weigh_the_same),
      cmocka_unit_test(the_query_decides_by_format),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
