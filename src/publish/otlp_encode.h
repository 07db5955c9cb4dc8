/* Metrics of some paths as an ExportMetricsServiceRequest in protobuf's JSON mapping: 64-bit
 * integers are strings, names in camel case, enums numbers. Pure.
 *
 * All sums and histograms are cumulative since their point's startTimeUnixNano; histograms are of
 * what may be published as latency, in seconds, buckets doubling from 50 µs (probe/buckets.h).
 *
 *   http.client.request.duration   histogram of the total, as OpenTelemetry's conventions name it
 *   dns.lookup.duration            histogram, likewise
 *   pingmesh.phase.duration        histogram; pingmesh.phase is tcp, tls, first or last
 *   pingmesh.probes                sum; pingmesh.outcome, and error.type where it is a failure
 *   pingmesh.probes.starved, pingmesh.probes.retransmitted    sums
 *   pingmesh.syns, pingmesh.syns.lost                         sums
 *   pingmesh.up                    gauge, 1 or 0, as of the latest probe
 *
 * Every point has server.address, server.port, url.scheme, url.full and pingmesh.to.location; our
 * own location is the resource's pingmesh.from.location.
 */
#ifndef PM_PUBLISH_OTLP_ENCODE_H
#define PM_PUBLISH_OTLP_ENCODE_H

#include <stddef.h>

#include "base/buf.h"
#include "publish/otlp_env.h"
#include "publish/otlp_paths.h"

enum {
  /* In one request: a megabyte of JSON, which receivers take (the collector: 20 MB). */
  PM_OTLP_PATHS_PER_BODY = 64,
  /* Were every byte of every name an escape. */
  PM_OTLP_BODY_BYTES_MAX = PM_OTLP_PATHS_PER_BODY * (160 << 10),
};

struct pm_otlp_resource {
  const struct pm_otlp_env *env; /* its attributes win over ours */
  const char *host, *instance, *from;
};

/* Failures stick in the buffer. */
void pm_otlp_encode(const struct pm_otlp_resource *resource, const struct pm_otlp_path *paths,
                    size_t count, struct pm_wall now, struct pm_buf *out);

#endif
