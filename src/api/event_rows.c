#include "api/event_rows.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 16 };

_Static_assert(PM_MATRIX_ROW_CELLS_MAX <= UINT16_MAX, "a cell's number fits");

void pm_event_rows_init(struct pm_event_rows *rows) {
  *rows = (struct pm_event_rows){0};
}

void pm_event_rows_deinit(struct pm_event_rows *rows) {
  for (size_t i = 0; i < rows->count; i++) free(rows->rows[i].cells);
  free(rows->rows);
  pm_event_rows_init(rows);
}

/* ---- prints ---- */

/* SplitMix64's mixing: what strangers make collide is an event that they do not get. */
static uint64_t mix(uint64_t print, uint64_t value) {
  uint64_t x = (print ^ value) + UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static uint64_t print_of(enum pm_cell_state state, const struct pm_cell *cell) {
  uint64_t print = mix(state, ((uint64_t)cell->sent << 32) | cell->lost);
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) print = mix(print, (uint64_t)cell->rtt_ns[i]);
  print = mix(print, (uint64_t)cell->jitter_ns);
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++) print = mix(print, (uint64_t)cell->phase_ns[i]);
  return print;
}

/* ---- rows ---- */

static int compare(const struct pm_node_id *a, const struct pm_node_id *b) {
  return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static size_t place_of(const struct pm_event_rows *rows, const struct pm_node_id *from) {
  size_t low = 0;
  for (size_t high = rows->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (compare(&rows->rows[middle].from, from) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct pm_event_row *pm_event_rows_find(struct pm_event_rows *rows, const struct pm_node_id *from) {
  size_t place = place_of(rows, from);
  const bool there = place < rows->count && pm_node_id_equal(&rows->rows[place].from, from);
  return there ? &rows->rows[place] : NULL;
}

static struct pm_event_row *add_row(struct pm_event_rows *rows, const struct pm_node_id *from) {
  if (rows->rows == NULL || rows->count == rows->room) {
    size_t room = rows->room == 0 ? ROOM_FIRST : rows->room * 2;
    struct pm_event_row *grown = realloc(rows->rows, room * sizeof(*grown));
    if (grown == NULL) return NULL;
    rows->rows = grown;
    rows->room = room;
  }
  size_t place = place_of(rows, from);
  memmove(&rows->rows[place + 1], &rows->rows[place],
          (rows->count - place) * sizeof(rows->rows[0]));
  rows->count++;
  rows->rows[place] = (struct pm_event_row){.from = *from, .as_of = {INT64_MIN}, .told = {0}};
  return &rows->rows[place];
}

static bool reserve(struct pm_event_row *told, size_t count) {
  if (count <= told->room) return true;
  struct pm_event_cell *grown = realloc(told->cells, count * sizeof(*grown));
  if (grown == NULL) return false;
  told->cells = grown;
  told->room = count;
  return true;
}

/* The print that was told of a cell; *at goes on, for both ascend. */
static bool was_told(const struct pm_event_row *told, size_t *at, uint64_t to, uint64_t print) {
  while (*at < told->count && told->cells[*at].to < to) (*at)++;
  return *at < told->count && told->cells[*at].to == to && told->cells[*at].print == print;
}

static size_t find_changes(const struct pm_event_row *told, const struct pm_matrix_row *row,
                           struct pm_time now, uint64_t *prints, uint16_t *changed) {
  size_t count = 0, at = 0;
  for (size_t i = 0; i < row->count; i++) {
    int64_t age_s;
    const enum pm_cell_state state = pm_matrix_state(row, &row->cells[i], now, &age_s);
    prints[i] = print_of(state, &row->cells[i].cell);
    if (!was_told(told, &at, row->cells[i].to, prints[i])) changed[count++] = (uint16_t)i;
  }
  return count;
}

static void note(struct pm_event_row *told, const struct pm_matrix_row *row,
                 const uint64_t *prints) {
  told->count = 0;
  if (!reserve(told, row->count)) return;
  for (size_t i = 0; i < row->count; i++)
    told->cells[i] = (struct pm_event_cell){row->cells[i].to, prints[i]};
  told->count = row->count;
}

size_t pm_event_rows_look(struct pm_event_rows *rows, const struct pm_matrix_row *row,
                          struct pm_time now, uint16_t *changed, bool *out_confirmed) {
  uint64_t prints[PM_MATRIX_ROW_CELLS_MAX];
  struct pm_event_row *told = pm_event_rows_find(rows, &row->from);
  *out_confirmed = false;
  if (told == NULL) told = add_row(rows, &row->from);
  if (told == NULL) return 0;
  const bool stale = pm_time_since_ns(now, row->as_of) / PM_NS_PER_S > PM_MATRIX_STALE_S;
  *out_confirmed = told->as_of.ns != row->as_of.ns;
  if (!*out_confirmed && stale == told->stale && told->inc == row->inc &&
      told->revision == row->revision)
    return 0; /* nothing can have changed */
  const size_t count = find_changes(told, row, now, prints, changed);
  note(told, row, prints);
  told->as_of = row->as_of;
  told->stale = stale;
  told->inc = row->inc;
  told->revision = row->revision;
  return count;
}

void pm_event_rows_follow(struct pm_event_rows *rows, const struct pm_matrix *matrix) {
  size_t kept = 0;
  for (size_t i = 0; i < rows->count; i++) {
    if (matrix != NULL && pm_matrix_find(matrix, &rows->rows[i].from) != NULL)
      rows->rows[kept++] = rows->rows[i];
    else
      free(rows->rows[i].cells);
  }
  rows->count = kept;
}
