#include "node/mesh_parts.h"

/* What our pings of members find becomes our own row of the matrix; gossip/rows does the rest. */

/* Between two looks at a window, unless a path fails or comes back. */
enum { SET_MS = 5000 };

enum pm_err pm_mesh_rows_open(struct pm_mesh *mesh) {
  const struct pm_rows_config config = {
      .id = mesh->id,
      .inc = (uint64_t)mesh->config.identity->start.ns,
      .rows_max = PM_MATRIX_ROWS_DEFAULT,
  };
  pm_slot_init(&mesh->slot);
  return pm_rows_new(&config, &mesh->rows);
}

const struct pm_matrix *pm_mesh_matrix(const struct pm_mesh *mesh) {
  return pm_rows_matrix(mesh->rows);
}

const struct pm_own_row *pm_mesh_own_row(const struct pm_mesh *mesh) {
  return pm_rows_own(mesh->rows);
}

/* One failure is loss, as on any path; two in a row are a failed one. */
static enum pm_cell_state state_of(const struct pm_target *target,
                                   const struct pm_gossip_member *member) {
  uint32_t in_a_row = target->stats.failures_in_a_row;
  bool failed =
      in_a_row >= 2 || target->stats.successes == 0 || (in_a_row > 0 && member->fails >= 2);
  return failed ? PM_CELL_FAILED : PM_CELL_MEASURED;
}

static void fill_times(const struct pm_slot *slot, struct pm_cell *cell) {
  static const double quantiles[PM_CELL_QUANTILE_COUNT] = {0.25, 0.5, 0.75, 0.9, 0.99};
  static const enum pm_phase phases[PM_CELL_PHASE_COUNT] = {
      [PM_CELL_PHASE_DNS] = PM_PHASE_DNS,
      [PM_CELL_PHASE_TLS] = PM_PHASE_TLS,
      [PM_CELL_PHASE_FIRST] = PM_PHASE_FIRST,
      [PM_CELL_PHASE_TOTAL] = PM_PHASE_TOTAL,
  };
  for (int q = 0; q < PM_CELL_QUANTILE_COUNT; q++)
    cell->rtt_ns[q] = pm_slot_quantile_ns(slot, PM_PHASE_TCP, quantiles[q]);
  cell->jitter_ns = slot->phases[PM_PHASE_TCP].jitter_ns;
  for (int p = 0; p < PM_CELL_PHASE_COUNT; p++)
    cell->phase_ns[p] = pm_slot_quantile_ns(slot, phases[p], 0.5);
}

/* False if nothing was tried: what failed on our side says nothing of the path. */
static bool fill_cell(struct pm_mesh *mesh, const struct pm_target *target, struct pm_time now,
                      struct pm_cell *cell) {
  struct pm_slot *slot = &mesh->slot;
  if (pm_window_query(&target->stats.window, PM_WINDOW_SPAN_10M, now, slot) != PM_OK) return false;
  cell->every_s = target->spec.delay_s > 0 ? (uint32_t)target->spec.delay_s : 1;
  cell->sent = slot->sent;
  cell->lost = slot->lost;
  fill_times(slot, cell);
  return slot->sent > 0;
}

/* Whose cell it is: only of who has proved an identity. A seed that answers for a node which we
 * know under its own endpoint is no second one. */
static bool follow_identity(struct pm_mesh *mesh, struct pm_mesh_pinged *pinged,
                            const struct pm_gossip_member *member) {
  const struct pm_node_id nobody = {{0}}, *id = member->shadow ? &nobody : &member->id;
  if (!pm_node_id_equal(&pinged->id, id)) {
    if (pm_node_id_is_set(&pinged->id)) pm_own_row_remove(pm_rows_own(mesh->rows), &pinged->id);
    pinged->id = *id;
    pinged->state = PM_CELL_UNKNOWN;
  }
  return pm_node_id_is_set(id);
}

void pm_mesh_measured(struct pm_mesh *mesh, const struct pm_target *target) {
  struct pm_mesh_pinged *pinged = pm_mesh_find_pinged(mesh, target->spec.member);
  struct pm_gossip_member member;
  struct pm_time now = pm_clock_now();
  if (!pinged || mesh->closing || !pm_gossip_get(mesh->core, pinged->member, &member)) return;
  if (!follow_identity(mesh, pinged, &member)) return;
  struct pm_cell cell = {.state = state_of(target, &member)};
  bool due = pm_time_since_ns(now, pinged->set) >= (int64_t)SET_MS * PM_NS_PER_MS;
  if (cell.state == pinged->state && !due) return;
  if (!fill_cell(mesh, target, now, &cell)) return;
  pinged->state = cell.state;
  pinged->set = now;
  enum pm_err err = pm_own_row_set(pm_rows_own(mesh->rows), &pinged->id, &cell, now);
  (void)err; /* four times the active set are its own; more targets by hand are not told of */
}

void pm_mesh_rows_leave(struct pm_mesh *mesh, const struct pm_mesh_pinged *pinged) {
  struct pm_gossip_member member;
  if (!pm_node_id_is_set(&pinged->id)) return;
  bool there = pm_gossip_get(mesh->core, pinged->member, &member) &&
               (member.state == PM_MEMBER_VERIFIED || member.state == PM_MEMBER_SUSPECT);
  pm_rows_leave(mesh->rows, &pinged->id, !there, pm_clock_now());
}
