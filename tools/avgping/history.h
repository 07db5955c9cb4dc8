/* A pair's history in text: sparklines of median, 90th percentile and loss. Pure.
 */
#ifndef AVGPING_HISTORY_H
#define AVGPING_HISTORY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "terminal.h"

enum {
  AVGPING_HISTORY_STEPS_DEFAULT = 72, /* where there is no terminal */
  AVGPING_HISTORY_STEPS_MAX = AVGPING_COLUMNS_MAX,
  AVGPING_HISTORY_SINCE_S_DEFAULT = 24 * 3600,
  AVGPING_HISTORY_SINCE_S_MAX = 400 * 86400,
};

/* "-24h", "90m", "7d": how far back, in seconds. PM_ERR_SYNTAX, _RANGE, with a sentence. */
enum pm_err avgping_history_since(const char *text, int64_t *out_s, struct pm_why *why) PM_MUST_USE;
/* What to ask for, behind "/v1/": pair is "TO" or "FROM..TO"; each a key, a URL, or host:port. */
void avgping_history_page(const char *pair, const char *phase, int64_t since_s,
                          const struct avgping_terminal *terminal, struct pm_buf *out);
/* PM_ERR_SYNTAX, _TYPE, _TOO_LARGE, _NOMEM, with a sentence. */
enum pm_err avgping_history_draw(const struct pm_buf *body, const struct avgping_terminal *terminal,
                                 struct pm_buf *out, struct pm_why *why) PM_MUST_USE;

#endif
