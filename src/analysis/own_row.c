#include "analysis/own_row.h"

#include <stdlib.h>
#include <string.h>

/* Beside each cell, what is not told to others. */
struct kept {
  struct pm_cell latest;
  struct pm_time set, published;
};

/* Both arrays in the order of revisions, the one that was published last at the end. */
struct pm_own_row {
  uint64_t revision;
  uint64_t forgotten; /* of the latest cell that gave way: who has less takes all of the row */
  size_t count, gone;
  struct pm_own_row_cell cells[PM_OWN_ROW_CELLS_MAX];
  struct kept kept[PM_OWN_ROW_CELLS_MAX];
};

enum pm_err pm_own_row_new(struct pm_own_row **out) {
  struct pm_own_row *row = calloc(1, sizeof *row);
  if (!row) return PM_ERR_NOMEM;
  *out = row;
  return PM_OK;
}

void pm_own_row_free(struct pm_own_row *row) {
  free(row);
}

/* --- what is news ----------------------------------------------------------------------------- */

static int64_t distance(int64_t a, int64_t b) {
  return a > b ? a - b : b - a;
}

static bool moved(int64_t was, int64_t is, unsigned shift) {
  if ((was == 0) != (is == 0)) return true;
  int64_t step_ns = (was > is ? was : is) >> shift;
  if (step_ns < PM_OWN_ROW_STEP_NS) step_ns = PM_OWN_ROW_STEP_NS;
  return distance(was, is) > step_ns;
}

/* A window of sixty probes loses one more or less all the time; that it loses any at all is news.
 */
static bool loss_moved(const struct pm_cell *was, const struct pm_cell *is) {
  enum { STEPS = 32 };
  if ((was->lost == 0) != (is->lost == 0)) return true;
  int64_t across = distance((int64_t)was->lost * is->sent, (int64_t)is->lost * was->sent);
  return across * STEPS > (int64_t)was->sent * is->sent;
}

/* How much is behind the figures: while the window fills, or once it empties. */
static bool count_moved(uint32_t was, uint32_t is) {
  uint32_t less = was < is ? was : is, more = was < is ? is : was;
  return more > less + less / 2;
}

/* Running jitter follows each sample: a step of it is measured against the path's length, too. */
static bool jitter_moved(const struct pm_cell *was, const struct pm_cell *is) {
  int64_t path_ns = is->rtt_ns[PM_CELL_P50] >> PM_OWN_ROW_STEP_SHIFT;
  return moved(was->jitter_ns, is->jitter_ns, PM_OWN_ROW_STEP_SHIFT - 2) &&
         distance(was->jitter_ns, is->jitter_ns) > path_ns;
}

static bool is_news(const struct pm_cell *was, const struct pm_cell *is) {
  static const unsigned shifts[PM_CELL_QUANTILE_COUNT] = {
      [PM_CELL_P25] = PM_OWN_ROW_STEP_SHIFT,     [PM_CELL_P50] = PM_OWN_ROW_STEP_SHIFT,
      [PM_CELL_P75] = PM_OWN_ROW_STEP_SHIFT,     [PM_CELL_P90] = PM_OWN_ROW_STEP_SHIFT - 1,
      [PM_CELL_P99] = PM_OWN_ROW_STEP_SHIFT - 2,
  };
  if (was->every_s != is->every_s || count_moved(was->sent, is->sent) || loss_moved(was, is))
    return true;
  for (int q = 0; q < PM_CELL_QUANTILE_COUNT; q++)
    if (moved(was->rtt_ns[q], is->rtt_ns[q], shifts[q])) return true;
  for (int p = 0; p < PM_CELL_PHASE_COUNT; p++)
    if (moved(was->phase_ns[p], is->phase_ns[p], PM_OWN_ROW_STEP_SHIFT - 1)) return true;
  return jitter_moved(was, is);
}

/* --- cells ------------------------------------------------------------------------------------ */

static size_t find(const struct pm_own_row *row, const struct pm_node_id *to) {
  size_t at = 0;
  while (at < row->count && !pm_node_id_equal(&row->cells[at].to, to)) at++;
  return at;
}

static void take_out(struct pm_own_row *row, size_t at) {
  size_t behind = --row->count - at;
  memmove(&row->cells[at], &row->cells[at + 1], behind * sizeof row->cells[0]);
  memmove(&row->kept[at], &row->kept[at + 1], behind * sizeof row->kept[0]);
}

static void append(struct pm_own_row *row, const struct pm_node_id *to, const struct kept *kept) {
  row->cells[row->count] =
      (struct pm_own_row_cell){.to = *to, .revision = ++row->revision, .cell = kept->latest};
  row->kept[row->count++] = *kept;
}

static void publish(struct pm_own_row *row, size_t at, struct pm_time now) {
  struct pm_node_id to = row->cells[at].to;
  struct kept kept = row->kept[at];
  row->gone -= row->cells[at].cell.state == PM_CELL_UNKNOWN;
  row->gone += kept.latest.state == PM_CELL_UNKNOWN;
  kept.published = now;
  take_out(row, at);
  append(row, &to, &kept);
}

/* The earliest of those that have gone: most have heard of it. */
static bool make_room(struct pm_own_row *row) {
  if (row->count < PM_OWN_ROW_CELLS_MAX) return true;
  for (size_t at = 0; at < row->count; at++) {
    if (row->cells[at].cell.state != PM_CELL_UNKNOWN) continue;
    row->forgotten = row->cells[at].revision;
    row->gone--;
    take_out(row, at);
    return true;
  }
  return false;
}

enum pm_err pm_own_row_set(struct pm_own_row *row, const struct pm_node_id *to,
                           const struct pm_cell *cell, struct pm_time now) {
  size_t at = find(row, to);
  if (at == row->count) {
    if (!make_room(row)) return PM_ERR_FULL;
    append(row, to, &(struct kept){.latest = *cell, .set = now, .published = now});
    return PM_OK;
  }
  row->kept[at].latest = *cell;
  row->kept[at].set = now;
  if (row->cells[at].cell.state != cell->state) publish(row, at, now);
  return PM_OK;
}

void pm_own_row_fail(struct pm_own_row *row, const struct pm_node_id *to, struct pm_time now) {
  size_t at = find(row, to);
  if (at == row->count || row->cells[at].cell.state == PM_CELL_UNKNOWN) return;
  row->kept[at].latest.state = PM_CELL_FAILED;
  row->kept[at].set = now;
  if (row->cells[at].cell.state != PM_CELL_FAILED) publish(row, at, now);
}

void pm_own_row_remove(struct pm_own_row *row, const struct pm_node_id *to) {
  size_t at = find(row, to);
  if (at == row->count || row->cells[at].cell.state == PM_CELL_UNKNOWN) return;
  row->kept[at].latest.state = PM_CELL_STALE;
  if (row->cells[at].cell.state != PM_CELL_STALE) publish(row, at, row->kept[at].set);
}

/* --- time ------------------------------------------------------------------------------------- */

static enum pm_cell_state aged(const struct kept *kept, struct pm_time now) {
  enum pm_cell_state state = kept->latest.state;
  int64_t age_s = pm_time_since_ns(now, kept->set) / PM_NS_PER_S;
  if (state == PM_CELL_UNKNOWN || age_s > PM_OWN_ROW_KEEP_S + 3 * (int64_t)kept->latest.every_s)
    return PM_CELL_UNKNOWN;
  return age_s > 3 * (int64_t)kept->latest.every_s + 10 ? PM_CELL_STALE : state;
}

static int64_t publish_s(const struct pm_own_row *row) {
  size_t count = pm_own_row_count(row);
  if (count <= PM_OWN_ROW_CELLS_USUAL) return PM_OWN_ROW_PUBLISH_S;
  return PM_OWN_ROW_PUBLISH_S * (int64_t)count / PM_OWN_ROW_CELLS_USUAL;
}

static bool is_due(const struct pm_own_row *row, size_t at, int64_t wait_s, struct pm_time now) {
  const struct pm_cell *was = &row->cells[at].cell;
  const struct kept *kept = &row->kept[at];
  if (was->state != kept->latest.state) return true;
  if (was->state == PM_CELL_UNKNOWN || was->state == PM_CELL_STALE) return false;
  /* Of a path that is new to us, few probes said little: each doubling of them says more. */
  if (kept->latest.sent > was->sent && kept->latest.sent / 2 >= was->sent) return true;
  return pm_time_since_ns(now, kept->published) >= wait_s * PM_NS_PER_S &&
         is_news(was, &kept->latest);
}

void pm_own_row_advance(struct pm_own_row *row, struct pm_time now) {
  int64_t wait_s = publish_s(row);
  size_t left = row->count;
  /* What is published goes to the end, and the next one comes to its place. */
  for (size_t at = 0; left > 0; left--) {
    struct kept *kept = &row->kept[at];
    kept->latest.state = aged(kept, now);
    if (kept->latest.state == PM_CELL_UNKNOWN) kept->latest = (struct pm_cell){0};
    if (is_due(row, at, wait_s, now))
      publish(row, at, now);
    else
      at++;
  }
}

/* --- reading ---------------------------------------------------------------------------------- */

size_t pm_own_row_bytes(void) {
  return sizeof(struct pm_own_row);
}

uint64_t pm_own_row_revision(const struct pm_own_row *row) {
  return row->revision;
}

size_t pm_own_row_count(const struct pm_own_row *row) {
  return row->count - row->gone;
}

size_t pm_own_row_since(const struct pm_own_row *row, uint64_t *since,
                        const struct pm_own_row_cell **cells) {
  if (*since > row->revision || *since < row->forgotten) *since = 0;
  size_t at = row->count;
  while (at > 0 && row->cells[at - 1].revision > *since) at--;
  *cells = row->cells + at;
  return row->count - at;
}
