#include "base/node_id.h"

#include <string.h>

bool pm_node_id_is_set(const struct pm_node_id *id) {
  static const struct pm_node_id none;
  return !pm_node_id_equal(id, &none);
}

bool pm_node_id_equal(const struct pm_node_id *a, const struct pm_node_id *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
