/* Versions of the file: older ones are brought up, step by step, whole or not at all; newer ones
 * and other programs' are left alone. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minutes.h"
#include "store/database.h"
#include "store/schema.h"

static const char *const STEPS[] = {
    "CREATE TABLE a(x); INSERT INTO a VALUES(1),(2);",
    "ALTER TABLE a ADD COLUMN y; UPDATE a SET y=x*10;",
    "CREATE TABLE b(z); INSERT INTO b SELECT sum(y) FROM a;",
};
static const char *const BROKEN[] = {
    "CREATE TABLE a(x); INSERT INTO a VALUES(1),(2);",
    "ALTER TABLE a ADD COLUMN y; UPDATE a SET nothing=1;",
};

static int set_up(void **state) {
  sqlite3 *handle;
  if (sqlite3_open(":memory:", &handle) != SQLITE_OK) return 1;
  *state = handle;
  return 0;
}

static int tear_down(void **state) {
  return sqlite3_close(*state) != SQLITE_OK;
}

static int64_t ask(sqlite3 *handle, const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK) return -1;
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int64_t value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return value;
}

static enum pm_err migrate(sqlite3 *handle, const char *const *steps, size_t count,
                           struct pm_why *why) {
  struct pm_schema schema = {steps, count};
  return pm_schema_migrate(handle, &schema, why);
}

static void each_version_is_brought_up_with_its_rows(void **state) {
  struct pm_why why;
  assert_int_equal(migrate(*state, STEPS, 1, &why), PM_OK);
  assert_int_equal(ask(*state, "PRAGMA user_version"), 1);
  assert_int_equal(migrate(*state, STEPS, 3, &why), PM_OK);
  assert_int_equal(ask(*state, "PRAGMA user_version"), 3);
  assert_int_equal(ask(*state, "SELECT z FROM b"), 30);
  assert_int_equal(migrate(*state, STEPS, 3, &why), PM_OK);
  assert_int_equal(ask(*state, "SELECT count(*) FROM b"), 1); /* not made again */
}

static void a_step_that_fails_leaves_the_version_before(void **state) {
  struct pm_why why;
  assert_int_equal(migrate(*state, BROKEN, 1, &why), PM_OK);
  assert_int_equal(migrate(*state, BROKEN, 2, &why), PM_ERR_IO);
  assert_int_equal(ask(*state, "PRAGMA user_version"), 1);
  assert_int_equal(ask(*state, "SELECT count(*) FROM pragma_table_info('a')"), 1);
  assert_int_equal(ask(*state, "SELECT sum(x) FROM a"), 3);
}

static void a_newer_version_is_left_alone(void **state) {
  struct pm_why why;
  assert_int_equal(migrate(*state, STEPS, 3, &why), PM_OK);
  assert_int_equal(migrate(*state, STEPS, 2, &why), PM_ERR_RANGE);
  assert_non_null(strstr(why.text, "newer"));
  assert_int_equal(ask(*state, "PRAGMA user_version"), 3);
}

static void another_programs_database_is_left_alone(void **state) {
  struct pm_why why;
  assert_int_equal(sqlite3_exec(*state, "CREATE TABLE theirs(x)", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(migrate(*state, STEPS, 3, &why), PM_ERR_TYPE);
  assert_int_equal(ask(*state, "SELECT count(*) FROM sqlite_schema"), 1);
}

/* A file of version 0 as a kill between its making and its first step leaves it, and one whose
 * version was raised by hand. */
static void the_archive_takes_the_first_and_refuses_the_second(void **state) {
  (void)state;
  char dir[DIR_BYTES], path[DIR_BYTES + 16];
  struct pm_archive *archive;
  struct pm_why why;
  sqlite3 *handle;
  dir_make(dir);
  snprintf(path, sizeof(path), "%s/history.db", dir);
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_exec(handle, "PRAGMA journal_mode=WAL", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(handle);
  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_MIN, &archive), PM_OK);
  assert_int_equal(archive_put(archive, "b", MINUTE_0, 5, 10, 1, MINUTE_0 + 1), PM_OK);
  assert_false(pm_archive_notice(archive, &why));
  pm_archive_free(archive);

  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(ask(handle, "PRAGMA user_version"), (int64_t)pm_schema_current.count);
  assert_int_equal(ask(handle, "SELECT count(*) FROM minutes"), 1);
  assert_int_equal(sqlite3_exec(handle, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(handle);
  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_MIN, &archive), PM_OK);
  assert_int_equal(archive_put(archive, "b", MINUTE_0 + 1, 5, 10, 1, MINUTE_0 + 2), PM_OK);
  assert_true(pm_archive_notice(archive, &why));
  assert_non_null(strstr(why.text, "version 99"));
  assert_int_equal(dir_count(dir, "history.db.damaged"), 0);
  pm_archive_free(archive);
  dir_remove(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_version_is_brought_up_with_its_rows),
      TEST(a_step_that_fails_leaves_the_version_before),
      TEST(a_newer_version_is_left_alone),
      TEST(another_programs_database_is_left_alone),
      TEST(the_archive_takes_the_first_and_refuses_the_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
