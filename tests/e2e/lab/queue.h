/* A netfilter queue and the thread that serves it: takes packets' headers from the kernel, draws
 * their fate, and gives each its verdict when it is due; the packet itself never leaves the kernel.
 *
 * The kernel spreads packets over queues by the pair of their addresses (--queue-balance), both
 * directions of a pair into the same one, so that a handshake is always seen by one thread.
 */
#ifndef PM_LAB_QUEUE_H
#define PM_LAB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "handshakes.h"
#include "link.h"

struct pm_queue;

struct pm_queue_config {
  uint16_t number; /* netfilter's */
  uint64_t seed;   /* of loss and jitter; a link's draws in another queue are others */
  int priority;    /* of SCHED_FIFO; 0: none */
  FILE *record;    /* borrowed; see handshakes.h */
};

/* NULL, with a line on standard error, if it cannot be opened. The thread runs. */
struct pm_queue *pm_queue_open(const struct pm_queue_config *config);
/* Ends the thread. What is held is lost, as on a cable that is pulled. */
void pm_queue_close(struct pm_queue *queue);

/* These may be called while the thread runs. Host numbers are below PM_LAB_HOSTS. */
void pm_queue_set(struct pm_queue *queue, uint32_t source, uint32_t destination,
                  const struct pm_link_settings *settings);
void pm_queue_counts_add(struct pm_queue *queue, uint32_t source, uint32_t destination,
                         struct pm_link_counts *sum);
/* False if the kernel refused the priority. */
bool pm_queue_has_priority(const struct pm_queue *queue);

#endif
