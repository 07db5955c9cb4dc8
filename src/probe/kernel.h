/* What the kernel knows of a connection and of our thread, asked by the system calls that no
 * library wraps. The only file that makes them; what the answers mean is decided in trace, timing,
 * verdict.
 *
 * How Linux behaves, as far as its callers rest on it:
 * - tcpi_rtt, before anything but the SYN was acknowledged, is the SYN's round trip in µs, whenever
 *   one asks. After a SYN was sent again it comes from the timestamp option, in whole milliseconds
 *   and 1 at the least; without that option it is 0. tcpi_min_rtt is the same until data was
 *   acknowledged, whose round trips are in µs again.
 * - A receive stamp belongs to a buffer of the queue. A segment that the kernel appended to one
 * that nobody had read yet gives the whole its own, later stamp: who looks late sees the latest of
 * what came meanwhile, and never a moment later than the look.
 * - Stamps are made for all packets of the machine or for none, as long as some socket wants them;
 *   turning that on is slow and takes effect late. Hence pm_kernel_stamping_open.
 */
#ifndef PM_PROBE_KERNEL_H
#define PM_PROBE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

/* TCP_INFO. All 0 if the kernel said nothing. */
struct pm_kernel_tcp {
  bool known;
  bool established; /* or was, and the far end has closed since */
  uint32_t segments_received;
  uint32_t retransmits; /* of whatever kind, SYNs included */
  uint32_t spurious;    /* of these, as told by the far end (D-SACK) */
  uint32_t data_segments_sent;
  int64_t rtt_ns;     /* smoothed; 0: none yet */
  int64_t min_rtt_ns; /* 0: none yet */
};
void pm_kernel_tcp_read(int fd, struct pm_kernel_tcp *out);
/* Bytes that have come in over the connection, whatever they were; 0 if unknown. */
uint64_t pm_kernel_bytes_received(int fd);

/* Keeps the kernel's stamping switched on while the descriptor is open; -1 if it cannot. */
int pm_kernel_stamping_open(void);
/* Of what arrives at this socket from now on, or at those that a listening socket brings. Where it
 * fails there will be no stamps. */
void pm_kernel_stamp_arrivals(int fd);
/* When the first byte that waits to be read arrived, by CLOCK_REALTIME; 0 if none waits or it has
 * no stamp. Consumes nothing, but a pending error of the socket: not to be asked if there is one.
 */
struct pm_wall pm_kernel_arrival(int fd);
/* recv(2) without waiting, and when the latest of these bytes arrived; 0 if unknown. */
ssize_t pm_kernel_receive(int fd, void *data, size_t bytes, struct pm_wall *out_arrived);

/* Of the calling thread: a descriptor to read its run delay from; -1 if the kernel does not tell.
 */
int pm_kernel_run_delay_open(void);
/* For how long in all the thread was ready to run and got no processor; 0 if unknown. */
int64_t pm_kernel_run_delay_ns(int fd);

#endif
