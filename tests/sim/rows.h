/* Rows of the matrix in the simulated world: the daemon's glue (node/mesh_rows.c and the calls of
 * gossip/rows.h beside it) over simulated messages, and an account of their bytes and of what they
 * cost. All of it does nothing in a world whose scenario did not ask for it.
 */
#ifndef PM_SIM_ROWS_H
#define PM_SIM_ROWS_H

#include "gossip/rows.h"
#include "world.h"

struct sim_message;
struct sim_path;

/* So far, over all nodes. As HTTP has them: heads and bodies, without TCP and IP. */
struct sim_rows_account {
  uint64_t row_bytes;  /* row=… of queries, and Pingmesh-Row lines of answers */
  uint64_t ping_bytes; /* whole pings, these included */
  uint64_t pull_bytes; /* whole pulls, relayed rows included */
  uint64_t pings, row_cpu_ns;
};

/* When a scenario prepares its world. */
void sim_rows_enable(struct sim_world *w);
void sim_rows_free(struct sim_world *w);
struct sim_rows_account sim_rows_account(const struct sim_world *w);
const struct pm_matrix *sim_rows_matrix(const struct sim_world *w, uint32_t node);
/* Once a simulated second. */
void sim_rows_second(struct sim_world *w);

/* What exchange.c and world.c tell. */
void sim_rows_start(struct sim_world *w, uint32_t i);
void sim_rows_stop(struct sim_world *w, uint32_t i);
void sim_rows_leave(struct sim_world *w, uint32_t i, uint64_t handle,
                    const struct pm_contact *contact);
/* The request to be sent: send's own, or it with what is wanted of rows; until the next call. */
const struct pm_wire_request *sim_rows_ask(struct sim_world *w, uint32_t i,
                                           const struct pm_gossip_send *send);
/* Puts into the message, or into the update's reply, what the asker gets of rows. */
void sim_rows_answer(struct sim_world *w, uint32_t i, struct sim_message *m,
                     const struct pm_wire_request *request);
struct pm_buf *sim_rows_inbox(struct sim_world *w, uint32_t i);
/* After the step that heard of a probe's end, or a pull's. */
void sim_rows_pong(struct sim_world *w, struct sim_message *m);
void sim_rows_pulled(struct sim_world *w, struct sim_message *m);

#endif
