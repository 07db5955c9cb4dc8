/* An HTTP request as handlers see it, and the response that they fill. Plain data, no I/O.
 */
#ifndef PM_API_HTTP_MESSAGE_H
#define PM_API_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ip.h"

enum {
  PM_HTTP_HEAD_BYTES_MAX = 16384, /* request line and headers, as common servers allow */
  PM_HTTP_HEADERS_MAX = 64,
  PM_HTTP_BODY_BYTES_MAX = 16384,        /* forms only; nothing of ours is larger */
  PM_HTTP_RESPONSE_BYTES_MAX = 64 << 20, /* a peers document of a full roster */
  PM_HTTP_RESPONSE_HEADERS_MAX = 12,
  PM_HTTP_HEADER_VALUE_BYTES = 2064, /* news of a row of the matrix, at their longest */
};

enum pm_http_method {
  PM_HTTP_GET = 1 << 0,
  PM_HTTP_HEAD = 1 << 1,
  PM_HTTP_POST = 1 << 2,
  PM_HTTP_OTHER = 1 << 3,
};

struct pm_http_header {
  const char *name;  /* in lower case */
  const char *value; /* without white space around it */
};

struct pm_later;
struct pm_streams;

/* All strings are NUL-terminated and live until the handler returns, or until its answer has come
 * if that comes later. */
struct pm_http_request {
  enum pm_http_method method;
  const char *path; /* percent-decoded, starts with '/', without the query; no NUL, no "..": refused
                       before */
  const char *query; /* as sent, without '?'; "" if none */
  const char *host;  /* the Host header, as sent; "" for HTTP/1.0 without one */
  struct pm_http_header headers[PM_HTTP_HEADERS_MAX];
  size_t headers_count;
  const char *body;
  size_t body_bytes;
  struct pm_ip client;
  bool tls;
  bool certified; /* by a certificate of the authority that the server trusts; see api/tls.h */
  bool http_1_0;  /* what a proxy speaks to us unless told otherwise; see auth.h */
  struct pm_time received;          /* when the request's last byte was read */
  const struct pm_later *later;     /* api/later.h; NULL: the answer must be there on return */
  const struct pm_streams *streams; /* api/stream.h; NULL: no answer may go on and on */
  struct pm_wall
      arrived; /* when what was read last had come in, by the kernel's stamp if it has one */
};

/* The header's value, the first of several; NULL if absent. name in lower case. */
const char *pm_http_request_header(const struct pm_http_request *request, const char *name);
/* How many headers of this name there are. */
size_t pm_http_request_header_count(const struct pm_http_request *request, const char *name);

struct pm_http_response {
  int status;               /* 200 unless set */
  const char *content_type; /* static; NULL: no body */
  struct pm_buf body;
  /* Sent instead of body, without a copy: what is there for as long as the process. NULL: body. */
  const char *lent;
  size_t lent_bytes;
  bool endless; /* the connection's end is the answer's: it has no length */
  struct {
    const char *name; /* static */
    char value[PM_HTTP_HEADER_VALUE_BYTES];
  } headers[PM_HTTP_RESPONSE_HEADERS_MAX];
  size_t headers_count;
  bool close; /* close the connection after it */
};

typedef void (*pm_http_handler)(void *owner, const struct pm_http_request *request,
                                struct pm_http_response *response);

/* A value with a line break or control character, or one that does not fit, is not added and
 * returns PM_ERR_SYNTAX or PM_ERR_TOO_LARGE: nothing from outside can split a response. */
enum pm_err pm_http_response_header(struct pm_http_response *response, const char *name,
                                    const char *value) PM_MUST_USE;
/* Of what would be sent as its body. */
size_t pm_http_response_bytes(const struct pm_http_response *response);
const char *pm_http_status_text(int status);

#endif
