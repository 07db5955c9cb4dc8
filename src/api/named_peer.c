#include "api/named_peer.h"

#include <stdio.h>
#include <string.h>

#include "gossip/wire_text.h"

static bool of_member(const struct pm_gossip *core, uint64_t handle, struct pm_gossip_member *out) {
  return core != NULL && handle != 0 && pm_gossip_get(core, handle, out);
}

/* An address of its own makes another endpoint of the same URL. */
static void endpoint_key(const struct pm_endpoint *endpoint, char out[PM_URL_BYTES]) {
  char ip[PM_IP_TEXT_BYTES] = "";
  const bool other = endpoint->ip_override.family != PM_IP_NONE;
  if (other) pm_ip_text(&endpoint->ip_override, ip);
  snprintf(out, PM_URL_BYTES, "%.700s%s%s", endpoint->url, other ? "|" : "", ip);
}

static bool is_called(const struct pm_target *target, const char *name) {
  char host[PM_HOST_PORT_BYTES], key[PM_URL_BYTES];
  if (strcmp(target->spec.endpoint.url, name) == 0) return true;
  endpoint_key(&target->spec.endpoint, key);
  if (strcmp(key, name) == 0) return true;
  pm_endpoint_host_port(&target->spec.endpoint, host);
  if (strcmp(host, name) == 0) return true;
  snprintf(host, sizeof(host), "%.*s:%u", PM_HOST_BYTES - 1, target->spec.endpoint.host,
           target->spec.endpoint.port);
  return strcmp(host, name) == 0;
}

static const struct pm_target *find_target(const struct pm_roster *roster,
                                           const struct pm_gossip *core,
                                           const struct pm_node_id *id, const char *name) {
  struct pm_gossip_member member;
  for (size_t i = 0; i < pm_roster_count(roster); i++) {
    const struct pm_target *target = pm_roster_at(roster, i);
    if (is_called(target, name)) return target;
    if (pm_node_id_is_set(id) && of_member(core, target->spec.member, &member) &&
        pm_node_id_equal(&member.id, id))
      return target;
  }
  return NULL;
}

static bool is_member_called(const struct pm_gossip_member *member, const struct pm_node_id *id,
                             const char *name) {
  char text[PM_CONTACT_URL_BYTES > PM_CONTACT_TEXT_BYTES ? PM_CONTACT_URL_BYTES
                                                         : PM_CONTACT_TEXT_BYTES];
  if (pm_node_id_is_set(id) && pm_node_id_equal(&member->id, id)) return true;
  pm_contact_url(&member->contact, text);
  if (strcmp(text, name) == 0) return true;
  pm_contact_host_port(&member->contact, text);
  return strcmp(text, name) == 0;
}

static uint64_t find_member(const struct pm_gossip *core, const struct pm_node_id *id,
                            const char *name) {
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  while (core != NULL && pm_gossip_next(core, &cursor, &member))
    if (member.state != PM_MEMBER_SELF && is_member_called(&member, id, name)) return member.handle;
  return 0;
}

bool pm_named_peer_find(const struct pm_roster *roster, const struct pm_gossip *core,
                        const char *name, struct pm_named_peer *out) {
  struct pm_node_id id = {{0}};
  *out = (struct pm_named_peer){0};
  if (!pm_wire_read_id(name, &id)) id = (struct pm_node_id){{0}};
  out->target = find_target(roster, core, &id, name);
  if (out->target != NULL) out->member = out->target->spec.member;
  if (out->member == 0) out->member = find_member(core, &id, name);
  if (!of_member(core, out->member, &out->of)) out->member = 0;
  return out->target != NULL || out->member != 0;
}

void pm_named_peer_url(const struct pm_named_peer *peer, char out[PM_URL_BYTES]) {
  if (peer->target != NULL)
    snprintf(out, PM_URL_BYTES, "%s", peer->target->spec.endpoint.url);
  else
    pm_contact_url(&peer->of.contact, out);
}

void pm_target_key(const struct pm_target *target, const struct pm_gossip *core,
                   char out[PM_URL_BYTES]) {
  struct pm_gossip_member member;
  if (of_member(core, target->spec.member, &member) && pm_node_id_is_set(&member.id))
    pm_wire_id(&member.id, out);
  else
    endpoint_key(&target->spec.endpoint, out);
}
