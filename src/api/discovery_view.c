#include "api/discovery_view.h"

#include <stdio.h>

#include "base/json_write.h"
#include "gossip/wire_text.h"

static void put_group(struct pm_json_writer *w, const char *address, bool https) {
  pm_json_object_begin(w, NULL);
  pm_json_array_begin(w, "targets");
  pm_json_put_string(w, NULL, address);
  pm_json_array_end(w);
  pm_json_object_begin(w, "labels");
  pm_json_put_string(w, "__scheme__", https ? "https" : "http");
}

static void end_group(struct pm_json_writer *w) {
  pm_json_object_end(w);
  pm_json_object_end(w);
}

static void put_member(struct pm_json_writer *w, const struct pm_gossip_member *member) {
  char ip[PM_IP_TEXT_BYTES], address[PM_IP_TEXT_BYTES + 10], id[PM_NODE_ID_TEXT_BYTES];
  const struct pm_contact *contact = &member->contact;
  bool v6 = contact->ip.family == PM_IP_V6;
  pm_ip_text(&contact->ip, ip);
  snprintf(address, sizeof(address), "%s%s%s:%u", v6 ? "[" : "", ip, v6 ? "]" : "", contact->port);
  pm_wire_hex(member->id.bytes, sizeof(member->id.bytes), id);
  put_group(w, address, contact->https);
  pm_json_put_string(w, "__meta_pingmesh_host", contact->host);
  pm_json_put_string(w, "__meta_pingmesh_location", member->location);
  pm_json_put_string(w, "__meta_pingmesh_id", id);
  end_group(w);
}

void pm_discovery_view_members(const struct pm_gossip *core, struct pm_buf *out) {
  struct pm_json_writer w;
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  pm_json_writer_init(&w, out, true);
  pm_json_array_begin(&w, NULL);
  while (core != NULL && pm_gossip_next(core, &cursor, &member)) {
    if (member.listed && !member.old_node && !member.shadow) put_member(&w, &member);
  }
}

void pm_discovery_view_json(const struct pm_discovery_view *view, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_json_array_begin(&w, NULL);
  if (view->asked_as[0] != '\0') {
    put_group(&w, view->asked_as, view->tls);
    pm_json_put_string(&w, "__meta_pingmesh_location", view->location);
    end_group(&w);
  }
  if (view->members_bytes > 0)
    pm_json_put_elements(&w, view->members + 1, view->members_bytes - 1); /* without the bracket */
  pm_json_array_end(&w);
  pm_buf_char(out, '\n');
}
