/* A growing buffer that must name its maximum when it is made. Every append either fits whole or
 * fails, and the first failure sticks: a writer appends freely and asks once at the end.
 *
 *   struct pm_buf buf;
 *   pm_buf_init(&buf, BODY_BYTES_MAX);
 *   pm_buf_text(&buf, "hello ");
 *   pm_buf_printf(&buf, "%d", 42);
 *   enum pm_err err = pm_buf_status(&buf);    (OK, FULL past the maximum, or NOMEM)
 *   … buf.data, buf.len …                     (always NUL-terminated; "" while empty)
 *   pm_buf_deinit(&buf);
 */
#ifndef PM_BASE_BUF_H
#define PM_BASE_BUF_H

#include <stddef.h>

#include "base/err.h"

struct pm_buf {
  char *data;       /* NUL-terminated, never NULL; not to be kept over an append */
  size_t len;       /* without the NUL */
  size_t cap;       /* allocated, 0 while nothing is */
  size_t bytes_max; /* len never exceeds it */
  enum pm_err err;
};

/* Allocates nothing yet. */
void pm_buf_init(struct pm_buf *buf, size_t bytes_max);
/* Frees; the buffer is as after init. */
void pm_buf_deinit(struct pm_buf *buf);
/* Empties and forgets a failure; keeps the memory. */
void pm_buf_reset(struct pm_buf *buf);

/* What is appended must not point into the buffer itself. */
void pm_buf_append(struct pm_buf *buf, const void *data, size_t bytes);
/* Appends that many bytes, which the caller writes at once to where this points; NULL if they do
 * not fit. */
char *pm_buf_extend(struct pm_buf *buf, size_t bytes);
void pm_buf_text(struct pm_buf *buf, const char *text);
void pm_buf_char(struct pm_buf *buf, char c);
void pm_buf_printf(struct pm_buf *buf, const char *format, ...) PM_PRINTF(2, 3);
void pm_buf_vprintf(struct pm_buf *buf, const char *format, va_list args) PM_PRINTF(2, 0);
/* Drops bytes from the front (all of them if there are fewer). */
void pm_buf_consume(struct pm_buf *buf, size_t bytes);

enum pm_err pm_buf_status(const struct pm_buf *buf) PM_MUST_USE;

#endif
