/* Network coordinates: three dimensions and a height, so that distance plus both heights is the
 * round-trip time (Dabek, Cox, Kaashoek, Morris: "Vivaldi", SIGCOMM 2004, with the adaptive time
 * step of section 3.3 and the height of section 5.4). Updated from every ping. Pure.
 */
#ifndef PM_GOSSIP_VIVALDI_H
#define PM_GOSSIP_VIVALDI_H

#include <stdbool.h>

#include "base/rng.h"

enum { PM_VIVALDI_DIMENSIONS = 3 };

struct pm_vivaldi {
  float at_ms[PM_VIVALDI_DIMENSIONS];
  float height_ms; /* the access link; never below a small positive value */
  float error;     /* relative; 1 at the start */
};

void pm_vivaldi_init(struct pm_vivaldi *own);
/* Finite, height and error positive, nothing beyond a minute: what a stranger says must pass. */
bool pm_vivaldi_valid(const struct pm_vivaldi *coordinate);
float pm_vivaldi_rtt_ms(const struct pm_vivaldi *a, const struct pm_vivaldi *b);
/* rng: for the direction in which two nodes at the same place move apart. An invalid remote or a
 * round-trip time outside (0, 60 s] changes nothing. */
void pm_vivaldi_update(struct pm_vivaldi *own, const struct pm_vivaldi *remote, float rtt_ms,
                       struct pm_rng *rng);

#endif
