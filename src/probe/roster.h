/* The roster: every target of this node by id and by endpoint, and the last hundred that ended.
 * Pure; owns the targets. By endpoint it finds through a hash, by id through a binary search (ids
 * ascend in order of adding), so that a thousand targets cost no more than ten.
 */
#ifndef PM_PROBE_ROSTER_H
#define PM_PROBE_ROSTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "probe/target.h"

enum {
  PM_ROSTER_TARGETS_MAX = 16384, /* at an interval of 10 s some 160 MB of targets and windows */
  PM_ROSTER_ENDED_MAX = 100,     /* as many as the original's DelPeers */
};

struct pm_roster;

/* key_seed: a secret of the process (see pm_endpoint_key). */
enum pm_err pm_roster_new(uint64_t key_seed, struct pm_roster **out) PM_MUST_USE;
void pm_roster_free(struct pm_roster *roster);

/* PM_ERR_DUPLICATE (out is then the one that is there), PM_ERR_FULL, PM_ERR_NOMEM. The target's
 * address is stable until it is retired and pushed out of the ended ones. An endpoint that ended
 * may be added again, as a new target. */
enum pm_err pm_roster_add(struct pm_roster *roster, const struct pm_target_spec *spec,
                          struct pm_wall now, struct pm_target **out) PM_MUST_USE;
/* NULL if it is not there or has ended. */
struct pm_target *pm_roster_by_id(struct pm_roster *roster, uint64_t id);
struct pm_target *pm_roster_by_endpoint(struct pm_roster *roster,
                                        const struct pm_endpoint *endpoint);
/* Moves it to the ended ones (the oldest of these is freed beyond the maximum), with its state set.
 * An unknown id is ignored. */
void pm_roster_retire(struct pm_roster *roster, uint64_t id, enum pm_target_state state);

/* In order of adding. at < count, and < ended_count (oldest first). */
size_t pm_roster_count(const struct pm_roster *roster);
const struct pm_target *pm_roster_at(const struct pm_roster *roster, size_t at);
size_t pm_roster_ended_count(const struct pm_roster *roster);
const struct pm_target *pm_roster_ended_at(const struct pm_roster *roster, size_t at);
/* All that ever ended, those that were freed included. */
uint64_t pm_roster_ended_total(const struct pm_roster *roster);

#endif
