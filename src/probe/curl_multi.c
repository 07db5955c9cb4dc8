#include "probe/curl_multi.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

enum {
  EVENTS_PER_TURN = 256, /* of one epoll_wait; the loop comes back for the rest */
  FDS_MAX = 1 << 20,     /* the kernel's own default ceiling (fs.nr_open) */
};

/* What is known of a descriptor; its index is the descriptor. */
struct socket_slot {
  uint32_t
      generation;  /* counts the sockets that had this descriptor: an event may be of an old one */
  uint8_t wanted;  /* EPOLLIN | EPOLLOUT, by libcurl; 0: nothing */
  uint8_t watched; /* by the epoll set; 0: it is not in the set */
  void *owner;
  struct shard *shard; /* whose it is; NULL: libcurl has not said yet */
};

struct shard {
  struct pm_curl_multi *multi;
  CURLM *curl;
  uv_timer_t timer;
  int running; /* transfers, as libcurl told after the last action */
};

struct pm_curl_multi {
  uv_loop_t *loop;
  struct shard shards[PM_CURL_MULTI_SHARDS_MAX];
  unsigned shard_count;
  struct pm_curl_multi_hooks hooks;
  void *owner;
  uv_poll_t poll; /* of epoll_fd */
  int epoll_fd;
  struct socket_slot *slots;
  size_t slot_count;
  bool closing;
  uint64_t turn; /* of the loop, by its time, in which events were last taken before timers */
  int handles;   /* not yet closed */
  void (*closed)(void *owner);
  void *closed_owner;
};

/* --- finished transfers --------------------------------------------------------------------- */

/* To be called after every action on the multi handle: a time-out finishes transfers without any
 * socket event, and the last one would otherwise wait for an event that never comes. */
static void drain(struct shard *shard) {
  struct pm_curl_multi *multi = shard->multi;
  int left;
  CURLMsg *msg;
  while (!multi->closing && (msg = curl_multi_info_read(shard->curl, &left))) {
    if (msg->msg != CURLMSG_DONE) continue;
    CURL *easy = msg->easy_handle;
    CURLcode code = msg->data.result; /* the message dies with the removal */
    curl_multi_remove_handle(shard->curl, easy);
    multi->hooks.done(multi->owner, easy, code);
  }
}

static void act(struct shard *shard, curl_socket_t fd, int bits) {
  curl_multi_socket_action(shard->curl, fd, bits, &shard->running);
  drain(shard);
}

static bool take_events(struct pm_curl_multi *multi);

/* Every socket that has events once at most, and once a turn of the loop: what is taken sets the
 * timer anew, often to 0, and libuv goes on with timers for as long as one is due. */
static void take_waiting_events(struct pm_curl_multi *multi) {
  uint64_t turn = uv_now(multi->loop);
  if (turn == multi->turn) return;
  multi->turn = turn;
  int running = 0;
  for (unsigned i = 0; i < multi->shard_count; i++) running += multi->shards[i].running;
  int rounds = 1 + running / EVENTS_PER_TURN;
  while (take_events(multi) && --rounds > 0) {
  }
}

/* libuv looks at timers before it looks at sockets: without the same here, whoever was kept from
 * running would count as run out of time what is there already. */
static void on_timer(uv_timer_t *timer) {
  struct shard *shard = timer->data;
  struct pm_curl_multi *multi = shard->multi;
  take_waiting_events(multi);
  if (multi->closing) return;
  if (multi->hooks.timing_out) multi->hooks.timing_out(multi->owner);
  act(shard, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl's: set the one timer, or stop it. */
static int on_timeout_change(CURLM *curl, long timeout_ms, void *arg) {
  struct shard *shard = arg;
  (void)curl;
  if (timeout_ms < 0)
    uv_timer_stop(&shard->timer);
  else
    uv_timer_start(&shard->timer, on_timer, (uint64_t)timeout_ms, 0);
  return 0;
}

/* --- sockets -------------------------------------------------------------------------------- */

static struct socket_slot *slot_of(struct pm_curl_multi *multi, int fd) {
  return fd >= 0 && (size_t)fd < multi->slot_count ? &multi->slots[fd] : NULL;
}

static enum pm_err slots_grow(struct pm_curl_multi *multi, int fd) {
  if (fd >= FDS_MAX) return PM_ERR_FULL;
  size_t count = multi->slot_count ? multi->slot_count : 64;
  while (count <= (size_t)fd) count *= 2;
  struct socket_slot *slots = realloc(multi->slots, count * sizeof *slots);
  if (!slots) return PM_ERR_NOMEM;
  memset(slots + multi->slot_count, 0, (count - multi->slot_count) * sizeof *slots);
  multi->slots = slots;
  multi->slot_count = count;
  return PM_OK;
}

static void watch(struct pm_curl_multi *multi, int fd, struct socket_slot *slot) {
  if (slot->wanted == slot->watched) return;
  struct epoll_event event = {.events = slot->wanted,
                              .data.u64 = (uint64_t)slot->generation << 32 | (uint32_t)fd};
  int op = slot->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(multi->epoll_fd, op, fd, &event) == 0) slot->watched = slot->wanted;
}

static void unwatch(struct pm_curl_multi *multi, int fd, struct socket_slot *slot) {
  epoll_ctl(multi->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  slot->watched = 0;
}

/* libcurl's: what it waits for at a socket. What it no longer waits for stays in the set, for
 * nearly always the socket is closed next; should it have another event instead, it is taken out
 * then. A socket that the kernel will not watch is no failure of ours here: its transfer ends by
 * its time limit, where libcurl would refuse every later transfer for good. */
static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused) {
  struct shard *shard = arg;
  struct socket_slot *slot = slot_of(shard->multi, fd);
  (void)easy, (void)unused;
  if (!slot) return 0;
  slot->shard = shard;
  slot->wanted = 0;
  if (what == CURL_POLL_REMOVE) return 0;
  if (what & CURL_POLL_IN) slot->wanted |= EPOLLIN;
  if (what & CURL_POLL_OUT) slot->wanted |= EPOLLOUT;
  if (slot->wanted) watch(shard->multi, fd, slot);
  return 0;
}

/* An error also counts as the event that libcurl waits for: it then meets the error itself and can
 * say which it is. */
static int curl_bits(uint32_t events, uint8_t wanted) {
  bool broken = events & (EPOLLERR | EPOLLHUP);
  if (broken) events |= wanted;
  return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
         (events & EPOLLERR ? CURL_CSELECT_ERR : 0);
}

static void act_with_hooks(struct pm_curl_multi *multi, int fd, int bits) {
  struct socket_slot *slot = slot_of(multi, fd);
  uint32_t generation = slot->generation;
  struct pm_curl_multi_event event = {.readable = bits & CURL_CSELECT_IN,
                                      .writable = bits & CURL_CSELECT_OUT,
                                      .broken = bits & CURL_CSELECT_ERR};
  struct shard *shard = slot->shard;
  multi->hooks.socket_event(slot->owner, fd, &event);
  curl_multi_socket_action(shard->curl, fd, bits, &shard->running);
  slot = slot_of(multi, fd); /* the table may have grown meanwhile */
  if (slot->generation == generation) multi->hooks.socket_handled(slot->owner);
  drain(shard);
}

static void on_socket_event(struct pm_curl_multi *multi, const struct epoll_event *event) {
  int fd = (int)(uint32_t)event->data.u64;
  struct socket_slot *slot = slot_of(multi, fd);
  /* Closed, or closed and opened anew, by what an earlier event of this turn brought about. */
  if (!slot || !slot->watched || slot->generation != event->data.u64 >> 32) return;
  if (!slot->wanted) {
    unwatch(multi, fd, slot);
    return;
  }
  int bits = curl_bits(event->events, slot->wanted);
  if (multi->hooks.socket_event)
    act_with_hooks(multi, fd, bits);
  else
    act(slot->shard, fd, bits);
}

/* Whether there may be more. */
static bool take_events(struct pm_curl_multi *multi) {
  struct epoll_event events[EVENTS_PER_TURN];
  int count = epoll_wait(multi->epoll_fd, events, EVENTS_PER_TURN, 0);
  for (int i = 0; i < count && !multi->closing; i++) on_socket_event(multi, &events[i]);
  return count == EVENTS_PER_TURN && !multi->closing;
}

static void on_poll(uv_poll_t *poll, int status, int ready) {
  (void)ready;
  if (status < 0) return; /* an epoll set has no errors to report */
  take_events(poll->data);
}

/* Closing takes the socket out of the set: nobody else holds its open file. */
static int close_socket(void *arg, curl_socket_t fd) {
  struct pm_curl_multi *multi = arg;
  struct socket_slot *slot = slot_of(multi, fd);
  if (slot) {
    if (multi->hooks.socket_closing) multi->hooks.socket_closing(slot->owner, fd);
    slot->wanted = slot->watched = 0;
    slot->generation++;
  }
  return close(fd);
}

enum pm_err pm_curl_multi_socket_opened(struct pm_curl_multi *multi, int fd, void *socket_owner) {
  if (!slot_of(multi, fd)) {
    enum pm_err err = slots_grow(multi, fd);
    if (err != PM_OK) return err;
  }
  /* libcurl closes a socket that never came to be connected by itself, not by close_socket: what
   * was known of the descriptor may be of that one. */
  struct socket_slot *slot = &multi->slots[fd];
  slot->wanted = slot->watched = 0;
  slot->generation++;
  slot->owner = socket_owner;
  return PM_OK;
}

enum pm_err pm_curl_multi_prepare(struct pm_curl_multi *multi, CURL *easy) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi);
  return code == CURLE_OK ? PM_OK : PM_ERR_NOMEM;
}

/* --- life ----------------------------------------------------------------------------------- */

static void multi_free(struct pm_curl_multi *multi) {
  for (unsigned i = 0; i < multi->shard_count; i++)
    if (multi->shards[i].curl) curl_multi_cleanup(multi->shards[i].curl);
  if (multi->epoll_fd >= 0) close(multi->epoll_fd);
  free(multi->slots);
  free(multi);
}

static bool shard_new(struct pm_curl_multi *multi, struct shard *shard) {
  shard->multi = multi;
  shard->curl = curl_multi_init();
  if (!shard->curl) return false;
  curl_multi_setopt(shard->curl, CURLMOPT_SOCKETFUNCTION, on_socket_change);
  curl_multi_setopt(shard->curl, CURLMOPT_SOCKETDATA, shard);
  curl_multi_setopt(shard->curl, CURLMOPT_TIMERFUNCTION, on_timeout_change);
  curl_multi_setopt(shard->curl, CURLMOPT_TIMERDATA, shard);
  curl_multi_setopt(shard->curl, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  return true;
}

/* What is not on the loop yet. */
static int multi_new(struct pm_curl_multi *multi) {
  for (unsigned i = 0; i < multi->shard_count; i++)
    if (!shard_new(multi, &multi->shards[i])) return UV_ENOMEM;
  if (multi->epoll_fd < 0) return uv_translate_sys_error(errno);
  return uv_poll_init(multi->loop, &multi->poll, multi->epoll_fd);
}

enum pm_err pm_curl_multi_open(struct uv_loop_s *loop, unsigned shards,
                               const struct pm_curl_multi_hooks *hooks, void *owner,
                               struct pm_curl_multi **out, struct pm_why *why) {
  struct pm_curl_multi *multi = calloc(1, sizeof *multi);
  if (!multi) return PM_ERR_NOMEM;
  multi->loop = loop;
  multi->hooks = *hooks;
  multi->owner = owner;
  multi->shard_count = shards > PM_CURL_MULTI_SHARDS_MAX ? PM_CURL_MULTI_SHARDS_MAX : shards;
  multi->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  int uv_err = multi_new(multi);
  if (uv_err != 0) {
    multi_free(multi);
    return pm_why_set(why, PM_ERR_SYSTEM, "no set of sockets to probe with: %s",
                      uv_strerror(uv_err));
  }
  for (unsigned i = 0; i < multi->shard_count; i++) {
    uv_timer_init(loop, &multi->shards[i].timer);
    multi->shards[i].timer.data = &multi->shards[i];
  }
  multi->poll.data = multi;
  multi->handles = 1 + (int)multi->shard_count;
  uv_poll_start(&multi->poll, UV_READABLE, on_poll);
  *out = multi;
  return PM_OK;
}

static void on_handle_closed(struct pm_curl_multi *multi) {
  if (--multi->handles > 0) return;
  void (*closed)(void *) = multi->closed;
  void *owner = multi->closed_owner;
  multi_free(multi);
  if (closed) closed(owner);
}

static void on_poll_closed(uv_handle_t *handle) {
  on_handle_closed(handle->data);
}

static void on_timer_closed(uv_handle_t *handle) {
  const struct shard *shard = handle->data;
  on_handle_closed(shard->multi);
}

void pm_curl_multi_close(struct pm_curl_multi *multi, void (*closed)(void *owner), void *owner) {
  multi->closing = true;
  multi->closed = closed;
  multi->closed_owner = owner;
  for (unsigned i = 0; i < multi->shard_count; i++) {
    struct shard *shard = &multi->shards[i];
    /* libcurl may still want a timer while it is cleaned up; a closing handle must not be started.
     */
    curl_multi_setopt(shard->curl, CURLMOPT_TIMERFUNCTION, NULL);
    uv_close((uv_handle_t *)&shard->timer, on_timer_closed);
  }
  uv_close((uv_handle_t *)&multi->poll, on_poll_closed);
}

static CURLM *curl_of(const struct pm_curl_multi *multi, unsigned shard) {
  return multi->shards[shard % multi->shard_count].curl;
}

enum pm_err pm_curl_multi_add(struct pm_curl_multi *multi, unsigned shard, CURL *easy) {
  return curl_multi_add_handle(curl_of(multi, shard), easy) == CURLM_OK ? PM_OK : PM_ERR_NOMEM;
}

void pm_curl_multi_remove(struct pm_curl_multi *multi, unsigned shard, CURL *easy) {
  curl_multi_remove_handle(curl_of(multi, shard), easy);
}
