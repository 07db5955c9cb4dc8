#include "probe/target.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

const char *pm_target_state_text(enum pm_target_state state) {
  switch (state) {
  case PM_TARGET_ACTIVE:
    return "active";
  case PM_TARGET_GIVEN_UP:
    return "given-up";
  case PM_TARGET_DONE:
    return "done";
  case PM_TARGET_REMOVED:
    return "removed";
  }
  return "unknown";
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  if (value < low) return low;
  return value > high ? high : value;
}

static void set_location(char out[PM_LOCATION_BYTES], const char *location) {
  snprintf(out, PM_LOCATION_BYTES, "%s", location);
  pm_utf8_trim_cut(out);
}

void pm_target_init(struct pm_target *target, uint64_t id, const struct pm_target_spec *spec,
                    struct pm_wall now) {
  *target = (struct pm_target){.id = id, .spec = *spec, .state = PM_TARGET_ACTIVE, .added = now};
  target->spec.limit = clamp(spec->limit, 0, INT64_MAX);
  target->spec.delay_s = clamp(spec->delay_s, 0, PM_TARGET_DELAY_S_MAX);
  target->spec.fail_max = clamp(spec->fail_max, 1, INT64_MAX);
  set_location(target->location, spec->endpoint.location);
  pm_stats_init(&target->stats);
}

void pm_target_deinit(struct pm_target *target) {
  pm_stats_deinit(&target->stats);
}

int64_t pm_target_fail_limit(const struct pm_target *target) {
  const struct pm_target_spec *spec = &target->spec;
  return spec->limit > 0 && spec->limit < spec->fail_max ? spec->limit : spec->fail_max;
}

static bool limit_reached(const struct pm_target *target) {
  int64_t limit = target->spec.limit;
  return limit > 0 && target->stats.successes >= (uint64_t)limit;
}

static enum pm_target_event after_success(struct pm_target *target) {
  bool was_given_up = target->state == PM_TARGET_GIVEN_UP;
  target->state = PM_TARGET_ACTIVE;
  if (limit_reached(target) || target->spec.delay_s == 0) {
    target->state = PM_TARGET_DONE;
    return PM_TARGET_ENDS_DONE;
  }
  return was_given_up ? PM_TARGET_CAME_BACK : PM_TARGET_GOES_ON;
}

static enum pm_target_event after_failure(struct pm_target *target) {
  /* Before giving up: what is probed once only has no row of failures to speak of. */
  if (target->spec.delay_s == 0) {
    target->state = PM_TARGET_DONE;
    return PM_TARGET_ENDS_DONE;
  }
  if (target->state == PM_TARGET_GIVEN_UP) return PM_TARGET_GOES_ON;
  if (target->stats.failures_in_a_row < pm_target_fail_limit(target)) return PM_TARGET_GOES_ON;
  target->state = PM_TARGET_GIVEN_UP;
  return PM_TARGET_GAVE_UP;
}

enum pm_target_event pm_target_record(struct pm_target *target, const struct pm_sample *sample,
                                      const char *remote_location) {
  if (target->state == PM_TARGET_DONE || target->state == PM_TARGET_REMOVED) {
    return PM_TARGET_GOES_ON;
  }
  /* Without memory the windows miss something; the counts, on which all below rests, do not. */
  enum pm_err err = pm_stats_add(&target->stats, sample);
  (void)err;
  if (sample->outcome != PM_OUTCOME_SUCCESS) return after_failure(target);
  if (remote_location != NULL && target->remote_location[0] == '\0') {
    set_location(target->remote_location, remote_location);
    if (target->location[0] == '\0') set_location(target->location, remote_location);
  }
  return after_success(target);
}

void pm_target_passed_over(struct pm_target *target, uint64_t turns, struct pm_time now) {
  enum pm_err err = pm_stats_add_late(&target->stats, now, turns);
  (void)err; /* as above */
}

const char *pm_target_location(const struct pm_target *target) {
  if (target->location[0] != '\0') return target->location;
  return target->stats.successes == 0 ? "unknown" : target->spec.endpoint.url;
}

const char *pm_target_own_word(const struct pm_target *target) {
  return target->remote_location[0] != '\0' ? target->remote_location : pm_target_location(target);
}
