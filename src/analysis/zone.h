/* A viewer's zone: how far its clock is ahead of UTC, and when that changes, as in summer time. The
 * viewer says both, for it knows its zone's rules, and this machine may not. Pure.
 */
#ifndef PM_ANALYSIS_ZONE_H
#define PM_ANALYSIS_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
  PM_ZONE_CHANGES_MAX = 8,   /* four years of summer times: twice what can be asked for */
  PM_ZONE_MIN_MAX = 24 * 60, /* no zone is further from UTC */
  PM_ZONE_TEXT_BYTES = 256,  /* of all of it */
  PM_ZONE_OFFSET_BYTES = 16,
};

struct pm_zone_change {
  int64_t at_s; /* since 1970 UTC: from then on */
  int32_t min;  /* minutes ahead of UTC */
};

/* Of all zeroes: UTC. */
struct pm_zone {
  int32_t min;                                        /* before the first change */
  struct pm_zone_change changes[PM_ZONE_CHANGES_MAX]; /* ascending */
  size_t count;
};

/* "+02:00", "Z" or "" for UTC; with changes "+02:00,2026-10-25T01:00:00Z=+01:00,…". A blank is
 * taken for a '+' that was not escaped. PM_ERR_SYNTAX, or PM_ERR_RANGE: too many changes, or not
 * one after the other; each with a sentence. */
enum pm_err pm_zone_parse(const char *text, struct pm_zone *out, struct pm_why *why) PM_MUST_USE;

int32_t pm_zone_at(const struct pm_zone *zone, int64_t time_s);

/* "+05:30" */
void pm_zone_offset_text(int32_t min, char out[PM_ZONE_OFFSET_BYTES]);
/* As it is read. */
void pm_zone_text(const struct pm_zone *zone, char out[PM_ZONE_TEXT_BYTES]);

#endif
