/* From moments to a sample's phases: libcurl's own, read from a transfer after its end, then the
 * kernel's in their place where it gave any (probe/trace.h).
 */
#ifndef PM_PROBE_TIMING_H
#define PM_PROBE_TIMING_H

#include <curl/curl.h>

#include "probe/sample.h"
#include "probe/trace.h"

/* Fills every phase but DNS (we look up ourselves, before libcurl begins) and phase_timed_by. A
 * transfer that failed in a phase has there the time until its failure, and 0 in those after it;
 * TOTAL is the time until its end in any case. */
void pm_timing_read(CURL *easy, struct pm_sample *sample);

/* After pm_timing_read. Pure. Puts the kernel's times in the place of libcurl's and fills the
 * connection, loop_lag_ns, tls_wait_ns and libcurl_tcp_ns. A phase that did not come to its end
 * keeps libcurl's time, which is how long it was tried.
 *
 * After a SYN was sent again the kernel knows its round trip to whole milliseconds only, or not at
 * all; the smallest of the connection, from the request's acknowledgement, is then the better one.
 */
void pm_timing_apply(const struct pm_trace *trace, struct pm_sample *sample);

#endif
