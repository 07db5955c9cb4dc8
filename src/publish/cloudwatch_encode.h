/* A batch as PutMetricData requests: the query protocol of version 2010-08-01, which every
 * implementation of the service takes (and the original spoke). Pure.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_ENCODE_H
#define PM_PUBLISH_CLOUDWATCH_ENCODE_H

#include "base/buf.h"
#include "base/err.h"
#include "publish/cloudwatch_batch.h"

#define PM_CLOUDWATCH_NAMESPACE "pingmesh"

enum {
  PM_CLOUDWATCH_REQUEST_DATA_MAX = 1000, /* by AWS's limit on different metrics */
  /* By AWS's limit of 1 MB. Whether that counts what is sent or what it unpacks to is not written
   * anywhere; Amazon's own agent counts the latter, and so do we. */
  PM_CLOUDWATCH_REQUEST_BYTES_MAX = 1000 * 1000,
  /* One datum of 150 values, every name as long as can be and each of its bytes an escape. */
  PM_CLOUDWATCH_DATUM_BYTES_MAX = 32 * 1024,
};

/* What a buffer for pm_cloudwatch_encode must be able to hold. */
enum {
  PM_CLOUDWATCH_ENCODE_BUF_BYTES = PM_CLOUDWATCH_REQUEST_BYTES_MAX + PM_CLOUDWATCH_DATUM_BYTES_MAX
};

/* Writes one request with as many data as it may hold, from the datum *at on, and moves *at on; to
 * be called until *at is batch->count. PM_ERR_NOMEM. */
enum pm_err pm_cloudwatch_encode(const struct pm_cloudwatch_batch *batch, size_t *at,
                                 struct pm_buf *out) PM_MUST_USE;

#endif
