/* A peer's statistics as an entry of `/v1/peers` carries them: "Stats" in its "Mesh" object, a
 * member for each window. Pure; written by nodes, read by avgping.
 *
 *   "Stats":{"10m":{"Sent":60,"Succeeded":60,"Lost":0,"Starved":0,"Retransmitted":0,"Late":0,
 *     "Segments":60,"SegmentsResent":0,
 *     "Trials":60,"TrialsLost":0,"Loss":0.000000,"LossLow":0.000000,"LossHigh":0.059629,
 *     "Tcp":{"Count":60,"Mean":211034,"P50":210944,"P90":…,"P95":…,"P99":…,"Max":…,"Jitter":…},
 *     "First":{…},"Last":{…},"Total":{…}}}
 *
 * Times are whole nanoseconds, as everywhere in this document. Lost are probes that failed; Loss is
 * of packets: the share of first SYNs (Trials) that were lost or whose answer was, null if there
 * were none, and the bounds of its interval of 95 %. A phase that never happened is left out. One
 * line, for there may be thousands of entries.
 */
#ifndef PM_GOSSIP_STATS_DOC_H
#define PM_GOSSIP_STATS_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json_read.h"
#include "base/json_write.h"

enum {
  PM_STATS_DOC_WINDOWS = 3, /* "1m", "10m", "1h" */
  PM_STATS_DOC_PHASES = 6,  /* "Dns", "Tcp", "Tls", "First", "Last", "Total" */
};
const char *pm_stats_doc_window_name(int window);
const char *pm_stats_doc_phase_name(int phase);

struct pm_stats_doc_phase {
  int64_t count; /* 0: it never happened; then the rest is not there */
  int64_t mean_ns, p50_ns, p90_ns, p95_ns, p99_ns, max_ns, jitter_ns;
};

struct pm_stats_doc_window {
  bool there; /* false: not asked for, or an older node */
  int64_t sent, succeeded, lost, starved, retransmitted, late;
  int64_t trials, trials_lost;
  double loss, loss_low, loss_high; /* 0 to 1; nothing if trials is 0 */
  int64_t segments, segments_resent;
  struct pm_stats_doc_phase phases[PM_STATS_DOC_PHASES];
};

struct pm_stats_doc {
  struct pm_stats_doc_window windows[PM_STATS_DOC_WINDOWS];
};

/* "Stats", inside an object that the caller has begun. */
void pm_stats_doc_write(struct pm_json_writer *w, const struct pm_stats_doc *stats);

/* Of an entry's Mesh object (NULL: it has none). Windows that are malformed are not there; numbers
 * are within the range of the type, and nothing more is promised of them. False if none is there.
 */
bool pm_stats_doc_read(const struct pm_json *mesh, struct pm_stats_doc *out);

#endif
