/* Logging in and out through the pages. */
#include "service_fixture.h"

/* A browser elsewhere, on a page of ours. */
static void remote_post(struct fixture *f, const char *path, const char *body) {
  fixture_request(f, PM_HTTP_POST, path, "");
  fixture_from(f, "192.0.2.7", "node.example:8080");
  fixture_browser(f);
  fixture_header(f, "origin", "http://node.example:8080");
  fixture_body(f, body);
}

static void a_login_leads_back_and_makes_an_operator(void **state) {
  struct fixture *f = *state;
  char cookie[PM_AUTH_COOKIE_BYTES];
  remote_post(f, "/v1/login", "token=correct+horse&next=/v1/addpeer");
  fixture_send(f);
  assert_int_equal(f->response.status, 303);
  assert_string_equal(fixture_answered(f, "Location"), "/v1/addpeer");
  snprintf(cookie, sizeof(cookie), "%s", fixture_answered(f, "Set-Cookie"));
  cookie[strcspn(cookie, ";")] = '\0';

  remote_post(f, "/v1/addpeer", "url=h.example");
  fixture_send(f);
  assert_int_equal(f->response.status, 401);
  remote_post(f, "/v1/addpeer", "url=h.example");
  fixture_header(f, "cookie", cookie);
  fixture_send(f);
  assert_int_equal(f->response.status, 201);
  assert_int_equal(f->adds, 1);

  /* A foreign page's form would carry the cookie in an old browser. */
  remote_post(f, "/v1/addpeer", "url=h.example");
  fixture_header(f, "cookie", cookie);
  fixture_header(f, "sec-fetch-site", "cross-site");
  fixture_send(f);
  assert_int_equal(f->response.status, 403);
  assert_int_equal(f->adds, 1);

  fixture_request(f, PM_HTTP_GET, "/v1/login", "");
  fixture_from(f, "192.0.2.7", "node.example:8080");
  fixture_header(f, "cookie", cookie);
  assert_non_null(strstr(fixture_send(f), "action=\"/v1/logout\""));
}

/* After a login nobody gets anywhere but to our own pages, and nothing happens there by itself. */
static void next_is_one_of_our_pages(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *next, *location;
  } cases[] = {
      {"/", "/"},
      {"/v1/env", "/v1/env"},
      {"/v1/quit", "/v1/quit"},
      {"", "/"},
      {"//evil.example", "/"},
      {"//evil.example/v1/env", "/"},
      {"/\\evil.example", "/"},
      {"\\\\evil.example", "/"},
      {"http://evil.example/", "/"},
      {"https:/v1/env", "/"},
      {"javascript:alert(1)", "/"},
      {"/v1/env@evil.example", "/"},
      {"/v1/env/../..//evil.example", "/"},
      {"/v1/env?x=y", "/"},
      {"/v1/env#x", "/"},
      {"/v1/addpeer?url=evil.example", "/"},
      {" /v1/env", "/"},
      {"/v1/env%0d%0aSet-Cookie:+a=b", "/"},
      {"%0a//evil.example", "/"},
      {"/v1/logout", "/"},
      {"/nowhere", "/"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char body[256];
    snprintf(body, sizeof(body), "token=correct+horse&next=%s", cases[i].next);
    remote_post(f, "/v1/login", body);
    fixture_send(f);
    assert_int_equal(f->response.status, 303);
    assert_string_equal(fixture_answered(f, "Location"), cases[i].location);
  }
  remote_post(f, "/v1/login", "token=correct+horse");
  fixture_send(f);
  assert_string_equal(fixture_answered(f, "Location"), "/");
}

static void the_page_after_a_login_waits_for_a_button(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_GET, "/v1/quit", "");
  fixture_browser(f);
  fixture_header(f, "referer", "http://127.0.0.1:8080/v1/quit");
  assert_non_null(strstr(fixture_send(f), "action=\"/v1/quit\""));
  assert_int_equal(f->quits, 0);
}

static void a_wrong_token_is_asked_for_again(void **state) {
  struct fixture *f = *state;
  remote_post(f, "/v1/login", "token=wrong&next=/v1/env");
  const char *page = fixture_send(f);
  assert_int_equal(f->response.status, 401);
  assert_string_equal(fixture_answered(f, "Set-Cookie"), "");
  assert_non_null(strstr(page, "that is not the admin token."));
  assert_non_null(strstr(page, "name=\"next\" value=\"/v1/env\""));
  assert_null(strstr(page, "wrong"));

  remote_post(f, "/v1/login", "token=&next=%22%3E%3Cb%3E");
  page = fixture_send(f);
  assert_int_equal(f->response.status, 401);
  assert_non_null(strstr(page, "name=\"next\" value=\"/\""));
}

static void the_sixth_wrong_token_waits(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 5; i++) {
    remote_post(f, "/v1/login", "token=wrong");
    fixture_send(f);
    assert_int_equal(f->response.status, 401);
  }
  remote_post(f, "/v1/login", "token=correct+horse");
  f->request.received.ns += (int64_t)PM_NS_PER_S * 20;
  fixture_send(f);
  assert_int_equal(f->response.status, 429);
  assert_string_equal(fixture_answered(f, "Retry-After"), "40");
  assert_string_equal(fixture_answered(f, "Set-Cookie"), "");
  f->request.received.ns += (int64_t)PM_NS_PER_S * 40;
  fixture_send(f);
  assert_int_equal(f->response.status, 303);
}

static void foreign_pages_neither_log_in_nor_out(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/v1/login", "/v1/logout"};
  for (size_t i = 0; i < 2; i++) {
    fixture_request(f, PM_HTTP_POST, paths[i], "");
    fixture_from(f, "192.0.2.7", "node.example:8080");
    fixture_header(f, "origin", "http://evil.example");
    fixture_body(f, "token=correct+horse");
    fixture_send(f);
    assert_int_equal(f->response.status, 403);
    assert_string_equal(fixture_answered(f, "Set-Cookie"), "");
  }
}

static void a_logout_takes_the_cookie_back(void **state) {
  struct fixture *f = *state;
  remote_post(f, "/v1/logout", "");
  fixture_send(f);
  assert_int_equal(f->response.status, 303);
  assert_string_equal(fixture_answered(f, "Location"), "/");
  assert_non_null(strstr(fixture_answered(f, "Set-Cookie"), "=; Path=/; Max-Age=0;"));
}

static void without_a_token_nobody_logs_in(void **state) {
  struct fixture *f = *state;
  f->config.auth.token[0] = '\0';
  fixture_reopen(f);
  remote_post(f, "/v1/login", "token=");
  fixture_send(f);
  assert_int_equal(f->response.status, 403);
  assert_string_equal(fixture_answered(f, "Set-Cookie"), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(a_login_leads_back_and_makes_an_operator),
      FIXTURE_TEST(next_is_one_of_our_pages),
      FIXTURE_TEST(the_page_after_a_login_waits_for_a_button),
      FIXTURE_TEST(a_wrong_token_is_asked_for_again),
      FIXTURE_TEST(the_sixth_wrong_token_waits),
      FIXTURE_TEST(foreign_pages_neither_log_in_nor_out),
      FIXTURE_TEST(a_logout_takes_the_cookie_back),
      FIXTURE_TEST(without_a_token_nobody_logs_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
