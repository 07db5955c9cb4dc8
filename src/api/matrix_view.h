/* The whole matrix as /v1/matrix shows it: nodes, and rows of cells that name them by number; as
 * JSON, written by hand where a mesh of hundreds has a million numbers, or as a table for people
 * without script. Pure.
 *
 * Cells whose far end this node does not know are left out; pairs that are absent are unknown.
 */
#ifndef PM_API_MATRIX_VIEW_H
#define PM_API_MATRIX_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/form.h"
#include "api/mesh_nodes.h"
#include "base/buf.h"

enum {
  PM_MATRIX_VIEW_ROWS_DEFAULT = 256,
  PM_MATRIX_VIEW_ROWS_MAX = 1000,
  PM_MATRIX_VIEW_HTML_MAX = 40, /* rows and columns: what a screen holds */
  /* A cell of JSON: 14 numbers of 64 bits and a state. */
  PM_MATRIX_CELL_BYTES_MAX = 16 * 21,
};

struct pm_matrix_ask {
  bool one;               /* the row of from alone */
  bool later;             /* the rows behind after's */
  struct pm_node_id from; /* not set although one: the key is no id, and there is no such row */
  struct pm_node_id after;
  size_t limit;
};

/* Fields from, after (keys) and limit. PM_ERR_SYNTAX, PM_ERR_RANGE. */
enum pm_err pm_matrix_ask_read(const struct pm_form *form, const struct pm_mesh_source *source,
                               struct pm_matrix_ask *out, struct pm_why *why) PM_MUST_USE;
/* "limit" of a query: 1 to max; fallback if it is absent. */
enum pm_err pm_matrix_limit_read(const struct pm_form *form, size_t fallback, size_t max,
                                 size_t *out, struct pm_why *why) PM_MUST_USE;

/* Without memory out fails. */
void pm_matrix_view_json(const struct pm_mesh_source *source, const struct pm_matrix_ask *ask,
                         struct pm_buf *out);
void pm_matrix_view_html(const struct pm_mesh_source *source, const struct pm_matrix_ask *ask,
                         struct pm_buf *out);

/* What follows the far end in a cell: ",state,age_s,…,total_ns". Returns where it ended; at has
 * room for PM_MATRIX_CELL_BYTES_MAX. */
char *pm_matrix_cell_text(char *at, enum pm_cell_state state, int64_t age_s,
                          const struct pm_cell *cell);

#endif
