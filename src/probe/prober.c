#include "probe/prober.h"

#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/rng.h"
#include "probe/plan.h"
#include "probe/remote_location.h"

/* A probe under way: what an exchange's result is told by. */
struct probe {
  struct pm_prober *prober;
  struct pm_target *target; /* one that is removed takes its probe along */
  uint64_t exchange_id;
  struct probe *next; /* of the resting ones */
  struct probe *prev_running, *next_running;
};

struct pm_prober {
  uv_loop_t *loop;
  struct pm_exchanger *exchanger;
  struct pm_prober_config config;
  struct pm_plan *plan;
  struct pm_roster *roster;
  uv_timer_t timer;     /* the plan's deadline */
  uint64_t timer_at_ms; /* in the loop's time, while it is active */
  struct probe *resting;
  struct probe *running;
  size_t active;
  uint64_t ending_id; /* its last sample is being told, its end not yet */
  bool ticking;       /* inside the plan's turns: the timer is set at their end */
  bool closing;
  void (*closed)(void *owner);
  void *closed_owner;
};

/* --- probes under way ----------------------------------------------------------------------- */

static struct probe *probe_take(struct pm_prober *prober, struct pm_target *target) {
  struct probe *probe = prober->resting;
  if (probe)
    prober->resting = probe->next;
  else if (!(probe = calloc(1, sizeof *probe)))
    return NULL;
  probe->prober = prober;
  probe->target = target;
  probe->prev_running = NULL;
  probe->next_running = prober->running;
  if (prober->running) prober->running->prev_running = probe;
  prober->running = probe;
  return probe;
}

static void probe_rest(struct probe *probe) {
  struct pm_prober *prober = probe->prober;
  if (probe->prev_running)
    probe->prev_running->next_running = probe->next_running;
  else
    prober->running = probe->next_running;
  if (probe->next_running) probe->next_running->prev_running = probe->prev_running;
  probe->next = prober->resting;
  prober->resting = probe;
}

static void probe_cancel(struct probe *probe) {
  pm_exchange_cancel(probe->prober->exchanger, probe->exchange_id);
  probe_rest(probe);
}

/* Walks through what is in flight: a target seldom ends while it is being probed. */
static void cancel_of_target(struct pm_prober *prober, const struct pm_target *target) {
  struct probe *probe = prober->running;
  while (probe && probe->target != target) probe = probe->next_running;
  if (probe) probe_cancel(probe);
}

/* --- the clockwork -------------------------------------------------------------------------- */

static void tick(struct pm_prober *prober);

static void on_timer(uv_timer_t *timer) {
  tick(timer->data);
}

/* libuv's timers count milliseconds, from the loop's idea of now; rounding up makes the plan's turn
 * due when the timer fires. */
static void arm(struct pm_prober *prober) {
  if (prober->closing || prober->ticking) return;
  struct pm_time deadline = pm_plan_deadline(prober->plan);
  if (deadline.ns == PM_TIME_NEVER.ns) {
    uv_timer_stop(&prober->timer);
    return;
  }
  int64_t left_ns = pm_time_since_ns(deadline, pm_clock_now());
  uint64_t at_ms = left_ns <= 0 ? 0 : (uint64_t)((deadline.ns - 1) / PM_NS_PER_MS + 1);
  if (at_ms != 0 && at_ms == prober->timer_at_ms && uv_is_active((uv_handle_t *)&prober->timer))
    return;
  prober->timer_at_ms = at_ms;
  /* libuv's clock is CLOCK_MONOTONIC, too, so the deadline is one in it as well. */
  uint64_t now_ms = uv_now(prober->loop);
  uv_timer_start(&prober->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static int64_t interval_ms(const struct pm_target *target) {
  int64_t ms = target->spec.delay_s * 1000;
  return ms > 0 ? ms : PM_PLAN_EAGER_MS;
}

/* --- results -------------------------------------------------------------------------------- */

static void tell_ended(struct pm_prober *prober, const struct pm_target *target) {
  if (prober->config.events.ended) prober->config.events.ended(prober->config.owner, target);
}

static void retire(struct pm_prober *prober, struct pm_target *target, enum pm_target_state state) {
  pm_plan_remove(prober->plan, target->id);
  pm_roster_retire(prober->roster, target->id, state);
}

/* A person's target is worth another look now and then; one that was learned is forgotten. */
static bool is_retried(const struct pm_prober *prober, const struct pm_target *target) {
  bool by_person =
      target->spec.learned == PM_LEARNED_CONFIG || target->spec.learned == PM_LEARNED_OPERATOR;
  return by_person && prober->config.given_up_retry_s > 0;
}

/* The last thing done to the target: handlers may bring about anything. */
static void act_on(struct pm_prober *prober, struct pm_target *target, enum pm_target_event event) {
  switch (event) {
  case PM_TARGET_GOES_ON:
    return;
  case PM_TARGET_ENDS_DONE:
    retire(prober, target, PM_TARGET_DONE);
    tell_ended(prober, target);
    return;
  case PM_TARGET_GAVE_UP:
    if (is_retried(prober, target))
      pm_plan_set_interval(prober->plan, target->id, prober->config.given_up_retry_s * 1000,
                           pm_clock_now());
    else
      retire(prober, target, PM_TARGET_GIVEN_UP);
    tell_ended(prober, target);
    return;
  case PM_TARGET_CAME_BACK:
    pm_plan_set_interval(prober->plan, target->id, interval_ms(target), pm_clock_now());
    if (prober->config.events.came_back)
      prober->config.events.came_back(prober->config.owner, target);
    return;
  }
}

static enum pm_target_event record(struct pm_prober *prober, struct pm_target *target,
                                   const struct pm_exchange_result *result) {
  char location[PM_LOCATION_BYTES];
  bool wanted = target->remote_location[0] == '\0' && result->sample.outcome == PM_OUTCOME_SUCCESS;
  bool found = wanted && pm_remote_location(result->body, result->body_bytes, location) == PM_OK;
  prober->active -= target->state == PM_TARGET_ACTIVE;
  enum pm_target_event event = pm_target_record(target, &result->sample, found ? location : NULL);
  prober->active += target->state == PM_TARGET_ACTIVE;
  return event;
}

static void take_sample(struct pm_prober *prober, struct pm_target *target,
                        const struct pm_exchange_result *result) {
  uint64_t target_id = target->id;
  bool success = result->sample.outcome == PM_OUTCOME_SUCCESS;
  pm_plan_done(prober->plan, target_id, success, pm_clock_now());
  enum pm_target_event event = record(prober, target, result);
  bool ends = event == PM_TARGET_ENDS_DONE || event == PM_TARGET_GAVE_UP;
  prober->ending_id = ends ? target_id : 0;
  if (prober->config.events.sample)
    prober->config.events.sample(prober->config.owner, target, &result->sample, result->detail);
  prober->ending_id = 0;
  /* The handler may have closed us, or removed the target. */
  if (prober->closing || event == PM_TARGET_GOES_ON) return;
  target = pm_roster_by_id(prober->roster, target_id);
  if (target) act_on(prober, target, event);
}

static void take_in(struct pm_prober *prober, struct pm_target *target,
                    const struct pm_exchange_result *result) {
  uint64_t member = target->spec.member;
  take_sample(prober, target, result);
  if (member && !prober->closing && prober->config.events.answered)
    prober->config.events.answered(prober->config.owner, member, result);
}

static void on_result(void *owner, const struct pm_exchange_result *result) {
  struct probe *probe = owner;
  struct pm_prober *prober = probe->prober;
  struct pm_target *target = probe->target;
  probe_rest(probe);
  take_in(prober, target, result);
  arm(prober);
}

/* --- turns ---------------------------------------------------------------------------------- */

/* It could not even be started. That is a sample, too: the gap in the series has a name. */
static void not_started(struct pm_prober *prober, struct pm_target *target, enum pm_err err) {
  struct pm_exchange_result result = {
      .sample = {.at = pm_clock_wall(), .ended = pm_clock_now(), .outcome = PM_OUTCOME_INTERNAL},
      .body = "",
      .header = "",
      .detail = err == PM_ERR_FULL ? "too many requests are under way" : pm_err_text(err),
  };
  take_in(prober, target, &result);
}

static void start(struct pm_prober *prober, struct pm_target *target) {
  struct pm_exchange_request request = {
      .endpoint = &target->spec.endpoint,
      .learned = target->spec.learned,
      .source = target->spec.source,
      .insecure = target->spec.insecure,
      .limits = prober->config.limits,
  };
  if (target->spec.member && prober->config.events.ask)
    request.query = prober->config.events.ask(prober->config.owner, target);
  enum pm_err err = PM_ERR_NOMEM;
  struct probe *probe = probe_take(prober, target);
  if (probe)
    err = pm_exchange_start(prober->exchanger, &request, on_result, probe, &probe->exchange_id);
  if (err == PM_OK) return;
  if (probe) probe_rest(probe);
  not_started(prober, target, err);
}

static void tick(struct pm_prober *prober) {
  struct pm_time now = pm_clock_now();
  uint64_t id, late;
  prober->ticking = true;
  while (!prober->closing && (id = pm_plan_next(prober->plan, now, &late)) != 0) {
    struct pm_target *target = pm_roster_by_id(prober->roster, id);
    if (!target) {
      pm_plan_remove(prober->plan, id);
      continue;
    }
    pm_target_passed_over(target, late, now);
    start(prober, target);
  }
  prober->ticking = false;
  arm(prober);
}

/* --- the interface -------------------------------------------------------------------------- */

static void prober_free(struct pm_prober *prober) {
  pm_plan_free(prober->plan);
  pm_roster_free(prober->roster);
  while (prober->resting) {
    struct probe *probe = prober->resting;
    prober->resting = probe->next;
    free(probe);
  }
  free(prober);
}

enum pm_err pm_prober_open(struct uv_loop_s *loop, struct pm_exchanger *exchanger,
                           const struct pm_prober_config *config, struct pm_prober **out,
                           struct pm_why *why) {
  if (config->in_flight_max == 0)
    return pm_why_set(why, PM_ERR_RANGE, "0 probes at once: at least 1 must be possible");
  struct pm_prober *prober = calloc(1, sizeof *prober);
  if (!prober) return PM_ERR_NOMEM;
  prober->loop = loop;
  prober->exchanger = exchanger;
  prober->config = *config;
  /* Two seeds: the plan's draws show in when probes come, the roster's is to stay a secret. */
  struct pm_rng seeds;
  pm_rng_seed(&seeds, config->seed);
  enum pm_err err = pm_roster_new(pm_rng_next(&seeds), &prober->roster);
  if (err == PM_OK) err = pm_plan_new(config->in_flight_max, pm_rng_next(&seeds), &prober->plan);
  if (err != PM_OK) {
    prober_free(prober);
    return err;
  }
  uv_timer_init(loop, &prober->timer);
  prober->timer.data = prober;
  *out = prober;
  return PM_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
  struct pm_prober *prober = handle->data;
  void (*closed)(void *) = prober->closed;
  void *owner = prober->closed_owner;
  prober_free(prober);
  if (closed) closed(owner);
}

void pm_prober_close(struct pm_prober *prober, void (*closed)(void *owner), void *owner) {
  if (prober->closing) return;
  prober->closing = true;
  prober->closed = closed;
  prober->closed_owner = owner;
  while (prober->running) probe_cancel(prober->running);
  /* From here on add and remove refuse, so the roster holds still under the handlers. */
  for (size_t i = 0; i < pm_roster_count(prober->roster); i++) {
    const struct pm_target *target = pm_roster_at(prober->roster, i);
    if (target->state == PM_TARGET_ACTIVE || target->id == prober->ending_id)
      tell_ended(prober, target);
  }
  uv_close((uv_handle_t *)&prober->timer, on_timer_closed);
}

enum pm_err pm_prober_add(struct pm_prober *prober, const struct pm_target_spec *spec,
                          uint64_t *out_id, struct pm_why *why) {
  if (prober->closing) return pm_why_set(why, PM_ERR_CLOSED, "probing has ended");
  enum pm_err err =
      pm_exchanger_check(prober->exchanger, &spec->endpoint, spec->learned, &spec->source, why);
  if (err != PM_OK) return err;
  struct pm_target *target;
  err = pm_roster_add(prober->roster, spec, pm_clock_wall(), &target);
  if (err == PM_ERR_DUPLICATE) *out_id = target->id;
  if (err != PM_OK) return pm_why_set(why, err, "%s: %s", spec->endpoint.url, pm_err_text(err));
  uint64_t id = target->id;
  err = pm_plan_add(prober->plan, id, interval_ms(target), pm_clock_now());
  if (err != PM_OK) {
    pm_roster_retire(prober->roster, id, PM_TARGET_REMOVED);
    return pm_why_set(why, err, "%s: %s", spec->endpoint.url, pm_err_text(err));
  }
  prober->active++;
  *out_id = id;
  arm(prober);
  return PM_OK;
}

enum pm_err pm_prober_remove(struct pm_prober *prober, uint64_t id) {
  if (prober->closing) return PM_ERR_CLOSED;
  struct pm_target *target = pm_roster_by_id(prober->roster, id);
  if (!target) return PM_ERR_MISSING;
  if (target->state == PM_TARGET_ACTIVE) prober->active--;
  cancel_of_target(prober, target);
  retire(prober, target, PM_TARGET_REMOVED);
  tell_ended(prober, target);
  if (!prober->closing) arm(prober);
  return PM_OK;
}

enum pm_err pm_prober_pause(struct pm_prober *prober, uint64_t id, bool paused) {
  if (prober->closing) return PM_ERR_CLOSED;
  struct pm_target *target = pm_roster_by_id(prober->roster, id);
  if (!target) return PM_ERR_MISSING;
  if (target->paused == paused) return PM_OK;
  if (paused) {
    cancel_of_target(prober, target);
    pm_plan_remove(prober->plan, id);
  } else {
    bool rarely = target->state == PM_TARGET_GIVEN_UP;
    int64_t ms = rarely ? prober->config.given_up_retry_s * 1000 : interval_ms(target);
    enum pm_err err = pm_plan_add(prober->plan, id, ms, pm_clock_now());
    if (err != PM_OK) return err;
  }
  target->paused = paused;
  arm(prober);
  return PM_OK;
}

void pm_prober_set_member(struct pm_prober *prober, uint64_t id, uint64_t member) {
  struct pm_target *target = pm_roster_by_id(prober->roster, id);
  if (target) target->spec.member = member;
}

void pm_prober_set_delay(struct pm_prober *prober, uint64_t id, int64_t delay_s) {
  struct pm_target *target = pm_roster_by_id(prober->roster, id);
  if (delay_s < 1) delay_s = 1;
  if (delay_s > PM_TARGET_DELAY_S_MAX) delay_s = PM_TARGET_DELAY_S_MAX;
  if (!target || target->spec.delay_s == 0 || target->spec.delay_s == delay_s) return;
  target->spec.delay_s = delay_s;
  if (prober->closing || target->state != PM_TARGET_ACTIVE) return;
  pm_plan_set_interval(prober->plan, id, interval_ms(target), pm_clock_now());
  arm(prober);
}

const struct pm_roster *pm_prober_roster(const struct pm_prober *prober) {
  return prober->roster;
}

size_t pm_prober_active(const struct pm_prober *prober) {
  return prober->active;
}
