#include "probe/roster.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 16 };

/* A place in the table of endpoints: open addressing, linear probing, a power of two of places of
 * which at most half are taken. */
struct place {
  uint64_t key;
  struct pm_target *target; /* NULL: free */
};

struct pm_roster {
  uint64_t key_seed;
  uint64_t latest_id;
  struct pm_target **targets; /* in order of adding, so ascending by id */
  size_t count;
  size_t cap;
  struct place *places;
  size_t place_count; /* 2 * cap */
  struct pm_target
      *ended[PM_ROSTER_ENDED_MAX]; /* a ring: the oldest at ended_total % MAX once full */
  uint64_t ended_total;
};

static void target_free(struct pm_target *target) {
  if (target == NULL) return;
  pm_target_deinit(target);
  free(target);
}

/* Where the endpoint is, or the free place where it belongs. */
static size_t find_place(const struct pm_roster *roster, uint64_t key,
                         const struct pm_endpoint *endpoint) {
  size_t mask = roster->place_count - 1;
  size_t at = key & mask;
  for (; roster->places[at].target != NULL; at = (at + 1) & mask) {
    const struct place *place = &roster->places[at];
    if (place->key == key && pm_endpoint_equal(&place->target->spec.endpoint, endpoint)) break;
  }
  return at;
}

static void put_place(struct place *places, size_t place_count, struct place place) {
  size_t at = place.key & (place_count - 1);
  while (places[at].target != NULL) at = (at + 1) & (place_count - 1);
  places[at] = place;
}

/* Frees a place and moves back those behind it that were pushed past it, so that no marks of the
 * dead pile up. */
static void clear_place(struct pm_roster *roster, size_t hole) {
  size_t mask = roster->place_count - 1;
  for (size_t at = (hole + 1) & mask; roster->places[at].target != NULL; at = (at + 1) & mask) {
    size_t home = roster->places[at].key & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    roster->places[hole] = roster->places[at];
    hole = at;
  }
  roster->places[hole].target = NULL;
}

static enum pm_err grow(struct pm_roster *roster) {
  size_t cap = roster->cap > 0 ? roster->cap * 2 : FIRST_CAP;
  struct place *places = calloc(2 * cap, sizeof(*places));
  if (places == NULL) return PM_ERR_NOMEM;
  struct pm_target **targets = realloc(roster->targets, cap * sizeof(struct pm_target *));
  if (targets == NULL) {
    free(places);
    return PM_ERR_NOMEM;
  }
  for (size_t i = 0; i < roster->place_count; i++) {
    if (roster->places[i].target != NULL) put_place(places, 2 * cap, roster->places[i]);
  }
  free(roster->places);
  roster->targets = targets;
  roster->places = places;
  roster->cap = cap;
  roster->place_count = 2 * cap;
  return PM_OK;
}

enum pm_err pm_roster_new(uint64_t key_seed, struct pm_roster **out) {
  struct pm_roster *roster = calloc(1, sizeof(*roster));
  if (roster == NULL) return PM_ERR_NOMEM;
  roster->key_seed = key_seed;
  enum pm_err err = grow(roster);
  if (err != PM_OK) {
    free(roster);
    return err;
  }
  *out = roster;
  return PM_OK;
}

void pm_roster_free(struct pm_roster *roster) {
  if (roster == NULL) return;
  for (size_t i = 0; i < roster->count; i++) target_free(roster->targets[i]);
  for (size_t i = 0; i < PM_ROSTER_ENDED_MAX; i++) target_free(roster->ended[i]);
  free(roster->targets);
  free(roster->places);
  free(roster);
}

enum pm_err pm_roster_add(struct pm_roster *roster, const struct pm_target_spec *spec,
                          struct pm_wall now, struct pm_target **out) {
  uint64_t key = pm_endpoint_key(&spec->endpoint, roster->key_seed);
  struct pm_target *present = roster->places[find_place(roster, key, &spec->endpoint)].target;
  if (present != NULL) {
    *out = present;
    return PM_ERR_DUPLICATE;
  }
  if (roster->count == PM_ROSTER_TARGETS_MAX) return PM_ERR_FULL;
  if (roster->count == roster->cap) {
    enum pm_err err = grow(roster);
    if (err != PM_OK) return err;
  }
  struct pm_target *target = malloc(sizeof(*target));
  if (target == NULL) return PM_ERR_NOMEM;
  pm_target_init(target, ++roster->latest_id, spec, now);
  roster->targets[roster->count++] = target;
  put_place(roster->places, roster->place_count, (struct place){key, target});
  *out = target;
  return PM_OK;
}

/* The position of the first target with this id or a higher one. */
static size_t find_position(const struct pm_roster *roster, uint64_t id) {
  size_t low = 0;
  size_t high = roster->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (roster->targets[middle]->id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

struct pm_target *pm_roster_by_id(struct pm_roster *roster, uint64_t id) {
  size_t at = find_position(roster, id);
  return at < roster->count && roster->targets[at]->id == id ? roster->targets[at] : NULL;
}

struct pm_target *pm_roster_by_endpoint(struct pm_roster *roster,
                                        const struct pm_endpoint *endpoint) {
  uint64_t key = pm_endpoint_key(endpoint, roster->key_seed);
  return roster->places[find_place(roster, key, endpoint)].target;
}

void pm_roster_retire(struct pm_roster *roster, uint64_t id, enum pm_target_state state) {
  struct pm_target *target = pm_roster_by_id(roster, id);
  if (target == NULL) return;
  const struct pm_endpoint *endpoint = &target->spec.endpoint;
  clear_place(roster, find_place(roster, pm_endpoint_key(endpoint, roster->key_seed), endpoint));
  size_t at = find_position(roster, id);
  roster->count--;
  memmove(roster->targets + at, roster->targets + at + 1,
          (roster->count - at) * sizeof(struct pm_target *));
  target->state = state;
  struct pm_target **slot = &roster->ended[roster->ended_total % PM_ROSTER_ENDED_MAX];
  target_free(*slot);
  *slot = target;
  roster->ended_total++;
}

size_t pm_roster_count(const struct pm_roster *roster) {
  return roster->count;
}

const struct pm_target *pm_roster_at(const struct pm_roster *roster, size_t at) {
  return roster->targets[at];
}

size_t pm_roster_ended_count(const struct pm_roster *roster) {
  return roster->ended_total < PM_ROSTER_ENDED_MAX ? (size_t)roster->ended_total
                                                   : PM_ROSTER_ENDED_MAX;
}

const struct pm_target *pm_roster_ended_at(const struct pm_roster *roster, size_t at) {
  uint64_t oldest = roster->ended_total - pm_roster_ended_count(roster);
  return roster->ended[(oldest + at) % PM_ROSTER_ENDED_MAX];
}

uint64_t pm_roster_ended_total(const struct pm_roster *roster) {
  return roster->ended_total;
}
