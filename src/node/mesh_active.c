#include <string.h>

#include "node/mesh_parts.h"

struct pm_mesh_pinged *pm_mesh_find_pinged(struct pm_mesh *mesh, uint64_t member) {
  for (size_t i = 0; i < mesh->pinged_count; i++)
    if (mesh->pinged[i].member == member) return &mesh->pinged[i];
  return NULL;
}

/* A person's target that leads to this contact. */
static const struct pm_target *own_target(const struct pm_mesh *mesh,
                                          const struct pm_contact *contact) {
  const struct pm_roster *roster = pm_prober_roster(mesh->config.prober);
  for (size_t i = 0; i < pm_roster_count(roster); i++) {
    const struct pm_target *target = pm_roster_at(roster, i);
    const struct pm_endpoint *endpoint = &target->spec.endpoint;
    bool by_person =
        target->spec.learned == PM_LEARNED_CONFIG || target->spec.learned == PM_LEARNED_OPERATOR;
    if (!by_person || target->spec.member || endpoint->port != contact->port) continue;
    if (endpoint->https != contact->https || strcmp(endpoint->host, contact->host) != 0) continue;
    if (endpoint->ip_override.family != PM_IP_NONE &&
        !pm_ip_equal(&endpoint->ip_override, &contact->ip))
      continue;
    return target;
  }
  return NULL;
}

/* The plan's jitter of a tenth included, no ping comes sooner than the member asked for. */
static int64_t paced_s(const struct pm_gossip_member *member) {
  return (int64_t)member->pace_s + (member->pace_s + 8) / 9;
}

static int64_t wished_s(int64_t usual_s, const struct pm_gossip_member *member) {
  return usual_s > paced_s(member) ? usual_s : paced_s(member);
}

/* "Once" is for a person's own targets. */
static int64_t usual_delay_s(const struct pm_mesh *mesh) {
  int64_t delay_s = mesh->config.options->delay_s;
  return delay_s > 0 ? delay_s : 1;
}

static enum pm_err probe_it(struct pm_mesh *mesh, const struct pm_gossip_member *member,
                            int64_t usual_s, uint64_t *out_target) {
  const struct pm_options *options = mesh->config.options;
  struct pm_gossip_member teacher;
  struct pm_target_spec spec = {
      .learned = pm_mesh_learned(member),
      .source = member->source_ip,
      .delay_s = wished_s(usual_s, member),
      .fail_max = INT32_MAX, /* when it is dead is for the mesh to say */
      .insecure = options->insecure,
      .member = member->handle,
  };
  if (spec.learned == PM_LEARNED_OPERATOR) spec.learned = PM_LEARNED_PEER;
  if (member->source && pm_gossip_get(mesh->core, member->source, &teacher))
    pm_contact_host_port(&teacher.contact, spec.learned_from);
  if (spec.source.family == PM_IP_NONE) spec.source = member->contact.ip;
  enum pm_err err = pm_mesh_endpoint(&member->contact, "/v1/ping", &spec.endpoint);
  return err != PM_OK ? err : pm_prober_add(mesh->config.prober, &spec, out_target, NULL);
}

/* A person's own target obeys, too, for as long as it is a member. */
static void pace(struct pm_mesh *mesh, uint64_t handle) {
  const struct pm_mesh_pinged *pinged = pm_mesh_find_pinged(mesh, handle);
  struct pm_gossip_member member;
  if (pinged && pm_gossip_get(mesh->core, handle, &member))
    pm_prober_set_delay(mesh->config.prober, pinged->target, wished_s(pinged->delay_s, &member));
}

static void activate(struct pm_mesh *mesh, uint64_t handle) {
  struct pm_gossip_member member;
  if (mesh->pinged_count == mesh->pinged_max || pm_mesh_find_pinged(mesh, handle)) return;
  if (!pm_gossip_get(mesh->core, handle, &member)) return;
  struct pm_mesh_pinged pinged = {.member = handle, .delay_s = usual_delay_s(mesh)};
  const struct pm_target *own = own_target(mesh, &member.contact);
  if (own) {
    pinged.own = true;
    pinged.target = own->id;
    pinged.delay_s = own->spec.delay_s;
    pm_prober_set_member(mesh->config.prober, own->id, handle);
  } else if (probe_it(mesh, &member, pinged.delay_s, &pinged.target) != PM_OK) {
    return;
  }
  mesh->pinged[mesh->pinged_count++] = pinged;
  pace(mesh, handle);
}

static void deactivate(struct pm_mesh *mesh, uint64_t handle) {
  struct pm_mesh_pinged *pinged = pm_mesh_find_pinged(mesh, handle);
  if (!pinged) return;
  struct pm_mesh_pinged gone = *pinged;
  *pinged = mesh->pinged[--mesh->pinged_count];
  pm_mesh_rows_leave(mesh, &gone);
  pm_prober_set_member(mesh->config.prober, gone.target, 0);
  if (gone.own) pm_prober_set_delay(mesh->config.prober, gone.target, gone.delay_s);
  /* It may have ended by itself: then there is nothing to remove. */
  if (!gone.own && pm_prober_remove(mesh->config.prober, gone.target) != PM_OK) return;
}

void pm_mesh_active_apply(struct pm_mesh *mesh, const struct pm_gossip_change *change) {
  if (change->kind == PM_CHANGE_ACTIVATED)
    activate(mesh, change->handle);
  else if (change->kind == PM_CHANGE_DEACTIVATED)
    deactivate(mesh, change->handle);
  else if (change->kind == PM_CHANGE_PACED)
    pace(mesh, change->handle);
}

/* --- the prober's hooks ----------------------------------------------------------------------- */

const char *pm_mesh_ask(struct pm_mesh *mesh, const struct pm_target *target) {
  struct pm_mesh_pinged *pinged = pm_mesh_find_pinged(mesh, target->spec.member);
  if (!pinged || mesh->closing) return NULL;
  pinged->asked = pm_gossip_plan_ping(mesh->core, target->spec.member, pm_clock_now(), &mesh->ping);
  if (!pinged->asked) return NULL;
  pinged->token = mesh->ping.token;
  if (mesh->ping.plain) return NULL;
  struct pm_gossip_member member;
  bool known = pm_gossip_get(mesh->core, target->spec.member, &member);
  pm_rows_ask(mesh->rows, mesh->core, known ? &member : NULL, pm_clock_now(), &mesh->ping.request);
  pm_buf_reset(&mesh->query);
  pm_wire_request_write(&mesh->ping.request, &mesh->query);
  return pm_buf_status(&mesh->query) == PM_OK ? mesh->query.data : NULL;
}

void pm_mesh_answered(struct pm_mesh *mesh, uint64_t member,
                      const struct pm_exchange_result *result) {
  struct pm_mesh_pinged *pinged = pm_mesh_find_pinged(mesh, member);
  if (!pinged || !pinged->asked || mesh->closing) return;
  pinged->asked = false;
  struct pm_gossip_token token = pinged->token;
  pm_mesh_tell_pong(mesh, &token, result);
}
