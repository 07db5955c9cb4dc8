/* What /v1/history and /v1/profile may be asked, and what is refused, with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/past_ask.h"

enum { HOUR_S = 3600, DAY_S = 86400 };
static const int64_t NOW_S = 1795200000; /* 2026-11-20T18:40:00Z */

static enum pm_err read(enum pm_past_kind kind, const char *query, struct pm_past_ask *out,
                        struct pm_why *why) {
  struct pm_form form;
  assert_int_equal(pm_form_parse(query, strlen(query), &form, why), PM_OK);
  return pm_past_ask_read(&form, kind, (struct pm_wall){NOW_S * PM_NS_PER_S}, out, why);
}

static void series_are_read(void **state) {
  static const struct {
    const char *query;
    int64_t since_s, until_s, step_s;
    enum pm_phase phase;
  } cases[] = {
      {"to=a", NOW_S - 6 * HOUR_S, NOW_S, 60, PM_PHASE_TCP},
      {"to=a&since=-90m", NOW_S - 5400, NOW_S, 60, PM_PHASE_TCP},
      {"to=a&since=-2d&from=b", NOW_S - 2 * DAY_S, NOW_S, 600, PM_PHASE_TCP},
      {"to=a&since=-30d&phase=total", NOW_S - 30 * DAY_S, NOW_S, 6 * HOUR_S, PM_PHASE_TOTAL},
      {"to=a&since=-400d", NOW_S - 400 * DAY_S, NOW_S, DAY_S, PM_PHASE_TCP},
      {"to=a&since=-800d", NOW_S - 800 * DAY_S, NOW_S, 2 * DAY_S, PM_PHASE_TCP},
      {"to=a&since=2026-11-20T18:00:00Z&until=2026-11-20T18:30:00Z&step=5m&phase=dns", NOW_S - 2400,
       NOW_S - 600, 300, PM_PHASE_DNS},
      {"to=a&since=2026-11-20T20:00:00+02:00", NOW_S - 2400, NOW_S, 60, PM_PHASE_TCP},
      {"to=a&since=-2h&until=-1h&step=120", NOW_S - 2 * HOUR_S, NOW_S - HOUR_S, 120, PM_PHASE_TCP},
      {"to=a&since=-119940s&step=60&until=now", NOW_S - 119940, NOW_S, 60, PM_PHASE_TCP},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_past_ask ask;
    struct pm_why why = {""};
    enum pm_err err = read(PM_PAST_SERIES, cases[i].query, &ask, &why);
    if (err != PM_OK) print_error("%s: %s\n", cases[i].query, why.text);
    assert_int_equal(err, PM_OK);
    assert_int_equal(ask.kind, PM_PAST_SERIES);
    assert_string_equal(ask.to, "a");
    assert_int_equal(ask.since_s, cases[i].since_s);
    assert_int_equal(ask.until_s, cases[i].until_s);
    assert_int_equal(ask.step_s, cases[i].step_s);
    assert_int_equal(ask.phase, cases[i].phase);
  }
}

static void weeks_have_a_zone(void **state) {
  static const struct {
    const char *query;
    int zone_min;
  } cases[] = {{"to=a", 0},
               {"to=a&zone=Z", 0},
               {"to=a&zone=%2B05:30", 330},
               {"to=a&zone=+05:30", 330},
               {"to=a&zone=-08:00", -480}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_past_ask ask;
    struct pm_why why = {""};
    assert_int_equal(read(PM_PAST_WEEK, cases[i].query, &ask, &why), PM_OK);
    assert_int_equal(pm_zone_at(&ask.zone, ask.since_s), cases[i].zone_min);
    assert_int_equal(ask.since_s, NOW_S - 28 * DAY_S);
    assert_false(ask.by_location);
  }
}

static void weeks_may_be_of_locations(void **state) {
  struct pm_past_ask ask;
  struct pm_why why = {""};
  (void)state;
  assert_int_equal(read(PM_PAST_WEEK, "from=Paris,FR&to=Tokyo,JP&by=location", &ask, &why), PM_OK);
  assert_true(ask.by_location);
  assert_string_equal(ask.from, "Paris,FR");
  assert_string_equal(ask.to, "Tokyo,JP");
  assert_int_equal(read(PM_PAST_WEEK, "to=a&by=hour", &ask, &why), PM_ERR_SYNTAX);
  assert_non_null(strstr(why.text, "by is none"));
}

static void without_a_target_the_pairs_are_meant(void **state) {
  struct pm_past_ask ask;
  struct pm_why why = {""};
  (void)state;
  assert_int_equal(read(PM_PAST_SERIES, "format=html", &ask, &why), PM_OK);
  assert_int_equal(ask.kind, PM_PAST_PAIRS);
  assert_int_equal(ask.after, 0);
  assert_int_equal(read(PM_PAST_SERIES, "after=17", &ask, &why), PM_OK);
  assert_int_equal(ask.after, 17);
}

static void what_is_wrong_is_said(void **state) {
  static const struct {
    enum pm_past_kind kind;
    const char *query;
    enum pm_err err;
    const char *why;
  } cases[] = {
      {PM_PAST_SERIES, "to=a&since=yesterday", PM_ERR_SYNTAX, "since is no time"},
      {PM_PAST_SERIES, "to=a&since=-6x", PM_ERR_SYNTAX, "since is no time"},
      {PM_PAST_SERIES, "to=a&since=-", PM_ERR_SYNTAX, "since is no time"},
      {PM_PAST_SERIES, "to=a&since=-99999999999999h", PM_ERR_SYNTAX, "since is no time"},
      {PM_PAST_SERIES, "to=a&since=-9999999999w", PM_ERR_RANGE, "too long ago"},
      {PM_PAST_SERIES, "to=a&since=0001-01-01T00:00:00Z", PM_ERR_RANGE, "800 days"},
      {PM_PAST_SERIES, "to=a&until=soon", PM_ERR_SYNTAX, "until is no time"},
      {PM_PAST_SERIES, "to=a&since=-1h&until=-2h", PM_ERR_RANGE, "begins after it ends"},
      {PM_PAST_SERIES, "to=a&since=1971-01-01T00:00:00Z", PM_ERR_RANGE, "800 days"},
      {PM_PAST_SERIES, "to=a&step=often", PM_ERR_SYNTAX, "step is no length"},
      {PM_PAST_SERIES, "to=a&step=90", PM_ERR_RANGE, "whole minutes"},
      {PM_PAST_SERIES, "to=a&step=0", PM_ERR_RANGE, "whole minutes"},
      {PM_PAST_SERIES, "to=a&step=32d", PM_ERR_RANGE, "whole minutes"},
      {PM_PAST_SERIES, "to=a&since=-120000s&step=60", PM_ERR_RANGE, "more than 2000 rows"},
      {PM_PAST_SERIES, "to=a&phase=sideways", PM_ERR_SYNTAX, "phase is none of dns"},
      {PM_PAST_SERIES, "after=-1", PM_ERR_SYNTAX, "no pair's number"},
      {PM_PAST_WEEK, "", PM_ERR_SYNTAX, "to is missing"},
      {PM_PAST_WEEK, "to=a&zone=Mars", PM_ERR_SYNTAX, "zone is none"},
      {PM_PAST_WEEK, "to=a&zone=+", PM_ERR_SYNTAX, "zone is none"},
      {PM_PAST_WEEK, "to=a&zone=+25:00", PM_ERR_SYNTAX, "zone is none"},
      {PM_PAST_WEEK, "to=a&zone=+05:60", PM_ERR_SYNTAX, "zone is none"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_past_ask ask;
    struct pm_why why = {""};
    enum pm_err err = read(cases[i].kind, cases[i].query, &ask, &why);
    if (err != cases[i].err || strstr(why.text, cases[i].why) == NULL)
      print_error("%s: %s\n", cases[i].query, why.text);
    assert_int_equal(err, cases[i].err);
    assert_non_null(strstr(why.text, cases[i].why));
  }
}

static void a_target_longer_than_a_url_is_refused(void **state) {
  char query[PM_URL_BYTES + 4] = "to=";
  struct pm_past_ask ask;
  struct pm_why why = {""};
  (void)state;
  memset(query + 3, 'a', PM_URL_BYTES);
  query[3 + PM_URL_BYTES] = '\0';
  assert_int_equal(read(PM_PAST_SERIES, query, &ask, &why), PM_ERR_TOO_LARGE);
  query[2 + PM_URL_BYTES] = '\0';
  assert_int_equal(read(PM_PAST_SERIES, query, &ask, &why), PM_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(series_are_read),
      cmocka_unit_test(weeks_have_a_zone),
      cmocka_unit_test(weeks_may_be_of_locations),
      cmocka_unit_test(without_a_target_the_pairs_are_meant),
      cmocka_unit_test(what_is_wrong_is_said),
      cmocka_unit_test(a_target_longer_than_a_url_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
