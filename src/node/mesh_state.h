/* What the mesh keeps over a restart: this node's identity and the members that it had verified, in
 * a small text file, so that a node that starts while all its seeds are down finds the mesh again.
 *
 *   pingmesh-mesh 1
 *   id <32 hex digits>
 *   member <host:port|ip>
 *   …
 *   end
 *
 * The last line tells a whole file from a cut one. Written beside itself, synced and renamed, so
 * that there is always a whole one.
 */
#ifndef PM_NODE_MESH_STATE_H
#define PM_NODE_MESH_STATE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "gossip/contact.h"
#include "gossip/node_id.h"
#include "gossip/view.h"

enum {
  PM_MESH_STATE_BYTES_MAX = 4 << 20, /* 16,384 members of at most 160 bytes */
};

struct pm_mesh_state {
  struct pm_node_id id;
  struct pm_contact *members; /* owned */
  size_t count;
};

/* The verified members of the core. Pure. */
void pm_mesh_state_format(const struct pm_node_id *id, const struct pm_gossip *core,
                          struct pm_buf *out);
/* PM_ERR_SYNTAX with the line's number in why, PM_ERR_NOMEM. members_max: more are left out. */
enum pm_err pm_mesh_state_parse(const char *text, size_t members_max, struct pm_mesh_state *out,
                                struct pm_why *why) PM_MUST_USE;
void pm_mesh_state_deinit(struct pm_mesh_state *state);

/* The file in dir. PM_ERR_MISSING if there is none yet, PM_ERR_IO, or as parse. */
enum pm_err pm_mesh_state_read(const char *dir, size_t members_max, struct pm_mesh_state *out,
                               struct pm_why *why) PM_MUST_USE;
/* Blocks. PM_ERR_IO with why. */
enum pm_err pm_mesh_state_write(const char *dir, const char *text, size_t bytes,
                                struct pm_why *why) PM_MUST_USE;

#endif
