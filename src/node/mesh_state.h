/* What the mesh keeps over a restart, in a small text file: this node's identity; the members that
 * it had verified, so that a node that starts while all its seeds are down finds the mesh again;
 * and those that it had lost or refused, so that nobody's old word brings them back.
 *
 *   pingmesh-mesh 2
 *   id <32 hex digits>
 *   key <16 hex digits>                                    what the refused are hashed with: secret
 *   saved <seconds since 1970>                             all that follows is as of then
 *   coordinate <x> <y> <z> <height> <error>                µs, and thousandths; may be missing
 *   member <host:port|ip>
 *   lost <host:port|ip> <s since lost> <s since it answered> <revivals that failed>
 *   refused <16 hex digits> <s to wait> <s until contact helps> <times> <contacts>
 *   …
 *   end
 *
 * Version 1, which is still read, had only members after its id.
 *
 * The last line tells a whole file from a cut one. Written beside itself, synced and renamed, so
 * that there is always a whole one.
 */
#ifndef PM_NODE_MESH_STATE_H
#define PM_NODE_MESH_STATE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/node_id.h"
#include "gossip/contact.h"
#include "gossip/view.h"

enum {
  /* 16,384 members and as many lost ones of at most 190 bytes, 32,768 refused ones of 60. */
  PM_MESH_STATE_BYTES_MAX = 8 << 20,
};

struct pm_mesh_state {
  struct pm_node_id id;
  uint64_t key_seed;            /* 0: unknown, and nobody refused then */
  struct pm_wall saved;         /* 0: unknown */
  struct pm_vivaldi coordinate; /* this node's own: the others tell theirs with their first word.
                                   All 0: unknown */
  struct pm_contact *members;   /* this and the other lists: owned */
  size_t count;
  struct pm_gossip_tombstone *lost; /* ages as of saved, waits as well */
  size_t lost_count;
  struct pm_gossip_refused *refused;
  size_t refused_count;
};

/* The core's members, and who it lost and refused. Pure. */
void pm_mesh_state_format(const struct pm_node_id *id, const struct pm_gossip *core,
                          struct pm_wall now, struct pm_buf *out);
/* PM_ERR_SYNTAX with the line's number in why, PM_ERR_NOMEM. members_max: so many members and lost
 * ones, and twice as many refused; more are left out. */
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
