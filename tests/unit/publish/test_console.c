/* The console sinks: every recorded run of the original is replayed through the text sink and must
 * come out byte for byte; then what no recording shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "publish/console.h"
#include "publish/console_line.h"

enum { OUTPUT_BYTES_MAX = 16384, COLUMNS = 12 };

#define HEADER                                                                                \
  "# timestamp\tDNS\tTCP\tTLS\tFirst\tLastB\tTotal\tHTTP\tSize\tFrom_Location\tRemote_Addr\t" \
  "proto://uri\n"

/* ---- a sink that writes to a file ---- */

struct fixture {
  uv_loop_t loop;
  FILE *file;
  struct pm_sink *sink;
  bool closed;
};

typedef enum pm_err open_console(struct uv_loop_s *loop, const struct pm_console_config *config,
                                 struct pm_sink **out);

static void open_sink(struct fixture *f, open_console *open, int verbosity, const char *location) {
  *f = (struct fixture){0};
  assert_int_equal(uv_loop_init(&f->loop), 0);
  f->file = tmpfile();
  const struct pm_console_config config = {
      .fd = fileno(f->file), .verbosity = verbosity, .location = location};
  assert_int_equal(open(&f->loop, &config, &f->sink), PM_OK);
}

static void on_closed(void *owner) {
  *(bool *)owner = true;
}

/* Closes the sink and reads what it wrote. */
static void finish(struct fixture *f, char out[OUTPUT_BYTES_MAX]) {
  f->sink->ops->close(f->sink, 5000, on_closed, &f->closed);
  assert_false(f->closed);
  uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_true(f->closed);
  assert_int_equal(uv_loop_close(&f->loop), 0);
  rewind(f->file);
  size_t got = fread(out, 1, OUTPUT_BYTES_MAX - 1, f->file);
  out[got] = '\0';
  fclose(f->file);
}

static void give_sample(struct fixture *f, const struct pm_target *target,
                        const struct pm_sample *sample) {
  f->sink->ops->sample(f->sink, target, sample);
}

/* ---- targets and samples ---- */

static void copy_text(char *out, size_t out_bytes, const char *text) {
  assert_true(strlen(text) < out_bytes);
  memcpy(out, text, strlen(text) + 1);
}

static void set_target(struct pm_target *target, const char *location, const char *url) {
  memset(target, 0, sizeof(*target));
  target->spec.fail_max = 100;
  copy_text(target->location, sizeof(target->location), location);
  copy_text(target->spec.endpoint.url, sizeof(target->spec.endpoint.url), url);
}

static const struct pm_sample good_sample = {
    .at = {1795343321 * (int64_t)PM_NS_PER_S + 5000},
    .phase_ns = {704000, 439000, 1250000, 361000, 49000, 2099000},
    .phase_timed_by = {[PM_PHASE_TCP] = PM_TIMED_BY_KERNEL},
    .outcome = PM_OUTCOME_SUCCESS,
    .http_status = 200,
    .body_bytes = 112,
    .remote = {PM_IP_V4, {127, 0, 0, 1}},
    .tls = true,
    .tls_verified = true,
    .verdict = PM_VERDICT_RETRANSMITTED,
    .loop_lag_ns = 12000,
    .run_delay_ns = 3000,
    .libcurl_tcp_ns = 1000439000,
    .tls_wait_ns = 7000,
    .connection = {.known = true,
                   .syns_sent = 2,
                   .syn_answered = true,
                   .data_segments_sent = 5,
                   .data_retransmits = 1,
                   .min_rtt_ns = 401000},
    .far_end = {.known = true, .spent_ns = 61000},
};

static const struct pm_sample failed_sample = {
    .at = {1795343367 * (int64_t)PM_NS_PER_S},
    .phase_ns = {0, 423000, 0, 0, 0, 423000},
    .outcome = PM_OUTCOME_CONNECT,
    .remote = {PM_IP_V4, {127, 0, 0, 1}},
};

/* ---- replaying a recording ---- */

/* The recorded standard output, without what surrounds it. The caller frees it. */
static char *load_recording(const char *name) {
  char path[512];
  char *text = calloc(1, OUTPUT_BYTES_MAX);
  assert_non_null(text);
  snprintf(path, sizeof(path), "%s/legacy/%s", PM_TEST_DATA, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("cannot open %s", path);
  assert_in_range(fread(text, 1, OUTPUT_BYTES_MAX - 1, file), 1, OUTPUT_BYTES_MAX - 2);
  fclose(file);
  const char *begin = strstr(text, "--- stdout\n");
  assert_non_null(begin);
  begin += strlen("--- stdout\n");
  const char *end = strstr(begin, "--- stderr\n");
  assert_non_null(end);
  size_t bytes = (size_t)(end - begin);
  memmove(text, begin, bytes);
  text[bytes] = '\0';
  return text;
}

/* Columns that the line does not have are empty. */
static size_t split_columns(char *line, char *out[COLUMNS]) {
  static char none[1];
  size_t count = 0;
  char *column;
  for (size_t i = 0; i < COLUMNS; i++) out[i] = none;
  while (count < COLUMNS && (column = strsep(&line, "\t")) != NULL) out[count++] = column;
  return count;
}

static int64_t ms_to_ns(const char *text) {
  return llround(strtod(text, NULL) * PM_NS_PER_MS);
}

static void set_location(struct pm_target *target, const char *location) {
  /* What the original prints before it knows a location, ours says by itself. */
  bool unknown = strcmp(location, "unknown") == 0;
  copy_text(target->location, sizeof(target->location), unknown ? "" : location);
}

/* `count epoch` and 11 more columns. */
static void replay_columns(struct fixture *f, struct pm_target *target, char *column[COLUMNS]) {
  struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS};
  int64_t epoch_s = 0;
  assert_int_equal(sscanf(column[0], "%" SCNu64 " %" SCNd64, &target->stats.successes, &epoch_s),
                   2);
  sample.at.ns = epoch_s * PM_NS_PER_S;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    sample.phase_ns[phase] = ms_to_ns(column[1 + phase]);
  }
  sample.http_status = (int)strtol(column[7], NULL, 10);
  sample.body_bytes = strtoull(column[8], NULL, 10);
  if (sample.http_status == 502) {
    sample.http_status = 0;
    sample.outcome = PM_OUTCOME_CONNECT;
    assert_int_equal(pm_ip_parse("127.0.0.1", &sample.remote), PM_OK); /* tried in vain */
  } else {
    assert_int_equal(pm_ip_parse(column[10], &sample.remote), PM_OK);
  }
  set_location(target, column[9]);
  copy_text(target->spec.endpoint.url, sizeof(target->spec.endpoint.url), column[11]);
  give_sample(f, target, &sample);
}

static void replay_short(struct fixture *f, struct pm_target *target, const char *line) {
  struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS, .http_status = 200};
  char ms[32];
  char location[PM_LOCATION_BYTES];
  char remote[PM_IP_TEXT_BYTES];
  assert_int_equal(sscanf(line, "%" SCNu64 " %31s msec %127s %45s", &target->stats.successes, ms,
                          location, remote),
                   4);
  sample.phase_ns[PM_PHASE_TCP] = ms_to_ns(ms);
  assert_int_equal(pm_ip_parse(remote, &sample.remote), PM_OK);
  set_location(target, location);
  give_sample(f, target, &sample);
}

/* `N elapsed`, averages, no code, size, location, URL. */
static void replay_averages(struct fixture *f, struct pm_target *target, char *column[COLUMNS]) {
  uint64_t count = strtoull(column[0], NULL, 10);
  target->stats.successes = count;
  target->stats.first_success = pm_clock_wall();
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    target->stats.phases[phase].sum_ns = ms_to_ns(column[1 + phase]) * (int64_t)count;
  }
  target->stats.body_bytes = strtoull(column[8], NULL, 10) * count + count / 2;
  set_location(target, column[9]);
  copy_text(target->spec.endpoint.url, sizeof(target->spec.endpoint.url), column[10]);
  f->sink->ops->ended(f->sink, target);
}

/* Feeds the sink what the line tells of; headers and blank lines it has to find by itself. */
static void replay_line(struct fixture *f, struct pm_target *target, char *line) {
  char *column[COLUMNS];
  uint64_t failures;
  int64_t limit;
  if (sscanf(line, "Recorded 0 valid samples, %" SCNu64 " of %" SCNd64, &failures, &limit) == 2) {
    target->stats.failures = failures;
    target->spec.fail_max = limit;
    f->sink->ops->ended(f->sink, target);
  } else if (strncmp(line, "received ", 9) == 0) {
    char notice[64];
    snprintf(notice, sizeof(notice), "\n%s", line);
    f->sink->ops->notice(f->sink, notice);
  } else if (strstr(line, " msec ") != NULL) {
    replay_short(f, target, line);
  } else if (line[0] != '#' && line[0] != '\0' && strncmp(line, "Recorded", 8) != 0) {
    size_t count = split_columns(line, column);
    if (count == 12) {
      replay_columns(f, target, column);
    } else {
      assert_int_equal(count, 11);
      replay_averages(f, target, column);
    }
  }
}

/* The replay ends as soon as it begins: "Recorded 5 samples in 4s" and "5 4s    " read "0s", or
 * "1s" where the second turned meanwhile. */
static void normalise_elapsed(char *text) {
  char *at = strstr(text, " samples in ");
  if (at == NULL) return;
  at += strlen(" samples in ");
  assert_in_range(at[0], '0', '9');
  assert_int_equal(at[1], 's');
  at[0] = '0';
  at = strchr(strstr(at, "proto://uri\n"), '\n') + 1;
  at = strchr(at, ' ') + 1;
  assert_memory_equal(at + 1, "s    \t", 6);
  at[0] = '0';
}

static void recorded_runs_come_out_byte_for_byte(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int verbosity;
  } runs[] = {{"cli_q.txt", 0},      {"cli_default.txt", 1}, {"cli_dead_f3.txt", 1},
              {"cli_v.txt", 2},      {"cli_d0.txt", 2},      {"cli_env.txt", 2},
              {"cli_envbad.txt", 2}, {"cli_n1_f5.txt", 2},   {"cli_locfrag.txt", 2},
              {"cli_v.txt", 3}};
  for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
    struct fixture f;
    struct pm_target target;
    char printed[OUTPUT_BYTES_MAX];
    char *recorded = load_recording(runs[i].name);
    char *script = strdup(recorded);
    char *rest = script;
    char *line;
    set_target(&target, "", "");
    open_sink(&f, pm_console_text_open, runs[i].verbosity, "here");
    while ((line = strsep(&rest, "\n")) != NULL) replay_line(&f, &target, line);
    finish(&f, printed);
    normalise_elapsed(printed);
    normalise_elapsed(recorded);
    assert_string_equal(printed, recorded);
    free(script);
    free(recorded);
  }
}

/* ---- what no recording shows ---- */

static void each_verbosity_prints_its_share(void **state) {
  (void)state;
  static const char *const expected[] = {
      "",
      "  1    0.439 msec             Paris,FR 127.0.0.1\n"
      "1 1795343367\t0.000\t0.423\t0.000\t0.000\t0.000\t0.423\t502\t0\tParis,FR\t\thttps://a/\n",
      HEADER
      "1 1795343321\t0.704\t0.439\t1.250\t0.361\t0.049\t2.099\t200\t112\tParis,FR\t127.0.0.1\t"
      "https://a/\n"
      "1 1795343367\t0.000\t0.423\t0.000\t0.000\t0.000\t0.423\t502\t0\tParis,FR\t\thttps://a/\n",
  };
  for (int verbosity = 0; verbosity <= 3; verbosity++) {
    struct fixture f;
    struct pm_target target;
    struct pm_sink_counts counts;
    char printed[OUTPUT_BYTES_MAX];
    set_target(&target, "Paris,FR", "https://a/");
    target.stats.successes = 1;
    open_sink(&f, pm_console_text_open, verbosity, NULL);
    give_sample(&f, &target, &good_sample);
    give_sample(&f, &target, &failed_sample);
    f.sink->ops->counts(f.sink, &counts);
    assert_int_equal(counts.taken, 2);
    assert_int_equal(counts.dropped, 0);
    assert_int_equal(counts.failed, 0);
    finish(&f, printed);
    assert_string_equal(printed, expected[verbosity < 3 ? verbosity : 2]);
  }
}

/* Each outcome as 12 columns: code, size, address. */
static void failures_name_what_they_got(void **state) {
  (void)state;
  static const struct {
    enum pm_outcome outcome;
    int status;
    const char *columns;
  } cases[] = {
      {PM_OUTCOME_STATUS, 404, "\t404\t112\tX\t127.0.0.1\t"},
      {PM_OUTCOME_CLOSED, 200, "\t200\t112\tX\t127.0.0.1\t"},
      {PM_OUTCOME_STATUS, 7, "\t007\t112\tX\t127.0.0.1\t"},
      {PM_OUTCOME_TLS, 0, "\t502\t0\tX\t127.0.0.1\t"},
      {PM_OUTCOME_TIMEOUT, 0, "\t502\t0\tX\t127.0.0.1\t"},
      {PM_OUTCOME_CONNECT, 0, "\t502\t0\tX\t\t"},
      {PM_OUTCOME_POLICY, 0, "\t502\t0\tX\t\t"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_buf out;
    struct pm_target target;
    struct pm_sample sample = good_sample;
    sample.outcome = cases[i].outcome;
    sample.http_status = cases[i].status;
    set_target(&target, "X", "http://a/");
    pm_buf_init(&out, PM_CONSOLE_LINE_BYTES_MAX);
    pm_console_line_columns(&out, &target, &sample);
    if (strstr(out.data, cases[i].columns) == NULL) {
      fail_msg("%s: %s", pm_outcome_text(cases[i].outcome), out.data);
    }
    pm_buf_deinit(&out);
  }
}

static void elapsed_reads_as_of_old(void **state) {
  (void)state;
  static const struct {
    int64_t first_ns, now_ns;
    const char *in, *column;
  } cases[] = {
      {1, 2, "in 0s,", "3 0s    \t"},
      {999999999, 1000000000, "in 1s,", "3 1s    \t"},
      {1, 59999999999, "in 59s,", "3 59s   \t"},
      {0, 65000000000, "in 1m05s,", "3 1m05s \t"},
      {0, 4522000000000, "in 1h15m22s,", "3 1h15m22s\t"},
      {0, 183601000000000, "in 2d3h00m01s,", "3 2d3h00m01s\t"},
      {5000000000, 0, "in 0s,", "3 0s    \t"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_buf out;
    struct pm_target target;
    set_target(&target, "X", "http://a/");
    target.stats.successes = 3;
    target.stats.first_success.ns = cases[i].first_ns;
    pm_buf_init(&out, PM_CONSOLE_LINE_BYTES_MAX);
    pm_console_line_summary(&out, &target, (struct pm_wall){cases[i].now_ns});
    assert_non_null(strstr(out.data, cases[i].in));
    assert_non_null(strstr(out.data, cases[i].column));
    pm_buf_deinit(&out);
  }
}

static void averages_are_over_the_successes(void **state) {
  (void)state;
  struct pm_buf out;
  struct pm_target target;
  set_target(&target, "", "http://a/");
  target.stats.successes = 3;
  target.stats.failures = 5;
  target.stats.body_bytes = 100;
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    target.stats.phases[phase].sum_ns = (int64_t)(phase + 1) * PM_NS_PER_MS;
  }
  pm_buf_init(&out, PM_CONSOLE_LINE_BYTES_MAX);
  pm_console_line_summary(&out, &target, (struct pm_wall){0});
  /* A target that names no location is known by its URL once it has answered. */
  assert_string_equal(out.data, "\nRecorded 3 samples in 0s, average values:\n" HEADER
                                "3 0s    \t0.333\t0.667\t1.000\t1.333\t1.667\t2.000\t\t33\t"
                                "http://a/\thttp://a/\n\n");
  pm_buf_deinit(&out);
}

static void failures_are_summed_up_of_the_smaller_limit(void **state) {
  (void)state;
  struct pm_buf out;
  struct pm_target target;
  set_target(&target, "", "http://a/");
  target.stats.failures = 2;
  target.spec.limit = 2;
  pm_buf_init(&out, PM_CONSOLE_LINE_BYTES_MAX);
  pm_console_line_summary(&out, &target, (struct pm_wall){0});
  assert_string_equal(out.data, "\nRecorded 0 valid samples, 2 of 2 failures\n");
  pm_buf_deinit(&out);
}

static void long_values_widen_their_columns(void **state) {
  (void)state;
  struct pm_buf out;
  struct pm_target target;
  struct pm_sample sample = good_sample;
  sample.phase_ns[PM_PHASE_TCP] = 123456789012345;
  assert_int_equal(pm_ip_parse("2001:db8::1", &sample.remote), PM_OK);
  set_target(&target, "Llanfairpwllgwyngyll,GB", "http://a/");
  target.stats.successes = 12345;
  pm_buf_init(&out, PM_CONSOLE_LINE_BYTES_MAX);
  pm_console_line_short(&out, &target, &sample);
  assert_string_equal(out.data, "12345 123456789.012 msec Llanfairpwllgwyngyll,GB 2001:db8::1\n");
  pm_buf_deinit(&out);
}

static void names_from_outside_cannot_garble_a_line(void **state) {
  (void)state;
  struct pm_buf out;
  struct pm_target target;
  set_target(&target, "\x1b[2J\tZ\xc3\xbcrich\n\xff\xe2\x80\xae", "http://a/\x7f\r\nx");
  target.stats.successes = 1;
  pm_buf_init(&out, PM_CONSOLE_LINE_BYTES_MAX);
  pm_console_line_short(&out, &target, &good_sample);
  /* 14 characters, whatever their bytes, are six blanks short of the column. */
  assert_string_equal(out.data, "  1    0.439 msec       ?[2J?Z\xc3\xbcrich??? 127.0.0.1\n");
  pm_buf_reset(&out);
  pm_console_line_columns(&out, &target, &good_sample);
  assert_non_null(strstr(out.data, "\t112\t?[2J?Z\xc3\xbcrich???\t127.0.0.1\thttp://a/???x\n"));
  pm_buf_reset(&out);
  pm_console_line_summary(&out, &target, (struct pm_wall){0});
  assert_non_null(strstr(out.data, "\t0\t?[2J?Z\xc3\xbcrich???\thttp://a/???x\n\n"));
  pm_buf_deinit(&out);
}

static void json_names_every_member(void **state) {
  (void)state;
  struct fixture f;
  struct pm_target target;
  struct pm_sink_counts counts;
  char printed[OUTPUT_BYTES_MAX];
  set_target(&target, "Paris,FR", "https://a/?x=1");
  target.stats.successes = 9007199254740993;
  open_sink(&f, pm_console_json_open, 0, "K\xc3\xb6ln,DE");
  give_sample(&f, &target, &good_sample);
  target.stats.failures_in_a_row = 3;
  struct pm_sample lookup = {.at = {1795343367 * (int64_t)PM_NS_PER_S},
                             .outcome = PM_OUTCOME_LOOKUP,
                             .phase_ns = {5000000000}};
  give_sample(&f, &target, &lookup);
  assert_null(f.sink->ops->ended);
  assert_null(f.sink->ops->notice);
  f.sink->ops->counts(f.sink, &counts);
  assert_int_equal(counts.taken, 2);
  finish(&f, printed);
  assert_string_equal(
      printed,
      "{\"time\":\"2026-11-22T10:28:41.000005Z\",\"from\":\"K\xc3\xb6ln,DE\",\"to\":\"Paris,FR\","
      "\"url\":\"https://a/?x=1\",\"remote\":\"127.0.0.1\",\"outcome\":\"success\",\"status\":200,"
      "\"bytes\":112,\"dns_ns\":704000,\"tcp_ns\":439000,\"tls_ns\":1250000,\"first_ns\":361000,"
      "\"last_ns\":49000,\"total_ns\":2099000,\"timed_by\":{\"dns\":\"libcurl\",\"tcp\":\"kernel\","
      "\"tls\":\"libcurl\",\"first\":\"libcurl\",\"last\":\"libcurl\",\"total\":\"libcurl\"},"
      "\"verdict\":\"retransmitted\",\"loop_lag_ns\":12000,\"run_delay_ns\":3000,"
      "\"libcurl_tcp_ns\":1000439000,\"tls_wait_ns\":7000,\"far_end_ns\":61000,"
      "\"first_network_ns\":300000,\"connection\":{\"syns_sent\":2,\"syn_answered\":true,"
      "\"data_segments_sent\":5,\"data_retransmits\":1,\"min_rtt_ns\":401000},"
      "\"tls_verified\":true,\"successes\":9007199254740993,\"failures_in_a_row\":0}\n"
      "{\"time\":\"2026-11-22T10:29:27Z\",\"from\":\"K\xc3\xb6ln,DE\",\"to\":\"Paris,FR\","
      "\"url\":\"https://a/?x=1\",\"remote\":null,\"outcome\":\"lookup\",\"status\":0,"
      "\"bytes\":0,\"dns_ns\":5000000000,\"tcp_ns\":0,\"tls_ns\":0,\"first_ns\":0,"
      "\"last_ns\":0,\"total_ns\":0,\"timed_by\":{\"dns\":\"libcurl\",\"tcp\":\"libcurl\","
      "\"tls\":\"libcurl\",\"first\":\"libcurl\",\"last\":\"libcurl\",\"total\":\"libcurl\"},"
      "\"verdict\":\"clean\",\"loop_lag_ns\":0,\"run_delay_ns\":0,\"libcurl_tcp_ns\":0,"
      "\"tls_wait_ns\":0,\"far_end_ns\":null,\"first_network_ns\":null,\"connection\":null,"
      "\"tls_verified\":null,\"successes\":9007199254740993,\"failures_in_a_row\":3}\n");
}

/* Every byte of every text at its longest, each as a six-byte escape: the line still fits. */
static void the_longest_json_line_fits(void **state) {
  (void)state;
  struct fixture f;
  static struct pm_target target;
  char printed[OUTPUT_BYTES_MAX];
  char from[PM_LOCATION_BYTES];
  struct pm_sample sample = good_sample;
  memset(from, '<', sizeof(from) - 1);
  from[sizeof(from) - 1] = '\0';
  set_target(&target, from, "");
  memset(target.spec.endpoint.url, '<', sizeof(target.spec.endpoint.url) - 1);
  target.stats.successes = UINT64_MAX;
  target.stats.failures_in_a_row = UINT32_MAX;
  for (int i = 0; i < PM_PHASE_COUNT; i++) sample.phase_ns[i] = INT64_MIN;
  sample.verdict = PM_VERDICT_RETRANSMITTED;
  sample.loop_lag_ns = sample.run_delay_ns = sample.libcurl_tcp_ns = INT64_MIN;
  sample.tls_wait_ns = sample.connection.min_rtt_ns = INT64_MIN;
  sample.connection.data_retransmits = sample.connection.data_segments_sent = UINT32_MAX;
  sample.far_end.spent_ns = -1;
  sample.body_bytes = UINT64_MAX;
  open_sink(&f, pm_console_json_open, 0, from);
  give_sample(&f, &target, &sample);
  finish(&f, printed);
  assert_true(strlen(printed) > 6000 && strlen(printed) < PM_CONSOLE_LINE_BYTES_MAX);
  static const char tail[] = ",\"failures_in_a_row\":4294967295}\n";
  assert_string_equal(printed + strlen(printed) - strlen(tail), tail);
}

static void a_descriptor_that_is_not_open_is_refused(void **state) {
  (void)state;
  uv_loop_t loop;
  struct pm_sink *sink;
  const struct pm_console_config config = {.fd = -1};
  assert_int_equal(uv_loop_init(&loop), 0);
  assert_int_equal(pm_console_text_open(&loop, &config, &sink), PM_ERR_SYSTEM);
  assert_int_equal(pm_console_json_open(&loop, &config, &sink), PM_ERR_SYSTEM);
  assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recorded_runs_come_out_byte_for_byte),
      cmocka_unit_test(each_verbosity_prints_its_share),
      cmocka_unit_test(failures_name_what_they_got),
      cmocka_unit_test(elapsed_reads_as_of_old),
      cmocka_unit_test(averages_are_over_the_successes),
      cmocka_unit_test(failures_are_summed_up_of_the_smaller_limit),
      cmocka_unit_test(long_values_widen_their_columns),
      cmocka_unit_test(names_from_outside_cannot_garble_a_line),
      cmocka_unit_test(json_names_every_member),
      cmocka_unit_test(the_longest_json_line_fits),
      cmocka_unit_test(a_descriptor_that_is_not_open_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
