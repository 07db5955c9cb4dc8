/* A target: one endpoint that is measured, how it was learned, and what became of it. Pure: the
 * prober feeds it samples and does what it answers.
 *
 *   ACTIVE --limit reached--> DONE
 *   ACTIVE --fail_max failures in a row--> GIVEN_UP --success--> ACTIVE
 *   any --operator--> REMOVED
 */
#ifndef PM_PROBE_TARGET_H
#define PM_PROBE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/err.h"
#include "base/policy.h"
#include "probe/sample.h"
#include "probe/stats.h"

enum {
  PM_TARGET_DELAY_S_MAX = 86400,
  PM_TARGET_DELAY_S_DEFAULT = 10,
  PM_TARGET_FAIL_MAX_DEFAULT = 100,
};

enum pm_target_state { PM_TARGET_ACTIVE, PM_TARGET_GIVEN_UP, PM_TARGET_DONE, PM_TARGET_REMOVED };
const char *pm_target_state_text(enum pm_target_state state);

struct pm_target_spec {
  struct pm_endpoint endpoint;
  enum pm_learned learned;
  struct pm_ip source;                   /* who named it; family NONE: a person */
  char learned_from[PM_HOST_PORT_BYTES]; /* for people; "" if nobody */
  int64_t limit;    /* successes, 0: no end. With a limit, as many failures in a row end it, too */
  int64_t delay_s;  /* between probes; 0: one probe, whatever becomes of it, and it is DONE */
  int64_t fail_max; /* failures in a row after which it is given up; at least 1 */
  bool insecure;
  uint64_t member; /* of the mesh, as the gossip core calls it; 0: none */
};

struct pm_target {
  uint64_t id; /* unique in the process, never 0 */
  struct pm_target_spec spec;
  enum pm_target_state state;
  bool paused;                      /* by an operator: stays in its state, and is not probed */
  char location[PM_LOCATION_BYTES]; /* spec's, else the remote's first own word, else "" */
  char remote_location[PM_LOCATION_BYTES]; /* the remote's first own word, "" while it said none */
  struct pm_wall added;
  struct pm_stats stats;
};

/* Copies the spec, with limit, delay_s and fail_max put into their ranges: 0, 0 to DELAY_S_MAX and
 * 1 at least. */
void pm_target_init(struct pm_target *target, uint64_t id, const struct pm_target_spec *spec,
                    struct pm_wall now);
void pm_target_deinit(struct pm_target *target);

/* What the prober has to do after a sample. */
enum pm_target_event {
  PM_TARGET_GOES_ON,
  PM_TARGET_ENDS_DONE, /* limit reached; stop probing */
  PM_TARGET_GAVE_UP,   /* just given up: stop, or go on rarely */
  PM_TARGET_CAME_BACK, /* answered after having been given up */
};
/* remote_location: from the answer's body, or NULL. The first one that a success brings stays, as
 * of old: else a remote could make up a new name, and with it a new metric, at every probe. An
 * outcome of INTERNAL counts as a failed probe in the statistics but does not bring the target
 * nearer to being given up. A target that is given up goes on recording; one that is DONE or
 * REMOVED records nothing more. */
enum pm_target_event pm_target_record(struct pm_target *target, const struct pm_sample *sample,
                                      const char *remote_location);

/* So many turns of it were passed over, for the probe before was still running. */
void pm_target_passed_over(struct pm_target *target, uint64_t turns, struct pm_time now);

/* Failures in a row that end it: min(fail_max, limit), as of old. */
int64_t pm_target_fail_limit(const struct pm_target *target);
/* Known by its location, else "unknown" before the first success, else by its URL, as of old. */
const char *pm_target_location(const struct pm_target *target);
/* The same, but the remote's own word before the spec's: what the original's console prints. */
const char *pm_target_own_word(const struct pm_target *target);

#endif
