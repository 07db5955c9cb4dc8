#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/archive_parts.h"

/* Its own: what is damaged may be looked at by somebody, and is never written again. SQLite's log
 * goes with the file that it belongs to. */
static bool move_aside(struct pm_archive *archive, struct pm_wall now) {
  static const char *const PARTS[] = {"", "-wal", "-journal", "-shm"};
  char from[PM_ARCHIVE_PATH_BYTES + 64], to[PM_ARCHIVE_PATH_BYTES + 64], when[PM_TIME_TEXT_BYTES];
  struct stat there;
  pm_wall_format(now, "%Y%m%dT%H%M%SZ", when, sizeof(when));
  /* Two in one second keep both. */
  for (int n = 0; n < 100; n++) {
    char suffix[64];
    snprintf(suffix, sizeof(suffix), n ? ".damaged-%s-%d" : ".damaged-%s", when, n);
    snprintf(to, sizeof(to), "%s%s", archive->path, suffix);
    if (lstat(to, &there) == 0) continue;
    if (rename(archive->path, to) != 0) break;
    for (size_t i = 1; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
      snprintf(from, sizeof(from), "%s%s", archive->path, PARTS[i]);
      snprintf(to, sizeof(to), "%s%s%s", archive->path, suffix, PARTS[i]);
      if (lstat(from, &there) == 0 && rename(from, to) != 0) return false;
    }
    archive->moved_aside++;
    pm_archive_say(archive, "history: %s is damaged; it is kept as %.*s%s, and a new one begun",
                   archive->path, (int)(PM_WHY_BYTES / 2), archive->path, suffix);
    return true;
  }
  return false;
}

void pm_archive_close(struct pm_archive *archive, struct pm_database **db) {
  if (*db == NULL) return;
  archive->damaged += (*db)->damaged;
  archive->refused += (*db)->refused;
  pm_database_close(*db);
  *db = NULL;
}

static enum pm_err open_file(struct pm_archive *archive, struct pm_why *why) {
  return pm_database_open(archive->path, archive->bytes_max, &archive->file, why);
}

struct pm_database *pm_archive_file(struct pm_archive *archive, struct pm_wall now) {
  struct pm_why why;
  if (archive->file != NULL || archive->path[0] == '\0') return archive->file;
  enum pm_err err = open_file(archive, &why);
  if (err == PM_ERR_SYNTAX && move_aside(archive, now)) err = open_file(archive, &why);
  if (err != PM_OK) pm_archive_file_failed(archive, err, &why, now);
  return archive->file;
}

void pm_archive_file_failed(struct pm_archive *archive, enum pm_err err, const struct pm_why *why,
                            struct pm_wall now) {
  bool open = archive->file != NULL;
  archive->failures++;
  /* A full disk may be read all the same; after anything else the file is opened anew. */
  if (err != PM_ERR_FULL) pm_archive_close(archive, &archive->file);
  if (open && err == PM_ERR_SYNTAX && move_aside(archive, now)) return;
  if (!archive->failing || archive->failing_err != err)
    pm_archive_say(archive,
                   "history: %s cannot be used: %s; kept in memory until it can, tried "
                   "every minute",
                   archive->path, why->text);
  archive->failing = true;
  archive->failing_err = err;
}

void pm_archive_file_works(struct pm_archive *archive) {
  if (archive->failing) pm_archive_say(archive, "history: %s is written again", archive->path);
  archive->failing = false;
}
