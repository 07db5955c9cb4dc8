#include "node/mesh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/secret.h"
#include "node/mesh_parts.h"

enum { ROWS_MS = 1000 /* as fine as ages are told */ };

static const float COORDINATE_ERROR_LEAST = 0.25f;

/* --- steps ------------------------------------------------------------------------------------ */

static void apply(struct pm_mesh *mesh, const struct pm_gossip_change *change) {
  pm_mesh_active_apply(mesh, change);
  pm_mesh_report(mesh, change);
  if (mesh->config.changed) mesh->config.changed(mesh->config.owner, change);
}

static void on_timer(uv_timer_t *timer) {
  struct pm_gossip_event event = {.now = pm_clock_now(), .kind = PM_GOSSIP_TICK};
  pm_mesh_step(timer->data, &event);
}

static void arm(struct pm_mesh *mesh) {
  int64_t left_ns = pm_time_since_ns(pm_gossip_deadline(mesh->core), pm_clock_now());
  int64_t left_ms = left_ns <= 0 ? 0 : (left_ns - 1) / PM_NS_PER_MS + 1;
  uv_timer_start(&mesh->timer, on_timer, (uint64_t)left_ms, 0);
}

/* Does what the update says; what could not be sent is told to the core afterwards, since every
 * step fills the update anew. */
void pm_mesh_carry_out(struct pm_mesh *mesh) {
  struct pm_gossip_update *update = mesh->update;
  struct {
    enum pm_gossip_send_kind kind;
    struct pm_gossip_token token;
  } failed[PM_GOSSIP_SENDS_MAX];
  size_t failed_count = 0;
  for (size_t i = 0; i < update->changes_count; i++) apply(mesh, &update->changes[i]);
  for (size_t i = 0; i < update->sends_count; i++) {
    const struct pm_gossip_send *what = &update->sends[i];
    if (pm_mesh_send_begin(mesh, what) == PM_OK) continue;
    failed[failed_count].kind = what->kind;
    failed[failed_count++].token = what->token;
  }
  for (size_t i = 0; i < failed_count; i++)
    pm_mesh_send_failed(mesh, failed[i].kind, &failed[i].token);
  arm(mesh);
}

void pm_mesh_step(struct pm_mesh *mesh, const struct pm_gossip_event *event) {
  if (mesh->closing) return;
  pm_gossip_step(mesh->core, event, mesh->update);
  pm_mesh_carry_out(mesh);
}

static void on_rows_timer(uv_timer_t *timer) {
  struct pm_mesh *mesh = timer->data;
  pm_rows_advance(mesh->rows, pm_clock_now());
}

static void on_save_timer(uv_timer_t *timer) {
  pm_mesh_save(timer->data);
}

/* --- life ------------------------------------------------------------------------------------- */

/* False for an endpoint that is no node's: it cannot be one of the mesh. */
static bool contact_of(const struct pm_endpoint *endpoint, struct pm_contact *out) {
  char ip[PM_IP_TEXT_BYTES];
  const struct pm_ip *known = endpoint->host_is_ip ? &endpoint->host_ip : &endpoint->ip_override;
  pm_ip_text(known, ip);
  return pm_contact_from_url(endpoint->url, ip, out) == PM_OK;
}

void pm_mesh_add_seed(struct pm_mesh *mesh, const struct pm_endpoint *endpoint) {
  struct pm_contact contact;
  if (!mesh->config.options->grow) return; /* then nobody is asked, seeds neither */
  if (!contact_of(endpoint, &contact)) return;
  struct pm_gossip_event event = {
      .now = pm_clock_now(), .kind = PM_GOSSIP_LOCAL_ADD, .local = &contact};
  pm_mesh_step(mesh, &event);
}

void pm_mesh_remove_seed(struct pm_mesh *mesh, const struct pm_endpoint *endpoint) {
  struct pm_contact contact;
  if (!contact_of(endpoint, &contact)) return;
  struct pm_gossip_event event = {
      .now = pm_clock_now(), .kind = PM_GOSSIP_LOCAL_REMOVE, .local = &contact};
  pm_mesh_step(mesh, &event);
}

void pm_mesh_refuse(struct pm_mesh *mesh, uint64_t handle) {
  struct pm_gossip_member member;
  if (!pm_gossip_get(mesh->core, handle, &member)) return;
  struct pm_gossip_refused refused = {
      .key = pm_contact_hash(&member.contact, pm_gossip_key_seed(mesh->core)),
      .wait_s = PM_MESH_REFUSE_S,
      .contact_wait_s = PM_MESH_REFUSE_S,
      .times = 1,
      .contacts = 1,
  };
  struct pm_gossip_event remove = {
      .now = pm_clock_now(), .kind = PM_GOSSIP_LOCAL_REMOVE, .local = &member.contact};
  struct pm_gossip_event forget = {.now = remove.now, .kind = PM_GOSSIP_FORGET, .forget = handle};
  struct pm_gossip_event refuse = {
      .now = remove.now, .kind = PM_GOSSIP_RESTORE_REFUSED, .refused = &refused};
  pm_mesh_step(mesh, &remove);
  pm_mesh_step(mesh, &forget);
  pm_mesh_step(mesh, &refuse);
}

enum pm_err pm_mesh_reload_keys(struct pm_mesh *mesh, struct pm_why *why) {
  const char *path = mesh->config.options->mesh_key_file;
  struct pm_mesh_keys keys = {.count = 0};
  if (!path) return PM_OK;
  enum pm_err err = pm_mesh_keys_read(path, &keys, why);
  if (err != PM_OK) return err;
  mesh->keys = keys;
  pm_gossip_set_keys(mesh->core, keys.count);
  pm_log(mesh->config.log, PM_LOG_INFO, "mesh: %u key%s read from %s; the first signs", keys.count,
         keys.count == 1 ? "" : "s", path);
  return PM_OK;
}

static enum pm_err fill_config(const struct pm_mesh_config *from, const struct pm_mesh_state *state,
                               struct pm_gossip_config *out, struct pm_why *why) {
  const struct pm_options *options = from->options;
  const struct pm_identity *identity = from->identity;
  pm_gossip_config_init(out, (unsigned)options->max_peers);
  if (!pm_mesh_name_valid(options->mesh))
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "--mesh: \"%s\" is not 1 to %d letters, digits, '-', '_' or '.'",
                      options->mesh, PM_MESH_NAME_BYTES - 1);
  snprintf(out->mesh, sizeof out->mesh, "%s", options->mesh);
  out->ttl = (unsigned)options->ttl;
  out->grow = options->grow;
  out->legacy_peers = options->legacy_peers;
  out->policy = from->policy;
  out->id = state->id;
  out->key_seed = state->key_seed;
  out->coordinate = state->coordinate;
  /* The network may have changed meanwhile: at that error a coordinate finds its place again. */
  if (out->coordinate.error > 0 && out->coordinate.error < COORDINATE_ERROR_LEAST)
    out->coordinate.error = COORDINATE_ERROR_LEAST;
  out->pace_s = (uint32_t)options->pace_s;
  out->inc = (uint64_t)identity->start.ns;
  struct pm_contact *self = &out->self[0];
  self->ip = identity->bind;
  self->port = identity->report_port;
  self->https = options->tls_cert != NULL;
  size_t host_bytes = strlen(identity->host) + 1;
  if (host_bytes > sizeof self->host)
    return pm_why_set(why, PM_ERR_TOO_LARGE,
                      "-H: a name of %zu characters; %zu are the most that a mesh announces",
                      host_bytes - 1, sizeof self->host - 1);
  memcpy(self->host, identity->host, host_bytes);
  out->self_count = 1;
  return pm_gossip_config_check(out, why);
}

static enum pm_err allocate(struct pm_mesh *mesh, const struct pm_gossip_config *config) {
  uint8_t seed[PM_GOSSIP_SEED_BYTES];
  void *memory = malloc(pm_gossip_size(config));
  mesh->update = malloc(sizeof *mesh->update);
  mesh->answer.entries = malloc(PM_WIRE_ENTRIES_MAX * sizeof *mesh->answer.entries);
  mesh->answer.entries_max = PM_WIRE_ENTRIES_MAX;
  mesh->answer.old = malloc(PM_WIRE_ENTRIES_MAX * sizeof *mesh->answer.old);
  mesh->pinged_max = config->active_max + config->locals_max;
  mesh->pinged = calloc(mesh->pinged_max, sizeof *mesh->pinged);
  if (memory && pm_secret_fill(seed, sizeof seed) == PM_OK)
    mesh->core = pm_gossip_init(memory, config, seed, pm_clock_now());
  else
    free(memory);
  if (!mesh->core || !mesh->update || !mesh->answer.entries || !mesh->answer.old || !mesh->pinged)
    return PM_ERR_NOMEM;
  return pm_mesh_rows_open(mesh);
}

static void mesh_free(struct pm_mesh *mesh) {
  free(mesh->core); /* begins where its memory does */
  free(mesh->update);
  free(mesh->answer.entries);
  free(mesh->answer.old);
  free(mesh->pinged);
  pm_rows_free(mesh->rows);
  pm_slot_deinit(&mesh->slot);
  pm_buf_deinit(&mesh->query);
  pm_buf_deinit(&mesh->saved);
  free(mesh);
}

enum pm_err pm_mesh_open(struct uv_loop_s *loop, const struct pm_mesh_config *config,
                         struct pm_mesh **out, struct pm_why *why) {
  struct pm_gossip_config core;
  struct pm_mesh_state state;
  enum pm_err err = pm_mesh_load(config, &state, why);
  if (err != PM_OK) return err;
  struct pm_mesh_keys keys = {.count = 0};
  err = fill_config(config, &state, &core, why);
  if (err == PM_OK && config->options->mesh_key_file)
    err = pm_mesh_keys_read(config->options->mesh_key_file, &keys, why);
  struct pm_mesh *mesh = err == PM_OK ? calloc(1, sizeof *mesh) : NULL;
  if (mesh) {
    mesh->config = *config;
    mesh->id = state.id;
    if (keys.count) {
      mesh->keys = keys;
      core.auth =
          (struct pm_gossip_auth){.mac = pm_mesh_keys_mac, .ctx = &mesh->keys, .keys = keys.count};
    }
    pm_buf_init(&mesh->query, PM_WIRE_QUERY_BYTES_MAX);
    pm_buf_init(&mesh->saved, PM_MESH_STATE_BYTES_MAX);
  }
  if (!mesh || allocate(mesh, &core) != PM_OK) {
    if (mesh) mesh_free(mesh);
    pm_mesh_state_deinit(&state);
    return err != PM_OK ? err : pm_why_set(why, PM_ERR_NOMEM, "no memory for the mesh");
  }
  pm_mesh_sends_init(mesh);
  pm_mesh_report_init(mesh);
  uv_timer_init(loop, &mesh->timer);
  uv_timer_init(loop, &mesh->save_timer);
  uv_timer_init(loop, &mesh->rows_timer);
  mesh->timer.data = mesh->save_timer.data = mesh->rows_timer.data = mesh;
  uv_timer_start(&mesh->rows_timer, on_rows_timer, ROWS_MS, ROWS_MS);
  uv_timer_start(&mesh->save_timer, on_save_timer, PM_MESH_SAVE_MS, PM_MESH_SAVE_MS);
  arm(mesh);
  if (config->options->state_dir) pm_mesh_restore(mesh, &state);
  pm_mesh_state_deinit(&state);
  *out = mesh;
  return PM_OK;
}

/* Freed when the timers are closed and nothing is being written. */
void pm_mesh_finish_closing(struct pm_mesh *mesh) {
  if (!mesh->closing || mesh->handles > 0 || mesh->saving) return;
  void (*closed)(void *) = mesh->closed;
  void *owner = mesh->closed_owner;
  mesh_free(mesh);
  closed(owner);
}

static void on_closed(uv_handle_t *handle) {
  struct pm_mesh *mesh = handle->data;
  mesh->handles--;
  pm_mesh_finish_closing(mesh);
}

void pm_mesh_close(struct pm_mesh *mesh, void (*closed)(void *owner), void *owner) {
  pm_mesh_save(mesh);
  mesh->closing = true;
  mesh->closed = closed;
  mesh->closed_owner = owner;
  pm_mesh_sends_cancel(mesh);
  mesh->handles = 3;
  uv_close((uv_handle_t *)&mesh->rows_timer, on_closed);
  uv_close((uv_handle_t *)&mesh->timer, on_closed);
  uv_close((uv_handle_t *)&mesh->save_timer, on_closed);
}

const struct pm_node_id *pm_mesh_id(const struct pm_mesh *mesh) {
  return &mesh->id;
}

const struct pm_gossip *pm_mesh_core(const struct pm_mesh *mesh) {
  return mesh->core;
}
