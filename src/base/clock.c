#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock_ns(clockid_t id) {
  struct timespec now;
  /* None of them can be missing on Linux, and the pointer is valid: there is no error to handle. */
  clock_gettime(id, &now);
  return (int64_t)now.tv_sec * PM_NS_PER_S + now.tv_nsec;
}

struct pm_time pm_clock_now(void) {
  return (struct pm_time){read_clock_ns(CLOCK_MONOTONIC)};
}

struct pm_wall pm_clock_wall(void) {
  return (struct pm_wall){read_clock_ns(CLOCK_REALTIME)};
}

int64_t pm_clock_thread_ns(void) {
  return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

struct pm_time pm_time_add_ns(struct pm_time t, int64_t ns) {
  if (t.ns == INT64_MAX) return t;
  int64_t sum;
  if (__builtin_add_overflow(t.ns, ns, &sum)) sum = ns > 0 ? INT64_MAX : INT64_MIN;
  return (struct pm_time){sum};
}

struct pm_time pm_time_add_ms(struct pm_time t, int64_t ms) {
  int64_t ns;
  if (__builtin_mul_overflow(ms, (int64_t)PM_NS_PER_MS, &ns)) ns = ms > 0 ? INT64_MAX : INT64_MIN;
  return pm_time_add_ns(t, ns);
}

int64_t pm_time_since_ns(struct pm_time later, struct pm_time earlier) {
  int64_t ns;
  if (!__builtin_sub_overflow(later.ns, earlier.ns, &ns)) return ns;
  return later.ns > earlier.ns ? INT64_MAX : INT64_MIN;
}

bool pm_time_before(struct pm_time a, struct pm_time b) {
  return a.ns < b.ns;
}

struct pm_time pm_time_min(struct pm_time a, struct pm_time b) {
  return pm_time_before(b, a) ? b : a;
}

/* The calendar fields in UTC, "never" being the first moment of the year 1 as in Go. Returns the
 * nanoseconds within the second. */
static int wall_fields(struct pm_wall t, struct tm *out) {
  if (t.ns == 0) {
    *out = (struct tm){.tm_year = 1 - 1900, .tm_mday = 1, .tm_wday = 1, .tm_zone = "UTC"};
    return 0;
  }
  int64_t ns = t.ns % PM_NS_PER_S;
  if (ns < 0) ns += PM_NS_PER_S;
  time_t seconds = (time_t)((t.ns - ns) / PM_NS_PER_S);
  gmtime_r(&seconds, out);
  return (int)ns;
}

enum { FRACTION_BYTES = 16 }; /* ".123456789" and its NUL, with room that the compiler asks for */

/* ".5" or ".072294244"; "" for 0. */
static void fraction_text(int ns, char out[FRACTION_BYTES]) {
  out[0] = '\0';
  if (ns == 0) return;
  int length = snprintf(out, FRACTION_BYTES, ".%09d", ns);
  while (out[length - 1] == '0') out[--length] = '\0';
}

void pm_wall_rfc3339(struct pm_wall t, bool fraction, char out[PM_TIME_TEXT_BYTES]) {
  struct tm tm;
  char digits[FRACTION_BYTES];
  int ns = wall_fields(t, &tm);
  fraction_text(fraction ? ns : 0, digits);
  int length = snprintf(out, PM_TIME_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  snprintf(out + length, PM_TIME_TEXT_BYTES - (size_t)length, "%sZ", digits);
}

/* The compiler checks the format where this function is called (see its declaration), but gcc has
 * no way to be told that it may pass on to strftime what was checked there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void pm_wall_format(struct pm_wall t, const char *format, char *out, size_t out_bytes) {
  struct tm tm;
  wall_fields(t, &tm);
  /* What strftime leaves behind when the text does not fit is unspecified. */
  if (strftime(out, out_bytes, format, &tm) == 0 && out_bytes > 0) out[0] = '\0';
}
#pragma GCC diagnostic pop

/* Reads exactly count digits and moves the cursor behind them. */
static bool take_number(const char **at, int count, int *out) {
  int value = 0;
  for (int i = 0; i < count; i++) {
    char c = (*at)[i];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  *at += count;
  *out = value;
  return true;
}

static bool take_char(const char **at, char expected) {
  if (**at != expected) return false;
  (*at)++;
  return true;
}

static int days_in_month(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **at, struct tm *out) {
  int year;
  int month;
  if (!take_number(at, 4, &year) || !take_char(at, '-')) return false;
  if (!take_number(at, 2, &month) || !take_char(at, '-')) return false;
  if (!take_number(at, 2, &out->tm_mday)) return false;
  if (month < 1 || month > 12) return false;
  out->tm_year = year - 1900;
  out->tm_mon = month - 1;
  return out->tm_mday >= 1 && out->tm_mday <= days_in_month(year, month);
}

static bool take_time_of_day(const char **at, struct tm *out) {
  if (!take_number(at, 2, &out->tm_hour) || !take_char(at, ':')) return false;
  if (!take_number(at, 2, &out->tm_min) || !take_char(at, ':')) return false;
  if (!take_number(at, 2, &out->tm_sec)) return false;
  return out->tm_hour <= 23 && out->tm_min <= 59 && out->tm_sec <= 59;
}

/* ".5" and longer, or nothing. */
static bool take_fraction(const char **at, int *out_ns) {
  *out_ns = 0;
  if (!take_char(at, '.')) return true;
  int digit;
  int weight = PM_NS_PER_S / 10;
  if (!take_number(at, 1, &digit)) return false;
  do {
    *out_ns += digit * weight;
    weight /= 10;
  } while (take_number(at, 1, &digit));
  return true;
}

/* "Z", "+01:00" or "-07:30", which must end the text. */
static bool take_offset(const char **at, int *out_seconds) {
  int hours = 0;
  int minutes = 0;
  *out_seconds = 0;
  if (take_char(at, 'Z')) return **at == '\0';
  int sign = **at == '-' ? -1 : 1;
  if (!take_char(at, '+') && !take_char(at, '-')) return false;
  if (!take_number(at, 2, &hours) || !take_char(at, ':')) return false;
  if (!take_number(at, 2, &minutes)) return false;
  *out_seconds = sign * (hours * 3600 + minutes * 60);
  return hours <= 23 && minutes <= 59 && **at == '\0';
}

enum pm_err pm_wall_parse(const char *text, struct pm_wall *out) {
  struct tm tm = {0};
  int ns;
  int offset_s;
  if (!take_date(&text, &tm) || !take_char(&text, 'T') || !take_time_of_day(&text, &tm) ||
      !take_fraction(&text, &ns) || !take_offset(&text, &offset_s)) {
    return PM_ERR_SYNTAX;
  }
  if (tm.tm_year + 1900 == 1) {
    *out = (struct pm_wall){0};
    return PM_OK;
  }
  int64_t seconds = (int64_t)timegm(&tm) - offset_s;
  int64_t total_ns;
  if (seconds < 0 || __builtin_mul_overflow(seconds, (int64_t)PM_NS_PER_S, &total_ns) ||
      __builtin_add_overflow(total_ns, (int64_t)ns, &total_ns)) {
    return PM_ERR_RANGE;
  }
  *out = (struct pm_wall){total_ns};
  return PM_OK;
}

void pm_duration_text(int64_t seconds, char out[PM_TIME_TEXT_BYTES]) {
  if (seconds < 0) seconds = 0;
  int64_t days = seconds / 86400;
  int hours = (int)(seconds / 3600 % 24);
  int minutes = (int)(seconds / 60 % 60);
  int rest = (int)(seconds % 60);
  if (days > 0) {
    snprintf(out, PM_TIME_TEXT_BYTES, "%" PRId64 "d%dh%02dm%02ds", days, hours, minutes, rest);
  } else if (hours > 0) {
    snprintf(out, PM_TIME_TEXT_BYTES, "%dh%02dm%02ds", hours, minutes, rest);
  } else if (minutes > 0) {
    snprintf(out, PM_TIME_TEXT_BYTES, "%dm%02ds", minutes, rest);
  } else {
    snprintf(out, PM_TIME_TEXT_BYTES, "%ds", rest);
  }
}
