/* Time: wrapped types, so that a monotonic instant, a calendar instant and a length of time cannot
 * be taken for each other. Lengths are plain integers with their unit last in the name.
 *
 * Pure, but for the pm_clock_ functions, which only layers that act may call (./dev lint).
 */
#ifndef PM_BASE_CLOCK_H
#define PM_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
  PM_NS_PER_US = 1000,
  PM_NS_PER_MS = 1000 * 1000,
  PM_NS_PER_S = 1000 * 1000 * 1000,
};

/* An instant of CLOCK_MONOTONIC, or of a simulation's clock. PM_TIME_NEVER is later than any other.
 */
struct pm_time {
  int64_t ns;
};
#define PM_TIME_NEVER ((struct pm_time){INT64_MAX})

/* An instant of the calendar: nanoseconds since 1970-01-01 UTC. 0 means "it never happened". */
struct pm_wall {
  int64_t ns;
};

struct pm_time pm_clock_now(void);
struct pm_wall pm_clock_wall(void);
/* Processor time that the calling thread has used, in ns: for what something costs. */
int64_t pm_clock_thread_ns(void);

/* Both saturate: past the end they give PM_TIME_NEVER, and PM_TIME_NEVER stays what it is. */
struct pm_time pm_time_add_ns(struct pm_time t, int64_t ns);
struct pm_time pm_time_add_ms(struct pm_time t, int64_t ms);
/* later - earlier; negative if they are the other way round. Saturates. */
int64_t pm_time_since_ns(struct pm_time later, struct pm_time earlier);
bool pm_time_before(struct pm_time a, struct pm_time b);
struct pm_time pm_time_min(struct pm_time a, struct pm_time b);

enum { PM_TIME_TEXT_BYTES = 40 };

/* RFC 3339 in UTC as Go's encoding/json writes a time.Time: "2026-11-22T10:32:50Z" or, with
 * fraction, nanoseconds without trailing zeros. "0001-01-01T00:00:00Z" for "never". */
void pm_wall_rfc3339(struct pm_wall t, bool fraction, char out[PM_TIME_TEXT_BYTES]);
/* Reads what the above writes, any offset included; the year 1 becomes "never". Digits past the
 * nanosecond are cut. PM_ERR_SYNTAX, or PM_ERR_RANGE (before 1970 or after 2262). */
enum pm_err pm_wall_parse(const char *text, struct pm_wall *out) PM_MUST_USE;
/* UTC after a strftime(3) format; "" if the result would not fit. For the log and for avgping. */
void pm_wall_format(struct pm_wall t, const char *format, char *out, size_t out_bytes)
    __attribute__((format(strftime, 2, 0)));

/* A length of time as the original prints it: "4s", "1m05s", "1h15m22s", "2d3h00m01s".
 * Fractions are cut; negative reads "0s". */
void pm_duration_text(int64_t seconds, char out[PM_TIME_TEXT_BYTES]);

#endif
