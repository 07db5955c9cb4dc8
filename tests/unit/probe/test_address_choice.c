/* Which of a target's addresses is taken, and what is said where none may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/address_choice.h"

enum { ADDRESSES = 4 };

#define LOOKUP   PM_ADDRESS_ORIGIN_LOOKUP
#define HOST     PM_ADDRESS_ORIGIN_HOST
#define OVERRIDE PM_ADDRESS_ORIGIN_OVERRIDE

static struct pm_ip ip_of(const char *text) {
  struct pm_ip ip = {.family = PM_IP_NONE};
  if (text && pm_ip_parse(text, &ip) != PM_OK) fail_msg("%s is no address", text);
  return ip;
}

struct row {
  const char *what;
  const char *addresses[ADDRESSES];
  enum pm_address_origin origin;
  enum pm_learned learned;
  const char *source, *bind; /* NULL: none */
  const char *rule;          /* "+name" allows, "-name" denies; NULL: none */
  enum pm_err err;
  const char *said; /* the address that is taken, or the sentence */
};

static const struct row rows[] = {
    {"the first", {"127.0.0.1", "127.0.0.2"}, .said = "127.0.0.1"},
    {"the first that is allowed", {"224.0.0.1", "0.0.0.0", "10.0.0.1"}, .said = "10.0.0.1"},
    {"the first that our source reaches", {"10.0.0.1", "::1"}, .bind = "fd00::2", .said = "::1"},
    {"allowed and in reach",
     {"10.0.0.1", "ff02::1", "fd00::1"},
     .bind = "fd00::2",
     .said = "fd00::1"},
    {"none is allowed",
     {"224.0.0.1", "0.0.0.0"},
     .err = PM_ERR_DENIED,
     .said = "target (224.0.0.1) may not be probed: an address of a class that no target learned "
             "this way may have"},
    {"the first refusal is told",
     {"10.0.0.1", "169.254.169.254", "8.8.8.8", "127.0.0.1"},
     .learned = PM_LEARNED_PEER,
     .source = "9.9.9.9",
     .bind = "fd00::2",
     .err = PM_ERR_DENIED,
     .said = "target (10.0.0.1) may not be probed: learned from a source outside the address's own "
             "network"},
    {"a refusal outweighs the family",
     {"::1", "224.0.0.1"},
     .bind = "10.0.0.9",
     .err = PM_ERR_DENIED,
     .said = "target (224.0.0.1) may not be probed: an address of a class that no target learned "
             "this way may have"},
    {"none is in reach",
     {"10.0.0.1", "10.0.0.2"},
     .bind = "fd00::2",
     .err = PM_ERR_MISSING,
     .said = "connect to target: it has no address of the family of fd00::2, our source"},
    {"of the source's own network",
     {"10.0.0.1"},
     .learned = PM_LEARNED_PEER,
     .source = "10.9.9.9",
     .said = "10.0.0.1"},
    {"a name that a rule allows",
     {"10.0.0.1"},
     .learned = PM_LEARNED_PEER,
     .rule = "+name.test",
     .said = "10.0.0.1"},
    {"the same name beside an override is only a claim",
     {"10.0.0.1"},
     .origin = OVERRIDE,
     .learned = PM_LEARNED_PEER,
     .rule = "+name.test",
     .err = PM_ERR_DENIED,
     .said = "target (10.0.0.1) may not be probed: learned from a source outside the address's own "
             "network"},
    {"a name that a rule denies",
     {"8.8.8.8"},
     .rule = "-name.test",
     .err = PM_ERR_DENIED,
     .said = "target (8.8.8.8) may not be probed: refused by a deny rule"},
    {"which an override does not get around",
     {"8.8.8.8"},
     .origin = OVERRIDE,
     .rule = "-name.test",
     .err = PM_ERR_DENIED,
     .said = "target (8.8.8.8) may not be probed: refused by a deny rule"},
    {"an address as the host", {"8.8.8.8"}, .origin = HOST, .said = "8.8.8.8"},
};

static void check(const struct row *row) {
  struct pm_policy policy = {.count = 0};
  if (row->rule)
    assert_int_equal(pm_policy_add(&policy, row->rule[0] == '+', row->rule + 1, NULL), PM_OK);
  struct pm_ip ips[ADDRESSES], source = ip_of(row->source), bind = ip_of(row->bind);
  size_t count = 0;
  while (count < ADDRESSES && row->addresses[count]) {
    ips[count] = ip_of(row->addresses[count]);
    count++;
  }
  const struct pm_address_choice choice = {.policy = &policy,
                                           .bind = &bind,
                                           .host = "name.test",
                                           .called = "target",
                                           .origin = row->origin,
                                           .learned = row->learned,
                                           .source = &source};
  const struct pm_ip *taken = NULL;
  struct pm_why why = {""};
  enum pm_err err = pm_address_choose(&choice, ips, count, &taken, &why);
  if (err != row->err) fail_msg("%s: %s", row->what, pm_err_name(err));
  if (err != PM_OK) {
    assert_null(taken);
    assert_string_equal(why.text, row->said);
    return;
  }
  char text[PM_IP_TEXT_BYTES];
  pm_ip_text(taken, text);
  assert_string_equal(text, row->said);
  assert_in_range((uintptr_t)taken, (uintptr_t)ips, (uintptr_t)(ips + count - 1));
  assert_string_equal(why.text, "");
}

static void the_first_that_may_and_can_be_connected_to(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check(&rows[i]);
}

/* As who only asks whether it may be probed has neither. */
static void without_source_and_bind(void **state) {
  (void)state;
  struct pm_policy policy = {.count = 0};
  struct pm_address_choice choice = {
      .policy = &policy, .host = "::1", .called = "http://[::1]/", .origin = HOST};
  const struct pm_ip loopback = ip_of("::1"), *taken = NULL;
  assert_int_equal(pm_address_choose(&choice, &loopback, 1, &taken, NULL), PM_OK);
  assert_ptr_equal(taken, &loopback);
  choice.learned = PM_LEARNED_CONTACT;
  struct pm_why why;
  assert_int_equal(pm_address_choose(&choice, &loopback, 1, &taken, &why), PM_ERR_DENIED);
  assert_string_equal(why.text, "http://[::1]/ (::1) may not be probed: learned from a source "
                                "outside the address's own network");
}

static void where_an_address_comes_from(void **state) {
  (void)state;
  static const struct {
    const char *text, *override;
    enum pm_address_origin origin;
    const char *written;
  } cases[] = {
      {"http://name.test/", NULL, LOOKUP, ""},
      {"http://10.0.0.1/", NULL, HOST, "10.0.0.1"},
      {"http://[fd00::1]/", NULL, HOST, "fd00::1"},
      {"http://name.test/", "10.0.0.2", OVERRIDE, "10.0.0.2"},
      {"http://10.0.0.1/", "10.0.0.2", OVERRIDE, "10.0.0.2"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pm_endpoint endpoint;
    assert_int_equal(pm_endpoint_parse(cases[i].text, cases[i].override, &endpoint, NULL), PM_OK);
    const struct pm_ip *written;
    assert_int_equal(pm_address_origin_of(&endpoint, &written), cases[i].origin);
    char text[PM_IP_TEXT_BYTES] = "";
    if (written) pm_ip_text(written, text);
    assert_string_equal(text, cases[i].written);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_that_may_and_can_be_connected_to),
      cmocka_unit_test(without_source_and_bind),
      cmocka_unit_test(where_an_address_comes_from),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
