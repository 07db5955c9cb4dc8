/* The process's limit of open files: raised as far as allowed, and respected.
 */
#ifndef PM_NODE_DESCRIPTORS_H
#define PM_NODE_DESCRIPTORS_H

#include <stddef.h>

#include "base/log.h"

/* How many of the probes wanted at once the limit has room for beside spare; says so when it is
 * fewer. At least 1. */
size_t pm_descriptors_reserve(size_t probes_wanted, size_t spare, const struct pm_log *log);

#endif
