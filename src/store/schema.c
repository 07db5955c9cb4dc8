#include "store/schema.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

#include "store/database.h"

/* A row's key is its pair and its minute (store/tier.h): an integer key is stored in some six bytes
 * and needs no index, and a pair's rows lie side by side. pending_* are longer rows that are to be
 * merged once their time is over. */
static const char VERSION_1[] =
    "CREATE TABLE horizons(tier INTEGER PRIMARY KEY, minute INTEGER NOT NULL);"
    "CREATE TABLE nodes(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,"
    " url TEXT NOT NULL, location TEXT NOT NULL);"
    "CREATE INDEX nodes_by_url ON nodes(url);"
    "CREATE TABLE pairs(id INTEGER PRIMARY KEY AUTOINCREMENT, from_id INTEGER NOT NULL,"
    " to_id INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " UNIQUE(from_id, to_id));"
    "CREATE INDEX pairs_by_to ON pairs(to_id);"
    "CREATE TABLE minutes(key INTEGER PRIMARY KEY, row BLOB NOT NULL);"
    "CREATE TABLE tens(key INTEGER PRIMARY KEY, row BLOB NOT NULL);"
    "CREATE TABLE hours(key INTEGER PRIMARY KEY, row BLOB NOT NULL);"
    "CREATE TABLE pending_tens(key INTEGER PRIMARY KEY);"
    "CREATE TABLE pending_hours(key INTEGER PRIMARY KEY);";

/* Lists of what others report: the key is the time and then the node (store/reported.c).
 * nodes.reported: the hour in which the node was last in one of them. */
static const char VERSION_2[] =
    "CREATE TABLE reported_tens(key INTEGER PRIMARY KEY, paths BLOB NOT NULL);"
    "CREATE TABLE reported_hours(key INTEGER PRIMARY KEY, paths BLOB NOT NULL);"
    "CREATE TABLE pending_reports(key INTEGER PRIMARY KEY);"
    "ALTER TABLE nodes ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;";

static const char *const STEPS[] = {VERSION_1, VERSION_2};

const struct pm_schema pm_schema_current = {STEPS, sizeof(STEPS) / sizeof(STEPS[0])};

static int64_t number_of(sqlite3 *handle, const char *sql, int *out_status) {
  sqlite3_stmt *statement = NULL;
  int64_t number = -1;
  *out_status = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
  if (*out_status == SQLITE_OK && (*out_status = sqlite3_step(statement)) == SQLITE_ROW) {
    number = sqlite3_column_int64(statement, 0);
    *out_status = SQLITE_OK;
  }
  sqlite3_finalize(statement);
  return number;
}

static int run_step(sqlite3 *handle, const char *step, size_t version) {
  char mark[96];
  snprintf(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%zu; COMMIT;",
           PM_SCHEMA_APPLICATION_ID, version);
  int status = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
  if (status != SQLITE_OK) return status;
  status = sqlite3_exec(handle, step, NULL, NULL, NULL);
  if (status == SQLITE_OK) status = sqlite3_exec(handle, mark, NULL, NULL, NULL);
  if (status != SQLITE_OK && !sqlite3_get_autocommit(handle))
    sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
  return status;
}

enum pm_err pm_schema_migrate(sqlite3 *handle, const struct pm_schema *schema, struct pm_why *why) {
  int status;
  int64_t version = number_of(handle, "PRAGMA user_version", &status);
  if (status != SQLITE_OK) return pm_database_failed(handle, status, why);
  int64_t application = number_of(handle, "PRAGMA application_id", &status);
  if (status != SQLITE_OK) return pm_database_failed(handle, status, why);
  int64_t tables = number_of(handle, "SELECT count(*) FROM sqlite_schema", &status);
  if (status != SQLITE_OK) return pm_database_failed(handle, status, why);
  if (application != PM_SCHEMA_APPLICATION_ID && (tables > 0 || version != 0))
    return pm_why_set(why, PM_ERR_TYPE, "it is a database of another program");
  if (version < 0 || (uint64_t)version > schema->count)
    return pm_why_set(why, PM_ERR_RANGE,
                      "it is of version %lld, written by a newer pingmesh; this one knows %zu",
                      (long long)version, schema->count);
  for (size_t at = (size_t)version; at < schema->count; at++) {
    status = run_step(handle, schema->steps[at], at + 1);
    if (status != SQLITE_OK) return pm_database_failed(handle, status, why);
  }
  return PM_OK;
}
