#include "publish/batch_sender.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "publish/gzip.h"

struct body {
  struct body *next;
  char *data;
  size_t bytes;
  uint64_t units;
};

/* A batch on its way through a thread of the pool. */
struct packing {
  uv_work_t work;
  struct pm_batch_sender *sender;
  struct pm_batch *batch;
  struct body *first;
};

struct pm_batch_sender {
  struct pm_batch_sender_config config;
  uv_loop_t *loop;
  uv_timer_t timer;
  struct pm_delivery *delivery;
  size_t packings;       /* under way */
  uint64_t units_unmade; /* for want of memory, or of a pool that gets on */
  bool closing, delivery_closing;
  struct pm_time deadline;
  void (*closed)(void *owner);
  void *owner;
};

/* --- on the pool ------------------------------------------------------------------------------ */

static enum pm_err keep(const struct pm_batch_sender *sender, const struct pm_buf *text,
                        struct body *body) {
  if (sender->config.gzip) return pm_gzip(text->data, text->len, &body->data, &body->bytes);
  body->data = malloc(text->len + 1);
  if (body->data == NULL) return PM_ERR_NOMEM;
  memcpy(body->data, text->data, text->len);
  body->bytes = text->len;
  return PM_OK;
}

/* NULL: there is nothing more, or no memory for it. */
static struct body *next_body(struct packing *packing, struct pm_buf *text) {
  struct body *body = calloc(1, sizeof(*body));
  if (body == NULL) return NULL;
  pm_buf_reset(text);
  enum pm_err err = packing->batch->encode(packing->batch, text, &body->units);
  if (err == PM_OK) err = pm_buf_status(text);
  if (err == PM_OK) err = keep(packing->sender, text, body);
  if (err == PM_OK) return body;
  free(body);
  return NULL;
}

static void work(uv_work_t *request) {
  struct packing *packing = request->data;
  struct body **last = &packing->first;
  struct pm_buf text;
  pm_buf_init(&text, packing->sender->config.body_bytes_max);
  while ((*last = next_body(packing, &text)) != NULL) last = &(*last)->next;
  pm_buf_deinit(&text);
}

/* --- on the loop ------------------------------------------------------------------------------ */

static void close_delivery(struct pm_batch_sender *sender);

static void after_work(uv_work_t *request, int status) {
  struct packing *packing = request->data;
  struct pm_batch_sender *sender = packing->sender;
  uint64_t left = packing->batch->units;
  (void)status; /* never cancelled */
  while (packing->first != NULL) {
    struct body *body = packing->first;
    packing->first = body->next;
    left -= body->units;
    pm_delivery_put_units(sender->delivery, body->data, body->bytes, 0, body->units);
    free(body);
  }
  sender->units_unmade += left;
  packing->batch->free(packing->batch);
  free(packing);
  sender->packings--;
  if (sender->closing && sender->packings == 0) close_delivery(sender);
}

void pm_batch_sender_put(struct pm_batch_sender *sender, struct pm_batch *batch) {
  struct packing *packing = sender->packings < PM_BATCHES_MAX ? calloc(1, sizeof(*packing)) : NULL;
  if (packing == NULL) {
    sender->units_unmade += batch->units;
    batch->free(batch);
    return;
  }
  packing->sender = sender;
  packing->batch = batch;
  packing->work.data = packing;
  sender->packings++;
  uv_queue_work(sender->loop, &packing->work, work, after_work);
}

static void flush(struct pm_batch_sender *sender) {
  struct pm_batch *batch = sender->config.flush(sender->config.owner);
  if (batch != NULL) pm_batch_sender_put(sender, batch);
}

static void on_timer(uv_timer_t *timer) {
  flush(timer->data);
}

void pm_batch_sender_counts(const struct pm_batch_sender *sender, struct pm_sink_counts *out) {
  struct pm_delivery_counts counts;
  pm_delivery_counts(sender->delivery, &counts);
  out->dropped = counts.units_dropped + sender->units_unmade;
  out->failed = counts.units_failed;
}

/* --- life ------------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle) {
  struct pm_batch_sender *sender = handle->data;
  void (*closed)(void *owner) = sender->closed;
  void *owner = sender->owner;
  free(sender);
  closed(owner);
}

static void on_delivery_closed(void *owner) {
  struct pm_batch_sender *sender = owner;
  uv_close((uv_handle_t *)&sender->timer, on_timer_closed);
}

static void close_delivery(struct pm_batch_sender *sender) {
  if (sender->delivery_closing) return;
  sender->delivery_closing = true;
  int64_t left_ms = pm_time_since_ns(sender->deadline, pm_clock_now()) / PM_NS_PER_MS;
  pm_delivery_close(sender->delivery, left_ms, on_delivery_closed, sender);
}

void pm_batch_sender_close(struct pm_batch_sender *sender, int64_t flush_ms,
                           void (*closed)(void *owner), void *owner) {
  sender->closing = true;
  sender->closed = closed;
  sender->owner = owner;
  sender->deadline = pm_time_add_ms(pm_clock_now(), flush_ms);
  uv_timer_stop(&sender->timer);
  flush(sender);
  if (sender->packings == 0) close_delivery(sender);
}

/* The nodes of a mesh, which may all have been started at once, flush at different moments. */
static void start_timer(struct pm_batch_sender *sender) {
  struct pm_rng rng;
  int64_t interval_ms = sender->config.interval_ms;
  pm_rng_seed(&rng, sender->config.seed);
  int64_t first_ms = pm_rng_between(&rng, interval_ms / 2, interval_ms);
  uv_timer_start(&sender->timer, on_timer, (uint64_t)first_ms, (uint64_t)interval_ms);
}

enum pm_err pm_batch_sender_open(struct uv_loop_s *loop,
                                 const struct pm_batch_sender_config *config,
                                 struct pm_batch_sender **out) {
  struct pm_batch_sender *sender = calloc(1, sizeof(*sender));
  if (sender == NULL) return PM_ERR_NOMEM;
  sender->config = *config;
  sender->loop = loop;
  enum pm_err err = pm_delivery_open(loop, &config->delivery, &sender->delivery);
  if (err != PM_OK) {
    free(sender);
    return err;
  }
  uv_timer_init(loop, &sender->timer);
  sender->timer.data = sender;
  start_timer(sender);
  *out = sender;
  return PM_OK;
}
