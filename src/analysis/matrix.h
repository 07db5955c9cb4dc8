/* The whole matrix as this node knows it: the row of each node, from the node itself or passed on
 * by others. Pure; the time comes with each call. Bounded in rows and in cells, and so in bytes.
 *
 * A row is believed from the node that measured it, which the caller has proved, and then it is
 * DIRECT. A row that came through another node is RELAYED and says so: it counts only where it is
 * fresher than what is there by PM_MATRIX_RELAY_FRESHER_S, never displaces what its node said
 * itself within PM_MATRIX_DIRECT_S, and its age is the age at its origin plus what passed here.
 * News of a row never join on to what another node said of it: once its node is heard itself, all
 * of it is asked for, so that nothing of what a liar relayed outlives the first direct word.
 *
 * A row as of some time confirms every measured cell in it: the cell's age is the row's plus the
 * time between its probes at most. A row older than PM_MATRIX_STALE_S makes all its cells stale;
 * one older than PM_MATRIX_FORGET_S goes.
 */
#ifndef PM_ANALYSIS_MATRIX_H
#define PM_ANALYSIS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/cell.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/node_id.h"

enum {
  PM_MATRIX_ROWS_MAX = 1024,
  PM_MATRIX_ROWS_DEFAULT = 256, /* with 128 cells of 104 bytes each 3.4 MB, 5.4 MB at most */
  PM_MATRIX_ROW_CELLS_MAX = 512,
  PM_MATRIX_ROW_CELLS_SURE = 128, /* an active set: each row has room for so many … */
  PM_MATRIX_EXTRA_CELLS = 64, /* … and what more some need is shared: so many times the rows */
  PM_MATRIX_STALE_S = 90,     /* three of the longest pull intervals */
  PM_MATRIX_FORGET_S = 3600,
  PM_MATRIX_DIRECT_S = 60,
  PM_MATRIX_RELAY_FRESHER_S = 10,
  PM_MATRIX_HOPS_MAX = 4, /* a row passed on more often is dropped */
};

/* OLD_NODE: made of the sums that an old node's list has: means since it began, which stand for all
 * quantiles; where it is reached stands for the identity that it has not (gossip/rows.h). */
enum pm_row_source { PM_ROW_SELF, PM_ROW_DIRECT, PM_ROW_RELAYED, PM_ROW_OLD_NODE };
const char *pm_row_source_text(enum pm_row_source source);

struct pm_matrix;

/* The short name of a node in rows: the first eight bytes of its id, big endian. */
uint64_t pm_matrix_short(const struct pm_node_id *id);

struct pm_matrix_cell {
  uint64_t to; /* pm_matrix_short */
  struct pm_cell cell;
};

struct pm_matrix_row {
  struct pm_node_id from;
  uint64_t inc, revision; /* what we have of it; revision 0: all of it is to be asked for */
  struct pm_time as_of;   /* on our clock */
  enum pm_row_source source;
  unsigned hops;                      /* 0: ours, 1: from the node itself */
  struct pm_node_id via;              /* RELAYED: who passed it on */
  const struct pm_matrix_cell *cells; /* ascending by to */
  size_t count;
};

/* News of a row: cells replace those of the same node, and an UNKNOWN one takes it away. News of
 * an OLD_NODE are always its whole row. */
struct pm_matrix_news {
  struct pm_node_id from;
  uint64_t inc;
  uint64_t since,
      upto; /* the news takes a row at since to upto; since 0: a row from its beginning */
  struct pm_time as_of;
  enum pm_row_source source;
  unsigned hops;
  struct pm_node_id via;
  bool more; /* there are later cells: the rest of the row is not confirmed as of this time */
  const struct pm_matrix_cell *cells; /* ascending by to, none twice */
  size_t count;
};

/* PM_ERR_NOMEM, PM_ERR_RANGE: no rows, or more than PM_MATRIX_ROWS_MAX. */
enum pm_err pm_matrix_new(size_t rows_max, struct pm_matrix **out) PM_MUST_USE;
void pm_matrix_free(struct pm_matrix *matrix);

/* What we have of that node's row from itself, for the question to it; both 0 if nothing. */
void pm_matrix_have(const struct pm_matrix *matrix, const struct pm_node_id *from,
                    uint64_t *out_inc, uint64_t *out_revision);
/* PM_ERR_DUPLICATE: not fresher than what is there. PM_ERR_MISSING: it does not join on to what is
 * there. PM_ERR_RANGE: passed on too often. PM_ERR_FULL: no row may give way, or too many cells.
 * PM_ERR_NOMEM. In each case the matrix is as before. A row gives way when it is stale, or to a
 * DIRECT one when it is not direct itself; our own never does. */
enum pm_err pm_matrix_take(struct pm_matrix *matrix, const struct pm_matrix_news *news,
                           struct pm_time now) PM_MUST_USE;
/* Its node is lost: what there is of its row says nothing of now, until it is heard again or others
 * pass on what they heard since. */
void pm_matrix_doubt(struct pm_matrix *matrix, const struct pm_node_id *from, struct pm_time now);
/* Forgets rows that are too old. */
void pm_matrix_advance(struct pm_matrix *matrix, struct pm_time now);

size_t pm_matrix_count(const struct pm_matrix *matrix);
size_t pm_matrix_cells(const struct pm_matrix *matrix);
/* What it takes, and what one of so many rows can come to; not the allocator's own. */
size_t pm_matrix_bytes(const struct pm_matrix *matrix);
size_t pm_matrix_bytes_max(size_t rows_max);
/* Rows ascending by from. Borrowed until the next take or advance. */
const struct pm_matrix_row *pm_matrix_at(const struct pm_matrix *matrix, size_t index);
const struct pm_matrix_row *pm_matrix_find(const struct pm_matrix *matrix,
                                           const struct pm_node_id *from);
/* NULL if it has none. */
const struct pm_matrix_cell *pm_matrix_cell_of(const struct pm_matrix_row *row, uint64_t to);

/* A cell as of now: what is old is stale, whatever it was. out_age_s: at most so old; may be
 * NULL. */
enum pm_cell_state pm_matrix_state(const struct pm_matrix_row *row,
                                   const struct pm_matrix_cell *cell, struct pm_time now,
                                   int64_t *out_age_s);

/* Rows that are worth passing on now: the next ones after a place in a circle that are fresh, have
 * come by fewer than PM_MATRIX_HOPS_MAX hops and are neither the asker's own nor an old node's.
 * Returns how many were put into rows; *place goes on behind the last. */
size_t pm_matrix_relay(const struct pm_matrix *matrix, const struct pm_node_id *asker,
                       struct pm_time now, uint64_t *place, const struct pm_matrix_row **rows,
                       size_t max);

#endif
