/* The nodes of the mesh as views number them: this node, each that has a row in the matrix, and
 * each member that the core knows. Those with an id come first, ascending by it, so that rows and
 * cells find theirs in passing. Pure.
 */
#ifndef PM_API_MESH_NODES_H
#define PM_API_MESH_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/matrix.h"
#include "api/node_names.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "base/json_write.h"
#include "gossip/view.h"

enum {
  PM_MESH_NODES_MAX =
      4096, /* rows, and members of a table of the usual size; 0.25 KB of JSON each */
  PM_MESH_NODE_KEY_BYTES = PM_CONTACT_URL_BYTES,
};

/* What the views are made from; all borrowed. */
struct pm_mesh_source {
  const struct pm_matrix *matrix; /* NULL: none is kept */
  const struct pm_gossip *core;   /* NULL without a mesh */
  const struct pm_node_names *names;
  struct pm_node_id self; /* not set without a mesh */
  const char *self_host;  /* host:port */
  const char *self_location;
  struct pm_time now;
  struct pm_wall wall;
};

struct pm_mesh_node {
  struct pm_node_id id; /* not set: it has shown none */
  uint64_t short_id;    /* pm_matrix_short; 0 without an id */
  uint64_t member;      /* handle in the core; 0: none */
  bool self;
};

struct pm_mesh_nodes {
  struct pm_mesh_node *items;
  size_t count;
  size_t named; /* the first so many have an id */
};

/* PM_ERR_NOMEM. Beyond PM_MESH_NODES_MAX members are left out. */
enum pm_err pm_mesh_nodes_init(struct pm_mesh_nodes *nodes,
                               const struct pm_mesh_source *source) PM_MUST_USE;
void pm_mesh_nodes_deinit(struct pm_mesh_nodes *nodes);

/* nodes->count if it is unknown. */
size_t pm_mesh_nodes_find(const struct pm_mesh_nodes *nodes, uint64_t short_id);

/* What there is to say of a node; the strings are in it. */
struct pm_mesh_node_view {
  char key[PM_MESH_NODE_KEY_BYTES]; /* as the store's: the id, or the URL of a node without one */
  char host[PM_CONTACT_TEXT_BYTES]; /* host:port; "" if unknown */
  char url[PM_CONTACT_URL_BYTES];   /* "" if unknown, or this node */
  char location[PM_WIRE_LOCATION_BYTES];
  const char *state; /* "self", "active", a pm_member_state_text, or "unknown" */
  bool has_coordinate;
  struct pm_vivaldi coordinate;
};
void pm_mesh_node_view(const struct pm_mesh_source *source, const struct pm_mesh_node *node,
                       struct pm_mesh_node_view *out);
/* Its key alone, which for most is in the id. */
void pm_mesh_node_key(const struct pm_mesh_source *source, const struct pm_mesh_node *node,
                      char out[PM_MESH_NODE_KEY_BYTES]);
/* The id under which the node of that key has its row; false if nobody is called so. */
bool pm_mesh_key_read(const struct pm_mesh_source *source, const char *key, struct pm_node_id *out);
/* The same of an id alone; the location, else the host, else the key, for people. */
void pm_mesh_id_view(const struct pm_mesh_source *source, const struct pm_node_id *id,
                     struct pm_mesh_node_view *out);
const char *pm_mesh_node_label(const struct pm_mesh_node_view *view);

#endif
