#include "publish/cloudwatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "publish/cloudwatch_answer.h"
#include "publish/cloudwatch_encode.h"
#include "publish/cloudwatch_paths.h"
#include "publish/delivery.h"
#include "publish/gzip.h"

enum {
  SPREAD_MS_MAX = 10000, /* over which a mesh's requests leave */
  RETRY_BASE_MS = 500,
  RETRY_CAP_MS = 60000, /* an endpoint that is well again is noticed within a minute */
  TOKEN_HEADER_BYTES = PM_AWS_TOKEN_BYTES + 32,
};

/* AWS takes time stamps of the last two weeks; a datum is up to an interval older than its request,
 * and clocks differ. */
static const int64_t AGE_MS_MAX = (14 * 86400 - 3600) * INT64_C(1000);

/* One interval on its way from the loop through a thread of the pool to the delivery. */
struct packing {
  uv_work_t work;
  struct cloudwatch *cloudwatch;
  struct pm_cloudwatch_batch batch;
  struct packed {
    struct packed *next;
    char *data;
    size_t bytes;
  } * first;
  bool failed;
};

struct cloudwatch {
  struct pm_sink sink; /* first */
  uv_loop_t *loop;
  struct pm_cloudwatch_config config;
  struct pm_cloudwatch_paths *paths;
  struct pm_aws_credentials *credentials;
  struct pm_delivery *delivery;
  struct pm_rng rng;
  uv_timer_t timer;
  struct pm_wall interval_at; /* the open interval's beginning */
  char region[PM_AWS_REGION_BYTES];
  char token_header[TOKEN_HEADER_BYTES];
  char url[PM_AWS_URL_BYTES + 64];
  struct pm_aws_keys keys; /* of the try under way */
  struct pm_http_signing signing;
  bool told_publishing;
  uint64_t packings_failed;
  size_t packings; /* under way */

  bool closing, delivery_closing;
  struct pm_time deadline;
  void (*closed)(void *owner);
  void *owner;
};

static struct cloudwatch *from_sink(struct pm_sink *sink) {
  return (struct cloudwatch *)sink;
}

/* --- packing: on the pool --------------------------------------------------------------------- */

static enum pm_err pack_one(struct packing *packing, size_t *at, struct pm_buf *text,
                            struct packed **out) {
  pm_buf_reset(text);
  enum pm_err err = pm_cloudwatch_encode(&packing->batch, at, text);
  if (err != PM_OK) return err;
  struct packed *packed = calloc(1, sizeof(*packed));
  if (packed == NULL) return PM_ERR_NOMEM;
  err = pm_gzip(text->data, text->len, &packed->data, &packed->bytes);
  if (err != PM_OK) {
    free(packed);
    return err;
  }
  *out = packed;
  return PM_OK;
}

static void work(uv_work_t *request) {
  struct packing *packing = request->data;
  struct packed **last = &packing->first;
  struct pm_buf text;
  pm_buf_init(&text, PM_CLOUDWATCH_ENCODE_BUF_BYTES);
  for (size_t at = 0; at < packing->batch.count && !packing->failed;) {
    packing->failed = pack_one(packing, &at, &text, last) != PM_OK;
    if (!packing->failed) last = &(*last)->next;
  }
  pm_buf_deinit(&text);
}

/* --- an interval's end: on the loop ------------------------------------------------------------
 */

static void close_delivery(struct cloudwatch *cloudwatch);

static int64_t spread_ms(struct cloudwatch *cloudwatch) {
  int64_t most = cloudwatch->config.interval_s * 1000 / 4;
  return pm_rng_between(&cloudwatch->rng, 0, most < SPREAD_MS_MAX ? most : SPREAD_MS_MAX);
}

static void after_work(uv_work_t *request, int status) {
  struct packing *packing = request->data;
  struct cloudwatch *cloudwatch = packing->cloudwatch;
  int64_t delay_ms = spread_ms(cloudwatch);
  (void)status; /* never cancelled */
  while (packing->first != NULL) {
    struct packed *packed = packing->first;
    packing->first = packed->next;
    pm_delivery_put(cloudwatch->delivery, packed->data, packed->bytes, delay_ms);
    free(packed);
  }
  cloudwatch->packings_failed += packing->failed;
  cloudwatch->packings--;
  pm_cloudwatch_batch_deinit(&packing->batch);
  free(packing);
  if (cloudwatch->closing && cloudwatch->packings == 0) close_delivery(cloudwatch);
}

static void flush(struct cloudwatch *cloudwatch) {
  struct packing *packing = calloc(1, sizeof(*packing));
  if (packing == NULL) {
    cloudwatch->packings_failed++;
    return;
  }
  packing->cloudwatch = cloudwatch;
  packing->work.data = packing;
  pm_cloudwatch_batch_init(&packing->batch);
  pm_cloudwatch_paths_flush(cloudwatch->paths, cloudwatch->interval_at, &packing->batch);
  if (packing->batch.count == 0) {
    pm_cloudwatch_batch_deinit(&packing->batch);
    free(packing);
    return;
  }
  cloudwatch->packings++;
  uv_queue_work(cloudwatch->loop, &packing->work, work, after_work);
}

static void on_timer(uv_timer_t *timer);

/* Aims the timer at the end of the calendar's interval. */
static void open_interval(struct cloudwatch *cloudwatch) {
  int64_t interval_ns = cloudwatch->config.interval_s * PM_NS_PER_S;
  int64_t now_ns = pm_clock_wall().ns;
  int64_t into_ns = now_ns % interval_ns;
  cloudwatch->interval_at = (struct pm_wall){now_ns - into_ns};
  uv_update_time(cloudwatch->loop);
  uv_timer_start(&cloudwatch->timer, on_timer,
                 (uint64_t)((interval_ns - into_ns) / PM_NS_PER_MS + 1), 0);
}

static void on_timer(uv_timer_t *timer) {
  struct cloudwatch *cloudwatch = timer->data;
  flush(cloudwatch);
  open_interval(cloudwatch);
}

/* --- a try -------------------------------------------------------------------------------------
 */

static void tell_publishing(struct cloudwatch *cloudwatch) {
  if (cloudwatch->told_publishing) return;
  cloudwatch->told_publishing = true;
  pm_log(cloudwatch->config.log, PM_LOG_VERBOSE, "publishing to CloudWatch region %s from %s",
         cloudwatch->region, cloudwatch->config.location);
}

static enum pm_delivery_prepared prepare(void *owner, struct pm_http_call_config *call) {
  struct cloudwatch *cloudwatch = owner;
  struct pm_aws_access access;
  if (pm_aws_credentials_get(cloudwatch->credentials, &access) != PM_OK)
    return pm_aws_credentials_searching(cloudwatch->credentials) ? PM_DELIVERY_WAIT
                                                                 : PM_DELIVERY_HOPELESS;
  cloudwatch->keys = *access.keys;
  snprintf(cloudwatch->region, sizeof(cloudwatch->region), "%s", access.region);
  snprintf(cloudwatch->url, sizeof(cloudwatch->url), "%s", access.url);
  cloudwatch->signing = (struct pm_http_signing){.region = cloudwatch->region,
                                                 .service = "monitoring",
                                                 .key_id = cloudwatch->keys.key_id,
                                                 .secret = cloudwatch->keys.secret};
  call->url = cloudwatch->url;
  call->signing = &cloudwatch->signing;
  call->headers[0] = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";
  call->headers[1] = "Content-Encoding: gzip";
  if (cloudwatch->keys.token[0] != '\0') {
    snprintf(cloudwatch->token_header, sizeof(cloudwatch->token_header), "X-Amz-Security-Token: %s",
             cloudwatch->keys.token);
    call->headers[2] = cloudwatch->token_header;
  }
  tell_publishing(cloudwatch);
  return PM_DELIVERY_READY;
}

static enum pm_delivery_verdict judge(void *owner, const struct pm_http_reply *reply,
                                      struct pm_why *words) {
  struct cloudwatch *cloudwatch = owner;
  switch (pm_cloudwatch_judge(reply->status, reply->body, words)) {
  case PM_CLOUDWATCH_TAKEN:
    return PM_DELIVERY_SENT;
  case PM_CLOUDWATCH_CREDENTIALS:
    pm_aws_credentials_reject(cloudwatch->credentials);
    return PM_DELIVERY_RETRY;
  case PM_CLOUDWATCH_LATER:
    return PM_DELIVERY_RETRY;
  case PM_CLOUDWATCH_NEVER:
  case PM_CLOUDWATCH_VERDICT_COUNT:
    break;
  }
  return PM_DELIVERY_REFUSED;
}

static void on_credentials(void *owner) {
  struct cloudwatch *cloudwatch = owner;
  if (cloudwatch->delivery != NULL) pm_delivery_kick(cloudwatch->delivery);
}

/* --- the sink ----------------------------------------------------------------------------------
 */

/* A target is known by its location; one that has not named any yet by its URL, so that several of
 * them are not taken for one place. */
static void on_sample(struct pm_sink *sink, const struct pm_target *target,
                      const struct pm_sample *sample) {
  const char *to = target->location[0] ? target->location : target->spec.endpoint.url;
  pm_cloudwatch_paths_add(from_sink(sink)->paths, to, sample);
}

static void on_counts(const struct pm_sink *sink, struct pm_sink_counts *out) {
  const struct cloudwatch *cloudwatch = (const struct cloudwatch *)sink;
  struct pm_cloudwatch_paths_counts paths;
  struct pm_delivery_counts delivery;
  pm_cloudwatch_paths_counts(cloudwatch->paths, &paths);
  pm_delivery_counts(cloudwatch->delivery, &delivery);
  out->taken = paths.samples;
  out->dropped = paths.lost + delivery.dropped + cloudwatch->packings_failed;
  out->failed = delivery.failed;
}

static void free_cloudwatch(struct cloudwatch *cloudwatch) {
  pm_cloudwatch_paths_free(cloudwatch->paths);
  free((void *)(uintptr_t)cloudwatch->config.location);
  explicit_bzero(cloudwatch, sizeof(*cloudwatch));
  free(cloudwatch);
}

static void on_timer_closed(uv_handle_t *handle) {
  struct cloudwatch *cloudwatch = handle->data;
  void (*closed)(void *owner) = cloudwatch->closed;
  void *owner = cloudwatch->owner;
  free_cloudwatch(cloudwatch);
  if (closed != NULL) closed(owner);
}

static void on_credentials_closed(void *owner) {
  struct cloudwatch *cloudwatch = owner;
  uv_close((uv_handle_t *)&cloudwatch->timer, on_timer_closed);
}

static void on_delivery_closed(void *owner) {
  struct cloudwatch *cloudwatch = owner;
  cloudwatch->delivery = NULL;
  pm_aws_credentials_close(cloudwatch->credentials, on_credentials_closed, cloudwatch);
}

static void close_delivery(struct cloudwatch *cloudwatch) {
  if (cloudwatch->delivery_closing) return;
  cloudwatch->delivery_closing = true;
  int64_t left_ms = pm_time_since_ns(cloudwatch->deadline, pm_clock_now()) / PM_NS_PER_MS;
  pm_delivery_close(cloudwatch->delivery, left_ms, on_delivery_closed, cloudwatch);
}

static void on_close(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner),
                     void *owner) {
  struct cloudwatch *cloudwatch = from_sink(sink);
  cloudwatch->closing = true;
  cloudwatch->closed = closed;
  cloudwatch->owner = owner;
  cloudwatch->deadline = pm_time_add_ms(pm_clock_now(), flush_ms);
  uv_timer_stop(&cloudwatch->timer);
  flush(cloudwatch);
  if (cloudwatch->packings == 0) close_delivery(cloudwatch);
}

static const struct pm_sink_ops ops = {
    .name = "cloudwatch",
    .sample = on_sample,
    .counts = on_counts,
    .close = on_close,
};

/* --- opening -----------------------------------------------------------------------------------
 */

static enum pm_err open_parts(struct cloudwatch *cloudwatch) {
  const struct pm_cloudwatch_config *config = &cloudwatch->config;
  struct pm_cloudwatch_paths_config paths = {.from = config->location,
                                             .legacy = config->legacy,
                                             .interval_s = config->interval_s,
                                             .metrics_max = config->metrics_max};
  struct pm_aws_credentials_config credentials = {.client = config->client,
                                                  .log = config->log,
                                                  .env = config->env,
                                                  .env_owner = config->env_owner,
                                                  .changed = on_credentials,
                                                  .owner = cloudwatch};
  struct pm_delivery_config delivery = {
      .name = "cloudwatch",
      .url = "",
      .limits = {.bodies_max = PM_CLOUDWATCH_QUEUE_BODIES_MAX,
                 .bytes_max = PM_CLOUDWATCH_QUEUE_BYTES_MAX,
                 .age_ms_max = AGE_MS_MAX,
                 .backoff = {.base_ms = RETRY_BASE_MS, .cap_ms = RETRY_CAP_MS}},
      .hooks = {.prepare = prepare, .judge = judge},
      .owner = cloudwatch,
      .client = config->client,
      .log = config->log,
      .seed = pm_rng_next(&cloudwatch->rng)};
  enum pm_err err = pm_cloudwatch_paths_new(&paths, &cloudwatch->paths);
  if (err != PM_OK) return err;
  err = pm_delivery_open(cloudwatch->loop, &delivery, &cloudwatch->delivery);
  if (err != PM_OK) return err;
  return pm_aws_credentials_open(cloudwatch->loop, &credentials, &cloudwatch->credentials);
}

static void drop_unopened(void *owner) {
  free_cloudwatch(owner);
}

enum pm_err pm_cloudwatch_open(struct uv_loop_s *loop, const struct pm_cloudwatch_config *config,
                               struct pm_sink **out) {
  struct cloudwatch *cloudwatch = calloc(1, sizeof(*cloudwatch));
  if (cloudwatch == NULL) return PM_ERR_NOMEM;
  cloudwatch->sink.ops = &ops;
  cloudwatch->loop = loop;
  cloudwatch->config = *config;
  cloudwatch->config.location = strdup(config->location);
  pm_rng_seed(&cloudwatch->rng, config->seed);
  enum pm_err err = cloudwatch->config.location != NULL ? open_parts(cloudwatch) : PM_ERR_NOMEM;
  if (err != PM_OK) {
    if (cloudwatch->delivery != NULL)
      pm_delivery_close(cloudwatch->delivery, 0, drop_unopened, cloudwatch);
    else
      free_cloudwatch(cloudwatch);
    return err;
  }
  uv_timer_init(loop, &cloudwatch->timer);
  cloudwatch->timer.data = cloudwatch;
  open_interval(cloudwatch);
  /* The search begins now, so that what is missing is told at the start, as of old. */
  struct pm_aws_access access;
  (void)!pm_aws_credentials_get(cloudwatch->credentials, &access);
  *out = &cloudwatch->sink;
  return PM_OK;
}
