/* The delay laboratory's web server: answers every request, on every address of its host, with a
 * small page, at once or after a given time, and closes. It costs as little as it can, for it
 * shares the machine with what is measured. When its standard input ends, it tells how many it has
 * answered, and ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
  CONNECTIONS_MAX = 65536, /* descriptors; the process's limit is usually lower */
  BACKLOG = 65535,         /* the namespace's net.core.somaxconn decides */
  EVENTS = 256,
  REQUEST_BYTES = 4096, /* at one read */
};

static const int64_t ns_per_s = 1000000000;
static const int64_t ns_per_ms = 1000000;

#define PAGE "<html><head><title>Lab</title></head><body><p>Served from Lab\n</body></html>"
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 76\r\n"
                             "Connection: close\r\n\r\n" PAGE;
_Static_assert(sizeof(PAGE) - 1 == 76, "the answer's Content-Length");

struct waiting {
  int fd;
  int64_t due_ns;
};

struct server {
  int listener, poll, timer;
  int64_t delay_ns;
  uint64_t answered;
  uint8_t end_seen[CONNECTIONS_MAX];       /* by descriptor: how much of the head's end was read */
  struct waiting waiting[CONNECTIONS_MAX]; /* a ring, in order of due time: the delay is one */
  uint32_t first, count;
};

static int64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * ns_per_s + at.tv_nsec;
}

static bool watch(struct server *server, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return epoll_ctl(server->poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void accept_all(struct server *server) {
  int fd;
  while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    if (fd >= CONNECTIONS_MAX || !watch(server, fd)) {
      close(fd);
      continue;
    }
    server->end_seen[fd] = 0;
  }
}

static void send_answer(struct server *server, int fd) {
  if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof(answer) - 1)) {
    server->answered++;
  }
  close(fd);
}

static void set_timer(struct server *server, int64_t due_ns) {
  struct itimerspec at = {.it_value = {due_ns / ns_per_s, due_ns % ns_per_s}};
  timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void answer_later(struct server *server, int fd) {
  struct waiting item = {.fd = fd, .due_ns = now_ns() + server->delay_ns};
  epoll_ctl(server->poll, EPOLL_CTL_DEL, fd, NULL); /* no reading, no closing until then */
  server->waiting[(server->first + server->count++) % CONNECTIONS_MAX] = item;
  if (server->count == 1) set_timer(server, item.due_ns);
}

static void answer_due(struct server *server) {
  int64_t now = now_ns();
  while (server->count > 0 && server->waiting[server->first].due_ns <= now) {
    send_answer(server, server->waiting[server->first].fd);
    server->first = (server->first + 1) % CONNECTIONS_MAX;
    server->count--;
  }
  set_timer(server, server->count > 0 ? server->waiting[server->first].due_ns : 0);
}

static bool is_whole(struct server *server, int fd, const char *data, size_t len) {
  static const char end[] = "\r\n\r\n";
  uint8_t *seen = &server->end_seen[fd];
  for (size_t i = 0; i < len && *seen < 4; i++) {
    *seen = data[i] == end[*seen] ? *seen + 1 : data[i] == '\r';
  }
  return *seen == 4;
}

static void read_request(struct server *server, int fd) {
  char data[REQUEST_BYTES];
  ssize_t len = recv(fd, data, sizeof(data), 0);
  if (len < 0 && errno == EAGAIN) return;
  if (len <= 0) {
    close(fd);
  } else if (is_whole(server, fd, data, (size_t)len)) {
    if (server->delay_ns > 0) {
      answer_later(server, fd);
    } else {
      send_answer(server, fd);
    }
  }
}

static void serve(struct server *server) {
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(server->poll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) return;
      if (fd == server->listener) {
        accept_all(server);
      } else if (fd == server->timer) {
        answer_due(server);
      } else {
        read_request(server, fd);
      }
    }
  }
}

static int open_listener(uint16_t port) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, BACKLOG) != 0) {
    perror("pm_answerer");
    return -1;
  }
  return fd;
}

static void raise_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"port", required_argument, NULL, 'p'}, {"delay-ms", required_argument, NULL, 'd'}, {0}};
  static struct server server; /* too large for a stack */
  unsigned long port = 0;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'p') port = strtoul(optarg, NULL, 10);
    if (option == 'd') server.delay_ns = strtol(optarg, NULL, 10) * ns_per_ms;
  }
  if (port == 0 || port > UINT16_MAX) {
    fputs("pm_answerer --port PORT [--delay-ms MS]\n", stderr);
    return 2;
  }
  raise_descriptors();
  server.listener = open_listener((uint16_t)port);
  server.poll = epoll_create1(EPOLL_CLOEXEC);
  server.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  if (server.listener < 0 || !watch(&server, server.listener) || !watch(&server, server.timer) ||
      !watch(&server, STDIN_FILENO)) {
    return 1;
  }
  puts("ready");
  fflush(stdout);
  serve(&server);
  printf("%" PRIu64 "\n", server.answered);
  return 0;
}
