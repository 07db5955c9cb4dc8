#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gossip/contact.h"

static struct pm_contact read(const char *text) {
  struct pm_contact contact;
  assert_int_equal(pm_contact_from_text(text, &contact), PM_OK);
  return contact;
}

static void text_is_read_and_written_back(void **state) {
  (void)state;
  static const char *const same[] = {
      "node.example.net:8080|192.0.2.7", "192.0.2.7:80|192.0.2.7", "[2001:db8::1]:443|2001:db8::1",
      "https://node.example.net:8443|2001:db8::1", "node.example.net:8080|"};
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    struct pm_contact contact = read(same[i]);
    char text[PM_CONTACT_TEXT_BYTES];
    pm_contact_text(&contact, text);
    assert_string_equal(text, same[i]);
  }
}

static void as_you_see_me_needs_neither_name_nor_address(void **state) {
  (void)state;
  struct pm_contact contact = read(":8080|");
  assert_int_equal(contact.port, 8080);
  assert_int_equal(contact.ip.family, PM_IP_NONE);
  assert_string_equal(contact.host, "");
  contact = read(":8080|192.0.2.7");
  assert_string_equal(contact.host, "192.0.2.7");
}

static void broken_text_is_refused(void **state) {
  (void)state;
  static const char *const broken[] = {"",
                                       ":",
                                       ":0|1.2.3.4",
                                       ":65536|1.2.3.4",
                                       ":80x|1.2.3.4",
                                       "host:80|not-an-address",
                                       "host:0|1.2.3.4",
                                       "host:80/path|1.2.3.4",
                                       "1.2.3.4:80|5.6.7.8",
                                       "ho st:80|1.2.3.4",
                                       "ftp://host:80|1.2.3.4"};
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    struct pm_contact contact;
    if (pm_contact_from_text(broken[i], &contact) == PM_OK) fail_msg("taken: \"%s\"", broken[i]);
  }
}

static void only_ping_and_peers_urls_are_heard(void **state) {
  (void)state;
  static const struct {
    const char *url;
    enum pm_err err;
  } rows[] = {
      {"http://192.0.2.7:8080/v1/ping", PM_OK},
      {"https://node.example.net/v1/peers", PM_OK},
      {"http://node.example.net/v1/peers?addpeers=true", PM_OK},
      {"http://node.example.net/", PM_ERR_SYNTAX},
      {"http://node.example.net", PM_ERR_SYNTAX},
      {"http://node.example.net/v1/quit", PM_ERR_SYNTAX},
      {"http://node.example.net/v1/ping?x=1", PM_ERR_SYNTAX},
      {"http://node.example.net/v1/ping/", PM_ERR_SYNTAX},
      {"ftp://node.example.net/v1/ping", PM_ERR_SYNTAX},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct pm_contact contact;
    if (pm_contact_from_url(rows[i].url, "192.0.2.7", &contact) != rows[i].err)
      fail_msg("%s", rows[i].url);
  }
}

static void a_host_too_long_for_the_tables_is_refused(void **state) {
  (void)state;
  char url[256] = "http://";
  memset(url + 7, 'a', 60);
  memcpy(url + 67, ".aaaaaaaaaaaaaaaaaaaaaaaa.net/v1/ping", 38);
  struct pm_contact contact;
  assert_int_equal(pm_contact_from_url(url, "192.0.2.7", &contact), PM_ERR_TOO_LARGE);
}

static void groups_are_networks_in_public_and_endpoints_in_private(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    bool same;
  } rows[] = {
      {"8.8.1.1:80|8.8.1.1", "8.8.200.9:81|8.8.200.9", true},
      {"8.8.1.1:80|8.8.1.1", "8.9.1.1:80|8.9.1.1", false},
      {"[2a00:1450:1::1]:80|2a00:1450:1::1", "[2a00:1450:2::1]:80|2a00:1450:2::1", true},
      {"[2a00:1450::1]:80|2a00:1450::1", "[2a00:1451::1]:80|2a00:1451::1", false},
      {"10.0.0.1:80|10.0.0.1", "10.0.0.1:81|10.0.0.1", false},
      {"10.0.0.1:80|10.0.0.1", "10.0.0.2:80|10.0.0.2", false},
      {"127.0.0.1:80|127.0.0.1", "localhost:80|127.0.0.1", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct pm_contact a = read(rows[i].a), b = read(rows[i].b);
    if ((pm_contact_group(&a, 1) == pm_contact_group(&b, 1)) != rows[i].same)
      fail_msg("%s and %s", rows[i].a, rows[i].b);
  }
}

static void keys_differ_by_host_port_address_and_seed(void **state) {
  (void)state;
  struct pm_contact a = read("a.net:80|192.0.2.1");
  static const char *const others[] = {"b.net:80|192.0.2.1", "a.net:81|192.0.2.1",
                                       "a.net:80|192.0.2.2", "a.net:80|"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    struct pm_contact b = read(others[i]);
    assert_true(pm_contact_hash(&a, 0) != pm_contact_hash(&b, 0));
  }
  assert_true(pm_contact_hash(&a, 0) != pm_contact_hash(&a, 1));
  struct pm_contact secure = read("https://a.net:80|192.0.2.1");
  assert_true(pm_contact_hash(&a, 0) == pm_contact_hash(&secure, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_is_read_and_written_back),
      cmocka_unit_test(as_you_see_me_needs_neither_name_nor_address),
      cmocka_unit_test(broken_text_is_refused),
      cmocka_unit_test(only_ping_and_peers_urls_are_heard),
      cmocka_unit_test(a_host_too_long_for_the_tables_is_refused),
      cmocka_unit_test(groups_are_networks_in_public_and_endpoints_in_private),
      cmocka_unit_test(keys_differ_by_host_port_address_and_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
