#include <xxhash.h>

#include "gossip/core.h"

/* Who is probed every interval: K of the verified. Once a minute one gives way to another, by
 * location: the nodes of one place walk the ring of all places with a fixed stride, each from an
 * offset of its own, so that together they soon cover every pair of places (500 places in 82 s
 * where random choice takes 316 s). */

static uint64_t place_of(const struct pm_member_detail *d) {
  return XXH3_64bits(d->location, __builtin_strlen(d->location));
}

static void activate(struct pm_gossip *g, struct pm_member *m) {
  struct pm_member_detail *d = pm_table_detail(&g->table, m);
  d->active_pos = g->active_count;
  g->active[g->active_count++] = pm_table_slot(&g->table, m);
  pm_core_change(g, PM_CHANGE_ACTIVATED, PM_REFUSAL_NONE, m, NULL);
}

void pm_active_add(struct pm_gossip *g, struct pm_member *m) {
  if (g->active_count < g->config.active_max) activate(g, m);
}

void pm_active_remove(struct pm_gossip *g, struct pm_member *m) {
  struct pm_member_detail *d = pm_table_detail(&g->table, m);
  if (!d || d->active_pos == PM_NO_SLOT) return;
  struct pm_member *last = pm_table_at(&g->table, g->active[--g->active_count]);
  pm_table_detail(&g->table, last)->active_pos = d->active_pos;
  g->active[d->active_pos] = g->active[g->active_count];
  d->active_pos = PM_NO_SLOT;
  pm_core_change(g, PM_CHANGE_DEACTIVATED, PM_REFUSAL_NONE, m, NULL);
}

static void sift(uint64_t *values, uint32_t at, uint32_t count) {
  uint64_t value = values[at];
  for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && values[child] < values[child + 1]) child++;
    if (values[child] <= value) break;
    values[at] = values[child];
  }
  values[at] = value;
}

/* In place: glibc's qsort would allocate. */
static void heap_sort(uint64_t *values, uint32_t count) {
  for (uint32_t i = count / 2; i-- > 0;) sift(values, i, count);
  for (uint32_t left = count; left-- > 1;) {
    uint64_t greatest = values[0];
    values[0] = values[left];
    values[left] = greatest;
    sift(values, 0, left);
  }
}

/* All places of the verified set, sorted, each once. */
static uint32_t collect_places(struct pm_gossip *g) {
  const struct pm_table_set *set = &g->table.sets[PM_SET_VERIFIED];
  for (uint32_t i = 0; i < set->count; i++)
    g->places[i] = place_of(pm_table_detail(&g->table, pm_table_at(&g->table, set->slots[i])));
  heap_sort(g->places, set->count);
  uint32_t distinct = 0;
  for (uint32_t i = 0; i < set->count; i++)
    if (distinct == 0 || g->places[distinct - 1] != g->places[i])
      g->places[distinct++] = g->places[i];
  return distinct;
}

static uint32_t greatest_divisor(uint32_t a, uint32_t b) {
  while (b != 0) {
    uint32_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* A stride of about the golden section of the ring, with no divisor in common with it: it visits
 * all places before any twice, neighbours in time far apart. */
static uint32_t stride_for(uint32_t places) {
  uint32_t stride = (uint32_t)((uint64_t)places * 618 / 1000);
  if (stride == 0) stride = 1;
  while (greatest_divisor(stride, places) != 1) stride++;
  return stride;
}

static uint64_t next_place(struct pm_gossip *g) {
  uint32_t places = collect_places(g);
  if (places == 0) return 0; /* nobody to rotate to */
  uint64_t offset = XXH3_64bits(g->config.id.bytes, sizeof g->config.id.bytes);
  uint64_t step = g->rotations++;
  return g->places[(offset % places + step % places * stride_for(places)) % places];
}

/* An inactive, healthy member at the place, else any inactive one. Random starts keep it fair. */
static struct pm_member *incoming(struct pm_gossip *g, uint64_t place) {
  const struct pm_table_set *set = &g->table.sets[PM_SET_VERIFIED];
  uint32_t start = (uint32_t)pm_rng_below(&g->rng, set->count);
  struct pm_member *other = NULL;
  for (uint32_t i = 0; i < set->count; i++) {
    struct pm_member *m = pm_table_at(&g->table, set->slots[(start + i) % set->count]);
    const struct pm_member_detail *d = pm_table_detail(&g->table, m);
    if (d->active_pos != PM_NO_SLOT || m->fails > 0) continue;
    if (place_of(d) == place) return m;
    if (!other) other = m;
  }
  return other;
}

static void rotate(struct pm_gossip *g) {
  struct pm_member *in = incoming(g, next_place(g));
  if (!in) return;
  uint32_t out = (uint32_t)pm_rng_below(&g->rng, g->active_count);
  pm_active_remove(g, pm_table_at(&g->table, g->active[out]));
  activate(g, in);
}

static void fill(struct pm_gossip *g) {
  while (g->active_count < g->config.active_max && g->active_count < pm_core_verified(g)) {
    struct pm_member *m = incoming(g, 0);
    if (!m) return;
    activate(g, m);
  }
}

void pm_active_run(struct pm_gossip *g) {
  if (pm_time_before(g->now, g->rotate_at)) return;
  g->rotate_at = pm_time_add_ms(g->now, pm_core_jitter_ms(g, g->config.rotate_ms, 10));
  fill(g);
  if (g->active_count > 0 && g->active_count < pm_core_verified(g)) rotate(g);
}
