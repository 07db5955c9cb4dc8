#include "probe/dns_channel.h"

#include <ares.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"

enum {
  QUERY_TRY_MS = 2000, /* then the next server; c-ares doubles it with each round */
  QUERY_TRIES = 3,
  ARES_KEPT_S = 30, /* how often a channel that gets no answer may read the configuration anew */
  SOCKETS_MAX = 64, /* c-ares holds a UDP and perhaps a TCP socket to each server */
};

/* A socket of c-ares. It is freed by its handle's close callback alone. */
struct channel_socket {
  uv_poll_t poll;
  struct pm_dns_channel *channel;
  ares_socket_t fd;
  struct channel_socket *next;
};

struct pm_dns_channel {
  uv_loop_t *loop;
  const char *name_servers;
  const struct pm_dns_channel_hooks *hooks;
  void *owner;
  ares_channel ares;
  struct pm_time ares_since;
  bool suspect;     /* no server answered the last query */
  size_t under_way; /* queries */
  struct channel_socket *sockets;
  size_t socket_count;
  bool closing;
  size_t parts; /* sockets that are not yet closed, and itself until it is being closed */
  void (*closed)(void *owner);
  void *closed_owner;
};

/* --- answers -------------------------------------------------------------------------------- */

static enum pm_err err_of_status(int status) {
  switch (status) {
  case ARES_SUCCESS:
    return PM_OK;
  case ARES_ENOTFOUND:
  case ARES_ENODATA:
  case ARES_EBADNAME:
    return PM_ERR_MISSING;
  case ARES_ETIMEOUT:
    return PM_ERR_TIMEOUT;
  case ARES_ENOMEM:
    return PM_ERR_NOMEM;
  default:
    return PM_ERR_IO;
  }
}

static const char *reason_of_status(int status) {
  switch (status) {
  case ARES_SUCCESS:
    return "";
  case ARES_ENOTFOUND:
    return "no such name";
  case ARES_ENODATA:
    return "the name has no address";
  case ARES_EBADNAME:
    return "not a name that can be looked up";
  case ARES_ETIMEOUT:
    return "no name server answered";
  case ARES_ECONNREFUSED:
    return "no name server could be reached";
  case ARES_ESERVFAIL:
    return "the name server failed";
  case ARES_EREFUSED:
    return "the name server refused";
  case ARES_ENOMEM:
    return "out of memory";
  default:
    return "the name server's answer was of no use";
  }
}

static struct pm_ip ip_of_node(const struct ares_addrinfo_node *node) {
  if (node->ai_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)node->ai_addr;
    return pm_ip_from_bytes(PM_IP_V4, &v4->sin_addr);
  }
  if (node->ai_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const void *)node->ai_addr;
    return pm_ip_from_bytes(PM_IP_V6, &v6->sin6_addr);
  }
  return (struct pm_ip){.family = PM_IP_NONE};
}

static void add_address(struct pm_dns_answer *answer, const struct pm_ip *ip) {
  if (ip->family == PM_IP_NONE || answer->count == PM_RESOLVER_ADDRESSES_MAX) return;
  for (size_t i = 0; i < answer->count; i++)
    if (pm_ip_equal(&answer->addresses[i], ip)) return;
  answer->addresses[answer->count++] = *ip;
}

static void read_addresses(struct pm_dns_answer *answer, const struct ares_addrinfo *info) {
  answer->ttl_s = INT_MAX;
  for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
    struct pm_ip ip = ip_of_node(node);
    if (node->ai_ttl < answer->ttl_s) answer->ttl_s = node->ai_ttl;
    add_address(answer, &ip);
  }
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info) {
  const struct pm_dns_query *query = arg;
  struct pm_dns_channel *channel = query->channel;
  (void)timeouts;
  channel->under_way--;
  channel->suspect = status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED;
  struct pm_dns_answer answer = {.count = 0};
  if (status == ARES_SUCCESS) {
    read_addresses(&answer, info);
    if (answer.count == 0) status = ARES_ENODATA;
  }
  ares_freeaddrinfo(info);
  answer.err = err_of_status(status);
  answer.reason = reason_of_status(status);
  if (!channel->closing) channel->hooks->answered(channel->owner, query->owner, &answer);
}

/* --- sockets -------------------------------------------------------------------------------- */

static void part_closed(struct pm_dns_channel *channel) {
  if (--channel->parts > 0) return;
  void (*closed)(void *) = channel->closed;
  void *owner = channel->closed_owner;
  ares_library_cleanup();
  free(channel);
  closed(owner);
}

static void on_socket_closed(uv_handle_t *handle) {
  struct channel_socket *s = handle->data;
  struct pm_dns_channel *channel = s->channel;
  free(s);
  part_closed(channel);
}

static void on_socket_event(uv_poll_t *poll, int status, int events) {
  struct channel_socket *s = poll->data;
  struct pm_dns_channel *channel = s->channel;
  /* After an error both directions are tried: c-ares then meets the error itself. */
  bool in = status < 0 || (events & UV_READABLE), out = status < 0 || (events & UV_WRITABLE);
  ares_process_fd(channel->ares, in ? s->fd : ARES_SOCKET_BAD, out ? s->fd : ARES_SOCKET_BAD);
  channel->hooks->worked(channel->owner);
}

static struct channel_socket *socket_add(struct pm_dns_channel *channel, ares_socket_t fd) {
  if (channel->socket_count == SOCKETS_MAX) return NULL;
  struct channel_socket *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  if (uv_poll_init(channel->loop, &s->poll, fd) != 0) {
    free(s);
    return NULL;
  }
  s->poll.data = s;
  s->channel = channel;
  s->fd = fd;
  s->next = channel->sockets;
  channel->sockets = s;
  channel->socket_count++;
  channel->parts++;
  return s;
}

static void socket_drop(struct pm_dns_channel *channel, struct channel_socket **at) {
  struct channel_socket *s = *at;
  *at = s->next;
  channel->socket_count--;
  uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

/* A socket that cannot be watched makes its query time out, which is told like any other. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable) {
  struct pm_dns_channel *channel = data;
  struct channel_socket **at = &channel->sockets;
  while (*at && (*at)->fd != fd) at = &(*at)->next;
  if (!readable && !writable) {
    if (*at) socket_drop(channel, at);
    return;
  }
  struct channel_socket *s = *at ? *at : socket_add(channel, fd);
  if (!s) return;
  int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (uv_poll_start(&s->poll, events, on_socket_event) == 0) return;
  at = &channel->sockets;
  while (*at != s) at = &(*at)->next;
  socket_drop(channel, at);
}

/* --- c-ares' own channel -------------------------------------------------------------------- */

/* An ARES_… status; out only if that is success. */
static int open_ares(struct pm_dns_channel *channel, ares_channel *out) {
  struct ares_options options = {
      .timeout = QUERY_TRY_MS,
      .tries = QUERY_TRIES,
      .sock_state_cb = on_socket_state,
      .sock_state_cb_data = channel,
  };
  int set = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  ares_channel ares;
  int status = ares_init_options(&ares, &options, set);
  if (status != ARES_SUCCESS) return status;
  if (channel->name_servers) status = ares_set_servers_ports_csv(ares, channel->name_servers);
  channel->ares_since = pm_clock_now();
  if (status == ARES_SUCCESS)
    *out = ares;
  else
    ares_destroy(ares);
  return status;
}

static void renew_ares(struct pm_dns_channel *channel) {
  if (!channel->suspect || channel->under_way > 0) return;
  struct pm_time kept_until = pm_time_add_ms(channel->ares_since, (int64_t)ARES_KEPT_S * 1000);
  ares_channel fresh;
  if (pm_time_before(pm_clock_now(), kept_until) || open_ares(channel, &fresh) != ARES_SUCCESS)
    return;
  ares_destroy(channel->ares);
  channel->ares = fresh;
  channel->suspect = false;
}

/* --- the interface -------------------------------------------------------------------------- */

enum pm_err pm_dns_channel_open(struct uv_loop_s *loop, const char *name_servers,
                                const struct pm_dns_channel_hooks *hooks, void *owner,
                                struct pm_dns_channel **out, struct pm_why *why) {
  struct pm_dns_channel *channel = calloc(1, sizeof *channel);
  if (!channel) return PM_ERR_NOMEM;
  channel->loop = loop;
  channel->name_servers = name_servers;
  channel->hooks = hooks;
  channel->owner = owner;
  channel->parts = 1;
  int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status == ARES_SUCCESS) {
    status = open_ares(channel, &channel->ares);
    if (status != ARES_SUCCESS) ares_library_cleanup();
  }
  if (status != ARES_SUCCESS) {
    free(channel);
    return pm_why_set(why, PM_ERR_SYSTEM, "the name resolver cannot start: %s",
                      ares_strerror(status));
  }
  *out = channel;
  return PM_OK;
}

void pm_dns_channel_close(struct pm_dns_channel *channel, void (*closed)(void *owner),
                          void *owner) {
  channel->closing = true;
  channel->closed = closed;
  channel->closed_owner = owner;
  ares_destroy(channel->ares);
  while (channel->sockets) socket_drop(channel, &channel->sockets);
  part_closed(channel);
}

void pm_dns_channel_ask(struct pm_dns_channel *channel, struct pm_dns_query *query,
                        const char *host, void *query_owner) {
  renew_ares(channel);
  *query = (struct pm_dns_query){.channel = channel, .owner = query_owner};
  channel->under_way++;
  struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  ares_getaddrinfo(channel->ares, host, NULL, &hints, on_answer, query);
}

void pm_dns_channel_process(struct pm_dns_channel *channel) {
  if (channel->under_way > 0) ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

int64_t pm_dns_channel_wait_ms(const struct pm_dns_channel *channel) {
  struct timeval wait;
  if (channel->under_way == 0 || !ares_timeout(channel->ares, NULL, &wait)) return INT64_MAX;
  return (int64_t)wait.tv_sec * 1000 + wait.tv_usec / 1000 + 1;
}
