/* What can be asked of the store, and what it answers. Plain data; how to ask is in store/store.h.
 *
 * All times are of the calendar, in seconds since 1970 UTC. A directed pair is named by the keys of
 * its two nodes.
 */
#ifndef PM_STORE_ANSWER_H
#define PM_STORE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/pattern.h"
#include "analysis/zone.h"
#include "base/endpoint.h"
#include "probe/loss.h"
#include "probe/sample.h"

enum {
  /* 400 days of hours, or a week of minutes; a row takes some 200 bytes. More is refused. */
  PM_STORE_ROWS_MAX = 10240,
  PM_STORE_WEEK_HOURS = 168,
  PM_STORE_STEP_S_MAX = 31 * 86400,
  /* Nodes of a location that are looked at: each reads a list of every hour, some 20 ms. */
  PM_STORE_LOCATION_NODES_MAX = 32,
  PM_STORE_PAIRS_PAGE_MAX = 10000, /* pairs of one answer, 2 KB each at most */
};

/* What a phase took over some stretch of time: percentiles from merged histograms (1 %), kept
 * within minimum and maximum, which are exact. All 0 if count is. */
struct pm_figures {
  uint64_t count; /* successes that had the phase, fit to be published as latency */
  int64_t mean_ns, min_ns, p10_ns, p25_ns, p50_ns, p75_ns, p90_ns, p99_ns, max_ns;
  int64_t jitter_ns; /* as it stood at the end (probe/window.h) */
};

struct pm_history_query {
  const char *from, *to; /* keys; copied */
  int64_t since_s, until_s;
  int64_t step_s; /* a multiple of 60 s; rows begin at multiples of it */
  enum pm_phase phase;
  /* What was not put into the store yet: the open minute as a packed slot, added to what is there.
     Put while the question waits, it counts once. NULL: none; copied. */
  const uint8_t *open;
  size_t open_count;
  int64_t open_minute;
};

struct pm_history_row {
  int64_t time_s;                                               /* its beginning */
  uint32_t sent, succeeded, lost, starved, retransmitted, late; /* as in probe/slot.h */
  struct pm_loss packets;
  struct pm_figures figures;       /* of the phase that was asked for */
  int64_t mean_ns[PM_PHASE_COUNT]; /* of each phase: means may be stacked, percentiles not. 0: the
                                      phase did not happen */
};

struct pm_history {
  const struct pm_history_row *rows; /* ascending; no row where nothing is known */
  size_t count;
  /* What the rows are apart: what was asked for, or longer where nothing as fine is kept. */
  int64_t step_s;
  bool reported; /* by the other node (store/report.h) and not measured here: figures are near */
};

struct pm_profile_query {
  const char *from, *to; /* keys; copied */
  bool by_location;      /* locations instead, and every pair between them together */
  int64_t since_s, until_s;
  struct pm_zone zone; /* of the viewer */
  enum pm_phase phase;
};

struct pm_profile_cell {
  uint32_t hours;      /* that had anything sent in them */
  uint64_t sent, lost; /* probes */
  struct pm_figures figures;
  /* Quartiles of the medians of its hours: what is within them is usual at that hour. */
  int64_t median_low_ns, median_ns, median_high_ns;
};

/* Hour of the week: cells[0] is Monday from 0 to 1 o'clock in the viewer's zone. From hour rows,
 * each counted where its middle lies: in a zone of half an hour cells are that much off. */
struct pm_profile {
  struct pm_profile_cell cells[PM_STORE_WEEK_HOURS];
  struct pm_figures all; /* of every hour of it together */
  uint32_t hours;
  struct pm_pattern pattern; /* of the medians of its hours; the latest, if they are too many */
  bool reported;             /* as above */
};

/* A node as it is remembered. Strings belong to the answer. */
struct pm_store_name {
  const char *key;      /* see store/store.h */
  const char *url;      /* "" if unknown */
  const char *location; /* "" if unknown */
};

struct pm_store_pair {
  int64_t id; /* ascending; for the next page */
  struct pm_store_name from, to;
  int64_t first_s, last_s; /* of its minutes, to the hour */
};

struct pm_store_pairs {
  const struct pm_store_pair *pairs;
  size_t count;
  bool more; /* ask again after the last one's id */
};

#endif
