#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/policy.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum { RULES_A_CASE = 3 };

static struct pm_ip ip_of(const char *text) {
  struct pm_ip ip = {0};
  if (text != NULL && pm_ip_parse(text, &ip) != PM_OK) fail_msg("%s is no address", text);
  return ip;
}

/* A rule is written as "+text" (allow) or "-text" (deny). */
static void add_rule(struct pm_policy *policy, const char *rule) {
  struct pm_why why = {""};
  if (pm_policy_add(policy, rule[0] == '+', rule + 1, &why) != PM_OK) fail_msg("%s", why.text);
}

static const char *check(const struct pm_policy *policy, enum pm_learned learned,
                         const char *source, const char *host, const char *address) {
  const struct pm_ip from = ip_of(source);
  const struct pm_ip to = ip_of(address);
  return pm_policy_text(pm_policy_check(policy, learned, &from, host, &to));
}

static void without_rules_the_class_decides(void **state) {
  (void)state;
  enum { YES = PM_POLICY_ALLOWED, CLASS = PM_POLICY_CLASS, SCOPE = PM_POLICY_SCOPE };
  enum { META = PM_POLICY_METADATA };
  static const struct {
    const char *address;
    int config;
    int operator_;
    int public_source;
    int loopback_source;
    int private_source;
  } cases[] = {
      {"8.8.8.8", YES, YES, YES, YES, YES},
      {"2606:4700::1111", YES, YES, YES, YES, YES},
      {"64:ff9b::8.8.8.8", YES, YES, YES, YES, YES},
      {"127.0.0.1", YES, YES, SCOPE, YES, SCOPE},
      {"::1", YES, YES, SCOPE, YES, SCOPE},
      {"::ffff:127.0.0.1", YES, YES, SCOPE, YES, SCOPE},
      {"64:ff9b::127.0.0.1", YES, YES, SCOPE, YES, SCOPE},
      {"10.1.2.3", YES, YES, SCOPE, SCOPE, YES},
      {"100.64.0.1", YES, YES, SCOPE, SCOPE, YES},
      {"fd00::1", YES, YES, SCOPE, SCOPE, YES},
      {"2002:c0a8:101::1", YES, YES, SCOPE, SCOPE, YES},
      {"169.254.1.1", YES, YES, CLASS, CLASS, CLASS},
      {"fe80::1", YES, YES, CLASS, CLASS, CLASS},
      {"192.0.2.1", YES, YES, CLASS, CLASS, CLASS},
      {"2001:db8::1", YES, YES, CLASS, CLASS, CLASS},
      {"169.254.169.254", YES, META, META, META, META},
      {"fd00:ec2::254", YES, META, META, META, META},
      {"100.100.100.200", YES, META, META, META, META},
      {"168.63.129.16", YES, META, META, META, META},
      {"::ffff:169.254.169.254", YES, META, META, META, META},
      {"64:ff9b::169.254.169.254", YES, META, META, META, META},
      {"2002:a9fe:a9fe::1", YES, META, META, META, META},
      {"224.0.0.1", CLASS, CLASS, CLASS, CLASS, CLASS},
      {"255.255.255.255", CLASS, CLASS, CLASS, CLASS, CLASS},
      {"ff02::1", CLASS, CLASS, CLASS, CLASS, CLASS},
      {"0.0.0.0", CLASS, CLASS, CLASS, CLASS, CLASS},
      {"0.0.0.1", CLASS, CLASS, CLASS, CLASS, CLASS},
      {"::", CLASS, CLASS, CLASS, CLASS, CLASS},
      {"64:ff9b::", CLASS, CLASS, CLASS, CLASS, CLASS},
      {NULL, CLASS, CLASS, CLASS, CLASS, CLASS},
  };
  const struct pm_policy policy = {0};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct {
      const char *source;
      enum pm_learned learned;
      int verdict;
    } ways[] = {
        {NULL, PM_LEARNED_CONFIG, cases[i].config},
        {NULL, PM_LEARNED_OPERATOR, cases[i].operator_},
        {"8.8.4.4", PM_LEARNED_PEER, cases[i].public_source},
        {"8.8.4.4", PM_LEARNED_CONTACT, cases[i].public_source},
        {NULL, PM_LEARNED_PEER, cases[i].public_source},
        {"127.0.0.9", PM_LEARNED_PEER, cases[i].loopback_source},
        {"::1", PM_LEARNED_CONTACT, cases[i].loopback_source},
        {"192.168.1.1", PM_LEARNED_PEER, cases[i].private_source},
        {"fd12::1", PM_LEARNED_CONTACT, cases[i].private_source},
    };
    for (size_t k = 0; k < LENGTH(ways); k++) {
      const char *verdict =
          check(&policy, ways[k].learned, ways[k].source, "example.net", cases[i].address);
      if (strcmp(verdict, pm_policy_text(ways[k].verdict)) != 0) {
        fail_msg("%s from %s by %s: %s", cases[i].address, pm_learned_text(ways[k].learned),
                 ways[k].source, verdict);
      }
    }
  }
}

static void no_source_at_all_is_no_scope(void **state) {
  (void)state;
  const struct pm_policy policy = {0};
  const struct pm_ip local = ip_of("127.0.0.1");
  const struct pm_ip none = {0};
  assert_int_equal(pm_policy_check(&policy, PM_LEARNED_PEER, NULL, NULL, &local), PM_POLICY_SCOPE);
  assert_int_equal(pm_policy_check(&policy, PM_LEARNED_PEER, &none, NULL, &local), PM_POLICY_SCOPE);
}

static void rules_come_before_the_class(void **state) {
  (void)state;
  enum { YES = PM_POLICY_ALLOWED, NO = PM_POLICY_DENY_RULE, CLASS = PM_POLICY_CLASS };
  enum { SCOPE = PM_POLICY_SCOPE, META = PM_POLICY_METADATA };
  enum { CONFIG = PM_LEARNED_CONFIG, OPERATOR = PM_LEARNED_OPERATOR, PEER = PM_LEARNED_PEER };
  static const struct {
    const char *rules[RULES_A_CASE];
    const char *host;
    const char *address;
    int learned;
    int verdict;
  } cases[] = {
      /* A deny rule counts for everybody. */
      {{"-8.8.8.0/24"}, "a", "8.8.8.8", CONFIG, NO},
      {{"-8.8.8.0/24"}, "a", "8.8.8.8", OPERATOR, NO},
      {{"-8.8.8.0/24"}, "a", "8.8.8.8", PEER, NO},
      {{"-8.8.8.0/24"}, "a", "8.8.9.8", PEER, YES},
      {{"-8.8.8.8"}, "a", "::ffff:8.8.8.8", PEER, NO},
      {{"-2606:4700::/32"}, "a", "2606:4700::1111", PEER, NO},
      {{"-::/0"}, "a", "8.8.8.8", PEER, YES},
      /* An allow rule opens a class, but never these. */
      {{"+10.0.0.0/8"}, "a", "10.1.2.3", PEER, YES},
      {{"+10.0.0.0/8"}, "a", "192.168.1.1", PEER, SCOPE},
      {{"+127.0.0.0/8"}, "a", "127.0.0.1", PEER, YES},
      {{"+169.254.0.0/16"}, "a", "169.254.1.1", PEER, YES},
      {{"+2001:db8::/32"}, "a", "2001:db8::1", PEER, YES},
      {{"+169.254.169.254"}, "a", "169.254.169.254", PEER, YES},
      {{"+169.254.169.254"}, "a", "169.254.169.254", OPERATOR, YES},
      {{"+0.0.0.0/0"}, "a", "0.0.0.0", CONFIG, CLASS},
      {{"+0.0.0.0/0"}, "a", "224.0.0.1", CONFIG, CLASS},
      {{"+::/0"}, "a", "ff02::1", PEER, CLASS},
      /* The longer prefix wins, deny on a tie, whatever the order. */
      {{"-10.0.0.0/8", "+10.1.0.0/16"}, "a", "10.1.2.3", PEER, YES},
      {{"+10.1.0.0/16", "-10.0.0.0/8"}, "a", "10.1.2.3", PEER, YES},
      {{"-10.0.0.0/8", "+10.1.0.0/16"}, "a", "10.2.2.3", PEER, NO},
      {{"+10.0.0.0/8", "-10.1.0.0/16"}, "a", "10.1.2.3", PEER, NO},
      {{"+10.0.0.0/8", "-10.1.0.0/16", "+10.1.2.3"}, "a", "10.1.2.3", PEER, YES},
      {{"+10.0.0.0/8", "-10.0.0.0/8"}, "a", "10.1.2.3", PEER, NO},
      {{"-10.0.0.0/8", "+10.0.0.0/8"}, "a", "10.1.2.3", PEER, NO},
      /* Domains: the name itself and those below, in any case. */
      {{"-example.net"}, "example.net", "8.8.8.8", CONFIG, NO},
      {{"-Example.NET."}, "a.B.EXAMPLE.net", "8.8.8.8", CONFIG, NO},
      {{"-example.net"}, "badexample.net", "8.8.8.8", CONFIG, YES},
      {{"-example.net"}, NULL, "8.8.8.8", CONFIG, YES},
      {{"-example.net"}, "", "8.8.8.8", CONFIG, YES},
      {{"+example.net"}, "a.example.net", "10.1.2.3", PEER, YES},
      {{"+example.net"}, "a.example.org", "10.1.2.3", PEER, SCOPE},
      {{"-example.net", "+a.example.net"}, "a.example.net", "10.1.2.3", PEER, YES},
      {{"+example.net", "-a.example.net"}, "b.a.example.net", "10.1.2.3", PEER, NO},
      {{"+example.net", "-example.net"}, "example.net", "8.8.8.8", PEER, NO},
      {{"+example.net"}, "example.net", "169.254.1.1", PEER, YES},
      {{"+example.net"}, "example.net", "224.0.0.1", PEER, CLASS},
      {{"+example.net"}, "example.net", "169.254.169.254", PEER, META},
      {{"+example.net"}, "example.net", "169.254.169.254", OPERATOR, META},
      /* Between a range and a domain, deny wins. */
      {{"-10.0.0.0/8", "+example.net"}, "example.net", "10.1.2.3", PEER, NO},
      {{"+10.1.2.3", "-net"}, "example.net", "10.1.2.3", PEER, NO},
      {{"+10.1.2.3", "+example.net"}, "example.net", "10.1.2.3", PEER, YES},
      /* What an address carries can be denied, but opens nothing. */
      {{"-10.0.0.0/8"}, "a", "64:ff9b::10.1.2.3", CONFIG, NO},
      {{"-8.8.8.8"}, "a", "2002:808:808::1", PEER, NO},
      {{"-64:ff9b::/96"}, "a", "64:ff9b::8.8.8.8", PEER, NO},
      {{"-10.0.0.0/8", "+64:ff9b::/96"}, "a", "64:ff9b::10.1.2.3", PEER, NO},
      {{"-10.0.0.0/8", "+10.1.0.0/16"}, "a", "64:ff9b::10.1.2.3", CONFIG, YES},
      {{"+10.0.0.0/8"}, "a", "64:ff9b::10.1.2.3", PEER, SCOPE},
      {{"+64:ff9b::/96"}, "a", "64:ff9b::10.1.2.3", PEER, YES},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_policy policy = {0};
    for (size_t k = 0; k < RULES_A_CASE && cases[i].rules[k] != NULL; k++) {
      add_rule(&policy, cases[i].rules[k]);
    }
    const char *verdict =
        check(&policy, (enum pm_learned)cases[i].learned, NULL, cases[i].host, cases[i].address);
    if (strcmp(verdict, pm_policy_text(cases[i].verdict)) != 0) {
      fail_msg("case %zu, %s: %s", i, cases[i].rules[0], verdict);
    }
  }
}

static void a_name_beside_an_override_opens_nothing(void **state) {
  (void)state;
  static const struct {
    const char *rule;
    const char *address;
    enum pm_policy_verdict looked_up;
    enum pm_policy_verdict override;
  } cases[] = {
      {"+example.net", "10.1.2.3", PM_POLICY_ALLOWED, PM_POLICY_SCOPE},
      {"+example.net", "169.254.1.1", PM_POLICY_ALLOWED, PM_POLICY_CLASS},
      {"+example.net", "8.8.8.8", PM_POLICY_ALLOWED, PM_POLICY_ALLOWED},
      {"-example.net", "8.8.8.8", PM_POLICY_DENY_RULE, PM_POLICY_DENY_RULE},
      {"+10.0.0.0/8", "10.1.2.3", PM_POLICY_ALLOWED, PM_POLICY_ALLOWED},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_policy policy = {0};
    const struct pm_ip source = ip_of("8.8.4.4");
    const struct pm_ip address = ip_of(cases[i].address);
    add_rule(&policy, cases[i].rule);
    assert_int_equal(pm_policy_check(&policy, PM_LEARNED_PEER, &source, "a.example.net", &address),
                     cases[i].looked_up);
    assert_int_equal(
        pm_policy_check_override(&policy, PM_LEARNED_PEER, &source, "a.example.net", &address),
        cases[i].override);
  }
}

static void a_rule_is_a_range_or_a_domain(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *suffix;
    int prefix_bits;
    bool is_suffix;
  } cases[] = {
      {"10.0.0.0/8", "", 8, false},
      {"10.1.2.3", "", 32, false},
      {"fd00::/8", "", 8, false},
      {"::1", "", 128, false},
      {"example.net", "example.net", 0, true},
      {"LOCALHOST.", "localhost", 0, true},
      {"face.example", "face.example", 0, true},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_policy policy = {0};
    add_rule(&policy, "-203.0.113.1");
    assert_int_equal(pm_policy_add(&policy, true, cases[i].text, NULL), PM_OK);
    assert_int_equal(policy.count, 2);
    assert_true(policy.rules[1].allow);
    assert_false(policy.rules[0].allow);
    assert_int_equal(policy.rules[1].is_suffix, cases[i].is_suffix);
    assert_string_equal(policy.rules[1].suffix, cases[i].suffix);
    assert_int_equal(policy.rules[1].cidr.prefix_bits, cases[i].prefix_bits);
  }
}

static void a_wrong_rule_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const char DOMAIN[] = "is wrong: write an address, a range as in 10.0.0.0/8, or a domain "
                               "as in example.net, which covers itself and every name below it";
  static const char RANGE[] = "is none: write an address, or one with a prefix length, as in "
                              "10.0.0.0/8 or fd00::/8";
  static const struct {
    const char *text;
    enum pm_err err;
    const char *thing;
    const char *sentence;
  } cases[] = {
      {"", PM_ERR_SYNTAX, "rule", DOMAIN},
      {".", PM_ERR_SYNTAX, "rule", DOMAIN},
      {".example.net", PM_ERR_SYNTAX, "rule", DOMAIN},
      {"*.example.net", PM_ERR_SYNTAX, "rule", DOMAIN},
      {"exam ple", PM_ERR_SYNTAX, "rule", DOMAIN},
      {"10", PM_ERR_SYNTAX, "address range", RANGE},
      {"127.1", PM_ERR_SYNTAX, "address range", RANGE},
      {"0x7f.1", PM_ERR_SYNTAX, "address range", RANGE},
      {"[::1]", PM_ERR_SYNTAX, "address range", RANGE},
      {"example.net:80", PM_ERR_SYNTAX, "address range", RANGE},
      {"http://example.net/", PM_ERR_SYNTAX, "address range", RANGE},
      {"10.0.0.0/33", PM_ERR_RANGE, "address range", "write a whole number of 0 to 32"},
      {"10.0.0.1/8", PM_ERR_SYNTAX, "address range", "write 10.0.0.0/8 for the range"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_policy policy = {0};
    struct pm_why why = {""};
    char start[64];
    (void)snprintf(start, sizeof(start), "%s \"%s\"", cases[i].thing, cases[i].text);
    assert_int_equal(pm_policy_add(&policy, true, cases[i].text, &why), cases[i].err);
    if (strncmp(why.text, start, strlen(start)) != 0) fail_msg("%s", why.text);
    if (strstr(why.text, cases[i].sentence) == NULL) fail_msg("%s", why.text);
    assert_int_equal(policy.count, 0);
  }
}

static void a_name_of_any_length_is_only_refused(void **state) {
  (void)state;
  char text[3000];
  struct pm_policy policy = {0};
  memset(text, 'a', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  assert_int_equal(pm_policy_add(&policy, true, text, NULL), PM_ERR_TOO_LARGE);
  assert_int_equal(policy.count, 0);
}

static void there_is_a_largest_number_of_rules(void **state) {
  (void)state;
  struct pm_policy policy = {0};
  struct pm_why why = {""};
  for (int i = 0; i < 64; i++) add_rule(&policy, "-example.net");
  assert_int_equal(pm_policy_add(&policy, true, "example.org", &why), PM_ERR_FULL);
  assert_string_equal(why.text, "rule \"example.org\" is one too many: at most 64 rules are "
                                "possible, write wider ranges");
  assert_int_equal(policy.count, 64);
}

static void ways_and_verdicts_have_names(void **state) {
  (void)state;
  assert_string_equal(pm_learned_text(PM_LEARNED_CONFIG), "config");
  assert_string_equal(pm_learned_text(PM_LEARNED_CONTACT), "contact");
  assert_string_equal(pm_learned_text(PM_LEARNED_COUNT), "unknown");
  assert_string_equal(pm_policy_text(PM_POLICY_ALLOWED), "allowed");
  assert_string_equal(pm_policy_text(PM_POLICY_METADATA), "a cloud metadata service");
  assert_string_equal(pm_policy_text(PM_POLICY_COUNT), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_rules_the_class_decides),
      cmocka_unit_test(no_source_at_all_is_no_scope),
      cmocka_unit_test(rules_come_before_the_class),
      cmocka_unit_test(a_name_beside_an_override_opens_nothing),
      cmocka_unit_test(a_rule_is_a_range_or_a_domain),
      cmocka_unit_test(a_wrong_rule_is_refused_with_a_sentence),
      cmocka_unit_test(a_name_of_any_length_is_only_refused),
      cmocka_unit_test(there_is_a_largest_number_of_rules),
      cmocka_unit_test(ways_and_verdicts_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
