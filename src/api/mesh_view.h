/* What the gossip core knows, for people and programs: every endpoint with its state, how it was
 * learned and from whom, depth and age; the budgets left; what was refused, and why. Pure; reads
 * the core as it is.
 */
#ifndef PM_API_MESH_VIEW_H
#define PM_API_MESH_VIEW_H

#include "base/buf.h"
#include "base/json_write.h"
#include "gossip/view.h"

/* A member "Mesh" of the object that is open. */
void pm_mesh_view_json(const struct pm_gossip *core, struct pm_json_writer *w);
/* Headings and tables, to stand in a page. */
void pm_mesh_view_html(const struct pm_gossip *core, struct pm_buf *out);

#endif
