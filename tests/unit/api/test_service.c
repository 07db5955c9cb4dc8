/* What a node answers, path by path. */
#include "service_fixture.h"

#include "api/html.h"
#include "base/service_time.h"
#include "gossip/wire_pong.h"

static void a_ping_names_the_location(void **state) {
  struct fixture *f = *state;
  const char *body = fixture_get(f, "/v1/ping", "");
  assert_int_equal(f->response.status, 200);
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
  assert_string_equal(body, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                            "<title>pingmesh Sunnyvale,US</title></head><body>\n"
                            "<p>Served from Sunnyvale,US\n</body></html>\n");
}

/* From the request's arrival until now, and no more than the test itself has taken. */
static void a_ping_tells_how_long_it_stayed(void **state) {
  struct fixture *f = *state;
  struct pm_service_time told;
  fixture_request(f, PM_HTTP_GET, "/v1/ping", "");
  f->request.arrived = (struct pm_wall){pm_clock_wall().ns - 3 * PM_NS_PER_MS};
  fixture_send(f);
  const char *value = fixture_answered(f, PM_SERVICE_TIME_HEADER);
  assert_int_equal(pm_service_time_read(value, strlen(value), &told), PM_OK);
  assert_true(told.spent_us >= 3000);
  assert_int_equal(told.received_us, f->request.arrived.ns / PM_NS_PER_US);
  assert_in_range(told.sent_us - told.received_us, told.spent_us, told.spent_us + 1);
}

/* The calendar was set back meanwhile: rather nothing than nonsense. */
static void a_ping_from_the_future_tells_nothing(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_GET, "/v1/ping", "");
  f->request.arrived = (struct pm_wall){pm_clock_wall().ns + PM_NS_PER_S * (int64_t)3600};
  fixture_send(f);
  assert_string_equal(fixture_answered(f, PM_SERVICE_TIME_HEADER), "");
}

static void the_index_links_what_there_is(void **state) {
  struct fixture *f = *state;
  static const char *const links[] = {
      "<a href=\"/v1/ping\">",    "<a href=\"/v1/peers\">",   "<a href=\"/v1/peers?format=html\">",
      "<a href=\"/v1/addpeer\">", "<a href=\"/v1/metrics\">", "<a href=\"/v1/env\">",
      "<a href=\"/v1/quit\">",    "<a href=\"/healthz\">",    "<a href=\"/v1/login\">"};
  static const char *const paths[] = {"/", "/v1"};
  for (size_t p = 0; p < 2; p++) {
    const char *page = fixture_get(f, paths[p], "");
    assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
      assert_non_null(strstr(page, links[i]));
    }
  }
}

static void the_index_is_a_list_for_programs(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_GET, "/", "");
  fixture_header(f, "accept", "application/json");
  const char *body = fixture_send(f);
  assert_string_equal(f->response.content_type, "application/json");
  assert_non_null(strstr(body, "  {\n"
                               "    \"Path\": \"/v1/addpeer\",\n"
                               "    \"Methods\": \"GET, HEAD, POST\",\n"
                               "    \"Operator\": true,\n"
                               "    \"Summary\": \"Add a peer\"\n"
                               "  },\n"));
}

/* Browsers, too, get the document as of old. */
static void peers_are_json_unless_asked_otherwise(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_GET, "/v1/peers", "addpeers=true");
  fixture_browser(f);
  const char *body = fixture_send(f);
  assert_string_equal(f->response.content_type, "application/json");
  assert_string_equal(body, "{\n"
                            "  \"Start\": \"2026-11-22T10:32:49Z\",\n"
                            "  \"SrvLoc\": \"Sunnyvale,US\",\n"
                            "  \"SrvHost\": \"localhost\",\n"
                            "  \"SrvPort\": 8080,\n"
                            "  \"Peers\": null,\n"
                            "  \"Requests\": 9,\n"
                            "  \"NumActive\": 0,\n"
                            "  \"NumDeleted\": 0,\n"
                            "  \"DelPeers\": null\n"
                            "}\n");
}

/* Names of windows in a query; a node that reads our list is spared all of them. */
static void the_query_chooses_the_statistics(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *query;
    bool ten, hour;
  } rows[] = {{"", true, false},
              {"stats=all", true, true},
              {"stats=none", false, false},
              {"stats=default", true, false},
              {"stats=%00", true, false},
              {"stats=2h", true, false},
              {"addpeers=true", false, false}};
  struct pm_target_spec spec = {.fail_max = 1, .delay_s = 1};
  struct pm_target *target;
  const struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS, .ended = pm_clock_now()};
  assert_int_equal(pm_endpoint_parse("h.example", NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_add(f->roster, &spec, (struct pm_wall){1}, &target), PM_OK);
  pm_target_record(target, &sample, NULL);
  for (int operator_asks = 0; operator_asks < 2; operator_asks++) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
      fixture_request(f, PM_HTTP_GET, "/v1/peers", rows[i].query);
      if (!operator_asks) fixture_from(f, "192.0.2.9", "node.example");
      const char *body = fixture_send(f);
      assert_int_equal(f->response.status, 200);
      assert_int_equal(strstr(body, "\"10m\":{\"Sent\":1,") != NULL, rows[i].ten);
      assert_int_equal(strstr(body, "\"1h\":{\"Sent\":1,") != NULL, rows[i].hour);
    }
  }
}

static void peers_as_a_table(void **state) {
  struct fixture *f = *state;
  struct pm_target *target = fixture_target(f, "https://h.example/v1/ping#Paris,FR");
  target->spec.insecure = true;
  snprintf(target->spec.learned_from, sizeof(target->spec.learned_from), "n1.example:8080");
  const char *page = fixture_get(f, "/v1/peers", "format=html");
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
  assert_non_null(strstr(page, "<th scope=\"row\" class=\"long\">Paris,FR</th>"
                               "<td class=\"long\">https://h.example/v1/ping "
                               "<strong class=\"bad\">insecure: certificate not verified"
                               "</strong></td>"));
  /* Three pings, one failure; TCP of 1, 2 and 3 ms: p50, p99, jitter. No packet was seen. */
  const char *numbers = strstr(page, "<td class=\"number\">3</td><td class=\"number\">");
  assert_non_null(numbers);
  double p50 = 0;
  double p99 = 0;
  double jitter = 0;
  assert_int_equal(sscanf(numbers,
                          "<td class=\"number\">3</td><td class=\"number\">%lf</td>"
                          "<td class=\"number\">%lf</td><td class=\"number\">%lf",
                          &p50, &p99, &jitter),
                   3);
  assert_true(p50 > 1.98 && p50 < 2.02);
  assert_true(p99 > 2.97 && p99 < 3.03);
  assert_non_null(strstr(numbers, "<td class=\"number\">25.00 %</td><td class=\"number\">-</td>"
                                  "<td class=\"number\">0</td>"));
  /* RFC 3550: 1/16, then 1/16 + (1 - 1/16)/16. */
  assert_true(jitter > 0.120 && jitter < 0.123);
  assert_non_null(strstr(page, "<td class=\"long\">peer from n1.example:8080</td>"));

  target->spec.insecure = false;
  assert_null(strstr(fixture_get(f, "/v1/peers", "format=html"), "insecure"));
}

static void metrics_at_all_their_old_paths(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/v1/metrics", "/memstats", "/v1/memstats"};
  fixture_target(f, "http://h.example");
  for (size_t i = 0; i < 3; i++) {
    const char *body = fixture_get(f, paths[i], "");
    assert_string_equal(f->response.content_type, "application/json");
    static const char begins[] = "{\n  \"AppStart\": \"2026-11-22T10:32:49Z\",\n"
                                 "  \"NumPeers\": 1,\n  \"NumActive\": 1,\n  \"NumDeleted\": 0,\n";
    assert_memory_equal(body, begins, strlen(begins));
  }
  assert_non_null(
      strstr(fixture_get(f, "/v1/metrics", "format=html"), "<td class=\"long\">1</td>"));
}

static void the_settings_are_shown(void **state) {
  struct fixture *f = *state;
  static const struct pm_setting settings[] = {{"admin-token", "(set)", "PINGMESH_ADMIN_TOKEN"}};
  f->config.settings = settings;
  f->config.settings_count = 1;
  fixture_reopen(f);
  const char *page = fixture_get(f, "/v1/env", "");
  assert_non_null(strstr(page, "<tr><th scope=\"row\">admin-token</th><td class=\"long\">(set)</td>"
                               "<td>PINGMESH_ADMIN_TOKEN</td></tr>"));
  assert_null(strstr(page, "correct horse"));
  fixture_get(f, "/v1/env", "format=json");
  assert_string_equal(f->response.content_type, "application/json");
}

static void health_does_not_depend_on_readiness(void **state) {
  struct fixture *f = *state;
  assert_string_equal(fixture_get(f, "/healthz", ""), "ok\n");
  assert_string_equal(fixture_get(f, "/readyz", ""), "ready\n");
  assert_int_equal(f->response.status, 200);
  f->ready = false;
  assert_string_equal(fixture_get(f, "/healthz", ""), "ok\n");
  assert_int_equal(f->response.status, 200);
  fixture_get(f, "/readyz", "");
  assert_int_equal(f->response.status, 503);
}

static void there_is_no_favicon(void **state) {
  struct fixture *f = *state;
  assert_string_equal(fixture_get(f, "/favicon.ico", ""), "");
  assert_int_equal(f->response.status, 204);
  assert_null(f->response.content_type);
  assert_string_equal(fixture_answered(f, "Cache-Control"), "public, max-age=86400");
}

static void every_page_binds_the_browser(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/",        "/v1/ping",  "/v1/addpeer", "/v1/env",
                                      "/v1/quit", "/v1/login", "/nowhere"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    fixture_request(f, PM_HTTP_GET, paths[i], "");
    fixture_browser(f);
    fixture_send(f);
    assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
    assert_string_equal(fixture_answered(f, "Content-Security-Policy"), PM_HTML_CSP);
    assert_string_equal(fixture_answered(f, "Referrer-Policy"), "same-origin");
    assert_string_equal(fixture_answered(f, "Cache-Control"), "no-store");
  }
}

static bool told(void *owner, const struct pm_http_request *request, struct pm_buf *out,
                 struct pm_buf *row) {
  (void)owner;
  (void)row;
  pm_buf_text(out, "1");
  return strcmp(request->query, "node") == 0;
}

/* Whoever is not known to be a node may be a browser, whatever it asks with. */
static void only_a_nodes_ping_goes_without_the_browsers_policies(void **state) {
  struct fixture *f = *state;
  f->config.pong = told;
  fixture_reopen(f);
  fixture_get(f, "/v1/ping", "nobody");
  assert_string_equal(fixture_answered(f, "Content-Security-Policy"), PM_HTML_CSP);
  assert_string_equal(fixture_answered(f, PM_WIRE_PONG_HEADER), "");
  fixture_get(f, "/v1/ping", "node");
  assert_string_equal(fixture_answered(f, "Content-Security-Policy"), "");
  assert_string_equal(fixture_answered(f, "Referrer-Policy"), "");
  assert_string_equal(fixture_answered(f, PM_WIRE_PONG_HEADER), "1");
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
}

static void nothing_but_the_favicon_is_cached(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/v1/peers", "/v1/metrics", "/healthz", "/readyz",
                                      "/nowhere"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    fixture_get(f, paths[i], "");
    assert_string_equal(fixture_answered(f, "Cache-Control"), "no-store");
  }
}

/* ---- stopping ---- */

static void a_post_stops_the_node(void **state) {
  struct fixture *f = *state;
  fixture_target(f, "http://h.example/v1/ping");
  fixture_request(f, PM_HTTP_POST, "/v1/quit", "");
  const char *page = fixture_send(f);
  assert_int_equal(f->quits, 1);
  assert_true(f->response.close);
  assert_non_null(strstr(page, "http://h.example/v1/ping"));
}

static void a_get_stops_the_node_if_typed_or_from_a_program(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *site; /* NULL: not told */
    bool browser;
    int quits;
  } cases[] = {{NULL, false, 1},
               {NULL, true, 0},
               {"none", true, 1},
               {"same-origin", true, 0},
               {"cross-site", true, 0}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    f->quits = 0;
    fixture_request(f, PM_HTTP_GET, "/v1/quit", "");
    if (cases[i].browser) fixture_browser(f);
    if (cases[i].site != NULL) fixture_header(f, "sec-fetch-site", cases[i].site);
    const char *page = fixture_send(f);
    assert_int_equal(f->quits, cases[i].quits);
    bool asked = strstr(page, "<form method=\"post\" action=\"/v1/quit\">") != NULL;
    assert_int_equal(asked, cases[i].quits == 0 && f->response.status == 200);
  }
}

static void head_stops_and_adds_nothing(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_HEAD, "/v1/quit", "");
  fixture_send(f);
  fixture_request(f, PM_HTTP_HEAD, "/v1/addpeer", "url=h");
  fixture_send(f);
  assert_int_equal(f->quits + f->adds, 0);
}

/* ---- adding ---- */

static void a_get_without_a_query_is_the_form(void **state) {
  struct fixture *f = *state;
  static const char *const names[] = {"url", "ip", "limit", "delay", "fails", "insecure"};
  const char *page = fixture_get(f, "/v1/addpeer", "");
  assert_int_equal(f->response.status, 200);
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    char input[32];
    snprintf(input, sizeof(input), " name=\"%s\"", names[i]);
    assert_non_null(strstr(page, input));
  }
  assert_non_null(strstr(page, "addpeers=true"));
  assert_int_equal(f->adds, 0);
}

static void a_get_with_a_query_adds(void **state) {
  struct fixture *f = *state;
  const char *body =
      fixture_get(f, "/v1/addpeer", "url=http://h:1/v1/peers?addpeers=true&ip=192.0.2.9&limit=5");
  assert_int_equal(f->adds, 1);
  assert_string_equal(f->added.endpoint.url, "http://h:1/v1/ping");
  assert_int_equal(f->added.limit, 5);
  assert_int_equal(f->added.delay_s, 10);
  assert_true(f->with_peers);
  assert_int_equal(f->response.status, 201);
  assert_string_equal(f->response.content_type, "application/json");
  assert_string_equal(body, "{\n"
                            "  \"Url\": \"http://h:1/v1/ping\",\n"
                            "  \"Added\": true,\n"
                            "  \"WithPeers\": true\n"
                            "}\n");
}

static void a_post_adds(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "url=not-this-one");
  fixture_browser(f);
  fixture_body(f, "url=h.example&ip=&limit=&delay=2&fails=&insecure=true");
  const char *page = fixture_send(f);
  assert_int_equal(f->response.status, 201);
  assert_int_equal(f->adds, 1);
  assert_string_equal(f->added.endpoint.url, "http://h.example");
  assert_int_equal(f->added.delay_s, 2);
  assert_int_equal(f->added.fail_max, 100);
  assert_true(f->added.insecure);
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
  assert_non_null(strstr(page, "http://h.example is probed from now on."));
}

static void a_post_without_a_body_reads_its_query(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "url=h.example");
  fixture_send(f);
  assert_int_equal(f->response.status, 201);
  assert_string_equal(f->added.endpoint.url, "http://h.example");
}

static void the_nodes_answer_is_passed_on(void **state) {
  struct fixture *f = *state;
  static const struct {
    enum pm_err err;
    int status;
  } cases[] = {{PM_ERR_DUPLICATE, 200}, {PM_ERR_DENIED, 403}, {PM_ERR_FULL, 503},
               {PM_ERR_NOMEM, 503},     {PM_ERR_SYNTAX, 400}, {PM_ERR_RANGE, 400}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    f->add_err = cases[i].err;
    const char *body = fixture_get(f, "/v1/addpeer", "url=h");
    assert_int_equal(f->response.status, cases[i].status);
    if (cases[i].err == PM_ERR_DUPLICATE) {
      assert_non_null(strstr(body, "\"Added\": false"));
    } else {
      assert_string_equal(f->response.content_type, "application/problem+json");
      assert_non_null(strstr(body, "\"detail\": \"the node \\u003csays\\u003e no\""));
    }
  }
}

static void a_wrong_form_comes_back_as_it_was_typed(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "");
  fixture_browser(f);
  fixture_body(f, "url=h%22%3E%3Cb%3E&ip=1.2.3.4&limit=many&delay=7&fails=&insecure=true");
  const char *page = fixture_send(f);
  assert_int_equal(f->response.status, 400);
  assert_int_equal(f->adds, 0);
  assert_non_null(strstr(page, "role=\"alert\""));
  assert_non_null(strstr(page, "name=\"url\" value=\"h&#34;&gt;&lt;b&gt;\""));
  assert_non_null(strstr(page, "name=\"ip\" value=\"1.2.3.4\""));
  assert_non_null(strstr(page, "name=\"limit\" value=\"many\""));
  assert_non_null(strstr(page, "name=\"delay\" value=\"7\""));
  assert_non_null(strstr(page, "name=\"insecure\" value=\"true\" checked"));

  fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "");
  fixture_body(f, "url=h&limit=many");
  const char *body = fixture_send(f);
  assert_int_equal(f->response.status, 400);
  assert_non_null(strstr(body, "limit \\\"many\\\": write a whole number"));
}

static void a_body_of_another_kind_is_refused(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *type;
    int status;
  } cases[] = {{"application/json", 415},
               {"text/plain", 415},
               {"multipart/form-data; boundary=x", 415},
               {"application/x-www-form-urlencodedx", 415},
               {"", 415},
               {"Application/X-WWW-Form-Urlencoded; charset=UTF-8", 201},
               {NULL, 201}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "");
    f->request.body = "url=h";
    f->request.body_bytes = 5;
    if (cases[i].type != NULL) fixture_header(f, "content-type", cases[i].type);
    fixture_send(f);
    assert_int_equal(f->response.status, cases[i].status);
  }
  assert_int_equal(f->adds, 2);
}

static void a_broken_or_endless_form_is_refused(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "");
  fixture_body(f, "url=%zz");
  fixture_send(f);
  assert_int_equal(f->response.status, 400);
  fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "");
  fixture_body(f, "a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&url=h");
  fixture_send(f);
  assert_int_equal(f->response.status, 413);
  fixture_get(f, "/v1/addpeer", "url=%");
  assert_int_equal(f->response.status, 400);
  assert_int_equal(f->adds, 0);
}

/* A link on another page, an image, a form, our own pages: none adds by GET. */
static void a_get_from_a_page_only_fills_the_form(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *name, *value;
    int status;
  } cases[] = {
      {"sec-fetch-site", "cross-site", 403},    {"origin", "http://evil.example", 403},
      {"referer", "http://evil.example/", 403}, {"referer", "http://127.0.0.1:8080/v1/login", 200},
      {"sec-fetch-site", "same-origin", 200},   {"x-nothing", "told", 200}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    fixture_request(f, PM_HTTP_GET, "/v1/addpeer", "url=h.example&insecure=on");
    fixture_browser(f);
    fixture_header(f, cases[i].name, cases[i].value);
    const char *page = fixture_send(f);
    assert_int_equal(f->response.status, cases[i].status);
    if (cases[i].status != 200) continue;
    assert_non_null(strstr(page, "name=\"url\" value=\"h.example\""));
    assert_non_null(strstr(page, "value=\"true\" checked"));
  }
  assert_int_equal(f->adds, 0);
}

static void a_foreign_form_adds_nothing(void **state) {
  struct fixture *f = *state;
  static const char *const told[][2] = {
      {"sec-fetch-site", "cross-site"},    {"sec-fetch-site", "same-site"},
      {"origin", "http://evil.example"},   {"origin", "null"},
      {"origin", "http://127.0.0.1:9999"}, {"referer", "http://evil.example/"}};
  for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
    fixture_request(f, PM_HTTP_POST, "/v1/addpeer", "");
    fixture_header(f, told[i][0], told[i][1]);
    fixture_body(f, "url=h.example");
    fixture_send(f);
    assert_int_equal(f->response.status, 403);
  }
  assert_int_equal(f->adds, 0);
}

static void an_answer_too_large_is_said(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_GET, "/v1/env", "");
  pm_buf_deinit(&f->response.body);
  f->response = (struct pm_http_response){.status = 200};
  pm_buf_init(&f->response.body, 400);
  pm_service_handle(f->service, &f->request, &f->response);
  assert_int_equal(f->response.status, 503);
  assert_string_equal(f->response.content_type, "application/problem+json");
  assert_int_equal(pm_buf_status(&f->response.body), PM_OK);
  assert_string_equal(fixture_answered(f, "Cache-Control"), "no-store");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_ping_names_the_location),
      FIXTURE_TEST(a_ping_tells_how_long_it_stayed),
      FIXTURE_TEST(a_ping_from_the_future_tells_nothing),
      FIXTURE_TEST(the_index_links_what_there_is),
      FIXTURE_TEST(the_index_is_a_list_for_programs),
      FIXTURE_TEST(peers_are_json_unless_asked_otherwise),
      FIXTURE_TEST(the_query_chooses_the_statistics),
      FIXTURE_TEST(peers_as_a_table),
      FIXTURE_TEST(metrics_at_all_their_old_paths),
      FIXTURE_TEST(the_settings_are_shown),
      FIXTURE_TEST(health_does_not_depend_on_readiness),
      FIXTURE_TEST(there_is_no_favicon),
      FIXTURE_TEST(every_page_binds_the_browser),
      FIXTURE_TEST(only_a_nodes_ping_goes_without_the_browsers_policies),
      FIXTURE_TEST(nothing_but_the_favicon_is_cached),
      FIXTURE_TEST(a_post_stops_the_node),
      FIXTURE_TEST(a_get_stops_the_node_if_typed_or_from_a_program),
      FIXTURE_TEST(head_stops_and_adds_nothing),
      FIXTURE_TEST(a_get_without_a_query_is_the_form),
      FIXTURE_TEST(a_get_with_a_query_adds),
      FIXTURE_TEST(a_post_adds),
      FIXTURE_TEST(a_post_without_a_body_reads_its_query),
      FIXTURE_TEST(the_nodes_answer_is_passed_on),
      FIXTURE_TEST(a_wrong_form_comes_back_as_it_was_typed),
      FIXTURE_TEST(a_body_of_another_kind_is_refused),
      FIXTURE_TEST(a_broken_or_endless_form_is_refused),
      FIXTURE_TEST(a_get_from_a_page_only_fills_the_form),
      FIXTURE_TEST(a_foreign_form_adds_nothing),
      FIXTURE_TEST(an_answer_too_large_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
