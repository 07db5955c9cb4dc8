/* The route table's own answers: what there is not, what one may not. */
#include "service_fixture.h"

#include "api/html.h"
#include "api/route.h"

static void refused(struct fixture *f, int status, const char *body) {
  assert_string_equal(fixture_send(f), body);
  assert_int_equal(f->response.status, status);
  assert_string_equal(f->response.content_type, "application/problem+json");
}

static void unknown_paths_are_not_found(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/v2", "/v1/", "//", "/V1/ping", "/v1/pingx", "/v1/peers/1"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    fixture_get(f, paths[i], "");
    assert_int_equal(f->response.status, 404);
    fixture_request(f, PM_HTTP_POST, paths[i], "");
    fixture_send(f);
    assert_int_equal(f->response.status, 404);
  }
  fixture_request(f, PM_HTTP_GET, "/nowhere", "");
  refused(f, 404,
          "{\n"
          "  \"type\": \"about:blank\",\n"
          "  \"title\": \"Not Found\",\n"
          "  \"status\": 404,\n"
          "  \"detail\": \"there is nothing at \\\"/nowhere\\\": \\\"/\\\" lists what there is\"\n"
          "}\n");
}

static void other_methods_are_told_what_is_allowed(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *path;
    enum pm_http_method method;
    const char *allow;
  } cases[] = {
      {"/", PM_HTTP_POST, "GET, HEAD"},
      {"/v1/ping", PM_HTTP_OTHER, "GET, HEAD"},
      {"/v1/peers", PM_HTTP_POST, "GET, HEAD"},
      {"/v1/env", PM_HTTP_POST, "GET, HEAD"},
      {"/v1/logout", PM_HTTP_GET, "POST"},
      {"/v1/logout", PM_HTTP_HEAD, "POST"},
      {"/v1/addpeer", PM_HTTP_OTHER, "GET, HEAD, POST"},
      {"/v1/quit", PM_HTTP_OTHER, "GET, HEAD, POST"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    fixture_request(f, cases[i].method, cases[i].path, "");
    fixture_send(f);
    assert_int_equal(f->response.status, 405);
    assert_string_equal(fixture_answered(f, "Allow"), cases[i].allow);
  }
  assert_int_equal(f->adds + f->quits, 0);
}

static void head_is_get(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/", "/v1/ping", "/v1/peers", "/v1/metrics", "/healthz"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    fixture_request(f, PM_HTTP_HEAD, paths[i], "");
    fixture_send(f);
    assert_int_equal(f->response.status, 200);
  }
}

/* ---- operators ---- */

enum credential { NONE, BEARER, WRONG_BEARER };

static void operator_paths_are_guarded(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *client, *host;
    const char *header, *value; /* one more; NULL: none */
    enum credential credential;
    int status;
  } cases[] = {
      {"127.0.0.1", "localhost:8080", NULL, NULL, NONE, 200},
      {"127.0.0.1", "127.0.0.1:8080", NULL, NULL, NONE, 200},
      {"::1", "[::1]:8080", NULL, NULL, NONE, 200},
      {"127.0.0.1", "evil.example", NULL, NULL, NONE, 401},
      {"127.0.0.1", "localhost", "x-forwarded-for", "192.0.2.1", NONE, 401},
      {"127.0.0.1", "localhost", "forwarded", "for=192.0.2.1", NONE, 401},
      {"127.0.0.1", "localhost", "sec-fetch-site", "cross-site", NONE, 403},
      {"127.0.0.1", "localhost", "sec-fetch-site", "same-site", NONE, 403},
      {"127.0.0.1", "localhost", "sec-fetch-site", "same-origin", NONE, 200},
      {"127.0.0.1", "localhost", "sec-fetch-site", "none", NONE, 200},
      {"127.0.0.1", "localhost", "origin", "http://evil.example", NONE, 403},
      {"127.0.0.1", "localhost", "origin", "null", NONE, 403},
      {"127.0.0.1", "localhost", "origin", "http://localhost", NONE, 200},
      {"127.0.0.1", "localhost", "referer", "http://evil.example/x", NONE, 403},
      {"127.0.0.1", "localhost", "referer", "http://localhost/", NONE, 200},
      {"192.0.2.7", "localhost:8080", NULL, NULL, NONE, 401},
      {"192.0.2.7", "node.example", NULL, NULL, NONE, 401},
      {"192.0.2.7", "node.example", NULL, NULL, BEARER, 200},
      {"192.0.2.7", "node.example", NULL, NULL, WRONG_BEARER, 401},
      {"192.0.2.7", "node.example", "x-forwarded-for", "192.0.2.1", BEARER, 200},
      {"192.0.2.7", "node.example", "origin", "http://evil.example", BEARER, 403},
      {"192.0.2.7", "node.example", "sec-fetch-site", "cross-site", BEARER, 403},
      {"127.0.0.1", "evil.example", NULL, NULL, BEARER, 200},
  };
  static const char *const paths[] = {"/v1/env", "/v1/addpeer", "/v1/quit"};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    for (size_t p = 0; p < 3; p++) {
      fixture_reopen(f); /* with no wrong token counted */
      fixture_request(f, PM_HTTP_HEAD, paths[p], "");
      fixture_from(f, cases[i].client, cases[i].host);
      if (cases[i].credential == BEARER) fixture_header(f, "authorization", "Bearer correct horse");
      if (cases[i].credential == WRONG_BEARER) fixture_header(f, "authorization", "Bearer wrong");
      if (cases[i].header != NULL) fixture_header(f, cases[i].header, cases[i].value);
      fixture_send(f);
      assert_int_equal(f->response.status, cases[i].status);
      /* The same for what changes something; a GET or POST that may pass does change it. */
      int quits = f->quits;
      if (strcmp(paths[p], "/v1/quit") != 0) continue;
      f->request.method = PM_HTTP_POST;
      fixture_send(f);
      assert_int_equal(f->quits - quits, cases[i].status == 200 ? 1 : 0);
    }
  }
}

/* To be measured, to be watched over and to log in is for anyone all the same. */
static void reading_can_be_closed(void **state) {
  static const struct {
    const char *path;
    int open, closed;
  } cases[] = {
      {"/v1/ping", 200, 200},  {"/healthz", 200, 200},    {"/readyz", 200, 200},
      {"/v1/login", 200, 200}, {"/", 200, 401},           {"/v1", 200, 401},
      {"/v1/peers", 200, 401}, {"/v1/metrics", 200, 401}, {"/v1/sd", 200, 401},
      {"/v1/env", 401, 401},
  };
  struct fixture *f = *state;
  for (int closed = 0; closed < 2; closed++) {
    f->config.auth.read_closed = closed != 0;
    fixture_reopen(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      fixture_request(f, PM_HTTP_GET, cases[i].path, "");
      fixture_from(f, "192.0.2.7", "node.example");
      fixture_send(f);
      assert_int_equal(f->response.status, closed ? cases[i].closed : cases[i].open);
      fixture_from(f, "127.0.0.1", "localhost");
      fixture_send(f);
      assert_int_equal(f->response.status, 200);
    }
  }
}

static void programs_are_asked_for_a_bearer(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_GET, "/v1/env", "");
  fixture_from(f, "192.0.2.7", "node.example");
  refused(f, 401,
          "{\n"
          "  \"type\": \"about:blank\",\n"
          "  \"title\": \"Unauthorized\",\n"
          "  \"status\": 401,\n"
          "  \"detail\": \"this is for operators: the admin token is needed\"\n"
          "}\n");
  assert_string_equal(fixture_answered(f, "WWW-Authenticate"), "Bearer realm=\"pingmesh\"");
}

static void browsers_get_the_token_form(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_GET, "/v1/env", "a=b");
  fixture_from(f, "192.0.2.7", "node.example");
  fixture_browser(f);
  const char *page = fixture_send(f);
  assert_int_equal(f->response.status, 401);
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
  assert_string_equal(fixture_answered(f, "Content-Security-Policy"), PM_HTML_CSP);
  assert_non_null(strstr(page, "<form method=\"post\" action=\"/v1/login\">"));
  assert_non_null(strstr(page, "name=\"token\""));
  assert_non_null(strstr(page, "name=\"next\" value=\"/v1/env\""));
}

static void without_a_token_operators_are_local(void **state) {
  struct fixture *f = *state;
  f->config.auth.token[0] = '\0';
  fixture_reopen(f);
  fixture_request(f, PM_HTTP_GET, "/v1/env", "");
  fixture_from(f, "192.0.2.7", "node.example");
  fixture_header(f, "authorization", "Bearer ");
  const char *body = fixture_send(f);
  assert_int_equal(f->response.status, 403);
  assert_non_null(strstr(body, "PINGMESH_ADMIN_TOKEN"));
  fixture_from(f, "127.0.0.1", "localhost");
  fixture_send(f);
  assert_int_equal(f->response.status, 200);
}

static void guessing_is_answered_with_429(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 6; i++) {
    fixture_request(f, PM_HTTP_GET, "/v1/env", "");
    fixture_from(f, "192.0.2.7", "node.example");
    fixture_header(f, "authorization", "Bearer wrong");
    fixture_send(f);
    assert_int_equal(f->response.status, i < 5 ? 401 : 429);
  }
  assert_string_equal(fixture_answered(f, "Retry-After"), "60");
}

static void methods_read_as_allow_wants_them(void **state) {
  (void)state;
  char text[PM_ROUTE_METHODS_BYTES];
  pm_route_methods_text(PM_HTTP_GET, text);
  assert_string_equal(text, "GET, HEAD");
  pm_route_methods_text(PM_HTTP_POST, text);
  assert_string_equal(text, "POST");
  pm_route_methods_text(PM_HTTP_GET | PM_HTTP_POST, text);
  assert_string_equal(text, "GET, HEAD, POST");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(unknown_paths_are_not_found),
      FIXTURE_TEST(other_methods_are_told_what_is_allowed),
      FIXTURE_TEST(head_is_get),
      FIXTURE_TEST(operator_paths_are_guarded),
      FIXTURE_TEST(reading_can_be_closed),
      FIXTURE_TEST(programs_are_asked_for_a_bearer),
      FIXTURE_TEST(browsers_get_the_token_form),
      FIXTURE_TEST(without_a_token_operators_are_local),
      FIXTURE_TEST(guessing_is_answered_with_429),
      cmocka_unit_test(methods_read_as_allow_wants_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
