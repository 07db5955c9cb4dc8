/* Rows byte for byte, the URL of an INSERT, and what the server's answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "publish/clickhouse_row.h"
#include "sinks_fixture.h"

static void check_row(const struct pm_clickhouse_origin *origin, const struct pm_target *target,
                      const struct pm_sample *sample, const char *expected) {
  struct pm_buf out;
  pm_buf_init(&out, PM_CLICKHOUSE_ROW_BYTES_MAX);
  pm_clickhouse_row(origin, target, sample, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  if (expected != NULL) assert_string_equal(out.data, expected);
  assert_int_equal(out.data[out.len - 1], '\n');
  pm_buf_deinit(&out);
}

static void test_a_success(void **state) {
  (void)state;
  struct pm_target target;
  struct pm_sample sample = sinks_success();
  sinks_target(&target, 1, "http://192.0.2.9:8080/v1/ping", "Tokyo,JP");
  sample.far_end.known = true;
  sample.far_end.spent_ns = 1500;
  const struct pm_clickhouse_origin origin = {
      .node = UINT64_C(18446744073709551615), .seq = 7, .from = "Paris,FR"};
  check_row(&origin, &target, &sample,
            "{\"node\":18446744073709551615,\"seq\":7,\"at\":\"1795388420\","
            "\"at_ns\":1795388420000000005,\"from_location\":\"Paris,FR\","
            "\"to_location\":\"Tokyo,JP\",\"target\":\"http://192.0.2.9:8080/v1/ping\","
            "\"remote\":\"192.0.2.9\",\"outcome\":\"success\",\"status\":200,\"bytes\":112,"
            "\"dns_ns\":0,\"tcp_ns\":1000000,\"tls_ns\":0,\"first_ns\":2000000,"
            "\"last_ns\":1000000,\"total_ns\":4000000,\"tcp_by_kernel\":1,"
            "\"first_by_kernel\":1,\"verdict\":\"clean\",\"loop_lag_ns\":0,\"run_delay_ns\":0,"
            "\"libcurl_tcp_ns\":0,\"tls_wait_ns\":0,\"connection_known\":1,\"syns_sent\":1,"
            "\"syn_answered\":1,\"segments_sent\":2,\"segments_resent\":0,\"min_rtt_ns\":0,"
            "\"far_end_known\":1,\"far_end_ns\":1500,\"tls\":0,\"tls_verified\":0,"
            "\"failures_in_a_row\":0}\n");
}

static void test_the_longest_row_fits(void **state) {
  (void)state;
  struct pm_target target;
  struct pm_sample sample = sinks_failure();
  char from[PM_LOCATION_BYTES];
  memset(&target, 0, sizeof(target));
  memset(from, '\x01', sizeof(from) - 1);
  memset(target.location, '\x01', sizeof(target.location) - 1);
  memset(target.spec.endpoint.url, '\x01', sizeof(target.spec.endpoint.url) - 1);
  from[sizeof(from) - 1] = '\0';
  for (int i = 0; i < PM_PHASE_COUNT; i++) sample.phase_ns[i] = INT64_MAX;
  const struct pm_clickhouse_origin origin = {.node = UINT64_MAX, .seq = UINT64_MAX, .from = from};
  check_row(&origin, &target, &sample, NULL);
}

static void test_urls(void **state) {
  (void)state;
#define QUERY \
  "query=INSERT%20INTO%20pingmesh.samples%20FORMAT%20JSONEachRow&input_format_skip_unknown_fields=1"
  static const struct {
    const char *base, *url;
  } rows[] = {
      {"http://host:8123", "http://host:8123/?" QUERY},
      {"http://host:8123/", "http://host:8123/?" QUERY},
      {"https://host/behind/a/proxy", "https://host/behind/a/proxy?" QUERY},
      {"http://host:8123/?async_insert=1", "http://host:8123/?async_insert=1&" QUERY},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_buf out;
    pm_buf_init(&out, 1024);
    assert_int_equal(pm_clickhouse_url(rows[i].base, "pingmesh.samples", &out, NULL), PM_OK);
    assert_string_equal(out.data, rows[i].url);
    pm_buf_deinit(&out);
  }
}

static void test_tables_that_are_none(void **state) {
  (void)state;
  static const char *const rows[] = {"",     ".", "a.", ".a", "a.b.c", "a b", "a;DROP TABLE a",
                                     "a%20b"};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_buf out;
    pm_buf_init(&out, 1024);
    assert_int_equal(pm_clickhouse_url("http://h", rows[i], &out, NULL), PM_ERR_SYNTAX);
    pm_buf_deinit(&out);
  }
}

static void test_answers(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum pm_delivery_verdict verdict;
    const char *words;
  } rows[] = {
      {200, "", PM_DELIVERY_SENT, ""},
      {404, "Code: 60, e.displayText() = DB::Exception: Table pingmesh.samples doesn't exist.\nx",
       PM_DELIVERY_RETRY,
       "HTTP status 404: Code: 60, e.displayText() = DB::Exception: Table pingmesh.samples "
       "doesn't exist."},
      {404, "Code: 60. DB::Exception: Table pingmesh.samples does not exist.", PM_DELIVERY_RETRY,
       "HTTP status 404: Code: 60. DB::Exception: Table pingmesh.samples does not exist."},
      {401, "Code: 193, e.displayText() = DB::Exception: Wrong password", PM_DELIVERY_RETRY,
       "HTTP status 401: Code: 193, e.displayText() = DB::Exception: Wrong password"},
      {500, "Code: 252. DB::Exception: Too many parts", PM_DELIVERY_RETRY,
       "HTTP status 500: Code: 252. DB::Exception: Too many parts"},
      {500, "Code: 117, e.displayText() = DB::Exception: Unknown field", PM_DELIVERY_REFUSED,
       "HTTP status 500: Code: 117, e.displayText() = DB::Exception: Unknown field"},
      {400, "Code: 27. DB::ParsingException: Cannot parse input", PM_DELIVERY_REFUSED,
       "HTTP status 400: Code: 27. DB::ParsingException: Cannot parse input"},
      {200, "Code: 27. DB::ParsingException: Cannot parse input", PM_DELIVERY_REFUSED,
       "HTTP status 200: Code: 27. DB::ParsingException: Cannot parse input"},
      {200, "<html>another server</html>", PM_DELIVERY_RETRY,
       "HTTP status 200: <html>another server</html>"},
      {404, "not\x1b here", PM_DELIVERY_RETRY, "HTTP status 404: not? here"},
      {503, "busy", PM_DELIVERY_RETRY, "HTTP status 503: busy"},
      {413, "large", PM_DELIVERY_REFUSED, "HTTP status 413: large"},
      {500, "Code: 99999999999999999999", PM_DELIVERY_RETRY,
       "HTTP status 500: Code: 99999999999999999999"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_why words = {""};
    assert_int_equal(pm_clickhouse_judge(rows[i].status, rows[i].body, &words), rows[i].verdict);
    assert_string_equal(words.text, rows[i].words);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_success), cmocka_unit_test(test_the_longest_row_fits),
      cmocka_unit_test(test_urls),      cmocka_unit_test(test_tables_that_are_none),
      cmocka_unit_test(test_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
