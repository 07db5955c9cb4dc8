/* Metrics in Prometheus' text format: of targets, rolled up, and of hostile names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/metrics_rows.h"
#include "publish/prometheus.h"
#include "publish/prometheus_text.h"

struct fixture {
  struct pm_roster *roster;
  struct pm_buf out;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof(*f));
  assert_non_null(f);
  assert_int_equal(pm_roster_new(1, &f->roster), PM_OK);
  pm_buf_init(&f->out, 1 << 20);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  pm_roster_free(f->roster);
  pm_buf_deinit(&f->out);
  free(f);
  return 0;
}

static struct pm_target *add(struct fixture *f, const char *url, const char *location) {
  struct pm_target_spec spec = {.fail_max = 100, .delay_s = 10};
  struct pm_target *target;
  assert_int_equal(pm_endpoint_parse(url, NULL, &spec.endpoint, NULL), PM_OK);
  assert_true(strlen(location) < sizeof(target->location));
  assert_int_equal(pm_roster_add(f->roster, &spec, (struct pm_wall){1}, &target), PM_OK);
  memcpy(target->location, location, strlen(location) + 1);
  return target;
}

static void record(struct pm_target *target, enum pm_outcome outcome, int64_t tcp_us) {
  struct pm_sample sample = {
      .at = {1795343321 * (int64_t)PM_NS_PER_S},
      .ended = {PM_NS_PER_S},
      .outcome = outcome,
      .http_status = outcome == PM_OUTCOME_SUCCESS ? 200 : 0,
      .phase_ns = {[PM_PHASE_TCP] = tcp_us * PM_NS_PER_US,
                   [PM_PHASE_FIRST] = 2 * tcp_us * PM_NS_PER_US,
                   [PM_PHASE_TOTAL] = 4 * tcp_us * PM_NS_PER_US},
      .connection = {.known = true, .syns_sent = 1, .syn_answered = true},
  };
  pm_target_record(target, &sample, NULL);
}

static const char *write_targets(struct fixture *f, size_t series_max) {
  const struct pm_prometheus_view view = {
      .from = "Lab", .version = "1", .roster = f->roster, .series_max = series_max};
  pm_buf_reset(&f->out);
  pm_prometheus_write_targets(&view, &f->out);
  assert_int_equal(pm_buf_status(&f->out), PM_OK);
  return f->out.data;
}

static void assert_line(const char *text, const char *line) {
  char whole[1024];
  snprintf(whole, sizeof(whole), "\n%s\n", line);
  if (strstr(text, whole) == NULL) fail_msg("no line \"%s\" in:\n%s", line, text);
}

static size_t count_series(const char *text) {
  size_t lines = 0;
  for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) lines += *at != '#';
  return lines;
}

static void seconds_have_no_more_digits_than_they_need(void **state) {
  (void)state;
  static const struct {
    int64_t ns;
    const char *text;
  } cases[] = {
      {0, "0"},
      {1, "0.000000001"},
      {50000, "0.00005"},
      {PM_NS_PER_S, "1"},
      {1500000000, "1.5"},
      {-250000000, "-0.25"},
      {13107200000, "13.1072"},
      {1795343321000000000, "1795343321"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char text[PM_PROMETHEUS_SECONDS_BYTES];
    pm_prometheus_seconds_text(cases[i].ns, text);
    assert_string_equal(text, cases[i].text);
  }
}

static void a_target_has_the_fields_of_the_field(void **state) {
  struct fixture *f = *state;
  struct pm_target *target = add(f, "http://10.0.0.7:8080/v1/ping", "Oslo,NO");
  record(target, PM_OUTCOME_SUCCESS, 100);
  record(target, PM_OUTCOME_SUCCESS, 120);
  record(target, PM_OUTCOME_TIMEOUT, 0);
  const char *text = write_targets(f, 100000);
#define LABELS "from=\"Lab\",to=\"Oslo,NO\",target=\"http://10.0.0.7:8080/v1/ping\""
  assert_line(text, "probe_success{" LABELS "} 0");
  assert_line(text, "probe_duration_seconds{" LABELS "} 0.00048");
  assert_line(text, "probe_http_duration_seconds{" LABELS ",phase=\"connect\"} 0.00012");
  assert_line(text, "probe_http_duration_seconds{" LABELS ",phase=\"processing\"} 0.00024");
  assert_line(text, "probe_http_status_code{" LABELS "} 502");
  assert_line(text, "pingmesh_probes_total{" LABELS ",outcome=\"success\"} 2");
  assert_line(text, "pingmesh_probes_total{" LABELS ",outcome=\"timeout\"} 1");
  assert_line(text, "pingmesh_syns_total{" LABELS "} 3");
  assert_line(text, "pingmesh_phase_seconds_bucket{" LABELS ",phase=\"tcp\",le=\"0.00005\"} 0");
  assert_line(text, "pingmesh_phase_seconds_bucket{" LABELS ",phase=\"tcp\",le=\"0.0001\"} 1");
  assert_line(text, "pingmesh_phase_seconds_bucket{" LABELS ",phase=\"tcp\",le=\"0.0002\"} 2");
  assert_line(text, "pingmesh_phase_seconds_bucket{" LABELS ",phase=\"tcp\",le=\"+Inf\"} 2");
  assert_line(text, "pingmesh_phase_seconds_sum{" LABELS ",phase=\"tcp\"} 0.00022");
  assert_line(text, "pingmesh_phase_seconds_count{" LABELS ",phase=\"tcp\"} 2");
  assert_line(text, "pingmesh_last_probe_timestamp_seconds{" LABELS "} 1795343321");
  assert_null(strstr(text, "phase=\"tls\",le="));
  assert_null(strstr(text, "outcome=\"status\""));
}

static void what_it_counts_is_what_it_writes(void **state) {
  struct fixture *f = *state;
  record(add(f, "http://10.0.0.7:8080/", "Oslo,NO"), PM_OUTCOME_SUCCESS, 100);
  record(add(f, "https://10.0.0.8:8080/", "Rome,IT"), PM_OUTCOME_CONNECT, 100);
  add(f, "http://10.0.0.9/", "never asked");
  struct pm_metrics_rows rows;
  assert_int_equal(pm_metrics_rows_make(f->roster, 100000, NULL, &rows), PM_OK);
  size_t counted = 0;
  for (size_t i = 0; i < rows.count; i++) counted += pm_metrics_row_series(&rows.rows[i]);
  size_t written = count_series(write_targets(f, 100000));
  assert_true(written <= counted);
  assert_true(written + 20 > counted); /* two that never answered lack some gauges */
  pm_metrics_rows_free(&rows);
}

static void too_many_series_are_rolled_up_by_location(void **state) {
  struct fixture *f = *state;
  char url[64];
  for (int i = 0; i < 100; i++) {
    snprintf(url, sizeof(url), "http://10.0.0.%d/", i + 1);
    struct pm_target *target = add(f, url, i < 60 ? "Oslo,NO" : "Rome,IT");
    record(target, i % 4 == 0 ? PM_OUTCOME_CONNECT : PM_OUTCOME_SUCCESS, i < 60 ? 100 : 300);
  }
  const char *text = write_targets(f, 1000);
  assert_true(count_series(text) <= 1000);
  assert_line(text, "probe_success{from=\"Lab\",to=\"Oslo,NO\"} 0.75");
  assert_line(text, "pingmesh_probes_total{from=\"Lab\",to=\"Rome,IT\",outcome=\"success\"} 30");
  assert_line(text, "probe_duration_seconds{from=\"Lab\",to=\"Rome,IT\"} 0.0012");
  assert_line(text, "pingmesh_phase_seconds_count{from=\"Lab\",to=\"Oslo,NO\",phase=\"tcp\"} 45");
  assert_null(strstr(text, "target="));
  assert_null(strstr(text, "probe_http_status_code"));
}

/* Names come from others: a mesh of a thousand places cannot make more series than allowed. */
static void too_many_locations_become_other(void **state) {
  struct fixture *f = *state;
  char url[64], place[64];
  for (int i = 0; i < 200; i++) {
    snprintf(url, sizeof(url), "http://10.0.0.%d:%d/", i + 1, 1000 + i);
    snprintf(place, sizeof(place), "Place %d", i);
    record(add(f, url, place), PM_OUTCOME_SUCCESS, 100);
  }
  const char *text = write_targets(f, 1000);
  assert_true(count_series(text) <= 1000);
  assert_non_null(strstr(text, "to=\"other\""));
}

/* With so many series allowed that their text would not fit into an answer. */
static void what_does_not_fit_into_an_answer_is_rolled_up(void **state) {
  struct fixture *f = *state;
  struct pm_metrics_rows rows;
  char url[700];
  for (int i = 0; i < 1500; i++) {
    snprintf(url, sizeof(url), "http://10.0.%d.%d/%0600d", i / 250, i % 250, i);
    record(add(f, url, i % 2 ? "Oslo,NO" : "Rome,IT"), PM_OUTCOME_SUCCESS, 100);
    if (i != 100) continue;
    assert_int_equal(pm_metrics_rows_make(f->roster, 1000000, NULL, &rows), PM_OK);
    assert_false(rows.by_location);
    pm_metrics_rows_free(&rows);
  }
  assert_int_equal(pm_metrics_rows_make(f->roster, 1000000, NULL, &rows), PM_OK);
  assert_true(rows.by_location);
  assert_int_equal(rows.count, 2);
  pm_metrics_rows_free(&rows);
}

/* An alarm for what nobody has tried yet would be a false one. */
static void what_was_not_probed_yet_is_not_down(void **state) {
  struct fixture *f = *state;
  add(f, "http://10.0.0.9/", "Oslo,NO");
  assert_null(strstr(write_targets(f, 100000), "probe_success{"));
  record(add(f, "http://10.0.0.7/", "Oslo,NO"), PM_OUTCOME_SUCCESS, 100);
  record(add(f, "http://10.0.0.8/", "Oslo,NO"), PM_OUTCOME_CONNECT, 100);
  assert_line(write_targets(f, 1), "probe_success{from=\"Lab\",to=\"Oslo,NO\"} 0.5");
}

/* A remote chooses its own location, and may choose our word for the rest. */
static void a_place_of_that_name_is_part_of_the_rest(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 40; i++) {
    char url[64], location[32];
    snprintf(url, sizeof(url), "http://10.0.0.%d/", i);
    snprintf(location, sizeof(location), "Place %d", i);
    record(add(f, url, i < 30 ? "other" : location), PM_OUTCOME_SUCCESS, 100);
  }
  const char *text = write_targets(f, 500);
  const char *first = strstr(text, "probe_success{from=\"Lab\",to=\"other\"}");
  assert_non_null(first);
  assert_null(strstr(first + 1, "probe_success{from=\"Lab\",to=\"other\"}"));
  assert_in_range(count_series(text), 1, 500);
}

/* Two nodes behind one name, as a mesh may have them. */
static void endpoints_that_differ_in_their_address_alone_are_two_series(void **state) {
  struct fixture *f = *state;
  static const char *const addresses[] = {"192.0.2.1", "192.0.2.2"};
  for (size_t i = 0; i < 2; i++) {
    struct pm_target_spec spec = {.fail_max = 100, .delay_s = 10};
    struct pm_target *target;
    assert_int_equal(
        pm_endpoint_parse("http://a.example/#Oslo", addresses[i], &spec.endpoint, NULL), PM_OK);
    assert_int_equal(pm_roster_add(f->roster, &spec, (struct pm_wall){1}, &target), PM_OK);
    record(target, PM_OUTCOME_SUCCESS, 100);
  }
  const char *text = write_targets(f, 100000);
#define NAMED "from=\"Lab\",to=\"Oslo\",target=\"http://a.example/\""
  assert_line(text, "probe_success{" NAMED ",address=\"192.0.2.1\"} 1");
  assert_line(text, "probe_success{" NAMED ",address=\"192.0.2.2\"} 1");
  assert_null(strstr(write_targets(f, 1), "address="));
}

static void a_hostile_name_stays_one_value(void **state) {
  struct fixture *f = *state;
  record(add(f, "http://10.0.0.7/", "a\"} 1\nevil_metric{x=\"\\"), PM_OUTCOME_SUCCESS, 100);
  const char *text = write_targets(f, 100000);
  assert_line(text, "probe_success{from=\"Lab\",to=\"a\\\"} 1?evil_metric{x=\\\"\\\\\","
                    "target=\"http://10.0.0.7/\"} 1");
  assert_null(strstr(text, "\nevil_metric"));
}

static void clients_are_counted_where_there_is_a_server(void **state) {
  struct fixture *f = *state;
  const struct pm_prometheus_clients clients = {.open = 11,
                                                .streams = 19,
                                                .connections = 12,
                                                .timeouts = 13,
                                                .bad_requests = 14,
                                                .gave_way = 15,
                                                .refused_full = 16,
                                                .refused_share = 17,
                                                .refused_rate = 18};
  static const char *const lines[] = {"pingmesh_connections 11",
                                      "pingmesh_streams 19",
                                      "pingmesh_connections_total 12",
                                      "pingmesh_connections_timeout_total 13",
                                      "pingmesh_requests_bad_total 14",
                                      "pingmesh_connections_gave_way_total 15",
                                      "pingmesh_connections_refused_total{reason=\"full\"} 16",
                                      "pingmesh_connections_refused_total{reason=\"share\"} 17",
                                      "pingmesh_connections_refused_total{reason=\"rate\"} 18"};
  struct pm_prometheus_view view = {.from = "Lab", .version = "1", .roster = f->roster};
  pm_buf_reset(&f->out);
  pm_prometheus_write_node(&view, &f->out);
  assert_null(strstr(f->out.data, "pingmesh_connections"));
  view.clients = &clients;
  pm_buf_reset(&f->out);
  pm_prometheus_write_node(&view, &f->out);
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) assert_line(f->out.data, lines[i]);
}

static void history_is_counted_where_it_is_kept(void **state) {
  struct fixture *f = *state;
  const struct pm_prometheus_history history = {.written = 11,
                                                .dropped = 12,
                                                .refused = 13,
                                                .failures = 14,
                                                .damaged = 15,
                                                .in_memory = 16,
                                                .queries = 17,
                                                .file_bytes = 18};
  static const char *const lines[] = {
      "pingmesh_history_written_total 11",      "pingmesh_history_dropped_total 12",
      "pingmesh_history_refused_total 13",      "pingmesh_history_failures_total 14",
      "pingmesh_history_damaged_total 15",      "pingmesh_history_in_memory 16",
      "pingmesh_history_queries_total 17",      "pingmesh_history_file_bytes 18",
      "# TYPE pingmesh_history_in_memory gauge"};
  struct pm_prometheus_view view = {.from = "Lab", .version = "1", .roster = f->roster};
  pm_buf_reset(&f->out);
  pm_prometheus_write_node(&view, &f->out);
  assert_null(strstr(f->out.data, "pingmesh_history_"));
  view.history = &history;
  pm_buf_reset(&f->out);
  pm_prometheus_write_node(&view, &f->out);
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) assert_line(f->out.data, lines[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(seconds_have_no_more_digits_than_they_need),
      cmocka_unit_test_setup_teardown(a_target_has_the_fields_of_the_field, setup, teardown),
      cmocka_unit_test_setup_teardown(what_it_counts_is_what_it_writes, setup, teardown),
      cmocka_unit_test_setup_teardown(too_many_series_are_rolled_up_by_location, setup, teardown),
      cmocka_unit_test_setup_teardown(too_many_locations_become_other, setup, teardown),
      cmocka_unit_test_setup_teardown(what_does_not_fit_into_an_answer_is_rolled_up, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_was_not_probed_yet_is_not_down, setup, teardown),
      cmocka_unit_test_setup_teardown(a_place_of_that_name_is_part_of_the_rest, setup, teardown),
      cmocka_unit_test_setup_teardown(endpoints_that_differ_in_their_address_alone_are_two_series,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(a_hostile_name_stays_one_value, setup, teardown),
      cmocka_unit_test_setup_teardown(clients_are_counted_where_there_is_a_server, setup, teardown),
      cmocka_unit_test_setup_teardown(history_is_counted_where_it_is_kept, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
