#include "publish/metrics_rollup.h"

#include <stdlib.h>
#include <string.h>

static const char OTHER[] = "other";

struct place {
  char *name;
  bool there; /* it has a target now */
  struct pm_metrics_row sums;
};

struct pm_metrics_rollup {
  struct pm_metrics_row *seen; /* what each target had counted the last time; by id */
  size_t seen_count;
  struct place **places; /* by name */
  size_t places_count, places_room;
  struct pm_metrics_row other;
};

/* --- counters --------------------------------------------------------------------------------- */

static void add_counters(struct pm_metrics_row *into, const struct pm_metrics_row *from) {
  into->late += from->late;
  into->starved += from->starved;
  into->retransmitted += from->retransmitted;
  into->syns += from->syns;
  into->syns_lost += from->syns_lost;
  for (int i = 0; i < PM_OUTCOME_COUNT; i++) into->outcomes[i] += from->outcomes[i];
  for (int i = 0; i < PM_PHASE_COUNT; i++) pm_buckets_merge(&into->phases[i], &from->phases[i]);
}

static void subtract_buckets(struct pm_buckets *from, const struct pm_buckets *what) {
  for (size_t i = 0; i <= PM_BUCKETS_COUNT; i++) from->counts[i] -= what->counts[i];
  from->count -= what->count;
  from->sum_ns -= what->sum_ns;
}

static void subtract_counters(struct pm_metrics_row *from, const struct pm_metrics_row *what) {
  from->late -= what->late;
  from->starved -= what->starved;
  from->retransmitted -= what->retransmitted;
  from->syns -= what->syns;
  from->syns_lost -= what->syns_lost;
  for (int i = 0; i < PM_OUTCOME_COUNT; i++) from->outcomes[i] -= what->outcomes[i];
  for (int i = 0; i < PM_PHASE_COUNT; i++) subtract_buckets(&from->phases[i], &what->phases[i]);
}

/* Leaves in each row what is new since the last time. Ids ascend in both lists. */
static enum pm_err take_new(struct pm_metrics_rollup *rollup, struct pm_metrics_rows *rows) {
  size_t bytes = rows->count * sizeof(*rows->rows), at = 0;
  struct pm_metrics_row *seen = malloc(bytes > 0 ? bytes : 1);
  if (seen == NULL) return PM_ERR_NOMEM;
  memcpy(seen, rows->rows, bytes);
  for (size_t i = 0; i < rows->count; i++) {
    struct pm_metrics_row *row = &rows->rows[i];
    while (at < rollup->seen_count && rollup->seen[at].id < row->id) at++;
    if (at < rollup->seen_count && rollup->seen[at].id == row->id)
      subtract_counters(row, &rollup->seen[at]);
  }
  free(rollup->seen);
  rollup->seen = seen;
  rollup->seen_count = rows->count;
  return PM_OK;
}

/* --- groups ----------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
  const struct pm_metrics_row *left = a, *right = b;
  return strcmp(left->to, right->to);
}

static int by_targets(const void *a, const void *b) {
  const struct pm_metrics_row *left = a, *right = b;
  if (left->targets != right->targets) return left->targets < right->targets ? 1 : -1;
  return strcmp(left->to, right->to);
}

static void merge(struct pm_metrics_row *into, const struct pm_metrics_row *from) {
  into->targets += from->targets;
  into->probed += from->probed;
  into->up += from->up;
  into->answered += from->answered;
  if (from->latest.ns > into->latest.ns) into->latest = from->latest;
  add_counters(into, from);
}

/* Marked as a group even where it is of a single target: whether a series has the label target must
 * not depend on how many others there are. */
static void mark_group(struct pm_metrics_row *row) {
  row->target = "";
  row->address = NULL;
  row->status = 0;
}

static void group(struct pm_metrics_rows *rows) {
  size_t places = 0;
  qsort(rows->rows, rows->count, sizeof(*rows->rows), by_place);
  for (size_t i = 0; i < rows->count; i++) {
    struct pm_metrics_row *row = &rows->rows[i];
    mark_group(row);
    if (places > 0 && strcmp(rows->rows[places - 1].to, row->to) == 0) {
      merge(&rows->rows[places - 1], row);
    } else {
      if (places != i) rows->rows[places] = *row;
      places++;
    }
  }
  rows->count = places;
  rows->by_location = true;
  qsort(rows->rows, rows->count, sizeof(*rows->rows), by_targets);
}

/* --- places ----------------------------------------------------------------------------------- */

/* Where it is, or would be. */
static size_t position_of(const struct pm_metrics_rollup *rollup, const char *name) {
  size_t low = 0, high = rollup->places_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(rollup->places[middle]->name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct place *find(const struct pm_metrics_rollup *rollup, const char *name) {
  size_t at = position_of(rollup, name);
  if (at == rollup->places_count || strcmp(rollup->places[at]->name, name) != 0) return NULL;
  return rollup->places[at];
}

static void free_place(struct place *place) {
  if (place == NULL) return;
  free(place->name);
  free(place);
}

/* Should one come back it begins anew, and a reader sees a counter that was gone and is small. */
static void forget_empty(struct pm_metrics_rollup *rollup) {
  size_t kept = 0;
  for (size_t i = 0; i < rollup->places_count; i++) {
    struct place *place = rollup->places[i];
    if (place->there)
      rollup->places[kept++] = place;
    else
      free_place(place);
  }
  rollup->places_count = kept;
}

static bool make_room(struct pm_metrics_rollup *rollup) {
  if (rollup->places_count < rollup->places_room) return true;
  size_t room = rollup->places_room > 0 ? 2 * rollup->places_room : 64;
  struct place **places = realloc(rollup->places, room * sizeof(struct place *));
  if (places == NULL) return false;
  rollup->places = places;
  rollup->places_room = room;
  return true;
}

static struct place *insert(struct pm_metrics_rollup *rollup, const char *name) {
  struct place *place = calloc(1, sizeof(*place));
  if (place != NULL) place->name = strdup(name);
  if (place == NULL || place->name == NULL || !make_room(rollup)) {
    free_place(place);
    return NULL;
  }
  size_t at = position_of(rollup, name);
  memmove(rollup->places + at + 1, rollup->places + at,
          (rollup->places_count - at) * sizeof(struct place *));
  rollup->places[at] = place;
  rollup->places_count++;
  return place;
}

/* Those that have a name first, so that an empty one does not keep it from a new one. */
static void mark_places(const struct pm_metrics_rollup *rollup,
                        const struct pm_metrics_rows *rows) {
  for (size_t i = 0; i < rollup->places_count; i++) rollup->places[i]->there = false;
  for (size_t i = 0; i < rows->count; i++) {
    struct place *place = find(rollup, rows->rows[i].to);
    if (place != NULL) place->there = true;
  }
}

/* NULL: it is one of the others. */
static struct place *place_of(struct pm_metrics_rollup *rollup, const char *name,
                              size_t places_max) {
  if (strcmp(name, OTHER) == 0) return NULL;
  struct place *place = find(rollup, name);
  if (place == NULL && rollup->places_count >= places_max) forget_empty(rollup);
  if (place == NULL && rollup->places_count < places_max) place = insert(rollup, name);
  if (place != NULL) place->there = true;
  return place;
}

/* The row's counters, which are new ones, become all there ever were. */
static void total(struct pm_metrics_row *sums, struct pm_metrics_row *row) {
  add_counters(sums, row);
  for (int i = 0; i < PM_PHASE_COUNT; i++) sums->phases[i].latest_ns = row->phases[i].latest_ns;
  row->late = sums->late;
  row->starved = sums->starved;
  row->retransmitted = sums->retransmitted;
  row->syns = sums->syns;
  row->syns_lost = sums->syns_lost;
  memcpy(row->outcomes, sums->outcomes, sizeof(row->outcomes));
  memcpy(row->phases, sums->phases, sizeof(row->phases));
}

enum pm_err pm_metrics_rollup_apply(struct pm_metrics_rollup *rollup, struct pm_metrics_rows *rows,
                                    size_t places_max) {
  struct pm_metrics_row others = {.target = "", .to = OTHER};
  size_t named = 0;
  if (take_new(rollup, rows) != PM_OK) return PM_ERR_NOMEM;
  group(rows);
  mark_places(rollup, rows);
  for (size_t i = 0; i < rows->count; i++) {
    struct pm_metrics_row row = rows->rows[i];
    struct place *place = place_of(rollup, row.to, places_max);
    if (place != NULL) {
      total(&place->sums, &row);
      rows->rows[named++] = row;
    } else {
      merge(&others, &row);
    }
  }
  if (others.targets > 0) {
    total(&rollup->other, &others);
    rows->rows[named++] = others;
  }
  rows->count = named;
  return PM_OK;
}

enum pm_err pm_metrics_rollup_new(struct pm_metrics_rollup **out) {
  *out = calloc(1, sizeof(**out));
  return *out != NULL ? PM_OK : PM_ERR_NOMEM;
}

void pm_metrics_rollup_free(struct pm_metrics_rollup *rollup) {
  if (rollup == NULL) return;
  for (size_t i = 0; i < rollup->places_count; i++) free_place(rollup->places[i]);
  free(rollup->places);
  free(rollup->seen);
  free(rollup);
}
