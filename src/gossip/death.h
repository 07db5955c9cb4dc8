/* When is a member dead? After F failures in a row, where F makes a wrong verdict a one in a
 * million event at the loss that the network shows: F = ceil(ln 1e-6 / ln p) within 5…30. p is a
 * moving average over *transient* loss only, failures that a success of the same member followed:
 * the failures of the dead say nothing about the network. Pure.
 */
#ifndef PM_GOSSIP_DEATH_H
#define PM_GOSSIP_DEATH_H

struct pm_death {
  double loss;
};

void pm_death_init(struct pm_death *death);
/* A success after so many failures in a row. */
void pm_death_success(struct pm_death *death, unsigned fails_before);
/* F; half of it (rounded up, at least 3) if two independent sources say that they lost it. */
unsigned pm_death_fails(const struct pm_death *death, unsigned hints);
/* Tries of one that contacted us and was never proved, before it is refused: as many as make a
 * wrong verdict a one in a thousand event at that loss, within 4…8. */
unsigned pm_death_tries(const struct pm_death *death);

#endif
