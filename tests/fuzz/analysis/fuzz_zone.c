/* A viewer's zone from a query: what is taken is written and read as the same, and its offset at
 * any time is one of those that it names. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/zone.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_changes(const struct pm_zone *zone) {
  CHECK(zone->count <= PM_ZONE_CHANGES_MAX && abs(zone->min) <= PM_ZONE_MIN_MAX);
  CHECK(pm_zone_at(zone, INT64_MIN) == zone->min);
  for (size_t i = 0; i < zone->count; i++) {
    const struct pm_zone_change *change = &zone->changes[i];
    CHECK(change->at_s >= 0 && abs(change->min) <= PM_ZONE_MIN_MAX);
    CHECK(i == 0 || change->at_s > zone->changes[i - 1].at_s);
    CHECK(pm_zone_at(zone, change->at_s) == change->min);
    CHECK(pm_zone_at(zone, change->at_s - 1) == (i ? zone->changes[i - 1].min : zone->min));
  }
}

static void check_round_trip(const struct pm_zone *zone) {
  char text[PM_ZONE_TEXT_BYTES];
  struct pm_zone again;
  pm_zone_text(zone, text);
  CHECK(pm_zone_parse(text, &again, NULL) == PM_OK);
  CHECK(again.min == zone->min && again.count == zone->count);
  for (size_t i = 0; i < zone->count; i++) {
    CHECK(again.changes[i].at_s == zone->changes[i].at_s);
    CHECK(again.changes[i].min == zone->changes[i].min);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_zone zone;
  struct pm_why why = {""};
  char *text = strndup(size > 0 ? (const char *)data : "", size);
  CHECK(text != NULL);
  if (pm_zone_parse(text, &zone, &why) == PM_OK) {
    check_changes(&zone);
    check_round_trip(&zone);
  } else {
    CHECK(why.text[0] != '\0');
  }
  free(text);
  return 0;
}
