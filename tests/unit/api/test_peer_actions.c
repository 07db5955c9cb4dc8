/* What an operator does to a peer over HTTP, and the latest samples of it. */
#include "mesh_fixture.h"

#include "api/recent.h"
#include "api/service_feed.h"

static void post(struct fixture *f, const char *path, const char *body) {
  fixture_request(f, PM_HTTP_POST, path, "");
  fixture_body(f, body);
}

static void a_target_is_removed_by_any_of_its_names(void **state) {
  struct fixture *f = *state;
  static const char *const names[] = {"url=http%3A%2F%2Fh.example%3A81%2Fv1%2Fping",
                                      "url=h.example%3A81"};
  const struct pm_target *target = fixture_target(f, "http://h.example:81/v1/ping");
  for (int i = 0; i < 2; i++) {
    post(f, "/v1/removepeer", names[i]);
    fixture_header(f, "accept", "application/json");
    assert_string_equal(fixture_send(f),
                        "{\"url\":\"http://h.example:81/v1/ping\",\"result\":\"removed\"}\n");
    assert_int_equal(f->response.status, 200);
    assert_int_equal(f->removes, i + 1);
    assert_int_equal(f->acted_target, target->id);
    assert_int_equal(f->acted_member, 0);
  }
}

static void a_browser_gets_a_page(void **state) {
  struct fixture *f = *state;
  fixture_target(f, "http://h.example/v1/ping");
  post(f, "/v1/removepeer", "url=http%3A%2F%2Fh.example%2Fv1%2Fping");
  fixture_browser(f);
  const char *page = fixture_send(f);
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
  assert_non_null(strstr(page, "http://h.example/v1/ping: removed."));
}

static void pausing_and_going_on(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *body, *result;
    int pauses, resumes;
  } rows[] = {{"url=h.example:80&paused=true", "paused", 1, 0},
              {"url=h.example:80&paused=false", "probed again", 0, 1},
              {"url=h.example:80", "probed again", 0, 1}};
  fixture_target(f, "http://h.example/v1/ping");
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    f->pauses = f->resumes = 0;
    post(f, "/v1/pausepeer", rows[i].body);
    const char *body = fixture_send(f);
    assert_non_null(strstr(body, rows[i].result));
    assert_int_equal(f->pauses, rows[i].pauses);
    assert_int_equal(f->resumes, rows[i].resumes);
  }
}

static void what_cannot_be_done_is_said(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *path, *body;
    enum pm_err err;
    int status;
  } rows[] = {{"/v1/removepeer", "url=nobody", PM_OK, 404},
              {"/v1/removepeer", "", PM_OK, 400},
              {"/v1/removepeer", "url=%zz", PM_OK, 400},
              {"/v1/pausepeer", "url=nobody&paused=true", PM_OK, 404},
              {"/v1/pausepeer", "url=h.example:80&paused=true", PM_ERR_DENIED, 409},
              {"/v1/pausepeer", "url=h.example:80&paused=true", PM_ERR_CLOSED, 503},
              {"/v1/removepeer", "url=h.example:80", PM_ERR_MISSING, 404}};
  fixture_target(f, "http://h.example/v1/ping");
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    f->act_err = rows[i].err;
    post(f, rows[i].path, rows[i].body);
    const char *body = fixture_send(f);
    assert_int_equal(f->response.status, rows[i].status);
    assert_string_equal(f->response.content_type, "application/problem+json");
    if (rows[i].err != PM_OK) assert_non_null(strstr(body, "the node \\u003csays\\u003e no"));
  }
}

static void nobody_else_may(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/v1/removepeer", "/v1/pausepeer"};
  fixture_target(f, "http://h.example/v1/ping");
  for (int i = 0; i < 2; i++) {
    post(f, paths[i], "url=h.example:80");
    fixture_from(f, "192.0.2.9", "node.example");
    fixture_send(f);
    assert_int_equal(f->response.status, 401);
    post(f, paths[i], "url=h.example:80");
    fixture_header(f, "sec-fetch-site", "cross-site");
    fixture_send(f);
    assert_int_equal(f->response.status, 403);
  }
  assert_int_equal(f->removes + f->pauses + f->resumes, 0);
}

/* Not even with a query, as adding does for the old program's users. */
static void a_get_is_a_form(void **state) {
  struct fixture *f = *state;
  fixture_target(f, "http://h.example/v1/ping");
  const char *page = fixture_get(f, "/v1/removepeer", "url=%22%3E%3Cb%3E");
  assert_int_equal(f->response.status, 200);
  assert_non_null(strstr(page, "<form method=\"post\" action=\"/v1/removepeer\">"));
  assert_non_null(strstr(page, "value=\"&#34;&gt;&lt;b&gt;\""));
  fixture_get(f, "/v1/pausepeer", "url=h.example:80&paused=true");
  assert_int_equal(f->removes + f->pauses + f->resumes, 0);
}

static void a_paused_peer_is_shown_as_that(void **state) {
  struct fixture *f = *state;
  struct pm_target *target = fixture_target(f, "http://h.example/v1/ping");
  assert_null(strstr(fixture_get(f, "/v1/peers", "stats=all"), "\"Paused\""));
  target->paused = true;
  assert_non_null(strstr(fixture_get(f, "/v1/peers", "stats=none"), "\"Paused\": true"));
  assert_non_null(strstr(fixture_get(f, "/v1/peers", "format=html"), "<td>paused</td>"));
}

/* ---- the latest samples ---- */

static void feed(struct fixture *f, const struct pm_target *target, int64_t second,
                 int64_t total_ns) {
  const struct pm_sample sample = {.at = {second * PM_NS_PER_S},
                                   .outcome = PM_OUTCOME_SUCCESS,
                                   .verdict = PM_VERDICT_STARVED,
                                   .phase_ns = {[PM_PHASE_TCP] = 25, [PM_PHASE_TOTAL] = total_ns}};
  pm_service_feed_sample(f->service, target, &sample);
}

static void the_latest_samples_as_they_were(void **state) {
  struct fixture *f = *state;
  const struct pm_target *target = fixture_target(f, "http://h.example/v1/ping");
  f->id = mesh_id(1);
  feed(f, target, 1770000000, 1000000);
  feed(f, target, 1770000010, 2000000);
  const char *body = fixture_get(f, "/v1/recent", "to=h.example:80");
  assert_int_equal(f->response.status, 200);
  char expected[1024], key[PM_WIRE_ID_BYTES];
  snprintf(expected, sizeof(expected),
           "{\"from\":\"%s\",\"to\":\"http://h.example/v1/ping\",\"samples\":["
           "{\"t\":\"2026-02-02T02:40:00Z\",\"outcome\":\"success\",\"verdict\":\"starved\","
           "\"dns_ns\":0,\"tcp_ns\":25,\"tls_ns\":0,\"first_ns\":0,\"last_ns\":0,"
           "\"total_ns\":1000000},"
           "{\"t\":\"2026-02-02T02:40:10Z\",\"outcome\":\"success\",\"verdict\":\"starved\","
           "\"dns_ns\":0,\"tcp_ns\":25,\"tls_ns\":0,\"first_ns\":0,\"last_ns\":0,"
           "\"total_ns\":2000000}]}\n",
           mesh_key(1, key));
  assert_string_equal(body, expected);
}

static void whom_nobody_probes_has_none(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *query;
    int status;
  } rows[] = {{"", 400}, {"to=", 400}, {"to=nobody", 404}, {"to=%00", 400}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    fixture_get(f, "/v1/recent", rows[i].query);
    assert_int_equal(f->response.status, rows[i].status);
  }
}

static void a_ring_keeps_so_many_and_drops_the_oldest(void **state) {
  struct pm_recent recent;
  struct pm_sample sample = {.outcome = PM_OUTCOME_CONNECT};
  (void)state;
  pm_recent_init(&recent);
  for (uint64_t target = 40; target > 0; target--) { /* in an order that moves all of them */
    for (int64_t i = 0; i < PM_RECENT_SAMPLES + 5; i++) {
      sample.at.ns = (int64_t)target * 1000 + i;
      pm_recent_add(&recent, target, &sample);
    }
  }
  for (uint64_t target = 1; target <= 40; target++) {
    assert_int_equal(pm_recent_count(&recent, target), PM_RECENT_SAMPLES);
    for (size_t i = 0; i < PM_RECENT_SAMPLES; i++)
      assert_int_equal(pm_recent_at(&recent, target, i)->at.ns, target * 1000 + 5 + i);
    assert_null(pm_recent_at(&recent, target, PM_RECENT_SAMPLES));
  }
  pm_recent_drop(&recent, 7);
  pm_recent_drop(&recent, 7);
  assert_int_equal(pm_recent_count(&recent, 7), 0);
  assert_int_equal(pm_recent_count(&recent, 6), PM_RECENT_SAMPLES);
  assert_int_equal(pm_recent_count(&recent, 8), PM_RECENT_SAMPLES);
  pm_recent_deinit(&recent);
}

static void a_full_roster_stays_within_64_mb(void **state) {
  (void)state;
  assert_true((size_t)PM_ROSTER_TARGETS_MAX * PM_RECENT_SAMPLES * sizeof(struct pm_recent_sample) <=
              (size_t)64 << 20);
}

/* ---- who asks ---- */

static void the_session_says_what_one_may(void **state) {
  struct fixture *f = *state;
  char expected[256], key[PM_WIRE_ID_BYTES];
  f->id = mesh_id(1);
  f->config.mesh_name = "blue";
  fixture_reopen(f);
  for (int operator_asks = 0; operator_asks < 2; operator_asks++) {
    fixture_request(f, PM_HTTP_GET, "/v1/session", "");
    if (!operator_asks) fixture_from(f, "192.0.2.9", "node.example");
    snprintf(expected, sizeof(expected),
             "{\"operator\":%s,\"login\":true,\"self\":\"%s\",\"location\":\"Sunnyvale,US\","
             "\"version\":\"%s\",\"interval_s\":10,\"mesh\":\"blue\",\"grow\":false}\n",
             operator_asks ? "true" : "false", mesh_key(1, key), PM_VERSION);
    assert_string_equal(fixture_send(f), expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_target_is_removed_by_any_of_its_names),
      FIXTURE_TEST(a_browser_gets_a_page),
      FIXTURE_TEST(pausing_and_going_on),
      FIXTURE_TEST(what_cannot_be_done_is_said),
      FIXTURE_TEST(nobody_else_may),
      FIXTURE_TEST(a_get_is_a_form),
      FIXTURE_TEST(a_paused_peer_is_shown_as_that),
      FIXTURE_TEST(the_latest_samples_as_they_were),
      FIXTURE_TEST(whom_nobody_probes_has_none),
      cmocka_unit_test(a_ring_keeps_so_many_and_drops_the_oldest),
      cmocka_unit_test(a_full_roster_stays_within_64_mb),
      FIXTURE_TEST(the_session_says_what_one_may),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
