#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "probe/plan.h"

enum { STARTS_MAX = 200000, IDS_MAX = 5001 };

static const int64_t MS = PM_NS_PER_MS;
static const int64_t S = PM_NS_PER_S;

struct start {
  int64_t at_ns;
  uint64_t id;
  uint64_t late;
};

/* A prober without network: time jumps to whatever comes next, every probe takes probe_ns. */
struct sim {
  struct pm_plan *plan;
  int64_t now_ns;
  int64_t probe_ns;
  bool answers;
  struct start *starts;
  size_t count; /* of starts */
  size_t ended; /* the first so many of them; as all take equally long, they end in order */
  bool running[IDS_MAX];
};

static void sim_open(struct sim *sim, size_t in_flight_max, uint64_t seed) {
  *sim = (struct sim){.now_ns = 1000 * S, .probe_ns = 2 * MS, .answers = true};
  sim->starts = malloc(STARTS_MAX * sizeof(*sim->starts));
  assert_non_null(sim->starts);
  assert_int_equal(pm_plan_new(in_flight_max, seed, &sim->plan), PM_OK);
}

static void sim_close(struct sim *sim) {
  pm_plan_free(sim->plan);
  free(sim->starts);
}

static struct pm_time sim_now(const struct sim *sim) {
  return (struct pm_time){sim->now_ns};
}

static void sim_add(struct sim *sim, uint64_t first_id, size_t count, int64_t interval_ms) {
  for (uint64_t id = first_id; id < first_id + count; id++) {
    assert_int_equal(pm_plan_add(sim->plan, id, interval_ms, sim_now(sim)), PM_OK);
  }
}

static void sim_end_due(struct sim *sim) {
  while (sim->ended < sim->count && sim->starts[sim->ended].at_ns + sim->probe_ns <= sim->now_ns) {
    uint64_t id = sim->starts[sim->ended++].id;
    sim->running[id] = false;
    pm_plan_done(sim->plan, id, sim->answers, sim_now(sim));
  }
}

static void sim_start_due(struct sim *sim) {
  uint64_t late;
  uint64_t id;
  while ((id = pm_plan_next(sim->plan, sim_now(sim), &late)) != 0) {
    assert_false(sim->running[id]); /* never twice at once */
    assert_true(sim->count < STARTS_MAX);
    sim->running[id] = true;
    sim->starts[sim->count++] = (struct start){sim->now_ns, id, late};
  }
}

static void sim_run(struct sim *sim, int64_t for_ns) {
  int64_t until_ns = sim->now_ns + for_ns;
  for (;;) {
    int64_t next_ns = pm_plan_deadline(sim->plan).ns;
    if (sim->ended < sim->count) {
      int64_t end_ns = sim->starts[sim->ended].at_ns + sim->probe_ns;
      if (end_ns < next_ns) next_ns = end_ns;
    }
    if (next_ns > until_ns) break;
    if (next_ns > sim->now_ns) sim->now_ns = next_ns;
    sim_end_due(sim);
    sim_start_due(sim);
  }
  sim->now_ns = until_ns;
}

/* The most starts within any window of that width, from the given start on. */
static size_t most_within(const struct sim *sim, size_t from, int64_t window_ns) {
  size_t most = 0;
  for (size_t low = from, high = from; high < sim->count; high++) {
    while (sim->starts[high].at_ns - sim->starts[low].at_ns >= window_ns) low++;
    if (high - low + 1 > most) most = high - low + 1;
  }
  return most;
}

static void assert_between(int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    fail_msg("%lld is not in [%lld, %lld]", (long long)value, (long long)low, (long long)high);
  }
}

static void an_empty_plan_has_nothing_to_do(void **state) {
  (void)state;
  struct pm_plan *plan = NULL;
  uint64_t late = 7;
  assert_int_equal(pm_plan_new(10, 1, &plan), PM_OK);
  assert_int_equal(pm_plan_deadline(plan).ns, PM_TIME_NEVER.ns);
  assert_int_equal(pm_plan_next(plan, (struct pm_time){S}, &late), 0);
  assert_int_equal(late, 0);
  pm_plan_remove(plan, 1);
  pm_plan_done(plan, 1, true, (struct pm_time){S});
  pm_plan_set_interval(plan, 1, 1000, (struct pm_time){S});
  assert_int_equal(pm_plan_in_flight(plan), 0);
  pm_plan_free(plan);
  pm_plan_free(NULL);
}

static void the_first_turn_comes_one_second_after_adding(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 1);
  int64_t added_ns = sim.now_ns;
  sim_add(&sim, 1, 1, 10000);
  assert_int_equal(pm_plan_deadline(sim.plan).ns, added_ns + S);
  sim_run(&sim, S - 1);
  assert_int_equal(sim.count, 0);
  sim_run(&sim, 1);
  assert_int_equal(sim.count, 1);
  assert_int_equal(sim.starts[0].at_ns, added_ns + S);
  /* One that is added long after it starts as promptly. */
  sim_run(&sim, 100 * S);
  size_t before = sim.count;
  sim_add(&sim, 2, 1, 10000000);
  sim_run(&sim, S + 5 * MS);
  assert_true(sim.count > before);
  assert_int_equal(sim.starts[sim.count - 1].id, 2);
  sim_close(&sim);
}

static void a_few_added_at_once_start_within_milliseconds(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 1);
  int64_t added_ns = sim.now_ns;
  sim_add(&sim, 1, 5, 10000);
  sim_run(&sim, S + 25 * MS);
  assert_int_equal(sim.count, 5);
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(sim.starts[i].id, i + 1);
    assert_between(sim.starts[i].at_ns - added_ns, S + (int64_t)i * 5 * MS,
                   S + (int64_t)(i + 1) * 5 * MS);
  }
  sim_close(&sim);
}

/* The interval bounds how long the last waits; the best possible would be targets / interval. */
static void many_added_at_once_never_start_together(void **state) {
  (void)state;
  static const struct {
    size_t targets;
    int64_t interval_ms;
    size_t most_in_10_ms;
  } rows[] = {{100, 10000, 3}, {1000, 10000, 3}, {1000, 1000, 12}, {5000, 10000, 9}, {50, 1, 50}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sim sim;
    sim_open(&sim, 10000, i);
    sim.probe_ns = 3600 * S; /* so that every target runs once */
    int64_t added_ns = sim.now_ns;
    sim_add(&sim, 1, rows[i].targets, rows[i].interval_ms);
    sim_run(&sim, 60 * S);
    assert_int_equal(sim.count, rows[i].targets);
    assert_in_range(most_within(&sim, 0, 10 * MS), 1, rows[i].most_in_10_ms);
    assert_int_equal(sim.starts[0].at_ns - added_ns, S);
    assert_between(sim.starts[sim.count - 1].at_ns - added_ns, S, S + rows[i].interval_ms * MS);
    sim_close(&sim);
  }
}

static void turns_of_many_targets_stay_spread_over_the_interval(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 1000, 5);
  sim_add(&sim, 1, 1000, 10000);
  sim_run(&sim, 30 * S);
  size_t settled = sim.count;
  int64_t settled_ns = sim.now_ns;
  sim_run(&sim, 200 * S);
  /* 100 a second on average. */
  assert_in_range(sim.count - settled, 19800, 20200);
  assert_in_range(most_within(&sim, settled, S), 100, 135);
  assert_in_range(most_within(&sim, settled, 10 * MS), 2, 10);
  size_t at = settled;
  for (int second = 0; second < 199; second++) {
    size_t in_second = 0;
    for (; sim.starts[at].at_ns < settled_ns + (second + 1) * S; at++) in_second++;
    assert_in_range(in_second, 65, 135);
  }
  sim_close(&sim);
}

/* Large meshes, and the shortest interval: no 10 ms have many more starts than their share, from
 * the first second on and for as long as it runs. The bounds are what wholly independent probes
 * would pass less than once in ten thousand such runs; a plan that forgot its phases would start
 * hundreds at once after the first interval. */
static void no_ten_milliseconds_have_many_more_than_their_share(void **state) {
  (void)state;
  static const struct {
    size_t targets;
    int64_t interval_ms, run_s;
    size_t share, most;
  } rows[] = {{1000, 1000, 60, 10, 34},
              {1000, 10000, 200, 1, 11},
              {5000, 10000, 120, 5, 23},
              {5000, 1000, 25, 50, 96}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sim sim;
    sim_open(&sim, 10000, 40 + i);
    sim_add(&sim, 1, rows[i].targets, rows[i].interval_ms);
    sim_run(&sim, rows[i].run_s * S);
    assert_true(sim.count > rows[i].targets * 5);
    assert_in_range(most_within(&sim, 0, 10 * MS), rows[i].share, rows[i].most);
    for (size_t n = 0; n < sim.count; n++) assert_int_equal(sim.starts[n].late, 0);
    sim_close(&sim);
  }
}

/* Sixty of a minute each, added over a while: their phases must not cluster either. */
static void the_second_turn_steps_into_the_own_phase(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 1000, 9);
  sim_add(&sim, 1, 60, 60000);
  sim_run(&sim, 2 * S);
  assert_int_equal(sim.count, 60);
  sim_run(&sim, 178 * S);
  int64_t first_ns[61];
  bool stepped[61] = {false};
  for (size_t i = 0; i < 60; i++) first_ns[sim.starts[i].id] = sim.starts[i].at_ns;
  for (size_t i = 60; i < sim.count; i++) {
    uint64_t id = sim.starts[i].id;
    if (!stepped[id]) {
      assert_between(sim.starts[i].at_ns - first_ns[id], 24 * S, 96 * S);
    }
    stepped[id] = true;
  }
  for (int id = 1; id <= 60; id++) assert_true(stepped[id]);
  assert_in_range(most_within(&sim, 60, 6 * S), 6, 18);
  sim_close(&sim);
}

/* Nodes that start together and have the same list must not ask in step. */
static void nodes_differ_in_phase(void **state) {
  (void)state;
  size_t tenths[10] = {0};
  for (uint64_t seed = 0; seed < 200; seed++) {
    struct sim sim;
    sim_open(&sim, 10, seed);
    sim_add(&sim, 1, 1, 10000);
    sim_run(&sim, 30 * S);
    assert_true(sim.count >= 2);
    tenths[sim.starts[1].at_ns % (10 * S) / S]++;
    sim_close(&sim);
  }
  for (int i = 0; i < 10; i++) assert_in_range(tenths[i], 8, 36);
}

static void jitter_fills_a_tenth_to_either_side_and_never_drifts(void **state) {
  (void)state;
  enum { TURNS = 20000 };
  struct sim sim;
  sim_open(&sim, 10, 3);
  sim_add(&sim, 1, 1, 1000);
  sim_run(&sim, (TURNS + 4) * S);
  assert_true(sim.count > TURNS);
  int64_t low_ns = INT64_MAX;
  int64_t high_ns = INT64_MIN;
  for (int i = 1; i < TURNS; i++) {
    int64_t off_ns = sim.starts[i].at_ns - i * S;
    if (off_ns < low_ns) low_ns = off_ns;
    if (off_ns > high_ns) high_ns = off_ns;
    assert_int_equal(sim.starts[i].late, 0);
  }
  assert_between(high_ns - low_ns, 198 * MS, 200 * MS);
  size_t thirds[3] = {0};
  for (int i = 1; i < TURNS; i++) {
    int64_t off_ns = sim.starts[i].at_ns - i * S - low_ns;
    thirds[off_ns * 3 / (high_ns - low_ns + 1)]++;
  }
  for (int i = 0; i < 3; i++) assert_in_range(thirds[i], TURNS / 3 - 400, TURNS / 3 + 400);
  sim_close(&sim);
}

static void what_never_answered_is_tried_every_second_ten_times(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 4);
  sim.answers = false;
  int64_t added_ns = sim.now_ns;
  sim_add(&sim, 1, 1, 60000);
  sim_run(&sim, 400 * S);
  assert_in_range(sim.count, 15, 17);
  for (int i = 0; i < 10; i++) {
    assert_between(sim.starts[i].at_ns - added_ns, (i + 1) * S - 100 * MS, (i + 1) * S + 100 * MS);
  }
  assert_between(sim.starts[10].at_ns - sim.starts[9].at_ns, 24 * S, 96 * S);
  for (size_t i = 11; i < sim.count; i++) {
    assert_between(sim.starts[i].at_ns - sim.starts[i - 1].at_ns, 48 * S, 72 * S);
  }
  sim_close(&sim);
}

static void an_interval_below_a_second_is_not_stretched(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 4);
  sim.answers = false;
  sim_add(&sim, 1, 1, 200);
  sim_run(&sim, S + 1000 * MS);
  assert_in_range(sim.count, 5, 6);
  sim_close(&sim);
}

static void the_first_success_ends_the_eager_tries(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 4);
  sim.answers = false;
  sim_add(&sim, 1, 1, 60000);
  sim_run(&sim, 3500 * MS);
  assert_int_equal(sim.count, 3);
  sim.answers = true;
  sim_run(&sim, S);
  assert_int_equal(sim.count, 4);
  sim.answers = false; /* failures later on do not bring them back */
  sim_run(&sim, 300 * S);
  assert_between(sim.starts[4].at_ns - sim.starts[3].at_ns, 24 * S, 96 * S);
  for (size_t i = 5; i < sim.count; i++) {
    assert_between(sim.starts[i].at_ns - sim.starts[i - 1].at_ns, 48 * S, 72 * S);
  }
  sim_close(&sim);
}

static void turns_that_come_while_a_probe_runs_are_late_not_doubled(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 6);
  sim_add(&sim, 1, 1, 1000);
  sim_run(&sim, 5 * S);
  size_t before = sim.count;
  sim.probe_ns = 3500 * MS;
  sim_run(&sim, 400 * S);
  assert_in_range(sim.count - before, 99, 101);
  for (size_t i = before + 1; i < sim.count; i++) assert_int_equal(sim.starts[i].late, 3);
  sim_close(&sim);
}

/* A blackhole takes its time to fail: that is not our lateness. */
static void an_eager_try_that_is_passed_over_is_not_late(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 6);
  sim.answers = false;
  sim.probe_ns = 5500 * MS;
  sim_add(&sim, 1, 1, 60000);
  sim_run(&sim, 58 * S);
  assert_int_equal(sim.count, 10);
  for (size_t i = 0; i < sim.count; i++) assert_int_equal(sim.starts[i].late, 0);
  sim_close(&sim);
}

static void the_cap_holds_and_those_who_wait_come_due_first(void **state) {
  (void)state;
  struct pm_plan *plan = NULL;
  uint64_t late;
  assert_int_equal(pm_plan_new(3, 1, &plan), PM_OK);
  for (uint64_t id = 1; id <= 10; id++) {
    assert_int_equal(pm_plan_add(plan, id, 10000, (struct pm_time){0}), PM_OK);
  }
  struct pm_time now = {1500 * MS};
  for (uint64_t id = 1; id <= 3; id++) assert_int_equal(pm_plan_next(plan, now, &late), id);
  assert_int_equal(pm_plan_next(plan, now, &late), 0);
  assert_int_equal(pm_plan_in_flight(plan), 3);
  assert_int_equal(pm_plan_deadline(plan).ns, PM_TIME_NEVER.ns);
  for (uint64_t id = 4; id <= 10; id++) {
    now = pm_time_add_ms(now, 10);
    pm_plan_done(plan, id - 2, true, now);
    assert_int_equal(pm_plan_in_flight(plan), 2);
    assert_true(pm_time_before(pm_plan_deadline(plan), now));
    assert_int_equal(pm_plan_next(plan, now, &late), id);
    assert_int_equal(pm_plan_next(plan, now, &late), 0);
  }
  pm_plan_free(plan);
}

/* Twenty turns a second, room for two: each target gets its share, and every turn is accounted for.
 */
static void overload_is_shared_and_counted(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 1, 8);
  sim_add(&sim, 1, 20, 1000);
  sim_run(&sim, 60 * S);
  size_t before = sim.count;
  sim.probe_ns = 500 * MS;
  sim_run(&sim, 1000 * S);
  assert_in_range(sim.count - before, 1990, 2001);
  size_t runs[21] = {0};
  size_t turns = 0;
  for (size_t i = before; i < sim.count; i++) {
    runs[sim.starts[i].id]++;
    turns += 1 + sim.starts[i].late;
  }
  assert_in_range(turns, 20 * 985, 20 * 1001);
  for (int id = 1; id <= 20; id++) assert_in_range(runs[id], 90, 110);
  sim_close(&sim);
}

static void a_long_sleep_is_late_but_no_burst(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 1000, 5);
  sim_add(&sim, 1, 1000, 10000);
  sim_run(&sim, 60 * S);
  size_t before = sim.count;
  sim.now_ns += 3600 * S;
  sim_run(&sim, 20 * S);
  assert_in_range(most_within(&sim, before, 10 * MS), 1, 10);
  assert_in_range(most_within(&sim, before, S), 80, 135);
  uint64_t turns = 0;
  for (size_t i = before; i < sim.count; i++) turns += 1 + sim.starts[i].late;
  assert_in_range(turns, 1000 * 361, 1000 * 363);
  sim_close(&sim);
}

/* A loop that lags a little runs what is due, though it be late by some milliseconds. */
static void a_short_lag_passes_nothing_over(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 1000, 5);
  sim_add(&sim, 1, 1000, 10000);
  sim_run(&sim, 60 * S);
  size_t before = sim.count;
  sim.now_ns += 900 * MS;
  sim_run(&sim, 0);
  assert_in_range(sim.count - before, 65, 135);
  for (size_t i = before; i < sim.count; i++) assert_int_equal(sim.starts[i].late, 0);
  sim_close(&sim);
}

static void what_waited_for_room_has_not_been_slept_through(void **state) {
  (void)state;
  for (int removed = 0; removed < 2; removed++) {
    struct pm_plan *plan = NULL;
    uint64_t late;
    assert_int_equal(pm_plan_new(1, 1, &plan), PM_OK);
    assert_int_equal(pm_plan_add(plan, 1, 60000, (struct pm_time){0}), PM_OK);
    assert_int_equal(pm_plan_add(plan, 2, 60000, (struct pm_time){0}), PM_OK);
    assert_int_equal(pm_plan_next(plan, (struct pm_time){S}, &late), 1);
    if (removed) {
      pm_plan_remove(plan, 1);
    } else {
      pm_plan_done(plan, 1, true, (struct pm_time){9 * S});
    }
    assert_int_equal(pm_plan_next(plan, (struct pm_time){9 * S}, &late), 2);
    pm_plan_free(plan);
  }
}

static void a_removed_target_has_no_more_turns(void **state) {
  (void)state;
  struct pm_plan *plan = NULL;
  uint64_t late;
  struct pm_time now = {2 * S};
  assert_int_equal(pm_plan_new(10, 1, &plan), PM_OK);
  for (uint64_t id = 1; id <= 3; id++) {
    assert_int_equal(pm_plan_add(plan, id, 10000, (struct pm_time){0}), PM_OK);
  }
  now.ns = S + 100 * MS;
  assert_int_equal(pm_plan_next(plan, now, &late), 1);
  pm_plan_remove(plan, 1); /* running */
  assert_int_equal(pm_plan_in_flight(plan), 0);
  pm_plan_done(plan, 1, true, now);
  assert_int_equal(pm_plan_in_flight(plan), 0);
  pm_plan_remove(plan, 2); /* waiting */
  pm_plan_remove(plan, 2);
  assert_int_equal(pm_plan_next(plan, now, &late), 3);
  assert_int_equal(pm_plan_next(plan, now, &late), 0);
  pm_plan_done(plan, 3, true, now);
  pm_plan_done(plan, 3, true, now); /* not running: ignored */
  assert_int_equal(pm_plan_in_flight(plan), 0);
  pm_plan_remove(plan, 3);
  assert_int_equal(pm_plan_deadline(plan).ns, PM_TIME_NEVER.ns);
  assert_int_equal(pm_plan_add(plan, 1, 10000, now), PM_OK);
  assert_between(pm_plan_deadline(plan).ns - now.ns, S, S + 5 * MS);
  pm_plan_free(plan);
}

static void ids_are_unique_and_the_plan_has_a_maximum(void **state) {
  (void)state;
  struct pm_plan *plan = NULL;
  assert_int_equal(pm_plan_new(10, 1, &plan), PM_OK);
  struct pm_time now = {0};
  for (uint64_t id = 1; id <= PM_PLAN_TARGETS_MAX; id++) {
    assert_int_equal(pm_plan_add(plan, id, 10000, now), PM_OK);
  }
  assert_int_equal(pm_plan_add(plan, 5, 10000, now), PM_ERR_DUPLICATE);
  assert_int_equal(pm_plan_add(plan, 1000000, 10000, now), PM_ERR_FULL);
  pm_plan_remove(plan, 5);
  assert_int_equal(pm_plan_add(plan, 1000000, 10000, now), PM_OK);
  pm_plan_free(plan);
}

static void intervals_are_put_into_their_range(void **state) {
  (void)state;
  static const struct {
    int64_t interval_ms;
    int64_t taken_ms;
  } rows[] = {{INT64_MIN, 1}, {0, 1}, {INT64_MAX, PM_PLAN_INTERVAL_MS_MAX}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sim sim;
    sim_open(&sim, 0, 2); /* and a cap of none is one */
    sim.probe_ns = MS / 10;
    sim_add(&sim, 1, 1, rows[i].interval_ms);
    sim_run(&sim, S);
    assert_int_equal(sim.count, 1);
    sim_run(&sim, MS / 10);
    assert_between(pm_plan_deadline(sim.plan).ns - sim.starts[0].at_ns,
                   rows[i].taken_ms * MS * 4 / 10, rows[i].taken_ms * MS * 16 / 10);
    sim_close(&sim);
  }
}

static void a_new_interval_counts_from_now_on(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 2);
  sim_add(&sim, 1, 1, 10000);
  sim_run(&sim, 45 * S);
  pm_plan_set_interval(sim.plan, 1, 600000, sim_now(&sim));
  assert_between(pm_plan_deadline(sim.plan).ns - sim.now_ns, 240 * S, 960 * S);
  pm_plan_set_interval(sim.plan, 1, 2000, sim_now(&sim));
  assert_between(pm_plan_deadline(sim.plan).ns - sim.now_ns, 800 * MS, 3200 * MS);
  size_t before = sim.count;
  sim_run(&sim, 200 * S);
  assert_in_range(sim.count - before, 99, 101);
  sim_close(&sim);
}

static void a_new_interval_leaves_the_first_turn_and_ends_eager_tries(void **state) {
  (void)state;
  struct sim sim;
  sim_open(&sim, 10, 2);
  sim.answers = false;
  int64_t added_ns = sim.now_ns;
  sim_add(&sim, 1, 1, 10000);
  pm_plan_set_interval(sim.plan, 1, 600000, sim_now(&sim));
  assert_int_equal(pm_plan_deadline(sim.plan).ns, added_ns + S);
  sim_run(&sim, 3500 * MS);
  assert_int_equal(sim.count, 3);
  pm_plan_set_interval(sim.plan, 1, 300000, sim_now(&sim));
  assert_between(pm_plan_deadline(sim.plan).ns - sim.now_ns, 120 * S, 480 * S);
  sim_close(&sim);
}

static void a_new_interval_while_running_holds_after_the_end(void **state) {
  (void)state;
  struct pm_plan *plan = NULL;
  uint64_t late;
  assert_int_equal(pm_plan_new(10, 1, &plan), PM_OK);
  assert_int_equal(pm_plan_add(plan, 1, 10000, (struct pm_time){0}), PM_OK);
  assert_int_equal(pm_plan_next(plan, (struct pm_time){S}, &late), 1);
  pm_plan_set_interval(plan, 1, 600000, (struct pm_time){2 * S});
  assert_int_equal(pm_plan_deadline(plan).ns, PM_TIME_NEVER.ns);
  assert_int_equal(pm_plan_in_flight(plan), 1);
  pm_plan_done(plan, 1, false, (struct pm_time){2 * S});
  assert_between(pm_plan_deadline(plan).ns, 242 * S, 962 * S);
  pm_plan_free(plan);
}

/* Five hundred turns, of which many are moved forward, moved back or taken out. */
static void turns_come_in_order_of_their_due_time(void **state) {
  (void)state;
  enum { IDS = 500 };
  for (uint64_t seed = 0; seed < 10; seed++) {
    struct sim sim;
    struct pm_rng rng;
    pm_rng_seed(&rng, seed);
    sim_open(&sim, IDS, seed);
    sim_add(&sim, 1, IDS, 60000);
    sim_run(&sim, 100 * S);
    for (int i = 0; i < IDS / 2; i++) {
      uint64_t id = 1 + pm_rng_below(&rng, IDS);
      if (pm_rng_below(&rng, 2) == 0) pm_plan_remove(sim.plan, id);
      pm_plan_set_interval(sim.plan, 1 + pm_rng_below(&rng, IDS),
                           pm_rng_between(&rng, 1000, 120000), sim_now(&sim));
    }
    uint64_t late;
    struct pm_time before = sim_now(&sim);
    for (struct pm_time due; (due = pm_plan_deadline(sim.plan)).ns != PM_TIME_NEVER.ns;) {
      assert_true(due.ns >= before.ns);
      assert_int_not_equal(pm_plan_next(sim.plan, due, &late), 0);
      before = due;
    }
    sim_close(&sim);
  }
}

static void the_same_seed_gives_the_same_plan(void **state) {
  (void)state;
  struct sim sims[3];
  for (int i = 0; i < 3; i++) {
    sim_open(&sims[i], 50, i < 2 ? 7 : 8);
    sim_add(&sims[i], 1, 100, 3000);
    sim_run(&sims[i], 100 * S);
  }
  assert_int_equal(sims[0].count, sims[1].count);
  assert_memory_equal(sims[0].starts, sims[1].starts, sims[0].count * sizeof(struct start));
  assert_memory_not_equal(sims[0].starts, sims[2].starts, 1000 * sizeof(struct start));
  for (int i = 0; i < 3; i++) sim_close(&sims[i]);
}

/* What the random test knows of a target. */
struct known {
  bool present;
  bool running;
  size_t runs;
};

static void random_change(struct pm_plan *plan, struct pm_rng *rng, struct known *known,
                          uint64_t id, struct pm_time now) {
  int64_t interval_ms = pm_rng_between(rng, 1, 5000);
  switch (pm_rng_below(rng, 4)) {
  case 0:
    assert_int_equal(pm_plan_add(plan, id, interval_ms, now),
                     known[id].present ? PM_ERR_DUPLICATE : PM_OK);
    known[id].present = true;
    break;
  case 1:
    if (pm_rng_below(rng, 3) != 0) break;
    pm_plan_remove(plan, id);
    known[id] = (struct known){.runs = known[id].runs};
    break;
  case 2:
    pm_plan_set_interval(plan, id, interval_ms, now);
    break;
  default:
    pm_plan_done(plan, id, pm_rng_below(rng, 2) == 0, now);
    known[id].running = false;
  }
}

/* Heap, table and slots under thousands of random calls: no target is lost, none comes that should
 * not, and the count in flight is right. */
static void random_calls_keep_every_target(void **state) {
  (void)state;
  enum { IDS = 200, CAP = 40 };
  for (uint64_t seed = 0; seed < 10; seed++) {
    struct pm_plan *plan = NULL;
    struct known known[IDS + 1] = {0};
    struct pm_rng rng;
    pm_rng_seed(&rng, seed);
    assert_int_equal(pm_plan_new(CAP, seed, &plan), PM_OK);
    struct pm_time now = {0};
    for (int step = 0; step < 5000; step++) {
      now = pm_time_add_ms(now, pm_rng_between(&rng, 0, 40));
      random_change(plan, &rng, known, 1 + pm_rng_below(&rng, IDS), now);
      uint64_t late;
      uint64_t next = pm_plan_next(plan, now, &late);
      if (next != 0) {
        assert_in_range(next, 1, IDS);
        assert_true(known[next].present && !known[next].running);
        known[next].running = true;
        known[next].runs++;
      }
      size_t running = 0;
      for (int id = 1; id <= IDS; id++) running += known[id].running;
      assert_int_equal(pm_plan_in_flight(plan), running);
      assert_in_range(running, 0, CAP);
    }
    /* Everything that is left runs again within two of the longest intervals. */
    for (int id = 1; id <= IDS; id++) {
      known[id].runs = 0;
      pm_plan_done(plan, (uint64_t)id, true, now);
    }
    for (int step = 0; step < 1600; step++) {
      now = pm_time_add_ms(now, 10);
      uint64_t late;
      uint64_t next;
      while ((next = pm_plan_next(plan, now, &late)) != 0) {
        known[next].runs++;
        pm_plan_done(plan, next, true, now);
      }
    }
    for (int id = 1; id <= IDS; id++) assert_int_equal(known[id].runs > 0, known[id].present);
    pm_plan_free(plan);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_plan_has_nothing_to_do),
      cmocka_unit_test(the_first_turn_comes_one_second_after_adding),
      cmocka_unit_test(a_few_added_at_once_start_within_milliseconds),
      cmocka_unit_test(many_added_at_once_never_start_together),
      cmocka_unit_test(turns_of_many_targets_stay_spread_over_the_interval),
      cmocka_unit_test(no_ten_milliseconds_have_many_more_than_their_share),
      cmocka_unit_test(the_second_turn_steps_into_the_own_phase),
      cmocka_unit_test(nodes_differ_in_phase),
      cmocka_unit_test(jitter_fills_a_tenth_to_either_side_and_never_drifts),
      cmocka_unit_test(what_never_answered_is_tried_every_second_ten_times),
      cmocka_unit_test(an_interval_below_a_second_is_not_stretched),
      cmocka_unit_test(the_first_success_ends_the_eager_tries),
      cmocka_unit_test(turns_that_come_while_a_probe_runs_are_late_not_doubled),
      cmocka_unit_test(an_eager_try_that_is_passed_over_is_not_late),
      cmocka_unit_test(the_cap_holds_and_those_who_wait_come_due_first),
      cmocka_unit_test(overload_is_shared_and_counted),
      cmocka_unit_test(a_long_sleep_is_late_but_no_burst),
      cmocka_unit_test(a_short_lag_passes_nothing_over),
      cmocka_unit_test(what_waited_for_room_has_not_been_slept_through),
      cmocka_unit_test(a_removed_target_has_no_more_turns),
      cmocka_unit_test(ids_are_unique_and_the_plan_has_a_maximum),
      cmocka_unit_test(intervals_are_put_into_their_range),
      cmocka_unit_test(a_new_interval_counts_from_now_on),
      cmocka_unit_test(a_new_interval_leaves_the_first_turn_and_ends_eager_tries),
      cmocka_unit_test(a_new_interval_while_running_holds_after_the_end),
      cmocka_unit_test(turns_come_in_order_of_their_due_time),
      cmocka_unit_test(the_same_seed_gives_the_same_plan),
      cmocka_unit_test(random_calls_keep_every_target),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
