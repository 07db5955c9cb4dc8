/* A viewer's zone and its changes: read, written, asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "analysis/zone.h"

enum { AUTUMN_S = 1792890000 }; /* 2026-10-25T01:00:00Z */

static void an_offset_holds_for_ever(void **state) {
  (void)state;
  const struct {
    const char *text;
    int32_t min;
  } cases[] = {{"", 0},          {"Z", 0},        {"+05:30", 330}, {" 05:30", 330},
               {"-08:00", -480}, {"+14:00", 840}, {"-00:30", -30}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_zone zone;
    assert_int_equal(pm_zone_parse(cases[i].text, &zone, NULL), PM_OK);
    assert_int_equal(pm_zone_at(&zone, 0), cases[i].min);
    assert_int_equal(pm_zone_at(&zone, AUTUMN_S), cases[i].min);
  }
}

static void changes_come_at_their_second(void **state) {
  const char *text = "+02:00,2026-10-25T01:00:00Z=+01:00,2027-03-28T01:00:00Z=+02:00";
  struct pm_zone zone;
  char written[PM_ZONE_TEXT_BYTES];
  (void)state;
  assert_int_equal(pm_zone_parse(text, &zone, NULL), PM_OK);
  assert_int_equal(zone.count, 2);
  assert_int_equal(pm_zone_at(&zone, AUTUMN_S - 1), 120);
  assert_int_equal(pm_zone_at(&zone, AUTUMN_S), 60);
  assert_int_equal(pm_zone_at(&zone, zone.changes[1].at_s - 1), 60);
  assert_int_equal(pm_zone_at(&zone, zone.changes[1].at_s), 120);
  pm_zone_text(&zone, written);
  assert_string_equal(written, text);
}

static void what_is_no_zone_is_refused(void **state) {
  (void)state;
  const struct {
    const char *text;
    enum pm_err err;
  } cases[] = {{"UTC", PM_ERR_SYNTAX},
               {"+5:30", PM_ERR_SYNTAX},
               {"+25:00", PM_ERR_SYNTAX},
               {"+05:60", PM_ERR_SYNTAX},
               {"+05:30x", PM_ERR_SYNTAX},
               {"+0a:30", PM_ERR_SYNTAX},
               {"+02:00,", PM_ERR_SYNTAX},
               {"+02:00,2026-10-25T01:00:00Z", PM_ERR_SYNTAX},
               {"+02:00,yesterday=+01:00", PM_ERR_SYNTAX},
               {"+02:00,2026-10-25T01:00:00Z=+1", PM_ERR_SYNTAX},
               {"+02:00,2026-10-25T01:00:00Z=+01:00,2026-10-25T01:00:00Z=+02:00", PM_ERR_RANGE}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_zone zone = {.min = 77};
    struct pm_why why;
    assert_int_equal(pm_zone_parse(cases[i].text, &zone, &why), cases[i].err);
    assert_non_null(strstr(why.text, "zone"));
    assert_int_equal(zone.min, 77);
  }
}

static void more_changes_than_there_is_room_for_are_refused(void **state) {
  char text[512] = "+02:00";
  struct pm_zone zone;
  struct pm_why why;
  (void)state;
  size_t length = strlen(text);
  for (int year = 0; year < PM_ZONE_CHANGES_MAX; year++)
    length += (size_t)snprintf(text + length, sizeof(text) - length, ",%d-10-25T01:00:00Z=+01:00",
                               2020 + year);
  assert_int_equal(pm_zone_parse(text, &zone, &why), PM_OK);
  assert_int_equal(zone.count, PM_ZONE_CHANGES_MAX);
  char written[PM_ZONE_TEXT_BYTES];
  pm_zone_text(&zone, written);
  assert_string_equal(written, text);
  snprintf(text + length, sizeof(text) - length, ",2040-10-25T01:00:00Z=+01:00");
  assert_int_equal(pm_zone_parse(text, &zone, &why), PM_ERR_RANGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_offset_holds_for_ever),
      cmocka_unit_test(changes_come_at_their_second),
      cmocka_unit_test(what_is_no_zone_is_refused),
      cmocka_unit_test(more_changes_than_there_is_room_for_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
