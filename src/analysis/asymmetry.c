#include "analysis/asymmetry.h"

#include <math.h>
#include <stdlib.h>

/* Of a normal distribution: the median's standard error is so much of the mean's, and the quartiles
 * are so many sigmas apart. */
#define MEDIAN_ERROR 1.2533
#define IQR_SIGMAS   1.3490

static uint32_t successes(const struct pm_cell *cell) {
  return cell->sent > cell->lost ? cell->sent - cell->lost : 0;
}

/* --- one pair: the round trip ------------------------------------------------------------------
 */

static bool has_median(const struct pm_cell *cell) {
  return successes(cell) > 0 && cell->rtt_ns[PM_CELL_P50] > 0;
}

/* Square of the standard error of its median. */
static double variance(const struct pm_cell *cell) {
  double iqr = (double)cell->rtt_ns[PM_CELL_P75] - (double)cell->rtt_ns[PM_CELL_P25];
  double sigma = (iqr > 0 ? iqr : 0) / IQR_SIGMAS;
  double n = successes(cell) * PM_ASYMMETRY_N_SHARE;
  return MEDIAN_ERROR * MEDIAN_ERROR * sigma * sigma / n;
}

static int64_t noise_ns(const struct pm_cell *ab, const struct pm_cell *ba) {
  int64_t a = ab->rtt_ns[PM_CELL_P50], b = ba->rtt_ns[PM_CELL_P50];
  double noise = PM_ASYMMETRY_Z * sqrt(variance(ab) + variance(ba));
  noise = fmax(noise, PM_ASYMMETRY_SHARE * (double)(a < b ? a : b));
  noise = fmax(noise, PM_ASYMMETRY_FLOOR_NS);
  return noise < (double)(INT64_MAX / 2) ? (int64_t)ceil(noise) : INT64_MAX / 2;
}

static void judge_round_trip(struct pm_asymmetry *pair) {
  const struct pm_cell *ab = pair->ab, *ba = pair->ba;
  pair->difference_ns = pair->noise_ns = 0;
  pair->beyond_noise = false;
  if (!has_median(ab) || !has_median(ba)) return;
  pair->difference_ns = ab->rtt_ns[PM_CELL_P50] - ba->rtt_ns[PM_CELL_P50];
  if (successes(ab) < PM_ASYMMETRY_N_MIN || successes(ba) < PM_ASYMMETRY_N_MIN) return;
  pair->noise_ns = noise_ns(ab, ba);
  pair->beyond_noise = llabs(pair->difference_ns) > pair->noise_ns;
}

/* --- one pair: loss ----------------------------------------------------------------------------
 */

struct share {
  double p, low, high;
};

/* Wilson's interval (JASA 1927). */
static struct share share_of(const struct pm_cell *cell) {
  const double z2 = PM_ASYMMETRY_LOSS_Z * PM_ASYMMETRY_LOSS_Z;
  double lost = cell->lost < cell->sent ? cell->lost : cell->sent;
  double n = cell->sent * PM_ASYMMETRY_N_SHARE, p = lost / cell->sent;
  double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  double half = PM_ASYMMETRY_LOSS_Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return (struct share){p, middle - half, middle + half};
}

static void judge_loss(struct pm_asymmetry *pair) {
  pair->loss_difference = 0;
  pair->loss_beyond_noise = false;
  if (pair->ab->sent == 0 || pair->ba->sent == 0) return;
  struct share a = share_of(pair->ab), b = share_of(pair->ba);
  pair->loss_difference = a.p - b.p;
  double low = a.p - b.p - hypot(a.p - a.low, b.high - b.p);
  double high = a.p - b.p + hypot(a.high - a.p, b.p - b.low);
  pair->loss_beyond_noise = low > 0 || high < 0;
}

void pm_asymmetry_judge(struct pm_asymmetry *pair) {
  judge_round_trip(pair);
  judge_loss(pair);
}

/* --- all of them: the best are kept in a heap, the worst of them on top -------------------------
 */

static bool is_beyond(const struct pm_asymmetry *pair) {
  return pair->beyond_noise || pair->loss_beyond_noise;
}

/* Negative: x comes first. Names last, so that the order is always the same. */
static int compare(const void *x, const void *y) {
  const struct pm_asymmetry *one = x, *other = y;
  long long by_one = llabs(one->difference_ns), by_other = llabs(other->difference_ns);
  if (is_beyond(one) != is_beyond(other)) return is_beyond(one) ? -1 : 1;
  if (by_one != by_other) return by_one > by_other ? -1 : 1;
  if (one->a != other->a) return one->a < other->a ? -1 : 1;
  return one->b < other->b ? -1 : one->b > other->b;
}

static void swap(struct pm_asymmetry *x, struct pm_asymmetry *y) {
  struct pm_asymmetry kept = *x;
  *x = *y;
  *y = kept;
}

static void sift_up(struct pm_asymmetry *heap, size_t at) {
  while (at > 0 && compare(&heap[at], &heap[(at - 1) / 2]) > 0) {
    swap(&heap[at], &heap[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
}

static void sift_down(struct pm_asymmetry *heap, size_t count) {
  for (size_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && compare(&heap[child + 1], &heap[child]) > 0) child++;
    if (compare(&heap[at], &heap[child]) >= 0) return;
    swap(&heap[at], &heap[child]);
  }
}

static size_t keep(struct pm_asymmetry *heap, size_t count, size_t max,
                   const struct pm_asymmetry *pair) {
  if (count < max) {
    heap[count] = *pair;
    sift_up(heap, count);
    return count + 1;
  }
  if (max > 0 && compare(pair, &heap[0]) < 0) {
    heap[0] = *pair;
    sift_down(heap, count);
  }
  return count;
}

/* The row of a short name: rows ascend by id, and so by its first bytes. NULL: none, or two. */
static const struct pm_matrix_row *row_of(const struct pm_matrix *matrix, uint64_t name) {
  size_t low = 0, count = pm_matrix_count(matrix);
  for (size_t high = count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (pm_matrix_short(&pm_matrix_at(matrix, middle)->from) < name)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == count || pm_matrix_short(&pm_matrix_at(matrix, low)->from) != name) return NULL;
  if (low + 1 < count && pm_matrix_short(&pm_matrix_at(matrix, low + 1)->from) == name) return NULL;
  return pm_matrix_at(matrix, low);
}

/* The cell if it says something of now. */
static const struct pm_cell *cell_now(const struct pm_matrix_row *row,
                                      const struct pm_matrix_cell *cell, struct pm_time now) {
  int64_t age_s;
  if (cell == NULL) return NULL;
  enum pm_cell_state state = pm_matrix_state(row, cell, now, &age_s);
  return state == PM_CELL_MEASURED || state == PM_CELL_FAILED ? &cell->cell : NULL;
}

/* The pair that a cell begins, if its other end measures it as well. */
static bool find_pair(const struct pm_matrix *matrix, const struct pm_matrix_row *row,
                      const struct pm_matrix_cell *cell, struct pm_time now,
                      struct pm_asymmetry *out) {
  uint64_t a = pm_matrix_short(&row->from);
  if (a >= cell->to) return false; /* the other end begins it */
  const struct pm_matrix_row *back = row_of(matrix, cell->to);
  if (back == NULL) return false;
  *out = (struct pm_asymmetry){.a = a, .b = cell->to, .row_a = row, .row_b = back};
  out->ab = cell_now(row, cell, now);
  out->ba = cell_now(back, pm_matrix_cell_of(back, a), now);
  return out->ab != NULL && out->ba != NULL;
}

size_t pm_asymmetry_rank(const struct pm_matrix *matrix, struct pm_time now,
                         struct pm_asymmetry *out, size_t max, size_t *out_total) {
  struct pm_asymmetry pair;
  size_t count = 0, total = 0;
  for (size_t i = 0; i < pm_matrix_count(matrix); i++) {
    const struct pm_matrix_row *row = pm_matrix_at(matrix, i);
    if (row == NULL || row_of(matrix, pm_matrix_short(&row->from)) != row) continue;
    for (size_t c = 0; c < row->count; c++) {
      if (!find_pair(matrix, row, &row->cells[c], now, &pair)) continue;
      pm_asymmetry_judge(&pair);
      count = keep(out, count, max, &pair);
      total++;
    }
  }
  if (count > 0) qsort(out, count, sizeof(*out), compare);
  *out_total = total;
  return count;
}
