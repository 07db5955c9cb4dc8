#include "publish/prometheus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "publish/metrics_rows.h"
#include "publish/prometheus_text.h"

enum { LABELS_BYTES_MAX = 64 << 20 }; /* of all rows: some 4 kB each at their longest */

/* Rows, and the labels of each, written once: text + offsets[i] is NUL-terminated. */
struct table {
  struct pm_metrics_rows rows;
  struct pm_buf text;
  size_t *offsets;
};

static const char *labels_of(const struct table *table, size_t i) {
  return table->text.data + table->offsets[i];
}

static void label_address(struct pm_buf *out, const struct pm_ip *address) {
  char text[PM_IP_TEXT_BYTES];
  pm_ip_text(address, text);
  pm_prometheus_label(out, "address", text);
}

static void write_labels(const struct pm_prometheus_view *view, struct table *table) {
  struct pm_buf one;
  pm_buf_init(&one, LABELS_BYTES_MAX);
  for (size_t i = 0; i < table->rows.count; i++) {
    const struct pm_metrics_row *row = &table->rows.rows[i];
    pm_buf_reset(&one);
    pm_prometheus_label(&one, "from", view->from);
    pm_prometheus_label(&one, "to", row->to);
    if (row->target[0] != '\0') pm_prometheus_label(&one, "target", row->target);
    if (row->address != NULL) label_address(&one, row->address);
    if (pm_buf_status(&one) != PM_OK) table->text.err = pm_buf_status(&one);
    table->offsets[i] = table->text.len;
    pm_buf_append(&table->text, one.data, one.len + 1);
  }
  pm_buf_deinit(&one);
}

static enum pm_err table_make(const struct pm_prometheus_view *view, struct table *table) {
  pm_buf_init(&table->text, LABELS_BYTES_MAX);
  table->offsets = NULL;
  enum pm_err err =
      pm_metrics_rows_make(view->roster, view->series_max, view->rollup, &table->rows);
  if (err != PM_OK) return err;
  table->offsets = calloc(table->rows.count + 1, sizeof(*table->offsets));
  if (table->offsets == NULL) return PM_ERR_NOMEM;
  write_labels(view, table);
  return pm_buf_status(&table->text);
}

static void table_free(struct table *table) {
  pm_metrics_rows_free(&table->rows);
  pm_buf_deinit(&table->text);
  free(table->offsets);
}

/* ---- gauges and counters ---- */

static int64_t mean_ns(const struct pm_metrics_row *row, enum pm_phase phase) {
  return row->answered > 0 ? row->phases[phase].latest_ns / (int64_t)row->answered : 0;
}

static void write_success(const struct table *table, struct pm_buf *out) {
  static const char name[] = "probe_success";
  pm_prometheus_family(out, name, "gauge",
                       "Whether the latest probe succeeded; of several targets, the share.");
  for (size_t i = 0; i < table->rows.count; i++) {
    const struct pm_metrics_row *row = &table->rows.rows[i];
    if (row->probed == 0) continue;
    pm_prometheus_sample(out, name, "", labels_of(table, i), NULL);
    if (row->probed == 1)
      pm_prometheus_uint(out, row->up);
    else
      pm_prometheus_double(out, (double)row->up / row->probed);
  }
}

static void write_duration(const struct table *table, struct pm_buf *out) {
  static const char name[] = "probe_duration_seconds";
  pm_prometheus_family(
      out, name, "gauge",
      "How long the latest success took that did not starve, the lookup left out.");
  for (size_t i = 0; i < table->rows.count; i++) {
    const struct pm_metrics_row *row = &table->rows.rows[i];
    if (row->answered == 0) continue;
    pm_prometheus_sample(out, name, "", labels_of(table, i), NULL);
    pm_prometheus_seconds(out, mean_ns(row, PM_PHASE_TOTAL));
  }
}

/* The prober's names of the phases, and ours. */
static const struct {
  const char *label;
  enum pm_phase phase;
} HTTP_PHASES[] = {
    {"phase=\"resolve\"", PM_PHASE_DNS},   {"phase=\"connect\"", PM_PHASE_TCP},
    {"phase=\"tls\"", PM_PHASE_TLS},       {"phase=\"processing\"", PM_PHASE_FIRST},
    {"phase=\"transfer\"", PM_PHASE_LAST},
};

static void write_phases(const struct table *table, struct pm_buf *out) {
  static const char name[] = "probe_http_duration_seconds";
  pm_prometheus_family(
      out, name, "gauge",
      "The phases of the latest success, of a starved one those that the kernel timed.");
  for (size_t i = 0; i < table->rows.count; i++) {
    const struct pm_metrics_row *row = &table->rows.rows[i];
    if (row->answered == 0) continue;
    for (size_t p = 0; p < sizeof(HTTP_PHASES) / sizeof(HTTP_PHASES[0]); p++) {
      pm_prometheus_sample(out, name, "", labels_of(table, i), HTTP_PHASES[p].label);
      pm_prometheus_seconds(out, mean_ns(row, HTTP_PHASES[p].phase));
    }
  }
}

static void write_status(const struct table *table, struct pm_buf *out) {
  static const char name[] = "probe_http_status_code";
  if (table->rows.by_location) return;
  pm_prometheus_family(out, name, "gauge", "Status of the latest probe; 502 without an answer.");
  for (size_t i = 0; i < table->rows.count; i++) {
    if (table->rows.rows[i].status == 0) continue;
    pm_prometheus_sample(out, name, "", labels_of(table, i), NULL);
    pm_prometheus_uint(out, (uint64_t)table->rows.rows[i].status);
  }
}

static void write_time(const struct table *table, struct pm_buf *out) {
  static const char name[] = "pingmesh_last_probe_timestamp_seconds";
  pm_prometheus_family(out, name, "gauge", "When the latest probe started.");
  for (size_t i = 0; i < table->rows.count; i++) {
    if (table->rows.rows[i].latest.ns == 0) continue;
    pm_prometheus_sample(out, name, "", labels_of(table, i), NULL);
    pm_prometheus_seconds(out, table->rows.rows[i].latest.ns);
  }
}

static void write_outcomes(const struct table *table, struct pm_buf *out) {
  static const char name[] = "pingmesh_probes_total";
  char labels[PM_OUTCOME_COUNT][64];
  for (int o = 0; o < PM_OUTCOME_COUNT; o++) {
    struct pm_buf label;
    pm_buf_init(&label, sizeof(labels[o]) - 1);
    pm_prometheus_label(&label, "outcome", pm_outcome_text((enum pm_outcome)o));
    memcpy(labels[o], label.data, label.len + 1);
    pm_buf_deinit(&label);
  }
  pm_prometheus_family(out, name, "counter", "Probes by what became of them.");
  for (size_t i = 0; i < table->rows.count; i++) {
    for (int o = 0; o < PM_OUTCOME_COUNT; o++) {
      uint64_t count = table->rows.rows[i].outcomes[o];
      if (count == 0) continue;
      pm_prometheus_sample(out, name, "", labels_of(table, i), labels[o]);
      pm_prometheus_uint(out, count);
    }
  }
}

static const struct {
  const char *name, *help;
  size_t offset;
} COUNTERS[] = {
    {"pingmesh_late_probes_total", "Turns that came while the probe before was still running.",
     offsetof(struct pm_metrics_row, late)},
    {"pingmesh_starved_samples_total", "Samples in which this node was kept from looking in time.",
     offsetof(struct pm_metrics_row, starved)},
    {"pingmesh_retransmitted_samples_total", "Samples in which a packet was sent again.",
     offsetof(struct pm_metrics_row, retransmitted)},
    {"pingmesh_syns_total", "First SYN packets of connections, each a trial of the round trip.",
     offsetof(struct pm_metrics_row, syns)},
    {"pingmesh_syns_lost_total", "Of these, those that were lost, or whose answer was.",
     offsetof(struct pm_metrics_row, syns_lost)},
};

static void write_counters(const struct table *table, struct pm_buf *out) {
  for (size_t c = 0; c < sizeof(COUNTERS) / sizeof(COUNTERS[0]); c++) {
    pm_prometheus_family(out, COUNTERS[c].name, "counter", COUNTERS[c].help);
    for (size_t i = 0; i < table->rows.count; i++) {
      uint64_t value;
      memcpy(&value, (const char *)&table->rows.rows[i] + COUNTERS[c].offset, sizeof(value));
      pm_prometheus_sample(out, COUNTERS[c].name, "", labels_of(table, i), NULL);
      pm_prometheus_uint(out, value);
    }
  }
}

/* ---- the histogram ---- */

/* phase="tcp",le="0.00005": the same for every row. */
struct bucket_labels {
  struct pm_buf of_bucket[PM_BUCKETS_COUNT + 1];
  struct pm_buf alone;
};

static void bucket_labels_make(struct bucket_labels *labels, enum pm_phase phase) {
  pm_buf_init(&labels->alone, LABELS_BYTES_MAX);
  pm_prometheus_label(&labels->alone, "phase", pm_phase_text(phase));
  for (size_t b = 0; b <= PM_BUCKETS_COUNT; b++) {
    struct pm_buf *label = &labels->of_bucket[b];
    char bound[PM_PROMETHEUS_SECONDS_BYTES] = "+Inf";
    if (b < PM_BUCKETS_COUNT) pm_prometheus_seconds_text(pm_buckets_bound_ns(b), bound);
    pm_buf_init(label, LABELS_BYTES_MAX);
    pm_prometheus_label(label, "phase", pm_phase_text(phase));
    pm_prometheus_label(label, "le", bound);
  }
}

static void bucket_labels_free(struct bucket_labels *labels) {
  pm_buf_deinit(&labels->alone);
  for (size_t b = 0; b <= PM_BUCKETS_COUNT; b++) pm_buf_deinit(&labels->of_bucket[b]);
}

static const char HISTOGRAM[] = "pingmesh_phase_seconds";

static void write_histogram(const char *row_labels, const struct pm_buckets *buckets,
                            const struct bucket_labels *labels, struct pm_buf *out) {
  uint64_t below = 0;
  for (size_t b = 0; b <= PM_BUCKETS_COUNT; b++) {
    below += buckets->counts[b];
    pm_prometheus_sample(out, HISTOGRAM, "_bucket", row_labels, labels->of_bucket[b].data);
    pm_prometheus_uint(out, below);
  }
  pm_prometheus_sample(out, HISTOGRAM, "_sum", row_labels, labels->alone.data);
  pm_prometheus_seconds(out, buckets->sum_ns);
  pm_prometheus_sample(out, HISTOGRAM, "_count", row_labels, labels->alone.data);
  pm_prometheus_uint(out, buckets->count);
}

static void write_histograms(const struct table *table, struct pm_buf *out) {
  pm_prometheus_family(out, HISTOGRAM, "histogram",
                       "Phases of successes that may be published as latency.");
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    if (!(PM_METRICS_PHASES >> phase & 1)) continue;
    struct bucket_labels labels;
    bucket_labels_make(&labels, (enum pm_phase)phase);
    for (size_t i = 0; i < table->rows.count; i++) {
      const struct pm_buckets *buckets = &table->rows.rows[i].phases[phase];
      if (buckets->count > 0) write_histogram(labels_of(table, i), buckets, &labels, out);
    }
    bucket_labels_free(&labels);
  }
}

void pm_prometheus_write_targets(const struct pm_prometheus_view *view, struct pm_buf *out) {
  struct table table;
  enum pm_err err = table_make(view, &table);
  if (err == PM_OK) {
    write_success(&table, out);
    write_duration(&table, out);
    write_phases(&table, out);
    write_status(&table, out);
    write_time(&table, out);
    write_outcomes(&table, out);
    write_counters(&table, out);
    write_histograms(&table, out);
  } else if (out->err == PM_OK) {
    out->err = err;
  }
  table_free(&table);
}

void pm_prometheus_write(const struct pm_prometheus_view *view, struct pm_buf *out) {
  pm_prometheus_write_targets(view, out);
  pm_prometheus_write_node(view, out);
}
