/* A sample: what one probe found out. Plain data, made by probe/exchange and probe/prober, read by
 * statistics, sinks and pages. A failed probe is a sample like any other.
 */
#ifndef PM_PROBE_SAMPLE_H
#define PM_PROBE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"

/* The original's phases: TOTAL runs from the end of the lookup to the last byte, so it does not
 * include DNS. FIRST is from the request's sending to the first byte, LAST from there to the end.
 */
#define PM_PHASE_MAP(X) \
  X(DNS, "dns")         \
  X(TCP, "tcp")         \
  X(TLS, "tls")         \
  X(FIRST, "first")     \
  X(LAST, "last")       \
  X(TOTAL, "total")

enum pm_phase {
#define X(name, text) PM_PHASE_##name,
  PM_PHASE_MAP(X)
#undef X
      PM_PHASE_COUNT
};
const char *pm_phase_text(enum pm_phase phase);

#define PM_OUTCOME_MAP(X)                                                             \
  X(SUCCESS, "success")     /* answered with a status of at most 304 */               \
  X(STATUS, "status")       /* answered with another status */                        \
  X(LOOKUP, "lookup")       /* the name did not resolve */                            \
  X(POLICY, "policy")       /* the address may not be probed; nothing was sent */     \
  X(CONNECT, "connect")     /* refused, unreachable */                                \
  X(TLS, "tls")             /* handshake failed, or the certificate did not verify */ \
  X(TIMEOUT, "timeout")     /* a phase or the whole took too long */                  \
  X(CLOSED, "closed")       /* ended before the answer was whole */                   \
  X(PROTOCOL, "protocol")   /* not HTTP, or broken */                                 \
  X(TOO_LARGE, "too-large") /* header or body past its cap */                         \
  X(INTERNAL, "internal")   /* we failed: no memory, no descriptor. Says nothing of the path */

enum pm_outcome {
#define X(name, text) PM_OUTCOME_##name,
  PM_OUTCOME_MAP(X)
#undef X
      PM_OUTCOME_COUNT
};
const char *pm_outcome_text(enum pm_outcome outcome);

/* Whose clock a phase was read from: libcurl's times are user-space times and grow with our own
 * load; the kernel's do not. What the kernel times is what the path and the far end took, nothing
 * of our own: TCP is the SYN's round trip, not how long it took until we knew; FIRST ends when the
 * bytes came in. DNS, TLS, LAST and TOTAL, which hold our own doing, are always user-space times;
 * what a handshake waited for the far end stands beside TLS (tls_wait_ns). */
enum pm_timed_by { PM_TIMED_BY_LIBCURL, PM_TIMED_BY_KERNEL };

/* How far to trust a sample. The kernel's figures (phases timed by it, the connection's) hold in
 * any case; what was timed in user space is not published as latency if we starved, for it then
 * measures ourselves. */
#define PM_VERDICT_MAP(X)                                                                  \
  X(CLEAN, "clean")                                                                        \
  X(RETRANSMITTED, "retransmitted") /* a packet of it was sent again: the path lost one */ \
  X(STARVED, "starved")             /* we were kept from looking when something happened */

enum pm_verdict {
#define X(name, text) PM_VERDICT_##name,
  PM_VERDICT_MAP(X)
#undef X
      PM_VERDICT_COUNT
};
const char *pm_verdict_text(enum pm_verdict verdict);

/* What the kernel says of the connection at its end; all 0 if it said nothing. Segments of both
 * counts are those that we sent, the only ones whose fate we can know. */
struct pm_sample_connection {
  bool known;
  uint32_t syns_sent;          /* 1, and one more for each time that nobody answered in time */
  bool syn_answered;           /* a segment came back, if only to refuse; false: every one of them
                                  was lost, is still under way, or a router refused it */
  uint32_t data_segments_sent; /* those sent again included */
  uint32_t data_retransmits;   /* of these; spurious ones (RFC 2883) taken out */
  int64_t min_rtt_ns;          /* tcpi_min_rtt; 0: unknown */
};

/* What the far end says it spent on the request (base/service_time.h). Phase FIRST less this is
 * what the network took, both ways together: which way took how much of it, nobody can tell from
 * here. */
struct pm_far_end {
  bool known;
  int64_t spent_ns; /* from the request's arrival there to the answer's sending, by its clock; never
                       more than phase FIRST */
};

struct pm_sample {
  struct pm_wall at; /* when the probe started */
  struct pm_time ended;
  int64_t phase_ns[PM_PHASE_COUNT];       /* 0: did not happen. What happened took at least 1 ns */
  uint8_t phase_timed_by[PM_PHASE_COUNT]; /* enum pm_timed_by */
  enum pm_outcome outcome;
  int http_status; /* 0 if there was no status line */
  uint64_t body_bytes;
  struct pm_ip remote; /* family NONE if no connection was tried */
  bool tls;
  bool tls_verified; /* false too where verification was switched off */
  enum pm_verdict verdict;
  int64_t loop_lag_ns;    /* the longest that something of this probe waited for us to look, or that
                             we took to send its request */
  int64_t run_delay_ns;   /* that our thread was ready and got no processor, while it ran */
  int64_t libcurl_tcp_ns; /* libcurl's own connect time, beside the kernel's; 0 as in phase_ns */
  int64_t tls_wait_ns;    /* of phase TLS, what it waited for the far end's bytes, by the kernel's
                             stamps: path and far end without our own cryptography. 0: not known
                             apart, as where the far end was faster than we */
  struct pm_sample_connection connection;
  struct pm_far_end far_end;
};

/* Whether this phase of it may be published as latency: of a success, and timed by the kernel or
 * while we did not starve. */
bool pm_sample_publishes(const struct pm_sample *sample, enum pm_phase phase);

#endif
