#include "probe/run_delay.h"

#include <unistd.h>

#include "probe/kernel.h"

void pm_run_delay_open(struct pm_run_delay *delay, bool on) {
  *delay = (struct pm_run_delay){.fd = on ? pm_kernel_run_delay_open() : -1};
}

void pm_run_delay_close(struct pm_run_delay *delay) {
  if (delay->fd >= 0) close(delay->fd);
  delay->fd = -1;
}

int64_t pm_run_delay_ns(struct pm_run_delay *delay, uint64_t now_ms) {
  if (delay->fd < 0 || now_ms == delay->read_at_ms) return delay->ns;
  delay->read_at_ms = now_ms;
  delay->ns = pm_kernel_run_delay_ns(delay->fd);
  return delay->ns;
}
