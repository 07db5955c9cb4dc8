/* The bill: prices, and the forecast against what a simulated 50-node mesh really sends to an
 * endpoint that counts.
 *
 * In the suite one node of the fifty runs for four hours. All of it is
 *
 *   PM_CLOUDWATCH_MONTH=NODES,HOURS unit_publish_cloudwatch_forecast
 *
 * with 50,720 for every node and 30 days: days in a debug build, so in a release build and rather
 * 1,720 and 50,24, which together cover both axes (nodes do not affect each other's requests).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cloudwatch_fixture.h"
#include "publish/cloudwatch_encode.h"
#include "publish/cloudwatch_forecast.h"

enum {
  NODES = 50,
  PEERS = NODES - 1,
  DELAY_S = 10,
  NAMES_MAX = 4096, /* different metrics of one node in one hour */
};

static void test_prices(void **state) {
  (void)state;
  static const struct {
    double metrics, dollars;
  } rows[] = {{0, 0},        {1, 0.30},       {10000, 3000},    {10001, 3000.10},
              {14700, 3470}, {250000, 27000}, {1000000, 64500}, {2000000, 84500}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    double dollars = pm_cloudwatch_metrics_dollars(rows[i].metrics);
    assert_true(fabs(dollars - rows[i].dollars) < 0.001);
  }
  /* The original's 635 million puts. */
  assert_true(fabs(pm_cloudwatch_requests_dollars(635e6) - 6350) < 0.001);
}

/* --- the endpoint that counts ------------------------------------------------------------------
 */

struct endpoint {
  uint64_t requests, data, probes; /* probes: samples of Loss */
  uint64_t largest_request;
  uint64_t names[NAMES_MAX]; /* hashes; of this hour */
  size_t names_count, names_largest;
};

/* FNV-1a: names of a test do not attack it. */
static uint64_t hash(uint64_t hash, const char *text, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
  return hash;
}

static void note_name(struct endpoint *e, uint64_t name) {
  for (size_t i = 0; i < e->names_count; i++)
    if (e->names[i] == name) return;
  assert_true(e->names_count < NAMES_MAX);
  e->names[e->names_count++] = name;
  if (e->names_count > e->names_largest) e->names_largest = e->names_count;
}

/* Reads "MetricName=…&…Dimensions…" of each datum as CloudWatch would tell metrics apart. */
static void receive(struct endpoint *e, const char *text, size_t bytes) {
  uint64_t name = 0;
  bool loss = false;
  e->requests++;
  if (bytes > e->largest_request) e->largest_request = bytes;
  for (const char *at = text; *at != '\0';) {
    size_t length = strcspn(at, "&");
    const char *value = memchr(at, '=', length);
    size_t value_bytes = length - (size_t)(value - at) - 1;
    if (memmem(at, length, ".MetricName=", 12) != NULL) {
      if (name != 0) note_name(e, name);
      e->data++;
      name = hash(14695981039346656037u, value, value_bytes);
      loss = value_bytes == 4 && memcmp(value + 1, "Loss", 4) == 0;
    } else if (memmem(at, length, ".Dimensions.", 12) != NULL) {
      name = hash(name, value, value_bytes + 1);
    } else if (loss && memmem(at, length, ".Counts.", 8) != NULL) {
      e->probes += strtoull(value + 1, NULL, 10);
    }
    at += length + (at[length] == '&');
  }
  if (name != 0) note_name(e, name);
}

/* --- a node of the mesh ------------------------------------------------------------------------
 */

struct node {
  struct pm_cloudwatch_paths *paths;
  struct pm_rng rng;
  double due_s[PEERS];
  int number;
  uint64_t probed;
};

/* Round trips of a real sort: a base by path, a tail, one in two hundred lost, and peer 7 worse. */
static struct pm_sample probe_of(struct node *node, int peer) {
  double base_ms = 0.4 + (double)((node->number * 31 + peer * 17) % 240);
  double tail = -log(1 - pm_rng_unit(&node->rng));
  bool lost = pm_rng_unit(&node->rng) < (peer == 7 ? 0.1 : 0.005);
  return lost ? failure_of(PM_OUTCOME_TIMEOUT)
              : success_of(base_ms * (1 + 0.03 * tail * tail), false);
}

/* Each peer's turn: the delay, ten per cent earlier or later, as in probe/plan. */
static void probe_until(struct node *node, double end_s) {
  for (int peer = 0; peer < PEERS; peer++) {
    char to[32];
    snprintf(to, sizeof(to), "City%02d,C%d", peer, peer % 12);
    while (node->due_s[peer] < end_s) {
      struct pm_sample sample = probe_of(node, peer);
      pm_cloudwatch_paths_add(node->paths, to, &sample);
      node->probed++;
      node->due_s[peer] += DELAY_S * (0.9 + 0.2 * pm_rng_unit(&node->rng));
    }
  }
}

static void run_node(int number, int hours, const struct pm_cloudwatch_paths_config *config,
                     struct endpoint *e) {
  struct node node = {.number = number};
  struct pm_buf request;
  assert_int_equal(pm_cloudwatch_paths_new(config, &node.paths), PM_OK);
  pm_rng_seed(&node.rng, 1000 + (uint64_t)number);
  pm_buf_init(&request, PM_CLOUDWATCH_ENCODE_BUF_BYTES);
  for (int peer = 0; peer < PEERS; peer++) node.due_s[peer] = DELAY_S * pm_rng_unit(&node.rng);
  uint64_t probes_before = e->probes;
  for (int64_t at_s = 0; at_s < hours * 3600; at_s += config->interval_s) {
    struct pm_cloudwatch_batch batch;
    if (at_s % 3600 == 0) e->names_count = 0;
    probe_until(&node, (double)(at_s + config->interval_s));
    pm_cloudwatch_batch_init(&batch);
    pm_cloudwatch_paths_flush(node.paths, (struct pm_wall){at_s * PM_NS_PER_S}, &batch);
    for (size_t at = 0; at < batch.count;) {
      pm_buf_reset(&request);
      assert_int_equal(pm_cloudwatch_encode(&batch, &at, &request), PM_OK);
      receive(e, request.data, request.len);
    }
    pm_cloudwatch_batch_deinit(&batch);
  }
  /* Without a ceiling every probe arrives in exactly one datum. */
  if (config->metrics_max == 0) assert_int_equal(e->probes - probes_before, node.probed);
  pm_buf_deinit(&request);
  pm_cloudwatch_paths_free(node.paths);
}

static void assert_within_2_percent(double forecast, double truth) {
  assert_true(fabs(forecast - truth) <= 0.02 * truth);
}

/* Returns the metrics that a node named in an hour. */
static size_t compare(bool legacy, int64_t interval_s, size_t metrics_max, int nodes, int hours) {
  struct pm_cloudwatch_paths_config config = {
      .from = "Paris,FR", .legacy = legacy, .interval_s = interval_s, .metrics_max = metrics_max};
  struct pm_cloudwatch_forecast_config question = {.nodes = NODES,
                                                   .delay_s = DELAY_S,
                                                   .active_max = 128,
                                                   .rotate_s = 600,
                                                   .peers_max = 1024,
                                                   .interval_s = interval_s,
                                                   .legacy = legacy,
                                                   .metrics_max = metrics_max};
  struct pm_cloudwatch_forecast forecast;
  struct endpoint *e = calloc(1, sizeof(*e));
  assert_int_equal(pm_cloudwatch_forecast(&question, &forecast), PM_OK);
  for (int number = 0; number < nodes; number++) run_node(number, hours, &config, e);
  double share = (double)nodes / NODES * hours * 3600 / PM_CLOUDWATCH_MONTH_S;
  double sent_metrics = (double)e->names_largest * NODES;
  double sent_dollars = pm_cloudwatch_metrics_dollars(sent_metrics) +
                        pm_cloudwatch_requests_dollars((double)e->requests / share);
  printf(
      "    interval %3lld s, ceiling %3zu: %llu metrics forecast, %.0f sent; %.0f requests a month "
      "forecast, %.0f sent; %.2f dollars forecast, %.2f sent\n",
      (long long)interval_s, metrics_max, (unsigned long long)forecast.metrics, sent_metrics,
      forecast.requests, (double)e->requests / share,
      forecast.metrics_dollars + forecast.requests_dollars, sent_dollars);
  assert_within_2_percent((double)forecast.metrics, sent_metrics);
  assert_within_2_percent(forecast.requests, (double)e->requests / share);
  assert_within_2_percent(forecast.metrics_dollars + forecast.requests_dollars, sent_dollars);
  assert_true(e->largest_request <= PM_CLOUDWATCH_REQUEST_BYTES_MAX);
  size_t metrics = e->names_largest;
  free(e);
  return metrics;
}

static void test_forecast_is_what_is_sent(void **state) {
  (void)state;
  int nodes = 1, hours = 4;
  const char *more = getenv("PM_CLOUDWATCH_MONTH");
  if (more != NULL) assert_int_equal(sscanf(more, "%d,%d", &nodes, &hours), 2);
  assert_int_equal(compare(true, 60, 0, nodes, hours), PEERS * 6);
  assert_int_equal(compare(false, 300, 0, nodes, hours), PEERS * 5);
}

static void test_the_ceiling_holds(void **state) {
  (void)state;
  static const size_t ceilings[] = {13, 100, 200, 294};
  for (size_t i = 0; i < sizeof(ceilings) / sizeof(ceilings[0]); i++) {
    size_t metrics = compare(true, 60, ceilings[i], 1, 2);
    assert_true(metrics <= ceilings[i]);
    assert_true(metrics + 6 >= ceilings[i] - ceilings[i] % 6); /* and what it allows is used */
  }
}

static void test_many_probes_need_more_requests(void **state) {
  (void)state;
  struct pm_cloudwatch_forecast_config question = {.nodes = 1000,
                                                   .delay_s = 1,
                                                   .active_max = 128,
                                                   .rotate_s = 600,
                                                   .peers_max = 1024,
                                                   .interval_s = 60,
                                                   .legacy = true,
                                                   .tls = true};
  struct pm_cloudwatch_forecast forecast;
  assert_int_equal(pm_cloudwatch_forecast(&question, &forecast), PM_OK);
  /* 128 paths at a time; 13 or 14 more by rotation within the hour; seven metrics each. */
  assert_in_range(forecast.metrics_per_node, 128 * 7, 142 * 7);
  /* More than 1 MB a flush, so two requests. */
  assert_within_2_percent(forecast.requests, 1000 * 43200.0 * 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_prices),
      cmocka_unit_test(test_forecast_is_what_is_sent),
      cmocka_unit_test(test_the_ceiling_holds),
      cmocka_unit_test(test_many_probes_need_more_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
