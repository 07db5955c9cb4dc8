/* Rows of the matrix on the wire. Pure. One encoding, base64url without padding, in two places:
 *
 *   Pingmesh-Row: <row>          header of a ping's answer: what changed of the answerer's own row
 *                                since what the question says it has (row=<16hex inc>.<revision>)
 *   "Rows":["<id>.<age>.<hops>.<row>",…]   in a pull answer's Mesh object: rows of others, whole;
 * id 32 hex digits, age in seconds when it was sent
 *
 *   version:1 flags:1 inc:8 since:v upto:v count:v { to:8 state:1 [ cell ] }count    v: LEB128
 *   cell (of any state but "unknown", which says that it has gone):
 *     every:v sent:v lost:v p50:2 [ p50-p25:v p75-p50:v p90-p75:v p99-p90:v jitter:v
 *                                   phases:1 { phase:v }bits of phases ]    (unless p50 is 0)
 *
 * Times are places on a scale of 64 steps in each power of two from 2^9 ns on, counted from 1, and
 * read as a step's middle (0.8 %); 0 is "none". Differences are between places. Cells come
 * ascending by to, none twice. Unknown versions are refused, unknown flags and phases passed over.
 */
#ifndef PM_GOSSIP_WIRE_ROW_H
#define PM_GOSSIP_WIRE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/matrix.h"
#include "analysis/own_row.h"
#include "base/buf.h"
#include "base/err.h"

#define PM_WIRE_ROW_HEADER "Pingmesh-Row"

enum {
  PM_WIRE_ROW_VERSION = 1,
  PM_WIRE_ROW_HEADER_BYTES_MAX = 2048, /* of the header's value: some 45 cells */
  PM_WIRE_ROW_BYTES_MAX = 30 << 10,    /* of a relayed row: 512 cells at their longest */
  PM_WIRE_ROWS_BYTES_MAX = 32 << 10,   /* of all relayed rows of one answer: half of it */
  PM_WIRE_ROWS_MAX = 16,               /* of one answer */
};

/* Of our own row, what is later than since, cut to bytes_max of text; nothing if not even one of
 * its cells fits. */
void pm_wire_row_write_own(const struct pm_own_row *row, uint64_t inc, uint64_t since,
                           size_t bytes_max, struct pm_buf *out);
/* A relayed row of so many cells has at most as many bytes of text, a NUL included. */
size_t pm_wire_row_bytes_max(size_t cells);
/* A whole row of somebody's, at age_s. */
void pm_wire_row_write_relayed(const struct pm_matrix_row *row, int64_t age_s, struct pm_buf *out);

struct pm_wire_row {
  uint64_t inc, since, upto;
  bool more;
  size_t count;
  struct pm_matrix_cell cells[PM_MATRIX_ROW_CELLS_MAX];
};
struct pm_wire_relayed {
  struct pm_node_id from;
  int64_t age_s;
  unsigned hops;
  struct pm_wire_row row;
};

/* text: any bytes. PM_ERR_SYNTAX, PM_ERR_TOO_LARGE, PM_ERR_RANGE (another version, a cell or place
 * that cannot be, a relayed row that is not whole). */
enum pm_err pm_wire_row_read(const char *text, size_t bytes, struct pm_wire_row *out) PM_MUST_USE;
enum pm_err pm_wire_row_read_relayed(const char *text, size_t bytes,
                                     struct pm_wire_relayed *out) PM_MUST_USE;

#endif
