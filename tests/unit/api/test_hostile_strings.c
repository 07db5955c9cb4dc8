/* Whatever strangers can make us show, on every page: it stays text. */
#include "service_fixture.h"

#include "base/escape.h"
#include "base/json_read.h"

static const char *const strings[] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></style><script>alert(1)</script>",
    "<!--<script>",
    "&lt;script&gt;&#60;",
    "a\x01\x02\x1b[2J\x7f",
    "\xc2\x9b\x33\x31m\xc2\x85",
    "bad \xff\xfe\xc0\x80 utf-8 \xed\xa0\x80",
    "cut \xe2\x82",
    "line\nend\r\nSet-Cookie: a=b",
    "{\"SrvLoc\": \"x\"}\\",
    "\xe2\x80\xa8 \xe2\x80\xa9",
    "%s%n%n%d",
    "javascript:alert(1)",
};
enum { STRINGS = sizeof(strings) / sizeof(strings[0]) };

static void copy(char *to, size_t to_bytes, const char *from) {
  snprintf(to, to_bytes, "%s", from);
}

/* A peer all of whose strings are hostile, as if no parser stood before them. */
static void poison(struct pm_target *target, const char *hostile) {
  struct pm_endpoint *endpoint = &target->spec.endpoint;
  copy(endpoint->url, sizeof(endpoint->url), hostile);
  copy(endpoint->host, sizeof(endpoint->host), hostile);
  copy(endpoint->location, sizeof(endpoint->location), hostile);
  copy(target->location, sizeof(target->location), hostile);
  copy(target->spec.learned_from, sizeof(target->spec.learned_from), hostile);
  endpoint->path_at = (uint16_t)strlen(endpoint->url);
}

static void poison_all(struct fixture *f, const char *hostile) {
  struct pm_target *active = fixture_target(f, "http://h1");
  struct pm_target *given_up = fixture_target(f, "http://h2");
  struct pm_target *done = fixture_target(f, "http://h3");
  given_up->state = PM_TARGET_GIVEN_UP;
  poison(active, hostile);
  poison(given_up, hostile);
  poison(done, hostile);
  pm_roster_retire(f->roster, done->id, PM_TARGET_DONE);
}

static size_t count(const char *text, char c) {
  size_t found = 0;
  for (; *text != '\0'; text++) found += *text == c;
  return found;
}

/* Well-formed, and no control character but line ends and tabs; in pages no C1 and DEL, either
 * (JSON may hold those, and the original's does). */
static void assert_clean_utf8(const struct pm_buf *body, bool is_page) {
  size_t length;
  for (size_t at = 0; at < body->len; at += length) {
    uint32_t code;
    length = pm_utf8_next(body->data + at, body->len - at, &code);
    assert_int_not_equal(length, 0);
    if (code == '\t' || code == '\n' || code == '\r') continue;
    assert_true(code >= 0x20);
    assert_false(is_page && code >= 0x7f && code <= 0x9f);
  }
}

/* Each page has as many tags and quotes as it has with a harmless string in the same places: so
 * nothing of the hostile one became markup. */
struct page {
  enum pm_http_method method;
  const char *path, *query, *body;
};
static const struct page pages[] = {
    {PM_HTTP_GET, "/", "", ""},
    {PM_HTTP_GET, "/v1/ping", "", ""},
    {PM_HTTP_GET, "/v1/peers", "format=html", ""},
    {PM_HTTP_GET, "/v1/metrics", "format=html", ""},
    {PM_HTTP_GET, "/v1/env", "", ""},
    {PM_HTTP_POST, "/v1/quit", "", ""},
    {PM_HTTP_HEAD, "/v1/quit", "", ""},
};

struct shape {
  size_t opened, closed, quoted;
};

static struct shape shape_of(const char *html) {
  return (struct shape){count(html, '<'), count(html, '>'), count(html, '"') + count(html, '\'')};
}

static void open_with(struct fixture *f, const char *text, struct pm_setting *setting) {
  *setting = (struct pm_setting){text, text, text};
  f->config.location = text;
  f->config.host = text;
  f->config.settings = setting;
  f->config.settings_count = 1;
  fixture_reopen(f);
  poison_all(f, text);
}

static void shapes_with(const char *text, struct shape out[]) {
  struct pm_setting setting;
  struct fixture *f = fixture_new();
  open_with(f, text, &setting);
  for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
    fixture_request(f, pages[i].method, pages[i].path, pages[i].query);
    fixture_browser(f);
    out[i] = shape_of(fixture_send(f));
    assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
    assert_clean_utf8(&f->response.body, true);
  }
  fixture_free(f);
}

static void pages_keep_their_shape(void **state) {
  enum { PAGES = sizeof(pages) / sizeof(pages[0]) };
  struct shape harmless[PAGES];
  (void)state;
  shapes_with("harmless", harmless);
  for (size_t s = 0; s < STRINGS; s++) {
    struct shape shapes[PAGES];
    shapes_with(strings[s], shapes);
    for (size_t i = 0; i < PAGES; i++) {
      assert_int_equal(shapes[i].opened, harmless[i].opened);
      assert_int_equal(shapes[i].closed, harmless[i].closed);
      assert_int_equal(shapes[i].quoted, harmless[i].quoted);
    }
  }
}

/* What a client itself sends and gets back: paths, form fields. */
static void what_is_echoed_stays_text(void **state) {
  struct fixture *f = *state;
  for (size_t s = 0; s < STRINGS; s++) {
    struct pm_buf body;
    pm_buf_init(&body, 4096);
    static const char *const names[] = {"url", "ip", "limit", "delay", "fails", "insecure", "next"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
      pm_buf_printf(&body, "&%s=", names[i]);
      pm_escape_query(&body, strings[s], strlen(strings[s]));
    }
    static const char *const paths[] = {"/v1/addpeer", "/v1/login"};
    for (size_t p = 0; p < 2; p++) {
      fixture_request(f, PM_HTTP_POST, paths[p], "");
      fixture_browser(f);
      fixture_body(f, body.data);
      const char *page = fixture_send(f);
      assert_in_range(f->response.status, 201, 429);
      assert_null(strstr(page, "<script"));
      assert_null(strstr(page, "<img"));
      assert_null(strstr(page, "' onmouseover"));
      assert_clean_utf8(&f->response.body, true);
    }
    pm_buf_deinit(&body);

    fixture_request(f, PM_HTTP_GET, strings[s], "");
    fixture_browser(f);
    assert_null(strstr(fixture_send(f), "<script"));
    assert_int_equal(f->response.status, 404);
    assert_clean_utf8(&f->response.body, true);
  }
}

static void json_stays_json(void **state) {
  static const struct pm_json_limits limits = {1 << 20, 16, 4096, 65536};
  static const char *const paths[] = {"/v1/peers", "/v1/metrics", "/v1/env", "/", "/nowhere"};
  (void)state;
  for (size_t s = 0; s < STRINGS; s++) {
    struct pm_setting setting;
    struct fixture *f = fixture_new();
    open_with(f, strings[s], &setting);
    for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
      struct pm_json_doc *doc;
      struct pm_why why;
      fixture_request(f, PM_HTTP_GET, paths[p], "");
      fixture_header(f, "accept", "application/json");
      const char *body = fixture_send(f);
      assert_int_equal(pm_json_parse(body, strlen(body), &limits, &doc, &why), PM_OK);
      pm_json_free(doc);
      assert_null(strchr(body, '<'));
      assert_clean_utf8(&f->response.body, false);
    }
    fixture_free(f);
  }
}

static void no_header_is_split(void **state) {
  struct fixture *f = *state;
  static const char *const nexts[] = {"%0d%0aSet-Cookie:a=b", "/v1/env%0d%0aX:y", "/%0a", "/%09"};
  for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
    char body[128];
    snprintf(body, sizeof(body), "token=correct+horse&next=%s", nexts[i]);
    fixture_request(f, PM_HTTP_POST, "/v1/login", "");
    fixture_body(f, body);
    fixture_send(f);
    for (size_t h = 0; h < f->response.headers_count; h++) {
      assert_null(strpbrk(f->response.headers[h].value, "\r\n\t"));
    }
    assert_string_equal(fixture_answered(f, "Location"), "/");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_keep_their_shape),
      FIXTURE_TEST(what_is_echoed_stays_text),
      cmocka_unit_test(json_stays_json),
      FIXTURE_TEST(no_header_is_split),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
