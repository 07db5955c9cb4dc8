/* Bytes of one connection to one request at a time: llhttp behind caps and behind a line discipline
 * of our own (http_lines.h). Pure (no I/O), so that a fuzzer drives it directly.
 *
 *   NEED_MORE → … → REQUEST (whole, body included) → handler → reset → next request
 *
 * Strict: both Content-Length and Transfer-Encoding, two Content-Lengths, a bare CR or LF, folded
 * headers, blanks before a colon, control bytes, no Host in HTTP/1.1 or two of them, absolute-form
 * for another host, and anything that llhttp's lenient flags would let through is refused with 400,
 * larger than a cap with 413, 414 or 431, an expectation other than 100-continue with 417, an
 * unknown method or a transfer coding other than "chunked" with 501, an unknown version with 505;
 * then the connection ends. Bytes after the request's end are not parsed: pipelining is not
 * offered, the connection is closed after the answer. The result does not depend on how the bytes
 * are cut into pieces. Upgrade headers are ignored, trailers are checked and dropped.
 */
#ifndef PM_API_HTTP_PARSER_H
#define PM_API_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "api/http_message.h"
#include "base/err.h"

struct pm_http_parser;

enum {
  /* All of a chunked body: its data, chunk sizes, extensions and trailers. */
  PM_HTTP_CHUNKED_BYTES_MAX = 2 * PM_HTTP_BODY_BYTES_MAX,
  PM_HTTP_TRAILER_BYTES_MAX = 4096, /* nobody sends us any */
};

enum pm_http_parsed {
  PM_HTTP_NEED_MORE,
  PM_HTTP_NEED_MORE_CONTINUE, /* the same, once, if the client waits for "100 Continue" */
  PM_HTTP_REQUEST,
  PM_HTTP_BAD, /* answer with pm_http_parser_status, then close */
};

enum pm_err pm_http_parser_new(struct pm_http_parser **out) PM_MUST_USE;
void pm_http_parser_free(struct pm_http_parser *parser);
/* Ready for the next request of the same connection; keeps its memory, up to a page. */
void pm_http_parser_reset(struct pm_http_parser *parser);

/* out_used: how many bytes belonged to this request; after REQUEST the rest is surplus. After
 * REQUEST and BAD nothing more may be fed before a reset. */
enum pm_http_parsed pm_http_parser_feed(struct pm_http_parser *parser, const char *bytes,
                                        size_t count, size_t *out_used);
/* After REQUEST: borrowed until reset; client, tls and received are the caller's to set. */
struct pm_http_request *pm_http_parser_request(struct pm_http_parser *parser);
bool pm_http_parser_keep_alive(const struct pm_http_parser *parser);
/* True once the first byte of a request has come: an idle connection may be closed without words.
 */
bool pm_http_parser_started(const struct pm_http_parser *parser);
/* True from the end of the head on: what is awaited is the body. */
bool pm_http_parser_in_body(const struct pm_http_parser *parser);
/* After BAD: the status to answer with, and one sentence why. */
int pm_http_parser_status(const struct pm_http_parser *parser, const char **out_why);

#endif
