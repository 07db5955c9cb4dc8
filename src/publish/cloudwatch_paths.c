#include "publish/cloudwatch_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/cloudwatch_path.h"

struct pm_cloudwatch_paths {
  struct pm_cloudwatch_paths_config config;
  char from[PM_CLOUDWATCH_DIMENSION_BYTES];
  struct pm_cloudwatch_path **items; /* ascending by name */
  size_t count, cap;
  uint64_t samples, lost;

  /* The ceiling, hour by hour. */
  struct pm_cloudwatch_allowance allowance;
  int64_t hour;    /* since 1970; -1 before the first flush */
  size_t reserved; /* metrics that this hour's plan may come to */
  bool rolling;    /* in this hour "*" is written, for some path is not in detail */
  struct pm_cloudwatch_path *all;
  struct pm_cloudwatch_path *regions[PM_CLOUDWATCH_REGIONS_MAX]; /* of this hour's plan */
  size_t regions_count;
};

enum { HOUR_S = 3600, FIRST_CAP = 64 };

/* --- the table ---------------------------------------------------------------------------------
 */

/* Where the path is or belongs. */
static size_t position(const struct pm_cloudwatch_paths *paths, const char *to, bool *found) {
  size_t low = 0, high = paths->count;
  *found = false;
  while (low < high && !*found) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(paths->items[middle]->to, to);
    *found = order == 0;
    if (*found)
      low = middle;
    else if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static enum pm_err reserve(struct pm_cloudwatch_paths *paths) {
  if (paths->count < paths->cap) return PM_OK;
  if (paths->count == PM_CLOUDWATCH_PATHS_MAX) return PM_ERR_FULL;
  size_t cap = paths->cap > 0 ? paths->cap * 2 : FIRST_CAP;
  void *grown = realloc(paths->items, cap * sizeof(struct pm_cloudwatch_path *));
  if (grown == NULL) return PM_ERR_NOMEM;
  paths->items = grown;
  paths->cap = cap;
  return PM_OK;
}

static struct pm_cloudwatch_path *find_or_add(struct pm_cloudwatch_paths *paths, const char *to) {
  char name[PM_CLOUDWATCH_DIMENSION_BYTES];
  bool found;
  pm_cloudwatch_dimension(to, name);
  size_t at = position(paths, name, &found);
  if (found) return paths->items[at];
  if (reserve(paths) != PM_OK) return NULL;
  struct pm_cloudwatch_path *path = pm_cloudwatch_path_new(name);
  if (path == NULL) return NULL;
  memmove(paths->items + at + 1, paths->items + at,
          (paths->count - at) * sizeof(struct pm_cloudwatch_path *));
  paths->items[at] = path;
  paths->count++;
  return path;
}

void pm_cloudwatch_paths_add(struct pm_cloudwatch_paths *paths, const char *to,
                             const struct pm_sample *sample) {
  struct pm_cloudwatch_path *path = find_or_add(paths, to);
  paths->samples++;
  if (path == NULL || pm_cloudwatch_path_add(path, sample) != PM_OK) paths->lost++;
}

/* Those that nobody probed for an hour. */
static void prune(struct pm_cloudwatch_paths *paths) {
  size_t kept = 0;
  for (size_t i = 0; i < paths->count; i++) {
    if (paths->items[i]->hour_probes > 0)
      paths->items[kept++] = paths->items[i];
    else
      pm_cloudwatch_path_free(paths->items[i]);
  }
  paths->count = kept;
}

/* --- the plan of an hour -----------------------------------------------------------------------
 */

static size_t needs(const struct pm_cloudwatch_paths *paths,
                    const struct pm_cloudwatch_path *path) {
  return pm_cloudwatch_path_needs(path, paths->config.legacy);
}

static bool has_ceiling(const struct pm_cloudwatch_paths *paths) {
  return paths->config.metrics_max > 0;
}

static void plan_path(struct pm_cloudwatch_paths *paths, struct pm_cloudwatch_path *path) {
  path->planned = true;
  path->in_detail =
      !has_ceiling(paths) || paths->reserved + needs(paths, path) <= paths->config.metrics_max;
  if (path->in_detail)
    paths->reserved += needs(paths, path);
  else
    paths->rolling = true;
}

/* "*,JP" of "Tokyo,JP"; false if the name has no such end. */
static bool region_name(const char *to, char out[PM_CLOUDWATCH_DIMENSION_BYTES]) {
  const char *comma = strrchr(to, ',');
  if (comma == NULL || comma[1] == '\0') return false;
  snprintf(out, PM_CLOUDWATCH_DIMENSION_BYTES, "*%s", comma);
  return true;
}

static struct pm_cloudwatch_path *region_of(const struct pm_cloudwatch_paths *paths,
                                            const char *name) {
  for (size_t i = 0; i < paths->regions_count; i++)
    if (strcmp(paths->regions[i]->to, name) == 0) return paths->regions[i];
  return NULL;
}

static void free_regions(struct pm_cloudwatch_paths *paths) {
  for (size_t i = 0; i < paths->regions_count; i++) pm_cloudwatch_path_free(paths->regions[i]);
  paths->regions_count = 0;
}

static bool add_region(struct pm_cloudwatch_paths *paths, const struct pm_cloudwatch_path *path) {
  char name[PM_CLOUDWATCH_DIMENSION_BYTES];
  if (!region_name(path->to, name)) return true;
  struct pm_cloudwatch_path *region = region_of(paths, name);
  if (region == NULL) {
    if (paths->regions_count == PM_CLOUDWATCH_REGIONS_MAX) return false;
    region = pm_cloudwatch_path_new(name);
    if (region == NULL) return false;
    paths->regions[paths->regions_count++] = region;
  }
  region->tls = region->tls || path->tls;
  return true;
}

/* Regions are written if all of them fit into half of what is allowed: the other half is for
 * details. */
static void plan_regions(struct pm_cloudwatch_paths *paths) {
  bool fits = true;
  size_t needed = 0;
  for (size_t i = 0; i < paths->count && fits; i++) fits = add_region(paths, paths->items[i]);
  for (size_t i = 0; i < paths->regions_count; i++)
    needed += pm_cloudwatch_path_needs(paths->regions[i], false);
  if (fits && needed <= paths->config.metrics_max / 2)
    paths->reserved += needed;
  else
    free_regions(paths);
}

static int worst_first(const void *a, const void *b) {
  const struct pm_cloudwatch_path *const *left = a, *const *right = b;
  return pm_cloudwatch_path_compare(*right, *left);
}

static bool all_fit(const struct pm_cloudwatch_paths *paths) {
  size_t needed = paths->reserved;
  for (size_t i = 0; i < paths->count; i++) needed += needs(paths, paths->items[i]);
  return needed <= paths->config.metrics_max;
}

/* By the hour that has just ended. */
static void plan_details(struct pm_cloudwatch_paths *paths) {
  struct pm_cloudwatch_path **worst =
      malloc((paths->count + 1) * sizeof(struct pm_cloudwatch_path *));
  if (worst == NULL) return; /* then each is planned when it is written, in the order of names */
  memcpy(worst, paths->items, paths->count * sizeof(struct pm_cloudwatch_path *));
  qsort(worst, paths->count, sizeof(struct pm_cloudwatch_path *), worst_first);
  for (size_t i = 0; i < paths->count; i++) plan_path(paths, worst[i]);
  free(worst);
}

static void plan_ceiling(struct pm_cloudwatch_paths *paths) {
  for (size_t i = 0; i < paths->count; i++)
    paths->all->tls = paths->all->tls || paths->items[i]->tls;
  paths->reserved = pm_cloudwatch_path_needs(paths->all, false);
  if (!all_fit(paths)) {
    paths->rolling = true;
    plan_regions(paths);
  }
  plan_details(paths);
}

/* At the first flush of an hour: this interval's probes already count in each path's hour, which
 * is the one that ends. */
static void begin_hour(struct pm_cloudwatch_paths *paths, int64_t hour) {
  struct pm_cloudwatch_path **items = paths->items;
  paths->hour = hour;
  paths->allowance.metrics = paths->reserved = 0;
  paths->rolling = false;
  prune(paths);
  free_regions(paths);
  for (size_t i = 0; i < paths->count; i++) items[i]->planned = items[i]->in_detail = false;
  if (has_ceiling(paths)) plan_ceiling(paths);
  for (size_t i = 0; i < paths->count; i++) {
    bool in_detail = items[i]->in_detail, planned = items[i]->planned;
    pm_cloudwatch_path_end_hour(items[i]);
    items[i]->in_detail = in_detail;
    items[i]->planned = planned;
  }
  pm_cloudwatch_path_end_hour(paths->all);
}

/* --- flushing ----------------------------------------------------------------------------------
 */

static void write_roll_up(struct pm_cloudwatch_paths *paths, struct pm_cloudwatch_path *roll_up,
                          struct pm_cloudwatch_batch *batch) {
  pm_cloudwatch_path_write(roll_up, false, &paths->allowance, batch);
  pm_cloudwatch_path_end_interval(roll_up);
}

static void roll_up(struct pm_cloudwatch_paths *paths, const struct pm_cloudwatch_path *path) {
  char name[PM_CLOUDWATCH_DIMENSION_BYTES];
  if (pm_cloudwatch_path_merge(paths->all, path) != PM_OK) paths->allowance.left_out++;
  struct pm_cloudwatch_path *region = region_name(path->to, name) ? region_of(paths, name) : NULL;
  if (region != NULL && pm_cloudwatch_path_merge(region, path) != PM_OK)
    paths->allowance.left_out++;
}

static void write_roll_ups(struct pm_cloudwatch_paths *paths, struct pm_cloudwatch_batch *batch) {
  for (size_t i = 0; i < paths->count; i++) roll_up(paths, paths->items[i]);
  write_roll_up(paths, paths->all, batch);
  for (size_t i = 0; i < paths->regions_count; i++) write_roll_up(paths, paths->regions[i], batch);
}

void pm_cloudwatch_paths_flush(struct pm_cloudwatch_paths *paths, struct pm_wall at,
                               struct pm_cloudwatch_batch *batch) {
  int64_t hour = at.ns / PM_NS_PER_S / HOUR_S;
  batch->at = at;
  batch->high_resolution = paths->config.interval_s < 60;
  memcpy(batch->from, paths->from, sizeof(batch->from));
  if (hour != paths->hour) begin_hour(paths, hour);
  /* Before the first hour's plan "*" has its place, too. */
  if (has_ceiling(paths) && paths->reserved == 0)
    paths->reserved = pm_cloudwatch_path_needs(paths->all, false);
  for (size_t i = 0; i < paths->count; i++)
    if (!paths->items[i]->planned) plan_path(paths, paths->items[i]);
  if (paths->rolling) write_roll_ups(paths, batch);
  for (size_t i = 0; i < paths->count; i++) {
    struct pm_cloudwatch_path *path = paths->items[i];
    if (path->in_detail)
      pm_cloudwatch_path_write(path, paths->config.legacy, &paths->allowance, batch);
    pm_cloudwatch_path_end_interval(path);
  }
}

/* --- life ---------------------------------------------------------------------------------------
 */

enum pm_err pm_cloudwatch_paths_new(const struct pm_cloudwatch_paths_config *config,
                                    struct pm_cloudwatch_paths **out) {
  struct pm_cloudwatch_paths *paths = calloc(1, sizeof(*paths));
  if (paths == NULL) return PM_ERR_NOMEM;
  paths->all = pm_cloudwatch_path_new("*");
  if (paths->all == NULL) {
    free(paths);
    return PM_ERR_NOMEM;
  }
  paths->config = *config;
  paths->config.from = NULL; /* borrowed; the copy is what counts */
  pm_cloudwatch_dimension(config->from, paths->from);
  paths->allowance.metrics_max = config->metrics_max;
  paths->hour = -1;
  *out = paths;
  return PM_OK;
}

void pm_cloudwatch_paths_free(struct pm_cloudwatch_paths *paths) {
  if (paths == NULL) return;
  for (size_t i = 0; i < paths->count; i++) pm_cloudwatch_path_free(paths->items[i]);
  free_regions(paths);
  pm_cloudwatch_path_free(paths->all);
  free(paths->items);
  free(paths);
}

void pm_cloudwatch_paths_counts(const struct pm_cloudwatch_paths *paths,
                                struct pm_cloudwatch_paths_counts *out) {
  *out = (struct pm_cloudwatch_paths_counts){
      .samples = paths->samples,
      .lost = paths->lost,
      .left_out = paths->allowance.left_out,
      .paths = paths->count,
      .metrics = paths->allowance.metrics,
  };
  for (size_t i = 0; i < paths->count; i++) out->in_detail += paths->items[i]->in_detail;
}
