#include "api/accept.h"

#include <string.h>
#include <strings.h>

#include "api/form.h"

/* Weights in thousandths. A more specific range outweighs a wider one, whatever their order. */
struct preference {
  int weight;
  int specificity; /* 0: not named, 1: star, 2: "text" and a star, 3: the type itself */
};

static bool is_type(const char *text, size_t bytes, const char *type) {
  return strlen(type) == bytes && strncasecmp(text, type, bytes) == 0;
}

static int digit_or_0(char c) {
  return c >= '0' && c <= '9' ? c - '0' : 0;
}

/* "0", "0.8", "1.000" at text; anything else counts as 1, the weight of a range without one. */
static int read_weight(const char *text) {
  if (text[0] != '0') return 1000;
  int weight = 0;
  int scale = 100;
  if (text[1] != '.') return 0;
  for (const char *at = text + 2; *at >= '0' && *at <= '9' && scale > 0; at++, scale /= 10) {
    weight += scale * digit_or_0(*at);
  }
  return weight;
}

/* The weight among the parameters of one range. */
static int range_weight(const char *parameters, size_t bytes) {
  for (size_t i = 0; i + 2 < bytes; i++) {
    if (parameters[i] != ';' && parameters[i] != ' ') continue;
    if ((parameters[i + 1] | 0x20) == 'q' && parameters[i + 2] == '=') {
      return read_weight(parameters + i + 3);
    }
  }
  return 1000;
}

static void prefer(struct preference *preference, int specificity, int weight) {
  if (specificity < preference->specificity) return;
  *preference = (struct preference){weight, specificity};
}

static void read_range(const char *text, size_t bytes, struct preference *html,
                       struct preference *json) {
  size_t type_bytes = strcspn(text, "; \t,");
  if (type_bytes > bytes) type_bytes = bytes;
  int weight = range_weight(text + type_bytes, bytes - type_bytes);
  if (is_type(text, type_bytes, "*/*")) {
    prefer(html, 1, weight);
    prefer(json, 1, weight);
  }
  if (is_type(text, type_bytes, "text/*")) prefer(html, 2, weight);
  if (is_type(text, type_bytes, "application/*")) prefer(json, 2, weight);
  if (is_type(text, type_bytes, "text/html")) prefer(html, 3, weight);
  if (is_type(text, type_bytes, "application/json") ||
      is_type(text, type_bytes, "application/problem+json")) {
    prefer(json, 3, weight);
  }
}

enum pm_format pm_accept_format(const struct pm_http_request *request, enum pm_format neutral) {
  struct preference html = {0};
  struct preference json = {0};
  const char *at = pm_http_request_header(request, "accept");
  while (at != NULL && *at != '\0') {
    at += strspn(at, ", \t");
    size_t bytes = strcspn(at, ",");
    read_range(at, bytes, &html, &json);
    at += bytes;
  }
  if (html.weight == json.weight) return neutral;
  return html.weight > json.weight ? PM_FORMAT_HTML : PM_FORMAT_JSON;
}

bool pm_accept_gzip(const struct pm_http_request *request) {
  const char *at = pm_http_request_header(request, "accept-encoding");
  struct preference gzip = {0};
  while (at != NULL && *at != '\0') {
    at += strspn(at, ", \t");
    size_t bytes = strcspn(at, ",");
    size_t name_bytes = strcspn(at, "; \t,");
    int weight = range_weight(at + name_bytes, bytes - name_bytes);
    if (is_type(at, name_bytes, "*")) prefer(&gzip, 1, weight);
    if (is_type(at, name_bytes, "gzip") || is_type(at, name_bytes, "x-gzip"))
      prefer(&gzip, 2, weight);
    at += bytes;
  }
  return gzip.weight > 0;
}

enum pm_format pm_accept_query(const struct pm_http_request *request, enum pm_format neutral) {
  struct pm_form form;
  if (pm_form_parse(request->query, strlen(request->query), &form, NULL) != PM_OK) return neutral;
  const char *format = pm_form_value(&form, "format");
  if (strcmp(format, "html") == 0) return PM_FORMAT_HTML;
  if (strcmp(format, "json") == 0) return PM_FORMAT_JSON;
  return neutral;
}
