/* libcurl's multi interface on a libuv loop: sockets, timer, finished transfers. Nothing else: it
 * knows neither probes nor options of easy handles, except that these must be prepared by
 * pm_curl_multi_prepare, so that their sockets' ends are seen.
 *
 * The sockets sit in an epoll set of our own, of which the loop watches one descriptor. A uv_poll_t
 * for each would cost four more system calls a connection (libuv tries the descriptor in its set,
 * makes it non-blocking again, and takes it out by hand) and a close callback; closing takes a
 * socket out of our set by itself.
 *
 * Transfers are dealt out to several multi handles (shards): libcurl 7.88 walks through all hosts
 * that a multi handle is connected to each time that a connection ends, so that with one handle a
 * thousand targets that take their time make every probe dearer, and with that later.
 */
#ifndef PM_PROBE_CURL_MULTI_H
#define PM_PROBE_CURL_MULTI_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/err.h"

struct uv_loop_s;
struct pm_curl_multi;

enum { PM_CURL_MULTI_SHARDS_MAX = 16 }; /* each has two descriptors and some 20 kB */

struct pm_curl_multi_event {
  bool readable, writable;
  bool broken; /* the socket has an error that libcurl is yet to fetch */
};

struct pm_curl_multi_hooks {
  /* A transfer ended; the handle has left the multi handle and may be used again. From the loop and
   * outside of libcurl, so it may add and remove transfers and close the binding. */
  void (*done)(void *owner, CURL *easy, CURLcode code);
  /* The rest is for asking the kernel about the connection; inside, libcurl must be left alone. All
   * or none of them. The socket has events, and libcurl has not seen them yet: */
  void (*socket_event)(void *socket_owner, int fd, const struct pm_curl_multi_event *event);
  /* libcurl has seen to them, and the socket is still there: */
  void (*socket_handled)(void *socket_owner);
  /* It is about to be closed. Of one that never got connected libcurl tells nothing: */
  void (*socket_closing)(void *socket_owner, int fd);
  /* libcurl's timer has fired, and what runs out of time is about to be ended. */
  void (*timing_out)(void *owner);
};

/* shards: 1 to PM_CURL_MULTI_SHARDS_MAX. */
enum pm_err pm_curl_multi_open(struct uv_loop_s *loop, unsigned shards,
                               const struct pm_curl_multi_hooks *hooks, void *owner,
                               struct pm_curl_multi **out, struct pm_why *why) PM_MUST_USE;
/* All transfers have been removed before. Calls closed from the loop and frees. */
void pm_curl_multi_close(struct pm_curl_multi *multi, void (*closed)(void *owner), void *owner);

/* Once for each easy handle: how its sockets are closed. The easy handle's
 * CURLOPT_OPENSOCKETFUNCTION must tell every socket that it opens, with the owner for socket_event.
 * PM_ERR_NOMEM: then the socket must not be used. */
enum pm_err pm_curl_multi_prepare(struct pm_curl_multi *multi, CURL *easy) PM_MUST_USE;
enum pm_err pm_curl_multi_socket_opened(struct pm_curl_multi *multi, int fd,
                                        void *socket_owner) PM_MUST_USE;

/* Nothing happens inside; the loop drives it. shard: any number, the same for remove. What libcurl
 * keeps from transfer to transfer (connections, parsed authorities) it keeps within a shard.
 * PM_ERR_NOMEM. */
enum pm_err pm_curl_multi_add(struct pm_curl_multi *multi, unsigned shard, CURL *easy) PM_MUST_USE;
/* Ends a transfer without done. */
void pm_curl_multi_remove(struct pm_curl_multi *multi, unsigned shard, CURL *easy);

#endif
