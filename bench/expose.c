/* Load for a node that stands on the internet: connections that are held idle, new ones at a steady
 * pace from many addresses, and beside them the question that a watcher asks. Prints one JSON
 * object.
 *
 *   pm_expose ADDRESS PORT HELD NEW_PER_S SECONDS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  CLIENTS = 200,       /* addresses, 127.20.0.1 and on: each stays far below what one may have */
  CONNECTIONS = 16384, /* at a time */
  SAMPLES = 1 << 20,   /* of each kind */
  EVENTS = 256,
  HEALTH_PERIOD_NS = 10 * 1000 * 1000,
  ANSWER_BYTES = 4096,
  HOLD_BATCH = 64, /* opened at a time, in the beginning */
};
#define NS_PER_S INT64_C(1000000000)

enum kind { HELD, PING, HEALTH, KINDS };

struct connection {
  enum kind kind;
  int fd; /* -1: free */
  bool sent, answered;
  int64_t began_ns;
};

struct samples {
  uint32_t *us;
  size_t count, failed;
};

struct load {
  struct sockaddr_in to;
  struct connection connections[CONNECTIONS];
  size_t free_at[CONNECTIONS], free_count;
  struct samples samples[KINDS];
  size_t held, held_lost, client;
  int epoll;
};

static const char *const REQUESTS[KINDS] = {
    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void finish(struct load *load, struct connection *c, bool ok) {
  struct samples *samples = &load->samples[c->kind];
  if (c->kind == HELD && c->answered) load->held--, load->held_lost++;
  if (ok && samples->count < SAMPLES)
    samples->us[samples->count++] = (uint32_t)((now_ns() - c->began_ns) / 1000);
  if (!ok) samples->failed++;
  close(c->fd);
  c->fd = -1;
  load->free_at[load->free_count++] = (size_t)(c - load->connections);
}

static int socket_of_next_client(struct load *load) {
  struct sockaddr_in from = {.sin_family = AF_INET};
  const int on = 1;
  from.sin_addr.s_addr = htonl(0x7f140000u + 1 + (uint32_t)(load->client++ % CLIENTS));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, (const struct sockaddr *)&from, sizeof from) == 0 &&
      (connect(fd, (const struct sockaddr *)&load->to, sizeof load->to) == 0 ||
       errno == EINPROGRESS))
    return fd;
  close(fd);
  return -1;
}

static void begin(struct load *load, enum kind kind) {
  int fd = load->free_count > 0 ? socket_of_next_client(load) : -1;
  if (fd < 0) {
    load->samples[kind].failed++;
    return;
  }
  struct connection *c = &load->connections[load->free_at[--load->free_count]];
  *c = (struct connection){.kind = kind, .fd = fd, .began_ns = now_ns()};
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
  epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void ask(struct load *load, struct connection *c) {
  const char *request = REQUESTS[c->kind];
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (send(c->fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
    finish(load, c, false);
    return;
  }
  c->sent = true;
  epoll_ctl(load->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void hear(struct load *load, struct connection *c) {
  char answer[ANSWER_BYTES];
  ssize_t bytes = recv(c->fd, answer, sizeof answer - 1, 0);
  bool ok = bytes > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
  if (c->kind != HELD || !ok || c->answered) {
    finish(load, c, ok);
    return;
  }
  c->answered = true;
  load->held++;
}

static void handle(struct load *load, int timeout_ms) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(load->epoll, events, EVENTS, timeout_ms);
  for (int i = 0; i < count; i++) {
    struct connection *c = events[i].data.ptr;
    if (c->sent)
      hear(load, c);
    else
      ask(load, c);
  }
}

static void hold(struct load *load, size_t wanted) {
  int64_t patience_ns = now_ns() + 20 * NS_PER_S;
  size_t begun = 0;
  while ((begun < wanted || load->held < wanted - load->held_lost) && now_ns() < patience_ns) {
    for (int i = 0; i < HOLD_BATCH && begun < wanted; i++, begun++) begin(load, HELD);
    handle(load, 10);
  }
}

static void drive(struct load *load, int64_t per_s, int64_t seconds) {
  int64_t began = now_ns(), end = began + seconds * NS_PER_S, health = began, begun = 0;
  for (int64_t now = began; now < end; now = now_ns()) {
    int64_t due = (now - began) * per_s / NS_PER_S;
    while (begun < due) begin(load, PING), begun++;
    if (now >= health) begin(load, HEALTH), health = now + HEALTH_PERIOD_NS;
    handle(load, 1);
  }
  for (int64_t late = now_ns() + 2 * NS_PER_S; now_ns() < late;) handle(load, 10);
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double ms_at(const struct samples *samples, double share) {
  if (samples->count == 0) return -1;
  return samples->us[(size_t)((double)(samples->count - 1) * share)] / 1000.0;
}

static void tell(struct load *load) {
  static const char *const names[KINDS] = {"held", "ping", "health"};
  printf("{\"holding\": %zu, \"lost\": %zu", load->held, load->held_lost);
  for (int kind = PING; kind < KINDS; kind++) {
    struct samples *s = &load->samples[kind];
    qsort(s->us, s->count, sizeof *s->us, by_size);
    printf(", \"%s\": {\"count\": %zu, \"failed\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
           "\"max_ms\": %.2f}",
           names[kind], s->count, s->failed, ms_at(s, 0.5), ms_at(s, 0.99), ms_at(s, 1));
  }
  puts("}");
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: pm_expose ADDRESS PORT HELD NEW_PER_S SECONDS\n");
    return 2;
  }
  struct load *load = calloc(1, sizeof *load);
  struct rlimit limit;
  if (!load) return 1;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  load->to.sin_family = AF_INET;
  load->to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
  inet_pton(AF_INET, argv[1], &load->to.sin_addr);
  load->epoll = epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; i < CONNECTIONS; i++) load->free_at[load->free_count++] = i;
  for (int kind = 0; kind < KINDS; kind++)
    load->samples[kind].us = calloc(SAMPLES, sizeof(uint32_t));
  hold(load, strtoul(argv[3], NULL, 10));
  drive(load, strtoll(argv[4], NULL, 10), strtoll(argv[5], NULL, 10));
  tell(load);
  for (int kind = 0; kind < KINDS; kind++) free(load->samples[kind].us);
  free(load);
  return 0;
}
