/* What the log tells of targets: each failure two lines, but never a flood of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/report.h"

enum { BURST = 100, FLOOD = 20000 };

struct world {
  struct pm_target target;
  struct pm_log log;
  struct pm_log_budget failures;
  FILE *file;
};

static struct world *world_new(enum pm_log_level level, int64_t fail_max) {
  struct world *w = calloc(1, sizeof *w);
  struct pm_target_spec spec = {.fail_max = fail_max, .delay_s = 1};
  assert_non_null(w);
  w->file = tmpfile();
  assert_non_null(w->file);
  w->log = (struct pm_log){.level = level, .fd = fileno(w->file)};
  assert_int_equal(pm_endpoint_parse("http://a.example:8080/", NULL, &spec.endpoint, NULL), PM_OK);
  pm_target_init(&w->target, 1, &spec, (struct pm_wall){1});
  pm_report_budget_init(&w->failures, pm_clock_now());
  return w;
}

static void world_free(struct world *w) {
  pm_target_deinit(&w->target);
  fclose(w->file);
  free(w);
}

static void fail_once(struct world *w, enum pm_outcome outcome) {
  struct pm_sample sample = {.at = {1}, .ended = {1}, .outcome = outcome};
  pm_target_record(&w->target, &sample, NULL);
  pm_report_sample(&w->log, &w->failures, "Lab", &w->target, &sample, "it was refused");
}

/* Lines that have the text. */
static unsigned lines(struct world *w, const char *text) {
  char line[512];
  unsigned count = 0;
  rewind(w->file);
  while (fgets(line, sizeof line, w->file)) count += strstr(line, text) != NULL;
  return count;
}

static void a_failure_has_its_reason_and_its_place_in_the_row(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_INFO, 3);
  fail_once(w, PM_OUTCOME_CONNECT);
  fail_once(w, PM_OUTCOME_CONNECT);
  assert_int_equal(lines(w, "it was refused"), 2);
  assert_int_equal(lines(w, "Lab to a.example:8080 HTTP 502 failure 2 of 3 on http://a.example"),
                   1);
  world_free(w);
}

static void a_flood_is_counted_not_written(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_INFO, 2 * FLOOD);
  for (int i = 0; i < FLOOD; i++) fail_once(w, PM_OUTCOME_CONNECT);
  /* However slow this machine is: the budget's rate is ten a second. */
  unsigned said = lines(w, "it was refused");
  assert_in_range(said, BURST, BURST + 300);
  assert_int_equal(lines(w, " failure "), said);
  pm_report_budget_init(&w->failures, pm_clock_now()); /* a full bucket, as after ten seconds */
  w->failures.unsaid = 77;
  fail_once(w, PM_OUTCOME_CONNECT);
  assert_int_equal(lines(w, " 77 more probes failed meanwhile"), 1);
  assert_int_equal(w->failures.unsaid, 0);
  world_free(w);
}

static void that_a_target_is_given_up_is_said_once_whatever_else_was(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_INFO, FLOOD);
  for (int i = 0; i < FLOOD; i++) fail_once(w, PM_OUTCOME_CONNECT);
  fail_once(w, PM_OUTCOME_INTERNAL); /* the row stays as long as it is */
  fail_once(w, PM_OUTCOME_CONNECT);
  assert_int_equal(lines(w, "hit failure limit 20000 on http://a.example:8080/, Ping quitting"), 1);
  world_free(w);
}

static void what_is_not_shown_takes_nothing_from_what_is(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_INFO, 1);
  for (int i = 0; i < FLOOD; i++) fail_once(w, PM_OUTCOME_CONNECT);
  assert_int_equal(lines(w, "it was refused"), 1);
  assert_int_equal(w->failures.unsaid, 0);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failure_has_its_reason_and_its_place_in_the_row),
      cmocka_unit_test(a_flood_is_counted_not_written),
      cmocka_unit_test(that_a_target_is_given_up_is_said_once_whatever_else_was),
      cmocka_unit_test(what_is_not_shown_takes_nothing_from_what_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
