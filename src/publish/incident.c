#include "publish/incident.h"

#include <stdio.h>
#include <string.h>

/* Of the limits: what is clearly well. */
enum { LOSS_WELL_DIVISOR = 2, RTT_WELL_NUMERATOR = 4, RTT_WELL_DENOMINATOR = 5 };

enum judgement { WELL, BETWEEN, BAD, SAYS_NOTHING };

/* Where the events of one call go. */
struct events {
  struct pm_incident_event *out;
  size_t count;
  struct pm_rng *rng;
  struct pm_wall at;
  const struct pm_incident_figures *figures;
};

const char *pm_incident_kind_text(enum pm_incident_kind kind) {
  switch (kind) {
#define X(name, text)      \
  case PM_INCIDENT_##name: \
    return text;
    PM_INCIDENT_MAP(X)
#undef X
  case PM_INCIDENT_KIND_COUNT:
    break;
  }
  return "unknown";
}

bool pm_incident_is_open(const struct pm_incident_watch *watch, enum pm_incident_kind kind) {
  return watch->states[kind].opened_at.ns != 0;
}

/* --- events ------------------------------------------------------------------------------------
 */

static void draw_id(struct pm_rng *rng, char out[PM_INCIDENT_ID_BYTES]) {
  uint64_t high = pm_rng_next(rng), low = pm_rng_next(rng);
  snprintf(out, PM_INCIDENT_ID_BYTES, "%016llx%016llx", (unsigned long long)high,
           (unsigned long long)low);
}

static struct pm_incident_event *push(struct events *events, enum pm_incident_kind kind,
                                      const struct pm_incident_state *state) {
  struct pm_incident_event *event = &events->out[events->count++];
  *event = (struct pm_incident_event){
      .kind = kind, .at = events->at, .opened_at = state->opened_at, .figures = *events->figures};
  memcpy(event->id, state->id, sizeof(event->id));
  return event;
}

static void open_incident(struct events *events, enum pm_incident_kind kind,
                          struct pm_incident_state *state) {
  state->opened_at = events->at;
  state->well = 0;
  draw_id(events->rng, state->id);
  struct pm_incident_event *event = push(events, kind, state);
  event->opened = true;
  memcpy(event->own, event->id, sizeof(event->own));
}

static void close_incident(struct events *events, enum pm_incident_kind kind,
                           struct pm_incident_state *state, bool removed) {
  struct pm_incident_event *event = push(events, kind, state);
  event->removed = removed;
  draw_id(events->rng, event->own);
  *state = (struct pm_incident_state){0};
}

/* --- windows -----------------------------------------------------------------------------------
 */

static enum judgement judge_loss(const struct pm_incident_config *config,
                                 const struct pm_incident_figures *window) {
  int64_t hundredfold = (int64_t)window->failed * 100;
  if (config->loss_percent == 0 || window->probes == 0) return SAYS_NOTHING;
  if (hundredfold >= config->loss_percent * window->probes) return BAD;
  if (hundredfold * LOSS_WELL_DIVISOR <= config->loss_percent * window->probes) return WELL;
  return BETWEEN;
}

/* More than half are above the limit if and only if the median is. Whether it is clearly below is
 * told by their mean, for no other limit was counted: enough to say that a path recovered. */
static enum judgement judge_rtt(const struct pm_incident_config *config,
                                const struct pm_incident_figures *window) {
  if (config->rtt_ns == 0 || window->timed == 0) return SAYS_NOTHING;
  if (window->over_rtt * 2 > window->timed) return BAD;
  int64_t mean_ns = window->rtt_sum_ns / window->timed;
  int64_t well_ns = config->rtt_ns / RTT_WELL_DENOMINATOR * RTT_WELL_NUMERATOR;
  return mean_ns <= well_ns ? WELL : BETWEEN;
}

static void count_window(const struct pm_incident_config *config, struct pm_incident_state *state,
                         enum judgement judgement) {
  uint32_t kept = UINT32_MAX >> (PM_INCIDENT_WINDOWS_MAX - config->windows_count);
  state->bad = ((state->bad << 1) | (judgement == BAD)) & kept;
  if (judgement != WELL)
    state->well = 0;
  else if (state->well < config->windows_count)
    state->well++;
}

static void take_window(const struct pm_incident_config *config, struct events *events,
                        enum pm_incident_kind kind, struct pm_incident_state *state,
                        enum judgement judgement) {
  if (judgement == SAYS_NOTHING) return;
  count_window(config, state, judgement);
  unsigned bad = (unsigned)__builtin_popcount(state->bad);
  if (state->opened_at.ns == 0 && bad >= config->windows_bad)
    open_incident(events, kind, state);
  else if (state->opened_at.ns != 0 && state->well >= config->windows_bad)
    close_incident(events, kind, state, false);
}

static void end_window(struct pm_incident_watch *watch, const struct pm_incident_config *config,
                       struct events *events) {
  if (!pm_incident_is_open(watch, PM_INCIDENT_DOWN)) {
    events->figures = &watch->now;
    take_window(config, events, PM_INCIDENT_LOSS, &watch->states[PM_INCIDENT_LOSS],
                judge_loss(config, &watch->now));
    take_window(config, events, PM_INCIDENT_RTT, &watch->states[PM_INCIDENT_RTT],
                judge_rtt(config, &watch->now));
  }
  watch->now = (struct pm_incident_figures){.failures_in_a_row = watch->now.failures_in_a_row};
  watch->window_at = (struct pm_wall){0};
}

/* Windows are the calendar's, so that those of a mesh's nodes are the same. */
static struct pm_wall window_of(const struct pm_incident_config *config, struct pm_wall at) {
  int64_t ns = config->window_s * PM_NS_PER_S;
  return (struct pm_wall){at.ns - at.ns % ns};
}

static void count_sample(struct pm_incident_watch *watch, const struct pm_incident_config *config,
                         const struct pm_sample *sample) {
  struct pm_incident_figures *now = &watch->now;
  now->probes++;
  if (sample->outcome != PM_OUTCOME_SUCCESS) {
    now->failed++;
    return;
  }
  int64_t ns = sample->phase_ns[PM_PHASE_TCP];
  if (ns <= 0 || !pm_sample_publishes(sample, PM_PHASE_TCP)) return;
  now->timed++;
  now->over_rtt += config->rtt_ns > 0 && ns > config->rtt_ns;
  now->rtt_sum_ns += ns;
}

/* --- down and up -------------------------------------------------------------------------------
 */

static void forget_windows(struct pm_incident_watch *watch) {
  for (int kind = PM_INCIDENT_LOSS; kind < PM_INCIDENT_KIND_COUNT; kind++) {
    struct pm_incident_state *state = &watch->states[kind];
    state->bad = 0;
    state->well = 0;
  }
  uint32_t row = watch->now.failures_in_a_row;
  watch->now = (struct pm_incident_figures){.failures_in_a_row = row};
  watch->window_at = (struct pm_wall){0};
}

static void take_row(struct pm_incident_watch *watch, const struct pm_incident_config *config,
                     struct events *events, bool success) {
  struct pm_incident_state *down = &watch->states[PM_INCIDENT_DOWN];
  uint32_t *row = success ? &watch->successes_in_a_row : &watch->now.failures_in_a_row;
  *row += *row < UINT32_MAX;
  events->figures = &watch->now;
  if (!success) {
    watch->successes_in_a_row = 0;
    if (down->opened_at.ns == 0 && config->down_after > 0 && *row >= config->down_after)
      open_incident(events, PM_INCIDENT_DOWN, down);
    return;
  }
  if (down->opened_at.ns != 0 && *row >= PM_INCIDENT_UP_IN_A_ROW) {
    close_incident(events, PM_INCIDENT_DOWN, down, false);
    forget_windows(watch);
  }
  /* While it is down the figures keep how long the row was that made it so. */
  if (down->opened_at.ns == 0) watch->now.failures_in_a_row = 0;
}

/* --- what is called ----------------------------------------------------------------------------
 */

static bool says_something(const struct pm_sample *sample) {
  switch (sample->outcome) {
  case PM_OUTCOME_SUCCESS:
    return true;
  case PM_OUTCOME_INTERNAL:
  case PM_OUTCOME_POLICY:
    return false;
  default:
    return sample->verdict != PM_VERDICT_STARVED;
  }
}

size_t pm_incident_add(struct pm_incident_watch *watch, const struct pm_incident_config *config,
                       const struct pm_sample *sample, struct pm_rng *rng,
                       struct pm_incident_event out[PM_INCIDENT_KIND_COUNT]) {
  struct events events = {.out = out, .rng = rng, .at = sample->at, .figures = &watch->now};
  if (!says_something(sample)) return 0;
  struct pm_wall window = window_of(config, sample->at);
  if (watch->window_at.ns != 0 && watch->window_at.ns != window.ns)
    end_window(watch, config, &events);
  watch->window_at = window;
  count_sample(watch, config, sample);
  take_row(watch, config, &events, sample->outcome == PM_OUTCOME_SUCCESS);
  return events.count;
}

size_t pm_incident_end(struct pm_incident_watch *watch, struct pm_wall now, struct pm_rng *rng,
                       struct pm_incident_event out[PM_INCIDENT_KIND_COUNT]) {
  struct events events = {.out = out, .rng = rng, .at = now, .figures = &watch->now};
  for (int kind = 0; kind < PM_INCIDENT_KIND_COUNT; kind++) {
    struct pm_incident_state *state = &watch->states[kind];
    if (state->opened_at.ns != 0) close_incident(&events, (enum pm_incident_kind)kind, state, true);
  }
  *watch = (struct pm_incident_watch){0};
  return events.count;
}
