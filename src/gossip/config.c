#include "gossip/config.h"

#include <string.h>

static unsigned clamp(unsigned value, unsigned low, unsigned high) {
  return value < low ? low : value > high ? high : value;
}

static void size_tables(struct pm_gossip_config *config, unsigned members_max) {
  unsigned m = clamp(members_max, PM_GOSSIP_MEMBERS_MIN, PM_GOSSIP_MEMBERS_MAX);
  config->members_max = m;
  config->active_max = clamp(m / 8, PM_GOSSIP_MEMBERS_MIN, PM_GOSSIP_ACTIVE_DEFAULT);
  config->candidates_max = 2 * m; /* a full answer each from several neighbours at once */
  config->lost_max = m;           /* the whole table may be cut off, and come back */
  config->locals_max = 64;        /* seeds and endpoints added by hand; names with many addresses */
  config->refused_max = 2 * m;
  config->rewards_max = 2 * m;   /* the whole table twice over in a day */
  config->addresses_max = 4 * m; /* addresses that never proved themselves, remembered a day */
}

static void set_rates(struct pm_gossip_config *config) {
  /* N = 1000 is complete in 100–160 s; 20/s would make it 54 s, 2/s 500 s. */
  config->verify = (struct pm_gossip_rate){.step_ms = 100, .burst = 50};
  /* What one source alone says is worth little, but must not be worth nothing: it may be right. */
  config->speculative = (struct pm_gossip_rate){.step_ms = 30000, .burst = 8};
  config->claim = (struct pm_gossip_rate){.step_ms = 500, .burst = 20};
  config->inbound = (struct pm_gossip_rate){.step_ms = 50, .burst = 100};
  config->hint = (struct pm_gossip_rate){.step_ms = 200, .burst = 20};
  /* The last resort: 30/s whatever happens, the burst of a start on top. */
  config->total = (struct pm_gossip_rate){.step_ms = 33, .burst = 60};
  /* The cap on harm to others. */
  config->failure = (struct pm_gossip_rate){.step_ms = 60000, .burst = 30};
  /* About a tenth of a core. */
  config->page = (struct pm_gossip_rate){.step_ms = 1, .burst = 1000};
}

void pm_gossip_config_init(struct pm_gossip_config *config, unsigned members_max) {
  *config = (struct pm_gossip_config){.grow = true,
                                      .mesh = "default",
                                      .ttl = PM_GOSSIP_TTL_DEFAULT,
                                      .round_min_ms = 2000,
                                      .round_max_ms = 30000,
                                      .refresh_ms = 300000,
                                      .suspect_ms = 10000,
                                      .rotate_ms = 60000,
                                      .brake_after_ms = 3600000};
  size_tables(config, members_max);
  set_rates(config);
}

enum pm_err pm_gossip_config_check(const struct pm_gossip_config *config, struct pm_why *why) {
  if (!pm_node_id_is_set(&config->id))
    return pm_why_set(why, PM_ERR_MISSING, "the gossip core needs a node identity");
  if (!pm_mesh_name_valid(config->mesh))
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "a mesh name has 1 to %d letters, digits, '-', '_' or '.', not \"%s\"",
                      PM_MESH_NAME_BYTES - 1, config->mesh);
  if (config->members_max < PM_GOSSIP_MEMBERS_MIN || config->members_max > PM_GOSSIP_MEMBERS_MAX)
    return pm_why_set(why, PM_ERR_RANGE, "the member table takes %d to %d members, not %u",
                      PM_GOSSIP_MEMBERS_MIN, PM_GOSSIP_MEMBERS_MAX, config->members_max);
  if (config->active_max == 0 || config->active_max > config->members_max)
    return pm_why_set(why, PM_ERR_RANGE, "the active set takes 1 to %u members, not %u",
                      config->members_max, config->active_max);
  if (config->auth.mac && (config->auth.keys == 0 || config->auth.keys > PM_GOSSIP_KEYS_MAX))
    return pm_why_set(why, PM_ERR_RANGE, "a mesh has 1 to %d keys, not %u", PM_GOSSIP_KEYS_MAX,
                      config->auth.keys);
  return PM_OK;
}
