/* The process's open files: the standard ones are there, and their limit is raised as far as
 * allowed, and respected.
 */
#ifndef PM_NODE_DESCRIPTORS_H
#define PM_NODE_DESCRIPTORS_H

#include <stddef.h>

#include "base/log.h"

/* Opens /dev/null in the place of each of standard input, output and error that is closed. Before
 * anything else is opened: that would take the place, and what is printed would go there. */
void pm_descriptors_fill_standard(void);

/* How many of the connections wanted at once the server may have: half of what the limit can be
 * raised to at the most, for the other half is for probes. Says so when it is fewer. */
size_t pm_descriptors_share(size_t connections_wanted, const struct pm_log *log);

/* How many of the probes wanted at once the limit has room for beside spare; says so when it is
 * fewer. At least 1. */
size_t pm_descriptors_reserve(size_t probes_wanted, size_t spare, const struct pm_log *log);

#endif
