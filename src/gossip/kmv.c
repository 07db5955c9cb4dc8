#include "gossip/kmv.h"

#include <string.h>

void pm_kmv_init(struct pm_kmv *kmv) {
  kmv->count = 0;
}

/* The first place whose value is not below hash. */
static size_t place(const struct pm_kmv *kmv, uint64_t hash) {
  size_t low = 0, high = kmv->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (kmv->smallest[middle] < hash)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void pm_kmv_add(struct pm_kmv *kmv, uint64_t hash) {
  size_t at = place(kmv, hash);
  if (at == PM_KMV_K) return;
  if (at < kmv->count && kmv->smallest[at] == hash) return;
  size_t moved = kmv->count - at;
  if (kmv->count == PM_KMV_K)
    moved--;
  else
    kmv->count++;
  memmove(kmv->smallest + at + 1, kmv->smallest + at, moved * sizeof kmv->smallest[0]);
  kmv->smallest[at] = hash;
}

double pm_kmv_estimate(const struct pm_kmv *kmv) {
  if (kmv->count < PM_KMV_K) return (double)kmv->count;
  double kth = ((double)kmv->smallest[PM_KMV_K - 1] + 1.0) / 18446744073709551616.0;
  return (PM_KMV_K - 1) / kth;
}
