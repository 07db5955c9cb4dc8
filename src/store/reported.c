#include "store/reported.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "store/row.h"

enum {
  HOUR = 60,
  TEN = 10,
  TENS = HOUR / TEN,
  PENDING_MAX = 64, /* looked for at a time */
};

static int64_t key_of(int64_t minute, int64_t node) {
  return minute * PM_REPORT_NODE_MAX + node;
}

static int64_t minute_of(int64_t key) {
  return key / PM_REPORT_NODE_MAX;
}

static int64_t hour_of(int64_t minute) {
  return minute - minute % HOUR;
}

static void run_with_key(struct pm_database *db, enum pm_sql which, int64_t key) {
  sqlite3_stmt *statement = pm_database_statement(db, which);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, key);
  pm_database_run(db, statement);
}

/* --- lists -------------------------------------------------------------------------------------
 */

static void write_list(struct pm_database *db, enum pm_report_tier tier, int64_t key,
                       const struct pm_report_path *paths, size_t count) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_REPORT_PUT + tier);
  if (statement == NULL) return;
  size_t bytes = pm_report_pack(paths, count, db->packed);
  sqlite3_bind_int64(statement, 1, key);
  sqlite3_bind_blob(statement, 2, db->packed, (int)bytes, SQLITE_STATIC);
  pm_database_run(db, statement);
  sqlite3_clear_bindings(statement);
}

/* Of that key, at its first path; false: there is none, or nothing else is to be read of it. To be
 * reset by the caller. */
static bool read_list(struct pm_database *db, enum pm_report_tier tier, int64_t key,
                      struct pm_report_reader *out) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_REPORT_GET + tier);
  if (statement == NULL) return false;
  sqlite3_bind_int64(statement, 1, key);
  if (!pm_database_step(db, statement)) return false;
  const uint8_t *bytes = sqlite3_column_blob(statement, 0);
  int count = sqlite3_column_bytes(statement, 0);
  if (bytes != NULL && pm_report_reader_init(out, bytes, (size_t)count) == PM_OK) return true;
  db->damaged++;
  sqlite3_reset(statement);
  return false;
}

static void end_list(struct pm_database *db, enum pm_report_tier tier,
                     const struct pm_report_reader *r) {
  if (r->bits.bad) db->damaged++;
  sqlite3_reset(db->statements[PM_SQL_REPORT_GET + tier]);
}

/* --- putting -----------------------------------------------------------------------------------
 */

static int by_to(const void *x, const void *y) {
  const struct pm_report_path *a = x, *b = y;
  return a->to < b->to ? -1 : a->to > b->to;
}

static size_t sort_out(struct pm_report_path *paths, size_t count) {
  size_t kept = 0;
  qsort(paths, count, sizeof(*paths), by_to);
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || paths[i].to != paths[kept - 1].to) paths[kept++] = paths[i];
  return kept;
}

bool pm_reported_put(struct pm_database *db, int64_t from, int64_t minute,
                     struct pm_report_path *paths, size_t count) {
  int64_t ten = minute - minute % TEN, hour = key_of(hour_of(minute), from);
  bool possible = minute >= 0 && minute <= PM_TIER_MINUTE_MAX && from < PM_REPORT_NODE_MAX &&
                  count <= PM_REPORT_PATHS_MAX && ten >= db->report_horizons[PM_REPORT_TEN];
  if (!possible) {
    db->refused++;
    return false;
  }
  count = sort_out(paths, count);
  write_list(db, PM_REPORT_TEN, key_of(ten, from), paths, count);
  run_with_key(db, PM_SQL_REPORT_HOUR_DROP, hour); /* merged before this one came */
  run_with_key(db, PM_SQL_REPORT_PENDING_ADD, hour);
  return true;
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* False: there is no such list. */
static bool add_list(struct pm_database *db, enum pm_report_tier tier,
                     const struct pm_reported_paths *paths, int64_t minute,
                     struct pm_slot_sum *sum) {
  struct pm_report_reader reader;
  struct pm_report_path path;
  size_t at = 0;
  if (!read_list(db, tier, key_of(minute, paths->from), &reader)) return false;
  while (at < paths->count && pm_report_next(&reader, &path)) {
    while (at < paths->count && paths->to[at] < path.to) at++;
    if (at < paths->count && paths->to[at] == path.to) pm_report_add(&path.cell, sum);
  }
  end_list(db, tier, &reader);
  return true;
}

static void add_tens(struct pm_database *db, const struct pm_reported_paths *paths, int64_t since,
                     int64_t until, struct pm_slot_sum *sum) {
  for (int64_t at = since; at < until; at += TEN) add_list(db, PM_REPORT_TEN, paths, at, sum);
}

void pm_reported_add_span(struct pm_database *db, enum pm_report_tier tier,
                          const struct pm_reported_paths *paths, int64_t since, int64_t until,
                          struct pm_slot_sum *sum) {
  if (tier == PM_REPORT_TEN) {
    add_tens(db, paths, since, until, sum);
    return;
  }
  for (int64_t at = since; at < until; at += HOUR)
    if (!add_list(db, PM_REPORT_HOUR, paths, at, sum)) add_tens(db, paths, at, at + HOUR, sum);
}

/* --- merging -----------------------------------------------------------------------------------
 */

/* The paths of an hour's tens: those to the same node are to be merged, in the order of time. */
struct part {
  struct pm_report_path path;
  int ten;
};

struct merging {
  struct part parts[TENS * PM_REPORT_PATHS_MAX];
  struct pm_report_path merged[PM_REPORT_PATHS_MAX];
  size_t count;
};

static int by_to_and_time(const void *x, const void *y) {
  const struct part *a = x, *b = y;
  int order = by_to(&a->path, &b->path);
  return order ? order : a->ten - b->ten;
}

static void load_parts(struct pm_database *db, int64_t key, struct merging *merging) {
  struct pm_report_reader reader;
  merging->count = 0;
  for (int ten = 0; ten < TENS; ten++) {
    int64_t at = key + (int64_t)ten * TEN * PM_REPORT_NODE_MAX;
    if (!read_list(db, PM_REPORT_TEN, at, &reader)) continue;
    struct part *part = &merging->parts[merging->count];
    for (; pm_report_next(&reader, &part->path); part = &merging->parts[merging->count]) {
      part->ten = ten;
      if (++merging->count == TENS * PM_REPORT_PATHS_MAX) break;
    }
    end_list(db, PM_REPORT_TEN, &reader);
  }
  qsort(merging->parts, merging->count, sizeof(merging->parts[0]), by_to_and_time);
}

/* Nodes that took turns in the hour may be more than a list holds: the last ones are left out. */
static size_t merge_parts(struct pm_database *db, struct merging *merging) {
  size_t merged = 0;
  for (size_t at = 0; at < merging->count && merged < PM_REPORT_PATHS_MAX;) {
    int64_t to = merging->parts[at].path.to;
    pm_row_sum_clear(&db->sum);
    for (; at < merging->count && merging->parts[at].path.to == to; at++)
      pm_report_add(&merging->parts[at].path.cell, &db->sum);
    merging->merged[merged].to = to;
    pm_report_of(&db->sum, &merging->merged[merged++].cell);
  }
  return merged;
}

static size_t find_due(struct pm_database *db, int64_t before, int64_t max,
                       int64_t keys[PENDING_MAX]) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_REPORT_PENDING_DUE);
  size_t count = 0;
  if (statement == NULL) return 0;
  sqlite3_bind_int64(statement, 1, key_of(before, 0));
  sqlite3_bind_int64(statement, 2, max < PENDING_MAX ? max : PENDING_MAX);
  while (count < PENDING_MAX && pm_database_step(db, statement))
    keys[count++] = sqlite3_column_int64(statement, 0);
  sqlite3_reset(statement);
  return count;
}

bool pm_reported_merge_due(struct pm_database *db, int64_t now, int64_t max) {
  int64_t keys[PENDING_MAX];
  size_t count = find_due(db, hour_of(now), max, keys);
  if (count == 0) return false;
  struct merging *merging = malloc(sizeof(*merging));
  if (merging == NULL) {
    db->status = SQLITE_NOMEM;
    return false;
  }
  for (size_t i = 0; i < count && db->status == SQLITE_OK; i++) {
    load_parts(db, keys[i], merging);
    size_t merged = merge_parts(db, merging);
    if (merged > 0) write_list(db, PM_REPORT_HOUR, keys[i], merging->merged, merged);
    run_with_key(db, PM_SQL_REPORT_PENDING_DROP, keys[i]);
  }
  free(merging);
  return true;
}

bool pm_reported_any_pending(struct pm_database *db, int64_t before) {
  int64_t keys[PENDING_MAX];
  return find_due(db, before, 1, keys) > 0;
}

/* --- what goes ---------------------------------------------------------------------------------
 */

int64_t pm_reported_earliest(struct pm_database *db, enum pm_report_tier tier) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_REPORT_FIRST + tier);
  if (!pm_database_step(db, statement)) return INT64_MAX;
  int64_t minute = minute_of(sqlite3_column_int64(statement, 0));
  sqlite3_reset(statement);
  return minute;
}

void pm_reported_set_horizon(struct pm_database *db, enum pm_report_tier tier, int64_t horizon) {
  sqlite3_stmt *drop = pm_database_statement(db, PM_SQL_REPORTS_DROP + tier);
  if (drop != NULL) sqlite3_bind_int64(drop, 1, key_of(horizon, 0));
  pm_database_run(db, drop);
  sqlite3_stmt *set = pm_database_statement(db, PM_SQL_HORIZON_SET);
  if (set == NULL) return;
  sqlite3_bind_int64(set, 1, PM_TIER_COUNT + (int)tier);
  sqlite3_bind_int64(set, 2, horizon);
  pm_database_run(db, set);
  if (db->status == SQLITE_OK) db->report_horizons[tier] = horizon;
}
