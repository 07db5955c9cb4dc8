#include "rows_paths.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "exchange.h"

static uint64_t pair_hash(const struct sim_world *w, uint32_t a, uint32_t b, uint64_t what) {
  uint32_t ends[2] = {a < b ? a : b, a < b ? b : a};
  return XXH3_64bits_withSeed(ends, sizeof ends, w->options.seed * 16 + what);
}

bool sim_path_is_detour(const struct sim_world *w, uint32_t a, uint32_t b) {
  uint64_t hash = pair_hash(w, a, b, 1);
  return w->rows_detours && hash % 10 == 0 && (hash >> 32 & 1) == (a < b);
}

/* By the hour of a pair's own day. */
static float day_share(const struct sim_world *w, uint32_t a, uint32_t b) {
  enum { DAY_S = 86400 };
  uint64_t hash = pair_hash(w, a, b, 2);
  if (hash % 3 != 0) return 0;
  double at = (double)w->now_ns / 1e9 / DAY_S + (double)(hash >> 40) / (1 << 24);
  return 0.2f * (float)sin(2 * M_PI * at);
}

float sim_path_draw_ms(struct sim_world *w, uint32_t a, uint32_t b) {
  float ms = sim_base_ms(w, a, b);
  if (sim_path_is_detour(w, a, b)) ms = ms * 1.15f + 5;
  ms *= 1 + day_share(w, a, b);
  float queueing = (0.02f * ms + 0.1f) * -logf(1 - (float)pm_rng_unit(&w->rng));
  if (pm_rng_below(&w->rng, 100) == 0) queueing += ms * (float)pm_rng_unit(&w->rng);
  return ms + queueing;
}

void sim_path_add(struct sim_path *path, bool ok, float rtt_ms) {
  path->rtt_ms[path->sent++ % SIM_PATH_SAMPLES] = ok ? rtt_ms : 0;
  path->fails_in_a_row = ok ? 0 : path->fails_in_a_row + 1;
  if (!ok) return;
  if (path->successes++ > 0)
    path->jitter_ms += (fabsf(rtt_ms - path->latest_ms) - path->jitter_ms) / 16;
  path->latest_ms = rtt_ms;
}

static uint32_t sorted_successes(const struct sim_path *path, float out[SIM_PATH_SAMPLES]) {
  uint32_t held = path->sent < SIM_PATH_SAMPLES ? path->sent : SIM_PATH_SAMPLES, count = 0;
  for (uint32_t i = 0; i < held; i++) {
    float ms = path->rtt_ms[i];
    if (ms <= 0) continue;
    uint32_t at = count++;
    for (; at > 0 && out[at - 1] > ms; at--) out[at] = out[at - 1];
    out[at] = ms;
  }
  return count;
}

static int64_t ns_of(float ms) {
  return (int64_t)((double)ms * 1e6);
}

bool sim_path_cell(const struct sim_path *path, struct pm_cell *out) {
  static const float shares[PM_CELL_QUANTILE_COUNT] = {0.25f, 0.5f, 0.75f, 0.9f, 0.99f};
  enum { SERVING_NS = 300000 };
  float sorted[SIM_PATH_SAMPLES];
  uint32_t count = sorted_successes(path, sorted);
  uint32_t held = path->sent < SIM_PATH_SAMPLES ? path->sent : SIM_PATH_SAMPLES;
  *out = (struct pm_cell){.every_s = SIM_PLAN_MS / 1000, .sent = held, .lost = held - count};
  out->state =
      path->fails_in_a_row >= 2 || path->successes == 0 ? PM_CELL_FAILED : PM_CELL_MEASURED;
  if (count == 0) return held > 0;
  for (int q = 0; q < PM_CELL_QUANTILE_COUNT; q++)
    out->rtt_ns[q] = ns_of(sorted[(uint32_t)(shares[q] * (float)(count - 1) + 0.5f)]);
  out->jitter_ns = ns_of(path->jitter_ms);
  out->phase_ns[PM_CELL_PHASE_FIRST] = 2 * out->rtt_ns[PM_CELL_P50] + SERVING_NS;
  out->phase_ns[PM_CELL_PHASE_TOTAL] = out->phase_ns[PM_CELL_PHASE_FIRST] + SERVING_NS;
  return true;
}
