/* The nodes of the mesh for Prometheus' HTTP service discovery (its http_sd_config): a JSON array
 * of groups, each one node. So that a server needs the address of one node only, and nodes that
 * join are scraped by themselves. Pure.
 *
 *   [{"targets": ["10.0.0.7:8080"], "labels": {"__meta_pingmesh_host": "…",
 *     "__meta_pingmesh_location": "…", "__meta_pingmesh_id": "…", "__scheme__": "http"}}, …]
 *
 * Nodes that are listed to others are in it, by the address that proved itself, and this node, by
 * the name that it was asked by. What a person watches, and nodes of the original (they have no
 * metrics of this kind), are not.
 */
#ifndef PM_API_DISCOVERY_VIEW_H
#define PM_API_DISCOVERY_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "gossip/view.h"

struct pm_discovery_view {
  const char *asked_as; /* the request's Host: ours; "": left out */
  const char *location; /* ours */
  bool tls;
  const char *members; /* from pm_discovery_view_members */
  size_t members_bytes;
};

/* The members alone, which are the same for whoever asks, and thousands in a large mesh. core: NULL
 * without a mesh. */
void pm_discovery_view_members(const struct pm_gossip *core, struct pm_buf *out);
void pm_discovery_view_json(const struct pm_discovery_view *view, struct pm_buf *out);

#endif
