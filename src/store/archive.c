#include "store/archive.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/archive_parts.h"
#include "store/names.h"
#include "store/reported.h"
#include "store/row.h"
#include "store/series.h"

enum {
  MOVED_A_PIECE = 2000, /* rows from memory to the file: some 100 ms */
};

static const char NAME[] = "history.db";

enum pm_err pm_archive_new(const char *dir, int64_t max_mb, struct pm_archive **out) {
  struct pm_archive *archive = calloc(1, sizeof(*archive));
  if (archive == NULL) return PM_ERR_NOMEM;
  if (dir != NULL) {
    int length = snprintf(archive->path, sizeof(archive->path), "%s/%s", dir, NAME);
    /* A path that was cut must not become another file. */
    if (length < 0 || (size_t)length >= sizeof(archive->path)) archive->path[0] = '\0';
  }
  archive->bytes_max = max_mb << 20;
  archive->file_upkeep.keep = pm_tier_keep_in_file();
  archive->memory_upkeep.keep = pm_tier_keep_in_memory();
  *out = archive;
  return PM_OK;
}

void pm_archive_free(struct pm_archive *archive) {
  if (archive == NULL) return;
  pm_archive_close(archive, &archive->file);
  pm_archive_close(archive, &archive->memory);
  free(archive);
}

void pm_archive_say(struct pm_archive *archive, const char *format, ...) {
  if (archive->notices_count == PM_ARCHIVE_NOTICES_MAX) return;
  char text[PM_WHY_BYTES];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  pm_why_set(&archive->notices[archive->notices_count++], PM_OK, "%s", text);
}

bool pm_archive_notice(struct pm_archive *archive, struct pm_why *out) {
  if (archive->notices_count == 0) return false;
  *out = archive->notices[0];
  archive->notices_count--;
  memmove(archive->notices, archive->notices + 1,
          archive->notices_count * sizeof(archive->notices[0]));
  return true;
}

static int64_t minute_of(struct pm_wall now) {
  return now.ns / PM_NS_PER_S / 60;
}

static struct pm_database *memory_of(struct pm_archive *archive, struct pm_why *why) {
  if (archive->memory == NULL) {
    enum pm_err err = pm_database_open(NULL, PM_ARCHIVE_MEMORY_BYTES, &archive->memory, why);
    if (err != PM_OK) return NULL;
  }
  return archive->memory;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Whether it was taken: 1 or 0. */
static uint64_t write_minute(struct pm_database *db, const struct pm_store_minute *minute) {
  int64_t pair = pm_names_pair(db, &minute->from, &minute->to, minute->minute);
  return pair > 0 && pm_series_put(db, pair, minute->minute, minute->bytes, minute->count);
}

static uint64_t write_report(struct pm_database *db, const struct pm_store_report *report) {
  struct pm_report_path *paths = calloc(report->count + 1, sizeof(*paths));
  size_t count = 0;
  if (paths == NULL) {
    db->status = SQLITE_NOMEM;
    return 0;
  }
  int64_t from = pm_names_reported(db, &report->from, report->minute);
  for (size_t i = 0; i < report->count && from > 0; i++) {
    int64_t to = pm_names_reported(db, &report->paths[i].to, report->minute);
    if (to > 0) paths[count++] = (struct pm_report_path){to, report->paths[i].cell};
  }
  uint64_t taken = from > 0 && pm_reported_put(db, from, report->minute, paths, count);
  free(paths);
  return taken;
}

static enum pm_err write_to(struct pm_database *db, const struct pm_archive_minute *minutes,
                            uint64_t *out_count, struct pm_why *why) {
  uint64_t count = 0, refused = db->refused;
  pm_database_begin(db);
  for (; minutes != NULL && db->status == SQLITE_OK; minutes = minutes->next) {
    if (minutes->report != NULL)
      count += write_report(db, minutes->report);
    else
      count += write_minute(db, &minutes->minute);
  }
  enum pm_err err = pm_database_end(db, why);
  if (err != PM_OK) db->refused = refused; /* it is tried again elsewhere */
  *out_count = err == PM_OK ? count : 0;
  return err;
}

static enum pm_err write_to_memory(struct pm_archive *archive,
                                   const struct pm_archive_minute *minutes) {
  struct pm_why why;
  uint64_t count = 0;
  struct pm_database *memory = memory_of(archive, &why);
  enum pm_err err = memory ? write_to(memory, minutes, &count, &why) : PM_ERR_NOMEM;
  if (archive->path[0])
    archive->in_memory += count;
  else
    archive->written += count;
  if (err == PM_OK) return PM_OK;
  for (; minutes != NULL; minutes = minutes->next) archive->dropped++;
  return err;
}

enum pm_err pm_archive_write(struct pm_archive *archive, const struct pm_archive_minute *minutes,
                             struct pm_wall now) {
  struct pm_why why;
  uint64_t count;
  if (archive->suspect != PM_OK) {
    pm_archive_file_failed(archive, archive->suspect, &archive->suspect_why, now);
    archive->suspect = PM_OK;
  }
  struct pm_database *file = pm_archive_file(archive, now);
  enum pm_err err = PM_ERR_CLOSED;
  if (file != NULL && (err = write_to(file, minutes, &count, &why)) != PM_OK) {
    pm_archive_file_failed(archive, err, &why, now);
    /* A damaged one has given way to a new one. */
    file = err == PM_ERR_SYNTAX ? pm_archive_file(archive, now) : NULL;
    if (file != NULL) err = write_to(file, minutes, &count, &why);
  }
  if (err != PM_OK) return write_to_memory(archive, minutes);
  archive->written += count;
  /* An empty list writes nothing, and so proves nothing. */
  if (minutes != NULL) pm_archive_file_works(archive);
  return PM_OK;
}

/* --- from memory into the file ------------------------------------------------------------------
 */

struct moving {
  struct pm_database *from, *to;
  int64_t pair_from, pair_to;
  uint64_t moved;
};

static bool make_pair(void *owner, const struct pm_store_pair *pair) {
  struct moving *moving = owner;
  if (pair->id != moving->pair_from) return false;
  moving->pair_to = pm_names_pair(moving->to, &pair->from, &pair->to, pair->last_s / 60);
  return false;
}

/* A longer row whose shorter ones are there, too, says nothing new. */
static bool is_told_already(const struct moving *moving, enum pm_tier tier, int64_t minute) {
  return tier > PM_TIER_MINUTE && minute >= moving->from->horizons[tier - 1];
}

/* One that stands for ten minutes or an hour goes to the minute that it begins with: what is merged
 * from that in the file is right again. */
static void move_row(struct moving *moving, enum pm_tier tier, sqlite3_stmt *row) {
  int64_t key = sqlite3_column_int64(row, 0), minute = pm_tier_key_minute(key);
  if (is_told_already(moving, tier, minute)) return;
  if (moving->pair_from != pm_tier_key_pair(key)) {
    moving->pair_from = pm_tier_key_pair(key);
    moving->pair_to = 0;
    pm_names_visit(moving->from, moving->pair_from - 1, 1, make_pair, moving);
  }
  if (moving->pair_to == 0) return;
  moving->moved +=
      pm_series_put_row(moving->to, moving->pair_to, minute, sqlite3_column_blob(row, 1),
                        (size_t)sqlite3_column_bytes(row, 1));
}

/* Rows of the first tier that has any; the last key of them. */
static int64_t move_rows(struct moving *moving, enum pm_tier tier) {
  sqlite3_stmt *rows = pm_database_statement(moving->from, PM_SQL_ANY_ROWS + tier);
  int64_t last = -1;
  if (rows == NULL) return last;
  sqlite3_bind_int64(rows, 1, MOVED_A_PIECE);
  while (pm_database_step(moving->from, rows)) {
    last = sqlite3_column_int64(rows, 0);
    move_row(moving, tier, rows);
  }
  return last;
}

static void drop_rows(struct pm_database *db, enum pm_tier tier, int64_t last) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_ROWS_DROP + tier);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, 0);
  sqlite3_bind_int64(statement, 2, last + 1);
  pm_database_run(db, statement);
}

/* The file first: what is then not deleted from memory, for a lack of it, would count twice, but
 * deleting needs none. True if there may be more. */
static bool move_piece(struct pm_archive *archive, struct pm_wall now) {
  struct moving moving = {.from = archive->memory, .to = archive->file};
  struct pm_why why;
  enum pm_tier tier = PM_TIER_MINUTE;
  int64_t last = -1;
  archive->memory->status = SQLITE_OK;
  pm_database_begin(archive->file);
  for (; tier < PM_TIER_COUNT && (last = move_rows(&moving, tier)) < 0;) tier++;
  enum pm_err err = pm_database_end(archive->file, &why);
  if (err != PM_OK) {
    pm_archive_file_failed(archive, err, &why, now);
    return false;
  }
  archive->written += moving.moved;
  archive->in_memory -= moving.moved < archive->in_memory ? moving.moved : archive->in_memory;
  if (last < 0) {
    archive->in_memory = 0;
    pm_archive_close(archive, &archive->memory);
    return false;
  }
  drop_rows(archive->memory, tier, last);
  return true;
}

/* --- upkeep ----------------------------------------------------------------------------------- */

bool pm_archive_upkeep(struct pm_archive *archive, struct pm_wall now) {
  struct pm_why why;
  bool more = false;
  if (archive->path[0] && archive->file && archive->memory && !archive->failing)
    return move_piece(archive, now);
  if (archive->memory) {
    enum pm_err err =
        pm_upkeep_piece(&archive->memory_upkeep, archive->memory, minute_of(now), &more, &why);
    if (err != PM_OK) more = false;
  }
  /* One that has no room must be able to make some. */
  bool usable = archive->file && (!archive->failing || archive->failing_err == PM_ERR_FULL);
  if (more || !usable) return more;
  enum pm_err err =
      pm_upkeep_piece(&archive->file_upkeep, archive->file, minute_of(now), &more, &why);
  if (err == PM_OK) return more;
  pm_archive_file_failed(archive, err, &why, now);
  return false;
}

void pm_archive_counts(struct pm_archive *archive, struct pm_store_counts *out) {
  out->written = archive->written;
  out->failures = archive->failures;
  out->moved_aside = archive->moved_aside;
  out->in_memory = archive->in_memory;
  out->damaged = archive->damaged;
  out->refused = archive->refused;
  out->dropped = archive->dropped;
  out->writing = archive->file != NULL && !archive->failing;
  out->file_bytes = archive->file ? pm_database_bytes(archive->file) : 0;
  struct pm_database *const both[] = {archive->file, archive->memory};
  for (int i = 0; i < 2; i++) {
    if (both[i] == NULL) continue;
    out->damaged += both[i]->damaged;
    out->refused += both[i]->refused;
  }
}
