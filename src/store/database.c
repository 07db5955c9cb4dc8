#include "store/database.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/row.h"
#include "store/schema.h"

enum {
  PAGE_BYTES = 4096,
  LOG_PAGES = 1000,             /* after which SQLite's log is written back */
  LOG_BYTES_KEPT = 4 << 20,     /* of its file */
  LOG_BYTES_RESERVED = 8 << 20, /* of what the whole may take */
  MEMORY_PAGES_KEPT_KB = 1024,  /* SQLite's cache */
  PAGES_SPARE_MIN = 512,        /* a minute of five hundred pairs touches as many */
  SPARE_SHARE = 20,             /* one of so many pages is kept free */
  FREE_PERCENT = 20,
  SHRINK_PAGES = 1024,
};

/* In three tables alike. */
#define ROW_STATEMENTS(index, verb)                                                     \
  [(index) + PM_TIER_MINUTE] = verb("minutes"), [(index) + PM_TIER_TEN] = verb("tens"), \
             [(index) + PM_TIER_HOUR] = verb("hours")
#define GET(table)   "SELECT row FROM " table " WHERE key=?1"
#define PUT(table)   "INSERT OR REPLACE INTO " table "(key,row) VALUES(?1,?2)"
#define ROWS(table)  "SELECT key,row FROM " table " WHERE key>=?1 AND key<?2 ORDER BY key"
#define DROP(table)  "DELETE FROM " table " WHERE key>=?1 AND key<?2"
#define FIRST(table) "SELECT key FROM " table " WHERE key>=?1 AND key<?2 ORDER BY key LIMIT 1"
#define ANY(table)   "SELECT key,row FROM " table " ORDER BY key LIMIT ?1"

/* In two. */
#define REPORT_STATEMENTS(index, verb)               \
  [(index) + PM_REPORT_TEN] = verb("reported_tens"), \
             [(index) + PM_REPORT_HOUR] = verb("reported_hours")
#define REPORT_GET(table)   "SELECT paths FROM " table " WHERE key=?1"
#define REPORT_PUT(table)   "INSERT OR REPLACE INTO " table "(key,paths) VALUES(?1,?2)"
#define REPORT_FIRST(table) "SELECT key FROM " table " ORDER BY key LIMIT 1"
#define REPORTS_DROP(table) "DELETE FROM " table " WHERE key<?1"

static const char *const SQL[PM_SQL_COUNT] = {
    [PM_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [PM_SQL_COMMIT] = "COMMIT",
    [PM_SQL_NODE_BY_KEY] = "SELECT id,url,location,reported FROM nodes WHERE key=?1",
    [PM_SQL_NODE_BY_URL] =
        "SELECT id,key,location,reported FROM nodes WHERE url=?1 ORDER BY id DESC LIMIT 1",
    [PM_SQL_NODE_ADD] = "INSERT INTO nodes(key,url,location) VALUES(?1,?2,?3)",
    [PM_SQL_NODE_SET] = "UPDATE nodes SET key=?2,url=?3,location=?4 WHERE id=?1",
    [PM_SQL_NODE_REPORTED] = "UPDATE nodes SET reported=?2 WHERE id=?1",
    [PM_SQL_NODES_DROP] = "DELETE FROM nodes WHERE reported<?1"
                          " AND id NOT IN (SELECT from_id FROM pairs)"
                          " AND id NOT IN (SELECT to_id FROM pairs)",
    [PM_SQL_PAIR_BY_NODES] = "SELECT id,first,last FROM pairs WHERE from_id=?1 AND to_id=?2",
    [PM_SQL_PAIR_BY_KEYS] = "SELECT p.id FROM pairs p JOIN nodes a ON a.id=p.from_id"
                            " JOIN nodes b ON b.id=p.to_id WHERE a.key=?1 AND b.key=?2",
    [PM_SQL_PAIR_ADD] = "INSERT INTO pairs(from_id,to_id,first,last) VALUES(?1,?2,?3,?3)",
    [PM_SQL_PAIR_SEEN] = "UPDATE pairs SET first=min(first,?2),last=max(last,?2) WHERE id=?1",
    [PM_SQL_PAIRS] = "SELECT p.id,a.key,a.url,a.location,b.key,b.url,b.location,p.first,p.last"
                     " FROM pairs p JOIN nodes a ON a.id=p.from_id JOIN nodes b ON b.id=p.to_id"
                     " WHERE p.id>?1 ORDER BY p.id LIMIT ?2",
    [PM_SQL_PAIR_IDS] = "SELECT id FROM pairs WHERE id>?1 ORDER BY id",
    [PM_SQL_PAIRS_BY_LOCATIONS] =
        "SELECT p.id FROM pairs p JOIN nodes a ON a.id=p.from_id JOIN nodes b ON b.id=p.to_id"
        " WHERE a.location=?1 AND b.location=?2 ORDER BY p.id LIMIT ?3",
    [PM_SQL_NODES_BY_LOCATION] =
        "SELECT id FROM nodes WHERE location=?1 AND reported>0 ORDER BY id LIMIT ?2",
    [PM_SQL_PAIRS_DROP] = "DELETE FROM pairs WHERE last<?1",
    [PM_SQL_HORIZONS] = "SELECT tier,minute FROM horizons",
    [PM_SQL_HORIZON_SET] = "INSERT OR REPLACE INTO horizons(tier,minute) VALUES(?1,?2)",
    [PM_SQL_PENDING_TENS] = "SELECT key FROM pending_tens WHERE key>=?1 AND key<?2 ORDER BY key",
    [PM_SQL_PENDING_HOURS] = "SELECT key FROM pending_hours WHERE key>=?1 AND key<?2 ORDER BY key",
    [PM_SQL_PENDING_TEN_ADD] = "INSERT OR IGNORE INTO pending_tens(key) VALUES(?1)",
    [PM_SQL_PENDING_HOUR_ADD] = "INSERT OR IGNORE INTO pending_hours(key) VALUES(?1)",
    [PM_SQL_PENDING_TEN_DROP] = "DELETE FROM pending_tens WHERE key=?1",
    [PM_SQL_PENDING_HOUR_DROP] = "DELETE FROM pending_hours WHERE key=?1",
    /* Few rows: of each pair one or two. ?1: the mask of a key's minute, ?2: the latest due. */
    [PM_SQL_PENDING_TENS_DUE] = "SELECT key FROM pending_tens WHERE (key&?1)<=?2 LIMIT ?3",
    [PM_SQL_PENDING_HOURS_DUE] = "SELECT key FROM pending_hours WHERE (key&?1)<=?2 LIMIT ?3",
    ROW_STATEMENTS(PM_SQL_ROW_GET, GET),
    ROW_STATEMENTS(PM_SQL_ROW_PUT, PUT),
    ROW_STATEMENTS(PM_SQL_ROWS, ROWS),
    ROW_STATEMENTS(PM_SQL_ROWS_DROP, DROP),
    ROW_STATEMENTS(PM_SQL_ROW_FIRST, FIRST),
    ROW_STATEMENTS(PM_SQL_ANY_ROWS, ANY),
    [PM_SQL_REPORT_HOUR_DROP] = "DELETE FROM reported_hours WHERE key=?1",
    [PM_SQL_REPORT_PENDING_ADD] = "INSERT OR IGNORE INTO pending_reports(key) VALUES(?1)",
    [PM_SQL_REPORT_PENDING_DROP] = "DELETE FROM pending_reports WHERE key=?1",
    [PM_SQL_REPORT_PENDING_DUE] =
        "SELECT key FROM pending_reports WHERE key<?1 ORDER BY key LIMIT ?2",
    REPORT_STATEMENTS(PM_SQL_REPORT_GET, REPORT_GET),
    REPORT_STATEMENTS(PM_SQL_REPORT_PUT, REPORT_PUT),
    REPORT_STATEMENTS(PM_SQL_REPORT_FIRST, REPORT_FIRST),
    REPORT_STATEMENTS(PM_SQL_REPORTS_DROP, REPORTS_DROP),
};

enum pm_err pm_database_failed(sqlite3 *handle, int status, struct pm_why *why) {
  enum pm_err err;
  switch (status & 0xff) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    err = PM_ERR_SYNTAX;
    break;
  case SQLITE_FULL:
    err = PM_ERR_FULL;
    break;
  case SQLITE_NOMEM:
    err = PM_ERR_NOMEM;
    break;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return pm_why_set(why, PM_ERR_DENIED, "another process has it open");
  default:
    err = PM_ERR_IO;
    break;
  }
  (void)handle; /* its own message may be of a later call */
  return pm_why_set(why, err, "%s", sqlite3_errstr(status));
}

/* ---- statements ---- */

sqlite3_stmt *pm_database_statement(struct pm_database *db, enum pm_sql which) {
  sqlite3_stmt **statement = &db->statements[which];
  if (*statement == NULL) {
    int status =
        sqlite3_prepare_v3(db->handle, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    if (status != SQLITE_OK) {
      if (db->status == SQLITE_OK) db->status = status;
      *statement = NULL;
      return NULL;
    }
  }
  sqlite3_reset(*statement);
  return *statement;
}

bool pm_database_step(struct pm_database *db, sqlite3_stmt *statement) {
  if (statement == NULL) return false;
  int status = sqlite3_step(statement);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE && db->status == SQLITE_OK)
    db->status = sqlite3_extended_errcode(db->handle);
  sqlite3_reset(statement);
  return false;
}

void pm_database_run(struct pm_database *db, sqlite3_stmt *statement) {
  if (db->status == SQLITE_OK && pm_database_step(db, statement)) sqlite3_reset(statement);
}

void pm_database_begin(struct pm_database *db) {
  for (int i = 0; i < PM_NAMED_NODES; i++) db->named[i].key[0] = '\0';
  db->status = SQLITE_OK;
  pm_database_run(db, pm_database_statement(db, PM_SQL_BEGIN));
}

static void load_horizons(struct pm_database *db) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_HORIZONS);
  for (int tier = 0; tier < PM_TIER_COUNT; tier++) db->horizons[tier] = 0;
  for (int tier = 0; tier < PM_REPORT_TIER_COUNT; tier++) db->report_horizons[tier] = 0;
  while (pm_database_step(db, statement)) {
    int64_t tier = sqlite3_column_int64(statement, 0);
    int64_t minute = sqlite3_column_int64(statement, 1);
    if (minute < 0 || minute > PM_TIER_MINUTE_MAX) continue;
    if (tier >= 0 && tier < PM_TIER_COUNT)
      db->horizons[tier] = minute;
    else if (tier >= PM_TIER_COUNT && tier < PM_TIER_COUNT + PM_REPORT_TIER_COUNT)
      db->report_horizons[tier - PM_TIER_COUNT] = minute;
  }
}

void pm_database_rollback(struct pm_database *db) {
  if (!sqlite3_get_autocommit(db->handle)) sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
  int status = db->status;
  load_horizons(db);
  db->status = status;
}

enum pm_err pm_database_end(struct pm_database *db, struct pm_why *why) {
  pm_database_run(db, pm_database_statement(db, PM_SQL_COMMIT));
  if (db->status == SQLITE_OK) return PM_OK;
  pm_database_rollback(db);
  return pm_database_failed(db->handle, db->status, why);
}

enum pm_err pm_database_read_end(struct pm_database *db, struct pm_why *why) {
  return db->status == SQLITE_OK ? PM_OK : pm_database_failed(db->handle, db->status, why);
}

/* ---- opening ---- */

/* Exclusive: two nodes in one directory would count everything twice, and SQLite then needs no
 * shared memory, whose pages a full disk takes away under a process. The pragmas must come in this
 * order: vacuuming is settled before the first table, locking before the log is touched. */
static int set_up(sqlite3 *handle, const char *path, int64_t pages_max) {
  char sql[512];
  snprintf(sql, sizeof(sql),
           "PRAGMA page_size=%d; PRAGMA locking_mode=EXCLUSIVE; PRAGMA auto_vacuum=INCREMENTAL;"
           "PRAGMA journal_mode=%s; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=%d;"
           "PRAGMA journal_size_limit=%d; PRAGMA cache_size=-%d; PRAGMA max_page_count=%lld;"
           "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;",
           PAGE_BYTES, path ? "WAL" : "MEMORY", LOG_PAGES, LOG_BYTES_KEPT, MEMORY_PAGES_KEPT_KB,
           (long long)pages_max);
  sqlite3_extended_result_codes(handle, 1);
  return sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

static enum pm_err prepare(struct pm_database *db, const char *path, struct pm_why *why) {
  int status = set_up(db->handle, path, db->pages_max);
  if (status != SQLITE_OK) return pm_database_failed(db->handle, status, why);
  enum pm_err err = pm_schema_migrate(db->handle, &pm_schema_current, why);
  if (err != PM_OK) return err;
  load_horizons(db);
  return pm_database_read_end(db, why);
}

enum pm_err pm_database_open(const char *path, int64_t bytes_max, struct pm_database **out,
                             struct pm_why *why) {
  struct pm_database *db = calloc(1, sizeof(*db));
  if (db != NULL) db->packed = malloc(PM_ROW_BYTES_MAX);
  if (db == NULL || db->packed == NULL) {
    free(db);
    return pm_why_set(why, PM_ERR_NOMEM, "no memory");
  }
  pm_slot_sum_init(&db->sum);
  db->pages_max = (path ? bytes_max - LOG_BYTES_RESERVED : bytes_max) / PAGE_BYTES;
  int status =
      sqlite3_open_v2(path ? path : ":memory:", &db->handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
  enum pm_err err =
      status == SQLITE_OK ? prepare(db, path, why) : pm_database_failed(db->handle, status, why);
  if (err == PM_OK)
    *out = db;
  else
    pm_database_close(db);
  return err;
}

void pm_database_close(struct pm_database *db) {
  if (db == NULL) return;
  for (int i = 0; i < PM_SQL_COUNT; i++) sqlite3_finalize(db->statements[i]);
  sqlite3_close(db->handle);
  free(db->packed);
  free(db);
}

/* ---- size ---- */

static int64_t pragma(struct pm_database *db, const char *sql) {
  sqlite3_stmt *statement = NULL;
  int64_t value = 0;
  if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW)
    value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return value;
}

static int64_t pages_used(struct pm_database *db) {
  return pragma(db, "PRAGMA page_count") - pragma(db, "PRAGMA freelist_count");
}

int64_t pm_database_bytes(struct pm_database *db) {
  return pages_used(db) * PAGE_BYTES;
}

bool pm_database_is_tight(struct pm_database *db) {
  int64_t spare = db->pages_max / SPARE_SHARE;
  if (spare < PAGES_SPARE_MIN) spare = PAGES_SPARE_MIN;
  return pages_used(db) + spare > db->pages_max;
}

void pm_database_shrink(struct pm_database *db) {
  int64_t pages = pragma(db, "PRAGMA page_count");
  if (pragma(db, "PRAGMA freelist_count") * 100 <= pages * FREE_PERCENT) return;
  char sql[64];
  snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
  sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}
