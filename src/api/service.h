/* The service: what a node answers. Binds the route table to the node's state; reads the prober's
 * roster, acts only through the callbacks that the node hands in.
 */
#ifndef PM_API_SERVICE_H
#define PM_API_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/assets.h"
#include "api/auth.h"
#include "api/http_message.h"
#include "base/err.h"
#include "probe/prober.h"

struct pm_service;
struct pm_gossip;
struct pm_matrix;
struct pm_node_id;
struct pm_past;
struct pm_route;
struct pm_server;

/* One setting as /v1/env shows it. Secrets never get here: value is then "(set)" or "(not set)". */
struct pm_setting {
  const char *name, *value, *origin; /* origin: "default", "flag -d", "PINGMESH_DELAY", … */
};

/* What the node lends the service. All is borrowed for the service's life; handlers run on the
 * loop. */
struct pm_service_config {
  const char *location, *host; /* SrvLoc, SrvHost */
  uint16_t port_reported;      /* SrvPort */
  struct pm_wall start;
  struct pm_auth auth; /* copied: what its caller sets of it */
  const struct pm_setting *settings;
  size_t settings_count;
  /* Defaults of a peer that is added over HTTP. */
  int64_t limit, delay_s, fail_max;
  const char *mesh_name; /* of the mesh; NULL without one */
  bool grow;
  struct pm_assets assets; /* the dashboard; without it "/" is the plain page */

  void *owner;
  struct pm_time (*clock)(void *owner); /* NULL: the machine's */
  /* Adds a target. with_peers: the peers list of the same host, too, whose entries are added once.
   * DUPLICATE: it was there; FULL, NOMEM; DENIED: its address is not allowed; others: bad input. */
  enum pm_err (*add_peer)(void *owner, const struct pm_target_spec *spec, bool with_peers,
                          uint64_t *out_id, struct pm_why *why);
  /* Takes away a target and a member of the mesh, either of which may be 0; or stops and resumes
   * the probing of a target. DENIED: it cannot be done with that one; CLOSED: the node is stopping.
   */
  enum pm_err (*remove_peer)(void *owner, uint64_t target, uint64_t member, struct pm_why *why);
  enum pm_err (*pause_peer)(void *owner, uint64_t target, bool paused, struct pm_why *why);
  /* Begins an orderly stop; returns at once. */
  void (*quit)(void *owner);
  const struct pm_roster *(*roster)(void *owner);
  /* False while starting and stopping: /readyz answers 503. */
  bool (*ready)(void *owner);
  /* The mesh; all three NULL without one. A ping with a query of ours: writes what this node says
   * of itself (gossip/wire_pong.h) and returns true. */
  bool (*pong)(void *owner, const struct pm_http_request *request, struct pm_buf *out,
               struct pm_buf *row);
  /* A pull by a node, of ours or old: writes the list that it may have and returns true. False for
   * a person or an unknown program, who gets everything. */
  bool (*pull)(void *owner, const struct pm_http_request *request, struct pm_buf *out);
  const struct pm_gossip *(*mesh)(void *owner); /* what is known, for people */
  /* This node's id in the mesh, and how all nodes see each other. NULL, or the answer is: there is
   * none. */
  const struct pm_node_id *(*id)(void *owner);
  const struct pm_matrix *(*matrix)(void *owner);
  const struct pm_past *past; /* of what was measured; NULL: none is kept */
  /* Writes all metrics in Prometheus' text format. */
  void (*exposition)(void *owner, struct pm_buf *out);
  /* The server's counters, for Requests. */
  uint64_t (*requests)(void *owner);
};

enum pm_err pm_service_new(const struct pm_service_config *config,
                           struct pm_service **out) PM_MUST_USE;
void pm_service_free(struct pm_service *service);
/* From now on; what a login with the token of before gave is worth nothing any more. "" : none. */
void pm_service_set_token(struct pm_service *service,
                          const char token[PM_AUTH_TOKEN_BYTES_MAX + 1]);
/* The table of what there is, for documents. */
const struct pm_route *pm_service_routes(size_t *out_count);
/* A pm_http_handler; owner is the service. */
void pm_service_handle(void *owner, const struct pm_http_request *request,
                       struct pm_http_response *response);

#endif
