#include "probe/kernel.h"

/* <linux/tcp.h> has fields that <netinet/tcp.h> lacks, and cannot stand beside it: whoever includes
 * uv.h has the latter. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/tcp.h>

enum { SCHEDSTAT_BYTES = 80 }; /* three numbers of 20 digits at most */

static const int STAMPS = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;

void pm_kernel_tcp_read(int fd, struct pm_kernel_tcp *out) {
  struct tcp_info info;
  socklen_t bytes = sizeof info;
  *out = (struct pm_kernel_tcp){0};
  memset(&info, 0, sizeof info); /* an older kernel fills in less */
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) return;
  enum { ESTABLISHED = 1, CLOSE_WAIT = 8 }; /* of the kernel's enum, which has no header here */
  out->known = true;
  out->established = info.tcpi_state == ESTABLISHED || info.tcpi_state == CLOSE_WAIT;
  out->segments_received = info.tcpi_segs_in;
  out->retransmits = info.tcpi_total_retrans;
  out->spurious = info.tcpi_dsack_dups;
  out->data_segments_sent = info.tcpi_data_segs_out;
  out->rtt_ns = (int64_t)info.tcpi_rtt * PM_NS_PER_US;
  if (info.tcpi_min_rtt != UINT32_MAX) out->min_rtt_ns = (int64_t)info.tcpi_min_rtt * PM_NS_PER_US;
}

uint64_t pm_kernel_bytes_received(int fd) {
  struct tcp_info info;
  socklen_t bytes = sizeof info;
  memset(&info, 0, sizeof info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 ? info.tcpi_bytes_received : 0;
}

static bool want_stamps(int fd) {
  return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &STAMPS, sizeof STAMPS) == 0;
}

int pm_kernel_stamping_open(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || want_stamps(fd)) return fd;
  close(fd);
  return -1;
}

void pm_kernel_stamp_arrivals(int fd) {
  if (!want_stamps(fd)) return; /* then pm_kernel_arrival finds none */
}

static struct pm_wall stamp_in(struct msghdr *message) {
  struct scm_timestamping stamps;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING) continue;
    if (c->cmsg_len < CMSG_LEN(sizeof stamps)) continue;
    memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
    return (struct pm_wall){stamps.ts[0].tv_sec * (int64_t)PM_NS_PER_S + stamps.ts[0].tv_nsec};
  }
  return (struct pm_wall){0};
}

static ssize_t receive(int fd, void *data, size_t bytes, int flags, struct pm_wall *out_arrived) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct scm_timestamping)) + 64];
  } control;
  struct iovec room = {.iov_base = data, .iov_len = bytes};
  struct msghdr message = {
      .msg_iov = &room, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(fd, &message, flags | MSG_DONTWAIT);
  *out_arrived = count > 0 ? stamp_in(&message) : (struct pm_wall){0};
  return count;
}

struct pm_wall pm_kernel_arrival(int fd) {
  char byte;
  struct pm_wall arrived;
  return receive(fd, &byte, 1, MSG_PEEK, &arrived) > 0 ? arrived : (struct pm_wall){0};
}

ssize_t pm_kernel_receive(int fd, void *data, size_t bytes, struct pm_wall *out_arrived) {
  return receive(fd, data, bytes, 0, out_arrived);
}

int pm_kernel_run_delay_open(void) {
  return open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

/* "time on a processor, time waiting for one, slices", both in ns. */
int64_t pm_kernel_run_delay_ns(int fd) {
  char text[SCHEDSTAT_BYTES];
  ssize_t bytes = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
  if (bytes <= 0) return 0;
  text[bytes] = '\0';
  const char *second = strchr(text, ' ');
  if (!second) return 0;
  long long ns = strtoll(second, NULL, 10);
  return ns > 0 ? ns : 0;
}
