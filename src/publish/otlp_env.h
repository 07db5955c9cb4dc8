/* The environment variables that OpenTelemetry's exporters have in common (its specification,
 * "OpenTelemetry Protocol Exporter" and "SDK environment variables"), as far as metrics over
 * HTTP/JSON know them. Pure: the environment is handed in.
 *
 *   OTEL_EXPORTER_OTLP_METRICS_ENDPOINT   used as it is
 *   OTEL_EXPORTER_OTLP_ENDPOINT           /v1/metrics is appended (http://localhost:4318)
 *   OTEL_EXPORTER_OTLP_METRICS_HEADERS, OTEL_EXPORTER_OTLP_HEADERS   name=value,…  percent-encoded
 *   OTEL_EXPORTER_OTLP_METRICS_TIMEOUT, OTEL_EXPORTER_OTLP_TIMEOUT   milliseconds (10000)
 *   OTEL_EXPORTER_OTLP_METRICS_COMPRESSION, OTEL_EXPORTER_OTLP_COMPRESSION   gzip (ours) or none
 *   OTEL_METRIC_EXPORT_INTERVAL           milliseconds (60000)
 *   OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES   of the resource
 */
#ifndef PM_PUBLISH_OTLP_ENV_H
#define PM_PUBLISH_OTLP_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
  PM_OTLP_URL_BYTES = 1024,
  PM_OTLP_HEADERS_MAX = 8,     /* a tenant and a key; the client has room for two of ours besides */
  PM_OTLP_HEADER_BYTES = 2048, /* a bearer token */
  PM_OTLP_ATTRIBUTES_MAX = 32,
  PM_OTLP_ATTRIBUTE_BYTES = 256,
};

struct pm_otlp_attribute {
  char name[PM_OTLP_ATTRIBUTE_BYTES], value[PM_OTLP_ATTRIBUTE_BYTES];
};

struct pm_otlp_env {
  char url[PM_OTLP_URL_BYTES];
  char headers[PM_OTLP_HEADERS_MAX][PM_OTLP_HEADER_BYTES]; /* "Name: value" */
  size_t headers_count;
  struct pm_otlp_attribute attributes[PM_OTLP_ATTRIBUTES_MAX];
  size_t attributes_count;
  char service[PM_OTLP_ATTRIBUTE_BYTES]; /* "" if not named */
  int64_t timeout_ms, interval_ms;
  bool gzip;
};

/* url: an endpoint that wins over the environment's, as OTEL_EXPORTER_OTLP_ENDPOINT; NULL: none.
 * PM_ERR_SYNTAX, PM_ERR_RANGE, PM_ERR_TOO_LARGE, with the variable's name; no value of a header is
 * ever repeated. */
enum pm_err pm_otlp_env_read(const char *url, const char *(*env)(void *owner, const char *name),
                             void *owner, struct pm_otlp_env *out, struct pm_why *why) PM_MUST_USE;

#endif
