#include "analysis/matrix.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_STEP = 16 /* cells by which a row's room grows: a divisor of both limits */ };

struct entry {
  struct pm_matrix_row row; /* row.cells is cells */
  struct pm_matrix_cell *cells;
  size_t room;
};

struct pm_matrix {
  size_t rows_max, count;
  size_t cells, room, extra; /* in use; allocated; of these, beyond what a row is sure of */
  struct pm_matrix_cell merged[PM_MATRIX_ROW_CELLS_MAX];
  struct entry entries[]; /* ascending by from */
};

const char *pm_row_source_text(enum pm_row_source source) {
  switch (source) {
  case PM_ROW_SELF:
    return "self";
  case PM_ROW_DIRECT:
    return "direct";
  case PM_ROW_RELAYED:
    return "relayed";
  case PM_ROW_OLD_NODE:
    return "old-node";
  }
  return "unknown";
}

uint64_t pm_matrix_short(const struct pm_node_id *id) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof value; i++) value = value << 8 | id->bytes[i];
  return value;
}

enum pm_err pm_matrix_new(size_t rows_max, struct pm_matrix **out) {
  if (rows_max == 0 || rows_max > PM_MATRIX_ROWS_MAX) return PM_ERR_RANGE;
  struct pm_matrix *matrix = calloc(1, sizeof *matrix + rows_max * sizeof matrix->entries[0]);
  if (!matrix) return PM_ERR_NOMEM;
  matrix->rows_max = rows_max;
  *out = matrix;
  return PM_OK;
}

void pm_matrix_free(struct pm_matrix *matrix) {
  if (!matrix) return;
  for (size_t i = 0; i < matrix->count; i++) free(matrix->entries[i].cells);
  free(matrix);
}

/* --- finding ---------------------------------------------------------------------------------- */

static size_t place_of(const struct pm_matrix *matrix, const struct pm_node_id *from) {
  size_t low = 0, high = matrix->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const struct pm_node_id *there = &matrix->entries[middle].row.from;
    if (memcmp(there->bytes, from->bytes, sizeof from->bytes) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool is_there(const struct pm_matrix *matrix, size_t at, const struct pm_node_id *from) {
  return at < matrix->count && pm_node_id_equal(&matrix->entries[at].row.from, from);
}

const struct pm_matrix_row *pm_matrix_find(const struct pm_matrix *matrix,
                                           const struct pm_node_id *from) {
  size_t at = place_of(matrix, from);
  return is_there(matrix, at, from) ? &matrix->entries[at].row : NULL;
}

const struct pm_matrix_row *pm_matrix_at(const struct pm_matrix *matrix, size_t index) {
  return &matrix->entries[index].row;
}

const struct pm_matrix_cell *pm_matrix_cell_of(const struct pm_matrix_row *row, uint64_t to) {
  size_t low = 0, high = row->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (row->cells[middle].to < to)
      low = middle + 1;
    else
      high = middle;
  }
  return low < row->count && row->cells[low].to == to ? &row->cells[low] : NULL;
}

void pm_matrix_have(const struct pm_matrix *matrix, const struct pm_node_id *from,
                    uint64_t *out_inc, uint64_t *out_revision) {
  const struct pm_matrix_row *row = pm_matrix_find(matrix, from);
  bool own_word = row && (row->source == PM_ROW_DIRECT || row->source == PM_ROW_SELF);
  *out_inc = own_word ? row->inc : 0;
  *out_revision = own_word ? row->revision : 0;
}

/* --- what is believed ------------------------------------------------------------------------- */

static int64_t age_s(struct pm_time as_of, struct pm_time now) {
  return pm_time_since_ns(now, as_of) / PM_NS_PER_S;
}

static bool is_own_word(enum pm_row_source source) {
  return source == PM_ROW_SELF || source == PM_ROW_DIRECT;
}

static enum pm_err judge_own_word(const struct pm_matrix_row *there,
                                  const struct pm_matrix_news *news) {
  bool joins = there && is_own_word(there->source) && there->inc == news->inc;
  if (news->since > 0) {
    if (!joins || news->since > there->revision) return PM_ERR_MISSING;
    if (news->upto < there->revision) return PM_ERR_DUPLICATE;
  }
  bool late = there && is_own_word(there->source) && pm_time_before(news->as_of, there->as_of);
  return late ? PM_ERR_DUPLICATE : PM_OK;
}

/* Nobody's word counts for more than what a node just said itself. */
static enum pm_err judge_hearsay(const struct pm_matrix_row *there,
                                 const struct pm_matrix_news *news, struct pm_time now) {
  if (age_s(news->as_of, now) > PM_MATRIX_FORGET_S) return PM_ERR_DUPLICATE;
  if (!there) return PM_OK;
  if (there->source == PM_ROW_SELF) return PM_ERR_DUPLICATE;
  if (there->source == PM_ROW_DIRECT && age_s(there->as_of, now) <= PM_MATRIX_DIRECT_S)
    return PM_ERR_DUPLICATE;
  if (news->source == PM_ROW_OLD_NODE && there->source == PM_ROW_OLD_NODE) return PM_OK;
  int64_t fresher_s = age_s(there->as_of, news->as_of);
  return fresher_s >= PM_MATRIX_RELAY_FRESHER_S ? PM_OK : PM_ERR_DUPLICATE;
}

static enum pm_err judge(const struct pm_matrix_row *there, const struct pm_matrix_news *news,
                         struct pm_time now) {
  if (news->hops > PM_MATRIX_HOPS_MAX) return PM_ERR_RANGE;
  if (news->count > PM_MATRIX_ROW_CELLS_MAX) return PM_ERR_FULL;
  return is_own_word(news->source) ? judge_own_word(there, news) : judge_hearsay(there, news, now);
}

/* --- rows ------------------------------------------------------------------------------------- */

static size_t extra_of(size_t room) {
  return room > PM_MATRIX_ROW_CELLS_SURE ? room - PM_MATRIX_ROW_CELLS_SURE : 0;
}

static void drop(struct pm_matrix *matrix, size_t at) {
  struct entry *entry = &matrix->entries[at];
  matrix->cells -= entry->row.count;
  matrix->room -= entry->room;
  matrix->extra -= extra_of(entry->room);
  free(entry->cells);
  matrix->count--;
  memmove(entry, entry + 1, (matrix->count - at) * sizeof *entry);
}

/* How readily it gives way to the news: 0 never. */
static int64_t weakness(const struct pm_matrix_row *row, const struct pm_matrix_news *news,
                        struct pm_time now) {
  int64_t age = age_s(row->as_of, now);
  if (row->source == PM_ROW_SELF) return 0;
  if (age > PM_MATRIX_STALE_S) return age;
  return is_own_word(news->source) && !is_own_word(row->source) ? 1 + age : 0;
}

static bool make_row(struct pm_matrix *matrix, const struct pm_matrix_news *news,
                     struct pm_time now) {
  if (matrix->count < matrix->rows_max) return true;
  int64_t weakest = 0;
  size_t at = 0;
  for (size_t i = 0; i < matrix->count; i++) {
    int64_t weak = weakness(&matrix->entries[i].row, news, now);
    if (weak <= weakest) continue;
    weakest = weak;
    at = i;
  }
  if (weakest > 0) drop(matrix, at);
  return weakest > 0;
}

static size_t room_for(size_t count) {
  return (count + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
}

/* Rows of usual length always find room; what some need beyond it is shared by all. */
static bool may_grow(const struct pm_matrix *matrix, size_t room_now, size_t room) {
  size_t extra = matrix->extra - extra_of(room_now) + extra_of(room);
  return extra <= matrix->rows_max * PM_MATRIX_EXTRA_CELLS;
}

/* Room for so many cells; one that needs far less than it has gives some back. */
static enum pm_err set_room(struct pm_matrix *matrix, struct entry *entry, size_t count) {
  size_t room = room_for(count);
  if (room <= entry->room && room + 2 * ROOM_STEP >= entry->room) return PM_OK;
  struct pm_matrix_cell *cells =
      realloc(entry->cells, (room ? room : ROOM_STEP) * sizeof *entry->cells);
  if (!cells) return room <= entry->room ? PM_OK : PM_ERR_NOMEM;
  if (room == 0) room = ROOM_STEP;
  matrix->room += room - entry->room;
  matrix->extra += extra_of(room) - extra_of(entry->room);
  entry->cells = cells;
  entry->row.cells = cells;
  entry->room = room;
  return PM_OK;
}

static struct entry *insert(struct pm_matrix *matrix, const struct entry *new) {
  size_t at = place_of(matrix, &new->row.from);
  struct entry *entry = &matrix->entries[at];
  memmove(entry + 1, entry, (matrix->count - at) * sizeof *entry);
  *entry = *new;
  matrix->count++;
  return entry;
}

/* Its room first: nothing gives way to a row for which there is no memory. */
static enum pm_err add_row(struct pm_matrix *matrix, const struct pm_matrix_news *news,
                           size_t count, struct pm_time now, struct entry **out) {
  struct entry entry = {.row = {.from = news->from}};
  enum pm_err err = set_room(matrix, &entry, count);
  if (err != PM_OK) return err;
  if (!make_row(matrix, news, now)) {
    matrix->room -= entry.room;
    matrix->extra -= extra_of(entry.room);
    free(entry.cells);
    return PM_ERR_FULL;
  }
  *out = insert(matrix, &entry);
  return PM_OK;
}

/* --- merging ---------------------------------------------------------------------------------- */

static bool put_merged(struct pm_matrix *matrix, size_t *count, const struct pm_matrix_cell *cell) {
  if (cell->cell.state == PM_CELL_UNKNOWN) return true;
  if (*count == PM_MATRIX_ROW_CELLS_MAX) return false;
  matrix->merged[(*count)++] = *cell;
  return true;
}

/* Both ascending: those of the news count where a node is in both. False if there are too many. */
static bool merge(struct pm_matrix *matrix, const struct pm_matrix_row *there,
                  const struct pm_matrix_news *news, size_t *out_count) {
  bool whole = news->since == 0 || !there;
  size_t old = 0, old_count = whole ? 0 : there->count, count = 0;
  for (size_t i = 0; i < news->count; i++) {
    const struct pm_matrix_cell *cell = &news->cells[i];
    for (; old < old_count && there->cells[old].to < cell->to; old++)
      if (!put_merged(matrix, &count, &there->cells[old])) return false;
    if (old < old_count && there->cells[old].to == cell->to) old++;
    if (!put_merged(matrix, &count, cell)) return false;
  }
  for (; old < old_count; old++)
    if (!put_merged(matrix, &count, &there->cells[old])) return false;
  *out_count = count;
  return true;
}

static void set_head(struct pm_matrix_row *row, const struct pm_matrix_news *news,
                     struct pm_time now) {
  struct pm_time as_of = pm_time_min(news->as_of, now);
  bool began = row->source != news->source || news->since == 0;
  row->inc = news->inc;
  row->revision = news->upto;
  row->source = news->source;
  row->hops = news->hops;
  row->via = news->via;
  if (!news->more || began) row->as_of = as_of;
}

/* What was merged becomes the row's, which is made where there is none. */
static enum pm_err store(struct pm_matrix *matrix, const struct pm_matrix_news *news, size_t count,
                         struct pm_time now) {
  size_t at = place_of(matrix, &news->from);
  struct entry *entry = is_there(matrix, at, &news->from) ? &matrix->entries[at] : NULL;
  if (!may_grow(matrix, entry ? entry->room : 0, room_for(count))) return PM_ERR_FULL;
  enum pm_err err =
      entry ? set_room(matrix, entry, count) : add_row(matrix, news, count, now, &entry);
  if (err != PM_OK) return err;
  if (count > 0) memcpy(entry->cells, matrix->merged, count * sizeof matrix->merged[0]);
  matrix->cells += count - entry->row.count;
  entry->row.count = count;
  set_head(&entry->row, news, now);
  return PM_OK;
}

enum pm_err pm_matrix_take(struct pm_matrix *matrix, const struct pm_matrix_news *news,
                           struct pm_time now) {
  const struct pm_matrix_row *there = pm_matrix_find(matrix, &news->from);
  size_t count;
  enum pm_err err = judge(there, news, now);
  if (err != PM_OK) return err;
  if (there && news->since > 0 && news->count == 0) { /* the usual news: there is none */
    set_head(&matrix->entries[place_of(matrix, &news->from)].row, news, now);
    return PM_OK;
  }
  return merge(matrix, there, news, &count) ? store(matrix, news, count, now) : PM_ERR_FULL;
}

/* --- time ------------------------------------------------------------------------------------- */

void pm_matrix_doubt(struct pm_matrix *matrix, const struct pm_node_id *from, struct pm_time now) {
  size_t at = place_of(matrix, from);
  if (!is_there(matrix, at, from) || matrix->entries[at].row.source == PM_ROW_SELF) return;
  struct pm_time stale = pm_time_add_ns(now, -(PM_MATRIX_STALE_S + INT64_C(1)) * PM_NS_PER_S);
  struct pm_matrix_row *row = &matrix->entries[at].row;
  row->as_of = pm_time_min(row->as_of, stale);
}

void pm_matrix_advance(struct pm_matrix *matrix, struct pm_time now) {
  for (size_t i = matrix->count; i-- > 0;) {
    const struct pm_matrix_row *row = &matrix->entries[i].row;
    if (row->source != PM_ROW_SELF && age_s(row->as_of, now) > PM_MATRIX_FORGET_S) drop(matrix, i);
  }
}

enum pm_cell_state pm_matrix_state(const struct pm_matrix_row *row,
                                   const struct pm_matrix_cell *cell, struct pm_time now,
                                   int64_t *out_age_s) {
  int64_t row_s = age_s(row->as_of, now);
  if (out_age_s) *out_age_s = row_s + cell->cell.every_s;
  if (cell->cell.state == PM_CELL_UNKNOWN) return PM_CELL_UNKNOWN;
  return row_s > PM_MATRIX_STALE_S ? PM_CELL_STALE : cell->cell.state;
}

size_t pm_matrix_count(const struct pm_matrix *matrix) {
  return matrix->count;
}

size_t pm_matrix_cells(const struct pm_matrix *matrix) {
  return matrix->cells;
}

size_t pm_matrix_bytes(const struct pm_matrix *matrix) {
  return sizeof *matrix + matrix->rows_max * sizeof matrix->entries[0] +
         matrix->room * sizeof(struct pm_matrix_cell);
}

size_t pm_matrix_bytes_max(size_t rows_max) {
  return sizeof(struct pm_matrix) +
         rows_max * (sizeof(struct entry) + (PM_MATRIX_ROW_CELLS_SURE + PM_MATRIX_EXTRA_CELLS) *
                                                sizeof(struct pm_matrix_cell));
}

/* --- passing on ------------------------------------------------------------------------------- */

static bool is_worth_passing(const struct pm_matrix_row *row, const struct pm_node_id *asker,
                             struct pm_time now) {
  return row->source != PM_ROW_OLD_NODE && row->hops < PM_MATRIX_HOPS_MAX && row->count > 0 &&
         age_s(row->as_of, now) <= PM_MATRIX_DIRECT_S && !pm_node_id_equal(&row->from, asker);
}

size_t pm_matrix_relay(const struct pm_matrix *matrix, const struct pm_node_id *asker,
                       struct pm_time now, uint64_t *place, const struct pm_matrix_row **rows,
                       size_t max) {
  size_t start = 0, count = 0;
  while (start < matrix->count && pm_matrix_short(&matrix->entries[start].row.from) <= *place)
    start++;
  for (size_t i = 0; i < matrix->count && count < max; i++) {
    const struct pm_matrix_row *row = &matrix->entries[(start + i) % matrix->count].row;
    if (is_worth_passing(row, asker, now)) rows[count++] = row;
  }
  if (count > 0) *place = pm_matrix_short(&rows[count - 1]->from);
  return count;
}
