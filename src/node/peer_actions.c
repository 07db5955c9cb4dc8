#include "node/peer_actions.h"

static const struct pm_target *find(const struct pm_prober *prober, uint64_t id) {
  const struct pm_roster *roster = pm_prober_roster(prober);
  for (size_t i = 0; i < pm_roster_count(roster); i++)
    if (pm_roster_at(roster, i)->id == id) return pm_roster_at(roster, i);
  return NULL;
}

static enum pm_err said(enum pm_err err, struct pm_why *why) {
  switch (err) {
  case PM_OK:
    return PM_OK;
  case PM_ERR_MISSING:
    return pm_why_set(why, err, "it is gone already");
  case PM_ERR_CLOSED:
    return pm_why_set(why, err, "the node is stopping");
  default:
    return pm_why_set(why, err, "%s", pm_err_text(err));
  }
}

enum pm_err pm_peer_remove(struct pm_prober *prober, struct pm_mesh *mesh, uint64_t target,
                           uint64_t member, struct pm_why *why) {
  const struct pm_target *probed = find(prober, target);
  if (mesh && probed) pm_mesh_remove_seed(mesh, &probed->spec.endpoint);
  if (mesh && member) pm_mesh_refuse(mesh, member);
  /* The mesh may have taken its own target away with the member. */
  if (!find(prober, target)) return probed || member ? PM_OK : said(PM_ERR_MISSING, why);
  return said(pm_prober_remove(prober, target), why);
}

enum pm_err pm_peer_pause(struct pm_prober *prober, uint64_t target, bool paused,
                          struct pm_why *why) {
  return said(pm_prober_pause(prober, target, paused), why);
}
