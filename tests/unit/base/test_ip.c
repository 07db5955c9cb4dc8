#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/ip.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct pm_ip ip_of(const char *text) {
  struct pm_ip ip = {0};
  if (pm_ip_parse(text, &ip) != PM_OK) fail_msg("%s is no address", text);
  return ip;
}

static struct pm_cidr cidr_of(const char *text) {
  struct pm_cidr cidr = {0};
  struct pm_why why = {""};
  if (pm_cidr_parse(text, &cidr, &why) != PM_OK) fail_msg("%s", why.text);
  return cidr;
}

static void an_address_is_printed_in_its_shortest_form(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *printed;
    enum pm_ip_family family;
  } cases[] = {
      {"0.0.0.0", "0.0.0.0", PM_IP_V4},
      {"192.0.2.1", "192.0.2.1", PM_IP_V4},
      {"255.255.255.255", "255.255.255.255", PM_IP_V4},
      {"::", "::", PM_IP_V6},
      {"::1", "::1", PM_IP_V6},
      {"0:0:0:0:0:0:0:1", "::1", PM_IP_V6},
      {"2001:DB8::000A", "2001:db8::a", PM_IP_V6},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", PM_IP_V6},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", PM_IP_V6},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", PM_IP_V6},
      {"64:ff9b::192.0.2.1", "64:ff9b::c000:201", PM_IP_V6},
      {"::1:8080", "::1:8080", PM_IP_V6},
      {"::127.0.0.1", "::7f00:1", PM_IP_V6},
      {"::8080", "::8080", PM_IP_V6},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       PM_IP_V6},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    char printed[PM_IP_TEXT_BYTES];
    const struct pm_ip ip = ip_of(cases[i].text);
    pm_ip_text(&ip, printed);
    assert_string_equal(printed, cases[i].printed);
    assert_int_equal(ip.family, cases[i].family);
    const struct pm_ip again = ip_of(printed);
    assert_true(pm_ip_equal(&ip, &again));
  }
}

static void a_mapped_address_is_the_ipv4_address_it_reaches(void **state) {
  (void)state;
  static const char *const mapped[] = {"::ffff:127.0.0.1", "::FFFF:7f00:1",
                                       "0:0:0:0:0:ffff:7f00:0001"};
  const struct pm_ip expected = ip_of("127.0.0.1");
  for (size_t i = 0; i < LENGTH(mapped); i++) {
    const struct pm_ip ip = ip_of(mapped[i]);
    assert_int_equal(ip.family, PM_IP_V4);
    assert_memory_equal(&ip, &expected, sizeof(ip));
  }
  static const uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1};
  const struct pm_ip from_bytes = pm_ip_from_bytes(PM_IP_V6, bytes);
  assert_memory_equal(&from_bytes, &expected, sizeof(expected));
}

static void bytes_become_the_address(void **state) {
  (void)state;
  static const uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
  const struct pm_ip v4 = pm_ip_from_bytes(PM_IP_V4, bytes);
  const struct pm_ip v6 = pm_ip_from_bytes(PM_IP_V6, bytes);
  const struct pm_ip none = pm_ip_from_bytes(PM_IP_NONE, NULL);
  const struct pm_ip v4_expected = ip_of("32.1.13.184");
  const struct pm_ip v6_expected = ip_of("2001:db8::7");
  assert_memory_equal(&v4, &v4_expected, sizeof(v4));
  assert_memory_equal(&v6, &v6_expected, sizeof(v6));
  assert_int_equal(none.family, PM_IP_NONE);

  char text[PM_IP_TEXT_BYTES] = "x";
  pm_ip_text(&none, text);
  assert_string_equal(text, "");
}

static void other_spellings_are_no_addresses(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "",
      " ",
      "127.1",
      "127.0.1",
      "2130706433",
      "0x7f000001",
      "0x7f.1",
      "0x7f.0.0.1",
      "0177.0.0.1",
      "127.0.0.01",
      "127.0.0.1.",
      "127.0.0.1 ",
      " 127.0.0.1",
      "127.0.0.256",
      "127.0.0.-1",
      "127.0.0.+1",
      "1.2.3.4.5",
      "1..2.3",
      "127.0.0.1:80",
      "[::1]",
      "::1%lo",
      "fe80::1%eth0",
      ":::",
      "1::2::3",
      "12345::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "::ffff:127.1",
      "::ffff:0177.0.0.1",
      "::g",
      "localhost",
      "\xd9\xa1.2.3.4",
  };
  for (size_t i = 0; i < LENGTH(wrong); i++) {
    struct pm_ip ip = {.family = 77};
    if (pm_ip_parse(wrong[i], &ip) != PM_ERR_SYNTAX) fail_msg("\"%s\" was taken", wrong[i]);
    assert_int_equal(ip.family, 77);
  }
}

static void addresses_are_equal_by_family_and_bytes(void **state) {
  (void)state;
  const struct pm_ip a = ip_of("192.0.2.1");
  const struct pm_ip same = ip_of("::ffff:192.0.2.1");
  const struct pm_ip other = ip_of("192.0.2.2");
  const struct pm_ip v6 = ip_of("c000:201::");
  const struct pm_ip none = {0};
  const struct pm_ip unspecified = ip_of("0.0.0.0");
  assert_true(pm_ip_equal(&a, &same));
  assert_false(pm_ip_equal(&a, &other));
  assert_false(pm_ip_equal(&a, &v6));
  assert_false(pm_ip_equal(&none, &unspecified));
}

static void every_address_has_its_class(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum pm_ip_class class;
  } cases[] = {
      {"8.8.8.8", PM_IP_CLASS_PUBLIC},
      {"1.0.0.0", PM_IP_CLASS_PUBLIC},
      {"0.0.0.0", PM_IP_CLASS_UNSPECIFIED},
      {"0.1.2.3", PM_IP_CLASS_UNSPECIFIED},
      {"9.255.255.255", PM_IP_CLASS_PUBLIC},
      {"10.0.0.0", PM_IP_CLASS_PRIVATE},
      {"10.255.255.255", PM_IP_CLASS_PRIVATE},
      {"11.0.0.0", PM_IP_CLASS_PUBLIC},
      {"100.63.255.255", PM_IP_CLASS_PUBLIC},
      {"100.64.0.0", PM_IP_CLASS_PRIVATE},
      {"100.100.100.199", PM_IP_CLASS_PRIVATE},
      {"100.100.100.200", PM_IP_CLASS_METADATA},
      {"100.127.255.255", PM_IP_CLASS_PRIVATE},
      {"100.128.0.0", PM_IP_CLASS_PUBLIC},
      {"126.255.255.255", PM_IP_CLASS_PUBLIC},
      {"127.0.0.0", PM_IP_CLASS_LOOPBACK},
      {"127.0.0.1", PM_IP_CLASS_LOOPBACK},
      {"127.255.255.255", PM_IP_CLASS_LOOPBACK},
      {"128.0.0.0", PM_IP_CLASS_PUBLIC},
      {"168.63.129.15", PM_IP_CLASS_PUBLIC},
      {"168.63.129.16", PM_IP_CLASS_METADATA},
      {"169.253.255.255", PM_IP_CLASS_PUBLIC},
      {"169.254.0.1", PM_IP_CLASS_LINK_LOCAL},
      {"169.254.169.253", PM_IP_CLASS_LINK_LOCAL},
      {"169.254.169.254", PM_IP_CLASS_METADATA},
      {"169.254.170.2", PM_IP_CLASS_METADATA},
      {"169.254.170.23", PM_IP_CLASS_METADATA},
      {"169.255.0.0", PM_IP_CLASS_PUBLIC},
      {"172.15.255.255", PM_IP_CLASS_PUBLIC},
      {"172.16.0.0", PM_IP_CLASS_PRIVATE},
      {"172.31.255.255", PM_IP_CLASS_PRIVATE},
      {"172.32.0.0", PM_IP_CLASS_PUBLIC},
      {"192.0.0.1", PM_IP_CLASS_RESERVED},
      {"192.0.0.192", PM_IP_CLASS_METADATA},
      {"192.0.1.0", PM_IP_CLASS_PUBLIC},
      {"192.0.2.255", PM_IP_CLASS_RESERVED},
      {"192.88.99.1", PM_IP_CLASS_RESERVED},
      {"192.167.255.255", PM_IP_CLASS_PUBLIC},
      {"192.168.0.0", PM_IP_CLASS_PRIVATE},
      {"192.168.255.255", PM_IP_CLASS_PRIVATE},
      {"192.169.0.0", PM_IP_CLASS_PUBLIC},
      {"198.17.255.255", PM_IP_CLASS_PUBLIC},
      {"198.18.0.0", PM_IP_CLASS_RESERVED},
      {"198.19.255.255", PM_IP_CLASS_RESERVED},
      {"198.51.100.7", PM_IP_CLASS_RESERVED},
      {"203.0.113.7", PM_IP_CLASS_RESERVED},
      {"223.255.255.255", PM_IP_CLASS_PUBLIC},
      {"224.0.0.1", PM_IP_CLASS_MULTICAST},
      {"239.255.255.255", PM_IP_CLASS_MULTICAST},
      {"240.0.0.0", PM_IP_CLASS_RESERVED},
      {"255.255.255.254", PM_IP_CLASS_RESERVED},
      {"255.255.255.255", PM_IP_CLASS_MULTICAST},
      {"::", PM_IP_CLASS_UNSPECIFIED},
      {"::1", PM_IP_CLASS_LOOPBACK},
      {"::2", PM_IP_CLASS_RESERVED},
      {"::127.0.0.1", PM_IP_CLASS_RESERVED},
      {"::ffff:0:127.0.0.1", PM_IP_CLASS_RESERVED},
      {"100::1", PM_IP_CLASS_RESERVED},
      {"1fff:ffff::", PM_IP_CLASS_RESERVED},
      {"2000::1", PM_IP_CLASS_PUBLIC},
      {"2001::1", PM_IP_CLASS_RESERVED},
      {"2001:2::1", PM_IP_CLASS_RESERVED},
      {"2001:1ff:ffff::", PM_IP_CLASS_RESERVED},
      {"2001:200::1", PM_IP_CLASS_PUBLIC},
      {"2001:db7:ffff::", PM_IP_CLASS_PUBLIC},
      {"2001:db8::1", PM_IP_CLASS_RESERVED},
      {"2001:db9::", PM_IP_CLASS_PUBLIC},
      {"2606:4700::1111", PM_IP_CLASS_PUBLIC},
      {"3ffe:ffff::", PM_IP_CLASS_PUBLIC},
      {"3fff:fff::1", PM_IP_CLASS_RESERVED},
      {"3fff:1000::", PM_IP_CLASS_PUBLIC},
      {"4000::1", PM_IP_CLASS_RESERVED},
      {"5f00::1", PM_IP_CLASS_RESERVED},
      {"fbff::1", PM_IP_CLASS_RESERVED},
      {"fc00::1", PM_IP_CLASS_PRIVATE},
      {"fd00:ec2::254", PM_IP_CLASS_METADATA},
      {"fd00:ec2::23", PM_IP_CLASS_METADATA},
      {"fd00:ec2::253", PM_IP_CLASS_PRIVATE},
      {"fd20:ce::254", PM_IP_CLASS_METADATA},
      {"fdff:ffff::", PM_IP_CLASS_PRIVATE},
      {"fe7f::1", PM_IP_CLASS_RESERVED},
      {"fe80::1", PM_IP_CLASS_LINK_LOCAL},
      {"febf::1", PM_IP_CLASS_LINK_LOCAL},
      {"fec0::1", PM_IP_CLASS_RESERVED},
      {"ff02::1", PM_IP_CLASS_MULTICAST},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct pm_ip ip = ip_of(cases[i].text);
    const enum pm_ip_class class = pm_ip_classify(&ip);
    if (class != cases[i].class) fail_msg("%s is %s", cases[i].text, pm_ip_class_text(class));
  }
  const struct pm_ip none = {0};
  assert_int_equal(pm_ip_classify(&none), PM_IP_CLASS_UNSPECIFIED);
}

static void a_carried_address_gives_the_class(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *carried; /* NULL: none */
    enum pm_ip_class class;
  } cases[] = {
      {"64:ff9b::8.8.8.8", "8.8.8.8", PM_IP_CLASS_PUBLIC},
      {"64:ff9b::127.0.0.1", "127.0.0.1", PM_IP_CLASS_LOOPBACK},
      {"64:ff9b::10.1.2.3", "10.1.2.3", PM_IP_CLASS_PRIVATE},
      {"64:ff9b::a9fe:a9fe", "169.254.169.254", PM_IP_CLASS_METADATA},
      {"64:ff9b::0.0.0.0", "0.0.0.0", PM_IP_CLASS_UNSPECIFIED},
      {"64:ff9b::224.0.0.1", "224.0.0.1", PM_IP_CLASS_MULTICAST},
      {"64:ff9b::192.0.2.1", "192.0.2.1", PM_IP_CLASS_RESERVED},
      {"64:ff9b::1:7f00:1", NULL, PM_IP_CLASS_RESERVED},
      {"64:ff9b:1::7f00:1", NULL, PM_IP_CLASS_RESERVED},
      {"2002:808:808::1", "8.8.8.8", PM_IP_CLASS_PUBLIC},
      {"2002:7f00:1::", "127.0.0.1", PM_IP_CLASS_LOOPBACK},
      {"2002:c0a8:101::1", "192.168.1.1", PM_IP_CLASS_PRIVATE},
      {"2002:a9fe:a9fe::1", "169.254.169.254", PM_IP_CLASS_METADATA},
      {"2002:6464:64c8:1::", "100.100.100.200", PM_IP_CLASS_METADATA},
      {"2003:7f00:1::", NULL, PM_IP_CLASS_PUBLIC},
      {"127.0.0.1", NULL, PM_IP_CLASS_LOOPBACK},
      {"::1", NULL, PM_IP_CLASS_LOOPBACK},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct pm_ip ip = ip_of(cases[i].text);
    struct pm_ip carried = {.family = 77};
    const bool carries = pm_ip_carried(&ip, &carried);
    assert_int_equal(carries, cases[i].carried != NULL);
    if (carries) {
      const struct pm_ip expected = ip_of(cases[i].carried);
      assert_memory_equal(&carried, &expected, sizeof(carried));
    } else {
      assert_int_equal(carried.family, 77);
    }
    const enum pm_ip_class class = pm_ip_classify(&ip);
    if (class != cases[i].class) fail_msg("%s is %s", cases[i].text, pm_ip_class_text(class));
  }
}

static void classes_have_names(void **state) {
  (void)state;
  assert_string_equal(pm_ip_class_text(PM_IP_CLASS_PUBLIC), "public");
  assert_string_equal(pm_ip_class_text(PM_IP_CLASS_LINK_LOCAL), "link-local");
  assert_string_equal(pm_ip_class_text(PM_IP_CLASS_RESERVED), "reserved");
  assert_string_equal(pm_ip_class_text(PM_IP_CLASS_COUNT), "unknown");
}

static void a_range_holds_what_shares_its_prefix(void **state) {
  (void)state;
  static const struct {
    const char *range;
    const char *address;
    bool holds;
  } cases[] = {
      {"10.0.0.0/8", "10.0.0.0", true},
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.0.0.0/8", "::ffff:10.1.1.1", true},
      {"10.0.0.0/8", "a00::", false},
      {"10.0.0.0/8", "64:ff9b::10.0.0.1", false},
      {"172.16.0.0/12", "172.31.255.255", true},
      {"172.16.0.0/12", "172.32.0.0", false},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"192.0.2.0/31", "192.0.2.1", true},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"0.0.0.0/0", "::1", false},
      {"128.0.0.0/1", "127.0.0.1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "127.0.0.1", false},
      {"fd00::/8", "fdff::1", true},
      {"fd00::/8", "fc00::1", false},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"2001:db8::1", "2001:db8::1", true},
      {"2001:db8::1/128", "2001:db8::2", false},
      {"::ffff:10.0.0.0/104", "10.9.9.9", true},
      {"::ffff:10.0.0.0/104", "11.9.9.9", false},
      {"::ffff:0:0/96", "192.0.2.1", true},
      {"::ffff:192.0.2.1", "192.0.2.1", true},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const struct pm_cidr range = cidr_of(cases[i].range);
    const struct pm_ip ip = ip_of(cases[i].address);
    if (pm_cidr_contains(&range, &ip) != cases[i].holds) {
      fail_msg("%s and %s", cases[i].range, cases[i].address);
    }
  }
  const struct pm_cidr all = cidr_of("::/0");
  const struct pm_ip none = {0};
  assert_false(pm_cidr_contains(&all, &none));
}

static void a_prefix_counts_the_bits_of_its_family(void **state) {
  (void)state;
  assert_int_equal(cidr_of("10.0.0.0/8").prefix_bits, 8);
  assert_int_equal(cidr_of("10.0.0.1").prefix_bits, 32);
  assert_int_equal(cidr_of("fd00::/8").prefix_bits, 8);
  assert_int_equal(cidr_of("fd00::1").prefix_bits, 128);
  assert_int_equal(cidr_of("::ffff:10.0.0.0/104").prefix_bits, 8);
  assert_int_equal(cidr_of("::ffff:10.0.0.1").prefix_bits, 32);
}

static void a_wrong_range_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum pm_err err;
    const char *sentence;
  } cases[] = {
      {"", PM_ERR_SYNTAX,
       "address range \"\" is none: write an address, or one with a prefix length, as in "
       "10.0.0.0/8 or fd00::/8"},
      {"10/8", PM_ERR_SYNTAX,
       "address range \"10/8\" is none: write an address, or one with a prefix length, as in "
       "10.0.0.0/8 or fd00::/8"},
      {"10.0.0.0/33", PM_ERR_RANGE,
       "address range \"10.0.0.0/33\" has the prefix length \"33\": write a whole number of 0 to "
       "32"},
      {"fd00::/129", PM_ERR_RANGE,
       "address range \"fd00::/129\" has the prefix length \"129\": write a whole number of 0 to "
       "128"},
      {"::ffff:10.0.0.0/95", PM_ERR_RANGE,
       "address range \"::ffff:10.0.0.0/95\" has the prefix length \"95\": write a whole number of "
       "96 to 128"},
      {"10.0.0.0/", PM_ERR_SYNTAX,
       "address range \"10.0.0.0/\" has the prefix length \"\": write a whole number of 0 to 32"},
      {"10.0.0.0/08", PM_ERR_SYNTAX,
       "address range \"10.0.0.0/08\" has the prefix length \"08\": write a whole number of 0 to "
       "32"},
      {"10.0.0.0/+8", PM_ERR_SYNTAX,
       "address range \"10.0.0.0/+8\" has the prefix length \"+8\": write a whole number of 0 to "
       "32"},
      {"10.0.0.0/8/8", PM_ERR_SYNTAX,
       "address range \"10.0.0.0/8/8\" has the prefix length \"8/8\": write a whole number of 0 to "
       "32"},
      {"10.0.0.0/4294967304", PM_ERR_SYNTAX,
       "address range \"10.0.0.0/4294967304\" has the prefix length \"4294967304\": write a whole "
       "number of 0 to 32"},
      {"10.1.2.3/8", PM_ERR_SYNTAX,
       "address range \"10.1.2.3/8\" has bits below its prefix: write 10.0.0.0/8 for the range or "
       "10.1.2.3 for the one address"},
      {"2001:db8::1/64", PM_ERR_SYNTAX,
       "address range \"2001:db8::1/64\" has bits below its prefix: write 2001:db8::/64 for the "
       "range or 2001:db8::1 for the one address"},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    struct pm_cidr cidr = {.prefix_bits = 77};
    struct pm_why why = {""};
    assert_int_equal(pm_cidr_parse(cases[i].text, &cidr, &why), cases[i].err);
    assert_string_equal(why.text, cases[i].sentence);
    assert_int_equal(cidr.prefix_bits, 77);
    assert_int_equal(pm_cidr_parse(cases[i].text, &cidr, NULL), cases[i].err);
  }
}

static void a_range_of_any_length_is_only_refused(void **state) {
  (void)state;
  char text[5000];
  memset(text, '1', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  struct pm_cidr cidr;
  struct pm_why why = {""};
  assert_int_equal(pm_cidr_parse(text, &cidr, &why), PM_ERR_SYNTAX);
  assert_non_null(strstr(why.text, "as in 10.0.0.0/8"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_address_is_printed_in_its_shortest_form),
      cmocka_unit_test(a_mapped_address_is_the_ipv4_address_it_reaches),
      cmocka_unit_test(bytes_become_the_address),
      cmocka_unit_test(other_spellings_are_no_addresses),
      cmocka_unit_test(addresses_are_equal_by_family_and_bytes),
      cmocka_unit_test(every_address_has_its_class),
      cmocka_unit_test(a_carried_address_gives_the_class),
      cmocka_unit_test(classes_have_names),
      cmocka_unit_test(a_range_holds_what_shares_its_prefix),
      cmocka_unit_test(a_prefix_counts_the_bits_of_its_family),
      cmocka_unit_test(a_wrong_range_is_refused_with_a_sentence),
      cmocka_unit_test(a_range_of_any_length_is_only_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
