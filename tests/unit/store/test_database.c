/* One database: what a restart finds of how far each tier reaches, and what a failure within a
 * transaction leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "minutes.h"
#include "store/database.h"

enum { HOUR = 60, DAY = 1440, KEPT = 3 * DAY };

/* Minutes, and what b says of its path to c, once an hour for three days: minutes and tens of
 * minutes that were reported are kept for two. */
static void fill(struct pm_archive *archive) {
  const struct pm_store_report_path path = {
      {"c", "http://c", "There"},
      {.state = PM_CELL_MEASURED, .every_s = 10, .sent = 60, .rtt_ns = {1, 1, 1, 1, 1}}};
  for (int64_t minute = MINUTE_0; minute < MINUTE_0 + KEPT; minute += HOUR) {
    struct pm_store_report report = {{"b", "", ""}, minute, &path, 1};
    struct pm_archive_minute put = {.report = &report};
    assert_int_equal(archive_put(archive, "b", minute, 5, 10, 1, minute + 1), PM_OK);
    assert_int_equal(pm_archive_write(archive, &put, wall_of(minute + 10)), PM_OK);
    archive_settle(archive, minute + 11);
  }
}

/* In seconds: how long the rows are that answer for the first day. */
static int64_t step_of(struct pm_archive *archive, const char *from, const char *to) {
  struct pm_history_query query = {.from = from,
                                   .to = to,
                                   .since_s = INT64_C(60) * MINUTE_0,
                                   .until_s = INT64_C(60) * (MINUTE_0 + KEPT),
                                   .step_s = 60,
                                   .phase = PM_PHASE_TCP};
  struct pm_history history;
  assert_int_equal(pm_archive_history(archive, &query, NULL, &history), PM_OK);
  int64_t step_s = history.step_s;
  pm_archive_history_free(&history);
  return step_s;
}

static void what_went_stays_gone_after_a_restart(void **state) {
  (void)state;
  char dir[DIR_BYTES];
  struct pm_archive *archive;
  const int64_t end = MINUTE_0 + KEPT;
  dir_make(dir);
  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_DEFAULT, &archive), PM_OK);
  fill(archive);
  pm_archive_free(archive);
  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_DEFAULT, &archive), PM_OK);
  assert_int_equal(pm_archive_write(archive, NULL, wall_of(end)), PM_OK);
  assert_int_equal(step_of(archive, "a", "b"), 600);
  assert_int_equal(step_of(archive, "b", "c"), 3600);
  /* A late minute of the first day goes into the row of ten that is left of its time. */
  assert_int_equal(archive_put(archive, "b", MINUTE_0 + 5, 5, 10, 1, end), PM_OK);
  assert_int_equal(archive_sent(archive, "b", MINUTE_0, MINUTE_0 + 10, 10), 12);
  archive_settle(archive, end);
  assert_int_equal(archive_sent(archive, "b", MINUTE_0, end, 60), (KEPT / HOUR + 1) * 6);
  pm_archive_free(archive);
  dir_remove(dir);
}

static struct pm_database *open_in_memory(void) {
  struct pm_database *db;
  struct pm_why why;
  assert_int_equal(pm_database_open(NULL, 1 << 20, &db, &why), PM_OK);
  return db;
}

static int64_t count_nodes(struct pm_database *db) {
  sqlite3_stmt *statement;
  assert_int_equal(
      sqlite3_prepare_v2(db->handle, "SELECT count(*) FROM nodes", -1, &statement, NULL),
      SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int64_t count = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return count;
}

/* A statement that cannot be made, as in a file that another program has changed. */
static void a_transaction_that_failed_leaves_nothing(void **state) {
  (void)state;
  struct pm_why why = {""};
  struct pm_database *db = open_in_memory();
  int64_t before = count_nodes(db);
  assert_int_equal(sqlite3_exec(db->handle, "DROP TABLE horizons", NULL, NULL, NULL), SQLITE_OK);
  pm_database_begin(db);
  assert_int_equal(sqlite3_exec(db->handle, "INSERT INTO nodes(key,url,location) VALUES('a','','')",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_null(pm_database_statement(db, PM_SQL_HORIZON_SET));
  assert_int_equal(pm_database_end(db, &why), PM_ERR_IO);
  assert_string_not_equal(why.text, "");
  assert_true(sqlite3_get_autocommit(db->handle));
  assert_int_equal(count_nodes(db), before);
  pm_database_close(db);
}

/* A horizon that cannot be one, of a file that is damaged where no checksum is. */
static void a_horizon_beyond_time_is_none(void **state) {
  (void)state;
  struct pm_database *db = open_in_memory();
  assert_int_equal(sqlite3_exec(db->handle,
                                "INSERT INTO horizons VALUES(0,-1),(1,9000000000000000000),"
                                "(2,29000040),(77,29000040),(-1,29000040)",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  pm_database_rollback(db); /* reads them again */
  assert_int_equal(db->horizons[PM_TIER_MINUTE], 0);
  assert_int_equal(db->horizons[PM_TIER_TEN], 0);
  assert_int_equal(db->horizons[PM_TIER_HOUR], 29000040);
  for (int tier = 0; tier < PM_REPORT_TIER_COUNT; tier++)
    assert_int_equal(db->report_horizons[tier], 0);
  pm_database_close(db);
}

static void what_sqlite_says_is_told_apart(void **state) {
  static const struct {
    int status;
    enum pm_err err;
  } cases[] = {{SQLITE_CORRUPT, PM_ERR_SYNTAX},   {SQLITE_CORRUPT_VTAB, PM_ERR_SYNTAX},
               {SQLITE_NOTADB, PM_ERR_SYNTAX},    {SQLITE_FULL, PM_ERR_FULL},
               {SQLITE_NOMEM, PM_ERR_NOMEM},      {SQLITE_IOERR_NOMEM, PM_ERR_IO},
               {SQLITE_BUSY, PM_ERR_DENIED},      {SQLITE_LOCKED, PM_ERR_DENIED},
               {SQLITE_IOERR_WRITE, PM_ERR_IO},   {SQLITE_READONLY, PM_ERR_IO},
               {SQLITE_CANTOPEN_ISDIR, PM_ERR_IO}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_why why = {""};
    assert_int_equal(pm_database_failed(NULL, cases[i].status, &why), cases[i].err);
    assert_string_not_equal(why.text, "");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_went_stays_gone_after_a_restart),
      cmocka_unit_test(a_transaction_that_failed_leaves_nothing),
      cmocka_unit_test(a_horizon_beyond_time_is_none),
      cmocka_unit_test(what_sqlite_says_is_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
