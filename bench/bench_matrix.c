/* The CPU time of the answers about a whole mesh, without a network: /v1/matrix and /v1/asymmetry
 * of 200 nodes that all measure each other, and a second's events of it. Run by ./dev bench matrix.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analysis/matrix.h"
#include "api/asymmetry_view.h"
#include "api/event_rows.h"
#include "api/matrix_view.h"
#include "base/rng.h"

enum { NODES = 200, TIMES = 40, BODY_BYTES_MAX = 64 << 20 };

struct work {
  struct pm_matrix *matrix;
  struct pm_node_names names;
  struct pm_mesh_source source;
  struct pm_buf out;
  struct pm_event_rows rows;
};

static double cpu_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct pm_node_id id_of(unsigned n) {
  struct pm_node_id id = {{0}};
  for (unsigned i = 0; i < sizeof(id.bytes); i++) id.bytes[i] = (uint8_t)((n + 1) * (i + 7) * 31);
  id.bytes[0] = (uint8_t)n;
  return id;
}

static struct pm_cell draw_cell(struct pm_rng *rng) {
  const int64_t p50 = 100000 + (int64_t)(pm_rng_next(rng) % 300000000);
  struct pm_cell cell = {
      .state = PM_CELL_MEASURED, .every_s = 10, .sent = 60, .jitter_ns = p50 / 9};
  for (int i = 0; i < PM_CELL_QUANTILE_COUNT; i++) cell.rtt_ns[i] = p50 * (8 + i) / 9;
  for (int i = 0; i < PM_CELL_PHASE_COUNT; i++) cell.phase_ns[i] = p50 * (i + 1);
  return cell;
}

static int fill(struct pm_matrix *matrix, struct pm_time now) {
  static struct pm_matrix_cell cells[NODES];
  struct pm_rng rng;
  pm_rng_seed(&rng, 7);
  for (unsigned from = 0; from < NODES; from++) {
    struct pm_matrix_news news = {.from = id_of(from),
                                  .inc = 1,
                                  .upto = 1,
                                  .as_of = now,
                                  .source = PM_ROW_DIRECT,
                                  .hops = 1,
                                  .cells = cells};
    for (unsigned to = 0; to < NODES; to++) {
      const struct pm_node_id id = id_of(to);
      if (to == from) continue;
      cells[news.count++] = (struct pm_matrix_cell){pm_matrix_short(&id), draw_cell(&rng)};
    }
    if (pm_matrix_take(matrix, &news, now) != PM_OK) return 1;
  }
  return 0;
}

static void matrix_json(struct work *work) {
  const struct pm_matrix_ask ask = {.limit = PM_MATRIX_VIEW_ROWS_DEFAULT};
  pm_matrix_view_json(&work->source, &ask, &work->out);
}

static void asymmetry_json(struct work *work) {
  pm_asymmetry_view_json(&work->source, PM_ASYMMETRY_PAIRS_DEFAULT, &work->out);
}

/* As after a second in which every row was heard of, and nothing changed. */
static void look_at_rows(struct work *work) {
  uint16_t changed[PM_MATRIX_ROW_CELLS_MAX];
  bool confirmed;
  for (size_t i = 0; i < pm_matrix_count(work->matrix); i++) {
    struct pm_matrix_row row = *pm_matrix_at(work->matrix, i);
    row.as_of.ns += work->source.now.ns++ % 1000; /* another time than before */
    pm_event_rows_look(&work->rows, &row, work->source.now, changed, &confirmed);
  }
}

static int report(struct work *work, const char *name, double ms_max, void (*run)(struct work *)) {
  double least = 1e9, began = cpu_ms();
  for (int i = 0; i < TIMES; i++) {
    const double start = cpu_ms();
    pm_buf_reset(&work->out);
    run(work);
    const double took = cpu_ms() - start;
    if (took < least) least = took;
  }
  const double mean = (cpu_ms() - began) / TIMES;
  printf("%-28s %8.2f ms of CPU (least %.2f), %zu bytes; the limit is %.0f ms\n", name, mean, least,
         work->out.len, ms_max);
  return pm_buf_status(&work->out) != PM_OK || mean > ms_max;
}

int main(void) {
  static struct work work;
  int failed = pm_matrix_new(PM_MATRIX_ROWS_MAX, &work.matrix) != PM_OK;
  work.source = (struct pm_mesh_source){.matrix = work.matrix,
                                        .names = &work.names,
                                        .self = id_of(0),
                                        .self_host = "localhost:8080",
                                        .self_location = "Sunnyvale,US",
                                        .now = pm_clock_now(),
                                        .wall = pm_clock_wall()};
  if (failed || fill(work.matrix, work.source.now) != 0) return 1;
  pm_buf_init(&work.out, BODY_BYTES_MAX);
  pm_event_rows_init(&work.rows);
  printf("%d nodes, %zu cells\n", NODES, pm_matrix_cells(work.matrix));
  failed |= report(&work, "/v1/matrix", 30, matrix_json);
  failed |= report(&work, "/v1/asymmetry", 30, asymmetry_json);
  failed |= report(&work, "/v1/events, rows of a second", 10, look_at_rows);
  pm_event_rows_deinit(&work.rows);
  pm_buf_deinit(&work.out);
  pm_matrix_free(work.matrix);
  return failed;
}
