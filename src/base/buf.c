#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most buffers hold a line or a small document: the first allocation fits a line. */
enum { FIRST_CAP_BYTES = 128 };

/* What data is while nothing is allocated. Read-only memory, so that a stray write shows at once;
 * the detour over an integer drops the const that nobody writes through. */
static char *empty_text(void) {
  return (char *)(uintptr_t) "";
}

void pm_buf_init(struct pm_buf *buf, size_t bytes_max) {
  *buf = (struct pm_buf){.data = empty_text(), .bytes_max = bytes_max, .err = PM_OK};
}

void pm_buf_deinit(struct pm_buf *buf) {
  if (buf->cap > 0) free(buf->data);
  pm_buf_init(buf, buf->bytes_max);
}

void pm_buf_reset(struct pm_buf *buf) {
  buf->len = 0;
  buf->err = PM_OK;
  if (buf->cap > 0) buf->data[0] = '\0';
}

static size_t next_cap(const struct pm_buf *buf, size_t needed) {
  size_t cap = buf->cap > 0 ? buf->cap : FIRST_CAP_BYTES;
  while (cap < needed && cap <= SIZE_MAX / 2) cap *= 2;
  if (cap < needed) cap = needed;
  if (buf->bytes_max < SIZE_MAX && cap > buf->bytes_max + 1) cap = buf->bytes_max + 1;
  return cap;
}

static bool grow(struct pm_buf *buf, size_t bytes) {
  if (bytes > buf->bytes_max - buf->len) {
    buf->err = PM_ERR_FULL;
    return false;
  }
  char *data = NULL;
  size_t cap = 0;
  if (bytes < SIZE_MAX - buf->len) {
    cap = next_cap(buf, buf->len + bytes + 1);
    data = realloc(buf->cap > 0 ? buf->data : NULL, cap);
  }
  if (data == NULL) {
    buf->err = PM_ERR_NOMEM;
    return false;
  }
  buf->data = data;
  buf->cap = cap;
  buf->data[buf->len] = '\0';
  return true;
}

/* Makes room for that many more bytes and the NUL, or records why not. cap never exceeds the
 * maximum and the NUL, so what fits it is allowed. */
static bool reserve(struct pm_buf *buf, size_t bytes) {
  if (buf->err != PM_OK) return false;
  return bytes < buf->cap - buf->len || grow(buf, bytes);
}

char *pm_buf_extend(struct pm_buf *buf, size_t bytes) {
  if (!reserve(buf, bytes)) return NULL;
  char *at = buf->data + buf->len;
  buf->len += bytes;
  buf->data[buf->len] = '\0';
  return at;
}

void pm_buf_append(struct pm_buf *buf, const void *data, size_t bytes) {
  if (bytes == 0) return;
  char *at = pm_buf_extend(buf, bytes);
  if (at != NULL) memcpy(at, data, bytes);
}

void pm_buf_text(struct pm_buf *buf, const char *text) {
  pm_buf_append(buf, text, strlen(text));
}

void pm_buf_char(struct pm_buf *buf, char c) {
  char *at = pm_buf_extend(buf, 1);
  if (at != NULL) *at = c;
}

void pm_buf_printf(struct pm_buf *buf, const char *format, ...) {
  va_list args;
  va_start(args, format);
  pm_buf_vprintf(buf, format, args);
  va_end(args);
}

void pm_buf_vprintf(struct pm_buf *buf, const char *format, va_list args) {
  if (buf->err != PM_OK) return;
  /* Into the room that is there, which nearly always is enough; else that only measures. */
  size_t room = buf->cap - buf->len;
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, args);
  if (length < 0) buf->err = PM_ERR_FULL; /* longer than INT_MAX */
  bool fits = length >= 0 && (size_t)length < room;
  if (!fits && room > 0) buf->data[buf->len] = '\0';
  if (!fits && length > 0 && reserve(buf, (size_t)length)) {
    vsnprintf(buf->data + buf->len, (size_t)length + 1, format, again);
    fits = true;
  }
  if (fits) buf->len += (size_t)length;
  va_end(again);
}

void pm_buf_consume(struct pm_buf *buf, size_t bytes) {
  if (bytes == 0 || buf->len == 0) return;
  if (bytes > buf->len) bytes = buf->len;
  buf->len -= bytes;
  memmove(buf->data, buf->data + bytes, buf->len + 1);
}

enum pm_err pm_buf_status(const struct pm_buf *buf) {
  return buf->err;
}
