/* What the files of the archive share, and nobody else sees.
 *
 *   archive.c         its life, writing      archive_file.c    the file: opened, moved aside, said
 *   archive_answer.c  questions
 */
#ifndef PM_STORE_ARCHIVE_PARTS_H
#define PM_STORE_ARCHIVE_PARTS_H

#include "store/archive.h"
#include "store/database.h"
#include "store/upkeep.h"

enum { PM_ARCHIVE_PATH_BYTES = 4096 };

struct pm_archive {
  char path[PM_ARCHIVE_PATH_BYTES]; /* "": in memory */
  int64_t bytes_max;
  struct pm_database *file, *memory; /* either may be NULL */
  struct pm_upkeep file_upkeep, memory_upkeep;
  bool failing;            /* the file, since the last time that it was written */
  enum pm_err failing_err; /* what was said of it */
  enum pm_err suspect;     /* what a question met in the file; the next write deals with it */
  struct pm_why suspect_why;
  struct pm_why notices[PM_ARCHIVE_NOTICES_MAX];
  size_t notices_count;
  uint64_t written, dropped, failures, moved_aside, in_memory;
  uint64_t damaged, refused; /* of databases that have been closed */
};

void pm_archive_say(struct pm_archive *archive, const char *format, ...) PM_PRINTF(2, 3);

/* archive_file.c */
/* The file, opened if it is not; NULL: it cannot be, which has been said. */
struct pm_database *pm_archive_file(struct pm_archive *archive, struct pm_wall now);
/* It could not be written or read: says so once, moves a damaged one aside, closes what cannot go
 * on. */
void pm_archive_file_failed(struct pm_archive *archive, enum pm_err err, const struct pm_why *why,
                            struct pm_wall now);
void pm_archive_file_works(struct pm_archive *archive);
void pm_archive_close(struct pm_archive *archive, struct pm_database **db);

#endif
