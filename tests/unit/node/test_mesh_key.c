/* The mesh's shared keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/mesh_key.h"

static enum pm_err read_text(const char *text, struct pm_mesh_keys *out, struct pm_why *why) {
  char path[] = "/tmp/pingmesh-key-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
  enum pm_err err = pm_mesh_keys_read(path, out, why);
  unlink(path);
  return err;
}

static void test_keys_are_lines(void **state) {
  (void)state;
  struct pm_mesh_keys keys;
  assert_int_equal(read_text("# new\n  0123456789abcdef \r\n\nfedcba9876543210\n", &keys, NULL),
                   PM_OK);
  assert_int_equal(keys.count, 2);
  assert_string_equal(keys.keys[0], "0123456789abcdef");
  assert_string_equal(keys.keys[1], "fedcba9876543210");
}

static void test_wrong_files(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"", "holds no key"},
      {"# none\n", "holds no key"},
      {"0123456789abcdef\nshort-secret\n", "line 2: a key has 16 to 256"},
      {"0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n",
       "line 5"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pm_mesh_keys keys;
    struct pm_why why = {""};
    assert_int_not_equal(read_text(rows[i].text, &keys, &why), PM_OK);
    if (!strstr(why.text, rows[i].says)) fail_msg("row %zu: %s", i, why.text);
    assert_null(strstr(why.text, "short-secret"));
  }
  struct pm_why why;
  struct pm_mesh_keys keys;
  assert_int_equal(pm_mesh_keys_read("/nonexistent/key", &keys, &why), PM_ERR_IO);
  assert_non_null(strstr(why.text, "/nonexistent/key cannot be read: No such file"));
}

/* A comment longer than any key is still one line: its end must not become a key. */
static void test_long_lines_are_one_line(void **state) {
  (void)state;
  struct pm_mesh_keys keys;
  struct pm_why why = {""};
  char text[2048];
  memset(text, 'x', sizeof text);
  text[0] = '#';
  memcpy(text + 1000, "\n0123456789abcdef\n", 19);
  assert_int_equal(read_text(text, &keys, NULL), PM_OK);
  assert_int_equal(keys.count, 1);
  assert_string_equal(keys.keys[0], "0123456789abcdef");
  memset(text, ' ', 1000);
  memcpy(text + 900, "fedcba9876543210", 16);
  assert_int_equal(read_text(text, &keys, NULL), PM_OK);
  assert_int_equal(keys.count, 2);
  assert_string_equal(keys.keys[0], "fedcba9876543210");
  memset(text, 'x', 257);
  text[257] = '\n';
  assert_int_equal(read_text(text, &keys, &why), PM_ERR_SYNTAX);
  assert_non_null(strstr(why.text, "line 1: "));
}

/* Half a key would let in whoever guesses half as much. */
static void test_a_key_is_not_cut_at_a_byte_of_0(void **state) {
  (void)state;
  static const char text[] = "0123456789abcdef\n0123456789abcdef\0fedcba9876543210\n";
  static const char tail[] = "0123456789abcdef\0\n";
  struct pm_mesh_keys keys;
  struct pm_why why = {""};
  assert_int_equal(pm_mesh_keys_parse(text, sizeof text - 1, &keys, &why), PM_ERR_SYNTAX);
  assert_non_null(strstr(why.text, "line 2: "));
  assert_int_equal(pm_mesh_keys_parse(tail, sizeof tail - 1, &keys, &why), PM_ERR_SYNTAX);
  assert_int_equal(pm_mesh_keys_parse(text, 16, &keys, &why), PM_OK);
}

static void test_a_file_without_end(void **state) {
  (void)state;
  struct pm_mesh_keys keys;
  struct pm_why why = {""};
  assert_int_equal(pm_mesh_keys_read("/dev/zero", &keys, &why), PM_ERR_FULL);
  assert_string_equal(why.text, "--mesh-key-file: /dev/zero has more than 65536 bytes");
  assert_int_equal(pm_mesh_keys_read("/", &keys, &why), PM_ERR_IO);
  assert_string_equal(why.text, "--mesh-key-file: / cannot be read: Is a directory");
}

/* RFC 4231, test case 2, whose key is "Jefe": HMAC-SHA256 begins 5bdcc146bf60754e6a042426089575c7.
 */
static void test_the_mac_is_hmac_sha256(void **state) {
  (void)state;
  static const uint8_t expected[16] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                       0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7};
  struct pm_mesh_keys keys = {.keys = {"another", "Jefe"}, .count = 2};
  uint8_t mac[PM_WIRE_MAC_BYTES];
  pm_mesh_keys_mac(&keys, 1, "what do ya want for nothing?", 28, mac);
  assert_memory_equal(mac, expected, sizeof expected);
  pm_mesh_keys_mac(&keys, 0, "what do ya want for nothing?", 28, mac);
  assert_memory_not_equal(mac, expected, sizeof expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keys_are_lines),
      cmocka_unit_test(test_wrong_files),
      cmocka_unit_test(test_long_lines_are_one_line),
      cmocka_unit_test(test_a_key_is_not_cut_at_a_byte_of_0),
      cmocka_unit_test(test_a_file_without_end),
      cmocka_unit_test(test_the_mac_is_hmac_sha256),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
