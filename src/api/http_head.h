/* A response as it goes over the wire: status line and headers, and a small body behind them. Pure.
 */
#ifndef PM_API_HTTP_HEAD_H
#define PM_API_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/http_message.h"
#include "base/buf.h"
#include "base/clock.h"

enum {
  PM_HTTP_DATE_BYTES = 32,
  /* Status line, our own headers, and all that a handler can add. */
  PM_HTTP_HEAD_OUT_BYTES_MAX =
      1024 + PM_HTTP_RESPONSE_HEADERS_MAX * (PM_HTTP_HEADER_VALUE_BYTES + 64),
};

/* The Date header's value, made once a second. All zero at first. */
struct pm_http_date {
  int64_t second;
  char text[PM_HTTP_DATE_BYTES];
};
const char *pm_http_date_text(struct pm_http_date *date, struct pm_wall now);

/* Appends the head: Server, Date, X-Content-Type-Options, Connection, Content-Type and
 * Content-Length, then the response's own headers. A 204 or 304 has no body and no length,
 * an endless answer no length. Ask
 * pm_buf_status(out) afterwards. */
void pm_http_head_write(struct pm_buf *out, const struct pm_http_response *response,
                        bool keep_alive, const char *date);
bool pm_http_status_has_body(int status);

/* Makes the response one of application/problem+json (RFC 9457). detail: one sentence. */
void pm_http_head_problem(struct pm_http_response *response, int status, const char *detail);

#endif
