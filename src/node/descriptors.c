#include "node/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

void pm_descriptors_fill_standard(void) {
  int fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd >= 0) close(fd);
}

size_t pm_descriptors_share(size_t connections_wanted, const struct pm_log *log) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
    return connections_wanted;
  size_t half = (size_t)(limit.rlim_max / 2);
  if (connections_wanted <= half) return connections_wanted;
  pm_log(log, PM_LOG_INFO,
         "the limit of open files is %llu: at most %zu connections of clients at once instead of "
         "%zu",
         (unsigned long long)limit.rlim_max, half, connections_wanted);
  return half > 0 ? half : 1;
}

size_t pm_descriptors_reserve(size_t probes_wanted, size_t spare, const struct pm_log *log) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return probes_wanted;
  rlim_t wanted = probes_wanted + spare;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
      return probes_wanted;
  }
  if (limit.rlim_cur >= wanted) return probes_wanted;
  size_t room = limit.rlim_cur > spare ? (size_t)(limit.rlim_cur - spare) : 1;
  pm_log(log, PM_LOG_INFO,
         "the limit of open files is %llu: at most %zu probes run at once instead of %zu "
         "(raise it with ulimit -n)",
         (unsigned long long)limit.rlim_cur, room, probes_wanted);
  return room;
}
