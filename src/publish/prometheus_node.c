/* The node's own health in Prometheus' text format; see publish/prometheus.h. */
#include "publish/prometheus.h"
#include "publish/prometheus_text.h"

enum { LABELS_BYTES_MAX = 4096 }; /* names of our own, and one location */

static void one(struct pm_buf *out, const char *name, const char *type, const char *help) {
  pm_prometheus_family(out, name, type, help);
  pm_prometheus_sample(out, name, "", "", NULL);
}

static void labelled(struct pm_buf *out, const char *name, const char *label, const char *value) {
  struct pm_buf labels;
  pm_buf_init(&labels, LABELS_BYTES_MAX);
  pm_prometheus_label(&labels, label, value);
  pm_prometheus_sample(out, name, "", labels.data, NULL);
  pm_buf_deinit(&labels);
}

static void write_identity(const struct pm_prometheus_view *view, struct pm_buf *out) {
  static const char name[] = "pingmesh_node_info";
  struct pm_buf labels;
  pm_buf_init(&labels, LABELS_BYTES_MAX);
  pm_prometheus_label(&labels, "location", view->from);
  pm_prometheus_label(&labels, "version", view->version);
  pm_prometheus_family(out, name, "gauge", "This node: always 1.");
  pm_prometheus_sample(out, name, "", labels.data, NULL);
  pm_prometheus_uint(out, 1);
  pm_buf_deinit(&labels);
}

static void write_process(const struct pm_prometheus_process *process, struct pm_buf *out) {
  one(out, "process_start_time_seconds", "gauge", "When the process started.");
  pm_prometheus_seconds(out, process->start.ns);
  one(out, "process_cpu_seconds_total", "counter", "Processor time used.");
  pm_prometheus_seconds(out, process->cpu_ns);
  one(out, "process_resident_memory_bytes", "gauge", "Memory in RAM.");
  pm_prometheus_uint(out, process->resident_bytes);
  one(out, "pingmesh_heap_bytes", "gauge", "Memory in allocations that live.");
  pm_prometheus_uint(out, process->heap_bytes);
  one(out, "process_open_fds", "gauge", "Descriptors in use.");
  pm_prometheus_uint(out, process->open_fds);
  one(out, "process_max_fds", "gauge", "Descriptors that may be in use.");
  pm_prometheus_uint(out, process->max_fds);
}

static void write_probing(const struct pm_prometheus_view *view, struct pm_buf *out) {
  one(out, "pingmesh_targets", "gauge", "Targets of this node, given-up ones included.");
  pm_prometheus_uint(out, pm_roster_count(view->roster));
  one(out, "pingmesh_targets_ended_total", "counter",
      "Targets that reached their limit, were given up or removed.");
  pm_prometheus_uint(out, pm_roster_ended_total(view->roster));
  one(out, "pingmesh_probes_in_flight", "gauge", "Probes under way.");
  pm_prometheus_uint(out, view->loop.in_flight);
  one(out, "pingmesh_loop_lag_seconds", "gauge",
      "The longest that an event waited for this node lately.");
  pm_prometheus_seconds(out, view->loop.lag_max_ns);
  one(out, "pingmesh_requests_total", "counter", "Requests answered.");
  pm_prometheus_uint(out, view->requests);
}

/* ---- sinks ---- */

static const struct {
  const char *name, *help;
  size_t offset;
} SINK_COUNTERS[] = {
    {"pingmesh_sink_taken_total", "Samples that a sink took.",
     offsetof(struct pm_sink_counts, taken)},
    {"pingmesh_sink_dropped_total", "Of these, those dropped from its full queue.",
     offsetof(struct pm_sink_counts, dropped)},
    {"pingmesh_sink_failed_total", "Tries to write out that failed.",
     offsetof(struct pm_sink_counts, failed)},
};

static void write_sinks(const struct pm_publisher *publisher, struct pm_buf *out) {
  for (size_t c = 0; c < sizeof(SINK_COUNTERS) / sizeof(SINK_COUNTERS[0]); c++) {
    pm_prometheus_family(out, SINK_COUNTERS[c].name, "counter", SINK_COUNTERS[c].help);
    for (size_t i = 0; i < publisher->count; i++) {
      const struct pm_sink *sink = publisher->sinks[i];
      struct pm_sink_counts counts = {0};
      if (sink->ops->counts == NULL) continue;
      sink->ops->counts(sink, &counts);
      labelled(out, SINK_COUNTERS[c].name, "sink", sink->ops->name);
      pm_prometheus_uint(
          out, *(const uint64_t *)(const void *)((const char *)&counts + SINK_COUNTERS[c].offset));
    }
  }
}

/* ---- clients ---- */

static void write_clients(const struct pm_prometheus_clients *clients, struct pm_buf *out) {
  static const char refused[] = "pingmesh_connections_refused_total";
  const struct {
    const char *reason;
    uint64_t count;
  } reasons[] = {{"full", clients->refused_full},
                 {"share", clients->refused_share},
                 {"rate", clients->refused_rate}};
  one(out, "pingmesh_connections", "gauge", "Connections of clients.");
  pm_prometheus_uint(out, clients->open);
  one(out, "pingmesh_streams", "gauge", "Of these, streams of events.");
  pm_prometheus_uint(out, clients->streams);
  one(out, "pingmesh_connections_total", "counter", "Connections that clients made.");
  pm_prometheus_uint(out, clients->connections);
  one(out, "pingmesh_connections_gave_way_total", "counter",
      "Of these, those that ended for others to have a place.");
  pm_prometheus_uint(out, clients->gave_way);
  one(out, "pingmesh_connections_timeout_total", "counter", "Of these, those that took too long.");
  pm_prometheus_uint(out, clients->timeouts);
  one(out, "pingmesh_requests_bad_total", "counter", "Requests that could not be understood.");
  pm_prometheus_uint(out, clients->bad_requests);
  pm_prometheus_family(out, refused, "counter",
                       "Refused: no place was left, or one address had its share or was too fast.");
  for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
    labelled(out, refused, "reason", reasons[i].reason);
    pm_prometheus_uint(out, reasons[i].count);
  }
}

/* ---- history ---- */

static void write_history(const struct pm_prometheus_history *history, struct pm_buf *out) {
  const struct {
    const char *name, *type, *help;
    uint64_t value;
  } figures[] = {
      {"pingmesh_history_written_total", "counter", "Minutes of history written.",
       history->written},
      {"pingmesh_history_dropped_total", "counter", "Minutes for which there was no room.",
       history->dropped},
      {"pingmesh_history_refused_total", "counter", "Minutes that could not be kept.",
       history->refused},
      {"pingmesh_history_failures_total", "counter", "Tries to write to the disk that failed.",
       history->failures},
      {"pingmesh_history_damaged_total", "counter", "Rows of history that could not be read.",
       history->damaged},
      {"pingmesh_history_in_memory", "gauge", "Minutes that wait in memory for the disk.",
       history->in_memory},
      {"pingmesh_history_queries_total", "counter", "Questions asked of the history.",
       history->queries},
      {"pingmesh_history_file_bytes", "gauge", "Size of the history's file, as far as in use.",
       history->file_bytes > 0 ? (uint64_t)history->file_bytes : 0},
  };
  for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
    one(out, figures[i].name, figures[i].type, figures[i].help);
    pm_prometheus_uint(out, figures[i].value);
  }
}

/* ---- the mesh ---- */

static void write_members(const struct pm_gossip_status *status, struct pm_buf *out) {
  static const char name[] = "pingmesh_mesh_endpoints";
  const struct {
    const char *state;
    uint32_t count;
  } states[] = {{"local", status->local},
                {"heard", status->heard},
                {"candidate", status->candidates},
                {"verified", status->verified},
                {"lost", status->lost}};
  pm_prometheus_family(out, name, "gauge", "Endpoints of the mesh that this node knows, by state.");
  for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
    labelled(out, name, "state", states[i].state);
    pm_prometheus_uint(out, states[i].count);
  }
  one(out, "pingmesh_mesh_active", "gauge",
      "Of the verified ones, those probed at every interval.");
  pm_prometheus_uint(out, status->active);
  one(out, "pingmesh_mesh_nodes_estimate", "gauge", "Distinct nodes ever verified, estimated.");
  pm_prometheus_double(out, status->nodes_estimate);
}

static void write_budgets(const struct pm_gossip_status *status, struct pm_buf *out) {
  static const char left[] = "pingmesh_mesh_budget_left";
  static const char refused[] = "pingmesh_mesh_budget_refused_total";
  pm_prometheus_family(out, left, "gauge", "Tokens left of what bounds growth.");
  for (size_t i = 0; i < PM_GOSSIP_BUDGETS; i++) {
    labelled(out, left, "budget", status->budgets[i].name);
    pm_prometheus_double(out, (double)status->budgets[i].left);
  }
  pm_prometheus_family(out, refused, "counter", "What an empty budget refused.");
  for (size_t i = 0; i < PM_GOSSIP_BUDGETS; i++) {
    labelled(out, refused, "budget", status->budgets[i].name);
    pm_prometheus_uint(out, status->budgets[i].refused);
  }
}

static void write_mesh_counts(const struct pm_gossip_status *status, struct pm_buf *out) {
  static const char changes[] = "pingmesh_mesh_changes_total";
  static const char refusals[] = "pingmesh_mesh_refusals_total";
  static const char bounds[] = "pingmesh_mesh_bounds_violated_total";
  pm_prometheus_family(out, changes, "counter", "Changes of what is known of the mesh.");
  for (int i = 0; i < PM_CHANGE_COUNT; i++) {
    labelled(out, changes, "change", pm_change_text((enum pm_change)i));
    pm_prometheus_uint(out, status->changes[i]);
  }
  pm_prometheus_family(out, refusals, "counter", "Endpoints that were refused, by reason.");
  for (int i = 1; i < PM_REFUSAL_COUNT; i++) { /* 0 is none */
    labelled(out, refusals, "reason", pm_refusal_text((enum pm_refusal_reason)i));
    pm_prometheus_uint(out, status->refusals[i]);
  }
  pm_prometheus_family(out, bounds, "counter", "Refused by the last line of defence: always 0.");
  for (int i = 0; i < PM_BOUND_COUNT; i++) {
    labelled(out, bounds, "bound", pm_bound_code((enum pm_bound)i));
    pm_prometheus_uint(out, status->bounds[i]);
  }
}

void pm_prometheus_write_node(const struct pm_prometheus_view *view, struct pm_buf *out) {
  write_identity(view, out);
  write_process(&view->process, out);
  write_probing(view, out);
  if (view->publisher != NULL) write_sinks(view->publisher, out);
  if (view->clients != NULL) write_clients(view->clients, out);
  if (view->history != NULL) write_history(view->history, out);
  if (view->core == NULL) return;
  struct pm_gossip_status status;
  pm_gossip_status(view->core, &status);
  write_members(&status, out);
  write_budgets(&status, out);
  write_mesh_counts(&status, out);
}
