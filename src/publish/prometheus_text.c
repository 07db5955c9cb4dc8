#include "publish/prometheus_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"

enum {
  LABEL_BYTES_MAX = 8192, /* a URL is at most 2,048, and each byte of it at most two */
  DIGITS_MAX = 20,        /* of 2^64 */
};

void pm_prometheus_family(struct pm_buf *out, const char *name, const char *type,
                          const char *help) {
  pm_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void pm_prometheus_label(struct pm_buf *out, const char *name, const char *value) {
  struct pm_buf clean;
  pm_buf_init(&clean, LABEL_BYTES_MAX);
  pm_escape_line(&clean, value, strlen(value));
  if (out->len > 0) pm_buf_char(out, ',');
  pm_buf_text(out, name);
  pm_buf_text(out, "=\"");
  for (const char *at = clean.data; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\') pm_buf_char(out, '\\');
    pm_buf_char(out, *at);
  }
  pm_buf_char(out, '"');
  pm_buf_deinit(&clean);
}

void pm_prometheus_sample(struct pm_buf *out, const char *name, const char *suffix,
                          const char *labels, const char *more) {
  bool has_labels = labels[0] != '\0' || more != NULL;
  pm_buf_text(out, name);
  pm_buf_text(out, suffix);
  if (has_labels) {
    pm_buf_char(out, '{');
    pm_buf_text(out, labels);
    if (more != NULL && labels[0] != '\0') pm_buf_char(out, ',');
    if (more != NULL) pm_buf_text(out, more);
    pm_buf_char(out, '}');
  }
  pm_buf_char(out, ' ');
}

/* The digits of a number, without printf: a scrape has a hundred thousand of them. */
static char *write_digits(char *end, uint64_t value) {
  do {
    *--end = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  return end;
}

void pm_prometheus_uint(struct pm_buf *out, uint64_t value) {
  char text[DIGITS_MAX + 2];
  char *end = text + DIGITS_MAX;
  char *begin = write_digits(end, value);
  *end = '\n';
  pm_buf_append(out, begin, (size_t)(end + 1 - begin));
}

void pm_prometheus_double(struct pm_buf *out, double value) {
  pm_buf_printf(out, "%.9g\n", value);
}

void pm_prometheus_seconds_text(int64_t ns, char out[PM_PROMETHEUS_SECONDS_BYTES]) {
  bool negative = ns < 0;
  uint64_t left = negative ? -(uint64_t)ns : (uint64_t)ns;
  uint64_t fraction = left % PM_NS_PER_S;
  char text[DIGITS_MAX];
  char *digits = write_digits(text + DIGITS_MAX, left / PM_NS_PER_S);
  char *at = out;
  if (negative) *at++ = '-';
  while (digits < text + DIGITS_MAX) *at++ = *digits++;
  if (fraction > 0) {
    *at++ = '.';
    for (int64_t unit = PM_NS_PER_S / 10; fraction > 0; unit /= 10) {
      *at++ = (char)('0' + fraction / (uint64_t)unit);
      fraction %= (uint64_t)unit;
    }
  }
  *at = '\0';
}

void pm_prometheus_seconds(struct pm_buf *out, int64_t ns) {
  char text[PM_PROMETHEUS_SECONDS_BYTES];
  pm_prometheus_seconds_text(ns, text);
  pm_buf_text(out, text);
  pm_buf_char(out, '\n');
}
