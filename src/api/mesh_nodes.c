#include "api/mesh_nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/rows.h"
#include "gossip/wire_text.h"

/* ---- collecting ---- */

static bool is_shown(const struct pm_gossip_member *member) {
  switch (member->state) {
  case PM_MEMBER_VERIFIED:
  case PM_MEMBER_SUSPECT:
  case PM_MEMBER_LOST:
  case PM_MEMBER_LOCAL:
    return !member->shadow;
  default:
    return false;
  }
}

static void add(struct pm_mesh_nodes *nodes, const struct pm_node_id *id, uint64_t member,
                bool self) {
  const bool named = pm_node_id_is_set(id);
  if (nodes->count == PM_MESH_NODES_MAX) return;
  nodes->items[nodes->count++] = (struct pm_mesh_node){
      .id = *id, .short_id = named ? pm_matrix_short(id) : 0, .member = member, .self = self};
}

static void add_rows(struct pm_mesh_nodes *nodes, const struct pm_matrix *matrix) {
  for (size_t i = 0; matrix != NULL && i < pm_matrix_count(matrix); i++)
    add(nodes, &pm_matrix_at(matrix, i)->from, 0, false);
}

/* A member that was lost has no id in the core any more. */
static struct pm_node_id id_of(const struct pm_mesh_source *source,
                               const struct pm_gossip_member *member) {
  if (pm_node_id_is_set(&member->id)) return member->id;
  if (member->old_node) return pm_rows_old_id(&member->contact); /* what its row is kept under */
  const struct pm_node_name *name = pm_node_names_at(source->names, &member->contact);
  return name != NULL ? name->id : (struct pm_node_id){{0}};
}

static void add_members(struct pm_mesh_nodes *nodes, const struct pm_mesh_source *source) {
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  while (source->core != NULL && pm_gossip_next(source->core, &cursor, &member)) {
    if (!is_shown(&member)) continue;
    const struct pm_node_id id = id_of(source, &member);
    add(nodes, &id, member.handle, false);
  }
}

/* ---- order ---- */

/* Named ones first; of several of one id this node itself, then members: what knows more. */
static int compare(const void *one, const void *other) {
  const struct pm_mesh_node *a = one, *b = other;
  if ((a->short_id == 0) != (b->short_id == 0)) return a->short_id == 0 ? 1 : -1;
  int order = memcmp(a->id.bytes, b->id.bytes, sizeof(a->id.bytes));
  if (order != 0) return order;
  if (a->self != b->self) return a->self ? -1 : 1;
  return (a->member < b->member) - (a->member > b->member);
}

static void drop_doubles(struct pm_mesh_nodes *nodes) {
  size_t kept = 0;
  for (size_t i = 0; i < nodes->count; i++) {
    const struct pm_mesh_node *node = &nodes->items[i];
    if (node->short_id != 0 && kept > 0 && node->short_id == nodes->items[kept - 1].short_id)
      continue;
    nodes->items[kept++] = *node;
    if (node->short_id != 0) nodes->named = kept;
  }
  nodes->count = kept;
}

enum pm_err pm_mesh_nodes_init(struct pm_mesh_nodes *nodes, const struct pm_mesh_source *source) {
  *nodes = (struct pm_mesh_nodes){0};
  nodes->items = malloc(PM_MESH_NODES_MAX * sizeof(*nodes->items));
  if (nodes->items == NULL) return PM_ERR_NOMEM;
  add(nodes, &source->self, 0, true);
  add_rows(nodes, source->matrix);
  add_members(nodes, source);
  qsort(nodes->items, nodes->count, sizeof(*nodes->items), compare);
  drop_doubles(nodes);
  return PM_OK;
}

void pm_mesh_nodes_deinit(struct pm_mesh_nodes *nodes) {
  free(nodes->items);
  *nodes = (struct pm_mesh_nodes){0};
}

size_t pm_mesh_nodes_find(const struct pm_mesh_nodes *nodes, uint64_t short_id) {
  size_t low = 0;
  for (size_t high = nodes->named; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (nodes->items[middle].short_id < short_id)
      low = middle + 1;
    else
      high = middle;
  }
  return low < nodes->named && nodes->items[low].short_id == short_id ? low : nodes->count;
}

/* ---- what there is to say ---- */

static void view_self(const struct pm_mesh_source *source, struct pm_mesh_node_view *out) {
  snprintf(out->host, sizeof(out->host), "%s", source->self_host);
  snprintf(out->location, sizeof(out->location), "%s", source->self_location);
  out->state = "self";
  if (source->core == NULL) return;
  struct pm_gossip_status status;
  pm_gossip_status(source->core, &status);
  out->has_coordinate = true;
  out->coordinate = status.coordinate;
}

static void view_contact(const struct pm_contact *contact, const char *location,
                         struct pm_mesh_node_view *out) {
  pm_contact_host_port(contact, out->host);
  pm_contact_url(contact, out->url);
  snprintf(out->location, sizeof(out->location), "%s", location);
}

static void view_name(const struct pm_mesh_source *source, const struct pm_node_id *id,
                      struct pm_mesh_node_view *out) {
  const struct pm_node_name *name = pm_node_names_of(source->names, id);
  if (name != NULL) view_contact(&name->contact, name->location, out);
}

static void view_member(const struct pm_gossip_member *member, struct pm_mesh_node_view *out) {
  const char *location = member->location[0] != '\0' ? member->location : out->location;
  char kept[PM_WIRE_LOCATION_BYTES];
  snprintf(kept, sizeof(kept), "%s", location);
  view_contact(&member->contact, kept, out);
  out->state = member->active ? "active" : pm_member_state_text(member->state);
  out->has_coordinate = member->has_coordinate;
  out->coordinate = member->coordinate;
}

void pm_mesh_node_view(const struct pm_mesh_source *source, const struct pm_mesh_node *node,
                       struct pm_mesh_node_view *out) {
  struct pm_gossip_member member;
  *out = (struct pm_mesh_node_view){.state = "unknown"};
  if (node->self) {
    view_self(source, out);
  } else {
    if (node->short_id != 0) view_name(source, &node->id, out);
    if (node->member != 0 && source->core != NULL &&
        pm_gossip_get(source->core, node->member, &member))
      view_member(&member, out);
  }
  bool old = pm_rows_is_old_id(&node->id) && out->url[0] != '\0';
  if (node->short_id != 0 && !old)
    pm_wire_id(&node->id, out->key);
  else
    snprintf(out->key, sizeof(out->key), "%s", node->self ? "self" : out->url);
}

void pm_mesh_node_key(const struct pm_mesh_source *source, const struct pm_mesh_node *node,
                      char out[PM_MESH_NODE_KEY_BYTES]) {
  struct pm_mesh_node_view view;
  if (node->short_id != 0 && !pm_rows_is_old_id(&node->id)) {
    pm_wire_id(&node->id, out);
    return;
  }
  pm_mesh_node_view(source, node, &view);
  snprintf(out, PM_MESH_NODE_KEY_BYTES, "%s", view.key);
}

/* An old node's is its URL. */
bool pm_mesh_key_read(const struct pm_mesh_source *source, const char *key,
                      struct pm_node_id *out) {
  struct pm_gossip_member member;
  char url[PM_CONTACT_URL_BYTES];
  uint32_t cursor = 0;
  if (pm_wire_read_id(key, out)) return true;
  while (source->core != NULL && pm_gossip_next(source->core, &cursor, &member)) {
    if (!member.old_node) continue;
    pm_contact_url(&member.contact, url);
    if (strcmp(url, key) != 0) continue;
    *out = pm_rows_old_id(&member.contact);
    return true;
  }
  return false;
}

void pm_mesh_id_view(const struct pm_mesh_source *source, const struct pm_node_id *id,
                     struct pm_mesh_node_view *out) {
  const struct pm_mesh_node node = {
      .id = *id, .short_id = pm_matrix_short(id), .self = pm_node_id_equal(id, &source->self)};
  pm_mesh_node_view(source, &node, out);
}

const char *pm_mesh_node_label(const struct pm_mesh_node_view *view) {
  if (view->location[0] != '\0') return view->location;
  return view->host[0] != '\0' ? view->host : view->key;
}
