/* Whatever is taken for a service time is not negative, and is written as text that means the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/service_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_service_time time, again;
  char text[PM_SERVICE_TIME_BYTES];
  const char *value = size > 0 ? (const char *)data : "";
  if (pm_service_time_read(value, size, &time) != PM_OK) return 0;
  require(time.spent_us >= 0 && time.received_us >= 0 && time.sent_us >= 0);
  pm_service_time_write(&time, text);
  require(pm_service_time_read(text, strlen(text), &again) == PM_OK);
  require(memcmp(&time, &again, sizeof time) == 0);
  return 0;
}
