#include "publish/cloudwatch_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  TEXTS_BYTES_MAX = 16 << 20,
  VALUES_MAX = 1 << 22, /* 64 MB; a batch of 1,000 paths probed every second has a tenth */
  FIRST_CAP = 256,
};

const char *pm_cloudwatch_metric_name(enum pm_cloudwatch_metric metric) {
  static const char *const names[] = {
#define X(name, text, unit) text,
      PM_CLOUDWATCH_METRIC_MAP(X)
#undef X
  };
  return names[metric];
}

const char *pm_cloudwatch_metric_unit(enum pm_cloudwatch_metric metric) {
  static const char *const units[] = {
#define X(name, text, unit) unit,
      PM_CLOUDWATCH_METRIC_MAP(X)
#undef X
  };
  return units[metric];
}

void pm_cloudwatch_batch_init(struct pm_cloudwatch_batch *batch) {
  *batch = (struct pm_cloudwatch_batch){.from = ""};
  pm_buf_init(&batch->texts, TEXTS_BYTES_MAX);
}

void pm_cloudwatch_batch_deinit(struct pm_cloudwatch_batch *batch) {
  free(batch->data);
  free(batch->values);
  pm_buf_deinit(&batch->texts);
  pm_cloudwatch_batch_init(batch);
}

void pm_cloudwatch_dimension(const char *text, char out[PM_CLOUDWATCH_DIMENSION_BYTES]) {
  size_t length = 0;
  bool visible = false;
  for (const char *at = text; *at != '\0'; at++) {
    unsigned char c = (unsigned char)*at;
    bool plain = c >= ' ' && c < 0x7f && (c != ':' || length > 0);
    if (length + (plain ? 1 : 3) >= PM_CLOUDWATCH_DIMENSION_BYTES) break;
    if (plain)
      out[length++] = (char)c;
    else
      length += (size_t)snprintf(out + length, 4, "%%%02X", c);
    visible = visible || c != ' ';
  }
  out[length] = '\0';
  if (!visible) snprintf(out, PM_CLOUDWATCH_DIMENSION_BYTES, "unknown");
}

enum pm_err pm_cloudwatch_batch_text(struct pm_cloudwatch_batch *batch, const char *to,
                                     size_t *out_at) {
  size_t at = batch->texts.len;
  pm_buf_append(&batch->texts, to, strlen(to) + 1);
  enum pm_err err = pm_buf_status(&batch->texts);
  if (err == PM_OK) *out_at = at;
  return err;
}

static enum pm_err grow(void **items, size_t *cap, size_t wanted, size_t item_bytes, size_t max) {
  if (wanted <= *cap) return PM_OK;
  if (wanted > max) return PM_ERR_FULL;
  size_t next = *cap > 0 ? *cap * 2 : FIRST_CAP;
  while (next < wanted) next *= 2;
  void *grown = realloc(*items, next * item_bytes);
  if (grown == NULL) return PM_ERR_NOMEM;
  *items = grown;
  *cap = next;
  return PM_OK;
}

static enum pm_err reserve(struct pm_cloudwatch_batch *batch, size_t values) {
  void *data = batch->data;
  enum pm_err err =
      grow(&data, &batch->cap, batch->count + 1, sizeof(*batch->data), PM_CLOUDWATCH_DATA_MAX);
  batch->data = data;
  if (err != PM_OK) return err;
  void *all = batch->values;
  err = grow(&all, &batch->values_cap, batch->values_count + values, sizeof(*batch->values),
             VALUES_MAX);
  batch->values = all;
  return err;
}

enum pm_err pm_cloudwatch_batch_add(struct pm_cloudwatch_batch *batch,
                                    enum pm_cloudwatch_metric metric, size_t to_at, int http_status,
                                    const struct pm_cloudwatch_value *values, size_t count) {
  enum pm_err err = reserve(batch, count);
  if (err != PM_OK) return err;
  struct pm_cloudwatch_datum datum = {.metric = metric,
                                      .http_status = http_status,
                                      .to_at = to_at,
                                      .values_at = batch->values_count};
  for (size_t i = 0; i < count; i++)
    if (values[i].count > 0) batch->values[datum.values_at + datum.values_count++] = values[i];
  if (datum.values_count == 0) return PM_OK;
  batch->values_count += datum.values_count;
  batch->data[batch->count++] = datum;
  return PM_OK;
}

/* --- distributions ---------------------------------------------------------------------------- */

static double middle_ms(unsigned first, unsigned last) {
  int64_t low_ns, high_ns, unused_ns;
  pm_histogram_bounds((uint16_t)first, &low_ns, &unused_ns);
  pm_histogram_bounds((uint16_t)last, &unused_ns, &high_ns);
  return (double)(low_ns + high_ns) / 2 / PM_NS_PER_MS;
}

/* Takes up to 150 values beginning with the bucket *at, 2^shift neighbours as one. */
static size_t take_values(const struct pm_histogram *times, size_t *at, unsigned shift,
                          struct pm_cloudwatch_value out[PM_CLOUDWATCH_VALUES_MAX]) {
  size_t count = 0;
  while (*at < times->count) {
    unsigned group = (unsigned)times->buckets[*at].index >> shift;
    if (count == PM_CLOUDWATCH_VALUES_MAX) break;
    struct pm_cloudwatch_value value = {.value =
                                            middle_ms(group << shift, ((group + 1) << shift) - 1)};
    for (; *at < times->count && (unsigned)times->buckets[*at].index >> shift == group; ++*at)
      value.count += times->buckets[*at].count;
    out[count++] = value;
  }
  return count;
}

enum pm_err pm_cloudwatch_batch_add_times(struct pm_cloudwatch_batch *batch,
                                          enum pm_cloudwatch_metric metric, size_t to_at,
                                          int http_status, const struct pm_histogram *times) {
  struct pm_cloudwatch_value values[PM_CLOUDWATCH_VALUES_MAX];
  unsigned shift = times->count > PM_CLOUDWATCH_VALUES_MAX ? 1 : 0;
  for (size_t at = 0; at < times->count;) {
    size_t count = take_values(times, &at, shift, values);
    enum pm_err err = pm_cloudwatch_batch_add(batch, metric, to_at, http_status, values, count);
    if (err != PM_OK) return err;
  }
  return PM_OK;
}
