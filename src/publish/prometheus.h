/* What /metrics shows: the measurements of every target under the names that Prometheus' own prober
 * (blackbox_exporter) has made the field's, what only we measure under pingmesh_, and this node's
 * own health. Pure; the caller gathers what it needs.
 *
 * Labels of a measurement: from (this node's location), to (the target's), target (its URL), and
 * address, where that is given beside the URL (-I, a mesh's member). With more series than allowed,
 * targets of one location are rolled up: no labels target and address, counters and histograms
 * summed (publish/metrics_rollup.h), gauges averaged over the targets (probe_success is then the
 * share that is up).
 *
 *   probe_success  probe_duration_seconds  probe_http_duration_seconds{phase}
 * probe_http_status_code pingmesh_probes_total{outcome}  pingmesh_phase_seconds{phase} (histogram)
 *   pingmesh_late_probes_total  pingmesh_starved_samples_total pingmesh_retransmitted_samples_total
 *   pingmesh_syns_total  pingmesh_syns_lost_total  pingmesh_last_probe_timestamp_seconds
 *
 * A series of a target that departed is simply no longer there.
 */
#ifndef PM_PUBLISH_PROMETHEUS_H
#define PM_PUBLISH_PROMETHEUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "gossip/view.h"
#include "probe/roster.h"
#include "publish/sink.h"

struct pm_metrics_rollup;

enum {
  PM_PROMETHEUS_SERIES_DEFAULT = 100000, /* a thousand targets in detail, about 10 MB a scrape */
  PM_PROMETHEUS_SERIES_MAX = 1000000,
};

/* Of the process; what is unknown is 0. */
struct pm_prometheus_process {
  struct pm_wall start;
  int64_t cpu_ns;
  uint64_t resident_bytes, heap_bytes;
  uint64_t open_fds, max_fds;
};

struct pm_prometheus_loop {
  int64_t lag_max_ns; /* of this node's loop, lately */
  uint64_t in_flight; /* probes */
};

/* Of the kept history. */
struct pm_prometheus_history {
  uint64_t written, dropped, refused; /* minutes */
  uint64_t failures;                  /* tries to write */
  uint64_t damaged;                   /* rows */
  uint64_t in_memory;                 /* minutes that wait there for the file, now */
  uint64_t queries;
  int64_t file_bytes;
};

/* Of the server's clients. */
struct pm_prometheus_clients {
  uint64_t open;    /* connections, now */
  uint64_t streams; /* of these, those that are told what happens */
  uint64_t connections, timeouts, bad_requests;
  uint64_t gave_way;                                  /* for another one */
  uint64_t refused_full, refused_share, refused_rate; /* no place; one address has its share, or is
                                                         too fast */
};

struct pm_prometheus_view {
  const char *from, *version;
  const struct pm_roster *roster;
  size_t series_max;
  struct pm_metrics_rollup *rollup; /* NULL: rolled-up counters are of the targets of now */
  const struct pm_gossip *core;     /* NULL without a mesh */
  const struct pm_publisher *publisher;
  const struct pm_prometheus_history *history; /* NULL: none is kept */
  const struct pm_prometheus_clients *clients; /* NULL: there is no server */
  uint64_t requests;                           /* answered by the server */
  struct pm_prometheus_process process;
  struct pm_prometheus_loop loop;
};

/* Failures stick in the buffer. */
void pm_prometheus_write(const struct pm_prometheus_view *view, struct pm_buf *out);

/* The two halves of it. */
void pm_prometheus_write_targets(const struct pm_prometheus_view *view, struct pm_buf *out);
void pm_prometheus_write_node(const struct pm_prometheus_view *view, struct pm_buf *out);

#endif
