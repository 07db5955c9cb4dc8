/* Any bytes as a list of reports: refused, or read as paths that pack into a list which says the
 * same, and whose histograms hold what they say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/report.h"
#include "store/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_all(const uint8_t *data, size_t size, struct pm_report_path *paths) {
  struct pm_report_reader reader;
  size_t count = 0;
  if (pm_report_reader_init(&reader, data, size) != PM_OK) return 0;
  while (pm_report_next(&reader, &paths[count])) {
    if (++count == PM_REPORT_PATHS_MAX) break;
  }
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pm_report_path paths[PM_REPORT_PATHS_MAX + 1], again[PM_REPORT_PATHS_MAX + 1];
  static uint8_t list[PM_REPORT_BYTES_MAX];
  static struct pm_slot_sum sum;
  size_t count = read_all(data, size, paths);
  if (count == 0) return 0;
  size_t bytes = pm_report_pack(paths, count, list);
  if (read_all(list, bytes, again) != count) abort();
  for (size_t i = 0; i < count; i++) {
    const struct pm_cell *cell = &paths[i].cell;
    if (again[i].to != paths[i].to || again[i].cell.sent != cell->sent) abort();
    bool rtt = cell->sent > cell->lost;
    if (rtt && memcmp(cell->rtt_ns, again[i].cell.rtt_ns, sizeof(cell->rtt_ns)) != 0) abort();
    pm_slot_sum_init(&sum);
    pm_report_add(cell, &sum);
    struct pm_figures figures;
    pm_row_sum_figures(&sum, PM_PHASE_TCP, &figures);
    bool has = rtt && cell->rtt_ns[PM_CELL_P50] > 0;
    if (figures.count != (has ? cell->sent - cell->lost : 0)) abort();
  }
  return 0;
}
