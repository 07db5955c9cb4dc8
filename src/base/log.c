#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"

enum {
  /* PIPE_BUF on Linux: what one write(2) puts into a pipe in one piece, so that lines of several
   * processes on one pipe do not mix. */
  LINE_BYTES_MAX = 4096,
  STAMP_BYTES = sizeof("2026/11/22 10:28:40 ") - 1,
};

/* Puts stamp, text and line end into line; returns its length. */
PM_PRINTF(2, 0)
static size_t compose(char line[LINE_BYTES_MAX], const char *format, va_list args) {
  pm_wall_format(pm_clock_wall(), "%Y/%m/%d %H:%M:%S ", line, STAMP_BYTES + 1);
  char *text = line + strlen(line);
  size_t room = (size_t)(line + LINE_BYTES_MAX - text) - 1; /* less the line end */
  int length = vsnprintf(text, room + 1, format, args);
  if (length < 0) text[0] = '\0';
  if (length >= (int)room + 1) pm_utf8_trim_cut(text);
  pm_escape_line_inplace(text);
  size_t end = strlen(line);
  line[end++] = '\n';
  return end;
}

/* Whether a write would not wait for a reader: what poll(2) calls writable takes a whole line. */
static bool has_room(const struct pm_log *log) {
  struct pollfd polled = {.fd = log->fd, .events = POLLOUT};
  return poll(&polled, 1, 0) != 0;
}

PM_PRINTF(2, 0)
static void put_line(const struct pm_log *log, const char *format, va_list args) {
  char line[LINE_BYTES_MAX];
  size_t bytes = compose(line, format, args);
  /* A log that cannot be written has nowhere to say so. */
  ssize_t written = write(log->fd, line, bytes);
  (void)written;
}

PM_PRINTF(2, 3)
static void put(const struct pm_log *log, const char *format, ...) {
  va_list args;
  va_start(args, format);
  put_line(log, format, args);
  va_end(args);
}

static void tell_lost(const struct pm_log *log) {
  if (log->lost == NULL || *log->lost == 0 || !has_room(log)) return;
  put(log, "%" PRIu64 " lines are missing here: nobody read them", *log->lost);
  *log->lost = 0;
}

void pm_log(const struct pm_log *log, enum pm_log_level level, const char *format, ...) {
  if (level > log->level) return;
  int saved_errno = errno; /* a line about a failure must not replace the failure */
  tell_lost(log);
  if (has_room(log)) {
    va_list args;
    va_start(args, format);
    put_line(log, format, args);
    va_end(args);
  } else if (log->lost != NULL) {
    ++*log->lost;
  }
  errno = saved_errno;
}
