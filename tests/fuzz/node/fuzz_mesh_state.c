/* The state file, which may be damaged in any way: what is taken is within its bounds, a core takes
 * it, and what that core saves is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/gossip.h"
#include "node/mesh_state.h"

enum { MEMBERS_MAX = 16 };

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pm_time start = {1000 * (int64_t)PM_NS_PER_S};
static struct pm_gossip_update update;

static void check_lists(const struct pm_mesh_state *state) {
  static const struct pm_vivaldi unknown;
  CHECK(pm_node_id_is_set(&state->id) && state->saved.ns >= 0);
  CHECK(state->count <= MEMBERS_MAX && state->lost_count <= MEMBERS_MAX);
  CHECK(state->refused_count <= 2 * MEMBERS_MAX);
  CHECK(pm_vivaldi_valid(&state->coordinate) ||
        memcmp(&state->coordinate, &unknown, sizeof unknown) == 0);
  for (size_t i = 0; i < state->count; i++) CHECK(state->members[i].ip.family != PM_IP_NONE);
  for (size_t i = 0; i < state->lost_count; i++)
    CHECK(state->lost[i].lost_s >= 0 && state->lost[i].last_ok_s >= 0);
}

/* As node/mesh does after a restart. */
static struct pm_gossip *core_of(const struct pm_mesh_state *state) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES];
  struct pm_gossip_config config;
  struct pm_gossip_event event = {.now = start, .kind = PM_GOSSIP_RESTORE_LOST};
  pm_gossip_config_init(&config, MEMBERS_MAX);
  config.id = state->id;
  config.key_seed = state->key_seed;
  config.coordinate = state->coordinate;
  struct pm_gossip *core = pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed, start);
  for (size_t i = 0; i < state->lost_count; i++) {
    event.lost = &state->lost[i];
    pm_gossip_step(core, &event, &update);
  }
  event.kind = PM_GOSSIP_RESTORE_REFUSED;
  for (size_t i = 0; i < state->refused_count; i++) {
    event.refused = &state->refused[i];
    pm_gossip_step(core, &event, &update);
  }
  event.kind = PM_GOSSIP_RESTORE;
  for (size_t i = 0; i < state->count; i++) {
    event.restore = &state->members[i];
    pm_gossip_step(core, &event, &update);
  }
  return core;
}

/* What a process that restarts saves, before it has heard of anybody; state is read anew. */
static void restart(struct pm_mesh_state *state, struct pm_buf *out) {
  const struct pm_node_id id = state->id;
  struct pm_gossip *core = core_of(state);
  pm_mesh_state_format(&id, core, (struct pm_wall){7 * (int64_t)PM_NS_PER_S}, out);
  CHECK(pm_buf_status(out) == PM_OK);
  pm_mesh_state_deinit(state);
  CHECK(pm_mesh_state_parse(out->data, MEMBERS_MAX, state, NULL) == PM_OK);
  CHECK(pm_node_id_equal(&state->id, &id) && state->key_seed == pm_gossip_key_seed(core));
  check_lists(state);
  free(core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_mesh_state state;
  struct pm_why why = {""};
  char *text = strndup(size > 0 ? (const char *)data : "", size);
  CHECK(text != NULL);
  if (pm_mesh_state_parse(text, MEMBERS_MAX, &state, &why) == PM_OK) {
    struct pm_buf saved;
    pm_buf_init(&saved, PM_MESH_STATE_BYTES_MAX);
    check_lists(&state);
    restart(&state, &saved);
    pm_mesh_state_deinit(&state);
    pm_buf_deinit(&saved);
  } else {
    CHECK(why.text[0] != '\0');
  }
  free(text);
  return 0;
}
