/* Packed minutes and temporary directories for the tests of this folder. */
#ifndef PM_TEST_STORE_MINUTES_H
#define PM_TEST_STORE_MINUTES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/slot.h"
#include "store/archive.h"

enum { MINUTE_0 = 29000040 }; /* 2025-02-19T22:00Z: an hour begins there */

/* A slot of so many successes, each of them ms in every phase, and so many lost ones. */
static inline uint8_t *minute_packed(int successes, int64_t ms, int lost, size_t *out_count) {
  struct pm_slot slot;
  uint8_t *bytes = NULL;
  pm_slot_init(&slot);
  for (int i = 0; i < successes + lost; i++) {
    struct pm_sample sample = {.outcome = i < successes ? PM_OUTCOME_SUCCESS : PM_OUTCOME_TIMEOUT};
    for (int phase = 0; phase < PM_PHASE_COUNT; phase++) sample.phase_ns[phase] = ms * PM_NS_PER_MS;
    if (pm_slot_add(&slot, &sample) != PM_OK) abort();
  }
  if (pm_slot_pack(&slot, &bytes, out_count) != PM_OK) abort();
  pm_slot_deinit(&slot);
  return bytes;
}

static inline struct pm_wall wall_of(int64_t minute) {
  return (struct pm_wall){minute * 60 * PM_NS_PER_S};
}

/* Writes one minute from "a" to that key. */
static inline enum pm_err archive_put(struct pm_archive *archive, const char *to, int64_t minute,
                                      int successes, int64_t ms, int lost, int64_t now) {
  struct pm_archive_minute put = {
      .minute = {.from = {"a", "http://a", "Here"}, .to = {to, to, ""}, .minute = minute}};
  uint8_t *bytes = minute_packed(successes, ms, lost, &put.minute.count);
  put.minute.bytes = bytes;
  enum pm_err err = pm_archive_write(archive, &put, wall_of(now));
  free(bytes);
  return err;
}

/* Upkeep until there is none left. */
static inline void archive_settle(struct pm_archive *archive, int64_t now) {
  while (pm_archive_upkeep(archive, wall_of(now))) {
  }
}

/* sent in all, over [since, until) in that step; -1: no such pair, -2: another error. */
static inline int64_t archive_sent(struct pm_archive *archive, const char *to, int64_t since,
                                   int64_t until, int64_t step) {
  struct pm_history_query query = {.from = "a",
                                   .to = to,
                                   .since_s = since * 60,
                                   .until_s = until * 60,
                                   .step_s = step * 60,
                                   .phase = PM_PHASE_TOTAL};
  struct pm_history history;
  enum pm_err err = pm_archive_history(archive, &query, NULL, &history);
  if (err != PM_OK) return err == PM_ERR_MISSING ? -1 : -2;
  int64_t sent = 0;
  for (size_t i = 0; i < history.count; i++) sent += history.rows[i].sent;
  pm_archive_history_free(&history);
  return sent;
}

enum { DIR_BYTES = 64 };

static inline void dir_make(char dir[DIR_BYTES]) {
  snprintf(dir, DIR_BYTES, "/tmp/pm-store-XXXXXX");
  if (mkdtemp(dir) == NULL) abort();
}

/* Files in it whose name begins so. */
static inline int dir_count(const char *dir, const char *prefix) {
  DIR *open = opendir(dir);
  int count = 0;
  if (open == NULL) return 0;
  for (struct dirent *entry; (entry = readdir(open)) != NULL;)
    count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
  closedir(open);
  return count;
}

static inline void dir_remove(const char *dir) {
  DIR *open = opendir(dir);
  if (open == NULL) return;
  for (struct dirent *entry; (entry = readdir(open)) != NULL;)
    if (entry->d_name[0] != '.') unlinkat(dirfd(open), entry->d_name, 0);
  closedir(open);
  rmdir(dir);
}

#endif
