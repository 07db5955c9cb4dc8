/* The pairs of nodes that see the path between them differently, the clearest first, as
 * /v1/asymmetry shows them: as JSON or as a table. Pure.
 */
#ifndef PM_API_ASYMMETRY_VIEW_H
#define PM_API_ASYMMETRY_VIEW_H

#include <stddef.h>

#include "api/mesh_nodes.h"
#include "base/buf.h"

enum {
  PM_ASYMMETRY_PAIRS_DEFAULT = 200,
  PM_ASYMMETRY_PAIRS_MAX = 1000, /* 0.6 KB of JSON each */
};

/* The first limit pairs, at most PM_ASYMMETRY_PAIRS_MAX. Without memory out fails. */
void pm_asymmetry_view_json(const struct pm_mesh_source *source, size_t limit, struct pm_buf *out);
void pm_asymmetry_view_html(const struct pm_mesh_source *source, size_t limit, struct pm_buf *out);

#endif
