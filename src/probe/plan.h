/* The plan: whose turn it is, and when the next turn comes. Pure: a heap of turns by due time, no
 * clock, no I/O. The prober asks it, starts probes, and reports their ends. Every call costs
 * O(log targets) at most; only adding allocates.
 *
 *   added --1 s--> first turn --every second, 10 tries--> own phase, every interval
 *                      '-----------first success--------------^
 *
 * - The first probe of a target comes 1 s after it is added (as of old). Of many added at once each
 *   starts 5 ms after the one before, wrapped around in the interval: few start together to the
 *   eye, a thousand never do.
 * - While a target has never answered it is tried every second (every interval, if that is
 *   shorter), for PM_PLAN_EAGER_TRIES tries.
 * - After that its turns keep a phase of its own in the interval: phases follow the golden ratio's
 *   sequence from an origin drawn by each node, so that those of one node are evenly spread and
 *   those of many nodes are not in step. The way there takes 0.5 to 1.5 intervals, once.
 * - A turn is due at its point of the grid ± a tenth of the step, drawn anew for each: jitter
 *   without drift.
 * - A turn that comes while the probe before is still running, or while the one before still waits
 *   for room, is counted as late and passed over, never run twice. (An eager try is passed over
 *   uncounted: a target that never answers is not late.)
 * - At most in_flight_max probes run at once; a turn that finds no room waits, due first.
 * - If nobody asked for PM_PLAN_STALL_MS although there was room (the process was stopped, the
 *   machine asleep), what came due meanwhile is late and passed over: no burst on waking up.
 */
#ifndef PM_PROBE_PLAN_H
#define PM_PROBE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"

enum {
  PM_PLAN_TARGETS_MAX = 16384, /* as many as the roster holds */
  PM_PLAN_EAGER_TRIES = 10,    /* a peer that is still starting is there by then */
  PM_PLAN_FIRST_MS = 1000,
  PM_PLAN_EAGER_MS = 1000,
  PM_PLAN_FIRST_GAP_MS = 5,  /* 200 first probes a second: even a slow machine keeps pace */
  PM_PLAN_JITTER_PARTS = 10, /* ± a tenth of the step */
  PM_PLAN_STALL_MS = 1000,   /* a busy loop lags less, or has greater worries */
  PM_PLAN_INTERVAL_MS_MAX = 7 * 86400 * 1000, /* keeps all arithmetic far from overflow */
};

struct pm_plan;

/* in_flight_max: at least 1 is taken. rng_seed: for the origin of phases and for jitter. */
enum pm_err pm_plan_new(size_t in_flight_max, uint64_t rng_seed, struct pm_plan **out) PM_MUST_USE;
void pm_plan_free(struct pm_plan *plan);

/* id: the target's, never 0. interval_ms is put into 1 to PM_PLAN_INTERVAL_MS_MAX.
 * PM_ERR_DUPLICATE, PM_ERR_FULL, PM_ERR_NOMEM. */
enum pm_err pm_plan_add(struct pm_plan *plan, uint64_t id, int64_t interval_ms,
                        struct pm_time now) PM_MUST_USE;
/* Unknown ids are ignored. A probe of it that is still running no longer counts as in flight. */
void pm_plan_remove(struct pm_plan *plan, uint64_t id);
/* A new interval from now on. Ends the eager tries; the next turn comes at the own phase in the new
 * interval, 0.5 to 1.5 intervals from now. A first turn that is still to come stays where it is. */
void pm_plan_set_interval(struct pm_plan *plan, uint64_t id, int64_t interval_ms,
                          struct pm_time now);

/* The next target whose turn has come, marked as running; 0 if none is due or the cap is reached.
 * out_late (0 with no target): turns of it that were passed over since it last ran. */
uint64_t pm_plan_next(struct pm_plan *plan, struct pm_time now, uint64_t *out_late);
/* Its probe ended. Ignored if none of it is running. */
void pm_plan_done(struct pm_plan *plan, uint64_t id, bool success, struct pm_time now);
/* When to ask next; PM_TIME_NEVER if only an end of a running probe can change anything. */
struct pm_time pm_plan_deadline(const struct pm_plan *plan);
size_t pm_plan_in_flight(const struct pm_plan *plan);

#endif
