/* This node's own row of the matrix, kept for others to take: what changed of it since a revision.
 * Pure; the time comes with each call.
 *
 * Each cell that others would draw differently gets the next revision. A cell is published anew
 *   - at once when its state changes (a path that fails is news),
 *   - at most every PM_OWN_ROW_PUBLISH_S when a figure of it has moved by more than
 *     PM_OWN_ROW_STEP_SHIFT says (noise of a path that stays as it is costs nothing),
 * so whoever has revision r and hears at time t that there is none after r knows the whole row as
 * of t. A cell that is not set for three of its intervals and ten seconds turns stale by itself.
 */
#ifndef PM_ANALYSIS_OWN_ROW_H
#define PM_ANALYSIS_OWN_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/cell.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/node_id.h"

enum {
  PM_OWN_ROW_CELLS_MAX = 512, /* the active set has 128; the rest are targets by hand that proved
                                 to be members */
  PM_OWN_ROW_PUBLISH_S = 30,
  PM_OWN_ROW_STEP_SHIFT = 4, /* a figure is news once it is 1/16 off what was published */
};

struct pm_own_row;

struct pm_own_row_cell {
  struct pm_node_id to;
  uint64_t revision; /* when it was published last; 0: gone */
  struct pm_cell cell;
};

/* PM_ERR_NOMEM. */
enum pm_err pm_own_row_new(struct pm_own_row **out) PM_MUST_USE;
void pm_own_row_free(struct pm_own_row *row);

/* What is known of the path to that member now. PM_ERR_FULL. */
enum pm_err pm_own_row_set(struct pm_own_row *row, const struct pm_node_id *to,
                           const struct pm_cell *cell, struct pm_time now) PM_MUST_USE;
/* Nobody measures it any more. Others keep it until it is stale with them. */
void pm_own_row_remove(struct pm_own_row *row, const struct pm_node_id *to);
/* Turns stale what is. To be called before anything is read, about every second. */
void pm_own_row_advance(struct pm_own_row *row, struct pm_time now);

uint64_t pm_own_row_revision(const struct pm_own_row *row); /* of the latest; 0: empty */
size_t pm_own_row_count(const struct pm_own_row *row);
/* The cells published after that revision, the earliest first, at most max; returns how many.
 * cells: borrowed until the next call of anything above. */
size_t pm_own_row_since(const struct pm_own_row *row, uint64_t revision, size_t max,
                        const struct pm_own_row_cell **cells);

#endif
