/* The part of a connection's life in which its answer is awaited: api/later.h. */
#include "api/connection.h"

/* Whom the answer of a connection (or of NULL: a free place) is kept for. */
static struct pm_connection **place_of(struct pm_connections *set,
                                       const struct pm_connection *connection) {
  for (size_t i = 0; i < PM_LATER_MAX; i++)
    if (set->awaited[i] == connection) return &set->awaited[i];
  return NULL;
}

/* The id is dead from here on. */
static void end_later(struct pm_connection *connection) {
  *place_of(connection->set, connection) = NULL;
  connection->later.id = 0;
}

void pm_connection_later_cancel(struct pm_connection *connection) {
  if (connection->later.id == 0) return;
  end_later(connection);
  connection->later.cancelled(connection->later.of);
}

static enum pm_err begin_later(void *owner, void (*cancelled)(void *of), void *of,
                               uint64_t *out_id) {
  struct pm_connections *set = owner;
  struct pm_connection *connection = set->asking;
  if (connection == NULL || connection->later.id != 0 || connection->stream.id != 0)
    return PM_ERR_CLOSED;
  struct pm_connection **place = place_of(set, NULL);
  if (place == NULL) return PM_ERR_FULL;
  *place = connection;
  connection->later.id = *out_id = ++set->later_ids;
  connection->later.cancelled = cancelled;
  connection->later.of = of;
  return PM_OK;
}

static void answer_later(void *owner, uint64_t id, pm_http_handler handler, void *handler_owner) {
  struct pm_connections *set = owner;
  for (size_t i = 0; i < PM_LATER_MAX; i++) {
    struct pm_connection *connection = set->awaited[i];
    if (connection == NULL || connection->later.id != id) continue;
    end_later(connection);
    pm_connection_answer(connection, handler, handler_owner);
    return;
  }
}

void pm_connection_lend_later(struct pm_connections *set) {
  set->later = (struct pm_later){set, begin_later, answer_later};
}
