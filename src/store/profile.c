#include "store/profile.h"

#include <stdlib.h>
#include <string.h>

#include "store/row.h"

enum { HOUR = 60, WEEK = 7 * 24 * HOUR, MONDAY = 4 * 24 * HOUR }; /* 1970-01-05 was a Monday */

struct cell {
  uint32_t counts[PM_HISTOGRAM_BUCKETS];
  struct pm_slot_phase figures;
  uint64_t sent, lost;
  uint32_t hours;
};

struct median {
  int64_t ns;
  int cell;
};

struct pm_profile_folding {
  enum pm_phase phase;
  struct pm_zone zone;
  struct cell cells[PM_STORE_WEEK_HOURS];
  struct median medians[PM_STORE_ROWS_MAX]; /* of the hours that had any */
  size_t medians_count;
  uint32_t hours;
};

enum pm_err pm_profile_folding_new(enum pm_phase phase, const struct pm_zone *zone,
                                   struct pm_profile_folding **out) {
  struct pm_profile_folding *folding = calloc(1, sizeof(*folding));
  if (!folding) return PM_ERR_NOMEM;
  folding->phase = phase;
  folding->zone = *zone;
  *out = folding;
  return PM_OK;
}

void pm_profile_folding_free(struct pm_profile_folding *folding) {
  free(folding);
}

int pm_profile_cell_of(int64_t minute, const struct pm_zone *zone) {
  int64_t middle = minute + HOUR / 2;
  int64_t at = (middle + pm_zone_at(zone, middle * 60) - MONDAY) % WEEK;
  if (at < 0) at += WEEK;
  return (int)(at / HOUR);
}

static void add_figures(struct pm_slot_phase *into, const struct pm_slot_phase *from) {
  int64_t room_ns = INT64_MAX - into->sum_ns;
  into->sum_ns += from->sum_ns < room_ns ? from->sum_ns : room_ns;
  if (into->min_ns == 0 || from->min_ns < into->min_ns) into->min_ns = from->min_ns;
  if (from->max_ns > into->max_ns) into->max_ns = from->max_ns;
  into->jitter_ns = from->jitter_ns;
}

static void add_counts(uint32_t *into, const uint32_t *from, size_t first, size_t last) {
  for (size_t index = first; index <= last; index++) {
    uint32_t room = UINT32_MAX - into[index];
    into[index] += from[index] < room ? from[index] : room;
  }
}

void pm_profile_fold(struct pm_profile_folding *folding, int64_t minute,
                     const struct pm_slot_sum *hour) {
  int at = pm_profile_cell_of(minute, &folding->zone);
  struct cell *cell = &folding->cells[at];
  struct pm_figures figures;
  if (folding->hours == PM_STORE_ROWS_MAX || hour->numbers.sent == 0) return;
  folding->hours++;
  cell->hours++;
  cell->sent += hour->numbers.sent;
  cell->lost += hour->numbers.lost;
  pm_row_sum_figures(hour, folding->phase, &figures);
  if (figures.count == 0) return;
  add_figures(&cell->figures, &hour->numbers.phases[folding->phase]);
  add_counts(cell->counts, hour->counts[folding->phase], hour->first[folding->phase],
             hour->last[folding->phase]);
  folding->medians[folding->medians_count++] = (struct median){figures.p50_ns, at};
}

static int by_cell_and_length(const void *a, const void *b) {
  const struct median *left = a, *right = b;
  if (left->cell != right->cell) return left->cell < right->cell ? -1 : 1;
  return (left->ns > right->ns) - (left->ns < right->ns);
}

/* Nearest rank, as everywhere. */
static int64_t quartile(const struct median *medians, size_t count, size_t quarters) {
  size_t rank = (count * quarters + 3) / 4;
  return medians[rank > 0 ? rank - 1 : 0].ns;
}

static void fill_medians(const struct pm_profile_folding *folding, struct pm_profile *out) {
  for (size_t first = 0, end; first < folding->medians_count; first = end) {
    const struct median *medians = &folding->medians[first];
    for (end = first; end < folding->medians_count; end++)
      if (folding->medians[end].cell != medians->cell) break;
    struct pm_profile_cell *cell = &out->cells[medians->cell];
    cell->median_low_ns = quartile(medians, end - first, 1);
    cell->median_ns = quartile(medians, end - first, 2);
    cell->median_high_ns = quartile(medians, end - first, 3);
  }
}

/* While the medians are in the order of time. */
static enum pm_err find_pattern(const struct pm_profile_folding *folding, struct pm_pattern *out) {
  size_t count = folding->medians_count, skipped = 0;
  if (count > PM_PATTERN_HOURS_MAX) skipped = count - PM_PATTERN_HOURS_MAX;
  struct pm_pattern_hour *hours = calloc(count - skipped + 1, sizeof(*hours));
  if (hours == NULL) return PM_ERR_NOMEM;
  for (size_t i = skipped; i < count; i++) {
    const struct median *median = &folding->medians[i];
    hours[i - skipped] =
        (struct pm_pattern_hour){(uint16_t)median->cell, median->ns > 0 ? median->ns : 1};
  }
  enum pm_err err = pm_pattern_find(hours, count - skipped, out);
  free(hours);
  return err;
}

/* The cells are added up into the first one, which has been read by then. */
enum pm_err pm_profile_finish(struct pm_profile_folding *folding, struct pm_profile *out) {
  *out = (struct pm_profile){.hours = folding->hours};
  enum pm_err err = find_pattern(folding, &out->pattern);
  if (err != PM_OK) return err;
  struct cell *all = &folding->cells[0];
  for (int i = 0; i < PM_STORE_WEEK_HOURS; i++) {
    const struct cell *cell = &folding->cells[i];
    struct pm_profile_cell *into = &out->cells[i];
    into->hours = cell->hours;
    into->sent = cell->sent;
    into->lost = cell->lost;
    pm_row_figures(cell->counts, 0, PM_HISTOGRAM_BUCKETS - 1, &cell->figures, &into->figures);
    if (i == 0 || into->figures.count == 0) continue;
    add_figures(&all->figures, &cell->figures);
    add_counts(all->counts, cell->counts, 0, PM_HISTOGRAM_BUCKETS - 1);
  }
  pm_row_figures(all->counts, 0, PM_HISTOGRAM_BUCKETS - 1, &all->figures, &out->all);
  qsort(folding->medians, folding->medians_count, sizeof(folding->medians[0]), by_cell_and_length);
  fill_medians(folding, out);
  return PM_OK;
}
