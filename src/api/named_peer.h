/* Whom a person means: by a node's key, by a URL, or by host:port, one of this node's targets or a
 * member of the mesh, or both. Pure.
 */
#ifndef PM_API_NAMED_PEER_H
#define PM_API_NAMED_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "gossip/view.h"
#include "probe/roster.h"

struct pm_named_peer {
  const struct pm_target *target; /* in the roster; NULL: none */
  uint64_t member;                /* 0: none */
  struct pm_gossip_member of;     /* if member is set */
};

/* False if nobody is called so. core: NULL without a mesh. */
bool pm_named_peer_find(const struct pm_roster *roster, const struct pm_gossip *core,
                        const char *name, struct pm_named_peer *out);

/* The target's URL, or else the member's. */
void pm_named_peer_url(const struct pm_named_peer *peer, char out[PM_URL_BYTES]);

/* The key of a target, as the store's: its node's id, else its URL. out has PM_URL_BYTES. */
void pm_target_key(const struct pm_target *target, const struct pm_gossip *core,
                   char out[PM_URL_BYTES]);

#endif
