/* One flush interval's metrics, as values: what publish/cloudwatch_paths makes and
 * publish/cloudwatch_encode writes. Pure. A batch owns everything that it refers to, so that
 * another thread may encode it.
 *
 *   metric        dimensions                              unit          values
 *   TcpRtt        FromLocation, ToLocation                Milliseconds  of successes
 *   TlsTime       the same                                Milliseconds  of successes over https
 *   FirstByte     the same                                Milliseconds  of successes
 *   Total         the same                                Milliseconds  of successes
 *   Loss          the same                                Percent       100 a failed probe, 0
 * others Availability  the same                                Percent       100 an interval in
 * which a probe succeeded, else 0 TCP RTT       TestUrl, HTTP Resp Code, FromLocation Milliseconds
 * the original's: of successes
 *
 * Loss is the share of probes (its average over any time is right, for each probe weighs the same);
 * Availability the share of intervals, so that its minimum over a minute tells whether a path was
 * down, and one lost probe is no outage. What was not tried at all (refused by policy, or we failed
 * ourselves) is in neither.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_BATCH_H
#define PM_PUBLISH_CLOUDWATCH_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "probe/histogram.h"

#define PM_CLOUDWATCH_METRIC_MAP(X)          \
  X(TCP_RTT, "TcpRtt", "Milliseconds")       \
  X(TLS_TIME, "TlsTime", "Milliseconds")     \
  X(FIRST_BYTE, "FirstByte", "Milliseconds") \
  X(TOTAL, "Total", "Milliseconds")          \
  X(LOSS, "Loss", "Percent")                 \
  X(AVAILABILITY, "Availability", "Percent") \
  X(LEGACY, "TCP RTT", "Milliseconds")

enum pm_cloudwatch_metric {
#define X(name, text, unit) PM_CLOUDWATCH_##name,
  PM_CLOUDWATCH_METRIC_MAP(X)
#undef X
      PM_CLOUDWATCH_METRIC_COUNT
};
const char *pm_cloudwatch_metric_name(enum pm_cloudwatch_metric metric);
const char *pm_cloudwatch_metric_unit(enum pm_cloudwatch_metric metric);

enum {
  PM_CLOUDWATCH_VALUES_MAX = 150,      /* in one datum, by AWS's limit */
  PM_CLOUDWATCH_DIMENSION_BYTES = 800, /* a URL and its escapes; AWS takes 1,024 characters */
  PM_CLOUDWATCH_DATA_MAX = 65536,      /* of a batch: 8,192 paths, eight metrics each */
};

struct pm_cloudwatch_value {
  double value;
  uint32_t count;
};

struct pm_cloudwatch_datum {
  enum pm_cloudwatch_metric metric;
  int http_status; /* of LEGACY */
  size_t to_at;    /* ToLocation, TestUrl of LEGACY: an offset into texts */
  size_t values_at;
  size_t values_count;
};

/* Caller's storage. */
struct pm_cloudwatch_batch {
  struct pm_wall at;    /* the interval's beginning */
  bool high_resolution; /* below a minute */
  char from[PM_CLOUDWATCH_DIMENSION_BYTES];
  struct pm_cloudwatch_datum *data;
  size_t count, cap;
  struct pm_cloudwatch_value *values;
  size_t values_count, values_cap;
  struct pm_buf texts;
};

void pm_cloudwatch_batch_init(struct pm_cloudwatch_batch *batch);
void pm_cloudwatch_batch_deinit(struct pm_cloudwatch_batch *batch);

/* Writes text as a dimension's value may be: printable ASCII, everything else percent-encoded, not
 * empty, no ':' in front; cut where it would not fit. */
void pm_cloudwatch_dimension(const char *text, char out[PM_CLOUDWATCH_DIMENSION_BYTES]);

/* Returns the name's offset, for the data that follow. PM_ERR_NOMEM, PM_ERR_FULL. */
enum pm_err pm_cloudwatch_batch_text(struct pm_cloudwatch_batch *batch, const char *to,
                                     size_t *out_at) PM_MUST_USE;
/* At most PM_CLOUDWATCH_VALUES_MAX values; those with a count of 0 are left out. Without any, there
 * is no datum. PM_ERR_NOMEM, PM_ERR_FULL: nothing was added. */
enum pm_err pm_cloudwatch_batch_add(struct pm_cloudwatch_batch *batch,
                                    enum pm_cloudwatch_metric metric, size_t to_at, int http_status,
                                    const struct pm_cloudwatch_value *values,
                                    size_t count) PM_MUST_USE;
/* Milliseconds of a distribution; each value is a bucket's middle, at most 0.8 % off. Where there
 * are more than 150 buckets, neighbours are put together two by two, and a value is at most 1.6 %
 * off; what still exceeds 150 goes into a second datum of the same metric and time, which
 * CloudWatch adds to the first. So percentiles are within 2 % whatever the distribution. */
enum pm_err pm_cloudwatch_batch_add_times(struct pm_cloudwatch_batch *batch,
                                          enum pm_cloudwatch_metric metric, size_t to_at,
                                          int http_status,
                                          const struct pm_histogram *times) PM_MUST_USE;

#endif
