#include "publish/delivery.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
  PREPARE_AGAIN_MS = 5000,
  CLOSING_RETRY_MS = 200, /* while closing: a moment's trouble need not cost what is queued */
};

enum { HANDLES = 2 };

struct pm_delivery {
  struct pm_delivery_config config;
  char *url;
  struct pm_delivery_queue queue;
  struct pm_http_call *call; /* under way; NULL: none */
  bool unwell;               /* and the log knows */
  bool told_4xx;             /* meanwhile */
  bool waiting;              /* for what prepare needs */
  uint64_t tries_unwell;
  struct pm_why refused; /* the latest reason that the log knows */
  uv_timer_t due, deadline;
  int handles_open;
  bool closing, finished;
  void (*closed)(void *owner);
  void *owner;
};

enum pm_delivery_verdict pm_delivery_judge_status(int status) {
  if (status >= 200 && status < 300) return PM_DELIVERY_SENT;
  if (status == 408 || status == 429 || status >= 500) return PM_DELIVERY_RETRY;
  return PM_DELIVERY_REFUSED;
}

/* --- what the log hears ---------------------------------------------------------------------- */

static void tell_unwell(struct pm_delivery *delivery, int status, const char *words) {
  bool is_4xx = status >= 400 && status < 500;
  delivery->tries_unwell++;
  if (delivery->unwell && (delivery->told_4xx || !is_4xx)) return;
  delivery->unwell = true;
  delivery->told_4xx = is_4xx;
  pm_log(delivery->config.log, PM_LOG_ALWAYS,
         "%s: %s; trying again, what waits is kept (%zu bytes)", delivery->config.name, words,
         delivery->queue.counts.waiting_bytes);
}

static void tell_well(struct pm_delivery *delivery) {
  if (delivery->unwell) {
    pm_log(delivery->config.log, PM_LOG_ALWAYS, "%s: well again after %llu failed tries",
           delivery->config.name, (unsigned long long)delivery->tries_unwell);
  }
  delivery->unwell = delivery->told_4xx = false;
  delivery->tries_unwell = 0;
}

static void tell_refused(struct pm_delivery *delivery, const struct pm_why *words) {
  if (strcmp(words->text, delivery->refused.text) == 0) return;
  delivery->refused = *words;
  pm_log(delivery->config.log, PM_LOG_ALWAYS, "%s: refused for good: %s (said once)",
         delivery->config.name, words->text);
}

/* --- one try after another -------------------------------------------------------------------- */

static void advance(struct pm_delivery *delivery);
static void finish(struct pm_delivery *delivery);

static void on_due(uv_timer_t *timer) {
  advance(timer->data);
}

static void retry(struct pm_delivery *delivery, int status, int64_t after_ms, const char *words) {
  tell_unwell(delivery, status, words);
  pm_delivery_queue_retry(&delivery->queue, pm_clock_now(), after_ms);
  if (delivery->closing)
    delivery->queue.not_before = pm_time_add_ms(pm_clock_now(), CLOSING_RETRY_MS);
}

static enum pm_delivery_verdict judge(struct pm_delivery *delivery,
                                      const struct pm_http_reply *reply, struct pm_why *words) {
  const struct pm_delivery_hooks *hooks = &delivery->config.hooks;
  enum pm_delivery_verdict verdict = hooks->judge
                                         ? hooks->judge(delivery->config.owner, reply, words)
                                         : pm_delivery_judge_status(reply->status);
  if (words->text[0] == '\0')
    pm_why_set(words, PM_ERR_IO, "HTTP status %d: %.*s", reply->status, 200, reply->body);
  return verdict;
}

static void on_reply(void *owner, const struct pm_http_reply *reply) {
  struct pm_delivery *delivery = owner;
  struct pm_why words = {""};
  delivery->call = NULL;
  if (reply->status == 0) {
    retry(delivery, 0, -1, reply->words);
    advance(delivery);
    return;
  }
  switch (judge(delivery, reply, &words)) {
  case PM_DELIVERY_SENT:
    tell_well(delivery);
    pm_delivery_queue_sent(&delivery->queue);
    break;
  case PM_DELIVERY_REFUSED:
    tell_refused(delivery, &words);
    pm_delivery_queue_failed(&delivery->queue);
    break;
  case PM_DELIVERY_RETRY:
    retry(delivery, reply->status, reply->after_ms, words.text);
    break;
  }
  advance(delivery);
}

static void try_body(struct pm_delivery *delivery, const struct pm_delivery_body *body) {
  const struct pm_delivery_hooks *hooks = &delivery->config.hooks;
  struct pm_http_call_config call = {
      .method = "POST",
      .url = delivery->url,
      .body = body->data,
      .body_bytes = body->bytes,
      .connect_ms = PM_DELIVERY_CONNECT_MS,
      .total_ms = delivery->config.total_ms,
      .answer_bytes_max = PM_DELIVERY_ANSWER_BYTES_MAX,
  };
  enum pm_delivery_prepared prepared = PM_DELIVERY_READY;
  if (hooks->prepare) prepared = hooks->prepare(delivery->config.owner, &call);
  delivery->waiting = prepared != PM_DELIVERY_READY;
  if (delivery->waiting) {
    pm_delivery_queue_unstart(&delivery->queue, pm_time_add_ms(pm_clock_now(), PREPARE_AGAIN_MS));
    if (delivery->closing && prepared == PM_DELIVERY_HOPELESS) finish(delivery);
    return;
  }
  enum pm_err err =
      pm_http_client_send(delivery->config.client, &call, on_reply, delivery, &delivery->call);
  if (err != PM_OK) retry(delivery, 0, -1, pm_err_text(err));
}

static void set_due(struct pm_delivery *delivery) {
  struct pm_time due = pm_delivery_queue_due(&delivery->queue);
  if (due.ns == PM_TIME_NEVER.ns) {
    uv_timer_stop(&delivery->due);
    return;
  }
  int64_t ns = pm_time_since_ns(due, pm_clock_now());
  uv_update_time(delivery->due.loop);
  uv_timer_start(&delivery->due, on_due, ns > 0 ? (uint64_t)(ns / PM_NS_PER_MS + 1) : 0, 0);
}

static void advance(struct pm_delivery *delivery) {
  if (delivery->finished) return;
  const struct pm_delivery_body *body = pm_delivery_queue_start(&delivery->queue, pm_clock_now());
  if (body != NULL) try_body(delivery, body);
  if (delivery->finished) return;
  set_due(delivery);
  if (delivery->closing && delivery->queue.counts.waiting_bodies == 0) finish(delivery);
}

/* --- what the sink calls ---------------------------------------------------------------------- */

void pm_delivery_put(struct pm_delivery *delivery, char *data, size_t bytes, int64_t delay_ms) {
  pm_delivery_put_units(delivery, data, bytes, delay_ms, 1);
}

void pm_delivery_put_units(struct pm_delivery *delivery, char *data, size_t bytes, int64_t delay_ms,
                           uint64_t units) {
  pm_delivery_queue_put_units(&delivery->queue, pm_clock_now(), data, bytes,
                              delivery->closing ? 0 : delay_ms, units);
  set_due(delivery);
}

void pm_delivery_kick(struct pm_delivery *delivery) {
  if (delivery->finished || !delivery->waiting) return;
  delivery->waiting = false;
  delivery->queue.not_before = (struct pm_time){0};
  set_due(delivery);
}

void pm_delivery_counts(const struct pm_delivery *delivery, struct pm_delivery_counts *out) {
  *out = delivery->queue.counts;
}

enum pm_err pm_delivery_open(struct uv_loop_s *loop, const struct pm_delivery_config *config,
                             struct pm_delivery **out) {
  struct pm_delivery *delivery = calloc(1, sizeof(*delivery));
  if (delivery == NULL) return PM_ERR_NOMEM;
  delivery->config = *config;
  delivery->url = strdup(config->url);
  if (delivery->url == NULL) {
    free(delivery);
    return PM_ERR_NOMEM;
  }
  if (delivery->config.total_ms == 0) delivery->config.total_ms = PM_DELIVERY_TOTAL_MS;
  pm_delivery_queue_init(&delivery->queue, &config->limits, config->seed);
  uv_timer_init(loop, &delivery->due);
  uv_timer_init(loop, &delivery->deadline);
  delivery->due.data = delivery->deadline.data = delivery;
  delivery->handles_open = HANDLES;
  *out = delivery;
  return PM_OK;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle) {
  struct pm_delivery *delivery = handle->data;
  if (--delivery->handles_open > 0) return;
  void (*closed)(void *owner) = delivery->closed;
  void *owner = delivery->owner;
  pm_delivery_queue_deinit(&delivery->queue);
  free(delivery->url);
  free(delivery);
  closed(owner);
}

static void tell_dropped(const struct pm_delivery *delivery) {
  size_t bodies = delivery->queue.counts.waiting_bodies;
  if (bodies == 0) return;
  pm_log(delivery->config.log, PM_LOG_ALWAYS, "%s: %zu requests were not delivered before the end",
         delivery->config.name, bodies);
}

static void finish(struct pm_delivery *delivery) {
  if (delivery->finished) return;
  delivery->finished = true;
  if (delivery->call != NULL) pm_http_client_cancel(delivery->call);
  delivery->call = NULL;
  tell_dropped(delivery);
  pm_delivery_queue_clear(&delivery->queue);
  uv_close((uv_handle_t *)&delivery->due, on_handle_closed);
  uv_close((uv_handle_t *)&delivery->deadline, on_handle_closed);
}

static void on_deadline(uv_timer_t *timer) {
  finish(timer->data);
}

void pm_delivery_close(struct pm_delivery *delivery, int64_t flush_ms, void (*closed)(void *owner),
                       void *owner) {
  delivery->closing = true;
  delivery->closed = closed;
  delivery->owner = owner;
  pm_delivery_queue_hurry(&delivery->queue);
  uv_update_time(delivery->deadline.loop);
  uv_timer_start(&delivery->deadline, on_deadline, flush_ms > 0 ? (uint64_t)flush_ms : 0, 0);
  advance(delivery);
}
