#include "api/http_lines.h"

#include <string.h>

static const char PROTOCOL[] = "HTTP/";

enum {
  BLANKS = 2,          /* in a request line */
  EMPTY_LINES_MAX = 1, /* before it; old clients send one after a form's body */
};

void pm_http_lines_init(struct pm_http_lines *lines, enum pm_http_lines_part part,
                        size_t bytes_max) {
  *lines = (struct pm_http_lines){.part = part, .bytes_max = bytes_max};
}

static enum pm_http_lines_state bad(struct pm_http_lines *lines, int status, const char *why) {
  lines->status = status;
  lines->why = why;
  return PM_HTTP_LINES_BAD;
}

/* A byte of the request line that is neither control character nor line end. */
static enum pm_http_lines_state request_byte(struct pm_http_lines *lines, char c) {
  if (lines->line_bytes > PM_HTTP_REQUEST_LINE_BYTES_MAX) {
    return bad(lines, 414, "The request line is too long.");
  }
  if (c == '\t' || (unsigned char)c >= 0x80) {
    return bad(lines, 400, "The request line holds a tab or a byte that is not ASCII.");
  }
  if (c == ' ') {
    lines->blanks++;
    return PM_HTTP_LINES_MORE; /* two in a row show as an empty target or a wrong third word */
  }
  if (lines->blanks == BLANKS && lines->protocol_at < sizeof(PROTOCOL) - 1 &&
      c != PROTOCOL[lines->protocol_at++]) {
    return bad(lines, 400, "The request line does not name HTTP.");
  }
  return PM_HTTP_LINES_MORE;
}

static enum pm_http_lines_state line_byte(struct pm_http_lines *lines, char c) {
  const unsigned char byte = (unsigned char)c;
  if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
    return bad(lines, 400, "A control character stands in the head.");
  }
  if (lines->line_bytes == 0 && (c == ' ' || c == '\t')) {
    return bad(lines, 400, "A line begins with a blank; folded headers are not taken.");
  }
  if (lines->line_bytes == 0 && c == ':') {
    return bad(lines, 400, "A header has no name."); /* llhttp takes it */
  }
  lines->line_bytes++;
  if (lines->part == PM_HTTP_LINES_REQUEST) return request_byte(lines, c);
  return PM_HTTP_LINES_MORE;
}

static enum pm_http_lines_state carriage_return(struct pm_http_lines *lines) {
  lines->after_cr = true;
  if (lines->part != PM_HTTP_LINES_REQUEST || lines->line_bytes == 0) return PM_HTTP_LINES_MORE;
  if (lines->blanks != BLANKS || lines->protocol_at < sizeof(PROTOCOL) - 1) {
    return bad(lines, 400, "The request line is not a method, a target and a version.");
  }
  return PM_HTTP_LINES_MORE;
}

static enum pm_http_lines_state line_end(struct pm_http_lines *lines) {
  const bool empty = lines->line_bytes == 0;
  lines->after_cr = false;
  lines->line_bytes = 0;
  if (lines->part != PM_HTTP_LINES_REQUEST) return empty ? PM_HTTP_LINES_END : PM_HTTP_LINES_MORE;
  if (!empty) {
    lines->part = PM_HTTP_LINES_HEADERS;
  } else if (++lines->empty_lines > EMPTY_LINES_MAX) {
    return bad(lines, 400, "Empty lines come before the request.");
  }
  return PM_HTTP_LINES_MORE;
}

static enum pm_http_lines_state next_byte(struct pm_http_lines *lines, char c) {
  if (++lines->bytes > lines->bytes_max) {
    return bad(lines, 431, "The headers are too large.");
  }
  if (lines->after_cr != (c == '\n')) {
    return bad(lines, 400, "A line ends otherwise than with CR LF.");
  }
  if (c == '\n') return line_end(lines);
  if (c == '\r') return carriage_return(lines);
  return line_byte(lines, c);
}

size_t pm_http_lines_scan(struct pm_http_lines *lines, const char *bytes, size_t count,
                          enum pm_http_lines_state *out_state) {
  *out_state = PM_HTTP_LINES_MORE;
  for (size_t i = 0; i < count; i++) {
    *out_state = next_byte(lines, bytes[i]);
    if (*out_state == PM_HTTP_LINES_END) return i + 1;
    if (*out_state == PM_HTTP_LINES_BAD) return i;
  }
  return count;
}
