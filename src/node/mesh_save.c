#include "base/secret.h"
#include "node/mesh_parts.h"

/* --- writing ---------------------------------------------------------------------------------- */

static void on_save(uv_work_t *work) {
  struct pm_mesh *mesh = work->data;
  mesh->save_err = pm_mesh_state_write(mesh->config.options->state_dir, mesh->saved.data,
                                       mesh->saved.len, &mesh->save_why);
}

static void on_saved(uv_work_t *work, int status) {
  struct pm_mesh *mesh = work->data;
  (void)status; /* never cancelled */
  mesh->saving = false;
  bool failed = mesh->save_err != PM_OK;
  if (failed && !mesh->save_failing)
    pm_log(mesh->config.log, PM_LOG_INFO, "%s", mesh->save_why.text);
  mesh->save_failing = failed;
  pm_mesh_finish_closing(mesh);
}

void pm_mesh_save(struct pm_mesh *mesh) {
  if (!mesh->config.options->state_dir || mesh->saving) return;
  pm_buf_reset(&mesh->saved);
  pm_mesh_state_format(&mesh->id, mesh->core, pm_clock_wall(), &mesh->saved);
  if (pm_buf_status(&mesh->saved) != PM_OK) return;
  mesh->save.data = mesh;
  mesh->saving = uv_queue_work(mesh->timer.loop, &mesh->save, on_save, on_saved) == 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A damaged file is said once and begun anew: the mesh is found from the seeds again. */
enum pm_err pm_mesh_load(const struct pm_mesh_config *config, struct pm_mesh_state *out,
                         struct pm_why *why) {
  const struct pm_options *options = config->options;
  *out = (struct pm_mesh_state){.count = 0};
  if (options->state_dir) {
    struct pm_why damage;
    enum pm_err err =
        pm_mesh_state_read(options->state_dir, (size_t)options->max_peers, out, &damage);
    if (err == PM_OK) return PM_OK;
    if (err != PM_ERR_MISSING) pm_log(config->log, PM_LOG_ALWAYS, "%s", damage.text);
  }
  if (pm_secret_fill(&out->id, sizeof out->id) != PM_OK)
    return pm_why_set(why, PM_ERR_SYSTEM, "the kernel gave no random bytes");
  return PM_OK;
}

/* The clock may have been set meanwhile: it never makes anything younger than it was. */
static int64_t seconds_since(struct pm_wall saved) {
  int64_t passed_s = (pm_clock_wall().ns - saved.ns) / PM_NS_PER_S;
  return saved.ns == 0 || passed_s < 0 ? 0 : passed_s;
}

/* The dead first: whoever is in both lists is dead. */
void pm_mesh_restore(struct pm_mesh *mesh, const struct pm_mesh_state *state) {
  int64_t passed_s = seconds_since(state->saved);
  struct pm_gossip_event event = {.now = pm_clock_now(), .kind = PM_GOSSIP_RESTORE_LOST};
  for (size_t i = 0; i < state->lost_count; i++) {
    struct pm_gossip_tombstone lost = state->lost[i];
    lost.lost_s += passed_s;
    lost.last_ok_s += passed_s;
    event.lost = &lost;
    pm_mesh_step(mesh, &event);
  }
  event.kind = PM_GOSSIP_RESTORE_REFUSED;
  for (size_t i = 0; i < state->refused_count; i++) {
    struct pm_gossip_refused refused = state->refused[i];
    refused.wait_s -= passed_s;
    refused.contact_wait_s -= passed_s;
    event.refused = &refused;
    pm_mesh_step(mesh, &event);
  }
  event.kind = PM_GOSSIP_RESTORE;
  for (size_t i = 0; i < state->count; i++) {
    event.restore = &state->members[i];
    pm_mesh_step(mesh, &event);
  }
  pm_log(mesh->config.log, PM_LOG_VERBOSE,
         "mesh: of before the restart, %zu members are tried, %zu are known as lost and %zu as "
         "refused",
         state->count, state->lost_count, state->refused_count);
}
