/* Any text as a calendar time: what is taken reads the same after being written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = strndup(size > 0 ? (const char *)data : "", size);
  CHECK(text != NULL);
  struct pm_wall t = {-1};
  struct pm_wall again = {-1};
  char written[PM_TIME_TEXT_BYTES];
  enum pm_err err = pm_wall_parse(text, &t);
  if (err == PM_OK) {
    CHECK(t.ns >= 0);
    pm_wall_rfc3339(t, true, written);
    CHECK(pm_wall_parse(written, &again) == PM_OK && again.ns == t.ns);
  } else {
    CHECK((err == PM_ERR_SYNTAX || err == PM_ERR_RANGE) && t.ns == -1);
  }
  free(text);
  return 0;
}
