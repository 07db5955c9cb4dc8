#include "api/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "probe/kernel.h"

enum {
  BACKLOG = 4096,    /* Linux cuts it to net.core.somaxconn */
  ACCEPT_BATCH = 64, /* then others have their turn */
  SHORTAGE_MS = 100, /* no accepting for so long when descriptors have run out */
  HANDLES = 2,
};

struct pm_listener {
  uv_poll_t poll;
  uv_timer_t resume;
  int fd;
  unsigned handles_open;
  uint16_t port;
  bool closing;
  bool short_of_descriptors;
  struct pm_listener_events events;
  const struct pm_log *log;
  void (*closed)(void *owner);
  void *closed_owner;
};

static int socket_with(int domain, bool v6_only) {
  const int yes = 1;
  const int no = 0;
  const int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  /* Accepted sockets inherit TCP_NODELAY: an answer leaves in as few pieces as we send. */
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0 &&
      (domain != AF_INET6 ||
       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only ? &yes : &no, sizeof(yes)) == 0)) {
    return fd;
  }
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int bound_to(const struct sockaddr *address, socklen_t bytes, bool v6_only) {
  const int fd = socket_with(address->sa_family, v6_only);
  if (fd < 0) return -1;
  pm_kernel_stamp_arrivals(fd); /* for the service time that answers tell of */
  if (bind(fd, address, bytes) == 0 && listen(fd, BACKLOG) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int listen_v4(const struct pm_ip *ip, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  memcpy(&address.sin_addr, ip->bytes, sizeof(address.sin_addr));
  return bound_to((const struct sockaddr *)&address, sizeof(address), false);
}

static int listen_v6(const struct pm_ip *ip, uint16_t port, bool v6_only) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  memcpy(&address.sin6_addr, ip->bytes, sizeof(address.sin6_addr));
  return bound_to((const struct sockaddr *)&address, sizeof(address), v6_only);
}

/* The descriptor, or -1 and errno. */
static int listen_on(const struct pm_ip *bind, uint16_t port) {
  static const struct pm_ip all = {0};
  if (bind->family == PM_IP_V4) return listen_v4(bind, port);
  if (bind->family == PM_IP_V6) return listen_v6(bind, port, true);
  const int fd = listen_v6(&all, port, false);
  if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)) return fd;
  return listen_v4(&all, port);
}

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static uint16_t port_of(int fd) {
  union address address = {0};
  socklen_t bytes = sizeof(address);
  if (getsockname(fd, &address.any, &bytes) != 0) return 0;
  return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static struct pm_ip ip_of(const union address *address) {
  if (address->any.sa_family == AF_INET) {
    return pm_ip_from_bytes(PM_IP_V4, &address->v4.sin_addr);
  }
  return pm_ip_from_bytes(PM_IP_V6, &address->v6.sin6_addr);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_resume(uv_timer_t *timer) {
  struct pm_listener *listener = timer->data;
  uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

/* The waiting connection stays readable: without the pause the loop would spin on it. */
static void pause_accepting(struct pm_listener *listener, int error) {
  if (!listener->short_of_descriptors && listener->log != NULL) {
    pm_log(listener->log, PM_LOG_INFO, "port %u: connections have to wait: %s", listener->port,
           uv_strerror(uv_translate_sys_error(error)));
  }
  listener->short_of_descriptors = true;
  uv_poll_stop(&listener->poll);
  uv_timer_start(&listener->resume, on_resume, SHORTAGE_MS, 0);
}

/* accept4 looks for a descriptor before it looks for a connection: without this question the end of
 * every batch would cost somebody his place. */
static bool somebody_waits(const struct pm_listener *listener) {
  struct pollfd polled = {.fd = listener->fd, .events = POLLIN};
  return poll(&polled, 1, 0) > 0;
}

/* Whether to go on accepting now. */
static bool accept_failed(struct pm_listener *listener, int error) {
  switch (error) {
  case EAGAIN:
    return false;
  case EMFILE:
  case ENFILE:
  case ENOBUFS:
  case ENOMEM:
    if (!somebody_waits(listener)) return false;
    if (listener->events.make_room(listener->events.owner)) return true;
    pause_accepting(listener, error);
    return false;
  default: /* Linux passes on what befell the waiting connection: on to the next */
    return true;
  }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  struct pm_listener *listener = poll->data;
  (void)events;
  (void)status; /* accept4 names the error */
  for (int i = 0; i < ACCEPT_BATCH && !listener->closing; i++) {
    union address address = {0};
    socklen_t bytes = sizeof(address);
    const int fd = accept4(listener->fd, &address.any, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (!accept_failed(listener, errno)) return;
      continue;
    }
    listener->short_of_descriptors = false;
    const struct pm_ip client = ip_of(&address);
    listener->events.accepted(listener->events.owner, fd, &client);
  }
}

static enum pm_err refuse(struct pm_why *why, const struct pm_ip *bind, uint16_t port, int error) {
  char address[PM_IP_TEXT_BYTES];
  pm_ip_text(bind, address);
  return pm_why_set(why, PM_ERR_SYSTEM, "port %u on %s: %s", port,
                    bind->family == PM_IP_NONE ? "all addresses" : address,
                    uv_strerror(uv_translate_sys_error(error)));
}

enum pm_err pm_listener_open(struct uv_loop_s *loop, const struct pm_ip *bind, uint16_t port,
                             const struct pm_listener_events *events, const struct pm_log *log,
                             struct pm_listener **out, struct pm_why *why) {
  struct pm_listener *listener = calloc(1, sizeof(*listener));
  if (listener == NULL) return refuse(why, bind, port, ENOMEM);
  listener->fd = listen_on(bind, port);
  if (listener->fd < 0) {
    const int error = errno;
    free(listener);
    return refuse(why, bind, port, error);
  }
  listener->port = port_of(listener->fd);
  listener->events = *events;
  listener->log = log;
  const int error = uv_poll_init(loop, &listener->poll, listener->fd);
  if (error != 0) {
    close(listener->fd);
    free(listener);
    return refuse(why, bind, port, -error);
  }
  uv_timer_init(loop, &listener->resume);
  listener->poll.data = listener->resume.data = listener;
  listener->handles_open = HANDLES;
  uv_poll_start(&listener->poll, UV_READABLE, on_readable);
  *out = listener;
  return PM_OK;
}

static void on_handle_closed(uv_handle_t *handle) {
  struct pm_listener *listener = handle->data;
  if (--listener->handles_open > 0) return;
  void (*closed)(void *owner) = listener->closed;
  void *owner = listener->closed_owner;
  free(listener);
  closed(owner);
}

void pm_listener_close(struct pm_listener *listener, void (*closed)(void *owner), void *owner) {
  listener->closing = true;
  listener->closed = closed;
  listener->closed_owner = owner;
  uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
  uv_close((uv_handle_t *)&listener->resume, on_handle_closed);
  close(listener->fd);
}

uint16_t pm_listener_port(const struct pm_listener *listener) {
  return listener->port;
}
