/* A TCP server on the loopback, in the test's own loop, that behaves well or badly as told. It
 * counts connections and keeps the latest request's beginning.
 */
#ifndef PM_TEST_PROBE_LOOPBACK_SERVER_H
#define PM_TEST_PROBE_LOOPBACK_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum loopback_manner {
  LOOPBACK_ANSWERS,  /* text once, then closes */
  LOOPBACK_SILENT,   /* reads, and never answers */
  LOOPBACK_RESETS,   /* text once, then a reset */
  LOOPBACK_REPEATS,  /* text once, then more over and over, as fast as it is taken */
  LOOPBACK_DRIPS,    /* text once, then one byte of more every 10 ms */
  LOOPBACK_HANGS_UP, /* closes at once, before the request was read */
};

struct loopback_server {
  uv_tcp_t listener;
  uint16_t port;
  enum loopback_manner manner;
  const char *text; /* the answer's beginning */
  const char *more;
  size_t accepted;
  char request[4096];
  size_t request_bytes;
  char latest_client[INET6_ADDRSTRLEN];
  size_t open; /* connections */
};

struct loopback_connection {
  struct loopback_server *server;
  uv_tcp_t tcp;
  uv_timer_t drip;
  uv_write_t write;
  size_t handles;
  char input[2048];
};

static void loopback_on_closed(uv_handle_t *handle) {
  struct loopback_connection *c = handle->data;
  if (--c->handles > 0) return;
  c->server->open--;
  free(c);
}

static void loopback_hang_up(struct loopback_connection *c) {
  if (!uv_is_closing((uv_handle_t *)&c->tcp)) uv_close((uv_handle_t *)&c->tcp, loopback_on_closed);
  if (!uv_is_closing((uv_handle_t *)&c->drip))
    uv_close((uv_handle_t *)&c->drip, loopback_on_closed);
}

static void loopback_send(struct loopback_connection *c, const char *text, size_t bytes,
                          uv_write_cb then) {
  uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text, (unsigned)bytes);
  c->write.data = c;
  if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, then) != 0) loopback_hang_up(c);
}

static void loopback_on_repeated(uv_write_t *write, int status) {
  struct loopback_connection *c = write->data;
  if (uv_is_closing((uv_handle_t *)&c->tcp)) return;
  if (status != 0)
    loopback_hang_up(c);
  else
    loopback_send(c, c->server->more, strlen(c->server->more), loopback_on_repeated);
}

static void loopback_on_dripped(uv_write_t *write, int status) {
  struct loopback_connection *c = write->data;
  if (status != 0) loopback_hang_up(c);
}

static void loopback_on_drip(uv_timer_t *timer) {
  struct loopback_connection *c = timer->data;
  loopback_send(c, c->server->more, 1, loopback_on_dripped);
}

static void loopback_on_sent(uv_write_t *write, int status) {
  struct loopback_connection *c = write->data;
  if (uv_is_closing((uv_handle_t *)&c->tcp)) return;
  if (status != 0) {
    loopback_hang_up(c);
    return;
  }
  switch (c->server->manner) {
  case LOOPBACK_REPEATS:
    loopback_on_repeated(write, 0);
    return;
  case LOOPBACK_DRIPS:
    uv_timer_start(&c->drip, loopback_on_drip, 10, 10);
    return;
  case LOOPBACK_RESETS:
    uv_tcp_close_reset(&c->tcp, loopback_on_closed);
    loopback_hang_up(c);
    return;
  default:
    loopback_hang_up(c);
  }
}

static void loopback_on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct loopback_connection *c = handle->data;
  (void)suggested;
  *buf = uv_buf_init(c->input, sizeof c->input);
}

static void loopback_on_input(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf) {
  struct loopback_connection *c = stream->data;
  struct loopback_server *s = c->server;
  if (got < 0) {
    loopback_hang_up(c);
    return;
  }
  size_t room = sizeof s->request - 1 - s->request_bytes;
  size_t bytes = (size_t)got < room ? (size_t)got : room;
  memcpy(s->request + s->request_bytes, buf->base, bytes);
  s->request_bytes += bytes;
  s->request[s->request_bytes] = '\0';
  if (s->manner == LOOPBACK_SILENT || !strstr(s->request, "\r\n\r\n")) return;
  loopback_send(c, s->text, strlen(s->text), loopback_on_sent);
}

static void loopback_on_connection(uv_stream_t *listener, int status) {
  struct loopback_server *s = listener->data;
  struct loopback_connection *c = calloc(1, sizeof *c);
  assert(status == 0 && c);
  c->server = s;
  c->handles = 2;
  c->tcp.data = c->drip.data = c;
  uv_tcp_init(listener->loop, &c->tcp);
  uv_timer_init(listener->loop, &c->drip);
  s->accepted++;
  s->open++;
  s->request_bytes = 0;
  s->request[0] = '\0';
  if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0 || s->manner == LOOPBACK_HANGS_UP) {
    loopback_hang_up(c);
    return;
  }
  struct sockaddr_storage client;
  int bytes = sizeof client;
  uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&client, &bytes);
  uv_ip_name((const struct sockaddr *)&client, s->latest_client, sizeof s->latest_client);
  uv_read_start((uv_stream_t *)&c->tcp, loopback_on_room, loopback_on_input);
}

/* Takes a free port, or the one given; it refuses connections until loopback_server_listen. */
static inline void loopback_server_bind(struct loopback_server *s, uv_loop_t *loop, const char *ip,
                                        uint16_t port) {
  struct sockaddr_storage address = {0};
  int bytes = sizeof address;
  if (strchr(ip, ':'))
    uv_ip6_addr(ip, port, (struct sockaddr_in6 *)&address);
  else
    uv_ip4_addr(ip, port, (struct sockaddr_in *)&address);
  uv_tcp_init(loop, &s->listener);
  s->listener.data = s;
  int err = uv_tcp_bind(&s->listener, (const struct sockaddr *)&address, 0);
  if (err == 0) err = uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &bytes);
  assert(err == 0);
  s->port = ntohs(((const struct sockaddr_in *)&address)->sin_port); /* at the same place in v6 */
}

static inline void loopback_server_listen(struct loopback_server *s) {
  int err = uv_listen((uv_stream_t *)&s->listener, 64, loopback_on_connection);
  assert(err == 0);
  (void)err;
}

static inline void loopback_server_open(struct loopback_server *s, uv_loop_t *loop,
                                        const char *ip) {
  loopback_server_bind(s, loop, ip, 0);
  loopback_server_listen(s);
}

/* Its connections end when their clients do, or by the loop's running out. */
static inline void loopback_server_close(struct loopback_server *s) {
  uv_close((uv_handle_t *)&s->listener, NULL);
}

#endif
