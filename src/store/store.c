#include "store/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "analysis/matrix.h"
#include "store/archive.h"
#include "store/tier.h"

struct question {
  struct question *next;
  uint64_t id;
  enum { HISTORY, PROFILE, PAIRS } kind;
  union {
    struct pm_history_query history;
    struct pm_profile_query profile;
    struct {
      int64_t after;
      size_t max;
    } pairs;
  };
  union {
    pm_store_history_done history;
    pm_store_profile_done profile;
    pm_store_pairs_done pairs;
  } done;
  void *owner;
  atomic_bool cancelled;
  enum pm_err err;
  union {
    struct pm_history history;
    struct pm_profile profile;
    struct pm_store_pairs pairs;
  } answer;
  uint8_t *open; /* of history; NULL: none */
  char texts[];  /* the keys */
};

/* What one run on the thread pool does; touched by the loop only while none is under way. */
struct job {
  uv_work_t work;
  bool busy;
  struct pm_archive_minute *minutes;
  struct question *question; /* NULL: none */
  bool write;                /* minutes, or to try the file again */
  bool upkeep, ends;
  bool out_more;
  struct pm_why notices[PM_ARCHIVE_NOTICES_MAX];
  size_t notices_count;
  struct pm_store_counts counts;
};

struct pm_store {
  uv_loop_t *loop;
  struct pm_store_config config;
  struct pm_archive *archive; /* the job's, while there is one */
  struct job job;
  struct pm_archive_minute *first, **end; /* put and not yet given to a job */
  size_t waiting_count, waiting_bytes;
  struct question *questions, **questions_end;
  size_t questions_count;
  uint64_t last_id, put, dropped, answered;
  bool commit, upkeep;
  struct pm_store_counts counts; /* of the last job */
  bool closing;
  void (*closed)(void *owner);
  void *closed_owner;
};

static void work(struct pm_store *store);

static struct pm_wall wall_of_system(void *owner) {
  (void)owner;
  return pm_clock_wall();
}

enum pm_err pm_store_open(uv_loop_t *loop, const struct pm_store_config *config,
                          struct pm_store **out) {
  struct pm_store *store = calloc(1, sizeof(*store));
  if (store == NULL) return PM_ERR_NOMEM;
  int64_t max_mb = config->max_mb < PM_STORE_MB_MIN ? PM_STORE_MB_MIN : config->max_mb;
  enum pm_err err = pm_archive_new(config->dir, max_mb, &store->archive);
  if (err != PM_OK) {
    free(store);
    return err;
  }
  store->loop = loop;
  store->config = *config;
  store->config.dir = NULL; /* the archive has its own */
  if (store->config.wall == NULL) store->config.wall = wall_of_system;
  store->end = &store->first;
  store->questions_end = &store->questions;
  pm_store_commit(store); /* opens the file, and says what is wrong with it */
  *out = store;
  return PM_OK;
}

/* --- minutes ---------------------------------------------------------------------------------- */

static bool fits(const struct pm_store_name *name) {
  return strlen(name->key) < PM_STORE_KEY_BYTES && strlen(name->url) < PM_URL_BYTES &&
         strlen(name->location) < PM_LOCATION_BYTES;
}

static const char *copy_text(char **at, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = memcpy(*at, text, bytes);
  *at += bytes;
  return copy;
}

static size_t name_bytes(const struct pm_store_name *name) {
  return strlen(name->key) + strlen(name->url) + strlen(name->location) + 3;
}

static struct pm_store_name copy_name(char **at, const struct pm_store_name *name) {
  struct pm_store_name copy;
  copy.key = copy_text(at, name->key);
  copy.url = copy_text(at, name->url);
  copy.location = copy_text(at, name->location);
  return copy;
}

static struct pm_archive_minute *copy_minute(const struct pm_store_minute *minute) {
  size_t bytes = sizeof(struct pm_archive_minute) + name_bytes(&minute->from) +
                 name_bytes(&minute->to) + minute->count;
  struct pm_archive_minute *copy = malloc(bytes);
  if (copy == NULL) return NULL;
  char *at = (char *)(copy + 1);
  *copy = (struct pm_archive_minute){.minute = *minute, .bytes = bytes};
  copy->minute.from = copy_name(&at, &minute->from);
  copy->minute.to = copy_name(&at, &minute->to);
  copy->minute.bytes = memcpy(at, minute->bytes, minute->count);
  return copy;
}

/* --- reports ---------------------------------------------------------------------------------- */

static size_t report_bytes(const struct pm_store_report *report) {
  size_t bytes = sizeof(struct pm_archive_minute) + sizeof(*report) + name_bytes(&report->from);
  for (size_t i = 0; i < report->count; i++)
    bytes += sizeof(report->paths[i]) + name_bytes(&report->paths[i].to);
  return bytes;
}

/* One block: the entry, the report, its paths, and their texts. */
static struct pm_archive_minute *copy_report(const struct pm_store_report *report) {
  size_t bytes = report_bytes(report);
  struct pm_archive_minute *entry = malloc(bytes);
  if (entry == NULL) return NULL;
  struct pm_store_report *copy = (struct pm_store_report *)(entry + 1);
  struct pm_store_report_path *paths = (struct pm_store_report_path *)(copy + 1);
  char *at = (char *)(paths + report->count);
  *entry = (struct pm_archive_minute){.report = copy, .bytes = bytes};
  *copy = (struct pm_store_report){.minute = report->minute, .paths = paths};
  copy->from = copy_name(&at, &report->from);
  for (size_t i = 0; i < report->count; i++) {
    const struct pm_store_report_path *path = &report->paths[i];
    if (!fits(&path->to)) continue;
    paths[copy->count].to = copy_name(&at, &path->to);
    paths[copy->count++].cell = path->cell;
  }
  return entry;
}

/* --- what waits ------------------------------------------------------------------------------- */

static void drop_first(struct pm_store *store) {
  struct pm_archive_minute *first = store->first;
  store->first = first->next;
  if (store->first == NULL) store->end = &store->first;
  store->waiting_count--;
  store->waiting_bytes -= first->bytes;
  store->dropped++;
  free(first);
}

static enum pm_err enter(struct pm_store *store, struct pm_archive_minute *copy) {
  store->put++;
  if (copy == NULL) {
    store->dropped++;
    return PM_ERR_NOMEM;
  }
  *store->end = copy;
  store->end = &copy->next;
  store->waiting_count++;
  store->waiting_bytes += copy->bytes;
  while (store->waiting_count > PM_STORE_QUEUE_MINUTES_MAX ||
         store->waiting_bytes > PM_STORE_QUEUE_BYTES_MAX)
    drop_first(store);
  return PM_OK;
}

static bool names(const struct pm_store_name *name, const char *key) {
  return strcmp(name->key, key) == 0 || strcmp(name->url, key) == 0;
}

/* Questions that wait were given the minute while it was open; now it is written before they are
 * answered. */
static void close_minute(struct pm_store *store, const struct pm_store_minute *minute) {
  for (struct question *q = store->questions; q != NULL; q = q->next) {
    if (q->open == NULL || q->history.open_minute != minute->minute) continue;
    if (names(&minute->from, q->history.from) && names(&minute->to, q->history.to))
      q->history.open = NULL;
  }
}

enum pm_err pm_store_put(struct pm_store *store, const struct pm_store_minute *minute) {
  if (!fits(&minute->from) || !fits(&minute->to) || minute->count > PM_STORE_QUEUE_BYTES_MAX / 2)
    return PM_ERR_TOO_LARGE;
  close_minute(store, minute);
  return enter(store, copy_minute(minute));
}

enum pm_err pm_store_put_report(struct pm_store *store, const struct pm_store_report *report) {
  if (!fits(&report->from) || report->count > PM_MATRIX_ROW_CELLS_MAX) return PM_ERR_TOO_LARGE;
  return enter(store, copy_report(report));
}

void pm_store_commit(struct pm_store *store) {
  store->commit = store->upkeep = true;
  work(store);
}

static void free_minutes(struct pm_archive_minute *minutes) {
  while (minutes != NULL) {
    struct pm_archive_minute *next = minutes->next;
    free(minutes);
    minutes = next;
  }
}

/* --- questions -------------------------------------------------------------------------------- */

static bool is_range(int64_t since_s, int64_t until_s, int64_t step_s) {
  int64_t end_s = (int64_t)PM_TIER_MINUTE_MAX * 60;
  return since_s >= 0 && since_s < until_s && until_s <= end_s && step_s >= 60 &&
         step_s <= PM_STORE_STEP_S_MAX && step_s % 60 == 0 &&
         (until_s - since_s) / step_s < PM_STORE_ROWS_MAX;
}

static bool is_phase(enum pm_phase phase) {
  return (int)phase >= 0 && phase < PM_PHASE_COUNT;
}

/* Takes a place in the queue. from and to may be "". */
static enum pm_err enqueue(struct pm_store *store, const struct question *asked, const char *from,
                           const char *to, char *out_keys[2], uint64_t *out_id) {
  size_t from_bytes = strlen(from) + 1, to_bytes = strlen(to) + 1;
  if (store->closing) return PM_ERR_CLOSED;
  if (from_bytes > PM_STORE_KEY_BYTES || to_bytes > PM_STORE_KEY_BYTES) return PM_ERR_TOO_LARGE;
  if (store->questions_count == PM_STORE_QUERIES_MAX) return PM_ERR_FULL;
  struct question *question = malloc(sizeof(*question) + from_bytes + to_bytes);
  if (question == NULL) return PM_ERR_NOMEM;
  memcpy(question, asked, sizeof(*question));
  out_keys[0] = memcpy(question->texts, from, from_bytes);
  out_keys[1] = memcpy(question->texts + from_bytes, to, to_bytes);
  question->id = ++store->last_id;
  question->next = NULL;
  atomic_init(&question->cancelled, false);
  *store->questions_end = question;
  store->questions_end = &question->next;
  store->questions_count++;
  if (out_id != NULL) *out_id = question->id;
  return PM_OK;
}

static struct question *last_question(const struct pm_store *store) {
  struct question *question = store->questions;
  while (question->next != NULL) question = question->next;
  return question;
}

enum pm_err pm_store_history(struct pm_store *store, const struct pm_history_query *query,
                             pm_store_history_done done, void *owner, uint64_t *out_id) {
  struct question asked = {.kind = HISTORY, .owner = owner};
  char *keys[2];
  if (!is_range(query->since_s, query->until_s, query->step_s) || !is_phase(query->phase))
    return PM_ERR_RANGE;
  asked.history = *query;
  asked.done.history = done;
  uint8_t *open = query->open ? malloc(query->open_count + 1) : NULL;
  if (query->open && open == NULL) return PM_ERR_NOMEM;
  if (open != NULL) memcpy(open, query->open, query->open_count);
  enum pm_err err = enqueue(store, &asked, query->from, query->to, keys, out_id);
  if (err != PM_OK) {
    free(open);
    return err;
  }
  struct question *question = last_question(store);
  question->history.from = keys[0];
  question->history.to = keys[1];
  question->history.open = question->open = open;
  work(store);
  return PM_OK;
}

enum pm_err pm_store_profile(struct pm_store *store, const struct pm_profile_query *query,
                             pm_store_profile_done done, void *owner, uint64_t *out_id) {
  struct question asked = {.kind = PROFILE, .owner = owner};
  char *keys[2];
  if (!is_range(query->since_s, query->until_s, 3600) || !is_phase(query->phase))
    return PM_ERR_RANGE;
  asked.profile = *query;
  asked.done.profile = done;
  enum pm_err err = enqueue(store, &asked, query->from, query->to, keys, out_id);
  if (err != PM_OK) return err;
  struct question *question = last_question(store);
  question->profile.from = keys[0];
  question->profile.to = keys[1];
  work(store);
  return PM_OK;
}

enum pm_err pm_store_pairs(struct pm_store *store, int64_t after, size_t max,
                           pm_store_pairs_done done, void *owner, uint64_t *out_id) {
  struct question asked = {.kind = PAIRS, .owner = owner};
  char *keys[2];
  if (after < 0) return PM_ERR_RANGE;
  asked.pairs.after = after;
  asked.pairs.max = max;
  asked.done.pairs = done;
  enum pm_err err = enqueue(store, &asked, "", "", keys, out_id);
  if (err == PM_OK) work(store);
  return err;
}

/* One that waits is answered in its turn with nothing, which costs nothing. */
void pm_store_cancel(struct pm_store *store, uint64_t id) {
  for (struct question *q = store->questions; q != NULL; q = q->next)
    if (q->id == id) atomic_store(&q->cancelled, true);
  if (store->job.question && store->job.question->id == id)
    atomic_store(&store->job.question->cancelled, true);
}

static struct question *take_question(struct pm_store *store) {
  struct question *question = store->questions;
  if (question == NULL) return NULL;
  store->questions = question->next;
  store->questions_count--;
  if (store->questions == NULL) store->questions_end = &store->questions;
  question->next = NULL;
  return question;
}

static void free_question(struct question *question) {
  if (question->err == PM_OK && question->kind == HISTORY)
    pm_archive_history_free(&question->answer.history);
  if (question->err == PM_OK && question->kind == PAIRS)
    pm_archive_pairs_free(&question->answer.pairs);
  free(question->open);
  free(question);
}

static void deliver(struct question *question) {
  bool good = question->err == PM_OK;
  switch (question->kind) {
  case HISTORY:
    question->done.history(question->owner, question->err, good ? &question->answer.history : NULL);
    break;
  case PROFILE:
    question->done.profile(question->owner, question->err, good ? &question->answer.profile : NULL);
    break;
  case PAIRS:
    question->done.pairs(question->owner, question->err, good ? &question->answer.pairs : NULL);
    break;
  }
}

/* --- the job: on the thread pool ----------------------------------------------------------------
 */

static enum pm_err answer(struct pm_archive *archive, struct question *question) {
  if (atomic_load(&question->cancelled)) return PM_ERR_CLOSED;
  switch (question->kind) {
  case HISTORY:
    return pm_archive_history(archive, &question->history, &question->cancelled,
                              &question->answer.history);
  case PROFILE:
    return pm_archive_profile(archive, &question->profile, &question->cancelled,
                              &question->answer.profile);
  case PAIRS:
    return pm_archive_pairs(archive, question->pairs.after, question->pairs.max,
                            &question->cancelled, &question->answer.pairs);
  }
  return PM_ERR_TYPE;
}

static void on_work(uv_work_t *request) {
  struct pm_store *store = request->data;
  struct job *job = &store->job;
  struct pm_wall now = store->config.wall(store->config.owner);
  job->out_more = false;
  job->notices_count = 0;
  if (job->write) {
    enum pm_err err = pm_archive_write(store->archive, job->minutes, now);
    (void)err; /* counted there as dropped */
  }
  if (job->question) job->question->err = answer(store->archive, job->question);
  if (job->upkeep && !job->ends) job->out_more = pm_archive_upkeep(store->archive, now);
  while (job->notices_count < PM_ARCHIVE_NOTICES_MAX &&
         pm_archive_notice(store->archive, &job->notices[job->notices_count]))
    job->notices_count++;
  pm_archive_counts(store->archive, &job->counts);
  if (!job->ends) return;
  pm_archive_free(store->archive);
  store->archive = NULL;
}

/* --- the loop's side ----------------------------------------------------------------------------
 */

static void finish_closing(struct pm_store *store) {
  void (*closed)(void *owner) = store->closed;
  void *owner = store->closed_owner;
  while (store->questions) {
    struct question *question = take_question(store);
    question->err = PM_ERR_CLOSED;
    free_question(question);
  }
  free_minutes(store->first);
  free(store);
  if (closed) closed(owner);
}

static void on_worked(uv_work_t *request, int status) {
  struct pm_store *store = request->data;
  struct job *job = &store->job;
  struct question *question = job->question;
  (void)status; /* never cancelled */
  for (size_t i = 0; i < job->notices_count; i++)
    pm_log(store->config.log, PM_LOG_ALWAYS, "%s", job->notices[i].text);
  free_minutes(job->minutes);
  store->counts = job->counts;
  store->upkeep |= job->out_more;
  job->minutes = NULL;
  job->question = NULL;
  job->busy = false;
  if (job->ends) {
    finish_closing(store);
    return;
  }
  work(store); /* before the callback, which may close the store */
  if (question == NULL) return;
  store->answered++;
  if (!store->closing && !atomic_load(&question->cancelled)) deliver(question);
  free_question(question);
}

/* Fills the next job with what there is to do, if none is under way. */
static void work(struct pm_store *store) {
  struct job *job = &store->job;
  bool any = store->commit || store->upkeep || store->questions || store->closing;
  if (job->busy || !any) return;
  job->minutes = store->first;
  job->write = store->commit;
  job->upkeep = store->upkeep;
  job->question = store->closing ? NULL : take_question(store);
  job->ends = store->closing;
  if (!job->write) job->minutes = NULL;
  if (job->minutes) {
    store->first = NULL;
    store->end = &store->first;
    store->waiting_count = store->waiting_bytes = 0;
  }
  store->commit = store->upkeep = false;
  job->work.data = store;
  job->busy = uv_queue_work(store->loop, &job->work, on_work, on_worked) == 0;
}

void pm_store_close(struct pm_store *store, void (*closed)(void *owner), void *owner) {
  store->closing = true;
  store->commit = true;
  store->closed = closed;
  store->closed_owner = owner;
  if (store->job.question) atomic_store(&store->job.question->cancelled, true);
  work(store);
}

void pm_store_counts(const struct pm_store *store, struct pm_store_counts *out) {
  *out = store->counts;
  out->put = store->put;
  out->dropped += store->dropped;
  out->queries = store->answered;
}
