/* Rows of the matrix for the store: what other nodes say of their paths, every ten minutes. Only
 * rows that came from the node that measured them, or relayed, and only their cells that say
 * something of now. Decides nothing about time: who calls does.
 *
 * A cell is of the last ten minutes as its node saw them when it told, up to PM_MATRIX_STALE_S ago,
 * and its figures are those that were published last (analysis/own_row.h: within a sixteenth). So
 * what is written reaches back that much further than its ten minutes, and each ten minutes of a
 * path count once.
 */
#ifndef PM_NODE_HISTORY_REPORTS_H
#define PM_NODE_HISTORY_REPORTS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/matrix.h"
#include "gossip/view.h"
#include "store/store.h"

enum { PM_HISTORY_REPORT_MIN = 10 };

/* minute: at which the ten minutes began, of the calendar. core: for names of nodes; may be NULL.
 * Nodes whose identity is known neither from a row nor from the core are left out. Returns how
 * many rows were put; without memory, 0. */
size_t pm_history_reports_put(struct pm_store *store, const struct pm_matrix *matrix,
                              const struct pm_gossip *core, const struct pm_node_id *own,
                              struct pm_time now, int64_t minute);

#endif
