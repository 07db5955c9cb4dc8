#include "analysis/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { OFFSET_LENGTH = 6 }; /* of "+05:30" */

static int two_digits(const char *text) {
  if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return -1;
  return (text[0] - '0') * 10 + text[1] - '0';
}

/* text has OFFSET_LENGTH bytes at least. */
static bool parse_offset(const char *text, int32_t *out_min) {
  int hours = two_digits(text + 1), minutes = two_digits(text + 4);
  bool good = strchr("+- ", text[0]) != NULL && text[3] == ':' && hours >= 0 && minutes >= 0 &&
              minutes < 60 && hours * 60 + minutes <= PM_ZONE_MIN_MAX;
  if (good) *out_min = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
  return good;
}

/* "Z" or an offset, up to a comma or the end; NULL: neither. */
static const char *take_offset(const char *text, int32_t *out_min) {
  size_t length = strcspn(text, ",");
  *out_min = 0;
  if (length == 1 && text[0] == 'Z') return text + 1;
  if (length != OFFSET_LENGTH || !parse_offset(text, out_min)) return NULL;
  return text + length;
}

/* "2026-10-25T01:00:00Z=+01:00" */
static const char *take_change(const char *text, struct pm_zone_change *out) {
  char time[PM_TIME_TEXT_BYTES];
  struct pm_wall at;
  size_t length = strcspn(text, "=,");
  if (text[length] != '=' || length >= sizeof(time)) return NULL;
  snprintf(time, sizeof(time), "%.*s", (int)length, text);
  if (pm_wall_parse(time, &at) != PM_OK || at.ns < 0) return NULL;
  out->at_s = at.ns / PM_NS_PER_S;
  return take_offset(text + length + 1, &out->min);
}

enum pm_err pm_zone_parse(const char *text, struct pm_zone *out, struct pm_why *why) {
  struct pm_zone zone = {0};
  const char *at = text[0] != '\0' ? take_offset(text, &zone.min) : text;
  while (at != NULL && *at == ',') {
    struct pm_zone_change change;
    at = take_change(at + 1, &change);
    if (at == NULL) break;
    bool after = zone.count == 0 || change.at_s > zone.changes[zone.count - 1].at_s;
    if (zone.count == PM_ZONE_CHANGES_MAX || !after)
      return pm_why_set(why, PM_ERR_RANGE,
                        "zone may change %d times at most, each time later than the one before",
                        PM_ZONE_CHANGES_MAX);
    zone.changes[zone.count++] = change;
  }
  if (at == NULL)
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "zone is none: give one such as +05:30, or with its changes "
                      "+02:00,2026-10-25T01:00:00Z=+01:00");
  *out = zone;
  return PM_OK;
}

int32_t pm_zone_at(const struct pm_zone *zone, int64_t time_s) {
  int32_t min = zone->min;
  for (size_t i = 0; i < zone->count && zone->changes[i].at_s <= time_s; i++)
    min = zone->changes[i].min;
  return min;
}

void pm_zone_offset_text(int32_t min, char out[PM_ZONE_OFFSET_BYTES]) {
  int minutes = abs(min) % (100 * 60);
  snprintf(out, PM_ZONE_OFFSET_BYTES, "%c%02d:%02d", min < 0 ? '-' : '+', minutes / 60,
           minutes % 60);
}

void pm_zone_text(const struct pm_zone *zone, char out[PM_ZONE_TEXT_BYTES]) {
  char offset[PM_ZONE_OFFSET_BYTES], time[PM_TIME_TEXT_BYTES];
  pm_zone_offset_text(zone->min, offset);
  int length = snprintf(out, PM_ZONE_TEXT_BYTES, "%s", offset);
  for (size_t i = 0; i < zone->count && length < PM_ZONE_TEXT_BYTES; i++) {
    pm_wall_rfc3339((struct pm_wall){zone->changes[i].at_s * PM_NS_PER_S}, false, time);
    pm_zone_offset_text(zone->changes[i].min, offset);
    length += snprintf(out + length, PM_ZONE_TEXT_BYTES - (size_t)length, ",%s=%s", time, offset);
  }
}
