/* The past: what the service may ask of whoever keeps history, and what it is told. Plain data and
 * the two calls that the node lends; nothing is known here of how history is kept.
 *
 * Times are of the calendar, in seconds since 1970 UTC.
 */
#ifndef PM_API_PAST_H
#define PM_API_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/pattern.h"
#include "analysis/zone.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "probe/sample.h"

enum {
  /* A day of minutes, a week of ten minutes or 400 days by six hours, and then some: 200 bytes of
     JSON each. */
  PM_PAST_ROWS_MAX = 2000,
  PM_PAST_PAIRS_MAX = 1000, /* of one answer; 2 KB each at most */
  PM_PAST_WEEK_HOURS = 168,
  PM_PAST_SPAN_S_MAX = 800 * 86400, /* twice what is kept */
};

enum pm_past_kind { PM_PAST_SERIES, PM_PAST_WEEK, PM_PAST_PAIRS };

struct pm_past_ask {
  enum pm_past_kind kind;
  /* A node's key or URL, or its host and port; from "": this node. */
  char from[PM_URL_BYTES], to[PM_URL_BYTES];
  bool by_location; /* WEEK: they are locations, and every pair between them is meant */
  int64_t since_s, until_s;
  int64_t step_s;      /* SERIES: a multiple of 60 */
  struct pm_zone zone; /* WEEK: the viewer's */
  enum pm_phase phase;
  int64_t after; /* PAIRS: those after that id */
};

/* Of the successes; all 0 if count is. */
struct pm_past_figures {
  uint64_t count;
  int64_t mean_ns, p10_ns, p50_ns, p90_ns, p99_ns, max_ns;
};

struct pm_past_row {
  int64_t time_s; /* its beginning */
  uint32_t sent, lost;
  struct pm_past_figures figures;
  int64_t mean_ns[PM_PHASE_COUNT]; /* of each phase; 0: unknown, or it did not happen */
};

struct pm_past_cell {
  uint32_t hours; /* that had anything sent in them */
  uint64_t sent, lost;
  struct pm_past_figures figures;
};

struct pm_past_pair {
  int64_t id;
  const char *from, *to, *to_url, *to_location; /* keys; "" if unknown */
  int64_t first_s, last_s;
};

/* What ask.kind has; the rest is empty. Lives until the callback returns. */
struct pm_past_answer {
  const char *from, *to; /* keys of the two nodes */
  bool reported;         /* by the other node, in rows of the matrix; else measured here */
  const struct pm_past_row *rows;
  size_t rows_count;
  int64_t step_s; /* what was asked for, or longer where nothing as fine is kept */
  const struct pm_past_cell *cells; /* PM_PAST_WEEK_HOURS, the first is Monday 0 to 1 o'clock */
  struct pm_past_figures all;       /* of the whole week together */
  const struct pm_pattern *pattern; /* WEEK */
  const struct pm_past_pair *pairs;
  size_t pairs_count;
  bool more; /* ask again after the last pair's id */
};

/* answer is NULL unless err is PM_OK; PM_ERR_MISSING: nothing is known of that pair. */
typedef void (*pm_past_done)(void *owner, enum pm_err err, const struct pm_past_answer *answer);

struct pm_past {
  void *owner;
  /* done comes from the loop, never from within the call, unless cancelled. At once: PM_ERR_FULL,
   * PM_ERR_CLOSED (no history is kept) and whatever else is wrong. ask is not kept. */
  enum pm_err (*ask)(void *owner, const struct pm_past_ask *ask, pm_past_done done,
                     void *done_owner, uint64_t *out_id);
  void (*cancel)(void *owner, uint64_t id);
};

#endif
