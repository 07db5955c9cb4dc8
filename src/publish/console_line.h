/* The console's lines: what the original prints of a sample and of a target's end, and one JSON
 * object a sample. Pure: into a buffer.
 *
 * Text is the original's, byte for byte (tests/data/legacy/cli_*.txt), with two differences: what
 * comes from outside is made harmless for a terminal (base/escape.h), and a failure after the first
 * success shows the location that the target is known by, not "unknown". A sample that got no
 * answer counts as code 502, size 0.
 */
#ifndef PM_PUBLISH_CONSOLE_LINE_H
#define PM_PUBLISH_CONSOLE_LINE_H

#include "base/buf.h"
#include "base/clock.h"
#include "probe/sample.h"
#include "probe/target.h"

enum {
  /* A summary holds a header line, a URL and a location; JSON may write each byte of these two and
   * of our own location as a six-byte escape. */
  PM_CONSOLE_LINE_BYTES_MAX = 1536 + 6 * (PM_URL_BYTES + 2 * PM_LOCATION_BYTES),
};

/* "# timestamp…": names the columns. */
void pm_console_line_header(struct pm_buf *out);
/* `count SPACE` and 12 columns: a sample at -v, a failure at every verbosity but 0. */
void pm_console_line_columns(struct pm_buf *out, const struct pm_target *target,
                             const struct pm_sample *sample);
/* `%3d %8.03f msec %20s %s`: a success at the default verbosity. */
void pm_console_line_short(struct pm_buf *out, const struct pm_target *target,
                           const struct pm_sample *sample);
/* Several lines, the first of them blank. Elapsed is from the first success to now. */
void pm_console_line_summary(struct pm_buf *out, const struct pm_target *target,
                             struct pm_wall now);

/* One JSON object and a line end; publish/console.h names its members. */
void pm_console_line_json(struct pm_buf *out, const char *from, const struct pm_target *target,
                          const struct pm_sample *sample);

#endif
