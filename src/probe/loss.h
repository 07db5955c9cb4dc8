/* Loss without ICMP: what handshakes tell of the packets that a path loses. Pure.
 *
 * The first SYN of each connection is one trial of the round trip: it fails if the SYN or its
 * answer is lost, with 1 - (1 - p)(1 - q) for a loss of p there and q back. Each failure shows: the
 * client's timer was started before the server's, so it sends its SYN again before an answer sent
 * again can come. What answers with a refusal has answered. A connect that times out lost its SYN.
 *
 * The SYNs after the first are no trials. They come a second or a few after it, so that one outage
 * would count several times; and after a lost answer the server sends it again by itself, which
 * gives a second SYN two chances: counted in, they pull the estimate down by up to a twentieth of
 * itself at a loss of 5 % (a test shows it).
 *
 * What the estimate is not:
 * - It is of the round trip, and cannot say which way the packet was lost.
 * - Trials are taken as independent. Probes that follow each other into one outage are not: where
 *   loss comes in bursts longer than the interval between probes, the rate is right in the mean,
 * but the interval is narrower than it should be.
 * - A round trip above the first timer of 1 s (RFC 6298) looks lost; such connections are left out
 *   where the kernel knows the round trip. A host that is switched off loses everything.
 *
 * Data sent again is counted beside it and is no part of the estimate: TCP sends again on other
 * signs, too, and may do so without need.
 */
#ifndef PM_PROBE_LOSS_H
#define PM_PROBE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "probe/sample.h"

/* Of all zeroes: nothing seen. Counts stay at their maximum once there. */
struct pm_loss {
  uint32_t trials, lost; /* lost <= trials */
  uint32_t data_segments, data_retransmits;
};

/* Whether a packet of it was sent again, whatever its verdict. */
bool pm_loss_was_retransmitted(const struct pm_sample *sample);

void pm_loss_add(struct pm_loss *loss, const struct pm_sample *sample);
void pm_loss_merge(struct pm_loss *into, const struct pm_loss *from);

struct pm_loss_estimate {
  bool known; /* false: nothing was tried; then the rest is 0 */
  double rate, low, high;
};

/* The share of lost trials, and its interval of 95 %: Clopper and Pearson's ("The use of confidence
 * or fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934), the one whose
 * coverage is never below 95 %. Shorter ones dip where losses are few (Brown, Cai, DasGupta,
 * "Interval estimation for a binomial proportion", Statistical Science 16, 2001): at worst over 60
 * to 3,600 trials and losses of 0.1, 1 and 5 %, Wilson's covers 85, 92 and 94 %, Jeffreys' 90, 91
 * and 92 %, this one 97, 95 and 95 %. */
struct pm_loss_estimate pm_loss_estimate(const struct pm_loss *loss);

#endif
