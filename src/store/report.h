/* Reports: what another node says of its paths (a row of the matrix), kept over days. Pure. One
 * list holds a node's paths over one stretch of time, each in some 16 bytes: whole histograms of
 * every pair of a mesh would fill a disk that the paths measured here need.
 *
 *   version:4  paths + 1  { path }*
 *   path: to - to before, sent + 1, lost + 1, rtt, { phase }4
 *   rtt: 0, or 1 p50:11 { p50 - p25, p75 - p50, p90 - p75, p99 - p90 }+1 jitter
 *   jitter, phase: 0, or 1 index:11
 *
 * Counts and differences in gamma code (store/bits.h). Lengths of time are buckets of
 * probe/histogram.h, and so right to 1 %; what they are differences of ascends.
 *
 * Out of its quantiles a path's histogram is made again: the shares between them lie evenly over
 * the buckets between them, the quarter below p25 reaches as far below it as p50 lies above, and
 * what is beyond p99 lies at it. Its quantiles are those of the report. Six stretches of sixty
 * probes added up are off by 1 to 3 % up to the median, 2 % at p90, 4 % at p99 and 1 % in the mean;
 * with a heavy tail by 7 %, 40 % (too high) and 7 % (means over the runs of a test). Phases beside
 * TCP are single buckets at their medians; LAST is not known.
 */
#ifndef PM_STORE_REPORT_H
#define PM_STORE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/cell.h"
#include "analysis/matrix.h"
#include "base/err.h"
#include "probe/slot.h"
#include "store/bits.h"

enum {
  PM_REPORT_PATHS_MAX = PM_MATRIX_ROW_CELLS_MAX, /* of a list */
  PM_REPORT_BYTES_MAX = 32 << 10,                /* 512 paths with every number at its widest */
  PM_REPORT_NODE_MAX = 1 << 24,                  /* numbers of nodes are below */
};

struct pm_report_path {
  int64_t to; /* number of the node */
  struct pm_cell cell;
};

/* paths: at most PM_REPORT_PATHS_MAX, ascending by to, which are all different. Of a cell are kept
 * sent, lost, and the lengths of time; those of the round trip are made to ascend. */
size_t pm_report_pack(const struct pm_report_path *paths, size_t count,
                      uint8_t out[PM_REPORT_BYTES_MAX]);

struct pm_report_reader {
  struct pm_bit_reader bits;
  uint64_t left;
  int64_t to;
};
/* PM_ERR_SYNTAX: no list of this version. */
enum pm_err pm_report_reader_init(struct pm_report_reader *r, const uint8_t *bytes,
                                  size_t count) PM_MUST_USE;
/* False at the end, or where it is damaged, as r->bits.bad then says. */
bool pm_report_next(struct pm_report_reader *r, struct pm_report_path *out);

/* A path's histograms, into the sum. */
void pm_report_add(const struct pm_cell *cell, struct pm_slot_sum *sum);
/* What a sum of some says, as one: for longer stretches. */
void pm_report_of(const struct pm_slot_sum *sum, struct pm_cell *out);

#endif
