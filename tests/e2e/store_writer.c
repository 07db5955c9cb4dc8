/* Writes minutes into a store as fast as it takes them, and with every tenth what another node
 * reports of ten, and says on standard output what has been committed; or reads a store and says
 * what is in it. Driven by test_store_kill.py, which kills it.
 *
 *   store_writer write DIR FIRST END   "committed N" after each batch: minutes before N are in the
 *       file
 *   store_writer check DIR FIRST END   "minutes N longer M": those of one minute that are there
 *       without a gap from FIRST on, and those counted by rows of an hour; exit 1 if they disagree,
 *       or if a report of these minutes is not there once
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/slot.h"
#include "store/archive.h"

enum { PAIRS = 5, SENT = 6, REPORTED = 60, TEN = 10, MINUTES_A_BATCH = 3 };

static void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "store_writer: %s\n", what);
  _exit(3);
}

static uint8_t *packed(size_t *out_count) {
  struct pm_slot slot = {0};
  uint8_t *bytes;
  for (int i = 0; i < SENT; i++) {
    struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS};
    for (int phase = 0; phase < PM_PHASE_COUNT; phase++)
      sample.phase_ns[phase] = (10 + i) * PM_NS_PER_MS;
    must(pm_slot_add(&slot, &sample) == PM_OK, "a sample");
  }
  must(pm_slot_pack(&slot, &bytes, out_count) == PM_OK, "a slot");
  pm_slot_deinit(&slot);
  return bytes;
}

static struct pm_wall wall_of(int64_t minute) {
  return (struct pm_wall){minute * 60 * PM_NS_PER_S};
}

static void expect_nothing_to_tell(struct pm_archive *archive) {
  struct pm_why why;
  must(!pm_archive_notice(archive, &why), why.text);
}

/* What another node reports of the ten minutes that begin within the batch; last in the list. */
static void add_report(int64_t minute, struct pm_archive_minute *last,
                       struct pm_archive_minute *entry, struct pm_store_report *report) {
#define CELL                                                                    \
  {                                                                             \
    .sent = REPORTED, .rtt_ns = { 1000000, 1000000, 1000000, 1000000, 1000000 } \
  }
  static const struct pm_store_report_path paths[] = {{{"p0", "", ""}, CELL},
                                                      {{"p1", "", ""}, CELL}};
#undef CELL
  int64_t ten = (minute + MINUTES_A_BATCH - 1) / TEN * TEN;
  if (ten < minute) return;
  *report = (struct pm_store_report){{"other", "", ""}, ten, paths, 2};
  *entry = (struct pm_archive_minute){.report = report};
  last->next = entry;
}

/* To the end, and then waits to be killed all the same. */
static void write_until(struct pm_archive *archive, int64_t minute, int64_t end) {
  static const char *const TO[PAIRS] = {"p0", "p1", "p2", "p3", "p4"};
  struct pm_archive_minute list[PAIRS * MINUTES_A_BATCH], entry;
  struct pm_store_report report;
  size_t count;
  const uint8_t *bytes = packed(&count);
  for (; minute + MINUTES_A_BATCH <= end; minute += MINUTES_A_BATCH) {
    for (int i = 0; i < PAIRS * MINUTES_A_BATCH; i++)
      list[i] =
          (struct pm_archive_minute){.next = i + 1 < PAIRS * MINUTES_A_BATCH ? &list[i + 1] : NULL,
                                     .minute = {.from = {"self", "", ""},
                                                .to = {TO[i % PAIRS], TO[i % PAIRS], ""},
                                                .minute = minute + i / PAIRS,
                                                .bytes = bytes,
                                                .count = count}};
    add_report(minute, &list[PAIRS * MINUTES_A_BATCH - 1], &entry, &report);
    struct pm_wall now = wall_of(minute + MINUTES_A_BATCH);
    must(pm_archive_write(archive, list, now) == PM_OK, "a write");
    expect_nothing_to_tell(archive);
    printf("committed %lld\n", (long long)(minute + MINUTES_A_BATCH));
    fflush(stdout);
    while (pm_archive_upkeep(archive, now)) {
    }
  }
  pause();
}

/* sent of one pair in rows of that step; counts those of minutes only as far as there is no gap. */
static int64_t sent_in(struct pm_archive *archive, int pair, int64_t first, int64_t end,
                       int64_t step) {
  char to[8];
  int64_t sent = 0, expected_s = first * 60;
  snprintf(to, sizeof(to), "p%d", pair);
  struct pm_history_query query = {.from = "self",
                                   .to = to,
                                   .since_s = first * 60,
                                   .until_s = end * 60,
                                   .step_s = step * 60,
                                   .phase = PM_PHASE_TOTAL};
  struct pm_history history;
  enum pm_err err = pm_archive_history(archive, &query, NULL, &history);
  if (err == PM_ERR_MISSING) return 0;
  must(err == PM_OK, pm_err_text(err));
  for (size_t i = 0; i < history.count; i++, expected_s += step * 60) {
    must(step > 1 || history.rows[i].time_s == expected_s, "a gap between minutes");
    must(step > 1 || history.rows[i].sent == SENT, "a minute that is not whole");
    sent += history.rows[i].sent;
  }
  pm_archive_history_free(&history);
  return sent;
}

/* Probes that the other node reported, in rows of that step; every ten of them there, and once. */
static int64_t reported_in(struct pm_archive *archive, int64_t first, int64_t end, int64_t step) {
  struct pm_history_query query = {.from = "other",
                                   .to = "p1",
                                   .since_s = first * 60,
                                   .until_s = end * 60,
                                   .step_s = step * 60,
                                   .phase = PM_PHASE_TCP};
  struct pm_history history;
  int64_t sent = 0;
  enum pm_err err = pm_archive_history(archive, &query, NULL, &history);
  if (err == PM_ERR_MISSING) return 0;
  must(err == PM_OK, pm_err_text(err));
  for (size_t i = 0; i < history.count; i++) {
    must(step > TEN || history.rows[i].sent == REPORTED, "a report that is not whole");
    sent += history.rows[i].sent;
  }
  pm_archive_history_free(&history);
  return sent;
}

static int check(struct pm_archive *archive, int64_t first, int64_t end) {
  must(pm_archive_write(archive, NULL, wall_of(end)) == PM_OK, "opening");
  expect_nothing_to_tell(archive);
  while (pm_archive_upkeep(archive, wall_of(end))) {
  }
  expect_nothing_to_tell(archive);
  struct pm_store_counts counts = {0};
  pm_archive_counts(archive, &counts);
  must(counts.damaged == 0 && counts.moved_aside == 0, "damage");
  int64_t minutes = sent_in(archive, 0, first, end, 1) / SENT;
  int64_t longer = sent_in(archive, 0, first, end, 60) / SENT;
  for (int pair = 1; pair < PAIRS; pair++)
    must(sent_in(archive, pair, first, end, 1) / SENT == minutes, "pairs of one batch differ");
  int64_t tens = (minutes + TEN - 1) / TEN;
  must(reported_in(archive, first, end, TEN) == tens * REPORTED, "a report is gone");
  must(reported_in(archive, first, end, 60) == tens * REPORTED, "hours of reports differ");
  printf("minutes %lld longer %lld\n", (long long)minutes, (long long)longer);
  return minutes != longer;
}

int main(int argc, char **argv) {
  struct pm_archive *archive;
  must(argc == 5, "usage: store_writer write|check DIR FIRST END");
  must(pm_archive_new(argv[2], PM_STORE_MB_DEFAULT, &archive) == PM_OK, "memory");
  int64_t first = strtoll(argv[3], NULL, 10), end = strtoll(argv[4], NULL, 10);
  int status = 0;
  if (strcmp(argv[1], "write") == 0)
    write_until(archive, first, end);
  else
    status = check(archive, first, end);
  pm_archive_free(archive);
  return status;
}
