/* What the log tells of the mesh: every loss and admission a line, but never a flood of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/mesh_parts.h"

enum { BURST = 20, FLOOD = 5000 };

struct world {
  struct pm_mesh mesh;
  struct pm_log log;
  FILE *file;
};

static struct world *world_new(enum pm_log_level level) {
  struct world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->file = tmpfile();
  assert_non_null(w->file);
  w->log = (struct pm_log){.level = level, .fd = fileno(w->file)};
  w->mesh.config.log = &w->log;
  pm_mesh_report_init(&w->mesh);
  return w;
}

static void world_free(struct world *w) {
  fclose(w->file);
  free(w);
}

static void report(struct world *w, enum pm_change kind, enum pm_refusal_reason reason) {
  struct pm_gossip_change change = {.kind = kind, .reason = reason};
  assert_int_equal(pm_contact_from_text("a.example:8080|192.0.2.1", &change.contact), PM_OK);
  pm_mesh_report(&w->mesh, &change);
}

/* Lines that have the text; NULL: all. */
static unsigned lines(struct world *w, const char *text) {
  char line[512];
  unsigned count = 0;
  rewind(w->file);
  while (fgets(line, sizeof line, w->file)) count += !text || strstr(line, text) != NULL;
  return count;
}

static void losses_show_at_the_default_level(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_INFO);
  report(w, PM_CHANGE_LOST, PM_REFUSAL_NONE);
  report(w, PM_CHANGE_SUSPECTED, PM_REFUSAL_NONE);
  report(w, PM_CHANGE_REFUSED, PM_REFUSAL_NO_PROOF);
  assert_int_equal(lines(w, NULL), 1);
  assert_int_equal(lines(w, "mesh: a.example:8080|192.0.2.1 lost"), 1);
  world_free(w);
}

static void nothing_shows_in_a_quiet_one(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_ALWAYS);
  report(w, PM_CHANGE_LOST, PM_REFUSAL_NONE);
  assert_int_equal(lines(w, NULL), 0);
  world_free(w);
}

static void a_fault_finder_sees_refusals_with_their_reason(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_DEBUG);
  report(w, PM_CHANGE_REFUSED, PM_REFUSAL_NO_PROOF);
  assert_int_equal(lines(w, "192.0.2.1 refused: answered, but is no node of the mesh"), 1);
  world_free(w);
}

static void a_flood_is_counted_not_written(void **state) {
  (void)state;
  struct world *w = world_new(PM_LOG_INFO);
  for (int i = 0; i < FLOOD; i++) report(w, PM_CHANGE_LOST, PM_REFUSAL_NONE);
  /* However slow this machine is: the budget's rate is five a second. */
  assert_in_range(lines(w, " lost"), BURST, BURST + 50);
  assert_true(w->mesh.reports.budget.unsaid > FLOOD - BURST - 60);
  pm_mesh_report_init(&w->mesh); /* a full bucket, as after four quiet seconds */
  w->mesh.reports.budget.unsaid = 77;
  report(w, PM_CHANGE_LOST, PM_REFUSAL_NONE);
  assert_int_equal(lines(w, "mesh: 77 more joined or were lost meanwhile"), 1);
  assert_int_equal(w->mesh.reports.budget.unsaid, 0);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(losses_show_at_the_default_level),
      cmocka_unit_test(nothing_shows_in_a_quiet_one),
      cmocka_unit_test(a_fault_finder_sees_refusals_with_their_reason),
      cmocka_unit_test(a_flood_is_counted_not_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
