/* The matrix in text: how long each node's round trip to each other takes, as the node asked knows
 * it. What a cell is shows without colour, too. Pure but for memory.
 *
 *     12    measured: the median of the round trip in milliseconds
 *     12!   and probes were lost
 *   (12)    stale: as it was
 *    ~12    not measured; what both nodes' coordinates predict
 *   FAIL    the latest probes failed
 *      .    nothing is known
 *      -    the node itself
 */
#ifndef AVGPING_MATRIX_H
#define AVGPING_MATRIX_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "terminal.h"

enum {
  AVGPING_MATRIX_NODES_MAX = 1024,
  AVGPING_MATRIX_PAGES_MAX = 64,
  AVGPING_MATRIX_PAGE_ROWS = 256, /* asked for at a time */
  AVGPING_MATRIX_KEY_BYTES = 1024,
};

struct avgping_matrix;

enum pm_err avgping_matrix_new(struct avgping_matrix **out) PM_MUST_USE;
void avgping_matrix_free(struct avgping_matrix *matrix);
/* Takes an answer to /v1/matrix. PM_ERR_SYNTAX, _TYPE, _TOO_LARGE, _NOMEM, with a sentence. */
enum pm_err avgping_matrix_take(struct avgping_matrix *matrix, const struct pm_buf *body,
                                struct pm_why *why) PM_MUST_USE;
/* The key of the last row, where there is more to be asked for; else NULL. */
const char *avgping_matrix_next(const struct avgping_matrix *matrix);
/* Where lines are bounded, columns that do not fit follow in further blocks. PM_ERR_NOMEM. */
enum pm_err avgping_matrix_draw(const struct avgping_matrix *matrix,
                                const struct avgping_terminal *terminal,
                                struct pm_buf *out) PM_MUST_USE;

#endif
