/* Who is an operator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "api/auth.h"

#define TOKEN "correct horse"
static const struct pm_wall now = {(int64_t)1795343569 * PM_NS_PER_S};

static struct pm_auth auth_with(const char *token) {
  struct pm_auth auth = {.secret = "0123456789abcdef0123456789abcde"};
  snprintf(auth.token, sizeof(auth.token), "%s", token);
  return auth;
}

static struct pm_http_request request_from(const char *client, const char *host) {
  struct pm_http_request request = {
      .method = PM_HTTP_GET, .path = "/v1/env", .query = "", .host = host, .body = ""};
  assert_int_equal(pm_ip_parse(client, &request.client), PM_OK);
  request.received.ns = (int64_t)1000 * PM_NS_PER_S;
  return request;
}

static void with(struct pm_http_request *request, const char *name, const char *value) {
  request->headers[request->headers_count++] = (struct pm_http_header){name, value};
}

static void a_direct_loopback_client_is_an_operator(void **state) {
  static const struct {
    const char *client, *host;
    enum pm_auth_verdict verdict;
  } cases[] = {
      {"127.0.0.1", "localhost", PM_AUTH_OK},
      {"127.0.0.1", "LocalHost:8080", PM_AUTH_OK},
      {"127.0.0.1", "127.0.0.1", PM_AUTH_OK},
      {"127.0.0.1", "127.0.0.1:8080", PM_AUTH_OK},
      {"127.8.9.1", "127.0.0.5:80", PM_AUTH_OK},
      {"::1", "[::1]", PM_AUTH_OK},
      {"::1", "[::1]:8080", PM_AUTH_OK},
      {"::ffff:127.0.0.1", "[::ffff:127.0.0.1]:8080", PM_AUTH_OK},
      /* Another host: a name that a stranger's DNS points here, or a proxy's. */
      {"127.0.0.1", "evil.example", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "evil.example:8080", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "localhost.evil.example", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "127.0.0.1.evil.example", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "localhost@evil.example", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "evil.example#localhost", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "localhost:", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "localhost:80x", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "localhost:123456", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "[::1", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "[::1]x", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "[localhost]", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "::1", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "127.1", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "2130706433", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "0.0.0.0", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "128.0.0.1", PM_AUTH_LOCAL_ONLY},
      {"127.0.0.1", "", PM_AUTH_LOCAL_ONLY},
      /* Another source, whatever it writes into Host. */
      {"10.0.0.7", "localhost", PM_AUTH_LOCAL_ONLY},
      {"192.0.2.7", "127.0.0.1:8080", PM_AUTH_LOCAL_ONLY},
      {"2001:db8::1", "[::1]", PM_AUTH_LOCAL_ONLY},
      {"64:ff9b::7f00:1", "localhost", PM_AUTH_LOCAL_ONLY}, /* only carries 127.0.0.1 */
      {"2002:7f00:1::", "localhost", PM_AUTH_LOCAL_ONLY},
      {"0.0.0.0", "localhost", PM_AUTH_LOCAL_ONLY},
  };
  (void)state;
  struct pm_auth auth = auth_with("");
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const struct pm_http_request request = request_from(cases[i].client, cases[i].host);
    assert_int_equal(pm_auth_operator(&auth, &request, now), cases[i].verdict);
  }
}

static void a_proxy_on_this_machine_is_none(void **state) {
  static const char *const names[] = {"forwarded",
                                      "x-forwarded-for",
                                      "x-forwarded-host",
                                      "x-forwarded-foo",
                                      "x-forwarded-proto",
                                      "x-real-ip",
                                      "via"};
  (void)state;
  struct pm_auth auth = auth_with("");
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    struct pm_http_request request = request_from("127.0.0.1", "localhost");
    with(&request, "accept", "*/*");
    assert_int_equal(pm_auth_operator(&auth, &request, now), PM_AUTH_OK);
    with(&request, names[i], "");
    assert_int_equal(pm_auth_operator(&auth, &request, now), PM_AUTH_LOCAL_ONLY);
  }
  struct pm_http_request request = request_from("127.0.0.1", "127.0.0.1:8080");
  request.http_1_0 = true;
  assert_int_equal(pm_auth_operator(&auth, &request, now), PM_AUTH_LOCAL_ONLY);
  request = request_from("127.0.0.1", "127.0.0.1:8080");
  with(&request, "host", "127.0.0.1:8080");
  with(&request, "host", "evil.example");
  assert_int_equal(pm_auth_operator(&auth, &request, now), PM_AUTH_LOCAL_ONLY);
}

static void token_only_asks_everybody(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  auth.token_only = true;
  struct pm_http_request request = request_from("127.0.0.1", "localhost");
  assert_int_equal(pm_auth_operator(&auth, &request, now), PM_AUTH_TOKEN_NEEDED);
  with(&request, "authorization", "Bearer " TOKEN);
  assert_int_equal(pm_auth_operator(&auth, &request, now), PM_AUTH_OK);
}

static void the_bearer_of_the_token_is_an_operator(void **state) {
  static const struct {
    const char *authorization;
    enum pm_auth_verdict verdict;
  } cases[] = {
      {"Bearer " TOKEN, PM_AUTH_OK},
      {"bearer   " TOKEN, PM_AUTH_OK},
      {"Bearer " TOKEN "x", PM_AUTH_TOKEN_WRONG},
      {"Bearer correct hors", PM_AUTH_TOKEN_WRONG},
      {"Bearer Correct horse", PM_AUTH_TOKEN_WRONG},
      {"Bearer ", PM_AUTH_TOKEN_WRONG},
      {"Basic Y29ycmVjdCBob3JzZQ==", PM_AUTH_TOKEN_NEEDED},
      {"Bearer", PM_AUTH_TOKEN_NEEDED},
      {"", PM_AUTH_TOKEN_NEEDED},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_auth auth = auth_with(TOKEN);
    struct pm_http_request request = request_from("192.0.2.7", "node.example");
    with(&request, "authorization", cases[i].authorization);
    assert_int_equal(pm_auth_operator(&auth, &request, now), cases[i].verdict);
  }
}

static void no_token_is_no_empty_token(void **state) {
  (void)state;
  struct pm_auth auth = auth_with("");
  struct pm_http_request request = request_from("192.0.2.7", "node.example");
  char cookie[PM_AUTH_COOKIE_BYTES];
  with(&request, "authorization", "Bearer ");
  assert_int_equal(pm_auth_operator(&auth, &request, now), PM_AUTH_LOCAL_ONLY);
  assert_int_equal(pm_auth_login(&auth, &request, "", now, cookie), PM_ERR_MISSING);
}

/* Which page made the request, by what the browser tells; NULL: it does not. */
static const struct origin_case {
  const char *site, *origin, *referer;
  enum pm_auth_origin from;
} origins[] = {
    {NULL, NULL, NULL, PM_AUTH_ORIGIN_UNTOLD},
    {"none", NULL, NULL, PM_AUTH_ORIGIN_TYPED},
    {"same-origin", NULL, NULL, PM_AUTH_ORIGIN_OWN},
    {"same-origin", "http://node.example:8080", NULL, PM_AUTH_ORIGIN_OWN},
    {"same-site", NULL, NULL, PM_AUTH_ORIGIN_FOREIGN},
    {"cross-site", NULL, NULL, PM_AUTH_ORIGIN_FOREIGN},
    {"cross-site", "http://node.example:8080", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {"", NULL, NULL, PM_AUTH_ORIGIN_FOREIGN},
    {"None", NULL, NULL, PM_AUTH_ORIGIN_FOREIGN},
    {"same-origin", "http://evil.example", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {"none", "http://evil.example", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "http://node.example:8080", NULL, PM_AUTH_ORIGIN_OWN},
    {NULL, "https://NODE.example:8080", NULL, PM_AUTH_ORIGIN_OWN},
    {NULL, "http://node.example:8081", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "http://node.example", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "http://evil.example", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "http://node.example:8080.evil.example", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "http://node.example:8080@evil.example", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "null", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "node.example:8080", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, "file://node.example:8080", NULL, PM_AUTH_ORIGIN_FOREIGN},
    {NULL, NULL, "http://node.example:8080/v1/addpeer", PM_AUTH_ORIGIN_OWN},
    {NULL, NULL, "http://node.example:8080?x", PM_AUTH_ORIGIN_OWN},
    {NULL, NULL, "http://evil.example/http://node.example:8080/", PM_AUTH_ORIGIN_FOREIGN},
    {NULL, NULL, "", PM_AUTH_ORIGIN_FOREIGN},
    /* A Referer counts only where there is nothing better. */
    {"same-origin", NULL, "http://evil.example/", PM_AUTH_ORIGIN_OWN},
    {NULL, "http://node.example:8080", "http://evil.example/", PM_AUTH_ORIGIN_OWN},
    {NULL, "http://evil.example", "http://node.example:8080/", PM_AUTH_ORIGIN_FOREIGN},
};

static struct pm_http_request request_of(const struct origin_case *c) {
  struct pm_http_request request = request_from("192.0.2.7", "node.example:8080");
  if (c->site != NULL) with(&request, "sec-fetch-site", c->site);
  if (c->origin != NULL) with(&request, "origin", c->origin);
  if (c->referer != NULL) with(&request, "referer", c->referer);
  return request;
}

static void browsers_tell_where_a_request_began(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
    const struct pm_http_request request = request_of(&origins[i]);
    assert_int_equal(pm_auth_origin(&request), origins[i].from);
  }
}

/* Not even with the right token: a browser may add it by itself. */
static void foreign_pages_are_never_operators(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
    struct pm_auth auth = auth_with(TOKEN);
    struct pm_http_request request = request_of(&origins[i]);
    with(&request, "authorization", "Bearer " TOKEN);
    enum pm_auth_verdict expected =
        origins[i].from == PM_AUTH_ORIGIN_FOREIGN ? PM_AUTH_CROSS_SITE : PM_AUTH_OK;
    for (enum pm_http_method method = PM_HTTP_GET; method <= PM_HTTP_POST; method <<= 1) {
      request.method = method;
      assert_int_equal(pm_auth_operator(&auth, &request, now), expected);
    }
  }
}

static void a_default_port_may_be_left_out(void **state) {
  static const struct {
    const char *host, *origin;
    enum pm_auth_origin from;
  } cases[] = {
      {"node.example", "http://node.example", PM_AUTH_ORIGIN_OWN},
      {"node.example:80", "http://node.example", PM_AUTH_ORIGIN_OWN},
      {"node.example", "https://node.example:443", PM_AUTH_ORIGIN_OWN},
      {"node.example:443", "http://node.example", PM_AUTH_ORIGIN_FOREIGN},
      {"[::1]:80", "http://[::1]", PM_AUTH_ORIGIN_OWN},
      {"", "http://", PM_AUTH_ORIGIN_FOREIGN},
      {":80", "http://:80", PM_AUTH_ORIGIN_OWN},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_http_request request = request_from("192.0.2.7", cases[i].host);
    with(&request, "origin", cases[i].origin);
    assert_int_equal(pm_auth_origin(&request), cases[i].from);
  }
}

static void two_of_a_kind_are_foreign(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"origin", "http://node.example"},
                                         {"sec-fetch-site", "same-origin"}};
  for (size_t i = 0; i < 2; i++) {
    struct pm_http_request request = request_from("127.0.0.1", "node.example");
    with(&request, pairs[i][0], pairs[i][1]);
    assert_int_equal(pm_auth_origin(&request), PM_AUTH_ORIGIN_OWN);
    with(&request, pairs[i][0], pairs[i][1]);
    assert_int_equal(pm_auth_origin(&request), PM_AUTH_ORIGIN_FOREIGN);
  }
}

static void a_get_acts_if_typed_or_from_a_program(void **state) {
  static const struct {
    const char *name, *value;
    const char *agent;
    bool acts;
  } cases[] = {
      {"accept", "*/*", NULL, true},
      {"accept", "*/*", "curl/7.88.1", true},
      {"accept", "*/*", "Mozilla/5.0 (iPhone)", false},
      {"sec-fetch-site", "none", "Mozilla/5.0", true},
      {"sec-fetch-site", "same-origin", "Mozilla/5.0", false},
      {"sec-fetch-site", "cross-site", "Mozilla/5.0", false},
      {"referer", "http://localhost/v1/login", "Mozilla/5.0", false},
      {"referer", "http://localhost/v1/login", "curl/7.88.1", false},
      {"origin", "http://localhost", "curl/7.88.1", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_http_request request = request_from("127.0.0.1", "localhost");
    with(&request, cases[i].name, cases[i].value);
    if (cases[i].agent != NULL) with(&request, "user-agent", cases[i].agent);
    assert_int_equal(pm_auth_get_may_act(&request), cases[i].acts);
  }
}

/* ---- cookies ---- */

/* Logs in and cuts "name=value" out of the Set-Cookie value. */
static void cookie_of(struct pm_auth *auth, char out[PM_AUTH_COOKIE_BYTES]) {
  const struct pm_http_request request = request_from("192.0.2.7", "node.example");
  assert_int_equal(pm_auth_login(auth, &request, TOKEN, now, out), PM_OK);
  out[strcspn(out, ";")] = '\0';
}

static enum pm_auth_verdict verdict_with_cookie(struct pm_auth *auth, const char *cookie,
                                                struct pm_wall at) {
  struct pm_http_request request = request_from("192.0.2.7", "node.example");
  with(&request, "cookie", cookie);
  return pm_auth_operator(auth, &request, at);
}

static void a_login_gives_a_cookie(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  char among_others[PM_AUTH_COOKIE_BYTES + 32];
  struct pm_http_request request = request_from("192.0.2.7", "node.example");
  assert_int_equal(pm_auth_login(&auth, &request, TOKEN, now, cookie), PM_OK);
  assert_non_null(strstr(cookie, "; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"));
  assert_null(strstr(cookie, "Secure"));
  assert_null(strstr(cookie, TOKEN));
  request.tls = true;
  assert_int_equal(pm_auth_login(&auth, &request, TOKEN, now, cookie), PM_OK);
  assert_non_null(strstr(cookie, "; SameSite=Strict; Secure"));

  cookie_of(&auth, cookie);
  assert_int_equal(verdict_with_cookie(&auth, cookie, now), PM_AUTH_OK);
  snprintf(among_others, sizeof(among_others), "a=b; %s;c=d", cookie);
  assert_int_equal(verdict_with_cookie(&auth, among_others, now), PM_AUTH_OK);
}

static void a_cookie_expires(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  cookie_of(&auth, cookie);
  struct pm_wall last = {now.ns + (PM_AUTH_COOKIE_S - 1) * (int64_t)PM_NS_PER_S};
  struct pm_wall past = {now.ns + PM_AUTH_COOKIE_S * (int64_t)PM_NS_PER_S};
  assert_int_equal(verdict_with_cookie(&auth, cookie, last), PM_AUTH_OK);
  assert_int_equal(verdict_with_cookie(&auth, cookie, past), PM_AUTH_TOKEN_NEEDED);
}

static void a_changed_cookie_is_none(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  cookie_of(&auth, cookie);
  size_t bytes = strlen(cookie);
  for (size_t i = 0; i < bytes; i++) {
    char changed[PM_AUTH_COOKIE_BYTES];
    memcpy(changed, cookie, bytes + 1);
    changed[i] = changed[i] == '7' ? '8' : '7';
    assert_int_equal(verdict_with_cookie(&auth, changed, now), PM_AUTH_TOKEN_NEEDED);
  }
  for (size_t i = 0; i < bytes; i++) {
    char cut[PM_AUTH_COOKIE_BYTES];
    memcpy(cut, cookie, bytes + 1);
    cut[i] = '\0';
    assert_int_equal(verdict_with_cookie(&auth, cut, now), PM_AUTH_TOKEN_NEEDED);
  }
  char longer[PM_AUTH_COOKIE_BYTES + 1];
  snprintf(longer, sizeof(longer), "%s0", cookie);
  assert_int_equal(verdict_with_cookie(&auth, longer, now), PM_AUTH_TOKEN_NEEDED);
}

/* A later expiry, more digits than a number holds, no signature. */
static void a_forged_cookie_is_none(void **state) {
  static const char *const values[] = {
      "",
      ".",
      "1.",
      "9999999999.",
      "99999999999999999999.00",
      "9999999999",
      "-1.00",
      "x.y",
      "9999999999.0000000000000000000000000000000000000000000000000000000000000000"};
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  cookie_of(&auth, cookie);
  cookie[strcspn(cookie, "=")] = '\0';
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    char forged[2 * PM_AUTH_COOKIE_BYTES];
    snprintf(forged, sizeof(forged), "%s=%s", cookie, values[i]);
    assert_int_equal(verdict_with_cookie(&auth, forged, now), PM_AUTH_TOKEN_NEEDED);
  }
}

static void a_cookie_is_of_its_token_and_process(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  cookie_of(&auth, cookie);
  struct pm_auth other_token = auth_with("battery staple");
  assert_int_equal(verdict_with_cookie(&other_token, cookie, now), PM_AUTH_TOKEN_NEEDED);
  struct pm_auth other_process = auth_with(TOKEN);
  other_process.secret[0] ^= 1;
  assert_int_equal(verdict_with_cookie(&other_process, cookie, now), PM_AUTH_TOKEN_NEEDED);
}

static void a_logout_makes_the_browser_forget(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  char forgotten[PM_AUTH_COOKIE_BYTES];
  cookie_of(&auth, cookie);
  assert_int_equal(pm_auth_logout(&auth, false, forgotten), PM_OK);
  size_t name_bytes = strcspn(cookie, "=");
  assert_memory_equal(cookie, forgotten, name_bytes);
  assert_string_equal(forgotten + name_bytes, "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
}

/* ---- guessing ---- */

static enum pm_auth_verdict guess(struct pm_auth *auth, const char *authorization, int64_t at_s) {
  struct pm_http_request request = request_from("192.0.2.7", "node.example");
  request.received.ns = at_s * PM_NS_PER_S;
  with(&request, "authorization", authorization);
  return pm_auth_operator(auth, &request, now);
}

static void five_wrong_tokens_a_minute(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  const struct pm_http_request form = request_from("192.0.2.7", "node.example");
  /* At 1000, 1001, 1002, 1003 by header and at 1000 by form. */
  assert_int_equal(pm_auth_login(&auth, &form, "wrong", now, cookie), PM_ERR_DENIED);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(guess(&auth, "Bearer wrong", 1000 + i), PM_AUTH_TOKEN_WRONG);
  }
  assert_int_equal(guess(&auth, "Bearer wrong", 1003), PM_AUTH_TOO_MANY);
  assert_int_equal(guess(&auth, "Bearer " TOKEN, 1003), PM_AUTH_TOO_MANY);
  assert_int_equal(pm_auth_login(&auth, &form, TOKEN, now, cookie), PM_ERR_FULL);
  assert_int_equal(pm_auth_retry_after_s(&auth, (struct pm_time){1003ll * PM_NS_PER_S}), 57);

  /* The first two are a minute old; then it is full again until 1061. */
  assert_int_equal(guess(&auth, "Bearer wrong", 1059), PM_AUTH_TOO_MANY);
  assert_int_equal(guess(&auth, "Bearer " TOKEN, 1060), PM_AUTH_OK);
  assert_int_equal(guess(&auth, "Bearer wrong", 1060), PM_AUTH_TOKEN_WRONG);
  assert_int_equal(guess(&auth, "Bearer wrong", 1060), PM_AUTH_TOKEN_WRONG);
  assert_int_equal(guess(&auth, "Bearer wrong", 1060), PM_AUTH_TOO_MANY);
  assert_int_equal(pm_auth_retry_after_s(&auth, (struct pm_time){1060ll * PM_NS_PER_S}), 1);
  assert_int_equal(guess(&auth, "Bearer wrong", 1061), PM_AUTH_TOKEN_WRONG);
}

static void guessing_stops_neither_cookies_nor_loopback(void **state) {
  (void)state;
  struct pm_auth auth = auth_with(TOKEN);
  char cookie[PM_AUTH_COOKIE_BYTES];
  cookie_of(&auth, cookie);
  for (int i = 0; i < 9; i++) (void)guess(&auth, "Bearer wrong", 1000);
  assert_int_equal(guess(&auth, "Bearer " TOKEN, 1000), PM_AUTH_TOO_MANY);
  assert_int_equal(verdict_with_cookie(&auth, cookie, now), PM_AUTH_OK);
  const struct pm_http_request local = request_from("127.0.0.1", "localhost");
  assert_int_equal(pm_auth_operator(&auth, &local, now), PM_AUTH_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_direct_loopback_client_is_an_operator),
      cmocka_unit_test(a_proxy_on_this_machine_is_none),
      cmocka_unit_test(token_only_asks_everybody),
      cmocka_unit_test(the_bearer_of_the_token_is_an_operator),
      cmocka_unit_test(no_token_is_no_empty_token),
      cmocka_unit_test(browsers_tell_where_a_request_began),
      cmocka_unit_test(foreign_pages_are_never_operators),
      cmocka_unit_test(a_default_port_may_be_left_out),
      cmocka_unit_test(two_of_a_kind_are_foreign),
      cmocka_unit_test(a_get_acts_if_typed_or_from_a_program),
      cmocka_unit_test(a_login_gives_a_cookie),
      cmocka_unit_test(a_cookie_expires),
      cmocka_unit_test(a_changed_cookie_is_none),
      cmocka_unit_test(a_forged_cookie_is_none),
      cmocka_unit_test(a_cookie_is_of_its_token_and_process),
      cmocka_unit_test(a_logout_makes_the_browser_forget),
      cmocka_unit_test(five_wrong_tokens_a_minute),
      cmocka_unit_test(guessing_stops_neither_cookies_nor_loopback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
