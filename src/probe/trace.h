/* What was seen of one connection while libcurl drove it: moments by the kernel's clock and by
 * ours, and what the kernel says of it at its beginning and end. It only looks; what it means for a
 * sample is decided in probe/timing.h and probe/verdict.h. All times are 0 if it did not come to
 * that.
 *
 *   connect → first event (SYN's round trip) → [handshake: waits and own work] → request's sending
 *   → first byte's arrival → … → end (retransmissions, smallest round trip)
 */
#ifndef PM_PROBE_TRACE_H
#define PM_PROBE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "probe/kernel.h"

/* One moment by both clocks: stamps are calendar time, and only the other one never jumps. */
struct pm_moment {
  struct pm_time time;
  struct pm_wall wall;
};

struct pm_trace {
  bool on;
  bool https;
  int64_t patience_ns; /* after which libcurl may give up: from then on the end looks closer */
  struct pm_time begun;
  int fd; /* -1: there is no socket */

  struct pm_time connecting;      /* just before the SYN */
  struct pm_kernel_tcp connected; /* at the socket's first event */
  struct pm_kernel_tcp ended;     /* at its end */
  struct pm_moment looked;  /* the latest look at the socket, or the end of the work upon it */
  struct pm_moment sending; /* just before the request was made and sent */
  bool sent;                /* it is known how long that took */
  bool answering;           /* libcurl has had the answer's beginning */
  int64_t sending_ns;       /* what making and sending it took */
  int64_t first_ns;         /* from sending to the first byte's arrival */
  int64_t tls_wait_ns;      /* what the handshake waited for the far end's bytes */

  int64_t lag_max_ns; /* the longest that an event waited for us to look */
  int64_t lag_sum_ns; /* all of that, and what we were late before the SYN */
  bool unseen;        /* at its end there was something libcurl had not looked at */
};

/* https: there will be a handshake. With on false nothing is asked, and all stays 0. */
void pm_trace_begin(struct pm_trace *trace, bool on, bool https, int64_t patience_ms);
/* A socket has been opened and is about to be connected. */
void pm_trace_opened(struct pm_trace *trace, int fd);
/* It is connected, if it was not known before: told of where libcurl finds that out by itself,
 * without an event. Nothing has been sent yet. */
void pm_trace_connected(struct pm_trace *trace);
/* It has events that libcurl has not seen. broken: an error waits there, which must not be fetched.
 */
void pm_trace_event(struct pm_trace *trace, bool readable, bool broken);
/* libcurl has seen to them. */
void pm_trace_handled(struct pm_trace *trace);
/* The connection is ready and the request is next. */
void pm_trace_sending(struct pm_trace *trace);
/* Bytes of the answer have reached libcurl's callbacks. */
void pm_trace_answering(struct pm_trace *trace);
/* Of a socket that is not known to be connected: whether libcurl may be about to give it up. */
bool pm_trace_is_overdue(const struct pm_trace *trace, struct pm_time now);
/* The socket is about to be closed, or given up. */
void pm_trace_ending(struct pm_trace *trace);

#endif
