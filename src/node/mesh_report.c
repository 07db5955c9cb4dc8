#include "node/mesh_parts.h"

/* Who joined and who was lost is news for everybody, one line each; all else is for finding faults.
 * Neither a mesh of thousands that starts nor somebody who makes members come and go may fill the
 * log: beyond the budget, changes are counted and told as a number. */

enum { LINE_MS = 200, LINES_BURST = 20 };

void pm_mesh_report_init(struct pm_mesh *mesh) {
  pm_log_budget_init(&mesh->reports.budget, LINE_MS, LINES_BURST, pm_clock_now());
}

static bool is_news(struct pm_mesh_reports *reports, const struct pm_gossip_change *change) {
  bool told = change->kind == PM_CHANGE_VERIFIED && reports->revived == change->handle;
  reports->revived = change->kind == PM_CHANGE_REVIVED ? change->handle : 0;
  return !told && (change->kind == PM_CHANGE_VERIFIED || change->kind == PM_CHANGE_REVIVED ||
                   change->kind == PM_CHANGE_LOST);
}

static bool may_speak(struct pm_mesh *mesh) {
  uint64_t unsaid;
  if (!pm_log_budget_take(&mesh->reports.budget, pm_clock_now(), &unsaid)) return false;
  if (unsaid)
    pm_log(mesh->config.log, PM_LOG_INFO, "mesh: %llu more joined or were lost meanwhile",
           (unsigned long long)unsaid);
  return true;
}

static void tell_news(struct pm_mesh *mesh, const struct pm_gossip_change *change,
                      const char *contact) {
  struct pm_gossip_member member;
  if (!may_speak(mesh)) return;
  if (change->kind == PM_CHANGE_LOST || !pm_gossip_get(mesh->core, change->handle, &member))
    pm_log(mesh->config.log, PM_LOG_INFO, "mesh: %s %s", contact, pm_change_text(change->kind));
  else
    pm_log(mesh->config.log, PM_LOG_INFO, "mesh: %s %s, learned by %s, %u hops from a seed",
           contact, pm_change_text(change->kind), pm_dial_text(member.learned), member.depth);
}

void pm_mesh_report(struct pm_mesh *mesh, const struct pm_gossip_change *change) {
  char contact[PM_CONTACT_TEXT_BYTES];
  bool refused = change->kind == PM_CHANGE_REFUSED;
  pm_contact_text(&change->contact, contact);
  if (is_news(&mesh->reports, change))
    tell_news(mesh, change, contact);
  else
    pm_log(mesh->config.log, PM_LOG_DEBUG, "mesh: %s %s%s%s", contact, pm_change_text(change->kind),
           refused ? ": " : "", refused ? pm_refusal_text(change->reason) : "");
}
