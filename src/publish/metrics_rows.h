/* What a node measured, as rows that metrics are made of: one row a target, or, where that would be
 * more series than a database should be given, one a location. Pure; reads the roster as it is.
 */
#ifndef PM_PUBLISH_METRICS_ROWS_H
#define PM_PUBLISH_METRICS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/buckets.h"
#include "probe/roster.h"

/* The phases that have a histogram; the others are gauges of the latest sample. */
#define PM_METRICS_PHASES \
  ((1u << PM_PHASE_TCP) | (1u << PM_PHASE_TLS) | (1u << PM_PHASE_FIRST) | (1u << PM_PHASE_TOTAL))

struct pm_metrics_rollup; /* publish/metrics_rollup.h */

struct pm_metrics_row {
  uint64_t id;        /* of a single target */
  const char *target; /* its URL; "" for a row of several */
  const char *to;     /* where it is */
  /* Where it is connected to, if that is not for a lookup to say: endpoints may differ in nothing
   * else. NULL otherwise. */
  const struct pm_ip *address;
  uint32_t targets;  /* in it, given-up ones included */
  uint32_t probed;   /* of these, at least once: a new one is neither up nor down */
  uint32_t up;       /* of these, whose latest probe succeeded */
  uint32_t answered; /* of these, with a success at any time: what latest_ns is the sum of */
  int status;        /* the latest of a single target; 0 for several, or before the first */
  uint64_t outcomes[PM_OUTCOME_COUNT];
  uint64_t late, starved, retransmitted, syns, syns_lost;
  struct pm_wall latest; /* sample */
  struct pm_buckets phases[PM_PHASE_COUNT];
};

struct pm_metrics_rows {
  struct pm_metrics_row *rows;
  size_t count;
  bool by_location; /* rolled up */
};

/* At most series_max series in all, and no more than fit into an answer: by target if that holds
 * them, else by location; of the locations beyond that the rest is one row to "other". Strings are
 * the roster's. rollup remembers what a location's counters were the last time, so that they never
 * fall; NULL: nothing does. PM_ERR_NOMEM: out is to be freed all the same. */
enum pm_err pm_metrics_rows_make(const struct pm_roster *roster, size_t series_max,
                                 struct pm_metrics_rollup *rollup,
                                 struct pm_metrics_rows *out) PM_MUST_USE;
void pm_metrics_rows_free(struct pm_metrics_rows *rows);

/* How many series a row makes. */
size_t pm_metrics_row_series(const struct pm_metrics_row *row);

#endif
