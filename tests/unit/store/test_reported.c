/* What other nodes report of their paths, in the archive: counted once, merged into hours, kept for
 * its own time, and the first to go where there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <sys/stat.h>

#include "minutes.h"
#include "store/schema.h"

enum { MS = 1000000, DAY = 1440 };

static struct pm_cell cell_of(uint32_t sent, uint32_t lost, int64_t ms) {
  int64_t p50 = ms * MS;
  return (struct pm_cell){.state = PM_CELL_MEASURED,
                          .every_s = 10,
                          .sent = sent,
                          .lost = lost,
                          .rtt_ns = {p50, p50, p50, p50, p50},
                          .phase_ns = {[PM_CELL_PHASE_TOTAL] = 3 * p50}};
}

static enum pm_err put_report(struct pm_archive *archive, const char *from,
                              const struct pm_store_report_path *paths, size_t count,
                              int64_t minute, int64_t now) {
  struct pm_store_report report = {{from, "", ""}, minute, paths, count};
  struct pm_archive_minute put = {.report = &report};
  return pm_archive_write(archive, &put, wall_of(now));
}

/* b says of its paths to a and c: 60 probes in the ten minutes, of which so many were lost. */
static enum pm_err put_b(struct pm_archive *archive, int64_t minute, uint32_t lost, int64_t ms) {
  const struct pm_store_report_path paths[] = {{{"c", "http://c", "There"}, cell_of(60, lost, ms)},
                                               {{"a", "http://a", "Here"}, cell_of(60, 0, 5)}};
  return put_report(archive, "b", paths, 2, minute, minute + 10);
}

static struct pm_history *ask(struct pm_archive *archive, const char *from, const char *to,
                              int64_t since, int64_t until, int64_t step) {
  struct pm_history_query query = {.from = from,
                                   .to = to,
                                   .since_s = since * 60,
                                   .until_s = until * 60,
                                   .step_s = step * 60,
                                   .phase = PM_PHASE_TCP};
  struct pm_history *history = calloc(1, sizeof(*history));
  if (pm_archive_history(archive, &query, NULL, history) == PM_OK) return history;
  free(history);
  return NULL;
}

static void answer_free(struct pm_history *history) {
  pm_archive_history_free(history);
  free(history);
}

static int64_t sent_of(struct pm_archive *archive, const char *from, const char *to, int64_t since,
                       int64_t until, int64_t step) {
  struct pm_history *history = ask(archive, from, to, since, until, step);
  int64_t sent = 0;
  if (history == NULL) return -1;
  for (size_t i = 0; i < history->count; i++) sent += history->rows[i].sent;
  answer_free(history);
  return sent;
}

static int set_up(void **state) {
  struct pm_archive *archive;
  if (pm_archive_new(NULL, PM_STORE_MB_MIN, &archive) != PM_OK) return 1;
  *state = archive;
  return 0;
}

static int tear_down(void **state) {
  pm_archive_free(*state);
  return 0;
}

/* --- answers -----------------------------------------------------------------------------------
 */

static void a_pair_of_others_is_answered_as_reported(void **state) {
  struct pm_archive *archive = *state;
  assert_int_equal(put_b(archive, MINUTE_0, 6, 20), PM_OK);
  assert_int_equal(put_b(archive, MINUTE_0 + 10, 0, 40), PM_OK);
  struct pm_history *history = ask(archive, "b", "c", MINUTE_0, MINUTE_0 + 60, 1);
  assert_non_null(history);
  assert_true(history->reported);
  assert_int_equal(history->step_s, 600); /* nothing finer is known */
  assert_int_equal(history->count, 2);
  const struct pm_history_row *row = &history->rows[0];
  assert_int_equal(row->time_s, (int64_t)MINUTE_0 * 60);
  assert_int_equal(row->sent, 60);
  assert_int_equal(row->lost, 6);
  assert_int_equal(row->figures.count, 54);
  assert_in_range(row->figures.p50_ns, 19840000, 20160000);
  assert_in_range(row->mean_ns[PM_PHASE_TOTAL], 59500000, 60500000);
  assert_int_equal(row->mean_ns[PM_PHASE_LAST], 0);
  assert_in_range(history->rows[1].figures.p50_ns, 39680000, 40320000);
  answer_free(history);
  assert_int_equal(sent_of(archive, "b", "a", MINUTE_0, MINUTE_0 + 60, 10), 120);
  assert_int_equal(sent_of(archive, "c", "b", MINUTE_0, MINUTE_0 + 60, 10), 0); /* never told */
  assert_int_equal(sent_of(archive, "b", "nobody", MINUTE_0, MINUTE_0 + 60, 10), -1);
}

static void what_was_measured_here_comes_first(void **state) {
  struct pm_archive *archive = *state;
  const struct pm_store_report_path path = {{"b", "", ""}, cell_of(60, 0, 9)};
  assert_int_equal(archive_put(archive, "b", MINUTE_0, 5, 10, 1, MINUTE_0 + 1), PM_OK);
  assert_int_equal(put_report(archive, "a", &path, 1, MINUTE_0, MINUTE_0 + 10), PM_OK);
  struct pm_history *history = ask(archive, "a", "b", MINUTE_0, MINUTE_0 + 60, 10);
  assert_non_null(history);
  assert_false(history->reported);
  assert_int_equal(history->rows[0].sent, 6);
  answer_free(history);
}

static void ten_minutes_count_once(void **state) {
  struct pm_archive *archive = *state;
  assert_int_equal(put_b(archive, MINUTE_0, 1, 20), PM_OK);
  assert_int_equal(put_b(archive, MINUTE_0, 2, 20), PM_OK);
  struct pm_history *history = ask(archive, "b", "c", MINUTE_0, MINUTE_0 + 10, 10);
  assert_int_equal(history->count, 1);
  assert_int_equal(history->rows[0].sent, 60);
  assert_int_equal(history->rows[0].lost, 2);
  answer_free(history);
}

static void a_list_that_names_a_node_twice_counts_it_once(void **state) {
  struct pm_archive *archive = *state;
  const struct pm_store_report_path paths[] = {{{"c", "", ""}, cell_of(60, 0, 9)},
                                               {{"d", "", ""}, cell_of(30, 0, 9)},
                                               {{"c", "", ""}, cell_of(60, 0, 9)}};
  assert_int_equal(put_report(archive, "b", paths, 3, MINUTE_0, MINUTE_0 + 10), PM_OK);
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, MINUTE_0 + 10, 10), 60);
  assert_int_equal(sent_of(archive, "b", "d", MINUTE_0, MINUTE_0 + 10, 10), 30);
}

/* --- hours -------------------------------------------------------------------------------------
 */

static void hours_are_merged_from_their_tens(void **state) {
  struct pm_archive *archive = *state;
  for (int ten = 0; ten < 6; ten++)
    assert_int_equal(put_b(archive, MINUTE_0 + ten * 10, 1, ten < 3 ? 20 : 40), PM_OK);
  for (int settled = 0; settled < 2; settled++) { /* from the tens, then from the hour */
    struct pm_history *history = ask(archive, "b", "c", MINUTE_0, MINUTE_0 + 60, 60);
    assert_int_equal(history->count, 1);
    assert_int_equal(history->rows[0].sent, 360);
    assert_int_equal(history->rows[0].lost, 6);
    assert_in_range(history->rows[0].figures.p25_ns, 19840000, 20160000);
    assert_in_range(history->rows[0].figures.p90_ns, 39680000, 40320000);
    answer_free(history);
    archive_settle(archive, MINUTE_0 + 61);
  }
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, MINUTE_0 + 60, 10), 360);
}

static void a_late_ten_is_in_its_hour(void **state) {
  struct pm_archive *archive = *state;
  assert_int_equal(put_b(archive, MINUTE_0, 0, 20), PM_OK);
  archive_settle(archive, MINUTE_0 + 61);
  assert_int_equal(put_b(archive, MINUTE_0 + 30, 0, 20), PM_OK);
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, MINUTE_0 + 60, 60), 120);
  archive_settle(archive, MINUTE_0 + 62);
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, MINUTE_0 + 60, 60), 120);
}

static void a_week_is_made_of_reports_as_well(void **state) {
  struct pm_archive *archive = *state;
  struct pm_profile *profile = malloc(sizeof(*profile));
  struct pm_profile_query query = {.from = "b",
                                   .to = "c",
                                   .since_s = (int64_t)MINUTE_0 * 60,
                                   .until_s = ((int64_t)MINUTE_0 + 120) * 60,
                                   .phase = PM_PHASE_TCP};
  for (int ten = 0; ten < 12; ten++)
    assert_int_equal(put_b(archive, MINUTE_0 + ten * 10, 0, 20), PM_OK);
  assert_int_equal(pm_archive_profile(archive, &query, NULL, profile), PM_OK);
  assert_true(profile->reported);
  assert_int_equal(profile->hours, 2);
  assert_int_equal(profile->all.count, 720);
  assert_false(profile->pattern.daily);
  free(profile);
}

/* b and d are There, e is Elsewhere. */
static void a_week_of_two_locations_adds_up_their_pairs(void **state) {
  struct pm_archive *archive = *state;
  struct pm_profile *profile = malloc(sizeof(*profile));
  const struct pm_store_report_path paths[] = {
      {{"b", "http://b", "There"}, cell_of(10, 0, 20)},
      {{"d", "http://d", "There"}, cell_of(20, 1, 20)},
      {{"e", "http://e", "Elsewhere"}, cell_of(40, 0, 20)}};
  struct pm_store_report report = {{"f", "http://f", "Far"}, MINUTE_0, paths, 3};
  struct pm_archive_minute put = {.report = &report};
  struct pm_profile_query query = {.from = "Far",
                                   .to = "There",
                                   .by_location = true,
                                   .since_s = (int64_t)MINUTE_0 * 60,
                                   .until_s = ((int64_t)MINUTE_0 + 60) * 60,
                                   .phase = PM_PHASE_TCP};
  assert_int_equal(pm_archive_write(archive, &put, wall_of(MINUTE_0 + 10)), PM_OK);
  assert_int_equal(pm_archive_profile(archive, &query, NULL, profile), PM_OK);
  assert_int_equal(profile->all.count, 29);
  assert_true(profile->reported);

  struct pm_archive_minute own = {.minute = {.from = {"s", "", "Far"},
                                             .to = {"http://b", "http://b", "There"},
                                             .minute = MINUTE_0}};
  uint8_t *bytes = minute_packed(6, 20, 0, &own.minute.count);
  own.minute.bytes = bytes;
  assert_int_equal(pm_archive_write(archive, &own, wall_of(MINUTE_0 + 10)), PM_OK);
  free(bytes);
  assert_int_equal(pm_archive_profile(archive, &query, NULL, profile), PM_OK);
  assert_int_equal(profile->all.count, 35);
  assert_false(profile->reported); /* not all of it */
  query.to = "Nowhere";
  assert_int_equal(pm_archive_profile(archive, &query, NULL, profile), PM_ERR_MISSING);
  free(profile);
}

/* --- time and room -----------------------------------------------------------------------------
 */

static void old_reports_go_tens_before_hours(void **state) {
  (void)state;
  struct pm_archive *archive;
  char dir[DIR_BYTES];
  dir_make(dir);
  assert_int_equal(pm_archive_new(dir, 64, &archive), PM_OK);
  int64_t end = MINUTE_0 + 5 * DAY;
  for (int64_t minute = MINUTE_0; minute < end; minute += 10) {
    assert_int_equal(put_b(archive, minute, 0, 20), PM_OK);
    archive_settle(archive, minute + 10);
  }
  /* Two days of tens, and as many hours as there were. */
  assert_int_equal(sent_of(archive, "b", "c", end - DAY, end, 10), 144 * 60);
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, end, 60), 5 * 144 * 60);
  struct pm_history *history = ask(archive, "b", "c", MINUTE_0, end, 10);
  assert_int_equal(history->step_s, 3600);
  answer_free(history);
  /* 90 days later all of it has gone, but by and by. */
  for (int i = 0; i < 100; i++) {
    assert_int_equal(put_b(archive, end + 91 * DAY + i * 10, 0, 20), PM_OK);
    archive_settle(archive, end + 91 * DAY + i * 10 + 10);
  }
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, end, 60), 0);
  assert_int_equal(sent_of(archive, "b", "c", end + 91 * DAY, end + 92 * DAY, 60), 6000);
  pm_archive_free(archive);
  dir_remove(dir);
}

static void too_old_ones_are_refused(void **state) {
  struct pm_archive *archive = *state;
  struct pm_store_counts counts = {0};
  int64_t end = MINUTE_0 + 2 * DAY;
  for (int64_t minute = MINUTE_0; minute < end; minute += 10) {
    assert_int_equal(put_b(archive, minute, 0, 20), PM_OK);
    archive_settle(archive, minute + 10);
  }
  pm_archive_counts(archive, &counts);
  assert_int_equal(counts.refused, 0);
  assert_int_equal(put_b(archive, MINUTE_0, 0, 20), PM_OK);
  pm_archive_counts(archive, &counts);
  assert_int_equal(counts.refused, 1);
}

enum { NODES = 60, DAYS = 2 };

/* Each of the nodes of each, in one transaction. */
static void put_mesh(struct pm_archive *archive, char (*keys)[16], int64_t minute) {
  static struct pm_store_report_path paths[NODES];
  struct pm_store_report reports[NODES];
  struct pm_archive_minute list[NODES];
  for (int to = 0; to < NODES; to++)
    paths[to] = (struct pm_store_report_path){{keys[to], "", ""}, cell_of(60, 0, 5 + to)};
  for (int from = 0; from < NODES; from++) {
    reports[from] = (struct pm_store_report){{keys[from], "", ""}, minute, paths, NODES};
    list[from] = (struct pm_archive_minute){.next = from + 1 < NODES ? &list[from + 1] : NULL,
                                            .report = &reports[from]};
  }
  assert_int_equal(pm_archive_write(archive, list, wall_of(minute + 10)), PM_OK);
}

/* Many nodes that report fill 16 MB; what was measured here stays. */
static void where_there_is_no_room_reports_go_first(void **state) {
  (void)state;
  char keys[NODES][16], dir[DIR_BYTES];
  struct pm_archive *archive;
  struct pm_store_counts counts = {0};
  struct stat file;
  dir_make(dir);
  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_MIN, &archive), PM_OK);
  for (int i = 0; i < NODES; i++) snprintf(keys[i], sizeof(keys[i]), "node-%d", i);
  int64_t end = MINUTE_0 + DAYS * DAY;
  for (int64_t minute = MINUTE_0; minute < end; minute += 10) {
    put_mesh(archive, keys, minute);
    assert_int_equal(archive_put(archive, "b", minute, 6, 10, 0, minute + 10), PM_OK);
    archive_settle(archive, minute + 10);
  }
  pm_archive_counts(archive, &counts);
  assert_true(counts.writing);
  assert_int_equal(counts.failures, 0);
  assert_int_equal(archive_sent(archive, "b", MINUTE_0, end, 1), DAYS * 144 * 6);
  assert_int_equal(sent_of(archive, "node-1", "node-2", end - 180, end, 10), 18 * 60);
  assert_true(sent_of(archive, "node-1", "node-2", MINUTE_0, end, 60) < DAYS * 144 * 60);
  pm_archive_free(archive);
  char path[DIR_BYTES + 16];
  snprintf(path, sizeof(path), "%s/history.db", dir);
  assert_int_equal(stat(path, &file), 0);
  assert_true(file.st_size <= (off_t)PM_STORE_MB_MIN << 20);
  dir_remove(dir);
}

/* --- files of before ---------------------------------------------------------------------------
 */

/* As version 1 left it: made by its step alone, with a pair and a row. */
static void a_file_of_version_1_is_brought_up(void **state) {
  (void)state;
  const struct pm_schema version_1 = {pm_schema_current.steps, 1};
  char dir[DIR_BYTES], path[DIR_BYTES + 16];
  struct pm_archive *archive;
  struct pm_why why;
  sqlite3 *handle;
  dir_make(dir);
  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_MIN, &archive), PM_OK);
  assert_int_equal(archive_put(archive, "b", MINUTE_0, 5, 10, 1, MINUTE_0 + 1), PM_OK);
  pm_archive_free(archive);
  snprintf(path, sizeof(path), "%s/history.db", dir);
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_exec(handle,
                                "ALTER TABLE nodes DROP COLUMN reported; DROP TABLE reported_tens;"
                                "DROP TABLE reported_hours; DROP TABLE pending_reports;"
                                "PRAGMA user_version=1",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(pm_schema_migrate(handle, &version_1, &why), PM_OK); /* it is one */
  sqlite3_close(handle);

  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_MIN, &archive), PM_OK);
  assert_int_equal(put_b(archive, MINUTE_0, 0, 20), PM_OK);
  assert_false(pm_archive_notice(archive, &why));
  assert_int_equal(archive_sent(archive, "b", MINUTE_0, MINUTE_0 + 10, 1), 6);
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, MINUTE_0 + 10, 10), 60);
  pm_archive_free(archive);
  dir_remove(dir);
}

static void nodes_of_reports_stay_while_the_reports_do(void **state) {
  struct pm_archive *archive = *state;
  assert_int_equal(put_b(archive, MINUTE_0, 0, 20), PM_OK);
  archive_settle(archive, MINUTE_0 + 20);
  archive_settle(archive, MINUTE_0 + 40); /* looks for what may go */
  assert_int_equal(sent_of(archive, "b", "c", MINUTE_0, MINUTE_0 + 10, 10), 60);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_pair_of_others_is_answered_as_reported),
      TEST(what_was_measured_here_comes_first),
      TEST(ten_minutes_count_once),
      TEST(a_list_that_names_a_node_twice_counts_it_once),
      TEST(hours_are_merged_from_their_tens),
      TEST(a_late_ten_is_in_its_hour),
      TEST(a_week_is_made_of_reports_as_well),
      TEST(a_week_of_two_locations_adds_up_their_pairs),
      cmocka_unit_test(old_reports_go_tens_before_hours),
      TEST(too_old_ones_are_refused),
      cmocka_unit_test(where_there_is_no_room_reports_go_first),
      cmocka_unit_test(a_file_of_version_1_is_brought_up),
      TEST(nodes_of_reports_stay_while_the_reports_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
