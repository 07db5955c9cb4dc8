#include "publish/cloudwatch_encode.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

/* "&MetricData.member.7.NAME=" */
static void put_name(struct pm_buf *out, size_t member, const char *name) {
  pm_buf_printf(out, "&MetricData.member.%zu.%s=", member, name);
}

static void put_dimension(struct pm_buf *out, size_t member, unsigned nth, const char *name,
                          const char *value) {
  pm_buf_printf(out, "&MetricData.member.%zu.Dimensions.member.%u.Name=", member, nth);
  pm_escape_query(out, name, strlen(name));
  pm_buf_printf(out, "&MetricData.member.%zu.Dimensions.member.%u.Value=", member, nth);
  pm_escape_query(out, value, strlen(value));
}

static void put_dimensions(struct pm_buf *out, size_t member,
                           const struct pm_cloudwatch_batch *batch,
                           const struct pm_cloudwatch_datum *datum) {
  const char *to = batch->texts.data + datum->to_at;
  if (datum->metric != PM_CLOUDWATCH_LEGACY) {
    put_dimension(out, member, 1, "FromLocation", batch->from);
    put_dimension(out, member, 2, "ToLocation", to);
    return;
  }
  char code[16];
  snprintf(code, sizeof(code), "%d", datum->http_status);
  put_dimension(out, member, 1, "TestUrl", to);
  put_dimension(out, member, 2, "HTTP Resp Code", code);
  put_dimension(out, member, 3, "FromLocation", batch->from);
}

static void put_values(struct pm_buf *out, size_t member, const struct pm_cloudwatch_value *values,
                       size_t count) {
  for (size_t i = 0; i < count; i++) {
    pm_buf_printf(out, "&MetricData.member.%zu.Values.member.%zu=%.6g", member, i + 1,
                  values[i].value);
    pm_buf_printf(out, "&MetricData.member.%zu.Counts.member.%zu=%u", member, i + 1,
                  values[i].count);
  }
}

static void put_datum(struct pm_buf *out, size_t member, const char *timestamp,
                      const struct pm_cloudwatch_batch *batch,
                      const struct pm_cloudwatch_datum *datum) {
  const char *name = pm_cloudwatch_metric_name(datum->metric);
  put_name(out, member, "MetricName");
  pm_escape_query(out, name, strlen(name));
  put_name(out, member, "Unit");
  pm_buf_text(out, pm_cloudwatch_metric_unit(datum->metric));
  put_name(out, member, "Timestamp");
  pm_escape_query(out, timestamp, strlen(timestamp));
  if (batch->high_resolution) {
    put_name(out, member, "StorageResolution");
    pm_buf_char(out, '1');
  }
  put_dimensions(out, member, batch, datum);
  put_values(out, member, batch->values + datum->values_at, datum->values_count);
}

enum pm_err pm_cloudwatch_encode(const struct pm_cloudwatch_batch *batch, size_t *at,
                                 struct pm_buf *out) {
  char timestamp[PM_TIME_TEXT_BYTES];
  pm_wall_rfc3339(batch->at, false, timestamp);
  pm_buf_text(out, "Action=PutMetricData&Version=2010-08-01&Namespace=" PM_CLOUDWATCH_NAMESPACE);
  size_t next = *at;
  for (size_t member = 1; member <= PM_CLOUDWATCH_REQUEST_DATA_MAX && next < batch->count;
       member++) {
    size_t before = out->len;
    put_datum(out, member, timestamp, batch, &batch->data[next]);
    if (out->len > PM_CLOUDWATCH_REQUEST_BYTES_MAX && member > 1) {
      out->len = before; /* it begins the next request */
      out->data[before] = '\0';
      break;
    }
    next++;
  }
  enum pm_err err = pm_buf_status(out);
  if (err == PM_OK) *at = next;
  return err;
}
