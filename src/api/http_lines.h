/* The line discipline of a request's head and of a chunked body's trailers, byte by byte, in front
 * of llhttp, whose versions differ in what they forgive. Pure.
 *
 * A line ends with CR LF and with nothing else, holds no control bytes but a tab in a value, and
 * does not begin with a blank (folding). The request line is three words with one blank between
 * them, the third beginning with "HTTP/". One empty line may come before it (RFC 9112 2.2).
 */
#ifndef PM_API_HTTP_LINES_H
#define PM_API_HTTP_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum {
  PM_HTTP_REQUEST_LINE_BYTES_MAX = 8192, /* RFC 9112 3 asks for at least 8000 */
};

enum pm_http_lines_part { PM_HTTP_LINES_REQUEST, PM_HTTP_LINES_HEADERS, PM_HTTP_LINES_TRAILERS };

enum pm_http_lines_state {
  PM_HTTP_LINES_MORE,
  PM_HTTP_LINES_END, /* the empty line was read */
  PM_HTTP_LINES_BAD, /* see status and why */
};

struct pm_http_lines {
  enum pm_http_lines_part part;
  bool after_cr;
  unsigned blanks;      /* in the request line */
  unsigned protocol_at; /* how much of "HTTP/" was seen */
  unsigned empty_lines; /* before the request line */
  size_t line_bytes;    /* of the line so far, without its end */
  size_t bytes;         /* of all lines so far */
  size_t bytes_max;
  int status;      /* after BAD */
  const char *why; /* after BAD: one sentence */
};

/* A new head (PM_HTTP_LINES_REQUEST) or new trailers. */
void pm_http_lines_init(struct pm_http_lines *lines, enum pm_http_lines_part part,
                        size_t bytes_max);
/* Returns how many bytes are in order: all of them after MORE, those up to and with the empty line
 * after END, those before the offending one after BAD. */
size_t pm_http_lines_scan(struct pm_http_lines *lines, const char *bytes, size_t count,
                          enum pm_http_lines_state *out_state);

#endif
