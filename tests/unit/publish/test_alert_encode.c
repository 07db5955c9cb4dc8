/* Incidents as a webhook and Sentry get them, byte for byte; and DSNs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "publish/alert_encode.h"
#include "publish/sentry_dsn.h"
#include "sinks_fixture.h"

static const struct pm_incident_config limits = {.down_after = 3,
                                                 .loss_percent = 20,
                                                 .rtt_ns = INT64_C(500) * PM_NS_PER_MS,
                                                 .window_s = 60,
                                                 .windows_bad = 3,
                                                 .windows_count = 5};

static struct pm_incident_event event_of(enum pm_incident_kind kind, bool opened) {
  struct pm_incident_event event = {
      .kind = kind,
      .opened = opened,
      .id = "0123456789abcdef0123456789abcdef",
      .own = "fedcba9876543210fedcba9876543210",
      .at = {(int64_t)SINKS_AT_S * PM_NS_PER_S},
      .opened_at = {(int64_t)(SINKS_AT_S - (opened ? 0 : 75)) * PM_NS_PER_S},
      .figures = {.failures_in_a_row = 3, .probes = 6, .failed = 3},
  };
  return event;
}

typedef void (*encoder)(const struct pm_alert *alert, struct pm_buf *out);

static void encode_sentry(const struct pm_alert *alert, struct pm_buf *out) {
  pm_alert_encode_sentry(alert, "host1", "production", out);
}

static void check(encoder encode, const struct pm_incident_event *event,
                  const struct pm_sample *sample, const char *to, const char *expected) {
  struct pm_target target;
  struct pm_buf out;
  sinks_target(&target, 1, "http://192.0.2.9:8080/v1/ping", to);
  struct pm_alert alert = {.event = event,
                           .config = &limits,
                           .from = "Paris,FR",
                           .target = &target,
                           .sample = sample,
                           .peers = 12,
                           .peers_down = 1};
  pm_buf_init(&out, PM_ALERT_BYTES_MAX);
  encode(&alert, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  assert_string_equal(out.data, expected);
  pm_buf_deinit(&out);
}

#define LIMITS                                                                       \
  "\"limits\":{\"down_after\":3,\"loss_percent\":20,\"rtt_ms\":500,\"window_s\":60," \
  "\"windows_bad\":3,\"windows_count\":5},\"peers\":12,\"peers_down\":1}"

static void test_down_for_a_webhook(void **state) {
  (void)state;
  struct pm_incident_event event = event_of(PM_INCIDENT_DOWN, true);
  struct pm_sample sample = sinks_failure();
  check(pm_alert_encode_webhook, &event, &sample, "Tokyo,JP",
        "{\"version\":1,\"event\":\"opened\","
        "\"incident\":\"0123456789abcdef0123456789abcdef\",\"kind\":\"down\",\"reason\":null,"
        "\"text\":\"Tokyo,JP, seen from Paris,FR, is down: 3 failures in a row\","
        "\"time\":\"2026-11-22T23:00:20Z\",\"opened_at\":\"2026-11-22T23:00:20Z\","
        "\"from\":\"Paris,FR\",\"to\":\"Tokyo,JP\",\"url\":\"http://192.0.2.9:8080/v1/ping\","
        "\"outcome\":\"connect\",\"figures\":{\"failures_in_a_row\":3,\"probes\":6,\"failed\":3,"
        "\"loss_percent\":50.0,\"tcp_ms_mean\":null}," LIMITS);
}

static void test_far_for_a_webhook(void **state) {
  (void)state;
  struct pm_incident_event event = event_of(PM_INCIDENT_RTT, true);
  event.figures =
      (struct pm_incident_figures){.probes = 4, .timed = 4, .rtt_sum_ns = INT64_C(2468400000)};
  check(pm_alert_encode_webhook, &event, NULL, "Tokyo,JP",
        "{\"version\":1,\"event\":\"opened\","
        "\"incident\":\"0123456789abcdef0123456789abcdef\",\"kind\":\"rtt\",\"reason\":null,"
        "\"text\":\"Tokyo,JP, seen from Paris,FR, is far: 617.1 ms of TCP round trip in the mean, "
        "the limit is 500 ms\","
        "\"time\":\"2026-11-22T23:00:20Z\",\"opened_at\":\"2026-11-22T23:00:20Z\","
        "\"from\":\"Paris,FR\",\"to\":\"Tokyo,JP\",\"url\":\"http://192.0.2.9:8080/v1/ping\","
        "\"outcome\":null,\"figures\":{\"failures_in_a_row\":0,\"probes\":4,\"failed\":0,"
        "\"loss_percent\":0.0,\"tcp_ms_mean\":617.100}," LIMITS);
}

static void test_an_end_for_a_webhook(void **state) {
  (void)state;
  struct pm_incident_event event = event_of(PM_INCIDENT_RTT, false);
  event.figures = (struct pm_incident_figures){.probes = 4, .timed = 4, .rtt_sum_ns = 4200000};
  event.removed = true;
  check(pm_alert_encode_webhook, &event, NULL, "\"<Tokyo>\"",
        "{\"version\":1,\"event\":\"closed\","
        "\"incident\":\"0123456789abcdef0123456789abcdef\",\"kind\":\"rtt\","
        "\"reason\":\"removed\",\"text\":\"\\\"\\u003cTokyo\\u003e\\\", seen from Paris,FR, "
        "is measured no longer after 1m15s\","
        "\"time\":\"2026-11-22T23:00:20Z\",\"opened_at\":\"2026-11-22T22:59:05Z\","
        "\"from\":\"Paris,FR\",\"to\":\"\\\"\\u003cTokyo\\u003e\\\"\","
        "\"url\":\"http://192.0.2.9:8080/v1/ping\",\"outcome\":null,"
        "\"figures\":{\"failures_in_a_row\":0,\"probes\":4,\"failed\":0,\"loss_percent\":0.0,"
        "\"tcp_ms_mean\":1.050}," LIMITS);
}

static void test_loss_for_sentry(void **state) {
  (void)state;
  struct pm_incident_event event = event_of(PM_INCIDENT_LOSS, true);
  struct pm_sample sample = sinks_failure();
  check(encode_sentry, &event, &sample, "Tokyo,JP",
        "{\"event_id\":\"fedcba9876543210fedcba9876543210\",\"sent_at\":\"2026-11-22T23:00:20Z\"}\n"
        "{\"type\":\"event\"}\n"
        "{\"event_id\":\"fedcba9876543210fedcba9876543210\","
        "\"timestamp\":\"2026-11-22T23:00:20Z\",\"platform\":\"other\",\"level\":\"warning\","
        "\"logger\":\"pingmesh\",\"release\":\"pingmesh@" PM_VERSION "\","
        "\"server_name\":\"host1\",\"environment\":\"production\",\"message\":{\"formatted\":"
        "\"Tokyo,JP, seen from Paris,FR, loses probes: 3 of the latest 6 failed\"},"
        "\"tags\":{\"event\":\"opened\",\"kind\":\"loss\","
        "\"incident\":\"0123456789abcdef0123456789abcdef\",\"from\":\"Paris,FR\","
        "\"to\":\"Tokyo,JP\"},\"fingerprint\":[\"pingmesh\",\"loss\",\"Paris,FR\","
        "\"http://192.0.2.9:8080/v1/ping\"],"
        "\"extra\":{\"url\":\"http://192.0.2.9:8080/v1/ping\",\"outcome\":\"connect\","
        "\"reason\":null,\"opened_at\":\"2026-11-22T23:00:20Z\","
        "\"figures\":{\"failures_in_a_row\":3,\"probes\":6,\"failed\":3,\"loss_percent\":50.0,"
        "\"tcp_ms_mean\":null},\"peers\":12,\"peers_down\":1}}\n");
}

static void test_the_longest_names_fit(void **state) {
  (void)state;
  struct pm_incident_event event = event_of(PM_INCIDENT_DOWN, false);
  struct pm_target target;
  struct pm_buf out;
  char from[PM_LOCATION_BYTES];
  memset(&target, 0, sizeof(target));
  memset(from, '\x01', sizeof(from) - 1);
  memset(target.location, '\x01', sizeof(target.location) - 1);
  memset(target.spec.endpoint.url, '\x01', sizeof(target.spec.endpoint.url) - 1);
  from[sizeof(from) - 1] = '\0';
  struct pm_alert alert = {.event = &event, .config = &limits, .from = from, .target = &target};
  pm_buf_init(&out, PM_ALERT_BYTES_MAX);
  pm_alert_encode_webhook(&alert, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  pm_buf_reset(&out);
  pm_alert_encode_sentry(&alert, "host1", NULL, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  pm_buf_deinit(&out);
}

/* --- DSNs ------------------------------------------------------------------------------------ */

#define AUTH "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=pingmesh/" PM_VERSION

static void test_dsn(void **state) {
  (void)state;
  static const struct {
    const char *text, *url, *auth;
  } rows[] = {
      {"https://abc@o1.ingest.example/42", "https://o1.ingest.example/api/42/envelope/",
       AUTH ", sentry_key=abc"},
      {"http://abc:def@127.0.0.1:9000/7", "http://127.0.0.1:9000/api/7/envelope/",
       AUTH ", sentry_key=abc, sentry_secret=def"},
      {"https://abc@example.org/under/a/path/7", "https://example.org/under/a/path/api/7/envelope/",
       AUTH ", sentry_key=abc"},
      {"http://abc@[::1]:9000/7", "http://[::1]:9000/api/7/envelope/", AUTH ", sentry_key=abc"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_sentry_dsn dsn;
    struct pm_why why = {""};
    assert_int_equal(pm_sentry_dsn_parse(rows[i].text, &dsn, &why), PM_OK);
    assert_string_equal(dsn.url, rows[i].url);
    assert_string_equal(dsn.auth_header, rows[i].auth);
  }
}

static void test_no_dsn(void **state) {
  (void)state;
  static const char *const rows[] = {
      "",
      "https://example.org/7",
      "https://@example.org/7",
      "https://secret@example.org",
      "https://secret@example.org/",
      "https://secret@/7",
      "ftp://secret@example.org/7",
      "https://secret@example.org/7?x=1",
      "https://secret@exa mple.org/7",
      "https://secret\r\nX: y@example.org/7",
      "https://secret:se\ncret@example.org/7",
      "https://secret@example.org/7\r\n",
      "secret",
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_sentry_dsn dsn;
    struct pm_why why = {""};
    assert_int_equal(pm_sentry_dsn_parse(rows[i], &dsn, &why), PM_ERR_SYNTAX);
    assert_null(strstr(why.text, "secret"));
    assert_non_null(strstr(why.text, "SENTRY_DSN"));
  }
  char longest[2000];
  struct pm_sentry_dsn dsn;
  memset(longest, 'a', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  assert_int_equal(pm_sentry_dsn_parse(longest, &dsn, NULL), PM_ERR_TOO_LARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_down_for_a_webhook),
      cmocka_unit_test(test_far_for_a_webhook),
      cmocka_unit_test(test_an_end_for_a_webhook),
      cmocka_unit_test(test_loss_for_sentry),
      cmocka_unit_test(test_the_longest_names_fit),
      cmocka_unit_test(test_dsn),
      cmocka_unit_test(test_no_dsn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
