/* The bounds, kept by an account of its own: what each node was told, by whom, what it proved, and
 * when it probed. Never asks a core what it thinks. A broken bound is printed with the time, the
 * node and the command that replays it.
 */
#ifndef PM_SIM_CHECK_H
#define PM_SIM_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

/* Above so many nodes the account of who told whom what would take more memory than the cores: I1,
 * I6, I7, I9 and I10 are still checked, I2, I3, I4, I5 and I8 are left to smaller worlds. */
enum { SIM_CHECK_NODES_MAX = 2000 };

struct sim_check *sim_check_new(uint32_t nodes);
void sim_check_free(struct sim_check *check);
uint64_t sim_check_violations(const struct sim_check *check);

/* A node starts afresh: all it knew is forgotten. */
void sim_check_reset(struct sim_world *w, uint32_t node);
/* What the node learned. */
void sim_check_local(struct sim_world *w, uint32_t node, const struct pm_contact *contact);
void sim_check_consent(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                       const struct pm_ip *source);
void sim_check_answer(struct sim_world *w, uint32_t node, const struct pm_contact *source,
                      const struct pm_wire_answer *answer, int64_t sent_ns);
void sim_check_result(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                      enum pm_dial why, bool success, int64_t sent_ns);
/* What an answer said of pace and reach; after the step that took it. */
void sim_check_pong(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                    const struct pm_wire_pong *pong);
void sim_check_reach(struct sim_world *w, uint32_t node, const struct pm_contact *contact,
                     const struct pm_wire_pong *pong);
/* After each step: the brake. */
void sim_check_step(struct sim_world *w, uint32_t node);
/* The node's own time, which never goes back: as its core takes it. */
int64_t sim_check_now(struct sim_world *w, uint32_t node);
/* Until when the node has to keep its address to itself; in the past: it may announce itself. */
int64_t sim_check_silent_until(const struct sim_world *w, uint32_t node);
/* What the node does: I1 I2 I5 I6 I9; I3 I4 I7 I10; I8. */
void sim_check_send(struct sim_world *w, uint32_t node, const struct pm_gossip_send *send);
void sim_check_reply(struct sim_world *w, uint32_t node, const struct pm_gossip_update *update);
void sim_check_change(struct sim_world *w, uint32_t node, const struct pm_gossip_change *change);
void sim_check_fail(struct sim_world *w, uint32_t node, const char *bound, const char *what);

#endif
