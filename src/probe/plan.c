#include "probe/plan.h"

#include <stdlib.h>

enum { FIRST_CAP = 16 };

static const uint32_t NOWHERE = UINT32_MAX;

/* 2^64 / golden ratio: the multiples of it, read as fractions of 2^64, keep falling into the widest
 * gap that those before have left (Knuth, TAOCP 3, 6.4). */
static const uint64_t GOLDEN = UINT64_C(0x9e3779b97f4a7c15);

struct turn {
  uint64_t id;    /* 0: a free slot */
  uint64_t phase; /* own place in the interval, as a fraction of 2^64 */
  uint64_t late;  /* passed over since it last ran */
  int64_t interval_ns;
  int64_t grid_ns; /* the next turn's point of the grid, */
  int64_t due_ns;  /* and that with its jitter */
  int64_t started_ns;
  uint32_t heap_at; /* NOWHERE while running; in a free slot: the next free one */
  uint8_t tries;    /* up to PM_PLAN_EAGER_TRIES */
  bool eager;
  bool running;
};

/* The due time is kept here as well, so that sifting does not jump about in the turns. */
struct heap_entry {
  int64_t due_ns;
  uint32_t slot;
};

struct pm_plan {
  struct pm_rng rng;
  uint64_t phase_origin;
  uint64_t added; /* ever */
  size_t in_flight;
  size_t in_flight_max;
  size_t first_pending; /* turns that have never run */
  bool was_full;        /* at some time since pm_plan_next was last asked */
  int64_t full_ns;      /* when that was last known */
  struct turn *turns;   /* by slot */
  struct heap_entry *heap;
  /* id → slot: open addressing, linear probing, at most half full; NOWHERE: free */
  uint32_t *table;
  size_t table_mask; /* its places - 1 */
  size_t cap;        /* of turns and heap; the table has at least twice as many */
  size_t count;
  size_t heap_count;
  uint32_t slots_used; /* those behind have never been taken */
  uint32_t free_slot;  /* the first of those given back */
};

/* --- id → slot --- */

/* The finaliser of splitmix64. Ids are our own counter, so nobody can make them collide. */
static size_t home_of(uint64_t id, size_t mask) {
  id = (id ^ id >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  id = (id ^ id >> 27) * UINT64_C(0x94d049bb133111eb);
  return (size_t)(id ^ id >> 31) & mask;
}

/* Where the id is, or the free place where it belongs. */
static size_t table_find(const struct pm_plan *plan, uint64_t id) {
  size_t mask = plan->table_mask;
  size_t at = home_of(id, mask);
  while (plan->table[at] != NOWHERE && plan->turns[plan->table[at]].id != id) at = (at + 1) & mask;
  return at;
}

/* Moves back those behind the hole that were pushed past it, so that no marks of the dead pile up.
 */
static void table_clear(struct pm_plan *plan, size_t hole) {
  size_t mask = plan->table_mask;
  for (size_t at = (hole + 1) & mask; plan->table[at] != NOWHERE; at = (at + 1) & mask) {
    size_t home = home_of(plan->turns[plan->table[at]].id, mask);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    plan->table[hole] = plan->table[at];
    hole = at;
  }
  plan->table[hole] = NOWHERE;
}

static struct turn *find(struct pm_plan *plan, uint64_t id) {
  uint32_t slot = plan->table[table_find(plan, id)];
  return slot == NOWHERE ? NULL : &plan->turns[slot];
}

/* --- the heap --- */

static void heap_set(struct pm_plan *plan, size_t at, struct heap_entry entry) {
  plan->heap[at] = entry;
  plan->turns[entry.slot].heap_at = (uint32_t)at;
}

static void sift_up(struct pm_plan *plan, size_t at, struct heap_entry entry) {
  while (at > 0) {
    size_t parent = (at - 1) / 2;
    if (plan->heap[parent].due_ns <= entry.due_ns) break;
    heap_set(plan, at, plan->heap[parent]);
    at = parent;
  }
  heap_set(plan, at, entry);
}

static void sift_down(struct pm_plan *plan, size_t at, struct heap_entry entry) {
  size_t child;
  while ((child = 2 * at + 1) < plan->heap_count) {
    if (child + 1 < plan->heap_count && plan->heap[child + 1].due_ns < plan->heap[child].due_ns) {
      child++;
    }
    if (entry.due_ns <= plan->heap[child].due_ns) break;
    heap_set(plan, at, plan->heap[child]);
    at = child;
  }
  heap_set(plan, at, entry);
}

static void heap_place(struct pm_plan *plan, size_t at, struct heap_entry entry) {
  if (at > 0 && entry.due_ns < plan->heap[(at - 1) / 2].due_ns) {
    sift_up(plan, at, entry);
  } else {
    sift_down(plan, at, entry);
  }
}

static struct heap_entry entry_of(const struct pm_plan *plan, const struct turn *turn) {
  return (struct heap_entry){turn->due_ns, (uint32_t)(turn - plan->turns)};
}

static void heap_push(struct pm_plan *plan, const struct turn *turn) {
  sift_up(plan, plan->heap_count++, entry_of(plan, turn));
}

static void heap_remove(struct pm_plan *plan, struct turn *turn) {
  size_t at = turn->heap_at;
  turn->heap_at = NOWHERE;
  plan->heap_count--;
  if (at < plan->heap_count) heap_place(plan, at, plan->heap[plan->heap_count]);
}

/* After its due time has changed. */
static void heap_update(struct pm_plan *plan, const struct turn *turn) {
  heap_place(plan, turn->heap_at, entry_of(plan, turn));
}

/* --- the grid --- */

static int64_t fraction_of(uint64_t fraction, int64_t ns) {
  return (int64_t)((unsigned __int128)fraction * (uint64_t)ns >> 64);
}

static int64_t interval_ns_of(int64_t interval_ms) {
  if (interval_ms < 1) interval_ms = 1;
  if (interval_ms > PM_PLAN_INTERVAL_MS_MAX) interval_ms = PM_PLAN_INTERVAL_MS_MAX;
  return interval_ms * PM_NS_PER_MS;
}

static int64_t step_ns(const struct turn *turn) {
  const int64_t eager_ns = (int64_t)PM_PLAN_EAGER_MS * PM_NS_PER_MS;
  return turn->eager && turn->interval_ns > eager_ns ? eager_ns : turn->interval_ns;
}

static void draw_due(struct pm_plan *plan, struct turn *turn) {
  int64_t jitter_ns = step_ns(turn) / PM_PLAN_JITTER_PARTS;
  turn->due_ns = turn->grid_ns + pm_rng_between(&plan->rng, -jitter_ns, jitter_ns);
}

static void advance(struct pm_plan *plan, struct turn *turn) {
  turn->grid_ns += step_ns(turn);
  draw_due(plan, turn);
}

/* The turn goes to its own phase: the first point of it that is at least half an interval after
 * from_ns. */
static void go_to_phase(struct pm_plan *plan, struct turn *turn, int64_t from_ns) {
  int64_t offset_ns = fraction_of(turn->phase, turn->interval_ns);
  int64_t earliest_ns = from_ns + turn->interval_ns / 2;
  int64_t past_ns = (earliest_ns - offset_ns) % turn->interval_ns;
  int64_t wait_ns = past_ns > 0 ? turn->interval_ns - past_ns : -past_ns;
  turn->eager = false;
  turn->grid_ns = earliest_ns + wait_ns;
  draw_due(plan, turn);
}

/* Moves on to the first turn that is due after now; those before it are late. The many of a long
 * absence are not walked through one by one: all but the last of them are past whatever their
 * jitter. */
static void pass_over(struct pm_plan *plan, struct turn *turn, int64_t now_ns) {
  if (turn->due_ns > now_ns) return;
  int64_t step = step_ns(turn);
  int64_t passed = (now_ns - turn->grid_ns - step / PM_PLAN_JITTER_PARTS) / step;
  if (passed < 0) passed = 0;
  turn->grid_ns += passed * step;
  do {
    advance(plan, turn);
    passed++;
  } while (turn->due_ns <= now_ns);
  if (!turn->eager) turn->late += (uint64_t)passed;
}

/* --- life --- */

static enum pm_err grow_table(struct pm_plan *plan, size_t places) {
  uint32_t *table = malloc(places * sizeof(*table));
  if (table == NULL) return PM_ERR_NOMEM;
  for (size_t i = 0; i < places; i++) table[i] = NOWHERE;
  uint32_t *old = plan->table;
  size_t old_places = old != NULL ? plan->table_mask + 1 : 0;
  plan->table = table;
  plan->table_mask = places - 1;
  for (size_t i = 0; i < old_places; i++) {
    if (old[i] != NOWHERE) table[table_find(plan, plan->turns[old[i]].id)] = old[i];
  }
  free(old);
  return PM_OK;
}

/* When every slot is taken. Each step leaves a plan that works. */
static enum pm_err grow(struct pm_plan *plan) {
  size_t cap = plan->cap > 0 ? 2 * plan->cap : FIRST_CAP;
  if (grow_table(plan, 2 * cap) != PM_OK) return PM_ERR_NOMEM;
  struct heap_entry *heap = realloc(plan->heap, cap * sizeof(*heap));
  if (heap == NULL) return PM_ERR_NOMEM;
  plan->heap = heap;
  struct turn *turns = realloc(plan->turns, cap * sizeof(*turns));
  if (turns == NULL) return PM_ERR_NOMEM;
  plan->turns = turns;
  plan->cap = cap;
  return PM_OK;
}

static enum pm_err take_slot(struct pm_plan *plan, uint32_t *out) {
  if (plan->free_slot != NOWHERE) {
    *out = plan->free_slot;
    plan->free_slot = plan->turns[*out].heap_at;
    return PM_OK;
  }
  if (plan->slots_used == plan->cap) {
    enum pm_err err = grow(plan);
    if (err != PM_OK) return err;
  }
  *out = plan->slots_used++;
  return PM_OK;
}

enum pm_err pm_plan_new(size_t in_flight_max, uint64_t rng_seed, struct pm_plan **out) {
  struct pm_plan *plan = calloc(1, sizeof(*plan));
  if (plan == NULL) return PM_ERR_NOMEM;
  pm_rng_seed(&plan->rng, rng_seed);
  plan->phase_origin = pm_rng_next(&plan->rng);
  plan->in_flight_max = in_flight_max > 0 ? in_flight_max : 1;
  plan->full_ns = INT64_MIN;
  plan->free_slot = NOWHERE;
  enum pm_err err = grow(plan);
  if (err != PM_OK) {
    pm_plan_free(plan);
    return err;
  }
  *out = plan;
  return PM_OK;
}

void pm_plan_free(struct pm_plan *plan) {
  if (plan == NULL) return;
  free(plan->turns);
  free(plan->heap);
  free(plan->table);
  free(plan);
}

/* 5 ms behind the first turns that are still to come; the golden part keeps those apart that have
 * been wrapped around to the same place. */
static int64_t first_offset_ns(const struct pm_plan *plan, int64_t interval_ns) {
  const int64_t gap_ns = (int64_t)PM_PLAN_FIRST_GAP_MS * PM_NS_PER_MS;
  int64_t within_ns = fraction_of(plan->added * GOLDEN, gap_ns);
  return ((int64_t)plan->first_pending * gap_ns + within_ns) % interval_ns;
}

enum pm_err pm_plan_add(struct pm_plan *plan, uint64_t id, int64_t interval_ms,
                        struct pm_time now) {
  if (plan->table[table_find(plan, id)] != NOWHERE) return PM_ERR_DUPLICATE;
  if (plan->count == PM_PLAN_TARGETS_MAX) return PM_ERR_FULL;
  uint32_t slot;
  enum pm_err err = take_slot(plan, &slot);
  if (err != PM_OK) return err;
  struct turn *turn = &plan->turns[slot];
  plan->table[table_find(plan, id)] = slot;
  plan->count++;
  int64_t interval_ns = interval_ns_of(interval_ms);
  int64_t first_ns = pm_time_add_ms(now, PM_PLAN_FIRST_MS).ns + first_offset_ns(plan, interval_ns);
  *turn = (struct turn){.id = id,
                        .phase = plan->phase_origin + plan->added * GOLDEN,
                        .interval_ns = interval_ns,
                        .grid_ns = first_ns,
                        .due_ns = first_ns,
                        .eager = true};
  plan->added++;
  plan->first_pending++;
  heap_push(plan, turn);
  return PM_OK;
}

void pm_plan_remove(struct pm_plan *plan, uint64_t id) {
  struct turn *turn = find(plan, id);
  if (turn == NULL) return;
  if (turn->running) {
    plan->in_flight--;
  } else {
    heap_remove(plan, turn);
  }
  if (turn->tries == 0) plan->first_pending--;
  table_clear(plan, table_find(plan, id));
  *turn = (struct turn){.heap_at = plan->free_slot};
  plan->free_slot = (uint32_t)(turn - plan->turns);
  plan->count--;
}

void pm_plan_set_interval(struct pm_plan *plan, uint64_t id, int64_t interval_ms,
                          struct pm_time now) {
  struct turn *turn = find(plan, id);
  if (turn == NULL) return;
  turn->interval_ns = interval_ns_of(interval_ms);
  if (turn->tries == 0) return;
  go_to_phase(plan, turn, now.ns);
  if (!turn->running) heap_update(plan, turn);
}

/* --- turns --- */

/* Overdue for long, although there has been room ever since. */
static bool was_slept_through(const struct pm_plan *plan, const struct turn *turn, int64_t now_ns) {
  return now_ns - turn->due_ns > (int64_t)PM_PLAN_STALL_MS * PM_NS_PER_MS &&
         turn->due_ns > plan->full_ns;
}

static void start(struct pm_plan *plan, struct turn *turn, int64_t now_ns) {
  heap_remove(plan, turn);
  if (turn->tries == 0) plan->first_pending--;
  if (turn->tries < PM_PLAN_EAGER_TRIES) turn->tries++;
  turn->running = true;
  turn->started_ns = now_ns;
  plan->in_flight++;
  if (plan->in_flight >= plan->in_flight_max) plan->was_full = true;
  advance(plan, turn);
  pass_over(plan, turn, now_ns);
}

uint64_t pm_plan_next(struct pm_plan *plan, struct pm_time now, uint64_t *out_late) {
  *out_late = 0;
  if (plan->was_full) plan->full_ns = now.ns;
  plan->was_full = plan->in_flight >= plan->in_flight_max;
  if (plan->was_full) return 0;
  while (plan->heap_count > 0 && plan->heap[0].due_ns <= now.ns) {
    struct turn *turn = &plan->turns[plan->heap[0].slot];
    if (was_slept_through(plan, turn, now.ns)) {
      pass_over(plan, turn, now.ns);
      heap_update(plan, turn);
      continue;
    }
    start(plan, turn, now.ns);
    *out_late = turn->late;
    turn->late = 0;
    return turn->id;
  }
  return 0;
}

void pm_plan_done(struct pm_plan *plan, uint64_t id, bool success, struct pm_time now) {
  struct turn *turn = find(plan, id);
  if (turn == NULL || !turn->running) return;
  turn->running = false;
  plan->in_flight--;
  if (turn->eager && (success || turn->tries >= PM_PLAN_EAGER_TRIES)) {
    go_to_phase(plan, turn, turn->started_ns);
  }
  pass_over(plan, turn, now.ns);
  heap_push(plan, turn);
}

struct pm_time pm_plan_deadline(const struct pm_plan *plan) {
  if (plan->in_flight >= plan->in_flight_max || plan->heap_count == 0) return PM_TIME_NEVER;
  return (struct pm_time){plan->heap[0].due_ns};
}

size_t pm_plan_in_flight(const struct pm_plan *plan) {
  return plan->in_flight;
}
