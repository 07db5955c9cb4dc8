/* What was typed into the form becomes a target, or a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/addpeer.h"

static const struct pm_target_spec defaults = {.limit = 3, .delay_s = 10, .fail_max = 100};

static enum pm_err read_text(const char *text, struct pm_addpeer *out, struct pm_why *why) {
  struct pm_form form;
  assert_int_equal(pm_form_parse(text, strlen(text), &form, NULL), PM_OK);
  return pm_addpeer_read(&form, &defaults, out, why);
}

static struct pm_addpeer added(const char *text) {
  struct pm_addpeer add;
  struct pm_why why = {""};
  if (read_text(text, &add, &why) != PM_OK) fail_msg("%s: %s", text, why.text);
  return add;
}

static void a_url_alone_takes_the_defaults(void **state) {
  (void)state;
  const struct pm_addpeer add = added("url=10.0.0.7:8080%23Paris,FR");
  assert_string_equal(add.spec.endpoint.url, "http://10.0.0.7:8080");
  assert_string_equal(add.spec.endpoint.location, "Paris,FR");
  assert_int_equal(add.spec.endpoint.ip_override.family, PM_IP_NONE);
  assert_int_equal(add.spec.learned, PM_LEARNED_OPERATOR);
  assert_int_equal(add.spec.source.family, PM_IP_NONE);
  assert_string_equal(add.spec.learned_from, "");
  assert_int_equal(add.spec.limit, 3);
  assert_int_equal(add.spec.delay_s, 10);
  assert_int_equal(add.spec.fail_max, 100);
  assert_false(add.spec.insecure);
  assert_false(add.with_peers);
}

static void all_fields_are_taken(void **state) {
  (void)state;
  const struct pm_addpeer add =
      added("url=https://h/x?y&ip=192.0.2.9&limit=0&delay=86400&fails=1&insecure=true");
  assert_string_equal(add.spec.endpoint.url, "https://h/x?y");
  assert_int_equal(add.spec.endpoint.ip_override.bytes[3], 9);
  assert_int_equal(add.spec.limit, 0);
  assert_int_equal(add.spec.delay_s, 86400);
  assert_int_equal(add.spec.fail_max, 1);
  assert_true(add.spec.insecure);
}

static void empty_numbers_are_defaults(void **state) {
  (void)state;
  const struct pm_addpeer add = added("url=h&ip=&limit=&delay=&fails=&insecure=");
  assert_int_equal(add.spec.limit, 3);
  assert_int_equal(add.spec.delay_s, 10);
  assert_int_equal(add.spec.fail_max, 100);
  assert_false(add.spec.insecure);
}

static void a_list_becomes_a_ping_target(void **state) {
  static const struct {
    const char *text, *url;
    bool with_peers;
  } cases[] = {
      {"url=http://h:1/v1/peers?addpeers=true", "http://h:1/v1/ping", true},
      {"url=http%3A%2F%2Fh%2Fv1%2Fpeers%3Faddpeers%3Dtrue", "http://h/v1/ping", true},
      {"url=h/v1/peers?x=y%26addpeers=true%26z", "http://h/v1/ping", true},
      {"url=h/base/v1/peers?addpeers=true", "http://h/base/v1/ping", true},
      {"url=h/v1/ping?addpeers=true", "http://h/v1/ping", true},
      {"url=h?addpeers=true", "http://h/v1/ping", true},
      {"url=h/?addpeers=true", "http://h/v1/ping", true},
      {"url=h/other?addpeers=true", "http://h/other", true},
      {"url=https://[::1]:9/v1/peers?addpeers=true%23X", "https://[::1]:9/v1/ping", true},
      {"url=h/v1/peers?addpeers=false", "http://h/v1/peers?addpeers=false", false},
      {"url=h/v1/peers?true=addpeers", "http://h/v1/peers?true=addpeers", false},
      {"url=h/v1/peers", "http://h/v1/peers", false},
      {"url=h/addpeers/true", "http://h/addpeers/true", false},
      {"url=addpeers.true.example", "http://addpeers.true.example", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const struct pm_addpeer add = added(cases[i].text);
    assert_string_equal(add.spec.endpoint.url, cases[i].url);
    assert_int_equal(add.with_peers, cases[i].with_peers);
  }
}

static void wrong_values_get_a_sentence(void **state) {
  static const struct {
    const char *text;
    enum pm_err err;
    const char *why; /* its beginning */
  } cases[] = {
      {"", PM_ERR_MISSING, "the url is missing: write host, host:port or http://host/path"},
      {"url=", PM_ERR_MISSING, "the url is missing"},
      {"url=ftp://h", PM_ERR_SYNTAX, "endpoint \"ftp://h\" has the scheme"},
      {"url=h:70000", PM_ERR_RANGE, "endpoint \"h:70000\" has the port"},
      {"url=h&ip=1.2.3", PM_ERR_SYNTAX, "address \"1.2.3\""},
      {"url=h&limit=-1", PM_ERR_SYNTAX, "limit \"-1\": write a whole number from 0 to 1000000000"},
      {"url=h&limit=1000000001", PM_ERR_RANGE, "limit \"1000000001\""},
      {"url=h&limit=99999999999999999999", PM_ERR_RANGE, "limit \"99999999999999999999\""},
      {"url=h&delay=86401", PM_ERR_RANGE, "delay \"86401\": write a whole number from 0 to 86400"},
      {"url=h&delay=1.5", PM_ERR_SYNTAX, "delay \"1.5\""},
      {"url=h&delay=+1", PM_ERR_SYNTAX, "delay \" 1\""},
      {"url=h&fails=0", PM_ERR_RANGE, "fails \"0\": write a whole number from 1 to 1000000"},
      {"url=h&fails=x", PM_ERR_SYNTAX, "fails \"x\""},
      {"url=h&insecure=maybe", PM_ERR_SYNTAX, "insecure \"maybe\": write true or false"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_addpeer add;
    struct pm_why why = {""};
    assert_int_equal(read_text(cases[i].text, &add, &why), cases[i].err);
    assert_memory_equal(why.text, cases[i].why, strlen(cases[i].why));
  }
}

static void a_url_too_long_is_refused(void **state) {
  (void)state;
  char text[PM_URL_BYTES + 64] = "url=h/";
  memset(text + 6, 'a', PM_URL_BYTES);
  struct pm_addpeer add;
  struct pm_why why = {""};
  assert_int_equal(read_text(text, &add, &why), PM_ERR_TOO_LARGE);
  assert_non_null(strstr(why.text, "too long"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_url_alone_takes_the_defaults),
      cmocka_unit_test(all_fields_are_taken),
      cmocka_unit_test(empty_numbers_are_defaults),
      cmocka_unit_test(a_list_becomes_a_ping_target),
      cmocka_unit_test(wrong_values_get_a_sentence),
      cmocka_unit_test(a_url_too_long_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
