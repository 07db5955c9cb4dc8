/* The archive: longer rows, what goes, late minutes, clocks that leap, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minutes.h"

enum { HOUR = 60, DAY = 1440 };

struct fixture {
  char dir[DIR_BYTES];
  struct pm_archive *archive;
};

static int set_up(void **state) {
  struct fixture *fixture = calloc(1, sizeof(*fixture));
  dir_make(fixture->dir);
  if (pm_archive_new(fixture->dir, PM_STORE_MB_DEFAULT, &fixture->archive) != PM_OK) return 1;
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
  assert_int_equal(pm_archive_new(fixture->dir, PM_STORE_MB_DEFAULT, &fixture->archive), PM_OK);
  assert_int_equal(pm_archive_write(fixture->archive, NULL, wall_of(MINUTE_0)), PM_OK);
}

static void put(struct pm_archive *archive, const char *to, int64_t minute) {
  assert_int_equal(archive_put(archive, to, minute, 5, 10, 1, minute + 1), PM_OK);
}

static void what_was_put_is_found_in_every_step(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 125; i++) {
    put(fixture->archive, "b", MINUTE_0 + i);
    archive_settle(fixture->archive, MINUTE_0 + i + 1);
  }
  reopen(fixture);
  const int steps[] = {1, 7, 10, 30, 60, 120, 1440};
  for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
    assert_int_equal(archive_sent(fixture->archive, "b", MINUTE_0, MINUTE_0 + 125, steps[i]),
                     125 * 6);
  assert_int_equal(archive_sent(fixture->archive, "b", MINUTE_0 + 60, MINUTE_0 + 120, 60), 360);
  assert_int_equal(archive_sent(fixture->archive, "c", MINUTE_0, MINUTE_0 + 125, 60), -1);
}

static void a_row_tells_what_its_minutes_told(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 60; i++)
    assert_int_equal(
        archive_put(fixture->archive, "b", MINUTE_0 + i, 9, i < 30 ? 10 : 20, 1, MINUTE_0 + i + 1),
        PM_OK);
  archive_settle(fixture->archive, MINUTE_0 + 61);
  struct pm_history_query query = {.from = "a",
                                   .to = "b",
                                   .since_s = INT64_C(60) * MINUTE_0,
                                   .until_s = INT64_C(60) * (MINUTE_0 + 60),
                                   .step_s = 3600,
                                   .phase = PM_PHASE_TCP};
  struct pm_history history;
  assert_int_equal(pm_archive_history(fixture->archive, &query, NULL, &history), PM_OK);
  assert_int_equal(history.count, 1);
  assert_int_equal(history.step_s, 3600);
  const struct pm_history_row *row = &history.rows[0];
  assert_int_equal(row->time_s, query.since_s);
  assert_int_equal(row->sent, 600);
  assert_int_equal(row->succeeded, 540);
  assert_int_equal(row->lost, 60);
  assert_int_equal(row->figures.count, 540);
  assert_int_equal(row->figures.mean_ns, 15 * PM_NS_PER_MS);
  assert_int_equal(row->figures.min_ns, 10 * PM_NS_PER_MS);
  assert_in_range(row->figures.p50_ns, 10 * PM_NS_PER_MS, 10.1 * PM_NS_PER_MS);
  assert_in_range(row->figures.p75_ns, 19.8 * PM_NS_PER_MS, 20 * PM_NS_PER_MS);
  assert_int_equal(row->figures.max_ns, 20 * PM_NS_PER_MS);
  assert_int_equal(row->mean_ns[PM_PHASE_TOTAL], 15 * PM_NS_PER_MS);
  pm_archive_history_free(&history);
}

/* Each pair brings a minute an hour, over 40 days; the upkeep runs as often. */
static void old_rows_go_and_longer_ones_stay(void **state) {
  struct fixture *fixture = *state;
  int64_t end = MINUTE_0 + 40 * DAY;
  for (int64_t minute = MINUTE_0; minute < end; minute += HOUR) {
    put(fixture->archive, "b", minute);
    archive_settle(fixture->archive, minute + 1);
  }
  archive_settle(fixture->archive, end);
  assert_int_equal(archive_sent(fixture->archive, "b", MINUTE_0, end, 60), 40 * 24 * 6);
  struct pm_history_query query = {
      .from = "a", .to = "b", .until_s = end * 60, .step_s = 60, .phase = PM_PHASE_TCP};
  const struct {
    int64_t since, step_s;
    size_t count;
  } cases[] = {{end - 2 * DAY, 60, 48}, {end - 3 * DAY, 600, 72}, {end - 39 * DAY, 3600, 936}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct pm_history history;
    query.since_s = cases[i].since * 60;
    assert_int_equal(pm_archive_history(fixture->archive, &query, NULL, &history), PM_OK);
    assert_int_equal(history.step_s, cases[i].step_s);
    assert_int_equal(history.count, cases[i].count);
    pm_archive_history_free(&history);
  }
}

/* Nothing counts twice, wherever a late minute lands, and what is too old is refused. */
static void late_minutes_are_added_to_the_row_that_is_kept(void **state) {
  struct fixture *fixture = *state;
  int64_t end = MINUTE_0 + 40 * DAY;
  for (int64_t minute = MINUTE_0; minute < end; minute += HOUR) {
    put(fixture->archive, "b", minute);
    archive_settle(fixture->archive, minute + 1);
  }
  const int64_t late[] = {end - HOUR + 1, end - DAY + 5, end - 10 * DAY + 3, end - 35 * DAY + 3};
  int64_t sent = 40 * 24 * 6;
  for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
    assert_int_equal(archive_put(fixture->archive, "b", late[i], 5, 10, 1, end), PM_OK);
    archive_settle(fixture->archive, end);
    sent += 6;
    assert_int_equal(archive_sent(fixture->archive, "b", MINUTE_0, end, 60), sent);
    assert_int_equal(archive_sent(fixture->archive, "b", late[i] - late[i] % 60,
                                  late[i] - late[i] % 60 + 60, 60),
                     12);
  }
  struct pm_store_counts counts = {0};
  assert_int_equal(archive_put(fixture->archive, "b", -5, 5, 10, 1, end), PM_OK);
  pm_archive_counts(fixture->archive, &counts);
  assert_int_equal(counts.refused, 1);
}

static void a_minute_that_comes_twice_is_added_to(void **state) {
  struct fixture *fixture = *state;
  put(fixture->archive, "b", MINUTE_0);
  put(fixture->archive, "b", MINUTE_0);
  assert_int_equal(archive_sent(fixture->archive, "b", MINUTE_0, MINUTE_0 + 1, 1), 12);
}

/* The clock is ten years ahead for an hour, then right again. */
static int64_t sent_with_open(struct pm_archive *archive, int64_t open_minute, int64_t step,
                              size_t *out_rows) {
  struct pm_history_query query = {.from = "a",
                                   .to = "b",
                                   .since_s = (int64_t)MINUTE_0 * 60,
                                   .until_s = ((int64_t)MINUTE_0 + 10) * 60,
                                   .step_s = step * 60,
                                   .phase = PM_PHASE_TOTAL,
                                   .open_minute = open_minute};
  struct pm_history history;
  uint8_t *bytes = minute_packed(2, 10, 1, &query.open_count);
  int64_t sent = 0;
  query.open = bytes;
  assert_int_equal(pm_archive_history(archive, &query, NULL, &history), PM_OK);
  for (size_t i = 0; i < history.count; i++) sent += history.rows[i].sent;
  *out_rows = history.count;
  pm_archive_history_free(&history);
  free(bytes);
  return sent;
}

static void the_open_minute_is_added_to_what_is_there(void **state) {
  struct fixture *fixture = *state;
  size_t rows;
  /* Before anything was written of the pair. */
  assert_int_equal(sent_with_open(fixture->archive, MINUTE_0 + 1, 1, &rows), 3);
  put(fixture->archive, "b", MINUTE_0);
  assert_int_equal(sent_with_open(fixture->archive, MINUTE_0 + 1, 1, &rows), 9);
  assert_int_equal(rows, 2);
  assert_int_equal(sent_with_open(fixture->archive, MINUTE_0 + 1, 10, &rows), 9);
  assert_int_equal(rows, 1);
  assert_int_equal(sent_with_open(fixture->archive, MINUTE_0 + 10, 1, &rows), 6); /* outside */
  put(fixture->archive, "b", MINUTE_0 + 1); /* its part before a restart */
  assert_int_equal(sent_with_open(fixture->archive, MINUTE_0 + 1, 1, &rows), 15);
  assert_int_equal(rows, 2);
}

static void a_clock_that_leaps_costs_little(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 48; i++) {
    put(fixture->archive, "b", MINUTE_0 + i * HOUR);
    archive_settle(fixture->archive, MINUTE_0 + i * HOUR + 1);
  }
  int64_t wrong = MINUTE_0 + 3650 * DAY;
  for (int i = 0; i < 60; i++) {
    put(fixture->archive, "b", wrong + i);
    archive_settle(fixture->archive, wrong + i + 1);
  }
  int64_t now = MINUTE_0 + 48 * HOUR;
  put(fixture->archive, "b", now);
  archive_settle(fixture->archive, now + 1);
  int64_t kept = archive_sent(fixture->archive, "b", MINUTE_0, now + 1, 60) / 6;
  assert_in_range(kept, 36, 49); /* six runs of two hours each at most */
  assert_int_equal(archive_sent(fixture->archive, "b", now, now + 1, 1), 6);
}

static void a_clock_of_1970_is_got_over(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 20; i++) put(fixture->archive, "b", i);
  archive_settle(fixture->archive, 21);
  for (int i = 0; i < 20; i++) {
    put(fixture->archive, "b", MINUTE_0 + i);
    archive_settle(fixture->archive, MINUTE_0 + i + 1);
  }
  assert_int_equal(archive_sent(fixture->archive, "b", MINUTE_0, MINUTE_0 + 20, 1), 120);
}

static enum pm_err put_named(struct pm_archive *archive, struct pm_store_name to, int64_t minute) {
  struct pm_archive_minute one = {
      .minute = {.from = {"a", "http://a", "Here"}, .to = to, .minute = minute}};
  uint8_t *bytes = minute_packed(5, 10, 1, &one.minute.count);
  one.minute.bytes = bytes;
  enum pm_err err = pm_archive_write(archive, &one, wall_of(minute));
  free(bytes);
  return err;
}

static void a_node_that_shows_its_id_keeps_its_history(void **state) {
  struct fixture *fixture = *state;
  const struct pm_store_name by_url = {"http://b", "http://b", ""};
  const struct pm_store_name by_id = {"0b", "http://b", "There"};
  assert_int_equal(put_named(fixture->archive, by_url, MINUTE_0), PM_OK);
  assert_int_equal(put_named(fixture->archive, by_id, MINUTE_0 + 1), PM_OK);
  /* After a restart it is known by its URL again. */
  assert_int_equal(put_named(fixture->archive, by_url, MINUTE_0 + 2), PM_OK);
  assert_int_equal(archive_sent(fixture->archive, "0b", MINUTE_0, MINUTE_0 + 3, 1), 18);
  assert_int_equal(archive_sent(fixture->archive, "http://b", MINUTE_0, MINUTE_0 + 3, 1), -1);
  /* Another node at that URL is another node. */
  const struct pm_store_name other = {"0c", "http://b", ""};
  assert_int_equal(put_named(fixture->archive, other, MINUTE_0 + 3), PM_OK);
  assert_int_equal(archive_sent(fixture->archive, "0c", MINUTE_0, MINUTE_0 + 4, 1), 6);
  assert_int_equal(archive_sent(fixture->archive, "0b", MINUTE_0, MINUTE_0 + 4, 1), 18);
}

static void pairs_are_listed_in_pages(void **state) {
  struct fixture *fixture = *state;
  const char *const to[] = {"b", "c", "d", "e", "f"};
  for (int i = 0; i < 5; i++) put(fixture->archive, to[i], MINUTE_0 + i * HOUR);
  int64_t after = 0;
  size_t seen = 0;
  bool more = true;
  for (int page = 0; more; page++) {
    struct pm_store_pairs pairs;
    assert_int_equal(pm_archive_pairs(fixture->archive, after, 2, NULL, &pairs), PM_OK);
    assert_int_equal(pairs.count, page < 2 ? 2 : 1);
    for (size_t i = 0; i < pairs.count; i++, seen++) {
      assert_string_equal(pairs.pairs[i].from.key, "a");
      assert_string_equal(pairs.pairs[i].from.location, "Here");
      assert_string_equal(pairs.pairs[i].to.key, to[seen]);
      assert_int_equal(pairs.pairs[i].first_s, (MINUTE_0 + (int64_t)seen * HOUR) * 60);
      after = pairs.pairs[i].id;
    }
    more = pairs.more;
    pm_archive_pairs_free(&pairs);
  }
  assert_int_equal(seen, 5);
}

/* 400 days after its last minute nothing is left of it. */
static void a_pair_is_forgotten_with_its_last_row(void **state) {
  struct fixture *fixture = *state;
  put(fixture->archive, "b", MINUTE_0);
  for (int64_t day = 1; day < 420; day++) {
    put(fixture->archive, "c", MINUTE_0 + day * DAY);
    for (int run = 0; run < 3; run++)
      archive_settle(fixture->archive, MINUTE_0 + day * DAY + 1 + run * 10);
  }
  assert_int_equal(archive_sent(fixture->archive, "b", 0, MINUTE_0 + 1000, 1440), -1);
  assert_true(archive_sent(fixture->archive, "c", MINUTE_0, MINUTE_0 + 420 * DAY, 1440) > 395 * 6);
}

static void in_memory_a_day_is_kept(void **state) {
  (void)state;
  struct pm_archive *archive;
  assert_int_equal(pm_archive_new(NULL, PM_STORE_MB_DEFAULT, &archive), PM_OK);
  for (int i = 0; i < 36 * 6; i++) {
    int64_t minute = MINUTE_0 + i * 10;
    put(archive, "b", minute);
    archive_settle(archive, minute + 1);
  }
  int64_t end = MINUTE_0 + 36 * HOUR;
  assert_in_range(archive_sent(archive, "b", MINUTE_0, end, 10), 24 * 6 * 6, 26 * 6 * 6);
  struct pm_why why;
  assert_false(pm_archive_notice(archive, &why));
  pm_archive_free(archive);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_put_is_found_in_every_step),
      TEST(a_row_tells_what_its_minutes_told),
      TEST(old_rows_go_and_longer_ones_stay),
      TEST(late_minutes_are_added_to_the_row_that_is_kept),
      TEST(a_minute_that_comes_twice_is_added_to),
      TEST(the_open_minute_is_added_to_what_is_there),
      TEST(a_clock_that_leaps_costs_little),
      TEST(a_clock_of_1970_is_got_over),
      TEST(a_node_that_shows_its_id_keeps_its_history),
      TEST(pairs_are_listed_in_pages),
      TEST(a_pair_is_forgotten_with_its_last_row),
      cmocka_unit_test(in_memory_a_day_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
