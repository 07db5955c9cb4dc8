/* JSON lines to a file: the lines of `--output json` (publish/console.h), a line a sample, through
 * publish/line_writer, so that no disk ever holds up the loop.
 *
 * A reopen (SIGHUP, after log rotation moved the file away) opens the path again on libuv's pool;
 * what was queued before goes to the file of before. If it cannot be opened the file of before goes
 * on. A write that fails (a full disk) is said once, and once more when writing goes on; the lines
 * in between are counted as failed.
 */
#ifndef PM_PUBLISH_FILE_H
#define PM_PUBLISH_FILE_H

#include "base/err.h"
#include "base/log.h"
#include "publish/sink.h"

struct uv_loop_s;

struct pm_file_config {
  const char *path;     /* copied; made if it is not there, else appended to */
  const char *location; /* ours; copied */
  const struct pm_log *log;
};

/* PM_ERR_NOMEM; PM_ERR_SYSTEM if the file cannot be opened. Opens it before it returns. */
enum pm_err pm_file_open(struct uv_loop_s *loop, const struct pm_file_config *config,
                         struct pm_sink **out, struct pm_why *why) PM_MUST_USE;

#endif
