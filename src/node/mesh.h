/* The mesh of this node: the gossip core on the loop. Does what the core's updates say: sends its
 * probes and pulls through the exchanger, hands the active members to the prober, writes its
 * answers. Decides nothing; what is believed and who is asked is gossip's. Its files are listed in
 * node/mesh_parts.h.
 */
#ifndef PM_NODE_MESH_H
#define PM_NODE_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/matrix.h"
#include "analysis/own_row.h"
#include "api/http_message.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "gossip/view.h"
#include "node/identity.h"
#include "node/options.h"
#include "probe/exchange.h"
#include "probe/prober.h"

struct uv_loop_s;
struct pm_mesh;

/* All borrowed for the mesh's life. */
struct pm_mesh_config {
  const struct pm_options *options;
  const struct pm_identity *identity;
  const struct pm_policy *policy;
  struct pm_exchanger *exchanger;
  struct pm_prober *prober;
  const struct pm_log *log;
  uint64_t (*requests)(void *owner); /* answered so far, for the document's head */
  /* Each change of the core, as it happens. NULL: nobody wants to know. */
  void (*changed)(void *owner, const struct pm_gossip_change *change);
  void *owner;
};

/* How many sends of the core may be under way: its total rate of 30/s over the 10 s that a pull may
 * take, and a burst. One that finds no place is told to the core as failed. */
enum {
  PM_MESH_SENDS_MAX = 512,
  PM_MESH_TIMEOUT_MS = 10000,
  PM_MESH_PING_BYTES_MAX = 64 * 1024, /* of an answer; a node of either kind sends less than 1 kB */
};

enum { PM_MESH_SAVE_MS = 60000 }; /* between writings of what a restart is to find (--state-dir) */

/* PM_ERR_NOMEM, PM_ERR_SYSTEM, or what the configuration has wrong. */
enum pm_err pm_mesh_open(struct uv_loop_s *loop, const struct pm_mesh_config *config,
                         struct pm_mesh **out, struct pm_why *why) PM_MUST_USE;
/* Cancels what is under way; before prober and exchanger close. closed comes from the loop. */
void pm_mesh_close(struct pm_mesh *mesh, void (*closed)(void *owner), void *owner);

/* An endpoint that a person named: a seed, if it proves to be a node. Others are passed over. */
void pm_mesh_add_seed(struct pm_mesh *mesh, const struct pm_endpoint *endpoint);

/* A seed no longer: forgotten, until gossip finds it again. */
void pm_mesh_remove_seed(struct pm_mesh *mesh, const struct pm_endpoint *endpoint);

enum {
  PM_MESH_REFUSE_S = 3600 /* as long as one that did not answer; others forget it in that time */
};
/* The operator wants this member gone: forgotten, and refused for PM_MESH_REFUSE_S, whoever names
 * it, itself included. */
void pm_mesh_refuse(struct pm_mesh *mesh, uint64_t handle);

/* Reads --mesh-key-file again: from now on its first key signs, and each of it is accepted. With
 * an error (as pm_mesh_keys_read) all stays as it was. PM_OK, too, if there is no such file. */
enum pm_err pm_mesh_reload_keys(struct pm_mesh *mesh, struct pm_why *why) PM_MUST_USE;

/* The prober's hooks for targets that are members. */
const char *pm_mesh_ask(struct pm_mesh *mesh, const struct pm_target *target);
void pm_mesh_answered(struct pm_mesh *mesh, uint64_t member,
                      const struct pm_exchange_result *result);

/* A sample of such a target was recorded. */
void pm_mesh_measured(struct pm_mesh *mesh, const struct pm_target *target);

/* The service's hooks, see api/service.h. */
bool pm_mesh_pong(struct pm_mesh *mesh, const struct pm_http_request *request, struct pm_buf *out,
                  struct pm_buf *row);
bool pm_mesh_pull(struct pm_mesh *mesh, const struct pm_http_request *request, struct pm_buf *out);

/* This node's identity; lives as long as the mesh. */
const struct pm_node_id *pm_mesh_id(const struct pm_mesh *mesh);

/* What this node knows of the whole mesh, its own row among it; and that row as it is published.
 * Both are the mesh's, and change on the loop. */
const struct pm_matrix *pm_mesh_matrix(const struct pm_mesh *mesh);
const struct pm_own_row *pm_mesh_own_row(const struct pm_mesh *mesh);

/* For people and counters. */
const struct pm_gossip *pm_mesh_core(const struct pm_mesh *mesh);

#endif
