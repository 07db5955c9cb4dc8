#include "api/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/answer.h"
#include "probe/kernel.h"

enum {
  /* More than a browser has under way; who still sends after it gets the reset. */
  DRAINED_BYTES_MAX = 256 * 1024,
};

static void received(struct pm_connection *connection, const char *bytes, size_t count);
static void read_tls(struct pm_connection *connection);

/* ---- the socket ---- */

static void on_closed(uv_handle_t *handle) {
  struct pm_connection *connection = handle->data;
  connection->attached = false;
  pm_connections_handle_closed(connection->set, connection);
}

static void release_answer(struct pm_connection *connection) {
  connection->set->queued_bytes -= connection->queued_bytes;
  connection->queued_bytes = 0;
  pm_output_deinit(&connection->output);
}

void pm_connection_drop(struct pm_connection *connection) {
  if (connection->dropped) return;
  connection->dropped = true;
  pm_connection_later_cancel(connection);
  pm_connection_stream_end(connection);
  pm_deadline_disarm(&connection->deadline);
  connection->set->counts.open--;
  pm_clients_leave(connection->set->clients, &connection->place);
  if (connection->attached) {
    uv_close((uv_handle_t *)&connection->handle, on_closed); /* closes the socket too */
  } else {
    close(connection->fd);
  }
  if (!connection->writing) release_answer(connection); /* else libuv still holds it */
  pm_tls_free(connection->tls);
  connection->tls = NULL;
}

void pm_connection_drop_with_reset(struct pm_connection *connection) {
  const struct linger none = {.l_onoff = 1, .l_linger = 0};
  setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
  pm_connection_drop(connection);
}

/* Makes the libuv handle. */
static bool attach(struct pm_connection *connection) {
  if (connection->attached) return true;
  struct pm_connections *set = connection->set;
  if (uv_tcp_init(set->loop, &connection->handle) != 0) return false;
  connection->handle.data = connection;
  connection->attached = true;
  set->handles_open++;
  if (uv_tcp_open(&connection->handle, connection->fd) == 0) return true;
  close(connection->fd); /* the handle does not own it */
  return false;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
  struct pm_connection *connection = handle->data;
  (void)suggested;
  if (connection->wait != PM_WAIT_LINGER) connection->arrived = pm_kernel_arrival(connection->fd);
  *out = uv_buf_init(connection->set->read, sizeof(connection->set->read));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
  struct pm_connection *connection = stream->data;
  if (count < 0) {
    pm_connection_drop(connection);
  } else if (count > 0) {
    received(connection, buf->base, (size_t)count);
  }
}

static void stop_reading(struct pm_connection *connection) {
  if (connection->reading) uv_read_stop((uv_stream_t *)&connection->handle);
  connection->reading = false;
}

/* Waits for bytes. The deadline counts from when this wait began, whatever came since. */
static void await(struct pm_connection *connection, enum pm_wait wait) {
  if (connection->deadline.queue == NULL || connection->wait != wait) {
    connection->wait = wait;
    pm_connections_wait(connection->set, &connection->deadline, wait);
  }
  if (connection->reading) return;
  if (!attach(connection) ||
      uv_read_start((uv_stream_t *)&connection->handle, on_room, on_read) != 0) {
    pm_connection_drop(connection);
    return;
  }
  connection->reading = true;
}

/* ---- answers ---- */

static void linger(struct pm_connection *connection) {
  if (shutdown(connection->fd, SHUT_WR) != 0) {
    pm_connection_drop(connection);
    return;
  }
  connection->drained_bytes = 0;
  await(connection, PM_WAIT_LINGER);
}

static void end_tls(struct pm_connection *connection) {
  if (connection->tls == NULL || connection->writing) return;
  pm_tls_end(connection->tls);
  /* As far as the kernel takes it at once: it is a courtesy. */
  (void)pm_output_flush(&connection->output, connection->fd, connection->tls);
}

static void answered(struct pm_connection *connection) {
  switch (connection->after) {
  case PM_AFTER_KEEP:
    pm_http_parser_reset(connection->parser);
    await(connection, PM_WAIT_IDLE);
    break;
  case PM_AFTER_CLOSE:
    end_tls(connection);
    pm_connection_drop(connection);
    break;
  case PM_AFTER_LINGER:
    end_tls(connection);
    linger(connection);
    break;
  case PM_AFTER_STREAM:
    await(connection, PM_WAIT_STREAM); /* reads, to learn that the client goes */
    pm_connection_stream_push(connection);
    break;
  }
}

static void flush(struct pm_connection *connection);

static void on_written(uv_write_t *write, int status) {
  struct pm_connection *connection = write->data;
  connection->writing = false;
  if (connection->dropped) {
    release_answer(connection);
    return;
  }
  if (status != 0) {
    pm_connection_drop(connection);
    return;
  }
  pm_output_pending_sent(&connection->output, connection->tls);
  flush(connection);
  if (connection->dropped || connection->writing) return;
  await(connection, connection->wait); /* of what TLS had to say, not an answer, no one did */
  /* Bytes may have been fed before the answer blocked. */
  if (!connection->dropped && connection->tls != NULL && connection->ready) read_tls(connection);
}

/* The kernel takes no more: libuv sends the rest, and nothing is read meanwhile. */
static void write_pending(struct pm_connection *connection) {
  struct iovec parts[PM_OUTPUT_PENDING_MAX];
  uv_buf_t bufs[PM_OUTPUT_PENDING_MAX];
  const size_t count = pm_output_pending(&connection->output, parts);
  for (size_t i = 0; i < count; i++) {
    bufs[i] = (uv_buf_t){.base = parts[i].iov_base, .len = parts[i].iov_len};
  }
  stop_reading(connection);
  connection->write.data = connection;
  if (!attach(connection) || uv_write(&connection->write, (uv_stream_t *)&connection->handle, bufs,
                                      (unsigned)count, on_written) != 0) {
    pm_connection_drop(connection);
    return;
  }
  connection->writing = true;
}

/* The buffers of an answer that went out at once serve the next one, of whatever connection. */
static void take_back_buffers(struct pm_connection *connection) {
  struct pm_connections *set = connection->set;
  struct pm_output *output = &connection->output;
  if (output->head.cap > 0 && set->head.cap == 0 && connection->after != PM_AFTER_STREAM) {
    set->head = output->head;
    pm_buf_init(&output->head, PM_JOINED_BYTES_MAX);
  }
  if (output->body.cap > 0 && output->body.cap <= PM_READ_BYTES && set->response.body.cap == 0) {
    set->response.body = output->body;
    pm_buf_init(&output->body, PM_HTTP_RESPONSE_BYTES_MAX);
  }
  release_answer(connection);
}

/* During the handshake there is no answer, only what TLS has to say. */
static bool has_answer(const struct pm_connection *connection) {
  return connection->output.head.len > 0;
}

static void flush(struct pm_connection *connection) {
  struct pm_output *output = &connection->output;
  switch (pm_output_flush(output, connection->fd, connection->tls)) {
  case PM_OUTPUT_DONE:
    if (!has_answer(connection)) break;
    pm_deadline_disarm(&connection->deadline);
    take_back_buffers(connection);
    answered(connection);
    break;
  case PM_OUTPUT_BLOCKED:
    if (has_answer(connection) && connection->queued_bytes == 0) {
      connection->queued_bytes = output->head.len + output->body.len;
      connection->set->queued_bytes += connection->queued_bytes;
      connection->wait = PM_WAIT_WRITE;
      pm_connections_wait(connection->set, &connection->deadline, PM_WAIT_WRITE);
    }
    write_pending(connection);
    break;
  case PM_OUTPUT_FAILED:
    pm_connection_drop(connection);
    break;
  }
}

void pm_connection_flush(struct pm_connection *connection) {
  flush(connection);
}

/* Sends the set's response, whose buffers move to this connection meanwhile. */
static void send_answer(struct pm_connection *connection, bool with_body) {
  struct pm_connections *set = connection->set;
  struct pm_http_response *response = &set->response;
  const bool keep = connection->after == PM_AFTER_KEEP;
  const bool has_body = with_body && pm_http_response_bytes(response) > 0 &&
                        pm_http_status_has_body(response->status);
  const bool lent = has_body && response->lent != NULL;
  const bool joined = has_body && !lent && response->body.len <= PM_JOINED_BODY_BYTES_MAX;

  pm_buf_reset(&set->head);
  pm_http_head_write(&set->head, response, keep, pm_http_date_text(&set->date, pm_clock_wall()));
  if (joined) pm_buf_append(&set->head, response->body.data, response->body.len);
  if (pm_buf_status(&set->head) != PM_OK) {
    pm_connection_drop(connection); /* memory is short */
    return;
  }
  connection->output.head = set->head;
  pm_buf_init(&set->head, PM_JOINED_BYTES_MAX);
  if (lent) {
    /* Only read from; iovec has no const. */
    connection->output.lent.iov_base = (void *)(uintptr_t)response->lent;
    connection->output.lent.iov_len = response->lent_bytes;
  } else if (has_body && !joined) {
    connection->output.body = response->body;
    pm_buf_init(&response->body, PM_HTTP_RESPONSE_BYTES_MAX);
  }
  flush(connection);
}

static void reset_response(struct pm_http_response *response) {
  response->status = 200;
  response->content_type = NULL;
  response->headers_count = 0;
  response->close = false;
  response->lent = NULL;
  response->endless = false;
  pm_buf_reset(&response->body);
}

/* Answers that something is wrong, and ends: what else the client sends is not understood. */
static void refuse(struct pm_connection *connection, int status, const char *why) {
  struct pm_http_response *response = &connection->set->response;
  pm_deadline_disarm(&connection->deadline);
  reset_response(response);
  pm_http_head_problem(response, status, why);
  connection->after = PM_AFTER_LINGER;
  send_answer(connection, true);
}

/* ---- requests ---- */

/* Whether the answer may wait in memory for its reader. If not, the slowest reader makes room for
 * the next one; this one's answer is given up, for that memory is not free before the loop's turn
 * ends. What fits into a socket's buffer is no burden. */
static bool may_queue(struct pm_connections *set) {
  if (set->response.body.len <= PM_JOINED_BODY_BYTES_MAX) return true;
  if (set->queued_bytes <= set->config.response_bytes_queued_max) return true;
  pm_connections_drop_slowest(set);
  return false;
}

static void handle(struct pm_connections *set, const struct pm_http_request *request,
                   pm_http_handler handler, void *owner) {
  struct pm_http_response *response = &set->response;
  reset_response(response);
  handler(owner, request, response);
  if (pm_buf_status(&response->body) != PM_OK) {
    pm_http_head_problem(response, 500, "The answer could not be made.");
  } else if (!may_queue(set)) {
    pm_http_head_problem(response, 503, "Too many answers wait to be fetched.");
    response->close = true;
  }
}

static void send_response(struct pm_connection *connection) {
  const struct pm_connections *set = connection->set;
  const bool wanted = pm_http_parser_keep_alive(connection->parser);
  const bool surplus = connection->surplus;
  if (connection->stream.id != 0 && set->response.endless) {
    connection->drained_bytes = 0;
    connection->after = PM_AFTER_STREAM;
    send_answer(connection, true);
    return;
  }
  pm_connection_stream_end(connection); /* the handler began it, and something went wrong */
  if (wanted && !surplus && !set->response.close && !set->response.endless && !set->closing &&
      connection->requests < set->config.requests_per_connection_max) {
    connection->after = PM_AFTER_KEEP;
  } else {
    connection->after = wanted || surplus ? PM_AFTER_LINGER : PM_AFTER_CLOSE;
  }
  send_answer(connection, pm_http_parser_request(connection->parser)->method != PM_HTTP_HEAD);
}

/* Of a connection that it opened while there was room, the client asks faster than it may. */
static void refuse_rate(struct pm_connection *connection) {
  struct pm_http_response *response = &connection->set->response;
  connection->set->counts.refused_rate++;
  reset_response(response);
  pm_http_head_problem(response, 429, "This address asks more often than one may.");
  pm_answer_header(response, "Retry-After", "1");
  connection->after = PM_AFTER_LINGER;
  send_answer(connection, true);
}

static void answer_request(struct pm_connection *connection, bool surplus) {
  struct pm_connections *set = connection->set;
  struct pm_http_request *request = pm_http_parser_request(connection->parser);
  pm_deadline_disarm(&connection->deadline);
  if (!pm_clients_request(set->clients, &connection->place, pm_clock_now())) {
    refuse_rate(connection);
    return;
  }
  set->counts.requests++;
  connection->requests++;
  request->client = connection->client;
  request->tls = connection->tls != NULL;
  request->certified = connection->tls != NULL && pm_tls_is_certified(connection->tls);
  request->received = pm_clock_now();
  request->arrived = connection->arrived.ns != 0 ? connection->arrived : pm_clock_wall();
  request->later = &set->later;
  request->streams = &set->streams;
  connection->surplus = surplus;
  set->asking = connection;
  handle(set, request, set->handler, set->handler_owner);
  set->asking = NULL;
  if (connection->later.id != 0) {
    connection->drained_bytes = 0;
    await(connection, PM_WAIT_LATER); /* reads, to learn that the client goes */
  } else {
    send_response(connection);
  }
}

/* ---- answers that come later ---- */

void pm_connection_answer(struct pm_connection *connection, pm_http_handler handler, void *owner) {
  pm_deadline_disarm(&connection->deadline);
  handle(connection->set, pm_http_parser_request(connection->parser), handler, owner);
  send_response(connection);
}

static void answer_too_late(struct pm_connection *connection) {
  struct pm_http_response *response = &connection->set->response;
  pm_connection_later_cancel(connection);
  pm_deadline_disarm(&connection->deadline);
  reset_response(response);
  pm_http_head_problem(response, 503, "The answer could not be found in time.");
  send_response(connection);
}

/* Small, and nothing else is under way: if the kernel does not take it, the client reads nothing.
 */
static bool send_continue(struct pm_connection *connection) {
  static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
  const size_t bytes = sizeof(text) - 1;
  if (connection->tls == NULL) {
    return send(connection->fd, text, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes;
  }
  return pm_tls_write(connection->tls, text, bytes) == PM_TLS_OK &&
         pm_output_flush(&connection->output, connection->fd, connection->tls) == PM_OUTPUT_DONE;
}

static void refuse_request(struct pm_connection *connection) {
  const char *why;
  const int status = pm_http_parser_status(connection->parser, &why);
  connection->set->counts.bad_requests++;
  refuse(connection, status, why);
}

static void request_bytes(struct pm_connection *connection, const char *bytes, size_t count) {
  size_t used;
  const enum pm_http_parsed parsed = pm_http_parser_feed(connection->parser, bytes, count, &used);
  switch (parsed) {
  case PM_HTTP_NEED_MORE_CONTINUE:
    if (!send_continue(connection)) {
      pm_connection_drop(connection);
      break;
    }
    await(connection, PM_WAIT_BODY);
    break;
  case PM_HTTP_NEED_MORE:
    await(connection, pm_http_parser_in_body(connection->parser) ? PM_WAIT_BODY : PM_WAIT_HEAD);
    break;
  case PM_HTTP_REQUEST:
    answer_request(connection, used < count);
    break;
  case PM_HTTP_BAD:
    refuse_request(connection);
    break;
  }
}

static void drain(struct pm_connection *connection, size_t count) {
  connection->drained_bytes += count;
  if (connection->drained_bytes > DRAINED_BYTES_MAX) pm_connection_drop(connection);
}

static bool is_lingering(const struct pm_connection *connection) {
  return connection->deadline.queue != NULL && connection->wait == PM_WAIT_LINGER;
}

/* Requests out of what TLS holds, until it has no more, an answer blocks, or the end. */
static void read_tls(struct pm_connection *connection) {
  struct pm_connections *set = connection->set;
  while (!connection->dropped && !connection->writing && !is_lingering(connection) &&
         connection->later.id == 0 && connection->stream.id == 0) {
    size_t count;
    switch (pm_tls_read(connection->tls, set->plain, sizeof(set->plain), &count)) {
    case PM_TLS_OK:
      request_bytes(connection, set->plain, count);
      break;
    case PM_TLS_MORE:
      flush(connection); /* a key update may want an answer */
      return;
    case PM_TLS_CLOSED:
    case PM_TLS_FAILED:
      end_tls(connection);
      pm_connection_drop(connection);
      return;
    }
  }
}

static void shake_hands(struct pm_connection *connection) {
  const enum pm_tls_state state = pm_tls_handshake(connection->tls);
  connection->ready = state == PM_TLS_OK;
  if (state == PM_TLS_FAILED || state == PM_TLS_CLOSED) {
    (void)pm_output_flush(&connection->output, connection->fd, connection->tls); /* the alert */
    linger(connection);
    return;
  }
  await(connection, state == PM_TLS_OK ? PM_WAIT_FIRST : PM_WAIT_HANDSHAKE);
  if (!connection->dropped) flush(connection);
}

static void received(struct pm_connection *connection, const char *bytes, size_t count) {
  if (is_lingering(connection) || connection->later.id != 0 || connection->stream.id != 0) {
    connection->surplus = true; /* who does not wait for the answer gets no further one */
    drain(connection, count);
    return;
  }
  if (connection->tls == NULL) {
    request_bytes(connection, bytes, count);
    return;
  }
  if (pm_tls_feed(connection->tls, bytes, count) != PM_OK) {
    pm_connection_drop(connection);
    return;
  }
  if (!connection->ready) shake_hands(connection);
  if (connection->ready && !connection->dropped) read_tls(connection);
}

/* ---- life ---- */

struct pm_connection *pm_connection_new(struct pm_connections *set) {
  struct pm_connection *connection = calloc(1, sizeof(*connection));
  if (connection == NULL) return NULL;
  if (pm_http_parser_new(&connection->parser) != PM_OK) {
    free(connection);
    return NULL;
  }
  connection->set = set;
  return connection;
}

void pm_connection_free(struct pm_connection *connection) {
  pm_http_parser_free(connection->parser);
  free(connection);
}

static void prepare(struct pm_connection *connection, int fd, const struct pm_ip *client) {
  connection->fd = fd;
  connection->client = *client;
  connection->tls = NULL;
  connection->requests = 0;
  connection->queued_bytes = 0;
  connection->attached = connection->reading = connection->writing = false;
  connection->later.id = 0;
  connection->stream.id = 0;
  pm_buf_init(&connection->stream.queue, PM_STREAM_QUEUE_BYTES_MAX);
  connection->surplus = false;
  connection->dropped = false;
  connection->deadline = (struct pm_deadline){0};
  connection->ready = connection->set->tls == NULL;
  pm_output_init(&connection->output, PM_JOINED_BYTES_MAX, PM_HTTP_RESPONSE_BYTES_MAX);
  pm_http_parser_reset(connection->parser);
}

void pm_connection_start(struct pm_connection *connection, int fd, const struct pm_ip *client) {
  struct pm_connections *set = connection->set;
  prepare(connection, fd, client);
  if (set->tls != NULL && pm_tls_new(set->tls, &connection->tls) != PM_OK) {
    pm_connection_drop(connection);
    return;
  }
  const ssize_t count = pm_kernel_receive(fd, set->read, sizeof(set->read), &connection->arrived);
  if (count > 0) {
    received(connection, set->read, (size_t)count);
  } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    await(connection, connection->ready ? PM_WAIT_FIRST : PM_WAIT_HANDSHAKE);
  } else {
    pm_connection_drop(connection);
  }
}

void pm_connection_expire(struct pm_connection *connection) {
  struct pm_server_counts *counts = &connection->set->counts;
  if (connection->wait != PM_WAIT_IDLE && connection->wait != PM_WAIT_LINGER) counts->timeouts++;
  switch (connection->wait) {
  case PM_WAIT_HEAD:
    refuse(connection, 408, "The request's head did not come in time.");
    break;
  case PM_WAIT_BODY:
    refuse(connection, 408, "The request's body did not come in time.");
    break;
  case PM_WAIT_LATER:
    answer_too_late(connection);
    break;
  case PM_WAIT_WRITE:
    pm_connection_drop_with_reset(connection);
    break;
  case PM_WAIT_FIRST:
  case PM_WAIT_IDLE:
    end_tls(connection);
    pm_connection_drop(connection);
    break;
  case PM_WAIT_HANDSHAKE:
  case PM_WAIT_LINGER:
  case PM_WAIT_STREAM: /* has no end */
  case PM_WAIT_COUNT:
    pm_connection_drop(connection);
    break;
  }
}
