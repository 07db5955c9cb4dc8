/* Any bytes as a packed slot, as a damaged file may hold them. What is accepted packs again, and
 * reads as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static enum pm_err unpack(const uint8_t *bytes, size_t count, struct pm_slot *out) {
  struct pm_slot_sum sum;
  pm_slot_sum_init(&sum);
  enum pm_err err = pm_slot_sum_add_packed(&sum, bytes, count);
  return err == PM_OK ? pm_slot_sum_take(&sum, out) : err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_slot slot = {0};
  struct pm_slot again = {0};
  if (unpack(data, size, &slot) != PM_OK) return 0;
  uint8_t *first;
  uint8_t *second;
  size_t first_bytes;
  size_t second_bytes;
  require(pm_slot_pack(&slot, &first, &first_bytes) == PM_OK);
  require(unpack(first, first_bytes, &again) == PM_OK);
  require(pm_slot_pack(&again, &second, &second_bytes) == PM_OK);
  require(first_bytes == second_bytes && memcmp(first, second, first_bytes) == 0);
  free(first);
  free(second);
  pm_slot_deinit(&slot);
  pm_slot_deinit(&again);
  return 0;
}
