#include "api/connections.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/connection.h"
#include "base/secret.h"

enum {
  SPARE_MAX = 64, /* a burst's worth; about 10 KB each at most */
  /* Connections that are looked at for one that can be spared, those first that have waited
   * longest. Of one client, more than that have an answer under way at a time only if he does not
   * read them: then he is refused. */
  LOOKS_MAX = 16,
};

/* The deadline is a connection's first member. */
static struct pm_connection *connection_of(struct pm_deadline *deadline) {
  return (struct pm_connection *)deadline;
}

static struct pm_connection *connection_at(struct pm_client_place *place) {
  return (struct pm_connection *)(void *)((char *)place - offsetof(struct pm_connection, place));
}

static enum pm_err open_clients(const struct pm_server_config *config, struct pm_clients **out) {
  struct pm_clients_config clients = {
      .connections_max = config->connections_max + 1, /* who comes, before another gives way */
      .share_max = config->client_connections_max,
      .requests_per_s = config->client_requests_per_s,
      .burst = config->client_burst,
  };
  const enum pm_err err = pm_secret_fill(clients.seed, sizeof(clients.seed));
  return err == PM_OK ? pm_clients_new(&clients, out) : err;
}

struct pm_connections *pm_connections_new(uv_loop_t *loop, const struct pm_server_config *config,
                                          struct pm_tls_context *tls, pm_http_handler handler,
                                          void *owner) {
  struct pm_connections *set = calloc(1, sizeof(*set));
  if (set == NULL) return NULL;
  if (open_clients(config, &set->clients) != PM_OK) {
    free(set);
    return NULL;
  }
  set->loop = loop;
  set->config = *config;
  set->tls = tls;
  set->handler = handler;
  set->handler_owner = owner;
  pm_connection_lend_later(set);
  pm_connection_lend_streams(set);
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
  set->waits[PM_WAIT_STREAM].length_ms = INT64_MAX;
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
  pm_clients_free(set->clients);
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
  for (size_t i = 0; i < PM_STREAMS_MAX; i++) /* without end, they are not waited for */
    if (set->streaming[i] != NULL) pm_connection_drop(set->streaming[i]);
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

/* Who is to give way: of those that have waited longest, one whose client has most connections. So
 * a crowd of one client's pushes out its own, and not the one connection of somebody who has not
 * had the time to ask yet. */
struct choice {
  struct pm_connection *connection; /* NULL: nobody waits there */
  size_t open;
};

static void consider(struct choice *choice, struct pm_connection *connection) {
  const size_t open = pm_clients_open_of(&connection->place);
  const bool better = choice->connection == NULL || open > choice->open ||
                      (open == choice->open &&
                       connection->deadline.armed_ms < choice->connection->deadline.armed_ms);
  if (better) *choice = (struct choice){connection, open};
}

static void consider_wait(struct choice *choice, const struct pm_connections *set,
                          enum pm_wait wait) {
  struct pm_deadline *deadline = set->waits[wait].first;
  for (int i = 0; i < LOOKS_MAX && deadline != NULL; i++, deadline = deadline->after) {
    consider(choice, connection_of(deadline));
  }
}

/* Of clients with as many connections, who has nothing to lose comes first: an answered one, then
 * who has not begun to ask, then who has not ended asking. Otherwise a few hundred half requests
 * would shut everybody out. */
bool pm_connections_give_way(struct pm_connections *set) {
  static const enum pm_wait waits[][2] = {{PM_WAIT_LINGER, PM_WAIT_LINGER},
                                          {PM_WAIT_FIRST, PM_WAIT_IDLE},
                                          {PM_WAIT_HANDSHAKE, PM_WAIT_HEAD},
                                          {PM_WAIT_BODY, PM_WAIT_BODY}};
  struct choice choice = {0};
  for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
    struct choice here = {0};
    consider_wait(&here, set, waits[i][0]);
    consider_wait(&here, set, waits[i][1]);
    if (here.open > choice.open) choice = here;
  }
  if (choice.connection == NULL) return false;
  set->counts.gave_way++;
  pm_connection_drop(choice.connection);
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

/* Whether it waits for the client, who can then come again; not for us or the kernel. */
static bool can_be_spared(const struct pm_connection *connection) {
  if (connection->deadline.queue == NULL) return false;
  switch (connection->wait) {
  case PM_WAIT_HANDSHAKE:
  case PM_WAIT_FIRST:
  case PM_WAIT_HEAD:
  case PM_WAIT_BODY:
  case PM_WAIT_IDLE:
  case PM_WAIT_LINGER:
    return true;
  default:
    return false;
  }
}

/* Ends the client's connection that has been unused longest; false if none can be spared. */
static bool client_gives_way(struct pm_connections *set, const struct pm_ip *client) {
  struct pm_client_place *place = pm_clients_longest(set->clients, client);
  for (int i = 0; i < LOOKS_MAX && place != NULL; i++, place = place->after) {
    if (!can_be_spared(connection_at(place))) continue;
    set->counts.gave_way++;
    pm_connection_drop(connection_at(place));
    return true;
  }
  return false;
}

static enum pm_client_verdict enter(struct pm_connections *set, struct pm_connection *connection,
                                    const struct pm_ip *client) {
  const struct pm_time now = pm_clock_now();
  enum pm_client_verdict verdict = pm_clients_enter(set->clients, client, now, &connection->place);
  if (verdict == PM_CLIENT_SHARE && client_gives_way(set, client)) {
    verdict = pm_clients_enter(set->clients, client, now, &connection->place);
  }
  return verdict;
}

static bool admit(struct pm_connections *set, struct pm_connection *connection,
                  const struct pm_ip *client) {
  switch (enter(set, connection, client)) {
  case PM_CLIENT_SHARE:
    set->counts.refused_share++;
    return false;
  case PM_CLIENT_RATE:
    set->counts.refused_rate++;
    return false;
  case PM_CLIENT_WELCOME:
    break;
  }
  if (set->counts.open < set->config.connections_max || pm_connections_give_way(set)) return true;
  set->counts.refused_full++;
  pm_clients_leave(set->clients, &connection->place);
  return false;
}

/* By a reset, so that the kernel keeps nothing of it either. */
static void turn_away(int fd) {
  const struct linger none = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
  close(fd);
}

void pm_connections_take(struct pm_connections *set, int fd, const struct pm_ip *client) {
  struct pm_connection *connection = spare_or_new(set);
  set->counts.connections++;
  if (connection == NULL || !admit(set, connection, client)) {
    turn_away(fd);
    if (connection != NULL) recycle(set, connection);
    return;
  }
  set->counts.open++;
  pm_connection_start(connection, fd, client);
  if (!connection->dropped || connection->attached) return;
  recycle(set, connection);
  finish_if_empty(set);
}
