#include "node/exposition.h"

#include <dirent.h>
#include <sys/resource.h>

#include "api/memory.h"

static int64_t cpu_ns(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  int64_t seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
  int64_t us = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  return seconds * PM_NS_PER_S + us * PM_NS_PER_US;
}

static uint64_t open_fds(void) {
  uint64_t count = 0;
  DIR *directory = opendir("/proc/self/fd");
  if (directory == NULL) return 0;
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir(directory);
  return count > 0 ? count - 1 : 0; /* without the one that reads them */
}

static uint64_t max_fds(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

void pm_exposition_write(struct pm_prometheus_view *view, struct pm_turns *turns,
                         struct pm_buf *out) {
  struct pm_memory memory;
  pm_memory_measure(&memory);
  view->process.cpu_ns = cpu_ns();
  view->process.resident_bytes = memory.resident_bytes;
  view->process.heap_bytes = memory.heap_bytes;
  view->process.open_fds = open_fds();
  view->process.max_fds = max_fds();
  view->loop.lag_max_ns = pm_turns_longest_ns(turns);
  pm_prometheus_write(view, out);
}
