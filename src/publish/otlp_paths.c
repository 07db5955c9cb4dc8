#include "publish/otlp_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/roster.h"

/* --- names --------------------------------------------------------------------------------------
 */

static void release(struct pm_otlp_names *names) {
  if (names != NULL && --names->refs == 0) free(names);
}

void pm_otlp_path_release(struct pm_otlp_path *path) {
  release(path->names);
}

/* A target's location may become known only with its first answer. */
static bool are_current(const struct pm_otlp_names *names, const struct pm_target *target) {
  return names != NULL && strcmp(names->to, pm_target_location(target)) == 0;
}

static struct pm_otlp_names *new_names(const struct pm_target *target) {
  const struct pm_endpoint *endpoint = &target->spec.endpoint;
  struct pm_otlp_names *names = calloc(1, sizeof(*names));
  if (names == NULL) return NULL;
  names->refs = 1;
  names->port = endpoint->port;
  names->https = endpoint->https;
  names->host_is_ip = endpoint->host_is_ip;
  snprintf(names->url, sizeof(names->url), "%s", endpoint->url);
  snprintf(names->host, sizeof(names->host), "%s", endpoint->host);
  snprintf(names->to, sizeof(names->to), "%.*s", PM_LOCATION_BYTES - 1, pm_target_location(target));
  return names;
}

/* --- paths --------------------------------------------------------------------------------------
 */

static size_t place_of(const struct pm_otlp_paths *paths, uint64_t id) {
  size_t low = 0, high = paths->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (paths->items[middle].id < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct pm_otlp_path *find(struct pm_otlp_paths *paths, uint64_t id) {
  size_t at = place_of(paths, id);
  return at < paths->count && paths->items[at].id == id ? &paths->items[at] : NULL;
}

static bool make_room(struct pm_otlp_paths *paths) {
  if (paths->count < paths->room) return true;
  if (paths->count >= PM_ROSTER_TARGETS_MAX) return false;
  size_t room = paths->room ? paths->room * 2 : 16;
  void *grown = realloc(paths->items, room * sizeof(*paths->items));
  if (grown == NULL) return false;
  paths->items = grown;
  paths->room = room;
  return true;
}

static struct pm_otlp_path *add_path(struct pm_otlp_paths *paths, const struct pm_target *target,
                                     struct pm_wall now) {
  if (!make_room(paths)) return NULL;
  size_t at = place_of(paths, target->id);
  struct pm_otlp_path *path = &paths->items[at];
  memmove(path + 1, path, (paths->count - at) * sizeof(*path));
  *path = (struct pm_otlp_path){.id = target->id, .start = now};
  paths->count++;
  return path;
}

static bool name(struct pm_otlp_path *path, const struct pm_target *target) {
  if (are_current(path->names, target)) return true;
  struct pm_otlp_names *names = new_names(target);
  if (names == NULL) return path->names != NULL;
  release(path->names);
  path->names = names;
  return true;
}

void pm_otlp_paths_add(struct pm_otlp_paths *paths, const struct pm_target *target,
                       const struct pm_sample *sample) {
  struct pm_otlp_path *path = find(paths, target->id);
  if (path == NULL) path = add_path(paths, target, sample->at);
  if (path == NULL || !name(path, target)) {
    paths->lost++;
    return;
  }
  bool success = sample->outcome == PM_OUTCOME_SUCCESS;
  path->latest = sample->at;
  path->up = success;
  path->ended = false;
  path->samples_new++;
  path->outcomes[sample->outcome]++;
  path->starved += sample->verdict == PM_VERDICT_STARVED;
  path->retransmitted += pm_loss_was_retransmitted(sample);
  struct pm_loss loss = {0};
  pm_loss_add(&loss, sample);
  path->syns += loss.trials;
  path->syns_lost += loss.lost;
  for (enum pm_phase phase = 0; phase < PM_PHASE_COUNT; phase++)
    if (pm_sample_publishes(sample, phase))
      pm_buckets_add(&path->buckets[phase], sample->phase_ns[phase]);
}

/* A target that was given up may come back, and then goes on counting. */
void pm_otlp_paths_ended(struct pm_otlp_paths *paths, const struct pm_target *target) {
  struct pm_otlp_path *path = find(paths, target->id);
  if (path != NULL) path->ended = target->state != PM_TARGET_ACTIVE;
}

static void drop_ended(struct pm_otlp_paths *paths) {
  size_t kept = 0;
  for (size_t i = 0; i < paths->count; i++) {
    if (paths->items[i].ended)
      release(paths->items[i].names);
    else
      paths->items[kept++] = paths->items[i];
  }
  paths->count = kept;
}

struct pm_otlp_path *pm_otlp_paths_take(struct pm_otlp_paths *paths, size_t *out_count,
                                        uint64_t *out_samples) {
  *out_count = 0;
  *out_samples = 0;
  struct pm_otlp_path *copy = paths->count ? calloc(paths->count, sizeof(*copy)) : NULL;
  if (copy == NULL) return NULL;
  for (size_t i = 0; i < paths->count; i++) {
    struct pm_otlp_path *path = &paths->items[i];
    if (path->names == NULL) continue;
    *out_samples += path->samples_new;
    copy[(*out_count)++] = *path;
    path->names->refs++;
    path->samples_new = 0;
  }
  drop_ended(paths);
  return copy;
}

void pm_otlp_paths_init(struct pm_otlp_paths *paths) {
  *paths = (struct pm_otlp_paths){0};
}

void pm_otlp_paths_deinit(struct pm_otlp_paths *paths) {
  for (size_t i = 0; i < paths->count; i++) release(paths->items[i].names);
  free(paths->items);
  pm_otlp_paths_init(paths);
}
