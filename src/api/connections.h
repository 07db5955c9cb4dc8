/* All connections of a server: what they share, what each of them waits for, and the deadline of
 * each wait. Here is decided who ends; how one connection lives is in connection.h.
 */
#ifndef PM_API_CONNECTIONS_H
#define PM_API_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "api/client_budget.h"
#include "api/deadline.h"
#include "api/http_head.h"
#include "api/http_message.h"
#include "api/later.h"
#include "api/server.h"
#include "api/stream.h"
#include "api/tls.h"
#include "base/err.h"

struct pm_connection;

/* What a connection waits for. Each has one length, and none is prolonged by bytes that come. */
enum pm_wait {
  PM_WAIT_HANDSHAKE,
  PM_WAIT_FIRST,  /* the first byte of the first request */
  PM_WAIT_HEAD,   /* the rest of a head */
  PM_WAIT_BODY,   /* the rest of a body */
  PM_WAIT_LATER,  /* the handler, to know the answer */
  PM_WAIT_WRITE,  /* the kernel, to take the rest of an answer */
  PM_WAIT_IDLE,   /* the first byte of a further request */
  PM_WAIT_LINGER, /* the other side, to end after our end */
  PM_WAIT_STREAM, /* news to send; without end */
  PM_WAIT_COUNT
};

enum {
  PM_READ_BYTES = 32768,  /* a whole head and body in one read */
  PM_PLAIN_BYTES = 16384, /* one TLS record, decrypted */
  /* A body up to this size goes out in one piece with its head. */
  PM_JOINED_BODY_BYTES_MAX = 8192,
  PM_JOINED_BYTES_MAX = PM_HTTP_HEAD_OUT_BYTES_MAX + PM_JOINED_BODY_BYTES_MAX,
};

struct pm_connections {
  uv_loop_t *loop;
  struct pm_server_config config;
  struct pm_tls_context *tls; /* NULL: plain; borrowed */
  pm_http_handler handler;
  void *handler_owner;

  /* Used by one connection at a time, never over a return to the loop. */
  char read[PM_READ_BYTES];
  char plain[PM_PLAIN_BYTES];
  struct pm_http_response response;
  struct pm_buf head;
  struct pm_http_date date;

  struct pm_later later;
  struct pm_connection *asking;                /* whose handler is being called; else NULL */
  struct pm_connection *awaited[PM_LATER_MAX]; /* whose answers come later; NULL: free */
  uint64_t later_ids;                          /* given so far */
  struct pm_streams streams;
  struct pm_connection *streaming[PM_STREAMS_MAX]; /* NULL: free */
  uint64_t stream_ids;                             /* given so far */

  struct pm_clients *clients;
  struct pm_deadline_queue waits[PM_WAIT_COUNT];
  uv_timer_t timer;
  int64_t timer_due_ms;        /* INT64_MAX: not started */
  int64_t grace_due_ms;        /* INT64_MAX: not closing */
  size_t queued_bytes;         /* of answers that the kernel has not taken */
  size_t handles_open;         /* of connections, those that are closing included */
  struct pm_connection *spare; /* for reuse */
  size_t spare_count;
  struct pm_server_counts counts;
  bool closing;
  bool timer_closed;
  void (*gone)(void *owner);
  void *gone_owner;
};

/* NULL if memory is short. config is copied, its strings are not used. */
struct pm_connections *pm_connections_new(uv_loop_t *loop, const struct pm_server_config *config,
                                          struct pm_tls_context *tls, pm_http_handler handler,
                                          void *owner);
/* Lets answers under way finish for at most grace_ms; then calls gone from the loop, which frees.
 */
void pm_connections_close(struct pm_connections *set, int64_t grace_ms, void (*gone)(void *owner),
                          void *owner);
/* Only in gone. */
void pm_connections_free(struct pm_connections *set);

/* Takes over a connected socket; closes it if there is no room. */
void pm_connections_take(struct pm_connections *set, int fd, const struct pm_ip *client);
/* Ends the connection that can best be spared; false if each has an answer under way. */
bool pm_connections_give_way(struct pm_connections *set);

/* For connection.c. */
/* Ends the connection that has been taking its answer longest. */
void pm_connections_drop_slowest(struct pm_connections *set);
void pm_connections_wait(struct pm_connections *set, struct pm_deadline *deadline,
                         enum pm_wait wait);
void pm_connections_handle_closed(struct pm_connections *set, struct pm_connection *connection);

#endif
