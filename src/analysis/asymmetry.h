/* Whether A sees the path to B as B sees the path to A. Pure.
 *
 * Two medians differ beyond noise if they are further apart than PM_ASYMMETRY_Z standard errors of
 * their difference, than PM_ASYMMETRY_SHARE of the smaller one, and than PM_ASYMMETRY_FLOOR_NS. The
 * standard error of a median of n samples is 1.253 sigma / sqrt(n); sigma is taken from the
 * quartiles (IQR / 1.349), which outliers do not move (both: normal approximation; Rousseeuw and
 * Croux, JASA 1993). Samples of a path are not independent, so n counts for less:
 * PM_ASYMMETRY_N_SHARE. Of pairs without a difference fewer than 1 in 1,000 are found (the test
 * counts them: normal, skewed, and correlated noise).
 *
 * A round trip crosses the path both ways whoever begins it: a difference says that the two ends
 * are routed, shaped, or served differently depending on who calls, or that they measured at
 * different moments. Loss is compared as two binomial shares by Newcombe's interval (Statistics in
 * Medicine 1998, method 10), with the same share of n for losses that come together: of 60 probes
 * each way, 22 lost on one side alone are beyond noise, and 10 are not.
 */
#ifndef PM_ANALYSIS_ASYMMETRY_H
#define PM_ANALYSIS_ASYMMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/cell.h"
#include "analysis/matrix.h"

#define PM_ASYMMETRY_Z       4.0
#define PM_ASYMMETRY_SHARE   0.05
#define PM_ASYMMETRY_N_SHARE 0.5
#define PM_ASYMMETRY_LOSS_Z  3.29 /* 1 in 1,000 */
enum {
  PM_ASYMMETRY_FLOOR_NS = 200000, /* two hosts' stacks differ by about as much */
  PM_ASYMMETRY_N_MIN = 10,        /* successes on either side, below which quartiles say little */
};

struct pm_asymmetry {
  uint64_t a, b; /* a < b: pm_matrix_short */
  const struct pm_matrix_row *row_a, *row_b;
  const struct pm_cell *ab, *ba; /* as a sees it, as b sees it; borrowed from the matrix */
  int64_t difference_ns; /* ab - ba, of the medians of the round trip; 0 without a success */
  int64_t noise_ns;      /* what the difference must be larger than; 0 where it cannot be judged */
  bool beyond_noise;
  double loss_difference; /* ab - ba */
  bool loss_beyond_noise;
};

/* ab and ba only. */
void pm_asymmetry_judge(struct pm_asymmetry *pair);

/* Every pair that both ends measure now (neither cell is stale): those beyond noise first, in the
 * round trip or in loss, then by size of the difference. The first max of them go to out; returns
 * how many. *out_total: pairs that were judged. O(cells log cells), allocates nothing. Two nodes
 * with the same short name are not told apart and left out. */
size_t pm_asymmetry_rank(const struct pm_matrix *matrix, struct pm_time now,
                         struct pm_asymmetry *out, size_t max, size_t *out_total);

#endif
