/* Requests to the services that we publish to: one HTTP request, one answer, on the loop, over the
 * binding in probe/curl_multi. It knows neither queues nor retries (publish/delivery) and measures
 * nothing.
 *
 * Whatever the other side does costs bounded time and memory: a deadline on the connection and on
 * the whole, a cap on header and body, no redirects, http and https only. Connections are kept for
 * reuse. A name is looked up by a thread of libcurl's, which nobody waits for when its request ends
 * before it.
 */
#ifndef PM_PUBLISH_HTTP_CLIENT_H
#define PM_PUBLISH_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct uv_loop_s;
struct pm_http_client;
struct pm_http_call; /* under way: from send to done or cancel */

enum {
  /* A request has a handful; more is a mistake of ours. */
  PM_HTTP_CLIENT_HEADERS_MAX = 16,
  /* Services send a few hundred bytes of header and error text; what is past it is not read. */
  PM_HTTP_CLIENT_HEADER_BYTES_MAX = 64 * 1024,
};

struct pm_http_client_config {
  const char *ca_file; /* PEM; NULL or "": the system's. Copied */
};

/* Signs the request (AWS Signature Version 4) with libcurl's signer. That needs the path "/", no
 * query, unique headers none of which is empty or X-Amz-Date, and the body as one piece. */
struct pm_http_signing {
  const char *region, *service;
  const char *key_id, *secret;
};

/* Everything is borrowed for the call of pm_http_client_send but body, which stays the caller's and
 * in place until the end. */
struct pm_http_call_config {
  const char *method; /* "GET", "PUT" or "POST" */
  const char *url;
  const char *headers[PM_HTTP_CLIENT_HEADERS_MAX]; /* "Name: value"; the first NULL ends them */
  const char *body;                                /* NULL: none */
  size_t body_bytes;
  const struct pm_http_signing *signing; /* NULL: unsigned */
  const char *user, *password;           /* Basic authentication; NULL: none */
  int64_t connect_ms, total_ms;          /* deadlines; total includes the connection */
  size_t answer_bytes_max;               /* of the body; the rest of a longer one is not read */
  bool direct;                           /* not by the proxy that the environment may name */
};

struct pm_http_reply {
  int status;       /* 0: there was no answer, and words says why */
  const char *body; /* NUL-terminated, cut at answer_bytes_max; valid inside done only */
  size_t body_bytes;
  int64_t after_ms;  /* Retry-After; negative: none, or none that can be read */
  const char *words; /* of a failure; "" with a status. Valid inside done only */
};

enum pm_err pm_http_client_open(struct uv_loop_s *loop, const struct pm_http_client_config *config,
                                struct pm_http_client **out, struct pm_why *why) PM_MUST_USE;
/* Every call has ended or was cancelled. Calls closed from the loop and frees. */
void pm_http_client_close(struct pm_http_client *client, void (*closed)(void *owner), void *owner);

/* done comes from the loop, once, and never from within this call; the call is over then.
 * PM_ERR_NOMEM, PM_ERR_SYNTAX (method or URL). */
enum pm_err pm_http_client_send(struct pm_http_client *client,
                                const struct pm_http_call_config *config,
                                void (*done)(void *owner, const struct pm_http_reply *reply),
                                void *owner, struct pm_http_call **out) PM_MUST_USE;
/* Ends it without done. Not from within done. */
void pm_http_client_cancel(struct pm_http_call *call);

#endif
