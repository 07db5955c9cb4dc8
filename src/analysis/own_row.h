/* This node's own row of the matrix, kept for others to take: what changed of it since a revision.
 * Pure; the time comes with each call.
 *
 * Each cell that others would draw differently gets the next revision. A cell is published anew
 *   - at once when its state changes (a path that fails is news),
 *   - at most every PM_OWN_ROW_PUBLISH_S when a figure of it has moved by a step (noise of a path
 *     that stays as it is costs nothing); a row of more than PM_OWN_ROW_CELLS_USUAL cells waits so
 *     much longer, so that all of it costs no more,
 * so whoever has revision r and hears at time t that there is none after r knows the whole row as
 * of t. A cell that is not set for three of its intervals and ten seconds turns stale by itself,
 * and one that nobody measures any more does at once. PM_OWN_ROW_KEEP_S after it was last set it is
 * published as unknown, which means that it has gone, and gives way when another one needs its
 * place: who has not heard of it by then takes the row from its beginning.
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
  PM_OWN_ROW_CELLS_MAX = 512,   /* the active set has 128; the rest are targets by hand that proved
                                   to be members */
  PM_OWN_ROW_CELLS_USUAL = 128, /* the active set */
  PM_OWN_ROW_PUBLISH_S = 30,
  PM_OWN_ROW_KEEP_S = 600, /* as long as the window that its figures were of */
  /* Steps: the quartiles are news once they are 1/16 off what was published, the tail and the
     phases, which noise moves more, at 1/8 or 1/4; and no time is that is off by less than this. */
  PM_OWN_ROW_STEP_SHIFT = 4,
  PM_OWN_ROW_STEP_NS = 50 * 1000,
};

struct pm_own_row;

struct pm_own_row_cell {
  struct pm_node_id to;
  uint64_t revision;   /* when it was published last */
  struct pm_cell cell; /* as published; UNKNOWN: gone */
};

/* PM_ERR_NOMEM. */
enum pm_err pm_own_row_new(struct pm_own_row **out) PM_MUST_USE;
void pm_own_row_free(struct pm_own_row *row);

/* What is known of the path to that member now, measured or failed. PM_ERR_FULL. */
enum pm_err pm_own_row_set(struct pm_own_row *row, const struct pm_node_id *to,
                           const struct pm_cell *cell, struct pm_time now) PM_MUST_USE;
/* Others say that it is lost, or we do: failed as of now, with the figures that it has. */
void pm_own_row_fail(struct pm_own_row *row, const struct pm_node_id *to, struct pm_time now);
/* It is not measured any more. */
void pm_own_row_remove(struct pm_own_row *row, const struct pm_node_id *to);
/* Publishes what has become due and turns stale what is. To be called about every second. */
void pm_own_row_advance(struct pm_own_row *row, struct pm_time now);

size_t pm_own_row_bytes(void);                              /* of each, full or empty */
uint64_t pm_own_row_revision(const struct pm_own_row *row); /* of the latest; 0: empty */
size_t pm_own_row_count(const struct pm_own_row *row);      /* without those that have gone */

/* The cells published after that revision, the earliest first: all that are left to tell. *since
 * becomes 0 where the row has to be taken from its beginning, since that revision is none of this
 * row's, or what went after it is not known any more; cells that have gone are then to be passed
 * over. Returns how many. cells: borrowed until the next call of anything above. */
size_t pm_own_row_since(const struct pm_own_row *row, uint64_t *since,
                        const struct pm_own_row_cell **cells);

#endif
