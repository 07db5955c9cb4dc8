#include "node/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/prometheus.h"

static struct pm_past_question *find(struct pm_past_source *source, uint64_t id) {
  for (size_t i = 0; i < PM_PAST_QUESTIONS_MAX; i++)
    if (source->questions[i].id == id) return &source->questions[i];
  return NULL;
}

static struct pm_past_answer answer_of(const struct pm_past_question *question) {
  return (struct pm_past_answer){.from = question->from, .to = question->to};
}

static void fail(struct pm_past_question *question, enum pm_err err) {
  question->done(question->owner, err, NULL);
}

static bool is_nothing_yet(const struct pm_past_question *question, enum pm_err *err) {
  if (*err != PM_ERR_MISSING || !question->known) return false;
  *err = PM_OK;
  return true;
}

static struct pm_past_figures figures_of(const struct pm_figures *figures) {
  return (struct pm_past_figures){.count = figures->count,
                                  .mean_ns = figures->mean_ns,
                                  .p10_ns = figures->p10_ns,
                                  .p50_ns = figures->p50_ns,
                                  .p90_ns = figures->p90_ns,
                                  .p99_ns = figures->p99_ns,
                                  .max_ns = figures->max_ns};
}

static void on_history(void *owner, enum pm_err err, const struct pm_history *history) {
  struct pm_past_question *question = owner;
  const struct pm_history nothing = {.step_s = question->step_s, .reported = question->others};
  struct pm_past_row *rows = NULL;
  question->id = 0;
  if (is_nothing_yet(question, &err)) history = &nothing;
  if (err == PM_OK && history->count > 0) {
    rows = calloc(history->count, sizeof(*rows));
    if (rows == NULL) err = PM_ERR_NOMEM;
  }
  if (err != PM_OK) {
    fail(question, err);
    return;
  }
  for (size_t i = 0; i < history->count; i++) {
    const struct pm_history_row *row = &history->rows[i];
    rows[i] = (struct pm_past_row){
        .time_s = row->time_s, .sent = row->sent, .lost = row->lost, figures_of(&row->figures)};
    memcpy(rows[i].mean_ns, row->mean_ns, sizeof(rows[i].mean_ns));
  }
  struct pm_past_answer answer = answer_of(question);
  answer.rows = rows;
  answer.rows_count = history->count;
  answer.step_s = history->step_s;
  answer.reported = history->reported;
  question->done(question->owner, PM_OK, &answer);
  free(rows);
}

static void on_profile(void *owner, enum pm_err err, const struct pm_profile *profile) {
  struct pm_past_question *question = owner;
  const struct pm_profile nothing = {.pattern = {.p_day = 1, .p_week = 1},
                                     .reported = question->others};
  struct pm_past_cell cells[PM_PAST_WEEK_HOURS];
  question->id = 0;
  if (is_nothing_yet(question, &err)) profile = &nothing;
  if (err != PM_OK) {
    fail(question, err);
    return;
  }
  for (int i = 0; i < PM_PAST_WEEK_HOURS; i++) {
    const struct pm_profile_cell *cell = &profile->cells[i];
    cells[i] =
        (struct pm_past_cell){cell->hours, cell->sent, cell->lost, figures_of(&cell->figures)};
  }
  struct pm_past_answer answer = answer_of(question);
  answer.cells = cells;
  answer.all = figures_of(&profile->all);
  answer.pattern = &profile->pattern;
  answer.reported = profile->reported;
  question->done(question->owner, PM_OK, &answer);
}

static void on_pairs(void *owner, enum pm_err err, const struct pm_store_pairs *pairs) {
  struct pm_past_question *question = owner;
  struct pm_past_pair *out = NULL;
  question->id = 0;
  if (err == PM_OK && pairs->count > 0) {
    out = calloc(pairs->count, sizeof(*out));
    if (out == NULL) err = PM_ERR_NOMEM;
  }
  if (err != PM_OK) {
    fail(question, err);
    return;
  }
  for (size_t i = 0; i < pairs->count; i++) {
    const struct pm_store_pair *pair = &pairs->pairs[i];
    out[i] = (struct pm_past_pair){pair->id,          pair->from.key, pair->to.key, pair->to.url,
                                   pair->to.location, pair->first_s,  pair->last_s};
  }
  struct pm_past_answer answer = answer_of(question);
  answer.pairs = out;
  answer.pairs_count = pairs->count;
  answer.more = pairs->more;
  question->done(question->owner, PM_OK, &answer);
  free(out);
}

static enum pm_err ask_series(struct pm_store *store, const struct pm_history_query *series,
                              struct pm_past_question *question, uint64_t *out_id) {
  const struct pm_history_feed *feed = question->source->feed;
  struct pm_history_query query = *series;
  uint8_t *open = NULL;
  bool own = strcmp(question->from, pm_history_feed_own_key(feed)) == 0;
  if (own && pm_history_feed_open_minute(feed, question->to, &query.open_minute, &open,
                                         &query.open_count) == PM_OK)
    query.open = open;
  enum pm_err err = pm_store_history(store, &query, on_history, question, out_id);
  free(open);
  return err;
}

static enum pm_err ask_store(struct pm_store *store, const struct pm_past_ask *ask,
                             struct pm_past_question *question, uint64_t *out_id) {
  const struct pm_history_query series = {.from = question->from,
                                          .to = question->to,
                                          .since_s = ask->since_s,
                                          .until_s = ask->until_s,
                                          .step_s = ask->step_s,
                                          .phase = ask->phase};
  const struct pm_profile_query week = {.from = question->from,
                                        .to = question->to,
                                        .by_location = ask->by_location,
                                        .since_s = ask->since_s,
                                        .until_s = ask->until_s,
                                        .zone = ask->zone,
                                        .phase = ask->phase};
  switch (ask->kind) {
  case PM_PAST_SERIES:
    return ask_series(store, &series, question, out_id);
  case PM_PAST_WEEK:
    return pm_store_profile(store, &week, on_profile, question, out_id);
  case PM_PAST_PAIRS:
    break;
  }
  return pm_store_pairs(store, ask->after, PM_PAST_PAIRS_MAX, on_pairs, question, out_id);
}

static enum pm_err ask(void *owner, const struct pm_past_ask *ask, pm_past_done done,
                       void *done_owner, uint64_t *out_id) {
  struct pm_past_source *source = owner;
  struct pm_store *store = pm_history_feed_store(source->feed);
  struct pm_past_question *question = find(source, 0);
  uint64_t id = 0;
  if (store == NULL) return PM_ERR_CLOSED;
  if (question == NULL) return PM_ERR_FULL;
  question->source = source;
  question->done = done;
  question->owner = done_owner;
  if (ask->by_location) {
    const char *own = pm_history_feed_own_location(source->feed);
    snprintf(question->from, sizeof(question->from), "%s", ask->from[0] ? ask->from : own);
    snprintf(question->to, sizeof(question->to), "%s", ask->to);
  } else {
    pm_history_feed_key_of(source->feed, ask->from, question->from);
    pm_history_feed_key_of(source->feed, ask->to, question->to);
  }
  question->step_s = ask->step_s;
  question->others = strcmp(question->from, pm_history_feed_own_key(source->feed)) != 0;
  question->known = !ask->by_location &&
                    pm_history_feed_knows(source->feed, question->from, false) &&
                    pm_history_feed_knows(source->feed, question->to, true);
  enum pm_err err = ask_store(store, ask, question, &id);
  if (err != PM_OK) return err;
  question->id = *out_id = id;
  return PM_OK;
}

static void cancel(void *owner, uint64_t id) {
  struct pm_past_source *source = owner;
  struct pm_past_question *question = find(source, id);
  if (id == 0 || question == NULL) return;
  question->id = 0;
  pm_store_cancel(pm_history_feed_store(source->feed), id);
}

bool pm_past_counts(const struct pm_past_source *source, struct pm_prometheus_history *out) {
  const struct pm_store *store = pm_history_feed_store(source->feed);
  struct pm_store_counts counts;
  if (store == NULL) return false;
  pm_store_counts(store, &counts);
  *out = (struct pm_prometheus_history){.written = counts.written,
                                        .dropped = counts.dropped,
                                        .refused = counts.refused,
                                        .failures = counts.failures,
                                        .damaged = counts.damaged,
                                        .in_memory = counts.in_memory,
                                        .queries = counts.queries,
                                        .file_bytes = counts.file_bytes};
  return true;
}

void pm_past_source_init(struct pm_past_source *source) {
  *source = (struct pm_past_source){.past = {source, ask, cancel}};
}
