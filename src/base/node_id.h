/* A node's identity: 128 random bits, kept over restarts where there is a state directory, and the
 * incarnation, the start time of the process in nanoseconds. Two endpoints that answer with the
 * same identity and incarnation are one node under two names. Pure values.
 */
#ifndef PM_BASE_NODE_ID_H
#define PM_BASE_NODE_ID_H

#include <stdbool.h>
#include <stdint.h>

enum { PM_NODE_ID_BYTES = 16, PM_NODE_ID_TEXT_BYTES = 33 };

struct pm_node_id {
  uint8_t bytes[PM_NODE_ID_BYTES];
};

/* All zero means "none". */
bool pm_node_id_is_set(const struct pm_node_id *id);
bool pm_node_id_equal(const struct pm_node_id *a, const struct pm_node_id *b);

#endif
