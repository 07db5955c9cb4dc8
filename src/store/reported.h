/* Lists of reports in the database (store/report.h): put, added up, merged into hours. Blocks.
 * Everything here is between pm_database_begin and its end; failures stick there.
 *
 * A list of ten minutes is there once: put again, it takes the other's place. A row's key is its
 * time, then the node: a mesh that reports writes its lists side by side, and what is old is one
 * stretch. An hour's list is merged from those of its tens once its time is over, and until then,
 * or if one of them came later, read from them.
 */
#ifndef PM_STORE_REPORTED_H
#define PM_STORE_REPORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/database.h"
#include "store/report.h"

/* What that node says of its paths over ten minutes, that begin with the minute. paths: in any
 * order, sorted here; of two to the same node the first counts. False: they are too old, or too
 * many, and counted as refused. */
bool pm_reported_put(struct pm_database *db, int64_t from, int64_t minute,
                     struct pm_report_path *paths, size_t count);

/* Paths of one node to others, whose numbers ascend. */
struct pm_reported_paths {
  int64_t from;
  const int64_t *to;
  size_t count;
};
/* Adds what was reported of them in [since, until): whole tens, or whole hours. */
void pm_reported_add_span(struct pm_database *db, enum pm_report_tier tier,
                          const struct pm_reported_paths *paths, int64_t since, int64_t until,
                          struct pm_slot_sum *sum);

/* Merges up to so many lists whose hour was over by now; true if any was to be merged. */
bool pm_reported_merge_due(struct pm_database *db, int64_t now, int64_t max);
bool pm_reported_any_pending(struct pm_database *db, int64_t before);

/* As in store/series.h. */
int64_t pm_reported_earliest(struct pm_database *db, enum pm_report_tier tier);
void pm_reported_set_horizon(struct pm_database *db, enum pm_report_tier tier, int64_t horizon);

#endif
