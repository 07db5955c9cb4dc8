/* OTLP: the request byte for byte, what is kept of paths, the environment, and answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/otlp_answer.h"
#include "publish/otlp_encode.h"
#include "publish/otlp_env.h"
#include "publish/otlp_paths.h"
#include "sinks_fixture.h"

/* A NULL-terminated list of name, value, name, value, … */
static const char *lookup(void *owner, const char *name) {
  for (const char **pair = owner; *pair != NULL; pair += 2)
    if (strcmp(pair[0], name) == 0) return pair[1];
  return NULL;
}

static enum pm_err read_env(const char *url, const char **list, struct pm_otlp_env *out,
                            struct pm_why *why) {
  return pm_otlp_env_read(url, lookup, list, out, why);
}

/* --- requests --------------------------------------------------------------------------------- */

/* The recorded request; @VERSION@ in it is ours. */
static void read_golden(struct pm_buf *out) {
  static const char mark[] = "@VERSION@";
  static char text[65536];
  FILE *file = fopen(PM_TEST_DATA "/publish/otlp.json", "r");
  assert_non_null(file);
  size_t bytes = fread(text, 1, sizeof(text) - 1, file);
  text[bytes] = '\0';
  fclose(file);
  text[strcspn(text, "\n")] = '\0';
  const char *at = text;
  for (const char *found; (found = strstr(at, mark)) != NULL; at = found + sizeof(mark) - 1) {
    pm_buf_append(out, at, (size_t)(found - at));
    pm_buf_text(out, PM_VERSION);
  }
  pm_buf_text(out, at);
}

static void test_a_request(void **state) {
  (void)state;
  const char *list[] = {"OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,host.name=mine",
                        NULL};
  static struct pm_otlp_env env;
  struct pm_otlp_paths paths;
  struct pm_target target;
  struct pm_sample good = sinks_success(), bad = sinks_failure();
  assert_int_equal(read_env(NULL, list, &env, NULL), PM_OK);
  sinks_target(&target, 1, "http://192.0.2.9:8080/v1/ping", "Tokyo,JP");
  pm_otlp_paths_init(&paths);
  pm_otlp_paths_add(&paths, &target, &good);
  bad.at.ns += 10 * (int64_t)PM_NS_PER_S;
  pm_otlp_paths_add(&paths, &target, &bad);
  size_t count;
  uint64_t samples;
  struct pm_otlp_path *taken = pm_otlp_paths_take(&paths, &count, &samples);
  assert_int_equal(count, 1);
  assert_int_equal(samples, 2);
  const struct pm_otlp_resource resource = {
      .env = &env, .host = "host1", .instance = "00000000000000ff", .from = "Paris,FR"};
  struct pm_buf out;
  pm_buf_init(&out, PM_OTLP_BODY_BYTES_MAX);
  pm_otlp_encode(&resource, taken, count,
                 (struct pm_wall){(int64_t)(SINKS_AT_S + 60) * PM_NS_PER_S}, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  struct pm_buf golden;
  pm_buf_init(&golden, 1 << 20);
  read_golden(&golden);
  if (strcmp(out.data, golden.data) != 0) printf("it is now:\n%s\n", out.data);
  assert_true(strcmp(out.data, golden.data) == 0);
  pm_buf_deinit(&golden);
  pm_buf_deinit(&out);
  pm_otlp_path_release(&taken[0]);
  free(taken);
  pm_otlp_paths_deinit(&paths);
}

static void test_the_longest_names_fit(void **state) {
  (void)state;
  static struct pm_otlp_env env;
  struct pm_otlp_names names = {.refs = 1};
  struct pm_buf out;
  memset(names.url, '\x01', sizeof(names.url) - 1);
  memset(names.to, '\x01', sizeof(names.to) - 1);
  memset(names.host, 'a', sizeof(names.host) - 1);
  struct pm_otlp_path *paths = calloc(PM_OTLP_PATHS_PER_BODY, sizeof(*paths));
  for (int i = 0; i < PM_OTLP_PATHS_PER_BODY; i++) {
    paths[i] = (struct pm_otlp_path){.names = &names, .starved = UINT64_MAX};
    for (int outcome = 0; outcome < PM_OUTCOME_COUNT; outcome++)
      paths[i].outcomes[outcome] = UINT64_MAX;
    for (int phase = 0; phase < PM_PHASE_COUNT; phase++)
      for (int bucket = 0; bucket <= PM_BUCKETS_COUNT; bucket++)
        paths[i].buckets[phase].count = paths[i].buckets[phase].counts[bucket] = UINT64_MAX;
  }
  const struct pm_otlp_resource resource = {.env = &env, .host = "h", .instance = "i", .from = "f"};
  pm_buf_init(&out, PM_OTLP_BODY_BYTES_MAX);
  pm_otlp_encode(&resource, paths, PM_OTLP_PATHS_PER_BODY, (struct pm_wall){1}, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  assert_true(out.len > PM_OTLP_BODY_BYTES_MAX / 4);
  pm_buf_deinit(&out);
  free(paths);
}

/* --- paths ------------------------------------------------------------------------------------ */

static void free_taken(struct pm_otlp_path *taken, size_t count) {
  for (size_t i = 0; i < count; i++) pm_otlp_path_release(&taken[i]);
  free(taken);
}

/* Cumulative: what was taken once is in the next copy, too, and its samples are new only once. */
static void test_counts_go_on(void **state) {
  (void)state;
  struct pm_otlp_paths paths;
  struct pm_target target;
  struct pm_sample good = sinks_success();
  size_t count;
  uint64_t samples;
  sinks_target(&target, 3, "http://192.0.2.9/v1/ping", "Tokyo,JP");
  pm_otlp_paths_init(&paths);
  for (uint64_t round = 1; round <= 3; round++) {
    pm_otlp_paths_add(&paths, &target, &good);
    struct pm_otlp_path *taken = pm_otlp_paths_take(&paths, &count, &samples);
    assert_int_equal(count, 1);
    assert_int_equal(samples, 1);
    assert_int_equal(taken[0].outcomes[PM_OUTCOME_SUCCESS], round);
    assert_int_equal(taken[0].buckets[PM_PHASE_TCP].count, round);
    assert_int_equal(taken[0].syns, round);
    assert_int_equal(taken[0].start.ns, good.at.ns - (int64_t)(round - 1) * PM_NS_PER_S);
    free_taken(taken, count);
    good.at.ns += PM_NS_PER_S;
  }
  pm_otlp_paths_deinit(&paths);
}

static void test_what_ended_is_sent_once_more(void **state) {
  (void)state;
  struct pm_otlp_paths paths;
  struct pm_target targets[3];
  struct pm_sample good = sinks_success();
  size_t count;
  uint64_t samples;
  pm_otlp_paths_init(&paths);
  for (int i = 2; i >= 0; i--) { /* not in the order of their ids */
    char url[64];
    snprintf(url, sizeof(url), "http://192.0.2.%d/v1/ping", i + 1);
    sinks_target(&targets[i], (uint64_t)i + 1, url, "X");
    pm_otlp_paths_add(&paths, &targets[i], &good);
  }
  targets[1].state = PM_TARGET_REMOVED;
  pm_otlp_paths_ended(&paths, &targets[1]);
  struct pm_otlp_path *taken = pm_otlp_paths_take(&paths, &count, &samples);
  assert_int_equal(count, 3);
  for (size_t i = 0; i < 3; i++) assert_int_equal(taken[i].id, i + 1);
  struct pm_otlp_path *later = pm_otlp_paths_take(&paths, &count, &samples);
  assert_int_equal(count, 2);
  assert_int_equal(samples, 0);
  assert_int_equal(later[1].id, 3);
  free_taken(later, 2);
  pm_otlp_paths_deinit(&paths);
  /* A copy outlives the path. */
  assert_string_equal(taken[1].names->url, "http://192.0.2.2/v1/ping");
  free_taken(taken, 3);
}

static void test_starved_times_are_in_no_histogram(void **state) {
  (void)state;
  struct pm_otlp_paths paths;
  struct pm_target target;
  struct pm_sample starved = sinks_success();
  starved.verdict = PM_VERDICT_STARVED;
  sinks_target(&target, 1, "http://192.0.2.9/v1/ping", "Tokyo,JP");
  pm_otlp_paths_init(&paths);
  pm_otlp_paths_add(&paths, &target, &starved);
  assert_int_equal(paths.items[0].starved, 1);
  assert_int_equal(paths.items[0].buckets[PM_PHASE_TCP].count, 1); /* the kernel's */
  assert_int_equal(paths.items[0].buckets[PM_PHASE_TOTAL].count, 0);
  pm_otlp_paths_deinit(&paths);
}

/* --- the environment ---------------------------------------------------------------------------
 */

static void test_endpoints(void **state) {
  (void)state;
  static const struct {
    const char *option, *own, *common, *url;
  } rows[] = {
      {NULL, NULL, NULL, "http://localhost:4318/v1/metrics"},
      {NULL, NULL, "https://otlp.example", "https://otlp.example/v1/metrics"},
      {NULL, NULL, "https://otlp.example/base/", "https://otlp.example/base/v1/metrics"},
      {NULL, "https://m.example/x", "https://otlp.example", "https://m.example/x"},
      {NULL, "", "https://otlp.example", "https://otlp.example/v1/metrics"},
      {"http://c:4318", "https://m.example/x", "https://o", "http://c:4318/v1/metrics"},
      {"http://c:4318/v1/metrics", NULL, NULL, "http://c:4318/v1/metrics"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    static struct pm_otlp_env env;
    const char *list[] = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", rows[i].own,
                          "OTEL_EXPORTER_OTLP_ENDPOINT", rows[i].common, NULL};
    assert_int_equal(read_env(rows[i].option, list, &env, NULL), PM_OK);
    assert_string_equal(env.url, rows[i].url);
  }
}

static void test_everything_else(void **state) {
  (void)state;
  static struct pm_otlp_env env;
  const char *list[] = {"OTEL_EXPORTER_OTLP_HEADERS",
                        "api-key=a%20b+c%3D , X-Tenant = me",
                        "OTEL_EXPORTER_OTLP_TIMEOUT",
                        "2500",
                        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
                        "none",
                        "OTEL_METRIC_EXPORT_INTERVAL",
                        "15000",
                        "OTEL_SERVICE_NAME",
                        "mesh",
                        "OTEL_RESOURCE_ATTRIBUTES",
                        "a=b,c=d%2Ce",
                        NULL};
  assert_int_equal(read_env(NULL, list, &env, NULL), PM_OK);
  assert_int_equal(env.headers_count, 2);
  assert_string_equal(env.headers[0], "api-key: a b+c=");
  assert_string_equal(env.headers[1], "X-Tenant: me");
  assert_int_equal(env.timeout_ms, 2500);
  assert_int_equal(env.interval_ms, 15000);
  assert_false(env.gzip);
  assert_string_equal(env.service, "mesh");
  assert_int_equal(env.attributes_count, 2);
  assert_string_equal(env.attributes[1].name, "c");
  assert_string_equal(env.attributes[1].value, "d,e");
}

static void test_wrong_values(void **state) {
  (void)state;
  static const struct {
    const char *name, *value;
  } rows[] = {
      {"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "secret"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0d%0aX: y"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "a b=secret"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "a=secret%00"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "=secret"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=secret"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "0"},
      {"OTEL_METRIC_EXPORT_INTERVAL", "99999999999999999999"},
      {"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"},
      {"OTEL_RESOURCE_ATTRIBUTES", "a"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    static struct pm_otlp_env env;
    struct pm_why why = {""};
    const char *list[] = {rows[i].name, rows[i].value, NULL};
    assert_int_not_equal(read_env(NULL, list, &env, &why), PM_OK);
    assert_non_null(strstr(why.text, rows[i].name));
    assert_null(strstr(why.text, "secret"));
  }
}

/* --- answers -----------------------------------------------------------------------------------
 */

static void test_answers(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *body;
    enum pm_delivery_verdict verdict;
    uint64_t rejected;
    const char *words;
  } rows[] = {
      {200, "", PM_DELIVERY_SENT, 0, ""},
      {200, "{}", PM_DELIVERY_SENT, 0, ""},
      {202, "{\"partialSuccess\":{}}", PM_DELIVERY_SENT, 0, ""},
      {200, "{\"partialSuccess\":{\"rejectedDataPoints\":\"3\",\"errorMessage\":\"too old\"}}",
       PM_DELIVERY_SENT, 3, "3 data points were rejected: too old"},
      {200, "{\"partialSuccess\":{\"rejectedDataPoints\":3}}", PM_DELIVERY_SENT, 3,
       "3 data points were rejected: "},
      {200, "{\"partialSuccess\":{\"errorMessage\":\"old version\"}}", PM_DELIVERY_SENT, 0,
       "taken with a warning: old version"},
      {200, "{\"partialSuccess\":{\"rejectedDataPoints\":\"-3\"}}", PM_DELIVERY_SENT, 0, ""},
      {200, "{\"partialSuccess\":[1]}", PM_DELIVERY_SENT, 0, ""},
      {200, "<html>", PM_DELIVERY_REFUSED, 0,
       "this is no OTLP receiver, its answer is not JSON: <html>"},
      {400, "{\"code\":3,\"message\":\"bad data\"}", PM_DELIVERY_REFUSED, 0,
       "HTTP status 400: bad data"},
      {500, "oops", PM_DELIVERY_REFUSED, 0, ""},
      {429, "", PM_DELIVERY_RETRY, 0, ""},
      {502, "", PM_DELIVERY_RETRY, 0, ""},
      {503, "{\"message\":\"later\"}", PM_DELIVERY_RETRY, 0, "HTTP status 503: later"},
      {504, "", PM_DELIVERY_RETRY, 0, ""},
      {302, "", PM_DELIVERY_REFUSED, 0, ""},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pm_why words = {""};
    uint64_t rejected = 99;
    assert_int_equal(
        pm_otlp_judge(rows[i].status, rows[i].body, strlen(rows[i].body), &rejected, &words),
        rows[i].verdict);
    assert_int_equal(rejected, rows[i].rejected);
    assert_string_equal(words.text, rows[i].words);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_request),
      cmocka_unit_test(test_the_longest_names_fit),
      cmocka_unit_test(test_counts_go_on),
      cmocka_unit_test(test_what_ended_is_sent_once_more),
      cmocka_unit_test(test_starved_times_are_in_no_histogram),
      cmocka_unit_test(test_endpoints),
      cmocka_unit_test(test_everything_else),
      cmocka_unit_test(test_wrong_values),
      cmocka_unit_test(test_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
