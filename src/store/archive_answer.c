#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "store/archive_parts.h"
#include "store/names.h"
#include "store/profile.h"
#include "store/reported.h"
#include "store/row.h"
#include "store/series.h"

/* A pair that was measured, or the paths of a node that it reported. */
struct source {
  struct pm_database *db;
  int64_t pair; /* 0: reported */
  struct pm_reported_paths paths;
};

enum {
  NODES_MAX = PM_STORE_LOCATION_NODES_MAX,
  SOURCES_MAX = 2 * 2 * NODES_MAX, /* of both databases, pairs and nodes */
};

/* Of both databases, each with its own numbers. */
struct sources {
  struct source of[SOURCES_MAX];
  size_t count;
  bool reported;            /* nothing of it was measured */
  int64_t to[2][NODES_MAX]; /* what paths refer to */
};

/* The file first: what is in memory is later, and the jitter of the latest counts. */
static size_t databases_of(struct pm_archive *archive, struct pm_database *out[2]) {
  size_t count = 0;
  if (archive->file) out[count++] = archive->file;
  if (archive->memory) out[count++] = archive->memory;
  for (size_t i = 0; i < count; i++) out[i]->status = SQLITE_OK;
  return count;
}

static void add_pair(struct sources *sources, struct pm_database *db, int64_t pair) {
  if (pair > 0 && sources->count < SOURCES_MAX)
    sources->of[sources->count++] = (struct source){.db = db, .pair = pair};
}

static void add_paths(struct sources *sources, struct pm_database *db, int64_t from,
                      const int64_t *to, size_t count) {
  if (from > 0 && count > 0 && sources->count < SOURCES_MAX)
    sources->of[sources->count++] = (struct source){.db = db, .paths = {from, to, count}};
}

/* measured: the pair is measured here, though nothing of it may have been written yet. */
static enum pm_err find_sources(struct pm_archive *archive, const char *from, const char *to,
                                bool measured, struct sources *out) {
  struct pm_database *of[2];
  size_t count = databases_of(archive, of);
  out->count = 0;
  out->reported = false;
  for (size_t i = 0; i < count; i++) add_pair(out, of[i], pm_names_find(of[i], from, to));
  if (out->count > 0 || measured) return PM_OK;
  out->reported = true;
  for (size_t i = 0; i < count; i++) {
    out->to[i][0] = pm_names_node(of[i], to);
    add_paths(out, of[i], pm_names_node(of[i], from), out->to[i], out->to[i][0] > 0);
  }
  return out->count > 0 ? PM_OK : PM_ERR_MISSING;
}

/* Every pair between two locations. What this node measures it does not report to itself, so no
 * pair comes twice. */
static enum pm_err find_locations(struct pm_archive *archive, const char *from, const char *to,
                                  struct sources *out) {
  struct pm_database *of[2];
  int64_t ids[NODES_MAX];
  size_t count = databases_of(archive, of);
  out->count = 0;
  for (size_t i = 0; i < count; i++) {
    size_t pairs = pm_names_pairs_at(of[i], from, to, ids, NODES_MAX);
    for (size_t p = 0; p < pairs; p++) add_pair(out, of[i], ids[p]);
  }
  out->reported = out->count == 0;
  for (size_t i = 0; i < count; i++) {
    size_t targets = pm_names_nodes_at(of[i], to, out->to[i], NODES_MAX);
    size_t nodes = pm_names_nodes_at(of[i], from, ids, NODES_MAX);
    for (size_t n = 0; n < nodes; n++) add_paths(out, of[i], ids[n], out->to[i], targets);
  }
  return out->count > 0 ? PM_OK : PM_ERR_MISSING;
}

static enum pm_err end_of(struct pm_archive *archive, const struct sources *sources) {
  for (size_t i = 0; i < sources->count; i++) {
    enum pm_err err = pm_database_read_end(sources->of[i].db, &archive->suspect_why);
    if (err != PM_OK && sources->of[i].db == archive->file) archive->suspect = err;
    if (err != PM_OK) return err;
  }
  return PM_OK;
}

static void add_sources(const struct sources *sources, enum pm_tier tier, int64_t since,
                        int64_t until, struct pm_slot_sum *sum) {
  pm_row_sum_clear(sum);
  for (size_t i = 0; i < sources->count; i++) {
    const struct source *source = &sources->of[i];
    if (source->pair == 0)
      pm_reported_add_span(source->db, tier == PM_TIER_HOUR ? PM_REPORT_HOUR : PM_REPORT_TEN,
                           &source->paths, since, until, sum);
    else
      pm_series_add_span(source->db, tier, source->pair, since, until, sum);
  }
}

/* --- history ---------------------------------------------------------------------------------- */

static int64_t mean_of(const struct pm_slot_sum *sum, int phase) {
  uint64_t count = 0;
  for (size_t i = sum->first[phase]; i <= sum->last[phase]; i++) count += sum->counts[phase][i];
  return count > 0 ? sum->numbers.phases[phase].sum_ns / (int64_t)count : 0;
}

static void fill_row(const struct pm_slot_sum *sum, int64_t minute, enum pm_phase phase,
                     struct pm_history_row *out) {
  const struct pm_slot *numbers = &sum->numbers;
  *out = (struct pm_history_row){.time_s = minute * 60,
                                 .sent = numbers->sent,
                                 .succeeded = numbers->succeeded,
                                 .lost = numbers->lost,
                                 .starved = numbers->starved,
                                 .retransmitted = numbers->retransmitted,
                                 .late = numbers->late,
                                 .packets = numbers->packets};
  pm_row_sum_figures(sum, phase, &out->figures);
  for (int i = 0; i < PM_PHASE_COUNT; i++) out->mean_ns[i] = mean_of(sum, i);
}

/* The coarser of what the sources still keep. */
static int64_t step_of(const struct sources *sources, int64_t since, int64_t step) {
  int64_t longest = step;
  for (size_t i = 0; i < sources->count; i++) {
    const struct pm_database *db = sources->of[i].db;
    int64_t kept = sources->reported ? pm_tier_report_step(db->report_horizons, since, step)
                                     : pm_tier_step(db->horizons, since, step);
    if (kept > longest) longest = kept;
  }
  return longest;
}

/* The open minute, if it lies in there. Part of it may be written: a restart within it. */
static void add_open(const struct sources *sources, const struct pm_history_query *query,
                     int64_t since, int64_t until, struct pm_slot_sum *sum) {
  bool within = query->open != NULL && query->open_minute >= since && query->open_minute < until;
  if (!within || sources->reported) return;
  enum pm_err err = pm_slot_sum_add_packed(sum, query->open, query->open_count);
  (void)err; /* packed in this process */
}

static enum pm_err fill_rows(struct pm_archive *archive, const struct sources *sources,
                             const struct pm_history_query *query, int64_t step,
                             const atomic_bool *cancelled, struct pm_slot_sum *sum,
                             struct pm_history_row *rows, size_t rows_max, size_t *out_count) {
  enum pm_tier tier = pm_tier_of_step(step);
  int64_t since = query->since_s / 60, end = (query->until_s + 59) / 60;
  size_t count = 0;
  for (int64_t at = since - since % step; at < end && count < rows_max; at += step) {
    if (cancelled && atomic_load(cancelled)) return PM_ERR_CLOSED;
    add_sources(sources, tier, at, at + step, sum);
    add_open(sources, query, at, at + step, sum);
    if (!pm_slot_is_empty(&sum->numbers)) fill_row(sum, at, query->phase, &rows[count++]);
  }
  *out_count = count;
  return end_of(archive, sources);
}

enum pm_err pm_archive_history(struct pm_archive *archive, const struct pm_history_query *query,
                               const atomic_bool *cancelled, struct pm_history *out) {
  struct sources sources;
  bool measured = query->open != NULL;
  enum pm_err err = find_sources(archive, query->from, query->to, measured, &sources);
  if (err != PM_OK) return err;
  int64_t step = step_of(&sources, query->since_s / 60, query->step_s / 60);
  size_t rows_max = (size_t)((query->until_s - query->since_s) / 60 / step) + 2;
  struct pm_history_row *rows = calloc(rows_max, sizeof(*rows));
  struct pm_slot_sum *sum = malloc(sizeof(*sum));
  size_t count = 0;
  err = PM_ERR_NOMEM;
  if (rows && sum) {
    pm_slot_sum_init(sum);
    err = fill_rows(archive, &sources, query, step, cancelled, sum, rows, rows_max, &count);
  }
  free(sum);
  if (err == PM_OK)
    *out = (struct pm_history){
        .rows = rows, .count = count, .step_s = step * 60, .reported = sources.reported};
  else
    free(rows);
  return err;
}

void pm_archive_history_free(struct pm_history *history) {
  free((void *)(uintptr_t)history->rows);
  *history = (struct pm_history){.count = 0};
}

/* --- profile ---------------------------------------------------------------------------------- */

static enum pm_err fold(struct pm_archive *archive, const struct sources *sources,
                        const struct pm_profile_query *query, const atomic_bool *cancelled,
                        struct pm_slot_sum *sum, struct pm_profile_folding *folding) {
  int64_t end = query->until_s / 60;
  for (int64_t at = pm_tier_align(PM_TIER_HOUR, query->since_s / 60); at < end; at += 60) {
    if (cancelled && atomic_load(cancelled)) return PM_ERR_CLOSED;
    add_sources(sources, PM_TIER_HOUR, at, at + 60, sum);
    pm_profile_fold(folding, at, sum);
  }
  return end_of(archive, sources);
}

enum pm_err pm_archive_profile(struct pm_archive *archive, const struct pm_profile_query *query,
                               const atomic_bool *cancelled, struct pm_profile *out) {
  struct sources sources;
  struct pm_profile_folding *folding = NULL;
  enum pm_err err = query->by_location
                        ? find_locations(archive, query->from, query->to, &sources)
                        : find_sources(archive, query->from, query->to, false, &sources);
  if (err != PM_OK) return err;
  struct pm_slot_sum *sum = malloc(sizeof(*sum));
  err = sum ? pm_profile_folding_new(query->phase, &query->zone, &folding) : PM_ERR_NOMEM;
  if (err == PM_OK) {
    pm_slot_sum_init(sum);
    err = fold(archive, &sources, query, cancelled, sum, folding);
  }
  if (err == PM_OK) err = pm_profile_finish(folding, out);
  if (err == PM_OK) out->reported = sources.reported;
  pm_profile_folding_free(folding);
  free(sum);
  return err;
}

/* --- pairs ------------------------------------------------------------------------------------ */

struct listing {
  const atomic_bool *cancelled;
  struct pm_store_pair *pairs;
  size_t count, max;
  enum pm_err err;
  bool more;
};

/* One block a pair: the strings of it. */
static bool copy_names(struct pm_store_pair *pair) {
  const char **const texts[] = {&pair->from.key, &pair->from.url, &pair->from.location,
                                &pair->to.key,   &pair->to.url,   &pair->to.location};
  enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
  size_t bytes = 0;
  for (int i = 0; i < TEXTS; i++) bytes += strlen(*texts[i]) + 1;
  char *block = malloc(bytes);
  if (block == NULL) return false;
  for (int i = 0; i < TEXTS; i++) {
    size_t length = strlen(*texts[i]) + 1;
    memcpy(block, *texts[i], length);
    *texts[i] = block;
    block += length;
  }
  return true;
}

static bool take_pair(void *owner, const struct pm_store_pair *pair) {
  struct listing *listing = owner;
  if (listing->cancelled && atomic_load(listing->cancelled)) listing->err = PM_ERR_CLOSED;
  listing->more = listing->count == listing->max;
  if (listing->err != PM_OK || listing->more) return false;
  struct pm_store_pair copy = *pair;
  if (!copy_names(&copy)) listing->err = PM_ERR_NOMEM;
  if (listing->err == PM_OK) listing->pairs[listing->count++] = copy;
  return listing->err == PM_OK;
}

/* While there is a file, its pairs are the ones: those of the memory beside it move there. */
enum pm_err pm_archive_pairs(struct pm_archive *archive, int64_t after, size_t max,
                             const atomic_bool *cancelled, struct pm_store_pairs *out) {
  struct pm_database *db = archive->file ? archive->file : archive->memory;
  if (max > PM_STORE_PAIRS_PAGE_MAX) max = PM_STORE_PAIRS_PAGE_MAX;
  *out = (struct pm_store_pairs){.count = 0};
  if (db == NULL || max == 0) return PM_OK;
  struct listing listing = {.cancelled = cancelled, .max = max};
  listing.pairs = calloc(max, sizeof(*listing.pairs));
  if (listing.pairs == NULL) return PM_ERR_NOMEM;
  db->status = SQLITE_OK;
  pm_names_visit(db, after, max + 1, take_pair, &listing);
  if (listing.err == PM_OK) listing.err = pm_database_read_end(db, NULL);
  *out = (struct pm_store_pairs){listing.pairs, listing.count, listing.more};
  if (listing.err != PM_OK) pm_archive_pairs_free(out);
  return listing.err;
}

void pm_archive_pairs_free(struct pm_store_pairs *pairs) {
  for (size_t i = 0; i < pairs->count; i++) free((void *)(uintptr_t)pairs->pairs[i].from.key);
  free((void *)(uintptr_t)pairs->pairs);
  *pairs = (struct pm_store_pairs){.count = 0};
}
