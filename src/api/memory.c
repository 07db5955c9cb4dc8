#include "api/memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum { STATM_BYTES = 256 }; /* seven numbers */

static uint64_t resident_bytes(void) {
  char text[STATM_BYTES] = "";
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t got = read(fd, text, sizeof(text) - 1);
  close(fd);
  uint64_t pages = 0;
  /* The second number; the first is the address space, which says nothing about RAM. */
  if (got <= 0 || sscanf(text, "%*u %" SCNu64, &pages) != 1) return 0;
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void pm_memory_measure(struct pm_memory *out) {
  struct mallinfo2 heap = mallinfo2();
  *out = (struct pm_memory){.measured = pm_clock_wall(),
                            .heap_bytes = heap.uordblks + heap.hblkhd,
                            .resident_bytes = resident_bytes()};
}
