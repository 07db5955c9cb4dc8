#include "api/connections.h"

#include <stdlib.h>
#include <unistd.h>

#include "api/connection.h"

enum {
  SPARE_MAX = 64, /* a burst's worth; about 10 KB each at most */
};

/* The deadline is a connection's first member. */
static struct pm_connection *connection_of(struct pm_deadline *deadline) {
  return (struct pm_connection *)deadline;
}

struct pm_connections *pm_connections_new(uv_loop_t *loop, const struct pm_server_config *config,
                                          struct pm_tls_context *tls, pm_http_handler handler,
                                          void *owner) {
  struct pm_connections *set = calloc(1, sizeof(*set));
  if (set == NULL) return NULL;
  set->loop = loop;
  set->config = *config;
  set->tls = tls;
  set->handler = handler;
  set->handler_owner = owner;
  pm_connection_lend_later(set);
  pm_buf_init(&set->response.body, PM_HTTP_RESPONSE_BYTES_MAX);
  pm_buf_init(&set->head, PM_JOINED_BYTES_MAX);
  set->waits[PM_WAIT_HANDSHAKE].length_ms = config->handshake_ms;
  set->waits[PM_WAIT_FIRST].length_ms = config->header_ms;
  set->waits[PM_WAIT_HEAD].length_ms = config->header_ms;
  set->waits[PM_WAIT_BODY].length_ms = config->body_ms;
  set->waits[PM_WAIT_LATER].length_ms = config->later_ms;
  set->waits[PM_WAIT_WRITE].length_ms = config->write_ms;
  set->waits[PM_WAIT_IDLE].length_ms = config->idle_ms;
  set->waits[PM_WAIT_LINGER].length_ms = config->linger_ms;
  set->timer_due_ms = set->grace_due_ms = INT64_MAX;
  uv_timer_init(loop, &set->timer);
  set->timer.data = set;
  return set;
}

void pm_connections_free(struct pm_connections *set) {
  while (set->spare != NULL) {
    struct pm_connection *connection = set->spare;
    set->spare = connection->next_spare;
    pm_connection_free(connection);
  }
  pm_buf_deinit(&set->response.body);
  pm_buf_deinit(&set->head);
  free(set);
}

/* ---- the end of all ---- */

static void on_timer_closed(uv_handle_t *handle) {
  struct pm_connections *set = handle->data;
  set->gone(set->gone_owner);
}

/* Once nothing of ours is left in the loop but the timer. */
static void finish_if_empty(struct pm_connections *set) {
  if (!set->closing || set->timer_closed) return;
  if (set->counts.open > 0 || set->handles_open > 0) return;
  set->timer_closed = true;
  uv_close((uv_handle_t *)&set->timer, on_timer_closed);
}

static void drop_all(struct pm_connections *set, enum pm_wait wait) {
  while (set->waits[wait].first != NULL) {
    pm_connection_drop(connection_of(set->waits[wait].first));
  }
}

/* ---- deadlines ---- */

static void on_timer(uv_timer_t *timer);

static void schedule(struct pm_connections *set, int64_t due_ms) {
  if (due_ms >= set->timer_due_ms) return;
  const int64_t now_ms = (int64_t)uv_now(set->loop);
  set->timer_due_ms = due_ms;
  uv_timer_start(&set->timer, on_timer, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0, 0);
}

/* Ends: who expires is dropped, or lingers, which expires by dropping. */
static void expire_due(struct pm_connections *set, int64_t now_ms) {
  for (int wait = 0; wait < PM_WAIT_COUNT; wait++) {
    struct pm_deadline_queue *queue = &set->waits[wait];
    while (pm_deadline_next_ms(queue) <= now_ms) {
      pm_connection_expire(connection_of(queue->first));
    }
  }
}

/* The timer is never moved back when a wait ends early: it fires, finds nothing due, and is set to
 * what is due next. That costs one firing now and then instead of two timer calls a request. */
static void on_timer(uv_timer_t *timer) {
  struct pm_connections *set = timer->data;
  const int64_t now_ms = (int64_t)uv_now(set->loop);
  set->timer_due_ms = INT64_MAX;
  expire_due(set, now_ms);
  if (set->grace_due_ms <= now_ms) {
    set->grace_due_ms = INT64_MAX;
    for (int wait = 0; wait < PM_WAIT_COUNT; wait++) drop_all(set, (enum pm_wait)wait);
  }
  for (int wait = 0; wait < PM_WAIT_COUNT; wait++) {
    schedule(set, pm_deadline_next_ms(&set->waits[wait]));
  }
  schedule(set, set->grace_due_ms);
}

void pm_connections_wait(struct pm_connections *set, struct pm_deadline *deadline,
                         enum pm_wait wait) {
  struct pm_deadline_queue *queue = &set->waits[wait];
  pm_deadline_arm(queue, deadline, (int64_t)uv_now(set->loop));
  schedule(set, pm_deadline_next_ms(queue));
}

void pm_connections_close(struct pm_connections *set, int64_t grace_ms, void (*gone)(void *owner),
                          void *owner) {
  set->closing = true;
  set->gone = gone;
  set->gone_owner = owner;
  drop_all(set, PM_WAIT_FIRST);
  drop_all(set, PM_WAIT_IDLE);
  drop_all(set, PM_WAIT_HANDSHAKE);
  set->grace_due_ms = (int64_t)uv_now(set->loop) + grace_ms;
  schedule(set, set->grace_due_ms);
  finish_if_empty(set);
}

/* ---- coming and going ---- */

static void recycle(struct pm_connections *set, struct pm_connection *connection) {
  if (set->spare_count == SPARE_MAX || set->closing) {
    pm_connection_free(connection);
    return;
  }
  pm_http_parser_reset(connection->parser);
  connection->next_spare = set->spare;
  set->spare = connection;
  set->spare_count++;
}

void pm_connections_handle_closed(struct pm_connections *set, struct pm_connection *connection) {
  set->handles_open--;
  recycle(set, connection);
  finish_if_empty(set);
}

/* The one of two waits' that has waited longer; NULL if nobody waits there. */
static struct pm_deadline *longest_of(const struct pm_connections *set, enum pm_wait a,
                                      enum pm_wait b) {
  struct pm_deadline *first = set->waits[a].first;
  struct pm_deadline *other = set->waits[b].first;
  if (first == NULL || (other != NULL && other->armed_ms < first->armed_ms)) return other;
  return first;
}

/* Who has nothing to lose comes first: an answered one, then who has not begun to ask, then who has
 * not ended asking. Otherwise a few hundred half requests would shut everybody out. */
bool pm_connections_give_way(struct pm_connections *set) {
  struct pm_deadline *longest = set->waits[PM_WAIT_LINGER].first;
  if (longest == NULL) longest = longest_of(set, PM_WAIT_FIRST, PM_WAIT_IDLE);
  if (longest == NULL) longest = longest_of(set, PM_WAIT_HANDSHAKE, PM_WAIT_HEAD);
  if (longest == NULL) longest = set->waits[PM_WAIT_BODY].first;
  if (longest == NULL) return false;
  set->counts.gave_way++;
  pm_connection_drop(connection_of(longest));
  return true;
}

void pm_connections_drop_slowest(struct pm_connections *set) {
  struct pm_deadline *slowest = set->waits[PM_WAIT_WRITE].first;
  if (slowest != NULL) pm_connection_drop_with_reset(connection_of(slowest));
}

static struct pm_connection *spare_or_new(struct pm_connections *set) {
  struct pm_connection *connection = set->spare;
  if (connection == NULL) return pm_connection_new(set);
  set->spare = connection->next_spare;
  set->spare_count--;
  return connection;
}

void pm_connections_take(struct pm_connections *set, int fd, const struct pm_ip *client) {
  struct pm_connection *connection = NULL;
  set->counts.connections++;
  if (set->counts.open < set->config.connections_max || pm_connections_give_way(set)) {
    connection = spare_or_new(set);
  }
  if (connection == NULL) {
    set->counts.refused_full++;
    close(fd);
    return;
  }
  set->counts.open++;
  pm_connection_start(connection, fd, client);
  if (!connection->dropped || connection->attached) return;
  recycle(set, connection);
  finish_if_empty(set);
}
