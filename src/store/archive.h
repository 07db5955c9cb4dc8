/* The archive: the database in its file and, while that cannot be written, one in memory beside it.
 * Blocks; one thread at a time; store/store.h runs it on the thread pool.
 *
 * A file that fails is tried again at each write. Meanwhile minutes go into memory, for a day at
 * most; once the file takes them they are moved there. Questions are answered from both.
 */
#ifndef PM_STORE_ARCHIVE_H
#define PM_STORE_ARCHIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/answer.h"
#include "store/store.h"

enum {
  PM_ARCHIVE_NOTICES_MAX = 4,         /* sentences of one call */
  PM_ARCHIVE_MEMORY_BYTES = 64 << 20, /* a day of a thousand pairs */
};

/* One that has been put. Strings and bytes follow it in memory, or live as long otherwise. */
struct pm_archive_minute {
  struct pm_archive_minute *next;
  struct pm_store_minute minute;        /* unless there is a report */
  const struct pm_store_report *report; /* NULL: a minute of our own */
  size_t bytes;                         /* that it takes */
};

struct pm_archive;

/* dir NULL: in memory. Opens nothing yet. PM_ERR_NOMEM. */
enum pm_err pm_archive_new(const char *dir, int64_t max_mb, struct pm_archive **out) PM_MUST_USE;
/* Closes and frees. What is in memory only is lost. */
void pm_archive_free(struct pm_archive *archive);

/* Writes the list, in one transaction. PM_ERR_NOMEM and the like if not even memory took it. */
enum pm_err pm_archive_write(struct pm_archive *archive, const struct pm_archive_minute *minutes,
                             struct pm_wall now) PM_MUST_USE;
/* A piece of upkeep; true if there is more to be done at once. */
bool pm_archive_upkeep(struct pm_archive *archive, struct pm_wall now);

/* Each looks at cancelled now and then and gives PM_ERR_CLOSED once it is true. Answers are the
 * caller's, for pm_archive_*_free. Otherwise as in store/store.h. */
enum pm_err pm_archive_history(struct pm_archive *archive, const struct pm_history_query *query,
                               const atomic_bool *cancelled, struct pm_history *out) PM_MUST_USE;
void pm_archive_history_free(struct pm_history *history);
enum pm_err pm_archive_profile(struct pm_archive *archive, const struct pm_profile_query *query,
                               const atomic_bool *cancelled, struct pm_profile *out) PM_MUST_USE;
enum pm_err pm_archive_pairs(struct pm_archive *archive, int64_t after, size_t max,
                             const atomic_bool *cancelled, struct pm_store_pairs *out) PM_MUST_USE;
void pm_archive_pairs_free(struct pm_store_pairs *pairs);

/* The next sentence that a person should read; false if there is none. */
bool pm_archive_notice(struct pm_archive *archive, struct pm_why *out);
/* Fills what the archive knows of it, and adds nothing to the rest. */
void pm_archive_counts(struct pm_archive *archive, struct pm_store_counts *out);

#endif
