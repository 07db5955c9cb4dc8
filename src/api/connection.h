/* One connection: bytes in, requests to the handler, answers out, end.
 *
 *   [handshake] → first byte → head → body → [later] → answer → idle → head → …
 *                                                        ├→ linger → gone
 *                                                        └→ stream, until the client goes
 *
 * It reads and writes its socket directly while that needs no waiting: most requests are there when
 * the connection is accepted, and most answers fit into the socket's buffer. Only then is a libuv
 * handle made.
 *
 * Closing a socket while it holds unread bytes, or before bytes arrive that are under way, makes
 * the kernel send a reset, upon which the other side may throw away our answer unread. Where that
 * can happen the connection lingers: it ends its own direction and reads on for a little while.
 */
#ifndef PM_API_CONNECTION_H
#define PM_API_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "api/client_budget.h"
#include "api/connections.h"
#include "api/deadline.h"
#include "api/http_parser.h"
#include "api/output.h"
#include "api/tls.h"

enum pm_connection_after { PM_AFTER_KEEP, PM_AFTER_CLOSE, PM_AFTER_LINGER, PM_AFTER_STREAM };

struct pm_connection {
  struct pm_deadline deadline; /* first: what the queues lead to */
  enum pm_wait wait;           /* if the deadline is armed */
  struct pm_connections *set;
  int fd;
  uv_tcp_t handle; /* if attached */
  uv_write_t write;
  struct pm_tls *tls; /* NULL: plain */
  struct pm_http_parser *parser;
  struct pm_output output;
  enum pm_connection_after after; /* the answer under way */
  size_t queued_bytes;            /* this one's share of the set's */
  struct {
    uint64_t id; /* 0: none comes later */
    void (*cancelled)(void *of);
    void *of;
  } later;
  struct {
    uint64_t id; /* 0: the answer has an end */
    void (*gone)(void *of);
    void *of;
    struct pm_buf queue; /* behind what is being sent */
  } stream;
  size_t drained_bytes; /* while lingering, streaming, or while the answer is awaited */
  uint32_t requests;
  struct pm_client_place place; /* among its client's */
  struct pm_ip client;
  struct pm_wall arrived; /* what was read last, by the kernel's stamp; 0: unknown */
  bool attached, reading, writing;
  bool surplus; /* bytes came after the request, before its answer */
  bool ready;   /* the handshake is done, or there is none */
  bool dropped; /* the socket is closed; nothing but the handle's memory is left */
  struct pm_connection *next_spare;
};

/* Asks the handler for the answer to the request, and sends it. */
void pm_connection_answer(struct pm_connection *connection, pm_http_handler handler, void *owner);

/* connection_later.c: fills in set->later. */
void pm_connection_lend_later(struct pm_connections *set);
/* The answer is not awaited any more, and its owner is told; nothing happens without one. */
void pm_connection_later_cancel(struct pm_connection *connection);

/* Sends what the output holds, as far as it goes. */
void pm_connection_flush(struct pm_connection *connection);

/* connection_stream.c: fills in set->streams. */
void pm_connection_lend_streams(struct pm_connections *set);
/* Sends what waits in the stream's queue, unless something is being sent. */
void pm_connection_stream_push(struct pm_connection *connection);
/* The stream is over, and its owner is told; nothing happens without one. */
void pm_connection_stream_end(struct pm_connection *connection);

/* Reusable memory for one; NULL if it is short. */
struct pm_connection *pm_connection_new(struct pm_connections *set);
void pm_connection_free(struct pm_connection *connection);

/* Begins with a connected, non-blocking socket. If it is dropped and not attached on return, it can
 * be reused at once, else when its handle is closed. */
void pm_connection_start(struct pm_connection *connection, int fd, const struct pm_ip *client);
/* Its deadline has passed. */
void pm_connection_expire(struct pm_connection *connection);
/* Ends without words. */
void pm_connection_drop(struct pm_connection *connection);
/* The same; frees the kernel's copy of an answer that nobody reads, too. */
void pm_connection_drop_with_reset(struct pm_connection *connection);

#endif
