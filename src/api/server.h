/* An HTTP/1.1 server on libuv, plain or TLS. It knows nothing of routes: every whole request goes
 * to one handler, which fills the response before it returns, or later (api/later.h). Server, Date,
 * Connection, Content-Type, Content-Length and X-Content-Type-Options are written by the server.
 *
 * Bounds: a share of connections and requests for each client address (api/client_budget.h; who has
 * his share of connections loses his longest unused one, who is too fast finds the next one reset,
 * or gets a 429); connections, header and body bytes, requests per connection, and absolute
 * deadlines for the header, the body, the handshake and the writing, which no slow drip prolongs.
 * When all connections are taken the one that has been idle longest gives way (idle: no byte of a
 * request has come); if none is idle, the one whose request has been incomplete longest; if all are
 * being answered the new one is closed. Memory at most about connections_max × (header + body caps)
 * + answers under way. Short of descriptors, new connections wait in the kernel.
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

enum {
  PM_SERVER_CONNECTIONS_MAX = 65536, /* some 20 KB each while they ask */
  PM_SERVER_CLIENT_RATE_MAX = 1000000,
  /* Half of the usual limit of 1,024 descriptors; the other half is for probes. */
  PM_SERVER_CONNECTIONS_DEFAULT = 512,
  /* Requests a second of one client address. A translator's address may stand for a whole site:
   * 5,000 nodes behind it that ping every 10 s are 500 a second. One core answers ten times as
   * many. */
  PM_SERVER_CLIENT_RATE_DEFAULT = 500,
  PM_SERVER_CLIENT_BURST_S = 10, /* of that, at once: the whole site starts at the same moment */
};

struct pm_server_config {
  struct pm_ip bind;    /* family NONE: all addresses, v6 and v4 */
  uint16_t port;        /* 0: any free one (tests); see pm_server_port */
  const char *tls_cert; /* PEM chain; NULL: plain HTTP; this and the next two: borrowed */
  const char *tls_key;
  const char *tls_client_ca; /* see api/tls.h; NULL: clients are not asked for certificates */
  size_t connections_max;
  /* Of one client address; see api/client_budget.h for what counts as one. */
  size_t client_connections_max;
  uint32_t client_requests_per_s; /* 0: no limit */
  uint32_t client_burst;
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
/* Reads the certificate, its key and the authorities again, from files of the same names, for
 * connections from now on. Nothing changes if there is an error. Plain HTTP: nothing happens. */
enum pm_err pm_server_reload_tls(struct pm_server *server, struct pm_why *why) PM_MUST_USE;
uint16_t pm_server_port(const struct pm_server *server);

struct pm_server_counts {
  uint64_t connections;  /* accepted */
  uint64_t requests;     /* given to the handler */
  uint64_t bad_requests; /* refused by the parser */
  uint64_t timeouts;     /* of any wait but the idle one */
  uint64_t gave_way, refused_full;
  uint64_t refused_share, refused_rate; /* connections, and requests of them, of one client */
  size_t open;
  size_t streams; /* of the open ones (api/stream.h) */
};
void pm_server_counts(const struct pm_server *server, struct pm_server_counts *out);

#endif
