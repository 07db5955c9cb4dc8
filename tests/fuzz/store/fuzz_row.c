/* Any bytes as a row: refused, or read as something that packs into a row which says the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pm_slot_sum first, again;
  static uint8_t row[PM_ROW_BYTES_MAX];
  pm_slot_sum_init(&first);
  pm_slot_sum_init(&again);
  if (pm_row_add(&first, data, size) != PM_OK) return 0;
  size_t count = pm_row_pack(&first, row);
  if (pm_row_add(&again, row, count) != PM_OK) abort();
  if (memcmp(first.counts, again.counts, sizeof(first.counts)) != 0) abort();
  if (memcmp(&first.numbers, &again.numbers, sizeof(first.numbers)) != 0) abort();
  return 0;
}
