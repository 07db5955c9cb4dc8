#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"

static void an_empty_buffer_is_the_empty_text(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 10);
  assert_string_equal(buf.data, "");
  assert_int_equal(buf.len, 0);
  assert_int_equal(buf.cap, 0);
  pm_buf_append(&buf, NULL, 0);
  pm_buf_text(&buf, "");
  pm_buf_printf(&buf, "%s", "");
  pm_buf_consume(&buf, 5);
  pm_buf_reset(&buf);
  assert_int_equal(buf.cap, 0);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  pm_buf_deinit(&buf);
  pm_buf_deinit(&buf);
  assert_string_equal(buf.data, "");
}

static void appends_follow_each_other(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 100);
  pm_buf_text(&buf, "hello ");
  pm_buf_printf(&buf, "%d", 42);
  pm_buf_char(&buf, '!');
  pm_buf_append(&buf, "a\0b", 3);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  assert_int_equal(buf.len, 12);
  assert_memory_equal(buf.data, "hello 42!a\0b", 13);
  pm_buf_deinit(&buf);
}

static void growing_keeps_the_content(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 100000);
  for (int i = 0; i < 10000; i++) pm_buf_printf(&buf, "%09d\n", i);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  assert_int_equal(buf.len, 100000);
  assert_int_equal(buf.cap, 100001);
  assert_memory_equal(buf.data, "000000000\n000000001\n", 20);
  assert_string_equal(buf.data + 99990, "000009999\n");
  pm_buf_deinit(&buf);
}

static void the_maximum_is_reached_exactly(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 5);
  pm_buf_text(&buf, "12345");
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  pm_buf_char(&buf, '6');
  assert_int_equal(pm_buf_status(&buf), PM_ERR_FULL);
  assert_string_equal(buf.data, "12345");
  pm_buf_deinit(&buf);
}

static void an_append_fits_whole_or_not_at_all(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 5);
  pm_buf_text(&buf, "123");
  pm_buf_printf(&buf, "%s", "456");
  assert_int_equal(pm_buf_status(&buf), PM_ERR_FULL);
  assert_string_equal(buf.data, "123");
  assert_int_equal(buf.len, 3);
  pm_buf_deinit(&buf);
}

static void the_first_failure_sticks_until_reset(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 5);
  pm_buf_text(&buf, "123456");
  pm_buf_text(&buf, "1");
  pm_buf_printf(&buf, "%d", 1);
  assert_string_equal(buf.data, "");
  assert_int_equal(pm_buf_status(&buf), PM_ERR_FULL);
  pm_buf_reset(&buf);
  pm_buf_text(&buf, "1");
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  assert_string_equal(buf.data, "1");
  pm_buf_deinit(&buf);
}

static void what_no_memory_can_hold_is_nomem(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, SIZE_MAX);
  pm_buf_text(&buf, "kept");
  pm_buf_append(&buf, "never read", SIZE_MAX - 4);
  assert_int_equal(pm_buf_status(&buf), PM_ERR_NOMEM);
  assert_string_equal(buf.data, "kept");
  pm_buf_deinit(&buf);
}

static void reset_keeps_the_memory(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 1000);
  pm_buf_text(&buf, "some text");
  size_t cap = buf.cap;
  pm_buf_reset(&buf);
  assert_int_equal(buf.cap, cap);
  assert_string_equal(buf.data, "");
  pm_buf_deinit(&buf);
  assert_int_equal(buf.cap, 0);
  assert_int_equal(buf.bytes_max, 1000);
}

static void consume_drops_from_the_front(void **state) {
  (void)state;
  struct pm_buf buf;
  pm_buf_init(&buf, 8);
  pm_buf_text(&buf, "12345678");
  pm_buf_consume(&buf, 3);
  assert_string_equal(buf.data, "45678");
  pm_buf_text(&buf, "9ab");
  assert_string_equal(buf.data, "456789ab");
  pm_buf_consume(&buf, 100);
  assert_string_equal(buf.data, "");
  assert_int_equal(buf.len, 0);
  assert_int_equal(pm_buf_status(&buf), PM_OK);
  pm_buf_deinit(&buf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_buffer_is_the_empty_text),
      cmocka_unit_test(appends_follow_each_other),
      cmocka_unit_test(growing_keeps_the_content),
      cmocka_unit_test(the_maximum_is_reached_exactly),
      cmocka_unit_test(an_append_fits_whole_or_not_at_all),
      cmocka_unit_test(the_first_failure_sticks_until_reset),
      cmocka_unit_test(what_no_memory_can_hold_is_nomem),
      cmocka_unit_test(reset_keeps_the_memory),
      cmocka_unit_test(consume_drops_from_the_front),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
