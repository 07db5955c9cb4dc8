/* The least that a probe can cost: connect, send a GET, read the answer to its end, close, on epoll
 * and with nothing around it. Probes of so many addresses a second, evenly spaced, for so many
 * seconds; tells how many were answered. The bench compares a node's CPU per probe with this one's.
 *
 * The addresses are 127.1.1.1, 127.1.1.2 …, 250 in each last byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
  EVENTS = 256,
  PROBES_PER_S_MAX = 60000, /* the addresses of 127.1.0.0/16, as they are numbered here */
  ANSWER_BYTES = 16384,     /* at one read */
};

static const char request[] = "GET /v1/ping HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";

struct loop {
  int poll, timer;
  uint16_t port;
  uint32_t per_s, next_address;
  uint64_t to_start, in_flight, answered, failed;
};

static struct sockaddr_in next_target(struct loop *loop) {
  uint32_t i = loop->next_address++ % loop->per_s;
  uint32_t address = 127u << 24 | 1u << 16 | (1 + i / 250) << 8 | (1 + i % 250);
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(loop->port), .sin_addr.s_addr = htonl(address)};
}

static void end_probe(struct loop *loop, int fd, bool answered) {
  close(fd);
  loop->in_flight--;
  *(answered ? &loop->answered : &loop->failed) += 1;
}

static void start_probe(struct loop *loop) {
  struct sockaddr_in target = next_target(loop);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};
  loop->to_start--;
  loop->in_flight++;
  if (fd < 0 ||
      (connect(fd, (struct sockaddr *)&target, sizeof(target)) != 0 && errno != EINPROGRESS) ||
      epoll_ctl(loop->poll, EPOLL_CTL_ADD, fd, &event) != 0) {
    end_probe(loop, fd, false);
  }
}

static void start_due(struct loop *loop) {
  uint64_t turns;
  if (read(loop->timer, &turns, sizeof(turns)) != sizeof(turns)) return;
  while (turns-- > 0 && loop->to_start > 0) start_probe(loop);
}

static void send_request(struct loop *loop, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof(request) - 1) ||
      epoll_ctl(loop->poll, EPOLL_CTL_MOD, fd, &event) != 0) {
    end_probe(loop, fd, false);
  }
}

static void read_answer(struct loop *loop, int fd) {
  char answer[ANSWER_BYTES];
  ssize_t len = recv(fd, answer, sizeof(answer), 0);
  if (len == 0) {
    end_probe(loop, fd, true);
  } else if (len < 0 && errno != EAGAIN) {
    end_probe(loop, fd, false);
  }
}

static void run(struct loop *loop) {
  struct epoll_event events[EVENTS];
  while (loop->to_start + loop->in_flight > 0) {
    int count = epoll_wait(loop->poll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == loop->timer) {
        start_due(loop);
      } else if (events[i].events & EPOLLOUT) {
        send_request(loop, fd);
      } else {
        read_answer(loop, fd);
      }
    }
  }
}

static bool open_loop(struct loop *loop) {
  long step_ns = 1000000000 / (long)loop->per_s;
  struct itimerspec every = {.it_interval.tv_nsec = step_ns, .it_value.tv_nsec = step_ns};
  struct epoll_event event = {.events = EPOLLIN};
  loop->poll = epoll_create1(EPOLL_CLOEXEC);
  loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  event.data.fd = loop->timer;
  return timerfd_settime(loop->timer, 0, &every, NULL) == 0 &&
         epoll_ctl(loop->poll, EPOLL_CTL_ADD, loop->timer, &event) == 0;
}

int main(int argc, char **argv) {
  struct loop loop = {0};
  if (argc == 4) {
    loop.port = (uint16_t)strtoul(argv[1], NULL, 10);
    loop.per_s = (uint32_t)strtoul(argv[2], NULL, 10);
    loop.to_start = loop.per_s * strtoul(argv[3], NULL, 10);
  }
  if (loop.port == 0 || loop.per_s < 2 || loop.per_s > PROBES_PER_S_MAX) {
    fputs("pm_bare_loop PORT PROBES_PER_SECOND SECONDS\n", stderr);
    return 2;
  }
  if (!open_loop(&loop)) {
    perror("pm_bare_loop");
    return 1;
  }
  run(&loop);
  printf("%" PRIu64 " answered, %" PRIu64 " failed\n", loop.answered, loop.failed);
  return loop.failed == 0 ? 0 : 1;
}
