#include "probe/resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <xxhash.h>

enum {
  BUCKETS = 4096,      /* chains of at most four at the most names */
  QUERY_TRY_MS = 2000, /* then the next server; c-ares doubles it with each round */
  QUERY_TRIES = 3,
  CHANNEL_KEPT_S = 30, /* how often a channel that gets no answer may read the configuration anew */
  SOCKETS_MAX = 64,    /* c-ares holds a UDP and perhaps a TCP socket to each server */
};

struct pm_name {
  struct pm_resolver *resolver;
  struct pm_name *chain;           /* of its bucket */
  struct pm_name *older, *younger; /* by last use */
  struct pm_lookup *lookups;
  uint64_t key;
  struct pm_time fresh_until;
  struct pm_ip addresses[PM_RESOLVER_ADDRESSES_MAX];
  uint8_t count;
  bool asking;   /* c-ares holds a pointer to it */
  bool answered; /* on the list of those whose lookups are to be told */
  int status;    /* of the last query, ARES_… */
  struct pm_time answered_at;
  struct pm_name *answered_next;
  char host[];
};

/* A socket of c-ares. It is freed by its handle's close callback alone. */
struct channel_socket {
  uv_poll_t poll;
  struct pm_resolver *resolver;
  ares_socket_t fd;
  struct channel_socket *next;
};

struct pm_resolver {
  uv_loop_t *loop;
  const char *name_servers;
  ares_channel channel;
  struct pm_time channel_since;
  bool channel_suspect; /* no server answered the last query */
  size_t asking;        /* queries under way */
  struct channel_socket *sockets;
  size_t socket_count;

  uv_timer_t timer; /* deadlines of lookups, time-outs of c-ares, answers to be told */
  uint64_t key_seed;
  struct pm_name **buckets;
  size_t names;
  struct pm_name *oldest, *youngest;
  struct pm_name *answered, *answered_last; /* in the order of the answers */
  size_t answered_count;
  uint64_t lookups_started;
  struct pm_lookup *first, *last; /* by deadline */

  bool closing;
  size_t handles; /* not yet closed */
  void (*closed)(void *owner);
  void *closed_owner;
};

static void timer_arm(struct pm_resolver *resolver);
static void ask(struct pm_resolver *resolver, struct pm_name *n);

/* --- the table ------------------------------------------------------------------------------ */

static struct pm_name **bucket_of(const struct pm_resolver *resolver, uint64_t key) {
  return &resolver->buckets[key % BUCKETS];
}

static struct pm_name *name_find(const struct pm_resolver *resolver, const char *host) {
  uint64_t key = XXH3_64bits_withSeed(host, strlen(host), resolver->key_seed);
  for (struct pm_name *n = *bucket_of(resolver, key); n; n = n->chain)
    if (n->key == key && strcmp(n->host, host) == 0) return n;
  return NULL;
}

static void use_list_remove(struct pm_resolver *resolver, struct pm_name *n) {
  if (n->older)
    n->older->younger = n->younger;
  else
    resolver->oldest = n->younger;
  if (n->younger)
    n->younger->older = n->older;
  else
    resolver->youngest = n->older;
}

static void use_list_append(struct pm_resolver *resolver, struct pm_name *n) {
  n->older = resolver->youngest;
  n->younger = NULL;
  if (resolver->youngest)
    resolver->youngest->younger = n;
  else
    resolver->oldest = n;
  resolver->youngest = n;
}

static void name_used(struct pm_resolver *resolver, struct pm_name *n) {
  if (resolver->youngest == n) return;
  use_list_remove(resolver, n);
  use_list_append(resolver, n);
}

static void name_free(struct pm_resolver *resolver, struct pm_name *n) {
  struct pm_name **at = bucket_of(resolver, n->key);
  while (*at != n) at = &(*at)->chain;
  *at = n->chain;
  use_list_remove(resolver, n);
  resolver->names--;
  free(n);
}

/* The name that was not used for the longest, unless somebody waits for it. */
static bool make_room(struct pm_resolver *resolver) {
  for (struct pm_name *n = resolver->oldest; n; n = n->younger) {
    if (n->asking || n->answered || n->lookups) continue;
    name_free(resolver, n);
    return true;
  }
  return false;
}

static enum pm_err name_new(struct pm_resolver *resolver, const char *host, struct pm_name **out) {
  if (resolver->names >= PM_RESOLVER_NAMES_MAX && !make_room(resolver)) return PM_ERR_FULL;
  size_t bytes = strlen(host) + 1;
  struct pm_name *n = calloc(1, sizeof *n + bytes);
  if (!n) return PM_ERR_NOMEM;
  memcpy(n->host, host, bytes);
  n->resolver = resolver;
  n->key = XXH3_64bits_withSeed(host, bytes - 1, resolver->key_seed);
  struct pm_name **bucket = bucket_of(resolver, n->key);
  n->chain = *bucket;
  *bucket = n;
  use_list_append(resolver, n);
  resolver->names++;
  *out = n;
  return PM_OK;
}

/* --- waiting lookups ------------------------------------------------------------------------ */

/* Most lookups have the same time to live, so a new one nearly always belongs at the end. */
static void lookup_link(struct pm_resolver *resolver, struct pm_lookup *l, struct pm_name *n) {
  struct pm_lookup *before = resolver->last;
  while (before && pm_time_before(l->deadline, before->deadline)) before = before->prev;
  l->prev = before;
  l->next = before ? before->next : resolver->first;
  if (l->next)
    l->next->prev = l;
  else
    resolver->last = l;
  if (before)
    before->next = l;
  else
    resolver->first = l;

  l->name = n;
  l->name_prev = NULL;
  l->name_next = n->lookups;
  if (n->lookups) n->lookups->name_prev = l;
  n->lookups = l;
}

static void lookup_unlink(struct pm_resolver *resolver, struct pm_lookup *l) {
  struct pm_name *n = l->name;
  if (!n) return; /* not under way */
  if (l->prev)
    l->prev->next = l->next;
  else
    resolver->first = l->next;
  if (l->next)
    l->next->prev = l->prev;
  else
    resolver->last = l->prev;
  if (l->name_prev)
    l->name_prev->name_next = l->name_next;
  else
    n->lookups = l->name_next;
  if (l->name_next) l->name_next->name_prev = l->name_prev;
  l->name = NULL;
}

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

/* The answer is a copy: the callback may bring about anything, a refreshed name included. */
static void tell(struct pm_resolver *resolver, struct pm_lookup *l) {
  struct pm_name *n = l->name;
  struct pm_ip addresses[PM_RESOLVER_ADDRESSES_MAX];
  size_t count = n->status == ARES_SUCCESS ? n->count : 0;
  memcpy(addresses, n->addresses, count * sizeof *addresses);
  int64_t took_ns = pm_time_since_ns(n->answered_at, l->started);
  struct pm_resolver_answer answer = {
      .err = err_of_status(n->status),
      .addresses = addresses,
      .count = count,
      .took_ns =
          took_ns > 0 ? took_ns : 0, /* it may have come between the answer and its telling */
      .reason = reason_of_status(n->status),
  };
  lookup_unlink(resolver, l);
  l->cb(l->owner, &answer);
}

static struct pm_lookup *lookup_before(const struct pm_name *n, uint64_t serial) {
  struct pm_lookup *l = n->lookups;
  while (l && l->serial >= serial) l = l->name_next;
  return l;
}

/* Exactly the names and lookups that are there now: a callback that asks again for the name that
 * has just failed waits for a query of its own, and the loop gets its turn in between. */
static void tell_answered(struct pm_resolver *resolver) {
  uint64_t serial = resolver->lookups_started;
  for (size_t left = resolver->answered_count; left > 0 && !resolver->closing; left--) {
    struct pm_name *n = resolver->answered;
    struct pm_lookup *l;
    while (!resolver->closing && (l = lookup_before(n, serial))) tell(resolver, l);
    if (resolver->closing) return;
    resolver->answered = n->answered_next;
    resolver->answered_count--;
    n->answered = false;
    if (n->lookups) ask(resolver, n);
  }
}

static void tell_overdue(struct pm_resolver *resolver) {
  struct pm_time now = pm_clock_now();
  while (!resolver->closing && resolver->first && !pm_time_before(now, resolver->first->deadline)) {
    struct pm_lookup *l = resolver->first;
    struct pm_resolver_answer answer = {.err = PM_ERR_TIMEOUT,
                                        .took_ns = pm_time_since_ns(now, l->started),
                                        .reason = "no answer in time"};
    lookup_unlink(resolver, l);
    l->cb(l->owner, &answer);
  }
}

/* --- answers -------------------------------------------------------------------------------- */

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

static size_t index_of(const struct pm_name *n, const struct pm_ip *ip) {
  size_t i = 0;
  while (i < n->count && !pm_ip_equal(&n->addresses[i], ip)) i++;
  return i;
}

static void rotate_to_front(struct pm_name *n, size_t at) {
  struct pm_ip ip = n->addresses[at];
  memmove(n->addresses + 1, n->addresses, at * sizeof *n->addresses);
  n->addresses[0] = ip;
}

static int64_t reuse_s(int ttl_s) {
  if (ttl_s < PM_RESOLVER_REUSE_S_MIN) return PM_RESOLVER_REUSE_S_MIN;
  if (ttl_s > PM_RESOLVER_REUSE_S_MAX) return PM_RESOLVER_REUSE_S_MAX;
  return ttl_s;
}

static void name_fill(struct pm_name *n, const struct ares_addrinfo *info) {
  struct pm_ip in_use = {.family = PM_IP_NONE};
  if (n->count > 0) in_use = n->addresses[0];
  int ttl_s = PM_RESOLVER_REUSE_S_MAX;
  n->count = 0;
  for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
    struct pm_ip ip = ip_of_node(node);
    if (node->ai_ttl < ttl_s) ttl_s = node->ai_ttl;
    if (ip.family == PM_IP_NONE || n->count == PM_RESOLVER_ADDRESSES_MAX) continue;
    if (index_of(n, &ip) == n->count) n->addresses[n->count++] = ip;
  }
  size_t at = index_of(n, &in_use);
  if (at < n->count) rotate_to_front(n, at);
  n->fresh_until = pm_time_add_ms(pm_clock_now(), reuse_s(ttl_s) * 1000);
}

/* What RFC 6761, 6.3 promises. c-ares keeps that promise only where a hosts file exists. */
static void name_fill_localhost(struct pm_name *n) {
  n->addresses[0] = pm_ip_from_bytes(PM_IP_V4, &(struct in_addr){htonl(INADDR_LOOPBACK)});
  n->addresses[1] = pm_ip_from_bytes(PM_IP_V6, &in6addr_loopback);
  n->count = 2;
  n->fresh_until = pm_time_add_ms(pm_clock_now(), PM_RESOLVER_REUSE_S_MAX * 1000);
}

/* c-ares may call this from inside ares_getaddrinfo (hosts file, malformed names), so it only takes
 * the answer down; the timer tells it. */
static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info) {
  struct pm_name *n = arg;
  struct pm_resolver *resolver = n->resolver;
  (void)timeouts;
  n->asking = false;
  resolver->asking--;
  if (status == ARES_SUCCESS) {
    name_fill(n, info);
  } else if (strcmp(n->host, "localhost") == 0) {
    name_fill_localhost(n);
    status = ARES_SUCCESS;
  }
  n->status = status;
  if (status == ARES_SUCCESS && n->count == 0) n->status = ARES_ENODATA;
  resolver->channel_suspect = status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED;
  ares_freeaddrinfo(info);
  if (resolver->closing) return;
  n->answered_at = pm_clock_now();
  n->answered = true;
  n->answered_next = NULL;
  if (resolver->answered)
    resolver->answered_last->answered_next = n;
  else
    resolver->answered = n;
  resolver->answered_last = n;
  resolver->answered_count++;
}

/* --- c-ares on the loop --------------------------------------------------------------------- */

static void on_handle_closed(struct pm_resolver *resolver) {
  if (--resolver->handles > 0) return;
  ares_library_cleanup();
  while (resolver->oldest) name_free(resolver, resolver->oldest);
  free(resolver->buckets);
  void (*closed)(void *) = resolver->closed;
  void *owner = resolver->closed_owner;
  free(resolver);
  if (closed) closed(owner);
}

static void on_socket_closed(uv_handle_t *handle) {
  struct channel_socket *s = handle->data;
  struct pm_resolver *resolver = s->resolver;
  free(s);
  on_handle_closed(resolver);
}

static void work_done(struct pm_resolver *resolver) {
  tell_answered(resolver);
  if (!resolver->closing) timer_arm(resolver);
}

static void on_socket_event(uv_poll_t *poll, int status, int events) {
  struct channel_socket *s = poll->data;
  struct pm_resolver *resolver = s->resolver;
  /* After an error both directions are tried: c-ares then meets the error itself. */
  bool in = status < 0 || (events & UV_READABLE), out = status < 0 || (events & UV_WRITABLE);
  ares_process_fd(resolver->channel, in ? s->fd : ARES_SOCKET_BAD, out ? s->fd : ARES_SOCKET_BAD);
  work_done(resolver);
}

static struct channel_socket *socket_add(struct pm_resolver *resolver, ares_socket_t fd) {
  if (resolver->socket_count == SOCKETS_MAX) return NULL;
  struct channel_socket *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  if (uv_poll_init(resolver->loop, &s->poll, fd) != 0) {
    free(s);
    return NULL;
  }
  s->poll.data = s;
  s->resolver = resolver;
  s->fd = fd;
  s->next = resolver->sockets;
  resolver->sockets = s;
  resolver->socket_count++;
  resolver->handles++;
  return s;
}

static void socket_drop(struct pm_resolver *resolver, struct channel_socket **at) {
  struct channel_socket *s = *at;
  *at = s->next;
  resolver->socket_count--;
  uv_close((uv_handle_t *)&s->poll, on_socket_closed);
}

/* A socket that cannot be watched makes its query time out, which is told like any other. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable) {
  struct pm_resolver *resolver = data;
  struct channel_socket **at = &resolver->sockets;
  while (*at && (*at)->fd != fd) at = &(*at)->next;
  if (!readable && !writable) {
    if (*at) socket_drop(resolver, at);
    return;
  }
  struct channel_socket *s = *at ? *at : socket_add(resolver, fd);
  if (!s) return;
  int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (uv_poll_start(&s->poll, events, on_socket_event) == 0) return;
  at = &resolver->sockets;
  while (*at != s) at = &(*at)->next;
  socket_drop(resolver, at);
}

static int channel_open(struct pm_resolver *resolver, ares_channel *out) {
  struct ares_options options = {
      .timeout = QUERY_TRY_MS,
      .tries = QUERY_TRIES,
      .sock_state_cb = on_socket_state,
      .sock_state_cb_data = resolver,
  };
  int set = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(out, &options, set);
  if (status != ARES_SUCCESS) return status;
  if (resolver->name_servers) status = ares_set_servers_ports_csv(*out, resolver->name_servers);
  if (status != ARES_SUCCESS) ares_destroy(*out);
  resolver->channel_since = pm_clock_now();
  return status;
}

/* A channel reads the system's configuration once. When no server answers, the machine may have
 * moved to another network, so an idle channel then gives way to a new one now and then. */
static void channel_renew(struct pm_resolver *resolver) {
  if (!resolver->channel_suspect || resolver->asking > 0) return;
  struct pm_time kept_until =
      pm_time_add_ms(resolver->channel_since, (int64_t)CHANNEL_KEPT_S * 1000);
  ares_channel fresh;
  if (pm_time_before(pm_clock_now(), kept_until) || channel_open(resolver, &fresh) != ARES_SUCCESS)
    return;
  ares_destroy(resolver->channel);
  resolver->channel = fresh;
  resolver->channel_suspect = false;
}

static void on_timer(uv_timer_t *timer) {
  struct pm_resolver *resolver = timer->data;
  if (resolver->asking > 0) ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  tell_overdue(resolver);
  work_done(resolver);
}

/* When something has to be done next: at once for answers, else the nearer of two deadlines. */
static void timer_arm(struct pm_resolver *resolver) {
  int64_t wait_ms = INT64_MAX;
  if (resolver->first) {
    int64_t left_ns = pm_time_since_ns(resolver->first->deadline, pm_clock_now());
    wait_ms = left_ns <= 0 ? 0 : (left_ns - 1) / PM_NS_PER_MS + 1;
  }
  struct timeval ares_wait;
  if (resolver->asking > 0 && ares_timeout(resolver->channel, NULL, &ares_wait)) {
    int64_t ares_ms = (int64_t)ares_wait.tv_sec * 1000 + ares_wait.tv_usec / 1000 + 1;
    if (ares_ms < wait_ms) wait_ms = ares_ms;
  }
  if (resolver->answered) wait_ms = 0;
  if (wait_ms == INT64_MAX) {
    uv_timer_stop(&resolver->timer);
    return;
  }
  /* The loop's own idea of now may be old; a timer counts from it. */
  uv_update_time(resolver->loop);
  uv_timer_start(&resolver->timer, on_timer, (uint64_t)wait_ms, 0);
}

/* --- the interface -------------------------------------------------------------------------- */

enum pm_err pm_resolver_open(struct uv_loop_s *loop, uint64_t key_seed, const char *name_servers,
                             struct pm_resolver **out, struct pm_why *why) {
  struct pm_resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver) return PM_ERR_NOMEM;
  resolver->loop = loop;
  resolver->key_seed = key_seed;
  resolver->name_servers = name_servers;
  resolver->buckets = calloc(BUCKETS, sizeof(struct pm_name *));
  enum pm_err err = PM_ERR_NOMEM;
  if (!resolver->buckets) goto fail;
  int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status == ARES_SUCCESS) {
    status = channel_open(resolver, &resolver->channel);
    if (status != ARES_SUCCESS) ares_library_cleanup();
  }
  if (status != ARES_SUCCESS) {
    err =
        pm_why_set(why, PM_ERR_SYSTEM, "the name resolver cannot start: %s", ares_strerror(status));
    goto fail;
  }
  uv_timer_init(loop, &resolver->timer); /* cannot fail: it only fills the handle */
  resolver->timer.data = resolver;
  resolver->handles = 1;
  *out = resolver;
  return PM_OK;
fail:
  free(resolver->buckets);
  free(resolver);
  return err;
}

static void on_timer_closed(uv_handle_t *handle) {
  on_handle_closed(handle->data);
}

void pm_resolver_close(struct pm_resolver *resolver, void (*closed)(void *owner), void *owner) {
  resolver->closing = true;
  resolver->closed = closed;
  resolver->closed_owner = owner;
  while (resolver->first) lookup_unlink(resolver, resolver->first);
  /* The timer's close callback comes from the loop, so handles cannot reach 0 before the sockets
   * that c-ares gives back here are counted. */
  uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
  ares_destroy(resolver->channel);
  while (resolver->sockets) socket_drop(resolver, &resolver->sockets);
}

const struct pm_ip *pm_resolver_cached(struct pm_resolver *resolver, const char *host,
                                       size_t *out_count) {
  struct pm_name *n = name_find(resolver, host);
  if (!n || n->count == 0 || !pm_time_before(pm_clock_now(), n->fresh_until)) return NULL;
  name_used(resolver, n);
  *out_count = n->count;
  return n->addresses;
}

static void ask(struct pm_resolver *resolver, struct pm_name *n) {
  channel_renew(resolver);
  n->asking = true;
  resolver->asking++;
  struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  ares_getaddrinfo(resolver->channel, n->host, NULL, &hints, on_answer, n);
}

enum pm_err pm_resolver_start(struct pm_resolver *resolver, struct pm_lookup *lookup,
                              const char *host, int64_t timeout_ms, pm_resolver_cb cb,
                              void *owner) {
  struct pm_name *n = name_find(resolver, host);
  if (!n) {
    enum pm_err err = name_new(resolver, host, &n);
    if (err != PM_OK) return err;
  }
  name_used(resolver, n);
  lookup->started = pm_clock_now();
  lookup->deadline = pm_time_add_ms(lookup->started, timeout_ms);
  lookup->cb = cb;
  lookup->owner = owner;
  lookup->serial = resolver->lookups_started++;
  lookup_link(resolver, lookup, n);
  if (!n->asking && !n->answered) ask(resolver, n);
  timer_arm(resolver);
  return PM_OK;
}

void pm_resolver_cancel(struct pm_resolver *resolver, struct pm_lookup *lookup) {
  lookup_unlink(resolver, lookup);
}

void pm_resolver_avoid(struct pm_resolver *resolver, const char *host, const struct pm_ip *ip) {
  struct pm_name *n = name_find(resolver, host);
  if (!n || n->count < 2 || !pm_ip_equal(&n->addresses[0], ip)) return;
  memmove(n->addresses, n->addresses + 1, (n->count - 1u) * sizeof *n->addresses);
  n->addresses[n->count - 1] = *ip;
}
