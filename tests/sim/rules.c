#include "rules.h"

#include "check.h"
#include "faults.h"
#include "scenario.h"

enum { PACE_S = 30, BRAKE_FIRST = 20, SHORT_TTL = 2 };
#define S 1000000000ll

void sim_prepare_pace(struct sim_world *w) {
  for (uint32_t i = 0; i < w->members; i += 2) w->nodes[i].pace_s = PACE_S;
  if (w->loss <= 0) w->loss = 0.05; /* suspects must not be hurried either */
  sim_prepare_plain(w);
}

void sim_prepare_brake(struct sim_world *w) {
  for (uint32_t i = 0; i < w->members; i++) {
    int64_t from_ms = i < BRAKE_FIRST ? 0 : SIM_BRAKE_NEWCOMERS_S * 1000;
    sim_world_start_at(w, i, (from_ms + pm_rng_between(&w->rng, 0, 3000)) * 1000000);
  }
}

void sim_prepare_reach(struct sim_world *w) {
  if (w->options.nat_share <= 0) w->options.nat_share = 0.2;
  sim_prepare_plain(w);
}

bool sim_judge_reach(struct sim_world *w) {
  uint32_t told = 0;
  for (uint32_t i = 0; i < w->members; i++) {
    if (!w->nodes[i].nat || !w->nodes[i].core) continue;
    if (sim_check_silent_until(w, i) > sim_world_clock(w, i))
      told++;
    else
      sim_check_fail(w, i, "rule 11", "nobody reaches it, and it was not told");
  }
  return told > 0;
}

void sim_prepare_depth(struct sim_world *w) {
  for (uint32_t i = 0; i < w->members; i += 3) w->nodes[i].ttl = SHORT_TTL;
  sim_prepare_plain(w);
}

void sim_prepare_restart(struct sim_world *w) {
  for (uint32_t i = 0; i < w->members; i++) w->nodes[i].keeps_state = true;
  sim_prepare_plain(w);
}

void sim_second_restart(struct sim_world *w, int64_t second) {
  if (second != SIM_RESTART_S) return;
  sim_world_kill(w, 0);
  sim_faults_mass_restart(w, 1, 10);
}
