#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/host.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static enum pm_err normalise(const char *text, char out[PM_HOST_BYTES], struct pm_why *why) {
  return pm_host_normalise(text, strlen(text), out, why);
}

static void a_name_is_put_into_lower_case_without_final_dot(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *host;
  } cases[] = {
      {"example.net", "example.net"},
      {"Example.NET.", "example.net"},
      {"my_host-1", "my_host-1"},
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"localhost", "localhost"},
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1.", "192.0.2.1"},
      {"1.2.3.4.example", "1.2.3.4.example"},
      {"1and1.example", "1and1.example"},
      {"0x7f.example", "0x7f.example"},
      {"0xyz", "0xyz"},
      {"123abc", "123abc"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    char host[PM_HOST_BYTES] = "";
    struct pm_why why = {""};
    if (normalise(cases[i].text, host, &why) != PM_OK) fail_msg("%s", why.text);
    assert_string_equal(host, cases[i].host);
  }
}

static void what_a_resolver_reads_as_an_address_is_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "127.1",
      "127.0.1",
      "2130706433",
      "0x7f.1",
      "0x7f000001",
      "0X7F000001",
      "0177.0.0.1",
      "017700000001",
      "127.0.0.01",
      "127.0.0.0x1",
      "0x",
      "a.0x",
      "1.2.3.256",
      "1.2.3.4.5",
      "4294967296",
      "127.1.",
      "0",
      "example.0",
      "example.127",
      "0x7f.1.",
      "99999999999999999999",
  };
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    char host[PM_HOST_BYTES] = "kept";
    struct pm_why why = {""};
    if (normalise(wrong[i], host, &why) != PM_ERR_SYNTAX) fail_msg("%s was taken", wrong[i]);
    assert_string_equal(host, "kept");
    assert_non_null(strstr(why.text, "is no IPv4 address: write four decimal numbers"));
  }
}

static void a_wrong_name_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *sentence;
  } cases[] = {
      {"", "host \"\" has an empty label: write single dots between labels"},
      {".", "host \".\" has an empty label: write single dots between labels"},
      {".a", "host \".a\" has an empty label: write single dots between labels"},
      {"a..b", "host \"a..b\" has an empty label: write single dots between labels"},
      {"a..", "host \"a..\" has an empty label: write single dots between labels"},
      {"a b", "host \"a b\" holds ' ': write letters, digits, '-', '_' and '.' only"},
      {"a%6c", "host \"a%6c\" holds '%': write letters, digits, '-', '_' and '.' only"},
      {"*.example", "host \"*.example\" holds '*': write letters, digits, '-', '_' and '.' only"},
      {"a\x1b[2J", "host \"a?[2J\" holds '?': write letters, digits, '-', '_' and '.' only"},
      {"b\xc3\xbc"
       "cher.example",
       "host \"b\xc3\xbc"
       "cher.example\" holds characters outside ASCII: write the name in its "
       "xn-- form"},
      {"127.1",
       "host \"127.1\" ends in a number but is no IPv4 address: write four decimal numbers of 0 to "
       "255 without leading zeros, as in 192.0.2.1"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    char host[PM_HOST_BYTES];
    struct pm_why why = {""};
    assert_int_equal(normalise(cases[i].text, host, &why), PM_ERR_SYNTAX);
    assert_string_equal(why.text, cases[i].sentence);
  }
}

/* labels of label_bytes letters each, until the name has bytes characters. */
static void fill_name(char *name, size_t bytes, size_t label_bytes) {
  for (size_t i = 0; i < bytes; i++) name[i] = (i + 1) % (label_bytes + 1) == 0 ? '.' : 'a';
  name[bytes] = '\0';
}

static void names_and_labels_have_a_longest_length(void **state) {
  (void)state;
  static const struct {
    size_t bytes;
    size_t label_bytes;
    enum pm_err err;
    const char *sentence_end;
  } cases[] = {
      {63, 63, PM_OK, ""},
      {64, 64, PM_ERR_TOO_LARGE, "has a label of 64 characters: at most 63 are possible"},
      {253, 50, PM_OK, ""},
      {254, 50, PM_ERR_TOO_LARGE, "has 254 characters: a name has at most 253"},
      {4000, 50, PM_ERR_TOO_LARGE, "has 4000 characters: a name has at most 253"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    char name[4001];
    char host[PM_HOST_BYTES];
    struct pm_why why = {""};
    fill_name(name, cases[i].bytes, cases[i].label_bytes);
    assert_int_equal(normalise(name, host, &why), cases[i].err);
    const size_t end_bytes = strlen(cases[i].sentence_end);
    assert_true(strlen(why.text) >= end_bytes);
    assert_string_equal(why.text + strlen(why.text) - end_bytes, cases[i].sentence_end);
  }
}

static void a_final_dot_does_not_count(void **state) {
  (void)state;
  char name[PM_HOST_BYTES];
  char host[PM_HOST_BYTES];
  fill_name(name, 253, 50);
  name[253] = '.';
  name[254] = '\0';
  assert_int_equal(normalise(name, host, NULL), PM_OK);
  assert_int_equal(strlen(host), 253);
}

static void a_name_is_normalised_in_place(void **state) {
  (void)state;
  char name[PM_HOST_BYTES] = "WWW.Example.net.";
  assert_int_equal(normalise(name, name, NULL), PM_OK);
  assert_string_equal(name, "www.example.net");
}

static void a_number_at_the_end_makes_a_name_numeric(void **state) {
  (void)state;
  static const struct {
    const char *host;
    bool numeric;
  } cases[] = {
      {"1", true},    {"a.1", true}, {"a.1.", true},        {"1.a", false},
      {"a", false},   {"", false},   {".", false},          {"0xfe", true},
      {"0XFE", true}, {"0x", true},  {"0xfg", false},       {"x1", false},
      {"1-1", false}, {"08", true},  {"10.0.0.0/8", false}, {"127.0.0.1", true},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    if (pm_host_is_numeric(cases[i].host) != cases[i].numeric) fail_msg("\"%s\"", cases[i].host);
  }
}

static void a_domain_holds_itself_and_the_names_below(void **state) {
  (void)state;
  static const struct {
    const char *host;
    const char *domain;
    bool below;
  } cases[] = {
      {"example.net", "example.net", true},
      {"a.example.net", "example.net", true},
      {"A.b.EXAMPLE.net.", "Example.Net", true},
      {"badexample.net", "example.net", false},
      {"example.net.evil", "example.net", false},
      {"net", "example.net", false},
      {"example.net", "net", true},
      {"example.net", "", false},
      {"", "net", false},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    if (pm_host_is_below(cases[i].host, cases[i].domain) != cases[i].below) {
      fail_msg("\"%s\" and \"%s\"", cases[i].host, cases[i].domain);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_is_put_into_lower_case_without_final_dot),
      cmocka_unit_test(what_a_resolver_reads_as_an_address_is_refused),
      cmocka_unit_test(a_wrong_name_is_refused_with_a_sentence),
      cmocka_unit_test(names_and_labels_have_a_longest_length),
      cmocka_unit_test(a_final_dot_does_not_count),
      cmocka_unit_test(a_name_is_normalised_in_place),
      cmocka_unit_test(a_number_at_the_end_makes_a_name_numeric),
      cmocka_unit_test(a_domain_holds_itself_and_the_names_below),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
