#include "base/service_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 16 }; /* µs since 1970 have 16 until the year 2286 */

void pm_service_time_write(const struct pm_service_time *time, char out[PM_SERVICE_TIME_BYTES]) {
  snprintf(out, PM_SERVICE_TIME_BYTES, "%" PRId64 "; rx=%" PRId64 "; tx=%" PRId64, time->spent_us,
           time->received_us, time->sent_us);
}

struct reader {
  const char *at, *end;
};

static void skip_blanks(struct reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t')) r->at++;
}

static enum pm_err read_number(struct reader *r, int64_t *out) {
  const char *begin = r->at;
  int64_t number = 0;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
    if (r->at - begin == DIGITS_MAX) return PM_ERR_RANGE;
    number = number * 10 + (*r->at++ - '0');
  }
  if (r->at == begin) return PM_ERR_SYNTAX;
  *out = number;
  return PM_OK;
}

/* "; name=value"; the value of a name that we do not know is anything but ';'. */
static enum pm_err read_parameter(struct reader *r, struct pm_service_time *out) {
  if (*r->at++ != ';') return PM_ERR_SYNTAX;
  skip_blanks(r);
  size_t left = (size_t)(r->end - r->at);
  int64_t *field = NULL;
  if (left >= 3 && memcmp(r->at, "rx=", 3) == 0) field = &out->received_us;
  if (left >= 3 && memcmp(r->at, "tx=", 3) == 0) field = &out->sent_us;
  if (field) {
    r->at += 3;
    return read_number(r, field);
  }
  const char *next = memchr(r->at, ';', left);
  r->at = next ? next : r->end;
  return PM_OK;
}

enum pm_err pm_service_time_read(const char *value, size_t bytes, struct pm_service_time *out) {
  struct reader r = {.at = value, .end = value + bytes};
  struct pm_service_time time = {0};
  if (bytes >= PM_SERVICE_TIME_VALUE_BYTES_MAX) return PM_ERR_TOO_LARGE;
  skip_blanks(&r);
  enum pm_err err = read_number(&r, &time.spent_us);
  skip_blanks(&r);
  while (err == PM_OK && r.at < r.end) {
    err = read_parameter(&r, &time);
    skip_blanks(&r);
  }
  if (err == PM_OK) *out = time;
  return err;
}
