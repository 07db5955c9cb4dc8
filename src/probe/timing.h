/* Times of one transfer, read from libcurl after its end: user-space times, which grow with our own
 * load (enum pm_timed_by). Times of the kernel are to come from struct pm_curl_multi_hooks'
 * socket_event, which is told the descriptor before libcurl sees its events; they will replace,
 * phase by phase, what is filled in here.
 */
#ifndef PM_PROBE_TIMING_H
#define PM_PROBE_TIMING_H

#include <curl/curl.h>

#include "probe/sample.h"

/* Fills every phase but DNS (we look up ourselves, before libcurl begins) and phase_timed_by. A
 * transfer that failed in a phase has there the time until its failure, and 0 in those after it;
 * TOTAL is the time until its end in any case. */
void pm_timing_read(CURL *easy, struct pm_sample *sample);

#endif
