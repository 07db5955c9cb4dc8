/* The page frame and its pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "api/html.h"

static int open_buf(void **state) {
  static struct pm_buf buf;
  pm_buf_init(&buf, 65536);
  *state = &buf;
  return 0;
}

static int close_buf(void **state) {
  pm_buf_deinit(*state);
  return 0;
}

/* A browser that computes another hash shows the page without its style. */
static void the_policy_names_the_style(void **state) {
  struct pm_buf *out = *state;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  unsigned char base64[64];
  pm_html_begin(out, "x");
  const char *style = strstr(out->data, "<style>") + strlen("<style>");
  const char *end = strstr(style, "</style>");
  SHA256((const unsigned char *)style, (size_t)(end - style), digest);
  EVP_EncodeBlock(base64, digest, sizeof(digest));
  assert_string_equal(PM_HTML_STYLE_SHA256, (const char *)base64);
  assert_string_equal(PM_HTML_CSP, "default-src 'none'; style-src 'sha256-" PM_HTML_STYLE_SHA256
                                   "'; form-action 'self'; base-uri 'none'; "
                                   "frame-ancestors 'none'");
}

static void a_page_loads_nothing(void **state) {
  static const char *const loads[] = {"<script", "<link",  "src=",   "@import", "url(",
                                      "http:",   "https:", "style=", " on"};
  struct pm_buf *out = *state;
  pm_html_begin(out, "x");
  pm_html_form_begin(out, "/v1/login");
  pm_html_form_end(out, "Go");
  pm_html_end(out);
  for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
    assert_null(strstr(out->data, loads[i]));
  }
}

static void pieces_escape(void **state) {
  static const char hostile[] = "<b a=\"x\" c='y'>&\x01\xff";
  static const char escaped[] =
      "&lt;b a=&#34;x&#34; c=&#39;y&#39;&gt;&amp;\xef\xbf\xbd\xef\xbf\xbd";
  struct pm_buf *out = *state;
  char expected[512];
  pm_html_text(out, "%s", hostile);
  assert_string_equal(out->data, escaped);

  pm_buf_reset(out);
  pm_html_element(out, "td class=\"number\"", "%s%d", hostile, 7);
  snprintf(expected, sizeof(expected), "<td class=\"number\">%s7</td>", escaped);
  assert_string_equal(out->data, expected);

  pm_buf_reset(out);
  pm_html_row(out, "Name", "%s", hostile);
  snprintf(expected, sizeof(expected),
           "<tr><th scope=\"row\">Name</th><td class=\"long\">%s</td></tr>\n", escaped);
  assert_string_equal(out->data, expected);

  pm_buf_reset(out);
  pm_html_alert(out, hostile);
  snprintf(expected, sizeof(expected), "<p class=\"bad\" role=\"alert\">%s.</p>\n", escaped);
  assert_string_equal(out->data, expected);

  pm_buf_reset(out);
  pm_html_begin(out, hostile);
  snprintf(expected, sizeof(expected), "<title>%s - pingmesh</title>", escaped);
  assert_non_null(strstr(out->data, expected));
  assert_null(strstr(out->data, hostile));
}

static void fields_keep_and_escape_their_value(void **state) {
  struct pm_buf *out = *state;
  pm_html_field(out, &(struct pm_html_field){.name = "url",
                                             .label = "URL",
                                             .hint = "a host",
                                             .type = "text",
                                             .value = "\"><script>",
                                             .attributes = "required"});
  assert_string_equal(out->data,
                      "<label for=\"url\">URL</label>\n"
                      "<input type=\"text\" id=\"url\" name=\"url\" "
                      "value=\"&#34;&gt;&lt;script&gt;\" aria-describedby=\"url-hint\" required>\n"
                      "<small id=\"url-hint\">a host</small>\n");
}

static void a_checkbox_is_on_or_off(void **state) {
  struct pm_buf *out = *state;
  struct pm_html_field field = {
      .name = "insecure", .label = "Insecure", .type = "checkbox", .value = ""};
  pm_html_field(out, &field);
  assert_string_equal(out->data,
                      "<label for=\"insecure\">Insecure</label>\n<input type=\"checkbox\" "
                      "id=\"insecure\" name=\"insecure\" value=\"true\">\n");
  pm_buf_reset(out);
  field.value = "true";
  pm_html_field(out, &field);
  assert_non_null(strstr(out->data, " value=\"true\" checked>"));
}

static void a_hidden_field_has_no_label(void **state) {
  struct pm_buf *out = *state;
  pm_html_field(out, &(struct pm_html_field){.name = "next", .type = "hidden", .value = "/\""});
  assert_string_equal(out->data,
                      "<input type=\"hidden\" id=\"next\" name=\"next\" value=\"/&#34;\">\n");
}

#define HTML_TEST(test) cmocka_unit_test_setup_teardown(test, open_buf, close_buf)

int main(void) {
  const struct CMUnitTest tests[] = {
      HTML_TEST(the_policy_names_the_style),
      HTML_TEST(a_page_loads_nothing),
      HTML_TEST(pieces_escape),
      HTML_TEST(fields_keep_and_escape_their_value),
      HTML_TEST(a_checkbox_is_on_or_off),
      HTML_TEST(a_hidden_field_has_no_label),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
