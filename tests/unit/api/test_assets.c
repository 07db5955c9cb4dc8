/* The dashboard's files: who gets them, in which form, and how long a browser may keep them. */
#include "service_fixture.h"

#include "api/assets.h"

static const unsigned char PAGE[] = "<!DOCTYPE html><title>dashboard</title>";
static const unsigned char PAGE_GZIP[] = "\x1f\x8b not really";
static const unsigned char SCRIPT[] = "export {};";

static const struct pm_asset ASSETS[] = {
    {.path = "/",
     .type = "text/html; charset=utf-8",
     .tag = "0011223344556677",
     .identity = {PAGE, sizeof(PAGE) - 1},
     .gzip = {PAGE_GZIP, sizeof(PAGE_GZIP) - 1}},
    {.path = "/assets/app-3F9K2QXA.js",
     .type = "text/javascript; charset=utf-8",
     .tag = "8899aabbccddeeff",
     .identity = {SCRIPT, sizeof(SCRIPT) - 1},
     .immutable = true},
};

static int setup(void **state) {
  struct fixture *f = fixture_new();
  f->config.assets = (struct pm_assets){ASSETS, 2};
  fixture_reopen(f);
  *state = f;
  return 0;
}

static void send_as_browser(struct fixture *f, const char *path, const char *query) {
  fixture_request(f, PM_HTTP_GET, path, query);
  fixture_from(f, "192.0.2.9", "node.example");
  fixture_browser(f);
}

static void assert_lent(const struct fixture *f, const unsigned char *bytes, size_t count) {
  assert_ptr_equal(f->response.lent, bytes);
  assert_int_equal(f->response.lent_bytes, count);
  assert_int_equal(f->response.body.len, 0);
}

static void a_browser_gets_the_dashboard(void **state) {
  struct fixture *f = *state;
  send_as_browser(f, "/", "");
  fixture_send(f);
  assert_int_equal(f->response.status, 200);
  assert_string_equal(f->response.content_type, "text/html; charset=utf-8");
  assert_lent(f, PAGE, sizeof(PAGE) - 1);
  assert_string_equal(fixture_answered(f, "ETag"), "\"0011223344556677\"");
  assert_string_equal(fixture_answered(f, "Cache-Control"), "no-cache");
  assert_string_equal(fixture_answered(f, "Vary"), "Accept, Accept-Encoding");
  assert_string_equal(fixture_answered(f, "Content-Encoding"), "");
  assert_string_equal(fixture_answered(f, "Content-Security-Policy"), PM_ASSETS_CSP);
  assert_string_equal(fixture_answered(f, "Referrer-Policy"), "same-origin");
  assert_null(strstr(PM_ASSETS_CSP, "unsafe"));
}

/* Its pages without script stay one link away, and are all that a program sees. */
static void the_plain_page_stays(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *path, *query;
    bool browser;
  } rows[] = {{"/", "plain", true}, {"/v1", "", true}, {"/", "", false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    fixture_request(f, PM_HTTP_GET, rows[i].path, rows[i].query);
    if (rows[i].browser) fixture_browser(f);
    const char *page = fixture_send(f);
    assert_null(f->response.lent);
    assert_non_null(strstr(page, "<a href=\"/v1/ping\">"));
  }
}

static void without_one_all_get_the_plain_page(void **state) {
  struct fixture *f = *state;
  f->config.assets = (struct pm_assets){0};
  fixture_reopen(f);
  send_as_browser(f, "/", "");
  const char *page = fixture_send(f);
  assert_null(f->response.lent);
  assert_non_null(strstr(page, "<a href=\"/v1/ping\">"));
}

static void compressed_for_who_takes_it(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *accepts;
    bool gzip;
  } rows[] = {{"gzip, deflate, br", true},
              {"br;q=1.0, gzip;q=0.5", true},
              {"GZIP", true},
              {"x-gzip", true},
              {"*", true},
              {"gzip;q=0", false},
              {"*;q=0", false},
              {"*, gzip;q=0", false},
              {"gzip;q=0, *", false},
              {"br", false},
              {"", false},
              {"gzipped", false},
              {",,;q=,gzip", true}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    send_as_browser(f, "/", "");
    fixture_header(f, "accept-encoding", rows[i].accepts);
    fixture_send(f);
    assert_string_equal(fixture_answered(f, "Content-Encoding"), rows[i].gzip ? "gzip" : "");
    if (rows[i].gzip)
      assert_lent(f, PAGE_GZIP, sizeof(PAGE_GZIP) - 1);
    else
      assert_lent(f, PAGE, sizeof(PAGE) - 1);
    assert_string_equal(fixture_answered(f, "ETag"),
                        rows[i].gzip ? "\"0011223344556677-gz\"" : "\"0011223344556677\"");
  }
}

/* Never compressed, if that would not be shorter. */
static void a_hashed_name_is_kept_for_good(void **state) {
  struct fixture *f = *state;
  send_as_browser(f, "/assets/app-3F9K2QXA.js", "");
  fixture_header(f, "accept-encoding", "gzip");
  fixture_send(f);
  assert_string_equal(f->response.content_type, "text/javascript; charset=utf-8");
  assert_lent(f, SCRIPT, sizeof(SCRIPT) - 1);
  assert_string_equal(fixture_answered(f, "Cache-Control"), "public, max-age=31536000, immutable");
  assert_string_equal(fixture_answered(f, "Content-Encoding"), "");
  assert_string_equal(fixture_answered(f, "Vary"), "Accept-Encoding");
}

static void who_has_it_is_told_so(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *known, *accepts;
    int status;
  } rows[] = {{"\"0011223344556677\"", "", 304},
              {"W/\"0011223344556677\"", "", 304},
              {"\"x\", \"0011223344556677\"", "", 304},
              {"*", "", 304},
              {"\"0011223344556677-gz\"", "gzip", 304},
              {"\"0011223344556677-gz\"", "", 200}, /* another form of it */
              {"\"0011223344556677\"", "gzip", 200},
              {"\"8899aabbccddeeff\"", "", 200},
              {"0011223344556677", "", 200},
              {"", "", 200}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    send_as_browser(f, "/", "");
    fixture_header(f, "if-none-match", rows[i].known);
    fixture_header(f, "accept-encoding", rows[i].accepts);
    fixture_send(f);
    assert_int_equal(f->response.status, rows[i].status);
    assert_string_not_equal(fixture_answered(f, "ETag"), "");
    if (rows[i].status == 304) assert_string_equal(fixture_answered(f, "Content-Encoding"), "");
  }
}

static void other_files_there_are_none(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/assets/", "/assets/app-3F9K2QXA.js/", "/assets/app.js",
                                      "/assets/..%2f", "/assets"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    send_as_browser(f, paths[i], "");
    fixture_send(f);
    assert_int_equal(f->response.status, 404);
    assert_null(f->response.lent);
  }
}

static void files_are_not_posted_to(void **state) {
  struct fixture *f = *state;
  fixture_request(f, PM_HTTP_POST, "/assets/app-3F9K2QXA.js", "");
  fixture_send(f);
  assert_int_equal(f->response.status, 405);
  assert_string_equal(fixture_answered(f, "Allow"), "GET, HEAD");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_browser_gets_the_dashboard),       TEST(the_plain_page_stays),
      TEST(without_one_all_get_the_plain_page), TEST(compressed_for_who_takes_it),
      TEST(a_hashed_name_is_kept_for_good),     TEST(who_has_it_is_told_so),
      TEST(other_files_there_are_none),         TEST(files_are_not_posted_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
