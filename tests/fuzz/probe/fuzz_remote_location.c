/* A body from a stranger: whatever is taken from it must be a short, trimmed line of UTF-8 that
 * escaping would not change any more. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "probe/remote_location.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char location[PM_LOCATION_BYTES];
  memset(location, 'x', sizeof(location)); /* no NUL but the one that must be written */
  if (pm_remote_location((const char *)data, size, location) != PM_OK) return 0;
  size_t bytes = strnlen(location, sizeof(location));
  if (bytes == 0 || bytes == sizeof(location)) abort();
  if (location[0] == ' ' || location[bytes - 1] == ' ') abort();
  char escaped[PM_LOCATION_BYTES];
  memcpy(escaped, location, bytes + 1);
  pm_escape_line_inplace(escaped);
  if (strcmp(escaped, location) != 0) abort();
  return 0;
}
