/* Lines to a file descriptor without ever blocking the loop: a bounded queue, written by libuv's
 * thread pool (so pipes, terminals and files all work), one write at a time with many of the lines
 * that are queued. The oldest waiting lines are dropped when the queue is full, and counted.
 *
 * A write never waits for a reader: one that is slow is tried again from a timer, so it holds no
 * thread of the pool and cannot hold up the end of the process. Only a disk can do that.
 *
 * The process must ignore SIGPIPE. While nothing is queued the writer does not keep the loop alive.
 */
#ifndef PM_PUBLISH_LINE_WRITER_H
#define PM_PUBLISH_LINE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct uv_loop_s;
struct pm_line_writer;

enum {
  /* 1,000 peers at 1 s write 9 MB a minute: a reader 7 s behind them is not reading. */
  PM_LINE_WRITER_BYTES_MAX = 1 << 20,
};

/* fd stays the caller's: it must stay open until the writer is closed, and its flags are left as
 * they are (other processes may share it). PM_ERR_NOMEM; PM_ERR_SYSTEM if fd is not open. */
enum pm_err pm_line_writer_open(struct uv_loop_s *loop, int fd, size_t bytes_max,
                                struct pm_line_writer **out) PM_MUST_USE;
/* line: whole, its line end included (several lines that belong together count as one); longer
 * than bytes_max is dropped and counted. */
void pm_line_writer_put(struct pm_line_writer *writer, const char *line, size_t bytes);
/* Lines that never were written whole, because there was no room; because writing failed. */
uint64_t pm_line_writer_dropped(const struct pm_line_writer *writer);
uint64_t pm_line_writer_failed(const struct pm_line_writer *writer);
/* errno of the latest write: 0 if it succeeded or there was none. */
int pm_line_writer_error(const struct pm_line_writer *writer);
/* Writes out what is queued for at most flush_ms (the rest is dropped), then calls closed from the
 * loop, and frees. Does not close fd. What is put from here on is dropped. */
void pm_line_writer_close(struct pm_line_writer *writer, int64_t flush_ms,
                          void (*closed)(void *owner), void *owner);

#endif
