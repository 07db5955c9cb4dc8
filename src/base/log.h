/* The log: lines on standard error, "2026/11/22 10:28:40 text", as the original writes them, but in
 * UTC. One line is one write(2) of at most 4096 bytes (longer ones are cut), so that the lines of
 * several processes do not mix. Text from outside is made harmless for a terminal (base/escape.h).
 * Only layers that act may log.
 *
 * A log never waits for its reader: a line for which a pipe or a terminal has no room is lost and
 * counted, and the count is told before the next line.
 */
#ifndef PM_BASE_LOG_H
#define PM_BASE_LOG_H

#include <stdint.h>

#include "base/err.h"

/* -q is 0, the default 1, -v 2, -V 3. A line shows if its level is at most the log's. */
enum pm_log_level { PM_LOG_ALWAYS, PM_LOG_INFO, PM_LOG_VERBOSE, PM_LOG_DEBUG };

struct pm_log {
  enum pm_log_level level;
  int fd;
  uint64_t *lost; /* lines lost and not told yet; NULL: they are not told */
};

/* format without a line end. Keeps errno; never fails, for a log has nowhere to say so. */
void pm_log(const struct pm_log *log, enum pm_log_level level, const char *format, ...)
    PM_PRINTF(3, 4);

#endif
