/* The node: composes exchanger, prober, sinks, service and server on one loop, and ends them in
 * order. Everything that acts is owned here.
 */
#ifndef PM_NODE_NODE_H
#define PM_NODE_NODE_H

#include "base/err.h"
#include "base/log.h"
#include "node/options.h"

/* Exit statuses of the process. */
enum pm_exit {
  PM_EXIT_DONE = 0,   /* done, or interrupted */
  PM_EXIT_FAILED = 1, /* could not do its job: port taken, … */
  PM_EXIT_WRONG_USE = 2,
  PM_EXIT_PEER_FAILED = 3, /* in a run with -n a peer reached its failure limit */
};

/* Runs until every target has ended (without a server), a signal, or /v1/quit. What is wrong with
 * the configuration and only shows now (an unreadable file) is PM_EXIT_WRONG_USE with why. */
enum pm_exit pm_node_run(const struct pm_options *options, const struct pm_log *log,
                         struct pm_why *why);

#endif
