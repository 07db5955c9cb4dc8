/* What of the matrix was told already: finds the cells that a watcher would draw differently. Pure.
 * 16 bytes a cell, while somebody watches.
 */
#ifndef PM_API_EVENT_ROWS_H
#define PM_API_EVENT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/matrix.h"

struct pm_event_cell {
  uint64_t to, print; /* print: of all that is shown but its age */
};

struct pm_event_row {
  struct pm_node_id from;
  struct pm_time as_of; /* of what was looked at last, and its revision */
  uint64_t inc, revision;
  struct pm_time told; /* when an event of it was sent last */
  bool stale;
  struct pm_event_cell *cells; /* ascending by to */
  size_t count, room;
};

struct pm_event_rows {
  struct pm_event_row *rows; /* ascending by from */
  size_t count, room;
};

void pm_event_rows_init(struct pm_event_rows *rows);
void pm_event_rows_deinit(struct pm_event_rows *rows);

/* Looks at a row of the matrix again. changed: room for its count; gets the numbers of its cells
 * that are not as they were told. Returns how many. *out_confirmed: the row was heard of since.
 * From now on all of it counts as told; without memory, it is told again. */
size_t pm_event_rows_look(struct pm_event_rows *rows, const struct pm_matrix_row *row,
                          struct pm_time now, uint16_t *changed, bool *out_confirmed);
/* The row as it was looked at; NULL if it never was. Borrowed until the next look. */
struct pm_event_row *pm_event_rows_find(struct pm_event_rows *rows, const struct pm_node_id *from);
/* Forgets the rows that the matrix has no more. */
void pm_event_rows_follow(struct pm_event_rows *rows, const struct pm_matrix *matrix);

#endif
