/* What publishing to CloudWatch will cost a mesh in a month, before it does. Pure: it lets the code
 * that will publish (publish/cloudwatch_paths, publish/cloudwatch_encode) run over made-up samples
 * of one node for a while, counts metrics and requests, and multiplies. So it knows what the code
 * knows: ceilings, splitting into requests, the old metric.
 */
#ifndef PM_PUBLISH_CLOUDWATCH_FORECAST_H
#define PM_PUBLISH_CLOUDWATCH_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
  PM_CLOUDWATCH_MONTH_S = 30 * 86400,
  PM_CLOUDWATCH_FORECAST_NODES_MAX = 100000,
};

struct pm_cloudwatch_forecast_config {
  size_t nodes;
  int64_t delay_s;    /* between probes of an active peer */
  size_t active_max;  /* peers that one node probes at a time … */
  int64_t rotate_s;   /* … one of which gives way to another every so many seconds */
  size_t peers_max;   /* that one node knows */
  int64_t interval_s; /* between flushes */
  bool legacy;
  bool tls;           /* probes are https */
  size_t metrics_max; /* per node; 0: none */
};

struct pm_cloudwatch_forecast {
  size_t paths;            /* of a node */
  size_t metrics_per_node; /* different ones in an hour */
  uint64_t metrics;        /* of the mesh */
  double requests;         /* a month, of the mesh */
  double metrics_dollars, requests_dollars;
};

/* Every node in a location of its own: nodes that share one share metrics, and cost less.
 * PM_ERR_NOMEM. */
enum pm_err pm_cloudwatch_forecast(const struct pm_cloudwatch_forecast_config *config,
                                   struct pm_cloudwatch_forecast *out) PM_MUST_USE;

/* Dollars a month of so many custom metrics, by the tiers. */
double pm_cloudwatch_metrics_dollars(double metrics);
double pm_cloudwatch_requests_dollars(double requests);
/* For people, with the prices and their date. */
void pm_cloudwatch_forecast_print(const struct pm_cloudwatch_forecast_config *config,
                                  const struct pm_cloudwatch_forecast *forecast,
                                  struct pm_buf *out);

#endif
