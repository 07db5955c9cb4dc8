/* What nodes are called: the endpoint and the place of each node id that was ever a member here,
 * kept for those, too, that the gossip core has lost meanwhile: their rows and history go on. Pure;
 * the time comes with each call.
 */
#ifndef PM_API_NODE_NAMES_H
#define PM_API_NODE_NAMES_H

#include <stddef.h>

#include "base/clock.h"
#include "base/node_id.h"
#include "gossip/contact.h"
#include "gossip/view.h"
#include "gossip/wire_answer.h"

enum { PM_NODE_NAMES_MAX = 2048 /* twice the rows of the largest matrix; 0.6 MB */ };

struct pm_node_name {
  struct pm_node_id id;
  struct pm_contact contact;
  char location[PM_WIRE_LOCATION_BYTES];
  struct pm_time learned;
};

struct pm_node_names {
  struct pm_node_name *items; /* ascending by id */
  size_t count, room;
};

void pm_node_names_init(struct pm_node_names *names);
void pm_node_names_deinit(struct pm_node_names *names);

/* The member's endpoint and place, if it has shown an id. When all places are taken, what was
 * learned longest ago goes; without memory nothing is learned. */
void pm_node_names_learn(struct pm_node_names *names, const struct pm_gossip_member *member,
                         struct pm_time now);

/* NULL if there is none; borrowed until the next learning. */
const struct pm_node_name *pm_node_names_of(const struct pm_node_names *names,
                                            const struct pm_node_id *id);
const struct pm_node_name *pm_node_names_at(const struct pm_node_names *names,
                                            const struct pm_contact *contact);

#endif
