#include "gossip/death.h"

#include <math.h>

enum {
  FAILS_MIN = 5,
  FAILS_MAX = 30,
  FAILS_HINTED_MIN = 3,
  HINTS_NEEDED = 2,
  TRIES_MIN = 4,
  TRIES_MAX = 8
};

static const double loss_least = 0.01;
static const double loss_most = 0.63;
static const double weight = 1.0 / 128; /* of one sample: about two minutes of a full active set */

void pm_death_init(struct pm_death *death) {
  death->loss = loss_least;
}

static void average_in(struct pm_death *death, double lost) {
  death->loss += weight * (lost - death->loss);
}

void pm_death_success(struct pm_death *death, unsigned fails_before) {
  if (fails_before > FAILS_MAX) fails_before = FAILS_MAX;
  for (unsigned i = 0; i < fails_before; i++) average_in(death, 1.0);
  average_in(death, 0.0);
  death->loss = fmin(fmax(death->loss, loss_least), loss_most);
}

unsigned pm_death_fails(const struct pm_death *death, unsigned hints) {
  double fails = ceil(log(1e-6) / log(death->loss));
  unsigned wanted = (unsigned)fmin(fmax(fails, FAILS_MIN), FAILS_MAX);
  if (hints < HINTS_NEEDED) return wanted;
  wanted = (wanted + 1) / 2;
  return wanted < FAILS_HINTED_MIN ? FAILS_HINTED_MIN : wanted;
}

unsigned pm_death_tries(const struct pm_death *death) {
  double tries = ceil(log(1e-3) / log(death->loss));
  return (unsigned)fmin(fmax(tries, TRIES_MIN), TRIES_MAX);
}
