/* What this process takes of memory, as the C library and the kernel tell.
 */
#ifndef PM_API_MEMORY_H
#define PM_API_MEMORY_H

#include <stdint.h>

#include "base/clock.h"

struct pm_memory {
  struct pm_wall measured;
  uint64_t heap_bytes;     /* in allocations that live: mallinfo2(3), uordblks + hblkhd */
  uint64_t resident_bytes; /* of RAM, by /proc/self/statm; 0 if it cannot be read */
};

void pm_memory_measure(struct pm_memory *out);

#endif
