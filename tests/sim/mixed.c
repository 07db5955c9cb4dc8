#include "mixed.h"

#include "faults.h"
#include "scenario.h"

enum {
  CALM_S = 60, /* a mesh is there before it is shaken */
  WEATHER_S = 120,
  KILL_ODDS = 20,
  RESTART_ALL_ODDS = 600,
  JUMP_ODDS = 60,
  CLONE = 20,
  CLONED = 22,
};
#define S 1000000000ll

static double up_to(struct sim_world *w, double most) {
  return most * pm_rng_unit(&w->rng);
}

static void prepare_node(struct sim_world *w, struct sim_node *n) {
  n->keeps_state = pm_rng_below(&w->rng, 3) == 0;
  if (pm_rng_below(&w->rng, 4) == 0) n->pace_s = 10 + (uint32_t)pm_rng_below(&w->rng, 50);
}

void sim_mixed_prepare(struct sim_world *w) {
  if (w->options.old_share <= 0) w->options.old_share = 0.1;
  if (w->options.nat_share <= 0) w->options.nat_share = 0.1;
  for (uint32_t i = 0; i < w->count; i++) prepare_node(w, &w->nodes[i]);
  sim_prepare_plain(w);
  if (w->members > 2 * CLONED) sim_faults_clone(w, CLONE, CLONED, pm_rng_below(&w->rng, 3) == 0);
}

static void new_weather(struct sim_world *w) {
  struct sim_faults *f = w->faults;
  w->partitioned = !w->partitioned;
  sim_faults_split(w);
  w->loss = up_to(w, 0.3);
  f->duplicated = up_to(w, 0.1);
  f->replayed = up_to(w, 0.1);
  f->reordered = up_to(w, 0.2);
  f->dripped = up_to(w, 0.1);
  f->late = up_to(w, 0.1);
  f->one_way = up_to(w, 0.15);
  f->one_way_salt = pm_rng_next(&w->rng);
}

/* Mostly a correction, now and then a machine that slept. A clock that goes back stands still for
 * its node until it has caught up. */
static void jump(struct sim_world *w) {
  uint32_t node = sim_random_member(w);
  int64_t by_ms = pm_rng_below(&w->rng, 4) == 0 ? pm_rng_between(&w->rng, 0, 3600 * 1000)
                                                : pm_rng_between(&w->rng, -20000, 5000);
  sim_faults_jump(w, node, by_ms * 1000000);
}

static void strike(struct sim_world *w) {
  uint32_t i = sim_random_member(w);
  if (w->nodes[i].alive)
    sim_world_kill(w, i);
  else
    sim_world_start(w, i);
}

/* Half of the nodes are started for good; whoever is dead of the others stays so, to be forgotten.
 */
static void make_peace(struct sim_world *w) {
  sim_faults_calm(w);
  for (uint32_t i = 2; i < w->members; i += 2) sim_world_start(w, i);
}

void sim_mixed_second(struct sim_world *w, int64_t second) {
  if (second == SIM_MIXED_PEACE_S) make_peace(w);
  if (second < CALM_S || second >= SIM_MIXED_PEACE_S) return;
  if (second % WEATHER_S == 0) new_weather(w);
  if (pm_rng_below(&w->rng, KILL_ODDS) == 0) strike(w);
  if (pm_rng_below(&w->rng, JUMP_ODDS) == 0) jump(w);
  if (pm_rng_below(&w->rng, RESTART_ALL_ODDS) == 0 && second + WEATHER_S < SIM_MIXED_PEACE_S)
    sim_faults_mass_restart(w, 0.8, 10);
}
