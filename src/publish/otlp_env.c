#include "publish/otlp_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

enum {
  TIMEOUT_MS_DEFAULT = 10000,
  INTERVAL_MS_DEFAULT = 60000,
  TIMEOUT_MS_MAX = 300000,
  INTERVAL_MS_MIN = 1000,
  INTERVAL_MS_MAX = 3600000,
};

static const char URL_DEFAULT[] = "http://localhost:4318";
static const char PATH[] = "/v1/metrics";

struct reading {
  const char *(*env)(void *owner, const char *name);
  void *owner;
  struct pm_otlp_env *out;
  struct pm_why *why;
};

/* The specification: a variable that is set but empty counts as not set. */
static const char *get(const struct reading *r, const char *name) {
  const char *text = name != NULL ? r->env(r->owner, name) : NULL;
  return text != NULL && *text != '\0' ? text : NULL;
}

/* The one for metrics wins over the one for all signals; *out_name is whose value it is. */
static const char *get_either(const struct reading *r, const char *own, const char *common,
                              const char **out_name) {
  const char *text = get(r, own);
  *out_name = text != NULL ? own : common;
  return text != NULL ? text : get(r, common);
}

/* --- the endpoint -------------------------------------------------------------------------------
 */

static bool is_url(const char *text) {
  return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static bool ends_with(const char *text, size_t bytes, const char *end) {
  size_t end_bytes = strlen(end);
  return bytes >= end_bytes && memcmp(text + bytes - end_bytes, end, end_bytes) == 0;
}

static enum pm_err set_url(const struct reading *r, const char *name, const char *text,
                           bool append) {
  size_t bytes = strlen(text);
  if (!is_url(text))
    return pm_why_set(r->why, PM_ERR_SYNTAX, "%s: \"%s\" is no URL of http or https", name, text);
  if (bytes + sizeof(PATH) > sizeof(r->out->url))
    return pm_why_set(r->why, PM_ERR_TOO_LARGE, "%s: a URL of %zu bytes", name, bytes);
  while (append && bytes > 0 && text[bytes - 1] == '/') bytes--;
  append = append && !ends_with(text, bytes, PATH);
  snprintf(r->out->url, sizeof(r->out->url), "%.*s%s", (int)bytes, text, append ? PATH : "");
  return PM_OK;
}

static enum pm_err read_url(const struct reading *r, const char *url) {
  const char *own = get(r, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
  const char *common = get(r, "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (url != NULL) return set_url(r, "--otlp-url", url, true);
  if (own != NULL) return set_url(r, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", own, false);
  return set_url(r, "OTEL_EXPORTER_OTLP_ENDPOINT", common != NULL ? common : URL_DEFAULT, true);
}

/* --- lists of name=value ------------------------------------------------------------------------
 */

static bool is_printable(const char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) return false;
  return true;
}

/* As in W3C Baggage: blanks around are no part of it, %XX is decoded, '+' means itself. */
static bool decode(const char *text, size_t bytes, char *out, size_t out_bytes) {
  size_t at = 0;
  while (bytes > 0 && (*text == ' ' || *text == '\t')) text++, bytes--;
  while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t')) bytes--;
  for (size_t i = 0; i < bytes; i++) {
    int high = i + 2 < bytes ? pm_hex_value(text[i + 1]) : -1;
    int low = i + 2 < bytes ? pm_hex_value(text[i + 2]) : -1;
    bool escaped = text[i] == '%' && high >= 0 && low >= 0;
    if (at + 1 >= out_bytes) return false;
    out[at++] = escaped ? (char)(high * 16 + low) : text[i];
    if (out[at - 1] == '\0') return false;
    if (escaped) i += 2;
  }
  out[at] = '\0';
  return at > 0 && is_printable(out);
}

typedef bool (*take_pair)(struct pm_otlp_env *out, const char *name, const char *value);

static bool take_header(struct pm_otlp_env *out, const char *name, const char *value) {
  if (out->headers_count == PM_OTLP_HEADERS_MAX || strpbrk(name, ": ") != NULL) return false;
  int bytes =
      snprintf(out->headers[out->headers_count++], PM_OTLP_HEADER_BYTES, "%s: %s", name, value);
  return bytes < PM_OTLP_HEADER_BYTES;
}

static bool take_attribute(struct pm_otlp_env *out, const char *name, const char *value) {
  if (out->attributes_count == PM_OTLP_ATTRIBUTES_MAX) return false;
  if (strlen(value) >= PM_OTLP_ATTRIBUTE_BYTES) return false;
  struct pm_otlp_attribute *attribute = &out->attributes[out->attributes_count++];
  snprintf(attribute->name, sizeof(attribute->name), "%s", name);
  snprintf(attribute->value, sizeof(attribute->value), "%s", value);
  return true;
}

static enum pm_err read_pairs(const struct reading *r, const char *name, const char *text,
                              take_pair take) {
  char key[PM_OTLP_ATTRIBUTE_BYTES], value[PM_OTLP_HEADER_BYTES];
  for (size_t number = 1; *text != '\0'; number++) {
    size_t bytes = strcspn(text, ",");
    const char *sign = memchr(text, '=', bytes);
    bool right = sign != NULL && decode(text, (size_t)(sign - text), key, sizeof(key)) &&
                 decode(sign + 1, bytes - (size_t)(sign - text) - 1, value, sizeof(value)) &&
                 take(r->out, key, value);
    if (!right)
      return pm_why_set(r->why, PM_ERR_SYNTAX,
                        "%s: its pair number %zu is not name=value, or there are too many", name,
                        number);
    text += bytes + (text[bytes] == ',');
  }
  return PM_OK;
}

static enum pm_err read_lists(const struct reading *r) {
  const char *name;
  const char *headers =
      get_either(r, "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS", &name);
  const char *attributes = get(r, "OTEL_RESOURCE_ATTRIBUTES");
  const char *service = get(r, "OTEL_SERVICE_NAME");
  enum pm_err err = headers != NULL ? read_pairs(r, name, headers, take_header) : PM_OK;
  if (err == PM_OK && attributes != NULL)
    err = read_pairs(r, "OTEL_RESOURCE_ATTRIBUTES", attributes, take_attribute);
  if (service != NULL) {
    snprintf(r->out->service, sizeof(r->out->service), "%s", service);
    pm_utf8_trim_cut(r->out->service);
  }
  return err;
}

/* --- numbers and choices ------------------------------------------------------------------------
 */

static enum pm_err read_ms(const struct reading *r, const char *own, const char *common,
                           int64_t low, int64_t high, int64_t *out) {
  const char *name;
  const char *text = get_either(r, own, common, &name);
  if (text == NULL) return PM_OK;
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (*end != '\0' || errno != 0 || value < low || value > high)
    return pm_why_set(r->why, PM_ERR_RANGE,
                      "%s: \"%s\" is not a whole number of milliseconds from %lld to %lld", name,
                      text, (long long)low, (long long)high);
  *out = value;
  return PM_OK;
}

static enum pm_err read_compression(const struct reading *r) {
  const char *name;
  const char *text = get_either(r, "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
                                "OTEL_EXPORTER_OTLP_COMPRESSION", &name);
  if (text == NULL) return PM_OK;
  r->out->gzip = strcmp(text, "gzip") == 0;
  if (r->out->gzip || strcmp(text, "none") == 0) return PM_OK;
  return pm_why_set(r->why, PM_ERR_SYNTAX, "%s: \"%s\" is neither gzip nor none", name, text);
}

enum pm_err pm_otlp_env_read(const char *url, const char *(*env)(void *owner, const char *name),
                             void *owner, struct pm_otlp_env *out, struct pm_why *why) {
  struct reading r = {.env = env, .owner = owner, .out = out, .why = why};
  *out = (struct pm_otlp_env){
      .timeout_ms = TIMEOUT_MS_DEFAULT, .interval_ms = INTERVAL_MS_DEFAULT, .gzip = true};
  enum pm_err err = read_url(&r, url);
  if (err == PM_OK) err = read_lists(&r);
  if (err == PM_OK)
    err = read_ms(&r, "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT", 1,
                  TIMEOUT_MS_MAX, &out->timeout_ms);
  if (err == PM_OK)
    err = read_ms(&r, "OTEL_METRIC_EXPORT_INTERVAL", NULL, INTERVAL_MS_MIN, INTERVAL_MS_MAX,
                  &out->interval_ms);
  return err == PM_OK ? read_compression(&r) : err;
}
