/* The part of a connection's life that has no end of its own: api/stream.h. */
#include "api/connection.h"

static struct pm_connection *find(const struct pm_connections *set, uint64_t id) {
  for (size_t i = 0; i < PM_STREAMS_MAX; i++)
    if (set->streaming[i] != NULL && set->streaming[i]->stream.id == id) return set->streaming[i];
  return NULL;
}

static struct pm_connection **place_of(struct pm_connections *set,
                                       const struct pm_connection *connection) {
  for (size_t i = 0; i < PM_STREAMS_MAX; i++)
    if (set->streaming[i] == connection) return &set->streaming[i];
  return NULL;
}

static size_t count_of_client(const struct pm_connections *set, const struct pm_ip *client) {
  size_t count = 0;
  for (size_t i = 0; i < PM_STREAMS_MAX; i++)
    if (set->streaming[i] != NULL && pm_ip_equal(&set->streaming[i]->client, client)) count++;
  return count;
}

static enum pm_err begin(void *owner, void (*gone)(void *of), void *of, uint64_t *out_id) {
  struct pm_connections *set = owner;
  struct pm_connection *connection = set->asking;
  if (connection == NULL || connection->stream.id != 0 || connection->later.id != 0 || set->closing)
    return PM_ERR_CLOSED;
  struct pm_connection **place = place_of(set, NULL);
  if (place == NULL || count_of_client(set, &connection->client) >= PM_STREAMS_CLIENT_MAX)
    return PM_ERR_FULL;
  *place = connection;
  connection->stream.id = *out_id = ++set->stream_ids;
  connection->stream.gone = gone;
  connection->stream.of = of;
  set->counts.streams++;
  return PM_OK;
}

static size_t waiting_bytes(const struct pm_connection *connection) {
  const struct pm_output *output = &connection->output;
  const size_t under_way = output->head.len + output->body.len + output->wire.len;
  return connection->stream.queue.len + under_way - output->sent;
}

static size_t queued(void *owner, uint64_t id) {
  const struct pm_connection *connection = find(owner, id);
  return connection != NULL ? waiting_bytes(connection) : 0;
}

void pm_connection_stream_push(struct pm_connection *connection) {
  struct pm_output *output = &connection->output;
  struct pm_buf *queue = &connection->stream.queue;
  if (connection->stream.id == 0 || output->head.len > 0 || queue->len == 0) return;
  output->head = *queue;
  pm_buf_init(queue, PM_STREAM_QUEUE_BYTES_MAX);
  pm_connection_flush(connection);
}

static enum pm_err send_bytes(void *owner, uint64_t id, const char *bytes, size_t count) {
  struct pm_connection *connection = find(owner, id);
  if (connection == NULL) return PM_ERR_MISSING;
  const size_t waiting = waiting_bytes(connection);
  if (waiting > PM_STREAM_QUEUE_BYTES_MAX || count > PM_STREAM_QUEUE_BYTES_MAX - waiting)
    return PM_ERR_FULL;
  pm_buf_append(&connection->stream.queue, bytes, count);
  if (pm_buf_status(&connection->stream.queue) != PM_OK) {
    pm_connection_drop(connection); /* memory is short */
    return PM_ERR_MISSING;
  }
  pm_connection_stream_push(connection);
  return PM_OK;
}

static void end(void *owner, uint64_t id) {
  struct pm_connection *connection = find(owner, id);
  if (connection != NULL) pm_connection_drop_with_reset(connection);
}

void pm_connection_stream_end(struct pm_connection *connection) {
  if (connection->stream.id == 0) return;
  *place_of(connection->set, connection) = NULL;
  connection->set->counts.streams--;
  connection->stream.id = 0;
  pm_buf_deinit(&connection->stream.queue);
  connection->stream.gone(connection->stream.of);
}

void pm_connection_lend_streams(struct pm_connections *set) {
  set->streams = (struct pm_streams){set, begin, send_bytes, queued, end};
}
