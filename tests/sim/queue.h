/* The world's events, ordered by time and then by when they were put in.
 */
#ifndef PM_SIM_QUEUE_H
#define PM_SIM_QUEUE_H

#include "world.h"

enum sim_event_kind {
  SIM_WAKE,
  SIM_START,
  SIM_PLAN,
  SIM_ATTACK,
  SIM_REQUEST,
  SIM_RESPONSE,
  SIM_SECOND
};

struct sim_event {
  int64_t at_ns;
  uint64_t seq;
  enum sim_event_kind kind;
  uint32_t node;
  struct sim_message *message; /* owned by the queue until popped */
};

void sim_queue_push(struct sim_world *w, int64_t at_ns, enum sim_event_kind kind, uint32_t node,
                    struct sim_message *message);
/* False if nothing happens until then. */
bool sim_queue_pop(struct sim_world *w, int64_t until_ns, struct sim_event *out);
void sim_queue_free(struct sim_world *w);

#endif
