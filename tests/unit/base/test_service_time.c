#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/service_time.h"

static void what_is_written_is_read(void **state) {
  (void)state;
  static const struct {
    struct pm_service_time time;
    const char *text;
  } table[] = {
      {{137, 1795343367000321, 1795343367000458}, "137; rx=1795343367000321; tx=1795343367000458"},
      {{0, 1, 1}, "0; rx=1; tx=1"},
      {{9999999999999999, 9999999999999999, 9999999999999999},
       "9999999999999999; rx=9999999999999999; tx=9999999999999999"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char text[PM_SERVICE_TIME_BYTES];
    struct pm_service_time read;
    pm_service_time_write(&table[i].time, text);
    assert_string_equal(text, table[i].text);
    assert_int_equal(pm_service_time_read(text, strlen(text), &read), PM_OK);
    assert_memory_equal(&read, &table[i].time, sizeof read);
  }
}

static void what_a_later_version_adds_is_let_pass(void **state) {
  (void)state;
  static const struct {
    const char *text;
    struct pm_service_time time;
  } table[] = {
      {"12", {12, 0, 0}},
      {" 12 ", {12, 0, 0}},
      {"12;tx=5", {12, 0, 5}},
      {"12 ; queue=3 ; rx=4", {12, 4, 0}},
      {"12; zone=\"a b\"", {12, 0, 0}},
      {"12;", {12, 0, 0}},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct pm_service_time read;
    enum pm_err err = pm_service_time_read(table[i].text, strlen(table[i].text), &read);
    if (err != PM_OK) fail_msg("\"%s\": %s", table[i].text, pm_err_text(err));
    assert_memory_equal(&read, &table[i].time, sizeof read);
  }
}

static void nonsense_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum pm_err err;
  } table[] = {
      {"", PM_ERR_SYNTAX},
      {" ", PM_ERR_SYNTAX},
      {"-1", PM_ERR_SYNTAX},
      {"+1", PM_ERR_SYNTAX},
      {"1.5", PM_ERR_SYNTAX},
      {"0x10", PM_ERR_SYNTAX},
      {"12 13", PM_ERR_SYNTAX},
      {"12; rx=", PM_ERR_SYNTAX},
      {"12; rx=-4", PM_ERR_SYNTAX},
      {"12; tx=4x", PM_ERR_SYNTAX},
      {"12345678901234567", PM_ERR_RANGE},
      {"1; tx=12345678901234567", PM_ERR_RANGE},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct pm_service_time read = {.spent_us = 77};
    assert_int_equal(pm_service_time_read(table[i].text, strlen(table[i].text), &read),
                     table[i].err);
    assert_int_equal(read.spent_us, 77); /* written only on success */
  }
}

static void a_value_has_an_end(void **state) {
  (void)state;
  char text[PM_SERVICE_TIME_VALUE_BYTES_MAX];
  struct pm_service_time read;
  memset(text, 'x', sizeof text);
  memcpy(text, "1;", 2);
  assert_int_equal(pm_service_time_read(text, sizeof text - 1, &read), PM_OK);
  assert_int_equal(pm_service_time_read(text, sizeof text, &read), PM_ERR_TOO_LARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(what_a_later_version_adds_is_let_pass),
      cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(a_value_has_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
