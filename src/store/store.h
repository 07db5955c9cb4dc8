/* The store: what was measured, over months. Finished minutes go in, series and profiles of the
 * week come out. SQLite on libuv's thread pool: nothing here waits for a disk.
 *
 * Per directed pair it keeps rows of a minute for 2 days, of ten minutes for 30 and of an hour for
 * 400, each a packed slot with the histograms of all phases; longer rows are merged from shorter
 * ones once their time is over. One job runs at a time: it writes what waits, answers one question,
 * and does a piece of upkeep.
 *
 * Whatever happens to the disk, probing goes on: what cannot be written is kept in memory (a day)
 * and written when the disk takes it again, every minute tried; said once, and counted. A file that
 * is not sound is moved aside, its time in its name, and a new one begun. Killed at any moment, the
 * store has what was committed; if the machine loses power, all but the latest of that.
 *
 * Who hands minutes in converts them to the calendar. Minutes need not be in order: one that is
 * there already is added to, so a clock that is set back doubles a minute and spoils nothing.
 */
#ifndef PM_STORE_STORE_H
#define PM_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/cell.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/answer.h"

enum {
  PM_STORE_MB_MIN = 16, /* below, the log of SQLite alone would take most of it */
  PM_STORE_MB_DEFAULT = 512,
  PM_STORE_MB_MAX = 1 << 20,
  PM_STORE_KEY_BYTES = PM_URL_BYTES, /* with its NUL */
  /* Minutes that wait for a job; a disk that hangs for a minute with every target of a full roster
     is still within. Beyond, the oldest are dropped and counted. */
  PM_STORE_QUEUE_MINUTES_MAX = 32768,
  PM_STORE_QUEUE_BYTES_MAX = 32 << 20,
  PM_STORE_QUERIES_MAX = 64, /* that wait; each takes some 10 ms */
};

struct uv_loop_s;
struct pm_store;

struct pm_store_config {
  const char *dir; /* copied; NULL: in memory, for a day */
  int64_t max_mb;  /* of the file, its log included; at least PM_STORE_MB_MIN */
  const struct pm_log *log;
  struct pm_wall (*wall)(void *owner); /* called in any thread; NULL: the system's clock */
  void *owner;                         /* of wall */
};

/* PM_ERR_NOMEM only: what is wrong with the directory is logged later. */
enum pm_err pm_store_open(struct uv_loop_s *loop, const struct pm_store_config *config,
                          struct pm_store **out) PM_MUST_USE;
/* Writes what waits, drops the questions without an answer. closed comes from the loop. */
void pm_store_close(struct pm_store *store, void (*closed)(void *owner), void *owner);

/* A node is known by its key: its node id as nodes write it to each other, or its URL as long as it
 * has shown none. Once it shows one, the history under its URL becomes its own. */
struct pm_store_minute {
  struct pm_store_name from, to;
  int64_t minute;       /* since 1970 UTC */
  const uint8_t *bytes; /* a packed slot (probe/slot.h) */
  size_t count;
};
/* Copies; waits for pm_store_commit. PM_ERR_NOMEM, or PM_ERR_TOO_LARGE for a key or URL of
 * PM_STORE_KEY_BYTES, a location of PM_LOCATION_BYTES or more. */
enum pm_err pm_store_put(struct pm_store *store, const struct pm_store_minute *minute) PM_MUST_USE;

/* What another node says of its paths (analysis/matrix.h) over the ten minutes that begin with the
 * minute, which is a multiple of ten. The same ten minutes put again replace what was put. Kept as
 * lists of their own (store/report.h): ten minutes for 2 days, hours for 90, and the first to go
 * where there is no room. Questions of a pair that was not measured here are answered from them. A
 * figure that waits for the file in memory stays there: of reports, what a failing disk did not
 * take is lost once it does. */
struct pm_store_report_path {
  struct pm_store_name to;
  struct pm_cell cell;
};
struct pm_store_report {
  struct pm_store_name from;
  int64_t minute;
  const struct pm_store_report_path *paths;
  size_t count;
};
/* As pm_store_put, and PM_ERR_TOO_LARGE for more than PM_MATRIX_ROW_CELLS_MAX paths. Paths whose
 * names do not fit are left out. */
enum pm_err pm_store_put_report(struct pm_store *store,
                                const struct pm_store_report *report) PM_MUST_USE;

/* Writes what waits, in one transaction, and does the upkeep: to be called every minute, also
 * without anything put. */
void pm_store_commit(struct pm_store *store);

/* Questions: answered in order, each from the loop, never from within the call. The answer is freed
 * when the callback returns; it is NULL unless err is PM_OK. PM_ERR_MISSING: no such pair.
 * At once: PM_ERR_FULL (too many wait), PM_ERR_RANGE (more than PM_STORE_ROWS_MAX rows, a step that
 * is no whole minute, a time before 1970), PM_ERR_TOO_LARGE (a key), PM_ERR_NOMEM, PM_ERR_CLOSED.
 * out_id, which may be NULL, is for pm_store_cancel. */
typedef void (*pm_store_history_done)(void *owner, enum pm_err err, const struct pm_history *rows);
enum pm_err pm_store_history(struct pm_store *store, const struct pm_history_query *query,
                             pm_store_history_done done, void *owner, uint64_t *out_id) PM_MUST_USE;
typedef void (*pm_store_profile_done)(void *owner, enum pm_err err,
                                      const struct pm_profile *profile);
enum pm_err pm_store_profile(struct pm_store *store, const struct pm_profile_query *query,
                             pm_store_profile_done done, void *owner, uint64_t *out_id) PM_MUST_USE;
/* Those after that id, 0: from the first; at most max and PM_STORE_PAIRS_PAGE_MAX. */
typedef void (*pm_store_pairs_done)(void *owner, enum pm_err err,
                                    const struct pm_store_pairs *pairs);
enum pm_err pm_store_pairs(struct pm_store *store, int64_t after, size_t max,
                           pm_store_pairs_done done, void *owner, uint64_t *out_id) PM_MUST_USE;
/* Its callback will not come. An unknown id is ignored. */
void pm_store_cancel(struct pm_store *store, uint64_t id);

/* Since the start. */
struct pm_store_counts {
  uint64_t put, written; /* minutes, and reports by others as one each; minutes kept in memory
                            meanwhile count once they are written */
  uint64_t dropped;      /* the queue or the memory was full */
  uint64_t refused;      /* too old to be kept, or not sound */
  uint64_t failures;     /* jobs that could not write to the file */
  uint64_t damaged;      /* rows that could not be read */
  uint64_t moved_aside;  /* files */
  uint64_t in_memory;    /* minutes that wait there for the file, now */
  uint64_t queries;
  int64_t file_bytes; /* of its pages in use */
  bool writing;       /* to the file */
};
void pm_store_counts(const struct pm_store *store, struct pm_store_counts *out);

#endif
