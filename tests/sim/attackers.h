/* Those who lie: what they list, what they announce, where they stand. Hooks of scenarios.
 */
#ifndef PM_SIM_ATTACKERS_H
#define PM_SIM_ATTACKERS_H

#include "world.h"

void sim_prepare_victim(struct sim_world *w);
void sim_reply_victim(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);
void sim_claim_victim(struct sim_world *w, uint32_t attacker, struct pm_wire_request *request);

/* Of a million addresses where nobody is: any of them each time, or … */
void sim_reply_blackholes(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);
/* … all attackers much the same ones for five minutes, so that their words add up. */
void sim_reply_chorus(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);
/* All addresses of four /24s. */
void sim_reply_networks(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);
/* Endpoints further from a seed than anybody follows. */
void sim_reply_deep(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);

/* Most of them go and come back every few minutes, to be proved again and again; they list each
 * other beside addresses where nobody is. */
void sim_reply_flapping(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);
void sim_claim_flapping(struct sim_world *w, uint32_t attacker, struct pm_wire_request *request);
void sim_second_flapping(struct sim_world *w, int64_t second);

void sim_prepare_sybil(struct sim_world *w);
void sim_reply_sybil(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);

/* The dead as fresh, the living as old, at any depth; now and then a list that does not end. */
void sim_reply_lies(struct sim_world *w, uint32_t attacker, struct pm_wire_answer *reply);
char *sim_body_endless(struct sim_world *w, uint32_t attacker, const struct pm_wire_pong *node,
                       size_t *out_bytes);
/* Somebody else's address. */
void sim_claim_lies(struct sim_world *w, uint32_t attacker, struct pm_wire_request *request);

#endif
