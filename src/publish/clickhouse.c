#include "publish/clickhouse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "publish/batch_sender.h"
#include "publish/clickhouse_row.h"

enum {
  RETRY_BASE_MS = 500,
  RETRY_CAP_MS = 60000,
  AGE_MS_MAX = 24 * 3600 * 1000,
  BATCH_BYTES = 1 << 20, /* from here on rows do not wait for the interval's end */
  ROWS_BYTES_MAX = BATCH_BYTES + PM_CLICKHOUSE_ROW_BYTES_MAX,
  URL_BYTES_MAX = 4096,
};

struct rows {
  struct pm_batch batch; /* first */
  struct pm_buf text;
  bool encoded;
};

struct clickhouse {
  struct pm_sink sink; /* first */
  struct pm_batch_sender *sender;
  struct pm_clickhouse_origin origin;
  struct rows *rows; /* of the open batch; NULL: none */
  struct pm_buf url;
  char location[PM_LOCATION_BYTES];
  char *user, *password;
  uint64_t unmade; /* for want of memory */
  void (*closed)(void *owner);
  void *owner;
};

static struct clickhouse *from_sink(struct pm_sink *sink) {
  return (struct clickhouse *)sink;
}

/* --- batches ------------------------------------------------------------------------------------
 */

static enum pm_err encode(struct pm_batch *batch, struct pm_buf *out, uint64_t *out_units) {
  struct rows *rows = (struct rows *)batch;
  if (rows->encoded) return PM_ERR_MISSING;
  rows->encoded = true;
  *out_units = batch->units;
  pm_buf_append(out, rows->text.data, rows->text.len);
  return pm_buf_status(out);
}

static void free_rows(struct pm_batch *batch) {
  struct rows *rows = (struct rows *)batch;
  pm_buf_deinit(&rows->text);
  free(rows);
}

static struct rows *open_rows(struct clickhouse *clickhouse) {
  if (clickhouse->rows != NULL) return clickhouse->rows;
  struct rows *rows = calloc(1, sizeof(*rows));
  if (rows == NULL) return NULL;
  rows->batch = (struct pm_batch){.encode = encode, .free = free_rows};
  pm_buf_init(&rows->text, ROWS_BYTES_MAX);
  clickhouse->rows = rows;
  return rows;
}

static struct pm_batch *take_rows(void *owner) {
  struct clickhouse *clickhouse = owner;
  struct rows *rows = clickhouse->rows;
  clickhouse->rows = NULL;
  return rows != NULL ? &rows->batch : NULL;
}

static void on_sample(struct pm_sink *sink, const struct pm_target *target,
                      const struct pm_sample *sample) {
  struct clickhouse *clickhouse = from_sink(sink);
  clickhouse->origin.seq++;
  struct rows *rows = open_rows(clickhouse);
  if (rows == NULL) {
    clickhouse->unmade++;
    return;
  }
  pm_clickhouse_row(&clickhouse->origin, target, sample, &rows->text);
  rows->batch.units++;
  if (rows->text.len >= BATCH_BYTES || pm_buf_status(&rows->text) != PM_OK)
    pm_batch_sender_put(clickhouse->sender, take_rows(clickhouse));
}

/* --- delivery -----------------------------------------------------------------------------------
 */

static enum pm_delivery_prepared prepare(void *owner, struct pm_http_call_config *call) {
  const struct clickhouse *clickhouse = owner;
  call->headers[0] = "Content-Type: application/x-ndjson";
  call->headers[1] = "Content-Encoding: gzip";
  call->user = clickhouse->user;
  call->password = clickhouse->password;
  return PM_DELIVERY_READY;
}

static enum pm_delivery_verdict judge(void *owner, const struct pm_http_reply *reply,
                                      struct pm_why *words) {
  (void)owner;
  return pm_clickhouse_judge(reply->status, reply->body, words);
}

static void on_counts(const struct pm_sink *sink, struct pm_sink_counts *out) {
  const struct clickhouse *clickhouse = (const struct clickhouse *)sink;
  pm_batch_sender_counts(clickhouse->sender, out);
  out->taken = clickhouse->origin.seq;
  out->dropped += clickhouse->unmade;
}

static void free_clickhouse(struct clickhouse *clickhouse) {
  if (clickhouse->password != NULL)
    explicit_bzero(clickhouse->password, strlen(clickhouse->password));
  free(clickhouse->password);
  free(clickhouse->user);
  pm_buf_deinit(&clickhouse->url);
  free(clickhouse);
}

static void on_sender_closed(void *owner) {
  struct clickhouse *clickhouse = owner;
  void (*closed)(void *owner) = clickhouse->closed;
  void *closed_owner = clickhouse->owner;
  free_clickhouse(clickhouse);
  closed(closed_owner);
}

static void on_close(struct pm_sink *sink, int64_t flush_ms, void (*closed)(void *owner),
                     void *owner) {
  struct clickhouse *clickhouse = from_sink(sink);
  clickhouse->closed = closed;
  clickhouse->owner = owner;
  pm_batch_sender_close(clickhouse->sender, flush_ms, on_sender_closed, clickhouse);
}

static const struct pm_sink_ops ops = {
    .name = "clickhouse",
    .sample = on_sample,
    .counts = on_counts,
    .close = on_close,
};

/* --- opening ------------------------------------------------------------------------------------
 */

static enum pm_err open_sender(struct uv_loop_s *loop, struct clickhouse *clickhouse,
                               const struct pm_clickhouse_config *config) {
  struct pm_batch_sender_config sender = {
      .delivery = {.name = "clickhouse",
                   .url = clickhouse->url.data,
                   .limits = {.bodies_max = PM_CLICKHOUSE_QUEUE_BODIES_MAX,
                              .bytes_max = PM_CLICKHOUSE_QUEUE_BYTES_MAX,
                              .age_ms_max = AGE_MS_MAX,
                              .backoff = {.base_ms = RETRY_BASE_MS, .cap_ms = RETRY_CAP_MS}},
                   .hooks = {.prepare = prepare, .judge = judge},
                   .owner = clickhouse,
                   .client = config->client,
                   .log = config->log,
                   .seed = config->seed},
      .interval_ms = config->interval_s * 1000,
      .body_bytes_max = ROWS_BYTES_MAX,
      .gzip = true,
      .flush = take_rows,
      .owner = clickhouse,
      .seed = config->seed,
  };
  return pm_batch_sender_open(loop, &sender, &clickhouse->sender);
}

static enum pm_err copy_credentials(struct clickhouse *clickhouse,
                                    const struct pm_clickhouse_config *config) {
  if (config->user == NULL && config->password == NULL) return PM_OK;
  clickhouse->user = strdup(config->user ? config->user : "default");
  clickhouse->password = strdup(config->password ? config->password : "");
  return clickhouse->user && clickhouse->password ? PM_OK : PM_ERR_NOMEM;
}

enum pm_err pm_clickhouse_open(struct uv_loop_s *loop, const struct pm_clickhouse_config *config,
                               struct pm_sink **out, struct pm_why *why) {
  struct clickhouse *clickhouse = calloc(1, sizeof(*clickhouse));
  if (clickhouse == NULL) return pm_why_set(why, PM_ERR_NOMEM, "no memory to publish with");
  clickhouse->sink.ops = &ops;
  snprintf(clickhouse->location, sizeof(clickhouse->location), "%s", config->location);
  pm_utf8_trim_cut(clickhouse->location);
  clickhouse->origin =
      (struct pm_clickhouse_origin){.node = config->seed, .from = clickhouse->location};
  pm_buf_init(&clickhouse->url, URL_BYTES_MAX);
  enum pm_err err = pm_clickhouse_url(config->url, config->table, &clickhouse->url, why);
  if (err == PM_OK) err = copy_credentials(clickhouse, config);
  if (err == PM_OK) err = open_sender(loop, clickhouse, config);
  if (err != PM_OK) {
    free_clickhouse(clickhouse);
    return err == PM_ERR_SYNTAX ? err : pm_why_set(why, err, "ClickHouse: %s", pm_err_text(err));
  }
  *out = &clickhouse->sink;
  return PM_OK;
}
