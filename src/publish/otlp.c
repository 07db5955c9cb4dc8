#include "publish/otlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "publish/batch_sender.h"
#include "publish/otlp_answer.h"
#include "publish/otlp_encode.h"
#include "publish/otlp_paths.h"

enum {
  RETRY_BASE_MS = 500,
  RETRY_CAP_MS = 60000,
  AGE_MS_MAX = 3600 * 1000, /* receivers refuse what is much older, and newer points hold it, too */
  INSTANCE_BYTES = 17,
};

struct otlp {
  struct pm_sink sink; /* first */
  struct pm_otlp_env env;
  struct pm_otlp_paths paths;
  struct pm_batch_sender *sender;
  const struct pm_log *log;
  char host[PM_OTLP_ATTRIBUTE_BYTES], location[PM_LOCATION_BYTES], instance[INSTANCE_BYTES];
  uint64_t taken, rejected; /* samples; data points, by a receiver that took the others */
  struct pm_why told;       /* the latest words of a success that the log knows */
  void (*closed)(void *owner);
  void *owner;
};

/* One interval's copy of all paths. */
struct interval {
  struct pm_batch batch; /* first */
  const struct otlp *otlp;
  struct pm_otlp_path *paths;
  size_t count, at;
  struct pm_wall now;
};

static struct otlp *from_sink(struct pm_sink *sink) {
  return (struct otlp *)sink;
}

/* --- batches ------------------------------------------------------------------------------------
 */

static enum pm_err encode(struct pm_batch *batch, struct pm_buf *out, uint64_t *out_units) {
  struct interval *interval = (struct interval *)batch;
  const struct otlp *otlp = interval->otlp;
  const struct pm_otlp_path *paths = interval->paths + interval->at;
  size_t count = interval->count - interval->at;
  if (count == 0) return PM_ERR_MISSING;
  if (count > PM_OTLP_PATHS_PER_BODY) count = PM_OTLP_PATHS_PER_BODY;
  struct pm_otlp_resource resource = {
      .env = &otlp->env, .host = otlp->host, .instance = otlp->instance, .from = otlp->location};
  pm_otlp_encode(&resource, paths, count, interval->now, out);
  *out_units = 0;
  for (size_t i = 0; i < count; i++) *out_units += paths[i].samples_new;
  interval->at += count;
  return pm_buf_status(out);
}

static void free_interval(struct pm_batch *batch) {
  struct interval *interval = (struct interval *)batch;
  for (size_t i = 0; i < interval->count; i++) pm_otlp_path_release(&interval->paths[i]);
  free(interval->paths);
  free(interval);
}

static struct pm_batch *take_interval(void *owner) {
  struct otlp *otlp = owner;
  struct interval *interval = calloc(1, sizeof(*interval));
  if (interval == NULL) return NULL; /* the next one holds the same counts */
  interval->batch = (struct pm_batch){.encode = encode, .free = free_interval};
  interval->otlp = otlp;
  interval->now = pm_clock_wall();
  interval->paths = pm_otlp_paths_take(&otlp->paths, &interval->count, &interval->batch.units);
  if (interval->count > 0) return &interval->batch;
  free(interval->paths);
  free(interval);
  return NULL;
}

/* --- the sink -----------------------------------------------------------------------------------
 */

static void on_sample(struct pm_sink *sink, const struct pm_target *target,
                      const struct pm_sample *sample) {
  struct otlp *otlp = from_sink(sink);
  otlp->taken++;
  pm_otlp_paths_add(&otlp->paths, target, sample);
}

static void on_ended(struct pm_sink *sink, const struct pm_target *target) {
  pm_otlp_paths_ended(&from_sink(sink)->paths, target);
}

static enum pm_delivery_prepared prepare(void *owner, struct pm_http_call_config *call) {
  const struct otlp *otlp = owner;
  size_t count = 0;
  call->headers[count++] = "Content-Type: application/json";
  if (otlp->env.gzip) call->headers[count++] = "Content-Encoding: gzip";
  for (size_t i = 0; i < otlp->env.headers_count; i++)
    call->headers[count++] = otlp->env.headers[i];
  return PM_DELIVERY_READY;
}

static enum pm_delivery_verdict judge(void *owner, const struct pm_http_reply *reply,
                                      struct pm_why *words) {
  struct otlp *otlp = owner;
  uint64_t rejected;
  enum pm_delivery_verdict verdict =
      pm_otlp_judge(reply->status, reply->body, reply->body_bytes, &rejected, words);
  otlp->rejected += rejected;
  bool news = verdict == PM_DELIVERY_SENT && words->text[0] != '\0' &&
              strcmp(words->text, otlp->told.text) != 0;
  if (news) {
    otlp->told = *words;
    pm_log(otlp->log, PM_LOG_ALWAYS, "otlp: %s (said once)", words->text);
  }
  return verdict;
}

static void on_counts(const struct pm_sink *sink, struct pm_sink_counts *out) {
  const struct otlp *otlp = (const struct otlp *)sink;
  pm_batch_sender_counts(otlp->sender, out);
  out->taken = otlp->taken;
  out->dropped += otlp->paths.lost;
  out->failed += otlp->rejected;
}

static void free_otlp(struct otlp *otlp) {
  pm_otlp_paths_deinit(&otlp->paths);
  explicit_bzero(otlp, sizeof(*otlp)); /* headers hold keys */
  free(otlp);
}

static void on_sender_closed(void *owner) {
  struct otlp *otlp = owner;
  void (*closed)(void *owner) = otlp->closed;
  void *closed_owner = otlp->owner;
  free_otlp(otlp);
  closed(closed_owner);
}

static void on_close(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner),
                     void *owner) {
  struct otlp *otlp = from_sink(sink);
  otlp->closed = closed;
  otlp->owner = owner;
  pm_batch_sender_close(otlp->sender, flush_ms, on_sender_closed, otlp);
}

static const struct pm_sink_ops ops = {
    .name = "otlp",
    .sample = on_sample,
    .ended = on_ended,
    .counts = on_counts,
    .close = on_close,
};

/* --- opening ------------------------------------------------------------------------------------
 */

static enum pm_err open_sender(struct uv_loop_s *loop, struct otlp *otlp,
                               const struct pm_otlp_config *config) {
  struct pm_batch_sender_config sender = {
      .delivery = {.name = "otlp",
                   .url = otlp->env.url,
                   .limits = {.bodies_max = PM_OTLP_QUEUE_BODIES_MAX,
                              .bytes_max = PM_OTLP_QUEUE_BYTES_MAX,
                              .age_ms_max = AGE_MS_MAX,
                              .backoff = {.base_ms = RETRY_BASE_MS, .cap_ms = RETRY_CAP_MS}},
                   .total_ms = otlp->env.timeout_ms,
                   .hooks = {.prepare = prepare, .judge = judge},
                   .owner = otlp,
                   .client = config->client,
                   .log = config->log,
                   .seed = config->seed},
      .interval_ms = otlp->env.interval_ms,
      .body_bytes_max = PM_OTLP_BODY_BYTES_MAX,
      .gzip = otlp->env.gzip,
      .flush = take_interval,
      .owner = otlp,
      .seed = config->seed,
  };
  return pm_batch_sender_open(loop, &sender, &otlp->sender);
}

enum pm_err pm_otlp_open(struct uv_loop_s *loop, const struct pm_otlp_config *config,
                         struct pm_sink **out) {
  struct otlp *otlp = calloc(1, sizeof(*otlp));
  if (otlp == NULL) return PM_ERR_NOMEM;
  otlp->sink.ops = &ops;
  otlp->env = *config->env;
  otlp->log = config->log;
  pm_otlp_paths_init(&otlp->paths);
  snprintf(otlp->location, sizeof(otlp->location), "%s", config->location);
  pm_utf8_trim_cut(otlp->location);
  snprintf(otlp->host, sizeof(otlp->host), "%s", config->host);
  snprintf(otlp->instance, sizeof(otlp->instance), "%016llx", (unsigned long long)config->seed);
  enum pm_err err = open_sender(loop, otlp, config);
  if (err != PM_OK) {
    free_otlp(otlp);
    return err;
  }
  *out = &otlp->sink;
  return PM_OK;
}
