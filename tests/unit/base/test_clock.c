#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct pm_time at(int64_t ns) {
  return (struct pm_time){ns};
}

static void the_clocks_run(void **state) {
  (void)state;
  struct pm_time first = pm_clock_now();
  struct pm_time second = pm_clock_now();
  assert_true(first.ns > 0);
  assert_true(pm_time_since_ns(second, first) >= 0);
  /* 2024-01-01, before which this test was not written. */
  assert_true(pm_clock_wall().ns > INT64_C(1704067200) * PM_NS_PER_S);
}

static void adding_moves_and_saturates(void **state) {
  (void)state;
  assert_int_equal(pm_time_add_ns(at(5), 7).ns, 12);
  assert_int_equal(pm_time_add_ns(at(5), -7).ns, -2);
  assert_int_equal(pm_time_add_ms(at(5), 2).ns, 2000005);
  assert_int_equal(pm_time_add_ns(at(INT64_MAX - 1), 2).ns, INT64_MAX);
  assert_int_equal(pm_time_add_ns(at(INT64_MIN + 1), -2).ns, INT64_MIN);
  assert_int_equal(pm_time_add_ms(at(1), INT64_MAX).ns, INT64_MAX);
  assert_int_equal(pm_time_add_ms(at(-1), INT64_MIN).ns, INT64_MIN);
}

static void never_stays_never(void **state) {
  (void)state;
  assert_int_equal(pm_time_add_ns(PM_TIME_NEVER, -1).ns, INT64_MAX);
  assert_int_equal(pm_time_add_ms(PM_TIME_NEVER, -1000).ns, INT64_MAX);
  assert_true(pm_time_before(at(INT64_MAX - 1), PM_TIME_NEVER));
  assert_false(pm_time_before(PM_TIME_NEVER, PM_TIME_NEVER));
}

static void since_is_signed_and_saturates(void **state) {
  (void)state;
  assert_int_equal(pm_time_since_ns(at(10), at(3)), 7);
  assert_int_equal(pm_time_since_ns(at(3), at(10)), -7);
  assert_int_equal(pm_time_since_ns(at(INT64_MAX), at(-1)), INT64_MAX);
  assert_int_equal(pm_time_since_ns(at(-2), at(INT64_MAX)), INT64_MIN);
}

static void min_is_the_earlier(void **state) {
  (void)state;
  assert_int_equal(pm_time_min(at(3), at(10)).ns, 3);
  assert_int_equal(pm_time_min(at(10), at(3)).ns, 3);
  assert_int_equal(pm_time_min(PM_TIME_NEVER, at(3)).ns, 3);
}

static const struct {
  int64_t ns;
  bool fraction;
  const char *text;
} written[] = {
    {0, true, "0001-01-01T00:00:00Z"},
    {INT64_C(1795343569000000000), false, "2026-11-22T10:32:49Z"},
    {INT64_C(1795343570072294244), true, "2026-11-22T10:32:50.072294244Z"},
    {INT64_C(1795343570072294244), false, "2026-11-22T10:32:50Z"},
    {INT64_C(1795343571177433650), true, "2026-11-22T10:32:51.17743365Z"},
    {INT64_C(1795343571500000000), true, "2026-11-22T10:32:51.5Z"},
    {INT64_C(1795343571000000000), true, "2026-11-22T10:32:51Z"},
    {1, true, "1970-01-01T00:00:00.000000001Z"},
    {INT64_C(951782400000000000), false, "2000-02-29T00:00:00Z"},
    {INT64_MAX, true, "2262-04-11T23:47:16.854775807Z"},
    {-1, true, "1969-12-31T23:59:59.999999999Z"},
};

static void calendar_times_read_as_in_go(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(written); i++) {
    char text[PM_TIME_TEXT_BYTES];
    pm_wall_rfc3339((struct pm_wall){written[i].ns}, written[i].fraction, text);
    assert_string_equal(text, written[i].text);
  }
}

static const struct {
  const char *text;
  enum pm_err err;
  int64_t ns;
} parsed[] = {
    {"2026-11-22T10:32:49Z", PM_OK, INT64_C(1795343569000000000)},
    {"2026-11-22T10:32:50.072294244Z", PM_OK, INT64_C(1795343570072294244)},
    {"2026-11-22T10:32:50.5Z", PM_OK, INT64_C(1795343570500000000)},
    {"2026-11-22T10:32:50.0722942449999Z", PM_OK, INT64_C(1795343570072294244)},
    {"2026-11-22T11:32:49+01:00", PM_OK, INT64_C(1795343569000000000)},
    {"2026-11-22T03:02:49-07:30", PM_OK, INT64_C(1795343569000000000)},
    {"1970-01-01T00:30:00+00:30", PM_OK, 0},
    {"0001-01-01T00:00:00Z", PM_OK, 0},
    {"2000-02-29T00:00:00Z", PM_OK, INT64_C(951782400000000000)},
    {"2262-04-11T23:47:16.854775807Z", PM_OK, INT64_MAX},
    {"2262-04-11T23:47:16.854775808Z", PM_ERR_RANGE, 0},
    {"2262-04-11T23:47:17Z", PM_ERR_RANGE, 0},
    {"9999-12-31T23:59:59Z", PM_ERR_RANGE, 0},
    {"1969-12-31T23:59:59.999Z", PM_ERR_RANGE, 0},
    {"1970-01-01T00:30:00+00:31", PM_ERR_RANGE, 0},
    {"0000-01-01T00:00:00Z", PM_ERR_RANGE, 0},
    {"", PM_ERR_SYNTAX, 0},
    {"2026", PM_ERR_SYNTAX, 0},
    {"2026-11-22", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49", PM_ERR_SYNTAX, 0},
    {"2026-11-22 10:32:49Z", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49z", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49Z ", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49.Z", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49+0100", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49+24:00", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49+01:60", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:49+01:00Z", PM_ERR_SYNTAX, 0},
    {"2026-11-22T24:00:00Z", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:60:00Z", PM_ERR_SYNTAX, 0},
    {"2026-11-22T10:32:60Z", PM_ERR_SYNTAX, 0},
    {"2026-00-22T10:32:49Z", PM_ERR_SYNTAX, 0},
    {"2026-13-22T10:32:49Z", PM_ERR_SYNTAX, 0},
    {"2026-11-00T10:32:49Z", PM_ERR_SYNTAX, 0},
    {"2026-11-31T10:32:49Z", PM_ERR_SYNTAX, 0},
    {"2026-02-29T10:32:49Z", PM_ERR_SYNTAX, 0},
    {"2100-02-29T10:32:49Z", PM_ERR_SYNTAX, 0},
    {"-026-11-22T10:32:49Z", PM_ERR_SYNTAX, 0},
};

static void calendar_times_are_read_strictly(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(parsed); i++) {
    struct pm_wall wall = {-77};
    enum pm_err err = pm_wall_parse(parsed[i].text, &wall);
    if (err != parsed[i].err) fail_msg("\"%s\" is %s", parsed[i].text, pm_err_name(err));
    assert_int_equal(wall.ns, err == PM_OK ? parsed[i].ns : -77);
  }
}

static void a_calendar_time_takes_any_format(void **state) {
  (void)state;
  struct pm_wall t = {INT64_C(1795343569000000000)};
  char out[20];
  pm_wall_format(t, "%Y/%m/%d %H:%M:%S", out, sizeof(out));
  assert_string_equal(out, "2026/11/22 10:32:49");
  memset(out, 'x', sizeof(out));
  pm_wall_format(t, "%Y/%m/%d %H:%M:%S.", out, sizeof(out));
  assert_string_equal(out, "");
}

static const struct {
  int64_t seconds;
  const char *text;
} durations[] = {
    {-5, "0s"},
    {0, "0s"},
    {4, "4s"},
    {59, "59s"},
    {60, "1m00s"},
    {65, "1m05s"},
    {3599, "59m59s"},
    {3600, "1h00m00s"},
    {4522, "1h15m22s"},
    {86399, "23h59m59s"},
    {86400, "1d0h00m00s"},
    {183601, "2d3h00m01s"},
    {INT64_MAX, "106751991167300d15h30m07s"},
};

static void durations_read_as_in_the_original(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(durations); i++) {
    char text[PM_TIME_TEXT_BYTES];
    pm_duration_text(durations[i].seconds, text);
    assert_string_equal(text, durations[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_clocks_run),
      cmocka_unit_test(adding_moves_and_saturates),
      cmocka_unit_test(never_stays_never),
      cmocka_unit_test(since_is_signed_and_saturates),
      cmocka_unit_test(min_is_the_earlier),
      cmocka_unit_test(calendar_times_read_as_in_go),
      cmocka_unit_test(calendar_times_are_read_strictly),
      cmocka_unit_test(a_calendar_time_takes_any_format),
      cmocka_unit_test(durations_read_as_in_the_original),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
