/* Requests and answers as bytes: what the daemon's client and server do with the core, here over a
 * simulated network.
 */
#ifndef PM_SIM_EXCHANGE_H
#define PM_SIM_EXCHANGE_H

#include "world.h"

struct sim_message {
  uint32_t from; /* node that asks */
  uint32_t run;  /* which of its runs */
  struct pm_ip source;
  struct pm_contact to;
  enum pm_gossip_send_kind kind;
  enum pm_dial why;
  struct pm_gossip_token token;
  bool plain;
  bool ok; /* an answer came */
  bool answered;
  bool echo; /* comes again: a copy of one that came before */
  int64_t sent_ns, rtt_ns;
  int64_t sent_own_ns; /* on the asker's clock */
  int64_t arrives_ns;  /* of one kept for replay: when it came the first time */
  char *query;
  char *header; /* Pingmesh-Node of a ping's answer; NULL: none */
  char *row;    /* Pingmesh-Row of it, likewise */
  char *body;   /* of a pull's answer */
  size_t body_bytes;
  char location[24];
};

void sim_message_free(struct sim_message *message);

/* The round trip between two nodes by the world's geography, without noise. */
float sim_base_ms(const struct sim_world *w, uint32_t a, uint32_t b);
/* One step of a node's core, and everything that follows from its update. */
void sim_step(struct sim_world *w, uint32_t i, const struct pm_gossip_event *event);
/* The probe plan's turn: pings to the active set. */
void sim_plan(struct sim_world *w, uint32_t i);
/* An attacker's turn: it asks an honest node and announces itself, and what else it likes. */
void sim_attack(struct sim_world *w, uint32_t i);
/* Both take the message over. */
void sim_request_arrives(struct sim_world *w, struct sim_message *message);
void sim_response_arrives(struct sim_world *w, struct sim_message *message);

#endif
