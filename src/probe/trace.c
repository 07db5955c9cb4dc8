#include "probe/trace.h"

#include "probe/verdict.h"

static struct pm_moment moment_now(void) {
  return (struct pm_moment){.time = pm_clock_now(), .wall = pm_clock_wall()};
}

void pm_trace_begin(struct pm_trace *trace, bool on, bool https, int64_t patience_ms) {
  *trace = (struct pm_trace){
      .on = on, .https = https, .patience_ns = patience_ms * PM_NS_PER_MS, .fd = -1};
  if (on) trace->begun = pm_clock_now();
}

static void count_lag(struct pm_trace *trace, int64_t ns) {
  if (ns <= 0) return;
  trace->lag_sum_ns += ns;
  if (ns > trace->lag_max_ns) trace->lag_max_ns = ns;
}

/* What was late before anything was sent takes from the time that the path is given, but makes no
 * phase longer. */
void pm_trace_opened(struct pm_trace *trace, int fd) {
  if (!trace->on) return;
  trace->fd = fd;
  pm_kernel_stamp_arrivals(fd);
  trace->connecting = pm_clock_now();
  trace->looked = (struct pm_moment){0};
  trace->lag_sum_ns += pm_time_since_ns(trace->connecting, trace->begun);
}

/* An answer to a SYN that was sent once was there as soon as its round trip was over. Of one to a
 * later SYN we do not know the beginning. */
static void see_connected(struct pm_trace *trace, const struct pm_kernel_tcp *tcp,
                          struct pm_time now) {
  if (!tcp->established || tcp->retransmits > 0 || tcp->rtt_ns == 0) return;
  count_lag(trace, pm_time_since_ns(now, trace->connecting) - tcp->rtt_ns);
}

/* What has passed since an earlier moment until a stamp, or -1 if the calendar was set meanwhile,
 * or the bytes came before that moment: not longer, then, than until we looked. */
static int64_t until(struct pm_wall stamp, const struct pm_moment *from,
                     const struct pm_moment *look) {
  int64_t ns = stamp.ns - from->wall.ns;
  return ns >= 0 && ns <= pm_time_since_ns(look->time, from->time) + PM_NS_PER_MS ? ns : -1;
}

/* Bytes cannot have waited for longer than since we last looked, whatever the calendar says. */
static void see_arrival(struct pm_trace *trace, struct pm_wall stamp,
                        const struct pm_moment *look) {
  int64_t lag_ns = look->wall.ns - stamp.ns;
  int64_t lag_ns_max = pm_time_since_ns(look->time, trace->looked.time);
  count_lag(trace, lag_ns < lag_ns_max ? lag_ns : lag_ns_max);
  if (trace->answering) return;
  bool asked = trace->sending.wall.ns != 0;
  int64_t waited_ns = until(stamp, asked ? &trace->sending : &trace->looked, look);
  if (waited_ns < 0) return;
  if (!asked)
    trace->tls_wait_ns += waited_ns;
  else if (trace->first_ns == 0 || trace->https)
    /* Over TLS the first bytes after the request are often tickets for later sessions, not yet the
     * answer. */
    trace->first_ns = waited_ns > 0 ? waited_ns : 1;
}

static void look_at_connection(struct pm_trace *trace, struct pm_time now) {
  pm_kernel_tcp_read(trace->fd, &trace->connected);
  see_connected(trace, &trace->connected, now);
  if (!trace->connected.established) trace->ended = trace->connected;
}

void pm_trace_connected(struct pm_trace *trace) {
  if (!trace->on || trace->fd < 0 || trace->connected.known) return;
  trace->looked = moment_now();
  look_at_connection(trace, trace->looked.time);
}

void pm_trace_event(struct pm_trace *trace, bool readable, bool broken) {
  if (!trace->on || trace->fd < 0) return;
  struct pm_moment look = moment_now();
  /* Sent without an event, when libcurl's timer had fired: how long that took is not known. */
  if (trace->sending.time.ns != 0) trace->sent = true;
  if (!trace->connected.known) {
    look_at_connection(trace, look.time);
  } else if (readable && !broken) {
    struct pm_wall stamp = pm_kernel_arrival(trace->fd);
    if (stamp.ns != 0) see_arrival(trace, stamp, &look);
  }
  trace->looked = look;
}

/* Only where a wait begins here, or the request went out: the rest needs no clock. */
void pm_trace_handled(struct pm_trace *trace) {
  if (!trace->on || trace->sent) return;
  if (trace->sending.time.ns != 0) {
    trace->sending_ns = pm_time_since_ns(pm_clock_now(), trace->sending.time);
    trace->sent = true;
  } else if (trace->https) {
    trace->looked = moment_now();
  }
}

void pm_trace_sending(struct pm_trace *trace) {
  if (!trace->on) return;
  if (!trace->https) pm_trace_connected(trace);
  trace->sending = moment_now();
}

void pm_trace_answering(struct pm_trace *trace) {
  trace->answering = true;
}

bool pm_trace_is_overdue(const struct pm_trace *trace, struct pm_time now) {
  return trace->on && trace->fd >= 0 && !trace->connected.known &&
         pm_time_since_ns(now, trace->begun) >= trace->patience_ns - PM_NS_PER_MS;
}

/* Whether something waits that libcurl would have had if we had looked in time. Of an answer that
 * had begun the rest may be long in coming, and its next byte proves nothing. */
static void look_closer(struct pm_trace *trace, struct pm_time now) {
  int64_t lag_ns_before = trace->lag_sum_ns;
  if (trace->answering || trace->first_ns != 0) return;
  if (trace->connected.known)
    pm_trace_event(trace, true, false);
  else
    see_connected(trace, &trace->ended, now);
  trace->unseen = trace->lag_sum_ns - lag_ns_before > PM_VERDICT_LAG_NS_MAX;
}

void pm_trace_ending(struct pm_trace *trace) {
  if (!trace->on || trace->fd < 0) return;
  if (!trace->ended.known) {
    pm_kernel_tcp_read(trace->fd, &trace->ended);
    struct pm_time now = pm_clock_now();
    if (pm_time_since_ns(now, trace->begun) >= trace->patience_ns - PM_NS_PER_MS)
      look_closer(trace, now);
  }
  trace->fd = -1;
}
