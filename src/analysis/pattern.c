#include "analysis/pattern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum {
  WEEK = 168,
  DAY = 24,
  /* One in 2,000 is the smallest share that turning can find, half of PM_PATTERN_P. */
  TURNS_MAX = 1999,
  /* So many that look as good settle that there is no pattern (Besag and Clifford, "Sequential
     Monte Carlo p-values", Biometrika 78, 1991). */
  AS_GOOD_MAX = 20,
  SEED = 168,
};

struct ranked {
  double value;
  uint32_t at;
};

/* Values in the order of time, each in a group, and pieces of it that are turned by themselves:
 * days for the groups of the day, weeks for those of the week. */
struct sample {
  size_t count;
  unsigned groups; /* DAY or WEEK */
  unsigned pieces;
  uint16_t *group, *piece; /* of each value; pieces ascend */
  double *value;           /* what is compared */
  double *rank;            /* among all, from 1; of equal ones the mean */
  double tie_factor;       /* 1 without equal ones (Kruskal and Wallis) */
  double *medians;         /* of groups, or of pieces */
  double *sorted;          /* space */
  uint32_t *ends;          /* space */
  struct ranked *ranked;   /* space */
};

static void sample_free(struct sample *s) {
  free(s->group);
  free(s->piece);
  free(s->value);
  free(s->rank);
  free(s->medians);
  free(s->sorted);
  free(s->ends);
  free(s->ranked);
}

static bool sample_init(struct sample *s, size_t count) {
  size_t labels = count + WEEK; /* there are no more pieces than values */
  memset(s, 0, sizeof(*s));
  s->count = count;
  s->group = calloc(count, sizeof(*s->group));
  s->piece = calloc(count, sizeof(*s->piece));
  s->value = calloc(count, sizeof(*s->value));
  s->rank = calloc(count, sizeof(*s->rank));
  s->medians = calloc(labels, sizeof(*s->medians));
  s->sorted = calloc(count, sizeof(*s->sorted));
  s->ends = calloc(labels, sizeof(*s->ends));
  s->ranked = calloc(count, sizeof(*s->ranked));
  return s->group && s->piece && s->value && s->rank && s->medians && s->sorted && s->ends &&
         s->ranked;
}

/* --- medians -----------------------------------------------------------------------------------
 */

static int compare_doubles(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return a < b ? -1 : a > b;
}

static double median_of(double *values, size_t n) {
  if (n == 0) return NAN;
  qsort(values, n, sizeof(*values), compare_doubles);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double median_of_all(struct sample *s) {
  memcpy(s->sorted, s->value, s->count * sizeof(*s->sorted));
  return median_of(s->sorted, s->count);
}

/* s->medians of each group or piece; NAN if nothing is in it. */
static void fill_medians(struct sample *s, const uint16_t *label, unsigned labels) {
  uint32_t *end = s->ends, begin = 0;
  memset(end, 0, labels * sizeof(*end));
  for (size_t i = 0; i < s->count; i++) end[label[i]]++;
  for (unsigned which = 0; which < labels; which++) {
    begin += end[which];
    end[which] = begin - end[which]; /* moves on to the end below */
  }
  for (size_t i = 0; i < s->count; i++) s->sorted[end[label[i]]++] = s->value[i];
  begin = 0;
  for (unsigned which = 0; which < labels; which++) {
    s->medians[which] = median_of(s->sorted + begin, end[which] - begin);
    begin = end[which];
  }
}

/* Each value becomes its share of the median of its group or piece. */
static void divide_by_medians(struct sample *s, const uint16_t *label, unsigned labels) {
  fill_medians(s, label, labels);
  for (size_t i = 0; i < s->count; i++) s->value[i] /= s->medians[label[i]];
}

/* --- ranks -------------------------------------------------------------------------------------
 */

static int compare_ranked(const void *x, const void *y) {
  const struct ranked *a = x, *b = y;
  if (a->value != b->value) return a->value < b->value ? -1 : 1;
  return a->at < b->at ? -1 : a->at > b->at;
}

static void fill_ranks(struct sample *s) {
  struct ranked *all = s->ranked;
  double n = (double)s->count, ties = 0;
  for (size_t i = 0; i < s->count; i++) all[i] = (struct ranked){s->value[i], (uint32_t)i};
  qsort(all, s->count, sizeof(*all), compare_ranked);
  for (size_t first = 0, end; first < s->count; first = end) {
    for (end = first + 1; end < s->count && all[end].value == all[first].value;) end++;
    double equal = (double)(end - first);
    for (size_t i = first; i < end; i++) s->rank[all[i].at] = (double)(first + end + 1) / 2;
    ties += equal * equal * equal - equal;
  }
  s->tie_factor = n > 1 ? 1 - ties / (n * n * n - n) : 0;
}

/* --- the tests ---------------------------------------------------------------------------------
 */

struct sums {
  double rank[WEEK];
  uint32_t count[WEEK];
};

static void sum_up(const struct sample *s, struct sums *out) {
  memset(out, 0, sizeof(*out));
  for (size_t i = 0; i < s->count; i++) {
    out->rank[s->group[i]] += s->rank[i];
    out->count[s->group[i]]++;
  }
}

/* Kruskal and Wallis' H of the groups that have enough; *out_groups of them. The ranks are among
 * all values: what is in small groups counts as the rest of the population. */
static double spread(const struct sample *s, const struct sums *sums, unsigned *out_groups) {
  double n = (double)s->count, middle = (n + 1) / 2, h = 0;
  *out_groups = 0;
  for (unsigned g = 0; g < s->groups; g++) {
    double in = sums->count[g];
    if (sums->count[g] < PM_PATTERN_GROUP_MIN) continue;
    double off = sums->rank[g] / in - middle;
    h += in * off * off;
    (*out_groups)++;
  }
  return s->tie_factor > 0 ? h * 12 / (n * (n + 1)) / s->tie_factor : 0;
}

static double above_normal(double z) {
  return erfc(z / M_SQRT2) / 2;
}

/* Of the chi-square distribution, by the cube root's normal approximation (Wilson and Hilferty,
 * PNAS 17, 1931): right to some per cent of the probability from three degrees of freedom on. */
static double above_chi_square(double x, unsigned degrees) {
  double part = 2 / (9.0 * degrees);
  return above_normal((cbrt(x / degrees) - (1 - part)) / sqrt(part));
}

static unsigned turn_of(unsigned group, unsigned by, unsigned groups) {
  unsigned turned = group + by;
  return turned < groups ? turned : turned - groups;
}

/* As sum_up, with each piece turned by a number of its own. */
static void sum_up_turned(const struct sample *s, struct pm_rng *rng, struct sums *out) {
  unsigned piece = s->pieces, by = 0;
  memset(out, 0, sizeof(*out));
  for (size_t i = 0; i < s->count; i++) {
    if (s->piece[i] != piece) {
      piece = s->piece[i];
      by = (unsigned)pm_rng_below(rng, s->groups);
    }
    unsigned group = turn_of(s->group[i], by, s->groups);
    out->rank[group] += s->rank[i];
    out->count[group]++;
  }
}

static double above_turned(const struct sample *s, double h) {
  struct pm_rng rng;
  struct sums sums;
  unsigned turns = 0, as_good = 0, groups;
  pm_rng_seed(&rng, SEED);
  while (turns < TURNS_MAX && as_good < AS_GOOD_MAX) {
    sum_up_turned(s, &rng, &sums);
    /* Sums of the same numbers in another order may differ in their last digit. */
    as_good += spread(s, &sums, &groups) >= h * (1 - 1e-9);
    turns++;
  }
  return (1.0 + as_good) / (1.0 + turns);
}

/* That the groups are alike, if they are. 1 where too little is known. */
static double probability(const struct sample *s, const struct sums *sums) {
  unsigned groups;
  double h = spread(s, sums, &groups);
  if (groups < 3 || s->pieces < PM_PATTERN_GROUP_MIN) return 1;
  double chi = above_chi_square(h, groups - 1);
  if (chi >= PM_PATTERN_P) return chi; /* settled */
  return fmax(chi, above_turned(s, h));
}

/* Whether a group lies above the rest: Mann and Whitney, Annals of Mathematical Statistics 1947. */
static bool is_above(const struct sample *s, const struct sums *sums, unsigned group) {
  double n = (double)s->count, in = sums->count[group];
  if (sums->count[group] < PM_PATTERN_GROUP_MIN || in >= n) return false;
  double variance = in * (n - in) * (n + 1) / 12 * s->tie_factor;
  if (!(variance > 0)) return false;
  double z = (sums->rank[group] - in * (n + 1) / 2) / sqrt(variance);
  return above_normal(z) * s->groups < PM_PATTERN_HOUR_P;
}

/* --- days and weeks ----------------------------------------------------------------------------
 */

/* Groups by the hour of the day or of the week. A piece ends where that hour goes back; at the end
 * of summer time an hour comes twice, which does not end it. */
static void fill_groups(struct sample *s, const struct pm_pattern_hour *hours, unsigned groups) {
  unsigned last = 0;
  s->groups = groups;
  s->pieces = 0;
  for (size_t i = 0; i < s->count; i++) {
    unsigned group = hours[i].hour_of_week % groups;
    if (i > 0 && group < last) s->pieces++;
    s->group[i] = (uint16_t)group;
    s->piece[i] = (uint16_t)s->pieces;
    last = group;
  }
  s->pieces++;
}

static void judge_day(struct sample *s, const struct pm_pattern_hour *hours, struct pm_pattern *out,
                      struct sums *sums) {
  fill_groups(s, hours, DAY);
  divide_by_medians(s, s->piece, s->pieces);
  fill_ranks(s);
  sum_up(s, sums);
  out->p_day = probability(s, sums);
  out->daily = out->p_day < PM_PATTERN_P;
  for (unsigned hour = 0; out->daily && hour < WEEK; hour++)
    out->slow[hour] = is_above(s, sums, hour % DAY);
}

static void judge_week(struct sample *s, const struct pm_pattern_hour *hours,
                       struct pm_pattern *out, struct sums *sums) {
  if (out->daily) {
    fill_groups(s, hours, DAY);
    divide_by_medians(s, s->group, DAY);
  }
  fill_groups(s, hours, WEEK);
  divide_by_medians(s, s->piece, s->pieces);
  fill_ranks(s);
  sum_up(s, sums);
  out->p_week = probability(s, sums);
  out->weekly = out->p_week < PM_PATTERN_P;
  for (unsigned hour = 0; out->weekly && hour < WEEK; hour++)
    out->slow[hour] |= is_above(s, sums, hour);
}

/* What is slow only by its place among the rest is not slow. */
static void fill_slowness(struct sample *s, const struct pm_pattern_hour *hours,
                          struct pm_pattern *out) {
  double all = median_of_all(s);
  fill_groups(s, hours, WEEK);
  fill_medians(s, s->group, WEEK);
  out->median_ns = (int64_t)all;
  for (unsigned hour = 0; hour < WEEK; hour++) {
    out->slower_by[hour] = isnan(s->medians[hour]) ? 0 : s->medians[hour] / all - 1;
    out->slow[hour] &= out->slower_by[hour] > PM_PATTERN_SHARE;
  }
}

static void fill_values(struct sample *s, const struct pm_pattern_hour *hours) {
  for (size_t i = 0; i < s->count; i++) s->value[i] = (double)hours[i].median_ns;
}

static void find(struct sample *s, const struct pm_pattern_hour *hours, struct pm_pattern *out) {
  struct sums sums;
  fill_values(s, hours);
  judge_day(s, hours, out, &sums);
  fill_values(s, hours);
  judge_week(s, hours, out, &sums);
  fill_values(s, hours);
  fill_slowness(s, hours, out);
}

enum pm_err pm_pattern_find(const struct pm_pattern_hour *hours, size_t count,
                            struct pm_pattern *out) {
  struct pm_pattern pattern = {.p_day = 1, .p_week = 1};
  struct sample sample;
  if (count > PM_PATTERN_HOURS_MAX) return PM_ERR_TOO_LARGE;
  for (size_t i = 0; i < count; i++)
    if (hours[i].hour_of_week >= WEEK || hours[i].median_ns < 1) return PM_ERR_RANGE;
  if (count == 0) {
    *out = pattern;
    return PM_OK;
  }
  bool done = sample_init(&sample, count);
  if (done) find(&sample, hours, &pattern);
  sample_free(&sample);
  if (!done) return PM_ERR_NOMEM;
  *out = pattern;
  return PM_OK;
}
