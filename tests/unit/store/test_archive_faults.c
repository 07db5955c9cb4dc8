/* Disks that are full, read-only or spoilt: said once, nothing is lost that memory can hold, and
 * the file is written again as soon as it can be. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "minutes.h"

struct fixture {
  char dir[DIR_BYTES];
  struct pm_archive *archive;
};

static int set_up(void **state) {
  struct fixture *fixture = calloc(1, sizeof(*fixture));
  dir_make(fixture->dir);
  if (pm_archive_new(fixture->dir, PM_STORE_MB_MIN, &fixture->archive) != PM_OK) return 1;
  *state = fixture;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *fixture = *state;
  pm_archive_free(fixture->archive);
  dir_remove(fixture->dir);
  free(fixture);
  return 0;
}

static void reopen(struct fixture *fixture) {
  pm_archive_free(fixture->archive);
  assert_int_equal(pm_archive_new(fixture->dir, PM_STORE_MB_MIN, &fixture->archive), PM_OK);
  assert_int_equal(pm_archive_write(fixture->archive, NULL, wall_of(MINUTE_0)), PM_OK);
}

static void put_minutes(struct pm_archive *archive, int first, int count) {
  for (int i = first; i < first + count; i++) {
    assert_int_equal(archive_put(archive, "b", MINUTE_0 + i, 5, 10, 1, MINUTE_0 + i + 1), PM_OK);
    archive_settle(archive, MINUTE_0 + i + 1);
  }
}

static int64_t minutes_known(struct pm_archive *archive) {
  return archive_sent(archive, "b", MINUTE_0, MINUTE_0 + 600, 1) / 6;
}

static struct pm_store_counts counts_of(struct pm_archive *archive) {
  struct pm_store_counts counts = {0};
  pm_archive_counts(archive, &counts);
  return counts;
}

static int notices(struct pm_archive *archive, const char *with) {
  struct pm_why why;
  int count = 0;
  while (pm_archive_notice(archive, &why)) count += strstr(why.text, with) != NULL;
  return count;
}

static void limit_files_to(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* No file may grow beyond what it has: as on a disk that is full. */
static void a_full_disk_loses_nothing(void **state) {
  struct fixture *fixture = *state;
  signal(SIGXFSZ, SIG_IGN);
  put_minutes(fixture->archive, 0, 5);
  limit_files_to(8192);
  put_minutes(fixture->archive, 5, 30);
  assert_int_equal(notices(fixture->archive, "cannot be used"), 1);
  struct pm_store_counts counts = counts_of(fixture->archive);
  assert_int_equal(counts.in_memory, 30);
  assert_true(counts.failures >= 30);
  assert_int_equal(counts.dropped, 0);
  assert_false(counts.writing);
  limit_files_to(RLIM_INFINITY);
  put_minutes(fixture->archive, 35, 1);
  assert_int_equal(notices(fixture->archive, "is written again"), 1);
  counts = counts_of(fixture->archive);
  assert_int_equal(counts.in_memory, 0);
  assert_int_equal(counts.written, 36);
  assert_true(counts.writing);
  reopen(fixture);
  assert_int_equal(minutes_known(fixture->archive), 36);
}

/* What is known stays visible meanwhile, from the file and from memory. */
static void questions_are_answered_from_both(void **state) {
  struct fixture *fixture = *state;
  put_minutes(fixture->archive, 0, 5);
  signal(SIGXFSZ, SIG_IGN);
  limit_files_to(8192);
  put_minutes(fixture->archive, 5, 3);
  struct pm_store_counts counts = counts_of(fixture->archive);
  limit_files_to(RLIM_INFINITY);
  assert_int_equal(counts.in_memory, 3);
  /* The file itself may have had to be closed; then memory answers. */
  assert_in_range(minutes_known(fixture->archive), 3, 8);
}

static void a_directory_that_cannot_be_written_is_tried_again(void **state) {
  struct fixture *fixture = *state;
  bool root = geteuid() == 0;
  assert_int_equal(chmod(fixture->dir, 0555), 0);
  if (root) assert_int_equal(seteuid(65534), 0);
  put_minutes(fixture->archive, 0, 10);
  if (root) assert_int_equal(seteuid(0), 0);
  assert_int_equal(notices(fixture->archive, "cannot be used"), 1);
  assert_int_equal(counts_of(fixture->archive).in_memory, 10);
  assert_int_equal(minutes_known(fixture->archive), 10);
  assert_int_equal(dir_count(fixture->dir, "history"), 0);
  assert_int_equal(chmod(fixture->dir, 0755), 0);
  put_minutes(fixture->archive, 10, 1);
  assert_int_equal(notices(fixture->archive, "is written again"), 1);
  reopen(fixture);
  assert_int_equal(minutes_known(fixture->archive), 11);
}

static void a_directory_that_is_not_there_is_said_once(void **state) {
  struct fixture *fixture = *state;
  struct pm_archive *archive;
  char dir[DIR_BYTES + 16];
  snprintf(dir, sizeof(dir), "%s/none", fixture->dir);
  assert_int_equal(pm_archive_new(dir, PM_STORE_MB_MIN, &archive), PM_OK);
  put_minutes(archive, 0, 5);
  assert_int_equal(notices(archive, "cannot be used"), 1);
  assert_int_equal(minutes_known(archive), 5);
  pm_archive_free(archive);
}

static void spoil(const char *dir, off_t at, size_t count) {
  char path[DIR_BYTES + 16];
  snprintf(path, sizeof(path), "%s/history.db", dir);
  int fd = open(path, O_WRONLY);
  assert_true(fd >= 0);
  for (size_t i = 0; i < count; i++) assert_int_equal(pwrite(fd, "x", 1, at + (off_t)i), 1);
  assert_int_equal(close(fd), 0);
}

static void a_spoilt_file_is_moved_aside(void **state) {
  struct fixture *fixture = *state;
  const struct {
    off_t at;
    size_t count;
  } cases[] = {{0, 100}, {100, 3000}}; /* the header; the table of tables */
  for (int i = 0; i < 2; i++) {
    put_minutes(fixture->archive, i * 10, 5);
    pm_archive_free(fixture->archive);
    spoil(fixture->dir, cases[i].at, cases[i].count);
    assert_int_equal(pm_archive_new(fixture->dir, PM_STORE_MB_MIN, &fixture->archive), PM_OK);
    put_minutes(fixture->archive, i * 10 + 5, 5);
    assert_int_equal(notices(fixture->archive, "is damaged"), 1);
    assert_int_equal(counts_of(fixture->archive).moved_aside, 1);
    assert_int_equal(dir_count(fixture->dir, "history.db.damaged-20250219T"), i + 1);
    assert_int_equal(minutes_known(fixture->archive), 5);
    assert_true(counts_of(fixture->archive).writing);
  }
}

static void a_file_that_is_spoilt_under_us_is_moved_aside(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 300; i++) /* enough for several pages a table */
    assert_int_equal(archive_put(fixture->archive, i % 2 ? "b" : "c", MINUTE_0 + i, 5, 10 + i, 1,
                                 MINUTE_0 + i + 1),
                     PM_OK);
  reopen(fixture);
  pm_archive_free(fixture->archive);
  char path[DIR_BYTES + 16];
  struct stat there;
  snprintf(path, sizeof(path), "%s/history.db", fixture->dir);
  assert_int_equal(stat(path, &there), 0);
  spoil(fixture->dir, 8192, (size_t)there.st_size - 8192); /* all but the first two pages */
  assert_int_equal(pm_archive_new(fixture->dir, PM_STORE_MB_MIN, &fixture->archive), PM_OK);
  put_minutes(fixture->archive, 400, 5);
  assert_int_equal(notices(fixture->archive, "is damaged"), 1);
  assert_int_equal(counts_of(fixture->archive).moved_aside, 1);
  assert_int_equal(minutes_known(fixture->archive), 5);
}

/* Two nodes in one directory: the second says so, and does not write. */
static void a_file_that_another_has_open_is_left_alone(void **state) {
  struct fixture *fixture = *state;
  struct pm_archive *other;
  put_minutes(fixture->archive, 0, 3);
  assert_int_equal(pm_archive_new(fixture->dir, PM_STORE_MB_MIN, &other), PM_OK);
  put_minutes(other, 3, 2);
  assert_int_equal(notices(other, "another process has it open"), 1);
  assert_int_equal(minutes_known(other), 2);
  assert_int_equal(minutes_known(fixture->archive), 3);
  pm_archive_free(fixture->archive);
  put_minutes(other, 5, 1);
  assert_int_equal(minutes_known(other), 6);
  fixture->archive = other;
}

/* 16 MB and more than fits: the oldest minutes go, the hours stay, and it never fails. */
static void the_size_is_bounded(void **state) {
  struct fixture *fixture = *state;
  enum { PAIRS = 80, HOURS = 14, SAMPLES = 12 };
  static char to[PAIRS][8];
  struct pm_archive_minute list[PAIRS];
  size_t count;
  for (int i = 0; i < PAIRS; i++) snprintf(to[i], sizeof(to[i]), "p%d", i);
  for (int minute = 0; minute < HOURS * 60; minute++) {
    /* Wide and shifting, so that rows are long and do not merge to nothing. */
    struct pm_slot_sum *sum = malloc(sizeof(*sum));
    struct pm_slot slot = {0};
    uint8_t *bytes;
    pm_slot_sum_init(sum);
    for (int i = 0; i < SAMPLES; i++) {
      uint8_t *one = minute_packed(1, 3 + (minute * 7 + i * 13) % 197, 0, &count);
      assert_int_equal(pm_slot_sum_add_packed(sum, one, count), PM_OK);
      free(one);
    }
    assert_int_equal(pm_slot_sum_take(sum, &slot), PM_OK);
    assert_int_equal(pm_slot_pack(&slot, &bytes, &count), PM_OK);
    for (int i = 0; i < PAIRS; i++)
      list[i] = (struct pm_archive_minute){.next = i + 1 < PAIRS ? &list[i + 1] : NULL,
                                           .minute = {.from = {"a", "", ""},
                                                      .to = {to[i], to[i], ""},
                                                      .minute = MINUTE_0 + minute,
                                                      .bytes = bytes,
                                                      .count = count}};
    assert_int_equal(pm_archive_write(fixture->archive, list, wall_of(MINUTE_0 + minute + 1)),
                     PM_OK);
    archive_settle(fixture->archive, MINUTE_0 + minute + 1);
    free(bytes);
    free(sum);
    pm_slot_deinit(&slot);
  }
  struct pm_store_counts counts = counts_of(fixture->archive);
  assert_int_equal(counts.failures, 0);
  assert_int_equal(counts.dropped, 0);
  assert_in_range(counts.file_bytes, 4 << 20, 8 << 20);
  int64_t end = MINUTE_0 + HOURS * 60;
  assert_int_equal(archive_sent(fixture->archive, "p5", end - 60, end, 1), 60 * SAMPLES);
  assert_int_equal(archive_sent(fixture->archive, "p5", MINUTE_0, end, 60), HOURS * 60 * SAMPLES);
  struct stat there;
  char path[DIR_BYTES + 16];
  off_t bytes = 0;
  const char *const names[] = {"history.db", "history.db-wal"};
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof(path), "%s/%s", fixture->dir, names[i]);
    if (stat(path, &there) == 0) bytes += there.st_size;
  }
  assert_in_range(bytes, 4 << 20, PM_STORE_MB_MIN << 20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_full_disk_loses_nothing),
      TEST(questions_are_answered_from_both),
      TEST(a_directory_that_cannot_be_written_is_tried_again),
      TEST(a_directory_that_is_not_there_is_said_once),
      TEST(a_spoilt_file_is_moved_aside),
      TEST(a_file_that_is_spoilt_under_us_is_moved_aside),
      TEST(a_file_that_another_has_open_is_left_alone),
      TEST(the_size_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
