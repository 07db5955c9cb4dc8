#include "store/series.h"

#include <sqlite3.h>
#include <string.h>

#include "store/row.h"

/* Pending rows are looked for at most so many at a time: of a pair there are one or two, more only
 * after a clock that was wrong. */
enum { PENDING_MAX = 64 };

static sqlite3_stmt *of_range(struct pm_database *db, enum pm_sql which, int64_t first,
                              int64_t end) {
  sqlite3_stmt *statement = pm_database_statement(db, which);
  if (statement == NULL) return NULL;
  sqlite3_bind_int64(statement, 1, first);
  sqlite3_bind_int64(statement, 2, end);
  return statement;
}

static void run_with_key(struct pm_database *db, enum pm_sql which, int64_t key) {
  sqlite3_stmt *statement = pm_database_statement(db, which);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, key);
  pm_database_run(db, statement);
}

/* ---- adding ---- */

/* What is damaged counts as not there; half of it may be in the sum. */
static void add_column(struct pm_database *db, sqlite3_stmt *statement, int column,
                       struct pm_slot_sum *sum) {
  const uint8_t *bytes = sqlite3_column_blob(statement, column);
  int count = sqlite3_column_bytes(statement, column);
  if (bytes == NULL || pm_row_add(sum, bytes, (size_t)count) != PM_OK) db->damaged++;
}

static void add_existing(struct pm_database *db, enum pm_tier tier, int64_t key,
                         struct pm_slot_sum *sum) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_ROW_GET + tier);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, key);
  if (!pm_database_step(db, statement)) return;
  add_column(db, statement, 0, sum);
  sqlite3_reset(statement);
}

static void write_sum(struct pm_database *db, enum pm_tier tier, int64_t key) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_ROW_PUT + tier);
  if (statement == NULL) return;
  size_t count = pm_row_pack(&db->sum, db->packed);
  sqlite3_bind_int64(statement, 1, key);
  sqlite3_bind_blob(statement, 2, db->packed, (int)count, SQLITE_STATIC);
  pm_database_run(db, statement);
  sqlite3_clear_bindings(statement);
}

static void mark_pending(struct pm_database *db, enum pm_tier tier, int64_t pair, int64_t minute) {
  int64_t ten = pm_tier_key(pair, pm_tier_align(PM_TIER_TEN, minute));
  int64_t hour = pm_tier_key(pair, pm_tier_align(PM_TIER_HOUR, minute));
  if (tier < PM_TIER_TEN) run_with_key(db, PM_SQL_PENDING_TEN_ADD, ten);
  if (tier < PM_TIER_HOUR) run_with_key(db, PM_SQL_PENDING_HOUR_ADD, hour);
}

typedef enum pm_err (*adder)(struct pm_slot_sum *sum, const uint8_t *bytes, size_t count);

static bool put(struct pm_database *db, int64_t pair, int64_t minute, const uint8_t *bytes,
                size_t count, adder add) {
  bool possible = minute >= 0 && minute <= PM_TIER_MINUTE_MAX;
  enum pm_tier tier = possible ? pm_tier_of(db->horizons, minute) : PM_TIER_COUNT;
  if (tier != PM_TIER_COUNT) {
    int64_t key = pm_tier_key(pair, pm_tier_align(tier, minute));
    pm_row_sum_clear(&db->sum);
    add_existing(db, tier, key, &db->sum);
    if (add(&db->sum, bytes, count) == PM_OK) {
      write_sum(db, tier, key);
      mark_pending(db, tier, pair, minute);
      return true;
    }
  }
  db->refused++;
  return false;
}

bool pm_series_put(struct pm_database *db, int64_t pair, int64_t minute, const uint8_t *slot,
                   size_t count) {
  return put(db, pair, minute, slot, count, pm_slot_sum_add_packed);
}

bool pm_series_put_row(struct pm_database *db, int64_t pair, int64_t minute, const uint8_t *row,
                       size_t count) {
  return put(db, pair, minute, row, count, pm_row_add);
}

/* ---- reading ---- */

struct pending {
  int64_t keys[PENDING_MAX];
  size_t count;
};

static void find_pending(struct pm_database *db, enum pm_tier tier, int64_t first, int64_t end,
                         struct pending *out) {
  out->count = 0;
  if (tier == PM_TIER_MINUTE) return;
  enum pm_sql which = tier == PM_TIER_TEN ? PM_SQL_PENDING_TENS : PM_SQL_PENDING_HOURS;
  sqlite3_stmt *statement = of_range(db, which, first, end);
  while (out->count < PENDING_MAX && pm_database_step(db, statement))
    out->keys[out->count++] = sqlite3_column_int64(statement, 0);
  if (statement) sqlite3_reset(statement);
}

static void add_rows(struct pm_database *db, enum pm_tier tier, int64_t first, int64_t end,
                     const struct pending *pending, struct pm_slot_sum *sum) {
  sqlite3_stmt *statement = of_range(db, PM_SQL_ROWS + tier, first, end);
  size_t at = 0;
  while (pm_database_step(db, statement)) {
    int64_t key = sqlite3_column_int64(statement, 0);
    while (at < pending->count && pending->keys[at] < key) at++;
    if (at == pending->count || pending->keys[at] != key) add_column(db, statement, 1, sum);
  }
}

/* Calls itself for the tier below, so twice at most. */
void pm_series_add_span(struct pm_database *db, enum pm_tier tier, int64_t pair, int64_t since,
                        int64_t until, struct pm_slot_sum *sum) {
  int64_t first = pm_tier_key(pair, since), end = pm_tier_key(pair, until);
  struct pending pending;
  find_pending(db, tier, first, end, &pending);
  add_rows(db, tier, first, end, &pending, sum);
  for (size_t i = 0; i < pending.count; i++) {
    int64_t minute = pm_tier_key_minute(pending.keys[i]);
    pm_series_add_span(db, tier - 1, pair, minute, minute + pm_tier_minutes(tier), sum);
  }
}

/* ---- merging ---- */

static size_t find_due(struct pm_database *db, enum pm_tier tier, int64_t now, int64_t max,
                       int64_t keys[PENDING_MAX]) {
  enum pm_sql which = tier == PM_TIER_TEN ? PM_SQL_PENDING_TENS_DUE : PM_SQL_PENDING_HOURS_DUE;
  sqlite3_stmt *statement = pm_database_statement(db, which);
  size_t count = 0;
  if (statement == NULL) return 0;
  sqlite3_bind_int64(statement, 1, PM_TIER_MINUTE_MAX);
  sqlite3_bind_int64(statement, 2, now - pm_tier_minutes(tier));
  sqlite3_bind_int64(statement, 3, max < PENDING_MAX ? max : PENDING_MAX);
  while (count < PENDING_MAX && pm_database_step(db, statement))
    keys[count++] = sqlite3_column_int64(statement, 0);
  sqlite3_reset(statement);
  return count;
}

static void merge(struct pm_database *db, enum pm_tier tier, int64_t key) {
  int64_t minute = pm_tier_key_minute(key);
  pm_row_sum_clear(&db->sum);
  pm_series_add_span(db, tier - 1, pm_tier_key_pair(key), minute, minute + pm_tier_minutes(tier),
                     &db->sum);
  if (!pm_slot_is_empty(&db->sum.numbers)) write_sum(db, tier, key);
  run_with_key(db, tier == PM_TIER_TEN ? PM_SQL_PENDING_TEN_DROP : PM_SQL_PENDING_HOUR_DROP, key);
}

bool pm_series_merge_due(struct pm_database *db, int64_t now, int64_t max) {
  int64_t keys[PENDING_MAX];
  bool any = false;
  for (enum pm_tier tier = PM_TIER_TEN; tier < PM_TIER_COUNT; tier++) {
    /* An hour is made of its tens: those first, all of them. */
    for (size_t count = 1; count > 0 && max > 0 && db->status == SQLITE_OK;) {
      count = find_due(db, tier, now, max, keys);
      for (size_t i = 0; i < count; i++) merge(db, tier, keys[i]);
      max -= (int64_t)count;
      any |= count > 0;
    }
  }
  return any;
}

bool pm_series_any_pending(struct pm_database *db, enum pm_tier tier, int64_t before) {
  int64_t keys[PENDING_MAX];
  return find_due(db, tier, before - 1 + pm_tier_minutes(tier), 1, keys) > 0;
}

/* ---- what goes ---- */

/* A pair after the other, by id, for statements cannot nest with themselves. */
static int64_t next_pair(struct pm_database *db, int64_t after) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_PAIR_IDS);
  if (statement == NULL) return 0;
  sqlite3_bind_int64(statement, 1, after);
  if (!pm_database_step(db, statement)) return 0;
  int64_t pair = sqlite3_column_int64(statement, 0);
  sqlite3_reset(statement);
  return pair;
}

int64_t pm_series_earliest(struct pm_database *db, enum pm_tier tier) {
  int64_t earliest = INT64_MAX;
  for (int64_t pair = 0; (pair = next_pair(db, pair)) > 0;) {
    sqlite3_stmt *statement =
        of_range(db, PM_SQL_ROW_FIRST + tier, pm_tier_key(pair, 0), pm_tier_key(pair + 1, 0));
    if (!pm_database_step(db, statement)) continue;
    int64_t minute = pm_tier_key_minute(sqlite3_column_int64(statement, 0));
    sqlite3_reset(statement);
    if (minute < earliest) earliest = minute;
  }
  return earliest;
}

void pm_series_set_horizon(struct pm_database *db, enum pm_tier tier, int64_t horizon) {
  for (int64_t pair = 0; (pair = next_pair(db, pair)) > 0;)
    pm_database_run(db, of_range(db, PM_SQL_ROWS_DROP + tier, pm_tier_key(pair, 0),
                                 pm_tier_key(pair, horizon)));
  pm_database_run(db, of_range(db, PM_SQL_HORIZON_SET, tier, horizon));
  if (db->status == SQLITE_OK) db->horizons[tier] = horizon;
}
