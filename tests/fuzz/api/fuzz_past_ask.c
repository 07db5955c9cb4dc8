/* The query of /v1/history and /v1/profile: whatever is taken is within the bounds on which those
 * who answer it rely. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/past_ask.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_series(const struct pm_past_ask *ask) {
  CHECK(ask->step_s > 0 && ask->step_s % 60 == 0);
  CHECK((ask->until_s - ask->since_s) / ask->step_s < PM_PAST_ROWS_MAX);
}

static void check_taken(const struct pm_past_ask *ask, enum pm_past_kind asked) {
  if (ask->kind == PM_PAST_PAIRS) {
    CHECK(asked == PM_PAST_SERIES && ask->after >= 0 && ask->to[0] == '\0');
    return;
  }
  CHECK(ask->kind == asked && ask->to[0] != '\0');
  CHECK(strlen(ask->to) < sizeof ask->to && strlen(ask->from) < sizeof ask->from);
  CHECK(ask->since_s >= 0 && ask->since_s < ask->until_s);
  CHECK(ask->until_s - ask->since_s <= PM_PAST_SPAN_S_MAX);
  CHECK(ask->phase >= 0 && ask->phase < PM_PHASE_COUNT);
  if (asked == PM_PAST_SERIES)
    check_series(ask);
  else
    CHECK(ask->zone.count <= PM_ZONE_CHANGES_MAX);
}

static void check(const struct pm_form *form, enum pm_past_kind kind, int64_t now_s) {
  struct pm_past_ask ask;
  struct pm_why why = {""};
  if (pm_past_ask_read(form, kind, (struct pm_wall){now_s * PM_NS_PER_S}, &ask, &why) == PM_OK)
    check_taken(&ask, kind);
  else
    CHECK(why.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t now_s[] = {0, 1795200000}; /* a machine without a clock, and 2026-11-20 */
  struct pm_form form;
  if (pm_form_parse((const char *)data, size, &form, NULL) != PM_OK) return 0;
  for (size_t i = 0; i < sizeof now_s / sizeof *now_s; i++) {
    check(&form, PM_PAST_SERIES, now_s[i]);
    check(&form, PM_PAST_WEEK, now_s[i]);
  }
  return 0;
}
