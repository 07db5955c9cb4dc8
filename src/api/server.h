/* An HTTP/1.1 server on libuv, plain or TLS. It knows nothing of routes: every whole request goes
 * to one handler, which fills the response before it returns, or later (api/later.h). Server, Date,
 * Connection, Content-Type, Content-Length and X-Content-Type-Options are written by the server.
 *
 * Bounds: connections, header and body bytes, requests per connection, and absolute deadlines for
 * the header, the body, the handshake and the writing, which no slow drip prolongs. When all
 * connections are taken the one that has been idle longest gives way (idle: no byte of a request
 * has come); if none is idle, the one whose request has been incomplete longest; if all are being
 * answered the new one is closed. Memory at most about connections_max × (header + body caps) +
 * answers under way. Short of descriptors, new connections wait in the kernel.
 *
 * The process must ignore SIGPIPE.
 */
#ifndef PM_API_SERVER_H
#define PM_API_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "api/http_message.h"
#include "base/err.h"
#include "base/log.h"

struct uv_loop_s;
struct pm_server;

struct pm_server_config {
  struct pm_ip bind;    /* family NONE: all addresses, v6 and v4 */
  uint16_t port;        /* 0: any free one (tests); see pm_server_port */
  const char *tls_cert; /* PEM chain; NULL: plain HTTP */
  const char *tls_key;
  size_t connections_max;
  /* Of all connections. Beyond, an answer that may have to queue becomes a 503, and the reader that
   * has been slow longest is dropped; small answers go on. */
  size_t response_bytes_queued_max;
  uint32_t requests_per_connection_max;
  int64_t header_ms;        /* to the head's first byte, and again to its last */
  int64_t body_ms;          /* from the head's end to the body's */
  int64_t idle_ms;          /* from an answer to the next request */
  int64_t write_ms;         /* for one answer, once the kernel's buffer is full */
  int64_t later_ms;         /* for an answer that comes later */
  int64_t handshake_ms;     /* TLS only */
  int64_t linger_ms;        /* from our end to the client's, where a reset could lose an answer */
  const struct pm_log *log; /* may be NULL */
};
/* Defaults with their reasons; the caller sets bind, port, TLS and log. */
void pm_server_config_default(struct pm_server_config *config);

/* PM_ERR_SYSTEM with "port 80 on all addresses: address already in use"; certificate faults are
 * PM_ERR_SYNTAX with the file's name. */
enum pm_err pm_server_open(struct uv_loop_s *loop, const struct pm_server_config *config,
                           pm_http_handler handler, void *owner, struct pm_server **out,
                           struct pm_why *why) PM_MUST_USE;
/* Stops accepting, lets answers under way finish for at most grace_ms, then calls closed from the
 * loop and frees. May be called from inside the handler; its answer is still sent. A second call
 * does nothing. closed may be NULL. */
void pm_server_close(struct pm_server *server, int64_t grace_ms, void (*closed)(void *owner),
                     void *owner);
uint16_t pm_server_port(const struct pm_server *server);

struct pm_server_counts {
  uint64_t connections;  /* accepted */
  uint64_t requests;     /* given to the handler */
  uint64_t bad_requests; /* refused by the parser */
  uint64_t timeouts;     /* of any wait but the idle one */
  uint64_t gave_way, refused_full;
  size_t open;
};
void pm_server_counts(const struct pm_server *server, struct pm_server_counts *out);

#endif
