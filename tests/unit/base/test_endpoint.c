#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/endpoint.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct pm_endpoint endpoint_of(const char *text, const char *override) {
  struct pm_endpoint endpoint = {0};
  struct pm_why why = {""};
  if (pm_endpoint_parse(text, override, &endpoint, &why) != PM_OK) fail_msg("%s", why.text);
  return endpoint;
}

static void what_a_person_writes_becomes_a_url(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *url;
    const char *host;
    uint16_t port;
    bool host_is_ip;
  } cases[] = {
      {"example.net", "http://example.net", "example.net", 80, false},
      {"example.net:8080", "http://example.net:8080", "example.net", 8080, false},
      {"EXAMPLE.Net.:8080/A", "http://example.net:8080/A", "example.net", 8080, false},
      {"localhost/v1/ping", "http://localhost/v1/ping", "localhost", 80, false},
      {"http://example.net", "http://example.net", "example.net", 80, false},
      {"HTTPS://Example.net/", "https://example.net/", "example.net", 443, false},
      {"https://example.net:443", "https://example.net:443", "example.net", 443, false},
      {"https://example.net:80", "https://example.net:80", "example.net", 80, false},
      {"example.net:1", "http://example.net:1", "example.net", 1, false},
      {"example.net:65535", "http://example.net:65535", "example.net", 65535, false},
      {"example.net:00080", "http://example.net:80", "example.net", 80, false},
      {"xn--bcher-kva.example", "http://xn--bcher-kva.example", "xn--bcher-kva.example", 80, false},
      {"my_host-1:81", "http://my_host-1:81", "my_host-1", 81, false},
      {"192.0.2.1", "http://192.0.2.1", "192.0.2.1", 80, true},
      {"192.0.2.1.:81/p", "http://192.0.2.1:81/p", "192.0.2.1", 81, true},
      {"::1", "http://[::1]", "::1", 80, true},
      {"::1/v1/ping", "http://[::1]/v1/ping", "::1", 80, true},
      {"::1:8080", "http://[::1:8080]", "::1:8080", 80, true},
      {"[::1]", "http://[::1]", "::1", 80, true},
      {"[::1]:8080", "http://[::1]:8080", "::1", 8080, true},
      {"https://[2001:DB8:0::1]:8443/x", "https://[2001:db8::1]:8443/x", "2001:db8::1", 8443, true},
      {"[::ffff:192.0.2.1]:81", "http://192.0.2.1:81", "192.0.2.1", 81, true},
      {"::ffff:127.0.0.1", "http://127.0.0.1", "127.0.0.1", 80, true},
      {"[64:ff9b::192.0.2.1]", "http://[64:ff9b::c000:201]", "64:ff9b::c000:201", 80, true},
      {"a?b=http://c:d@e/", "http://a/?b=http://c:d@e/", "a", 80, false},
      {"a/b@c:d", "http://a/b@c:d", "a", 80, false},
      {"a/%2E%2e/../x//y?q=%zz&r=1?2", "http://a/%2E%2e/../x//y?q=%zz&r=1?2", "a", 80, false},
      {"a/?", "http://a/?", "a", 80, false},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct pm_endpoint e = endpoint_of(cases[i].text, NULL);
    assert_string_equal(e.url, cases[i].url);
    assert_string_equal(e.host, cases[i].host);
    assert_int_equal(e.port, cases[i].port);
    assert_int_equal(e.host_is_ip, cases[i].host_is_ip);
    assert_int_equal(e.https, strncmp(e.url, "https:", 6) == 0);
    assert_int_equal(e.ip_override.family, PM_IP_NONE);
    assert_string_equal(e.location, "");
  }
}

static void a_numeric_host_is_also_given_as_address(void **state) {
  (void)state;
  char text[PM_IP_TEXT_BYTES];
  const struct pm_endpoint v4 = endpoint_of("[::ffff:192.0.2.1]", NULL);
  const struct pm_endpoint v6 = endpoint_of("[2001:db8::7]:81", NULL);
  const struct pm_endpoint name = endpoint_of("example.net", NULL);
  assert_int_equal(v4.host_ip.family, PM_IP_V4);
  pm_ip_text(&v6.host_ip, text);
  assert_string_equal(text, "2001:db8::7");
  assert_int_equal(name.host_ip.family, PM_IP_NONE);
}

static void path_and_query_can_be_asked_for(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *path;
    const char *query;
    const char *host_port;
  } cases[] = {
      {"example.net", "", "", "example.net"},
      {"https://example.net:443/", "/", "", "example.net:443"},
      {"example.net?a=1", "/", "a=1", "example.net"},
      {"example.net:81/v1/peers?addpeers=true&x=?", "/v1/peers", "addpeers=true&x=?",
       "example.net:81"},
      {"[::1]:8080/p?#L", "/p", "", "[::1]:8080"},
      {"::1", "", "", "[::1]"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct pm_endpoint e = endpoint_of(cases[i].text, NULL);
    char path[PM_URL_BYTES];
    char host_port[PM_HOST_PORT_BYTES];
    pm_endpoint_path(&e, path);
    pm_endpoint_host_port(&e, host_port);
    assert_string_equal(path, cases[i].path);
    assert_string_equal(pm_endpoint_query(&e), cases[i].query);
    assert_string_equal(host_port, cases[i].host_port);
  }
}

static void the_fragment_is_the_location(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *location;
  } cases[] = {
      {"a#Paris,FR", "Paris,FR"},
      {"http://a:81/p?q#Paris,FR", "Paris,FR"},
      {"a#", ""},
      {"a#New%20York,US", "New York,US"},
      {"a#New York,US", "New York,US"},
      {"a#Z%C3%BCrich,CH", "Z\xc3\xbcrich,CH"},
      {"a#Z\xc3\xbcrich,CH", "Z\xc3\xbcrich,CH"},
      {"a#a+b", "a+b"},
      {"a#x#y", "x#y"},
      {"a#100%25", "100%"},
      {"a#%3Cb%3E/?@:", "<b>/?@:"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct pm_endpoint e = endpoint_of(cases[i].text, NULL);
    assert_string_equal(e.location, cases[i].location);
    assert_null(strchr(e.url, '#'));
  }
}

static void a_wrong_location_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const char PERCENT[] = "has a '%' without two hexadecimal digits or a %00: write %25";
  static const char UNCLEAN[] = "is not UTF-8 text, holds control characters, or begins or ends "
                                "with a blank: write a plain name, as in #Paris,FR";
  static const struct {
    const char *text;
    const char *sentence;
  } cases[] = {
      {"a#100%", PERCENT},      {"a#%4", PERCENT},        {"a#%zz", PERCENT},
      {"a#%4g", PERCENT},       {"a#x%00y", PERCENT},     {"a#\xff", UNCLEAN},
      {"a#%ff", UNCLEAN},       {"a#%C3", UNCLEAN},       {"a#%c0%af", UNCLEAN},
      {"a#%ed%a0%80", UNCLEAN}, {"a#x%0Ay", UNCLEAN},     {"a#x%09y", UNCLEAN},
      {"a#x\ny", UNCLEAN},      {"a#%1b[2J", UNCLEAN},    {"a#%7f", UNCLEAN},
      {"a#%c2%9b", UNCLEAN},    {"a#%e2%80%ae", UNCLEAN}, {"a# Paris", UNCLEAN},
      {"a#Paris%20", UNCLEAN},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_endpoint e;
    struct pm_why why = {""};
    if (pm_endpoint_parse(cases[i].text, NULL, &e, &why) != PM_ERR_SYNTAX) {
      fail_msg("%s was taken", cases[i].text);
    }
    if (strstr(why.text, cases[i].sentence) == NULL) fail_msg("%s: %s", cases[i].text, why.text);
    assert_memory_equal(why.text, "location \"", 10);
  }
}

static void a_location_has_a_longest_length(void **state) {
  (void)state;
  char text[3 * PM_LOCATION_BYTES + 8] = "a#";
  for (size_t i = 0; i < PM_LOCATION_BYTES - 1; i++) memcpy(text + 2 + 3 * i, "%41", 4);
  const struct pm_endpoint e = endpoint_of(text, NULL);
  assert_int_equal(strlen(e.location), 127);

  struct pm_endpoint refused;
  struct pm_why why = {""};
  memcpy(text + strlen(text), "x", 2);
  assert_int_equal(pm_endpoint_parse(text, NULL, &refused, &why), PM_ERR_TOO_LARGE);
  assert_non_null(strstr(why.text, "is too long: at most 127 bytes are possible"));
}

static void a_wrong_endpoint_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const char NO_HOST[] = "has no host: write host, host:port or http://host/path";
  static const char SCHEME[] = "write http:// or https://";
  static const char PORT[] = "write a number of 1 to 65535";
  static const char BRACKETS[] = "write an IPv6 address without a zone, in brackets where a scheme "
                                 "or a port goes with it, as in [2001:db8::1]:8080";
  static const char USER[] = "holds a user name before the '@': write it without";
  static const char BLANK[] = "holds a blank: write it without, or percent-encoded in a path";
  static const char CONTROL[] = "holds a control character: write it without";
  static const char NAME[] = "write letters, digits, '-', '_' and '.' only";
  static const char NUMBER[] = "is no IPv4 address: write four decimal numbers of 0 to 255 without";
  static const char XN[] = "holds characters outside ASCII: write the name in its xn-- form";
  static const struct {
    const char *text;
    enum pm_err err;
    const char *sentence;
  } cases[] = {
      {"", PM_ERR_SYNTAX, NO_HOST},
      {"/path", PM_ERR_SYNTAX, NO_HOST},
      {"//host/path", PM_ERR_SYNTAX, NO_HOST},
      {"?query", PM_ERR_SYNTAX, NO_HOST},
      {"#Paris", PM_ERR_SYNTAX, NO_HOST},
      {":80", PM_ERR_SYNTAX, NO_HOST},
      {"http://", PM_ERR_SYNTAX, NO_HOST},
      {"http:///path", PM_ERR_SYNTAX, NO_HOST},
      {"https://:443", PM_ERR_SYNTAX, NO_HOST},
      {"ftp://a/", PM_ERR_SYNTAX, SCHEME},
      {"httpss://a/", PM_ERR_SYNTAX, SCHEME},
      {"file:///etc/passwd", PM_ERR_SYNTAX, SCHEME},
      {"://a", PM_ERR_SYNTAX, SCHEME},
      {"http://http://a", PM_ERR_SYNTAX, PORT},
      {"javascript:alert(1)", PM_ERR_SYNTAX, PORT},
      {"http:a", PM_ERR_SYNTAX, PORT},
      {"a:", PM_ERR_SYNTAX, "has the port \"\": write a number of 1 to 65535, or no colon"},
      {"a:/p", PM_ERR_SYNTAX, "has the port \"\": write a number of 1 to 65535, or no colon"},
      {"a:0", PM_ERR_RANGE, "has the port \"0\": write a number of 1 to 65535"},
      {"a:65536", PM_ERR_RANGE, "has the port \"65536\": write a number of 1 to 65535"},
      {"a:4294967376", PM_ERR_RANGE, "has the port \"4294967376\": write"},
      {"a:18446744073709551696", PM_ERR_RANGE, "has the port \"18446744073709551696\": write"},
      {"a:+80", PM_ERR_SYNTAX, "has the port \"+80\": write"},
      {"a:-1", PM_ERR_SYNTAX, "has the port \"-1\": write"},
      {"a:0x50", PM_ERR_SYNTAX, "has the port \"0x50\": write"},
      {"a:80x", PM_ERR_SYNTAX, "has the port \"80x\": write"},
      {"[::1]:", PM_ERR_SYNTAX, "has the port \"\": write"},
      {"[::1]:0", PM_ERR_RANGE, "has the port \"0\": write"},
      {"[::1]8080", PM_ERR_SYNTAX, BRACKETS},
      {"[::1", PM_ERR_SYNTAX, BRACKETS},
      {"[]", PM_ERR_SYNTAX, BRACKETS},
      {"[]:80", PM_ERR_SYNTAX, BRACKETS},
      {"[127.0.0.1]", PM_ERR_SYNTAX, BRACKETS},
      {"[a]", PM_ERR_SYNTAX, BRACKETS},
      {"[[::1]]", PM_ERR_SYNTAX, BRACKETS},
      {"[fe80::1%eth0]:80", PM_ERR_SYNTAX, BRACKETS},
      {"[fe80::1%25eth0]", PM_ERR_SYNTAX, BRACKETS},
      {"fe80::1%eth0", PM_ERR_SYNTAX, BRACKETS},
      {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]", PM_ERR_SYNTAX, BRACKETS},
      {"http://::1:8080/", PM_ERR_SYNTAX, BRACKETS},
      {"192.0.2.1:80:90", PM_ERR_SYNTAX, BRACKETS},
      {"xyz::80", PM_ERR_SYNTAX, BRACKETS},
      {"a[::1]", PM_ERR_SYNTAX, BRACKETS},
      {"::1]", PM_ERR_SYNTAX, BRACKETS},
      {"::ffff:127.1", PM_ERR_SYNTAX, BRACKETS},
      {"a@b", PM_ERR_SYNTAX, USER},
      {"@b", PM_ERR_SYNTAX, USER},
      {"http://example.net:80@evil/", PM_ERR_SYNTAX, USER},
      {"http://a\\@b/", PM_ERR_SYNTAX, USER},
      {" a", PM_ERR_SYNTAX, BLANK},
      {"a ", PM_ERR_SYNTAX, BLANK},
      {"a b", PM_ERR_SYNTAX, BLANK},
      {"a/b c", PM_ERR_SYNTAX, BLANK},
      {"a?b c", PM_ERR_SYNTAX, BLANK},
      {"a\tb", PM_ERR_SYNTAX, CONTROL},
      {"a\r\nHost: b", PM_ERR_SYNTAX, CONTROL},
      {"a/\x7f", PM_ERR_SYNTAX, CONTROL},
      {"a/\x01", PM_ERR_SYNTAX, CONTROL},
      {"a%6c", PM_ERR_SYNTAX, NAME},
      {"*.example", PM_ERR_SYNTAX, NAME},
      {"a,b", PM_ERR_SYNTAX, NAME},
      {"http://a\\b/", PM_ERR_SYNTAX, NAME},
      {"a..b", PM_ERR_SYNTAX, "has an empty label"},
      {".", PM_ERR_SYNTAX, "has an empty label"},
      {"0x7f.1", PM_ERR_SYNTAX, NUMBER},
      {"2130706433", PM_ERR_SYNTAX, NUMBER},
      {"127.1", PM_ERR_SYNTAX, NUMBER},
      {"127.1.", PM_ERR_SYNTAX, NUMBER},
      {"0177.0.0.1", PM_ERR_SYNTAX, NUMBER},
      {"http://0x7f000001:80/", PM_ERR_SYNTAX, NUMBER},
      {"https://0/", PM_ERR_SYNTAX, NUMBER},
      {"192.0.2.256:80", PM_ERR_SYNTAX, NUMBER},
      {"b\xc3\xbc"
       "cher.example",
       PM_ERR_SYNTAX, XN},
      {"http://\xff/", PM_ERR_SYNTAX, XN},
      {"\xef\xbc\x91"
       "27.0.0.1",
       PM_ERR_SYNTAX, XN},
      {"a/\xc3\xbc", PM_ERR_SYNTAX, "write them percent-encoded, as in %C3%BC"},
      {"a?\xff", PM_ERR_SYNTAX, "write them percent-encoded, as in %C3%BC"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_endpoint e = {.port = 77};
    struct pm_why why = {""};
    const enum pm_err err = pm_endpoint_parse(cases[i].text, NULL, &e, &why);
    if (err != cases[i].err) fail_msg("\"%s\": %s, %s", cases[i].text, pm_err_name(err), why.text);
    if (strstr(why.text, cases[i].sentence) == NULL) fail_msg("%s: %s", cases[i].text, why.text);
    assert_int_equal(e.port, 77);
    assert_int_equal(pm_endpoint_parse(cases[i].text, NULL, &e, NULL), err);
  }
}

static void a_sentence_names_the_thing_and_the_value(void **state) {
  (void)state;
  struct pm_endpoint e;
  struct pm_why why = {""};
  assert_int_equal(pm_endpoint_parse("http://a:99999/p", NULL, &e, &why), PM_ERR_RANGE);
  assert_string_equal(why.text, "endpoint \"http://a:99999/p\" has the port \"99999\": write a "
                                "number of 1 to 65535");
  assert_int_equal(pm_endpoint_parse("gopher://a", NULL, &e, &why), PM_ERR_SYNTAX);
  assert_string_equal(why.text, "endpoint \"gopher://a\" has the scheme \"gopher\": write http:// "
                                "or https://");
}

static void a_password_is_not_repeated(void **state) {
  (void)state;
  static const char *const texts[] = {"http://me:secret@a/p", "me:secret@a:0", "ftp://me:secret@a",
                                      "me:secret@a b",        "me:sec ret@a",  "me:secret@x@a"};
  for (size_t i = 0; i < LENGTH(texts); i++) {
    struct pm_endpoint e;
    struct pm_why why = {""};
    assert_int_equal(pm_endpoint_parse(texts[i], NULL, &e, &why), PM_ERR_SYNTAX);
    assert_non_null(strstr(why.text, "endpoint \"…@a"));
    assert_null(strstr(why.text, "sec"));
    assert_null(strstr(why.text, "me:"));
  }
}

/* "a/" and then letters until the URL, "http://" counted, has bytes characters. */
static void fill_url(char *text, size_t bytes) {
  const size_t text_bytes = bytes - strlen("http://");
  memset(text, 'x', text_bytes);
  memcpy(text, "a/", 2);
  text[text_bytes] = '\0';
}

static void a_url_has_a_longest_length(void **state) {
  (void)state;
  char text[20000];
  fill_url(text, 767);
  const struct pm_endpoint e = endpoint_of(text, NULL);
  assert_int_equal(strlen(e.url), 767);
  const struct pm_endpoint again = endpoint_of(e.url, NULL);
  assert_true(pm_endpoint_equal(&e, &again));

  static const size_t too_long[] = {768, 769, 1100, 1152, 1160, 20000};
  for (size_t i = 0; i < LENGTH(too_long); i++) {
    struct pm_endpoint refused;
    struct pm_why why = {""};
    fill_url(text, too_long[i]);
    assert_int_equal(pm_endpoint_parse(text, NULL, &refused, &why), PM_ERR_TOO_LARGE);
    assert_non_null(strstr(why.text, "is too long: write a URL of at most 767 characters"));
  }
}

static void a_query_without_path_needs_room_for_the_slash(void **state) {
  (void)state;
  char text[PM_URL_BYTES];
  struct pm_endpoint e;
  fill_url(text, 767);
  text[1] = '?';
  assert_int_equal(pm_endpoint_parse(text, NULL, &e, NULL), PM_ERR_TOO_LARGE);
  text[strlen(text) - 1] = '\0';
  assert_int_equal(pm_endpoint_parse(text, NULL, &e, NULL), PM_OK);
  assert_int_equal(strlen(e.url), 767);
}

static void hosts_and_labels_have_a_longest_length(void **state) {
  (void)state;
  char label[80];
  memset(label, 'a', sizeof(label));
  struct pm_endpoint e;
  struct pm_why why = {""};
  char text[1024];
  (void)snprintf(text, sizeof(text), "%.64s.example:80", label);
  assert_int_equal(pm_endpoint_parse(text, NULL, &e, &why), PM_ERR_TOO_LARGE);
  assert_non_null(strstr(why.text, "has a label of 64 characters: at most 63 are possible"));

  (void)snprintf(text, sizeof(text), "%.63s.%.63s.%.63s.%.61s:65535", label, label, label, label);
  e = endpoint_of(text, NULL);
  assert_int_equal(strlen(e.host), 253);
  char host_port[PM_HOST_PORT_BYTES];
  pm_endpoint_host_port(&e, host_port);
  assert_string_equal(host_port, text);

  (void)snprintf(text, sizeof(text), "%.63s.%.63s.%.63s.%.62s", label, label, label, label);
  assert_int_equal(pm_endpoint_parse(text, NULL, &e, &why), PM_ERR_TOO_LARGE);
  assert_non_null(strstr(why.text, "has 254 characters: a name has at most 253"));
}

static void an_override_is_an_address(void **state) {
  (void)state;
  static const struct {
    const char *override;
    enum pm_ip_family family;
    const char *text;
  } cases[] = {
      {NULL, PM_IP_NONE, ""},
      {"", PM_IP_NONE, ""},
      {"192.0.2.1", PM_IP_V4, "192.0.2.1"},
      {"2001:DB8::1", PM_IP_V6, "2001:db8::1"},
      {"::ffff:192.0.2.1", PM_IP_V4, "192.0.2.1"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    char text[PM_IP_TEXT_BYTES];
    const struct pm_endpoint e = endpoint_of("https://example.net/", cases[i].override);
    assert_int_equal(e.ip_override.family, cases[i].family);
    pm_ip_text(&e.ip_override, text);
    assert_string_equal(text, cases[i].text);
    assert_string_equal(e.url, "https://example.net/");
  }
}

static void another_override_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const char *const wrong[] = {"localhost", "192.0.2.1:80", "[::1]",     "127.1",
                                      " ",         "fe80::1%lo",   "0x7f000001"};
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    struct pm_endpoint e;
    struct pm_why why = {""};
    char expected[PM_WHY_BYTES];
    (void)snprintf(expected, sizeof(expected),
                   "address \"%s\" to connect to is none: write an IPv4 or IPv6 address without "
                   "brackets or port, as in 192.0.2.1 or 2001:db8::1",
                   wrong[i]);
    assert_int_equal(pm_endpoint_parse("a", wrong[i], &e, &why), PM_ERR_SYNTAX);
    assert_string_equal(why.text, expected);
  }
}

static void equal_endpoints_have_equal_keys(void **state) {
  (void)state;
  static const struct {
    const char *a;
    const char *a_override;
    const char *b;
    const char *b_override;
    bool equal;
  } cases[] = {
      {"a", NULL, "http://A./", NULL, true},
      {"a", NULL, "a:80", NULL, true},
      {"https://a", NULL, "https://a:443/", NULL, true},
      {"a#Paris", NULL, "a#Rome", NULL, true},
      {"a?q", NULL, "a/?q", NULL, true},
      {"[::ffff:192.0.2.1]", NULL, "192.0.2.1", NULL, true},
      {"::1", NULL, "http://[0:0::1]:80/", NULL, true},
      {"a", "192.0.2.1", "a", "::ffff:192.0.2.1", true},
      {"a", NULL, "a", "", true},
      {"a", NULL, "b", NULL, false},
      {"a", NULL, "https://a", NULL, false},
      {"a:443", NULL, "https://a", NULL, false},
      {"a:81", NULL, "a:82", NULL, false},
      {"a/v1/ping", NULL, "a/v1/peers", NULL, false},
      {"a/v1/ping", NULL, "a/v1/Ping", NULL, false},
      {"a/v1", NULL, "a/v1/", NULL, false},
      {"a/?q", NULL, "a/?r", NULL, false},
      {"a/?", NULL, "a/", NULL, false},
      {"a/%41", NULL, "a/A", NULL, false},
      {"a", "192.0.2.1", "a", NULL, false},
      {"a", "192.0.2.1", "a", "192.0.2.2", false},
      {"192.0.2.1", NULL, "192.0.2.1", "192.0.2.1", false},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct pm_endpoint a = endpoint_of(cases[i].a, cases[i].a_override);
    const struct pm_endpoint b = endpoint_of(cases[i].b, cases[i].b_override);
    if (pm_endpoint_equal(&a, &b) != cases[i].equal ||
        pm_endpoint_equal(&b, &a) != cases[i].equal) {
      fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    assert_int_equal(pm_endpoint_key(&a, 1) == pm_endpoint_key(&b, 1), cases[i].equal);
  }
}

static void the_key_depends_on_the_seed(void **state) {
  (void)state;
  const struct pm_endpoint e = endpoint_of("https://example.net/v1/ping", NULL);
  assert_true(pm_endpoint_key(&e, 1) == pm_endpoint_key(&e, 1));
  assert_true(pm_endpoint_key(&e, 1) != pm_endpoint_key(&e, 2));
}

static void a_copy_can_have_another_path(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *path;
    const char *url;
  } cases[] = {
      {"a", "/v1/ping", "http://a/v1/ping"},
      {"https://a:81/x?y#Paris", "/v1/peers?addpeers=true", "https://a:81/v1/peers?addpeers=true"},
      {"[::1]:81/x", "", "http://[::1]:81"},
      {"a/x", "?q", "http://a/?q"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_endpoint e = endpoint_of(cases[i].text, "192.0.2.1");
    struct pm_endpoint copy;
    assert_int_equal(pm_endpoint_with_path(&e, cases[i].path, &copy), PM_OK);
    assert_string_equal(copy.url, cases[i].url);
    assert_string_equal(copy.location, e.location);
    const struct pm_endpoint expected = endpoint_of(cases[i].url, "192.0.2.1");
    assert_true(pm_endpoint_equal(&copy, &expected));
    assert_int_equal(pm_endpoint_with_path(&e, cases[i].path, &e), PM_OK);
    assert_string_equal(e.url, cases[i].url);
  }
}

static void a_wrong_path_is_refused(void **state) {
  (void)state;
  char longest[PM_URL_BYTES];
  memset(longest, '/', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  const struct {
    const char *path;
    enum pm_err err;
  } cases[] = {
      {"v1", PM_ERR_SYNTAX},   {".evil/", PM_ERR_SYNTAX},       {":81/", PM_ERR_SYNTAX},
      {"@b/", PM_ERR_SYNTAX},  {"/a b", PM_ERR_SYNTAX},         {"/a\r\n", PM_ERR_SYNTAX},
      {"/a#b", PM_ERR_SYNTAX}, {"/\xc3\xbc", PM_ERR_SYNTAX},    {longest, PM_ERR_TOO_LARGE},
      {longest + 8, PM_OK},    {longest + 7, PM_ERR_TOO_LARGE},
  };
  const struct pm_endpoint e = endpoint_of("a/x", NULL);
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_endpoint copy = {.port = 77};
    assert_int_equal(pm_endpoint_with_path(&e, cases[i].path, &copy), cases[i].err);
    assert_int_equal(copy.port, cases[i].err == PM_OK ? 80 : 77);
  }
}

static void an_endpoint_can_be_parsed_from_its_own_url(void **state) {
  (void)state;
  struct pm_endpoint e = endpoint_of("HTTPS://[2001:DB8::1]:443?q#Paris", NULL);
  const struct pm_endpoint before = e;
  assert_int_equal(pm_endpoint_parse(e.url, NULL, &e, NULL), PM_OK);
  assert_string_equal(e.url, "https://[2001:db8::1]:443/?q");
  assert_true(pm_endpoint_equal(&before, &e));
  assert_string_equal(e.location, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_person_writes_becomes_a_url),
      cmocka_unit_test(a_numeric_host_is_also_given_as_address),
      cmocka_unit_test(path_and_query_can_be_asked_for),
      cmocka_unit_test(the_fragment_is_the_location),
      cmocka_unit_test(a_wrong_location_is_refused_with_a_sentence),
      cmocka_unit_test(a_location_has_a_longest_length),
      cmocka_unit_test(a_wrong_endpoint_is_refused_with_a_sentence),
      cmocka_unit_test(a_sentence_names_the_thing_and_the_value),
      cmocka_unit_test(a_password_is_not_repeated),
      cmocka_unit_test(a_url_has_a_longest_length),
      cmocka_unit_test(a_query_without_path_needs_room_for_the_slash),
      cmocka_unit_test(hosts_and_labels_have_a_longest_length),
      cmocka_unit_test(an_override_is_an_address),
      cmocka_unit_test(another_override_is_refused_with_a_sentence),
      cmocka_unit_test(equal_endpoints_have_equal_keys),
      cmocka_unit_test(the_key_depends_on_the_seed),
      cmocka_unit_test(a_copy_can_have_another_path),
      cmocka_unit_test(a_wrong_path_is_refused),
      cmocka_unit_test(an_endpoint_can_be_parsed_from_its_own_url),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
