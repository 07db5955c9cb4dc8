#include "api/server.h"

#include <stdlib.h>
#include <uv.h>

#include "api/connections.h"
#include "api/listener.h"
#include "api/tls.h"

struct pm_server {
  struct pm_listener *listener;
  struct pm_connections *connections;
  struct pm_tls_context *tls; /* NULL: plain */
  struct pm_tls_files files;  /* of it; borrowed from the configuration */
  uint16_t port;
  bool closing;
  unsigned parts_open; /* of listener and connections */
  void (*closed)(void *owner);
  void *closed_owner;
};

void pm_server_config_default(struct pm_server_config *config) {
  *config = (struct pm_server_config){
      .connections_max = PM_SERVER_CONNECTIONS_DEFAULT,
      .client_connections_max = PM_SERVER_CONNECTIONS_DEFAULT / 2,
      .client_requests_per_s = PM_SERVER_CLIENT_RATE_DEFAULT,
      .client_burst = PM_SERVER_CLIENT_RATE_DEFAULT * PM_SERVER_CLIENT_BURST_S,
      /* One answer of the largest kind to somebody slow; more at a time is an attack. */
      .response_bytes_queued_max = 64 << 20,
      /* Then a client connects anew, which spreads it over servers behind one name. */
      .requests_per_connection_max = 1000,
      /* A head fits into a few packets: this is many retransmissions. */
      .header_ms = 10 * 1000,
      .body_ms = 20 * 1000,
      /* A browser's tab between two clicks; longer costs a place for nothing. */
      .idle_ms = 60 * 1000,
      /* A large document over a slow line. */
      .write_ms = 60 * 1000,
      /* A disk that is busy; a person does not wait longer. */
      .later_ms = 10 * 1000,
      .handshake_ms = 10 * 1000,
      /* Round trips, for the answer to be read before the kernel says reset. */
      .linger_ms = 2 * 1000,
  };
}

static void on_accepted(void *owner, int fd, const struct pm_ip *client) {
  struct pm_server *server = owner;
  pm_connections_take(server->connections, fd, client);
}

static bool on_shortage(void *owner) {
  struct pm_server *server = owner;
  return pm_connections_give_way(server->connections);
}

static void server_free(struct pm_server *server) {
  if (server->connections != NULL) pm_connections_free(server->connections);
  pm_tls_context_free(server->tls);
  free(server);
}

static enum pm_err open_parts(struct uv_loop_s *loop, const struct pm_server_config *config,
                              struct pm_server *server, struct pm_why *why) {
  const struct pm_listener_events events = {server, on_accepted, on_shortage};
  if (config->tls_cert != NULL) {
    server->files = (struct pm_tls_files){config->tls_cert, config->tls_key, config->tls_client_ca};
    const enum pm_err err = pm_tls_context_new(&server->files, &server->tls, why);
    if (err != PM_OK) return err;
  }
  return pm_listener_open(loop, &config->bind, config->port, &events, config->log,
                          &server->listener, why);
}

static void on_part_closed(void *owner) {
  struct pm_server *server = owner;
  if (--server->parts_open > 0) return;
  void (*closed)(void *owner) = server->closed;
  void *closed_owner = server->closed_owner;
  server_free(server);
  if (closed != NULL) closed(closed_owner);
}

enum pm_err pm_server_open(struct uv_loop_s *loop, const struct pm_server_config *config,
                           pm_http_handler handler, void *owner, struct pm_server **out,
                           struct pm_why *why) {
  struct pm_server *server = calloc(1, sizeof(*server));
  if (server == NULL) return pm_why_set(why, PM_ERR_NOMEM, "server: out of memory");
  enum pm_err err = open_parts(loop, config, server, why);
  if (err == PM_OK) {
    server->connections = pm_connections_new(loop, config, server->tls, handler, owner);
    server->port = pm_listener_port(server->listener);
    server->parts_open = 2;
    if (server->connections != NULL) {
      *out = server;
      return PM_OK;
    }
    /* The listener's memory belongs to the loop until its handles are closed. */
    server->parts_open = 1;
    pm_listener_close(server->listener, on_part_closed, server);
    return pm_why_set(why, PM_ERR_NOMEM, "server: out of memory");
  }
  server_free(server);
  return err;
}

void pm_server_close(struct pm_server *server, int64_t grace_ms, void (*closed)(void *owner),
                     void *owner) {
  if (server->closing) return;
  server->closing = true;
  server->closed = closed;
  server->closed_owner = owner;
  pm_listener_close(server->listener, on_part_closed, server);
  pm_connections_close(server->connections, grace_ms, on_part_closed, server);
}

enum pm_err pm_server_reload_tls(struct pm_server *server, struct pm_why *why) {
  return server->tls != NULL ? pm_tls_context_reload(server->tls, &server->files, why) : PM_OK;
}

uint16_t pm_server_port(const struct pm_server *server) {
  return server->port;
}

void pm_server_counts(const struct pm_server *server, struct pm_server_counts *out) {
  *out = server->connections->counts;
}
