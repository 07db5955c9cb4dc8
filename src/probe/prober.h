/* The prober: keeps a roster of targets probed at their pace. Composes plan (when), exchange (how)
 * and roster (what became of it) on a libuv loop, and reports every sample.
 */
#ifndef PM_PROBE_PROBER_H
#define PM_PROBE_PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "probe/exchange.h"
#include "probe/roster.h"
#include "probe/target.h"

struct uv_loop_s;
struct pm_prober;

/* Called from the loop; target and sample are borrowed for the call. Any may be NULL. Handlers may
 * add and remove targets and may close the prober. */
struct pm_prober_events {
  void (*sample)(void *owner, const struct pm_target *target, const struct pm_sample *sample,
                 const char *detail);
  /* It reached its limit, was given up or was removed: target->state says which. */
  void (*ended)(void *owner, const struct pm_target *target);
  /* Before a probe of a target that is a member: what to add to the URL's query, valid until the
   * next call; NULL for nothing. */
  const char *(*ask)(void *owner, const struct pm_target *target);
  /* After each probe of such a target, and after its sample. */
  void (*answered)(void *owner, uint64_t member, const struct pm_exchange_result *result);
  /* It answered again after having been given up. */
  void (*came_back)(void *owner, const struct pm_target *target);
};

struct pm_prober_config {
  struct pm_exchange_limits limits;
  size_t in_flight_max;
  /* Seconds between tries of a configured or operator's target that was given up; 0: never again.
   */
  int64_t given_up_retry_s;
  uint64_t seed; /* secret: keys of tables; also phases and jitter */
  const struct pm_log *log;
  struct pm_prober_events events;
  void *owner;
};

/* exchanger: borrowed; closed by its owner after the prober. */
enum pm_err pm_prober_open(struct uv_loop_s *loop, struct pm_exchanger *exchanger,
                           const struct pm_prober_config *config, struct pm_prober **out,
                           struct pm_why *why) PM_MUST_USE;
/* Stops: no more samples. Every target that has not ended gets its ended event (state as it is),
 * in order of adding, before this returns; closed comes from the loop, then all is freed. */
void pm_prober_close(struct pm_prober *prober, void (*closed)(void *owner), void *owner);

/* PM_ERR_DUPLICATE (out_id is then the one there), PM_ERR_FULL, PM_ERR_DENIED: the address is
 * literal and the policy forbids it (a name is checked at each connect). */
enum pm_err pm_prober_add(struct pm_prober *prober, const struct pm_target_spec *spec,
                          uint64_t *out_id, struct pm_why *why) PM_MUST_USE;
enum pm_err pm_prober_remove(struct pm_prober *prober, uint64_t id) PM_MUST_USE;

/* Stops probing it, or goes on with it, as if it had just been added: it stays in the roster, its
 * statistics with it. What is under way is given up. PM_ERR_MISSING; PM_ERR_NOMEM when going on. */
enum pm_err pm_prober_pause(struct pm_prober *prober, uint64_t id, bool paused) PM_MUST_USE;

/* From its next probe on it is this member, 0: none. Unknown ids are ignored. */
void pm_prober_set_member(struct pm_prober *prober, uint64_t id, uint64_t member);

/* Another interval from now on, at least 1 s. Ignored for unknown ids and for targets that are
 * probed once. One that was given up is still tried as rarely as before. */
void pm_prober_set_delay(struct pm_prober *prober, uint64_t id, int64_t delay_s);

const struct pm_roster *pm_prober_roster(const struct pm_prober *prober);
/* Targets that are being probed: neither ended nor given up. */
size_t pm_prober_active(const struct pm_prober *prober);

#endif
