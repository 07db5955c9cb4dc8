#include "api/service_feed.h"

#include "api/named_peer.h"
#include "api/service_parts.h"
#include "gossip/wire_text.h"

void pm_service_feed_sample(struct pm_service *service, const struct pm_target *target,
                            const struct pm_sample *sample) {
  char key[PM_URL_BYTES];
  pm_recent_add(&service->recent, target->id, sample);
  if (pm_events_count(service->events) == 0) return;
  pm_target_key(target, pm_service_core(service), key);
  pm_events_sample(service->events, key, sample);
}

void pm_service_feed_ended(struct pm_service *service, const struct pm_target *target) {
  pm_recent_drop(&service->recent, target->id);
}

/* By its id, also if the core has forgotten that with this very change. */
static void key_of(const struct pm_service *service, const struct pm_gossip_change *change,
                   const struct pm_gossip_member *member, char out[PM_CONTACT_URL_BYTES]) {
  const struct pm_node_name *name = pm_node_names_at(&service->names, &change->contact);
  if (member != NULL && pm_node_id_is_set(&member->id))
    pm_wire_id(&member->id, out);
  else if (name != NULL)
    pm_wire_id(&name->id, out);
  else
    pm_contact_url(&change->contact, out);
}

void pm_service_feed_change(struct pm_service *service, const struct pm_gossip_change *change) {
  const struct pm_gossip *core = pm_service_core(service);
  const struct pm_time now = pm_service_now(service);
  struct pm_gossip_member member;
  char key[PM_CONTACT_URL_BYTES];
  const bool known = core != NULL && pm_gossip_get(core, change->handle, &member);
  if (known) pm_node_names_learn(&service->names, &member, now);
  if (pm_events_count(service->events) == 0) return;
  key_of(service, change, known ? &member : NULL, key);
  pm_events_member(service->events, key, change, now);
}

/* A place is told after the change that brought the node. */
static void learn_names(struct pm_service *service, struct pm_time now) {
  const struct pm_gossip *core = pm_service_core(service);
  struct pm_gossip_member member;
  uint32_t cursor = 0;
  while (core != NULL && pm_gossip_next(core, &cursor, &member))
    pm_node_names_learn(&service->names, &member, now);
}

void pm_service_feed_tick(struct pm_service *service) {
  const struct pm_time now = pm_service_now(service);
  if (pm_time_since_ns(now, service->names_learned) > (int64_t)PM_SERVICE_NAMES_S * PM_NS_PER_S) {
    service->names_learned = now;
    learn_names(service, now);
  }
  pm_service_forget_kept(service, now);
  const struct pm_mesh_source source = pm_service_mesh_source(service);
  pm_events_tick(service->events, &source);
}
