/* Matrices made by hand: nodes of chosen ids, rows that say they came from where the test says.
 */
#ifndef PM_TEST_API_MESH_FIXTURE_H
#define PM_TEST_API_MESH_FIXTURE_H

#include "service_fixture.h"

#include <stdlib.h>

#include "analysis/matrix.h"
#include "base/json_read.h"
#include "gossip/wire_text.h"

/* Node n: its id begins with n, big endian, and ends with n, too. */
static inline struct pm_node_id mesh_id(unsigned n) {
  struct pm_node_id id = {{0}};
  id.bytes[6] = id.bytes[14] = (uint8_t)(n >> 8);
  id.bytes[7] = id.bytes[15] = (uint8_t)n;
  return id;
}

static inline const char *mesh_key(unsigned n, char out[PM_WIRE_ID_BYTES]) {
  const struct pm_node_id id = mesh_id(n);
  pm_wire_id(&id, out);
  return out;
}

/* As if measured: a median of p50_ns, the other figures around it. */
static inline struct pm_cell mesh_cell(int64_t p50_ns) {
  return (struct pm_cell){
      .state = PM_CELL_MEASURED,
      .every_s = 10,
      .sent = 60,
      .lost = 1,
      .rtt_ns = {p50_ns - p50_ns / 10, p50_ns, p50_ns + p50_ns / 10, p50_ns * 2, p50_ns * 3},
      .jitter_ns = p50_ns / 20,
      .phase_ns = {1000, 0, p50_ns + 5, p50_ns * 2 + 5}};
}

struct mesh_row {
  struct pm_matrix_cell cells[PM_MATRIX_ROW_CELLS_MAX];
  struct pm_matrix_news news;
};

/* An empty row of node n; cells are to be added ascending by node. */
static inline void mesh_row_begin(struct mesh_row *row, unsigned n, enum pm_row_source source,
                                  struct pm_time as_of) {
  static uint64_t revision;
  *row = (struct mesh_row){.news = {.from = mesh_id(n),
                                    .inc = 1,
                                    .upto = ++revision,
                                    .as_of = as_of,
                                    .source = source,
                                    .hops = source == PM_ROW_RELAYED ? 2 : source != PM_ROW_SELF}};
  if (source == PM_ROW_RELAYED) row->news.via = mesh_id(1);
}

static inline void mesh_row_add(struct mesh_row *row, unsigned to, const struct pm_cell *cell) {
  const struct pm_node_id id = mesh_id(to);
  row->cells[row->news.count++] = (struct pm_matrix_cell){pm_matrix_short(&id), *cell};
}

static inline void mesh_row_take(struct mesh_row *row, struct pm_matrix *matrix,
                                 struct pm_time now) {
  row->news.cells = row->cells;
  assert_int_equal(pm_matrix_take(matrix, &row->news, now), PM_OK);
}

/* Nodes 1 to count, each measuring all others: from a to b takes a ms and b us. */
static inline struct pm_matrix *mesh_full(unsigned count, struct pm_time now) {
  struct pm_matrix *matrix;
  struct mesh_row *row = malloc(sizeof(*row));
  assert_non_null(row);
  assert_int_equal(pm_matrix_new(PM_MATRIX_ROWS_MAX, &matrix), PM_OK);
  for (unsigned from = 1; from <= count; from++) {
    mesh_row_begin(row, from, from == 1 ? PM_ROW_SELF : PM_ROW_DIRECT, now);
    for (unsigned to = 1; to <= count; to++) {
      const struct pm_cell cell = mesh_cell(from * PM_NS_PER_MS + to * PM_NS_PER_US);
      if (to != from) mesh_row_add(row, to, &cell);
    }
    mesh_row_take(row, matrix, now);
  }
  free(row);
  return matrix;
}

#endif
