/* What an operator does to a single peer, a person's target or a member of the mesh.
 */
#ifndef PM_NODE_PEER_ACTIONS_H
#define PM_NODE_PEER_ACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "node/mesh.h"
#include "probe/prober.h"

/* Takes it away: a target, 0 for none, is not probed any more; a member, 0 for none, is forgotten,
 * and not heard of for PM_MESH_REFUSE_S. What the arguments or a file name comes back with the next
 * start. mesh: NULL without one. PM_ERR_MISSING; PM_ERR_CLOSED. */
enum pm_err pm_peer_remove(struct pm_prober *prober, struct pm_mesh *mesh, uint64_t target,
                           uint64_t member, struct pm_why *why) PM_MUST_USE;
/* Not probed, or probed again, until the process ends. A member stays one: the mesh looks after it
 * as before. */
enum pm_err pm_peer_pause(struct pm_prober *prober, uint64_t target, bool paused,
                          struct pm_why *why) PM_MUST_USE;

#endif
