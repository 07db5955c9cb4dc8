/* The delayer's own record of TCP handshakes: what a prober's figures are compared with. It stamps
 * the SYN's arrival from the prober and the release of the SYN-ACK to it; the time between them is
 * the round trip as the prober's kernel can see it, less the few microseconds of the virtual cable.
 *
 * Stamps are of CLOCK_MONOTONIC, which is TCP's clock, too: no correction of the time of day can
 * come between the record and what it judges. The wall clock is noted once, to find the sample.
 */
#ifndef PM_LAB_HANDSHAKES_H
#define PM_LAB_HANDSHAKES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "packet.h"

enum {
  PM_HANDSHAKES_MAX = 32768, /* under way or recent, per queue; the oldest give way */
};

struct pm_handshakes;

struct pm_handshake_event {
  struct pm_packet packet;
  int64_t at_ns;     /* CLOCK_MONOTONIC */
  int64_t unsure_ns; /* it was within so much of that, either way */
};

/* A handshake's line is written to record when its first SYN-ACK is released. record is borrowed,
 * and may be shared by threads. NULL if there is no memory. */
struct pm_handshakes *pm_handshakes_new(FILE *record);
void pm_handshakes_free(struct pm_handshakes *handshakes);
/* Names of the columns, as the record's first line. */
void pm_handshakes_header(FILE *record);

/* A packet came in; lost: it will never be released. wall_ns: the time of day of its arrival. */
void pm_handshakes_arrived(struct pm_handshakes *handshakes, const struct pm_handshake_event *event,
                           int64_t wall_ns, bool lost);
void pm_handshakes_released(struct pm_handshakes *handshakes,
                            const struct pm_handshake_event *event);

#endif
