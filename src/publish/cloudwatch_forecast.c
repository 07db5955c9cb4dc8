#include "publish/cloudwatch_forecast.h"

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "publish/cloudwatch_encode.h"
#include "publish/cloudwatch_paths.h"

/* --- prices: AWS's list for us-east-1, without the free tier and without taxes -----------------
 */

static const char PRICES_DATE[] = "January 2025";
static const struct {
  double up_to; /* custom metrics; the last tier has no end */
  double dollars;
} tiers[] = {{10e3, 0.30}, {250e3, 0.10}, {1e6, 0.05}, {INFINITY, 0.02}};
static const double DOLLARS_PER_1000_REQUESTS = 0.01;

double pm_cloudwatch_metrics_dollars(double metrics) {
  double dollars = 0;
  double from = 0;
  for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]) && metrics > from; i++) {
    double in_tier = fmin(metrics, tiers[i].up_to) - from;
    dollars += in_tier * tiers[i].dollars;
    from = tiers[i].up_to;
  }
  return dollars;
}

double pm_cloudwatch_requests_dollars(double requests) {
  return requests / 1000 * DOLLARS_PER_1000_REQUESTS;
}

/* --- a node for a while ------------------------------------------------------------------------
 */

enum {
  FLUSHES_LOOKED_AT = 20, /* of each hour: what they come to differs little */
  SIMULATED_S = 2 * 3600, /* the second hour's plan is made with knowledge of the first */
  SEED = 1,               /* the same question has the same answer */
};

struct node {
  const struct pm_cloudwatch_forecast_config *config;
  struct pm_cloudwatch_paths *paths;
  struct pm_cloudwatch_batch batch;
  struct pm_buf request;
  struct pm_rng rng;
  size_t peers;
  uint64_t flushes, requests;
  size_t metrics;
};

/* Round trips between 1 and 300 ms by peer, with noise that has a tail. */
static int64_t made_up_ns(struct node *node, size_t peer) {
  double base_ms = 1 + (double)(peer * 37 % 300);
  double noise = -log(1 - pm_rng_unit(&node->rng)) * 0.05;
  return (int64_t)(base_ms * (1 + noise) * PM_NS_PER_MS);
}

static void probe(struct node *node, size_t peer) {
  char to[32];
  struct pm_sample sample = {
      .outcome = PM_OUTCOME_SUCCESS, .http_status = 200, .tls = node->config->tls};
  int64_t rtt_ns = made_up_ns(node, peer);
  sample.phase_ns[PM_PHASE_TCP] = rtt_ns;
  if (sample.tls) sample.phase_ns[PM_PHASE_TLS] = 2 * rtt_ns;
  sample.phase_ns[PM_PHASE_FIRST] = rtt_ns + PM_NS_PER_MS / 10;
  sample.phase_ns[PM_PHASE_TOTAL] = 2 * rtt_ns + made_up_ns(node, 0);
  snprintf(to, sizeof(to), "City%05zu,C%zu", peer, peer % 40);
  pm_cloudwatch_paths_add(node->paths, to, &sample);
}

/* The probes of the interval that ends at this second. A peer's turn has its own place in the
 * delay, as in probe/plan; those that are active move on through all peers, one every rotation. */
static void probe_interval(struct node *node, int64_t end_s) {
  const struct pm_cloudwatch_forecast_config *config = node->config;
  size_t active = node->peers < config->active_max ? node->peers : config->active_max;
  size_t first = active < node->peers ? (size_t)(end_s / config->rotate_s) : 0;
  int64_t begin_s = end_s - config->interval_s;
  for (size_t i = 0; i < active; i++) {
    size_t peer = (first + i) % node->peers;
    /* Turns in [0, t): one at each place + n * delay. */
    int64_t place_s = (int64_t)(peer * 7919) % config->delay_s;
    int64_t past = config->delay_s - 1 - place_s;
    int64_t turns = (end_s + past) / config->delay_s - (begin_s + past) / config->delay_s;
    for (int64_t turn = 0; turn < turns; turn++) probe(node, peer);
  }
}

static enum pm_err count_requests(struct node *node) {
  for (size_t at = 0; at < node->batch.count;) {
    pm_buf_reset(&node->request);
    enum pm_err err = pm_cloudwatch_encode(&node->batch, &at, &node->request);
    if (err != PM_OK) return err;
    node->requests++;
  }
  return PM_OK;
}

static enum pm_err run(struct node *node) {
  int64_t interval_s = node->config->interval_s;
  enum pm_err err = PM_OK;
  for (int64_t end_s = interval_s; err == PM_OK && end_s <= SIMULATED_S; end_s += interval_s) {
    int64_t begin_s = end_s - interval_s;
    int64_t into_hour_s = begin_s % 3600;
    probe_interval(node, end_s);
    pm_cloudwatch_batch_deinit(&node->batch);
    pm_cloudwatch_paths_flush(node->paths, (struct pm_wall){begin_s * PM_NS_PER_S}, &node->batch);
    if (into_hour_s / interval_s < FLUSHES_LOOKED_AT) {
      err = count_requests(node);
      node->flushes++;
    }
    struct pm_cloudwatch_paths_counts counts;
    pm_cloudwatch_paths_counts(node->paths, &counts);
    if (counts.metrics > node->metrics) node->metrics = counts.metrics;
  }
  return err;
}

static size_t peers_of(const struct pm_cloudwatch_forecast_config *config) {
  size_t others = config->nodes > 0 ? config->nodes - 1 : 0;
  return others < config->peers_max ? others : config->peers_max;
}

enum pm_err pm_cloudwatch_forecast(const struct pm_cloudwatch_forecast_config *config,
                                   struct pm_cloudwatch_forecast *out) {
  struct node node = {.config = config, .peers = peers_of(config)};
  struct pm_cloudwatch_paths_config paths = {.from = "City,CC",
                                             .legacy = config->legacy,
                                             .interval_s = config->interval_s,
                                             .metrics_max = config->metrics_max};
  enum pm_err err = pm_cloudwatch_paths_new(&paths, &node.paths);
  if (err != PM_OK) return err;
  pm_rng_seed(&node.rng, SEED);
  pm_cloudwatch_batch_init(&node.batch);
  pm_buf_init(&node.request, PM_CLOUDWATCH_ENCODE_BUF_BYTES);
  err = run(&node);
  if (err == PM_OK) {
    double month_flushes = (double)PM_CLOUDWATCH_MONTH_S / (double)config->interval_s;
    out->paths = node.peers;
    out->metrics_per_node = node.metrics;
    out->metrics = (uint64_t)node.metrics * config->nodes;
    out->requests =
        (double)node.requests / (double)node.flushes * month_flushes * (double)config->nodes;
    out->metrics_dollars = pm_cloudwatch_metrics_dollars((double)out->metrics);
    out->requests_dollars = pm_cloudwatch_requests_dollars(out->requests);
  }
  pm_cloudwatch_paths_free(node.paths);
  pm_cloudwatch_batch_deinit(&node.batch);
  pm_buf_deinit(&node.request);
  return err;
}

/* --- for people --------------------------------------------------------------------------------
 */

static void print_question(const struct pm_cloudwatch_forecast_config *config, struct pm_buf *out) {
  pm_buf_printf(out,
                "%zu nodes, each in a location of its own, that probe each other every %lld s over "
                "%s and publish every %lld s;\nthe old metric is %s",
                config->nodes, (long long)config->delay_s, config->tls ? "https" : "http",
                (long long)config->interval_s, config->legacy ? "on" : "off");
  if (config->metrics_max > 0)
    pm_buf_printf(out, ", and no node names more than %zu metrics", config->metrics_max);
  pm_buf_text(out, ":\n\n");
}

void pm_cloudwatch_forecast_print(const struct pm_cloudwatch_forecast_config *config,
                                  const struct pm_cloudwatch_forecast *forecast,
                                  struct pm_buf *out) {
  print_question(config, out);
  pm_buf_printf(out, "  metrics   %14llu           %12.2f dollars a month\n",
                (unsigned long long)forecast->metrics, forecast->metrics_dollars);
  pm_buf_printf(out, "  requests  %14.0f a month   %12.2f dollars a month\n", forecast->requests,
                forecast->requests_dollars);
  pm_buf_printf(out, "  together                           %12.2f dollars a month\n\n",
                forecast->metrics_dollars + forecast->requests_dollars);
  pm_buf_printf(out, "%zu metrics a node, for %zu paths. A month is 30 days.\n",
                forecast->metrics_per_node, forecast->paths);
  pm_buf_printf(
      out,
      "Prices of us-east-1, %s: a custom metric 0.30 dollars a month up to 10,000, 0.10 up "
      "to 250,000, 0.05 up to 1,000,000, then 0.02;\nPutMetricData 0.01 a thousand. Alarms, "
      "dashboards and reading cost extra; the free tier is not taken off.\n"
      "--cloudwatch-max-metrics caps the metrics, --cloudwatch-legacy off saves one a "
      "path, a longer --cloudwatch-interval requests.\n",
      PRICES_DATE);
}
