/* A SQLite database as the store uses it: opened, its statements kept, its errors in our words.
 * Blocks. One thread at a time.
 */
#ifndef PM_STORE_DATABASE_H
#define PM_STORE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/slot.h"
#include "store/tier.h"

struct sqlite3;
struct sqlite3_stmt;

/* Those with a tier in their name come three times, in the order of enum pm_tier. */
enum pm_sql {
  PM_SQL_BEGIN,
  PM_SQL_COMMIT,
  PM_SQL_NODE_BY_KEY,
  PM_SQL_NODE_BY_URL,
  PM_SQL_NODE_ADD,
  PM_SQL_NODE_SET,
  PM_SQL_NODE_REPORTED,
  PM_SQL_NODES_DROP,
  PM_SQL_PAIR_BY_NODES,
  PM_SQL_PAIR_BY_KEYS,
  PM_SQL_PAIR_ADD,
  PM_SQL_PAIR_SEEN,
  PM_SQL_PAIRS,
  PM_SQL_PAIR_IDS,
  PM_SQL_PAIRS_BY_LOCATIONS,
  PM_SQL_NODES_BY_LOCATION,
  PM_SQL_PAIRS_DROP,
  PM_SQL_HORIZONS,
  PM_SQL_HORIZON_SET,
  PM_SQL_PENDING_TENS,
  PM_SQL_PENDING_HOURS,
  PM_SQL_PENDING_TEN_ADD,
  PM_SQL_PENDING_HOUR_ADD,
  PM_SQL_PENDING_TEN_DROP,
  PM_SQL_PENDING_HOUR_DROP,
  PM_SQL_PENDING_TENS_DUE,
  PM_SQL_PENDING_HOURS_DUE,
  PM_SQL_REPORT_HOUR_DROP,
  PM_SQL_REPORT_PENDING_ADD,
  PM_SQL_REPORT_PENDING_DROP,
  PM_SQL_REPORT_PENDING_DUE,
  PM_SQL_ROW_GET,
  PM_SQL_ROW_PUT = PM_SQL_ROW_GET + PM_TIER_COUNT,
  PM_SQL_ROWS = PM_SQL_ROW_PUT + PM_TIER_COUNT,
  PM_SQL_ROWS_DROP = PM_SQL_ROWS + PM_TIER_COUNT,
  PM_SQL_ROW_FIRST = PM_SQL_ROWS_DROP + PM_TIER_COUNT,
  PM_SQL_ANY_ROWS = PM_SQL_ROW_FIRST + PM_TIER_COUNT,
  PM_SQL_REPORT_GET = PM_SQL_ANY_ROWS + PM_TIER_COUNT, /* these twice: enum pm_report_tier */
  PM_SQL_REPORT_PUT = PM_SQL_REPORT_GET + PM_REPORT_TIER_COUNT,
  PM_SQL_REPORT_FIRST = PM_SQL_REPORT_PUT + PM_REPORT_TIER_COUNT,
  PM_SQL_REPORTS_DROP = PM_SQL_REPORT_FIRST + PM_REPORT_TIER_COUNT,
  PM_SQL_COUNT = PM_SQL_REPORTS_DROP + PM_REPORT_TIER_COUNT,
};

/* Nodes that reports named since pm_database_begin: a list of each of a hundred nodes names the
 * same hundred. Each key has one place. */
enum { PM_NAMED_NODES = 1024, PM_NAMED_KEY_BYTES = 40 };
struct pm_named_node {
  char key[PM_NAMED_KEY_BYTES]; /* "": free */
  int64_t id;
};

struct pm_database {
  struct sqlite3 *handle;
  struct sqlite3_stmt *statements[PM_SQL_COUNT];
  int64_t horizons[PM_TIER_COUNT], report_horizons[PM_REPORT_TIER_COUNT];
  int64_t pages_max;
  uint64_t damaged;       /* rows that could not be read */
  uint64_t refused;       /* minutes and reports that are too old, or not sound */
  int status;             /* of SQLite; the first failure since pm_database_begin */
  struct pm_slot_sum sum; /* of whatever is being merged */
  uint8_t *packed;        /* PM_ROW_BYTES_MAX */
  struct pm_named_node named[PM_NAMED_NODES];
};

/* path NULL: in memory. bytes_max: of the file; a file that has more already does not grow.
 * PM_ERR_SYNTAX: what is there is damaged; PM_ERR_DENIED: another process has it open; PM_ERR_FULL;
 * PM_ERR_IO; PM_ERR_RANGE and PM_ERR_TYPE as pm_schema_migrate; PM_ERR_NOMEM. Always with a
 * sentence. */
enum pm_err pm_database_open(const char *path, int64_t bytes_max, struct pm_database **out,
                             struct pm_why *why) PM_MUST_USE;
void pm_database_close(struct pm_database *db);

/* Ready to be bound and stepped; NULL, and the database has failed, if it cannot be made. */
struct sqlite3_stmt *pm_database_statement(struct pm_database *db, enum pm_sql which);
/* True on a row. After the last one, or a failure, the statement is reset. */
bool pm_database_step(struct pm_database *db, struct sqlite3_stmt *statement);
/* Steps to the end, for what has no rows. A NULL statement is passed over. */
void pm_database_run(struct pm_database *db, struct sqlite3_stmt *statement);

/* Between these failures stick, so that who writes need not ask after each statement. end: commits,
 * or rolls back if anything failed, as the error then says. */
void pm_database_begin(struct pm_database *db);
enum pm_err pm_database_end(struct pm_database *db, struct pm_why *why) PM_MUST_USE;
void pm_database_rollback(struct pm_database *db);
/* After reading: what failed since begin, PM_OK if nothing. */
enum pm_err pm_database_read_end(struct pm_database *db, struct pm_why *why) PM_MUST_USE;

int64_t pm_database_bytes(struct pm_database *db); /* of pages in use */
bool pm_database_is_tight(struct pm_database *db); /* nearly as many as there may be */
/* Gives some of what is free back to the file system, if it is much. */
void pm_database_shrink(struct pm_database *db);

/* The error and its sentence for a status of SQLite. */
enum pm_err pm_database_failed(struct sqlite3 *handle, int status, struct pm_why *why);

#endif
