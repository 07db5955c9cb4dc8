/* What may go wrong with the network, the clocks and the machines, beyond plain loss: each a knob
 * of the world, all off unless a scenario turns them. Shares are of messages, 0 to 1.
 */
#ifndef PM_SIM_FAULTS_H
#define PM_SIM_FAULTS_H

#include <stdbool.h>

#include "exchange.h"

enum {
  SIM_REPLAYS_KEPT = 256, /* messages that can come again */
  SIM_SAVED_MAX = 256,    /* members that a node finds in its file after a restart */
};

struct sim_faults {
  double duplicated;     /* arrives twice */
  double replayed;       /* with it an old one arrives again, from its source or from a stranger */
  double reordered;      /* takes up to two seconds longer */
  double dripped;        /* an answer that never ends: nothing, when the time is over */
  double late;           /* an answer after everybody has stopped waiting for it */
  double one_way;        /* of ordered pairs of nodes: cannot open connections */
  uint64_t one_way_salt; /* another one is another choice of pairs */
  struct sim_message *kept[SIM_REPLAYS_KEPT];
  uint64_t kept_count;
};

struct sim_faults *sim_faults_new(void);
void sim_faults_free(struct sim_faults *faults);
/* All of the network's faults off. */
void sim_faults_calm(struct sim_world *w);

/* False if this node cannot open a connection to that one. */
bool sim_faults_pass(const struct sim_world *w, uint32_t from, uint32_t to);
/* On top of the way that a message has to go. */
int64_t sim_faults_delay_ns(struct sim_world *w);
/* A request is on its way, or an answer: it may come twice, and others again. Copies what it keeps.
 */
void sim_faults_echo_request(struct sim_world *w, const struct sim_message *m, uint32_t to,
                             int64_t at_ns);
void sim_faults_echo_response(struct sim_world *w, const struct sim_message *m, int64_t at_ns);
/* Spoils an answer: true if it comes at *out_at_ns instead, without its end or too late. */
bool sim_faults_spoil(struct sim_world *w, struct sim_message *m, int64_t *out_at_ns);

/* Sides are chosen anew: halves, one node alone, or a random set. */
void sim_faults_split(struct sim_world *w);
/* The node's clock steps, forward or backward. */
void sim_faults_jump(struct sim_world *w, uint32_t node, int64_t by_ns);
/* Two nodes from one image: the same Id, and if so wanted the same Inc. */
void sim_faults_clone(struct sim_world *w, uint32_t node, uint32_t of, bool same_inc);
/* So many die at once, and come back within so many seconds. */
void sim_faults_mass_restart(struct sim_world *w, double share, int64_t within_s);

/* What a node of state writes down when it goes, and reads when it comes. */
void sim_saved_write(struct sim_world *w, uint32_t node);
void sim_saved_read(struct sim_world *w, uint32_t node);

#endif
