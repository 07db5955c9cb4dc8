/* How many distinct nodes there are: the k smallest of their hashes tell how densely hashes lie
 * (k minimum values: Bar-Yossef et al., 2002; unbiased form of Beyer et al., 2007). Error about
 * 1/sqrt(k - 2), here 9 %. Pure.
 */
#ifndef PM_GOSSIP_KMV_H
#define PM_GOSSIP_KMV_H

#include <stddef.h>
#include <stdint.h>

enum { PM_KMV_K = 128 };

struct pm_kmv {
  uint64_t smallest[PM_KMV_K]; /* ascending, distinct */
  size_t count;
};

void pm_kmv_init(struct pm_kmv *kmv);
/* hash: uniform, seeded with a secret so that nobody can choose small ones. */
void pm_kmv_add(struct pm_kmv *kmv, uint64_t hash);
double pm_kmv_estimate(const struct pm_kmv *kmv);

#endif
