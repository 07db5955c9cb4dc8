/* The store on a loop: what is put is answered, questions wait, are cancelled and are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h>

#include "minutes.h"
#include "store/store.h"

struct fixture {
  uv_loop_t loop;
  char dir[DIR_BYTES];
  int64_t now; /* minute */
  struct pm_log log;
  struct pm_store *store;
  int answers, closed;
  enum pm_err err;
  int64_t sent;
  size_t rows, pairs;
  uint32_t hours;
};

static struct pm_wall wall(void *owner) {
  struct fixture *fixture = owner;
  return wall_of(fixture->now);
}

static void on_closed(void *owner) {
  struct fixture *fixture = owner;
  fixture->closed++;
}

static int open_store(struct fixture *fixture) {
  struct pm_store_config config = {.dir = fixture->dir,
                                   .max_mb = PM_STORE_MB_MIN,
                                   .log = &fixture->log,
                                   .wall = wall,
                                   .owner = fixture};
  return pm_store_open(&fixture->loop, &config, &fixture->store) != PM_OK;
}

static void close_store(struct fixture *fixture) {
  int before = fixture->closed;
  pm_store_close(fixture->store, on_closed, fixture);
  assert_int_equal(fixture->closed, before); /* never from within */
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->closed, before + 1);
}

static int set_up(void **state) {
  struct fixture *fixture = calloc(1, sizeof(*fixture));
  dir_make(fixture->dir);
  fixture->log = (struct pm_log){.level = PM_LOG_ALWAYS, .fd = STDERR_FILENO};
  fixture->now = MINUTE_0 + 61;
  *state = fixture;
  return uv_loop_init(&fixture->loop) != 0 || open_store(fixture);
}

static int tear_down(void **state) {
  struct fixture *fixture = *state;
  close_store(fixture);
  int left = uv_loop_close(&fixture->loop);
  dir_remove(fixture->dir);
  free(fixture);
  return left;
}

static void put(struct fixture *fixture, int64_t minute) {
  struct pm_store_minute one = {
      .from = {"a", "http://a", "Here"}, .to = {"b", "http://b", "There"}, .minute = minute};
  uint8_t *bytes = minute_packed(5, 10, 1, &one.count);
  one.bytes = bytes;
  assert_int_equal(pm_store_put(fixture->store, &one), PM_OK);
  free(bytes);
}

static void on_history(void *owner, enum pm_err err, const struct pm_history *history) {
  struct fixture *fixture = owner;
  fixture->answers++;
  fixture->err = err;
  fixture->sent = 0;
  fixture->rows = history ? history->count : 0;
  for (size_t i = 0; i < fixture->rows; i++) fixture->sent += history->rows[i].sent;
}

static void on_profile(void *owner, enum pm_err err, const struct pm_profile *profile) {
  struct fixture *fixture = owner;
  fixture->answers++;
  fixture->err = err;
  fixture->hours = profile ? profile->hours : 0;
}

static void on_pairs(void *owner, enum pm_err err, const struct pm_store_pairs *pairs) {
  struct fixture *fixture = owner;
  fixture->answers++;
  fixture->err = err;
  fixture->pairs = pairs ? pairs->count : 0;
}

static const struct pm_history_query HOUR_BY_MINUTE = {.from = "a",
                                                       .to = "b",
                                                       .since_s = INT64_C(60) * MINUTE_0,
                                                       .until_s = INT64_C(60) * (MINUTE_0 + 60),
                                                       .step_s = 60,
                                                       .phase = PM_PHASE_TCP};
static const struct pm_profile_query ONE_WEEK = {.from = "a",
                                                 .to = "b",
                                                 .since_s = INT64_C(60) * (MINUTE_0 - 10080),
                                                 .until_s = INT64_C(60) * (MINUTE_0 + 60),
                                                 .phase = PM_PHASE_TCP};

static void what_was_committed_is_answered(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 60; i++) put(fixture, MINUTE_0 + i);
  pm_store_commit(fixture->store);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(pm_store_history(fixture->store, &HOUR_BY_MINUTE, on_history, fixture, NULL),
                   PM_OK);
  assert_int_equal(fixture->answers, 0); /* never from within */
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->answers, 1);
  assert_int_equal(fixture->err, PM_OK);
  assert_int_equal(fixture->rows, 60);
  assert_int_equal(fixture->sent, 360);
  assert_int_equal(pm_store_profile(fixture->store, &ONE_WEEK, on_profile, fixture, NULL), PM_OK);
  assert_int_equal(pm_store_pairs(fixture->store, 0, 10, on_pairs, fixture, NULL), PM_OK);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->answers, 3);
  assert_int_equal(fixture->hours, 1);
  assert_int_equal(fixture->pairs, 1);
  struct pm_store_counts counts;
  pm_store_counts(fixture->store, &counts);
  assert_int_equal(counts.put, 60);
  assert_int_equal(counts.written, 60);
  assert_int_equal(counts.dropped, 0);
  assert_int_equal(counts.queries, 3);
  assert_true(counts.writing);
}

static void closing_writes_what_waits(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 7; i++) put(fixture, MINUTE_0 + i);
  close_store(fixture);
  assert_int_equal(open_store(fixture), 0);
  assert_int_equal(pm_store_history(fixture->store, &HOUR_BY_MINUTE, on_history, fixture, NULL),
                   PM_OK);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->sent, 42);
}

static void ask_with_open(struct fixture *fixture, int64_t open_minute) {
  struct pm_history_query query = HOUR_BY_MINUTE;
  uint8_t *open = minute_packed(2, 10, 1, &query.open_count);
  query.open = open;
  query.open_minute = open_minute;
  assert_int_equal(pm_store_history(fixture->store, &query, on_history, fixture, NULL), PM_OK);
  free(open);
}

/* The store is busy with opening its file, so the question waits; then its open minute is over. */
static void a_minute_that_is_put_while_its_question_waits_counts_once(void **state) {
  struct fixture *fixture = *state;
  ask_with_open(fixture, MINUTE_0);
  put(fixture, MINUTE_0);
  pm_store_commit(fixture->store);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->sent, 6);
}

static void another_minute_that_is_put_takes_nothing_away(void **state) {
  struct fixture *fixture = *state;
  ask_with_open(fixture, MINUTE_0 + 1);
  put(fixture, MINUTE_0);
  pm_store_commit(fixture->store);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->sent, 6 + 3);
}

/* After a restart: what the process before wrote of the minute, and what this one measured. */
static void the_open_minute_is_added_to_what_was_put_before(void **state) {
  struct fixture *fixture = *state;
  put(fixture, MINUTE_0);
  pm_store_commit(fixture->store);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  ask_with_open(fixture, MINUTE_0);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->sent, 6 + 3);
  assert_int_equal(fixture->rows, 1);
}

static void a_pair_that_is_not_there_is_missing(void **state) {
  struct fixture *fixture = *state;
  assert_int_equal(pm_store_history(fixture->store, &HOUR_BY_MINUTE, on_history, fixture, NULL),
                   PM_OK);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->answers, 1);
  assert_int_equal(fixture->err, PM_ERR_MISSING);
}

static void a_cancelled_question_stays_without_answer(void **state) {
  struct fixture *fixture = *state;
  uint64_t ids[3];
  put(fixture, MINUTE_0);
  pm_store_commit(fixture->store);
  for (int i = 0; i < 3; i++)
    assert_int_equal(
        pm_store_history(fixture->store, &HOUR_BY_MINUTE, on_history, fixture, &ids[i]), PM_OK);
  pm_store_cancel(fixture->store, ids[0]);
  pm_store_cancel(fixture->store, ids[2]);
  pm_store_cancel(fixture->store, 12345);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->answers, 1);
}

static void questions_are_bounded(void **state) {
  struct fixture *fixture = *state;
  struct pm_history_query query = HOUR_BY_MINUTE;
  int taken = 0;
  while (pm_store_history(fixture->store, &query, on_history, fixture, NULL) == PM_OK) taken++;
  assert_in_range(taken, PM_STORE_QUERIES_MAX, PM_STORE_QUERIES_MAX + 1);
  assert_int_equal(pm_store_pairs(fixture->store, 0, 1, on_pairs, fixture, NULL), PM_ERR_FULL);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->answers, taken);
}

static void wrong_questions_are_refused_at_once(void **state) {
  struct fixture *fixture = *state;
  const struct {
    int64_t since_s, until_s, step_s;
    int phase;
  } cases[] = {{0, 0, 60, 0},
               {60, 0, 60, 0},
               {-60, 60, 60, 0},
               {0, 60, 0, 0},
               {0, 60, -60, 0},
               {0, 60, 61, 0},
               {0, INT64_MAX, 60, 0},
               {INT64_MIN, INT64_MAX, 60, 0},
               {0, 60 * (PM_STORE_ROWS_MAX + 1), 60, 0},
               {0, 60, PM_STORE_STEP_S_MAX + 60, 0},
               {0, 60, 60, PM_PHASE_COUNT},
               {0, 60, 60, -1}};
  struct pm_history_query query = HOUR_BY_MINUTE;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    query.since_s = cases[i].since_s;
    query.until_s = cases[i].until_s;
    query.step_s = cases[i].step_s;
    query.phase = (enum pm_phase)cases[i].phase;
    assert_int_equal(pm_store_history(fixture->store, &query, on_history, fixture, NULL),
                     PM_ERR_RANGE);
  }
  char key[PM_STORE_KEY_BYTES + 1];
  memset(key, 'k', sizeof(key));
  key[PM_STORE_KEY_BYTES] = '\0';
  query = HOUR_BY_MINUTE;
  query.to = key;
  assert_int_equal(pm_store_history(fixture->store, &query, on_history, fixture, NULL),
                   PM_ERR_TOO_LARGE);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  assert_int_equal(fixture->answers, 0);
}

/* Nobody commits: the oldest go, and are counted. */
static void the_queue_is_bounded(void **state) {
  struct fixture *fixture = *state;
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  for (int i = 0; i < PM_STORE_QUEUE_MINUTES_MAX + 10; i++) put(fixture, MINUTE_0 + i / 1000);
  struct pm_store_counts counts;
  pm_store_counts(fixture->store, &counts);
  assert_int_equal(counts.dropped, 10);
  pm_store_commit(fixture->store);
  uv_run(&fixture->loop, UV_RUN_DEFAULT);
  pm_store_counts(fixture->store, &counts);
  assert_int_equal(counts.written, PM_STORE_QUEUE_MINUTES_MAX);
}

static void closing_drops_the_questions(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 20; i++)
    assert_int_equal(pm_store_history(fixture->store, &HOUR_BY_MINUTE, on_history, fixture, NULL),
                     PM_OK);
  close_store(fixture);
  assert_int_equal(fixture->answers, 0);
  assert_int_equal(open_store(fixture), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_committed_is_answered),
      TEST(closing_writes_what_waits),
      TEST(a_minute_that_is_put_while_its_question_waits_counts_once),
      TEST(another_minute_that_is_put_takes_nothing_away),
      TEST(the_open_minute_is_added_to_what_was_put_before),
      TEST(a_pair_that_is_not_there_is_missing),
      TEST(a_cancelled_question_stays_without_answer),
      TEST(questions_are_bounded),
      TEST(wrong_questions_are_refused_at_once),
      TEST(the_queue_is_bounded),
      TEST(closing_drops_the_questions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
