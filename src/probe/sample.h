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
 * load; the kernel's do not. */
enum pm_timed_by { PM_TIMED_BY_LIBCURL, PM_TIMED_BY_KERNEL };

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
};

#endif
