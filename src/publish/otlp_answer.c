#include "publish/otlp_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"

/* A partial success is two members; a Status (of an error) a few more. */
static const struct pm_json_limits limits = {.bytes_max = PM_DELIVERY_ANSWER_BYTES_MAX,
                                             .depth_max = 8,
                                             .items_max = 256,
                                             .string_bytes_max = 8192};

/* An int64 in protobuf's JSON is a string, and readers take a number, too. */
static uint64_t read_count(const struct pm_json *value) {
  const char *text;
  int64_t number;
  if (pm_json_int(value, 0, INT64_MAX, &number) == PM_OK) return (uint64_t)number;
  if (pm_json_string(value, &text) != PM_OK || *text < '0' || *text > '9') return 0;
  char *end;
  errno = 0;
  unsigned long long read = strtoull(text, &end, 10);
  return *end == '\0' && errno == 0 && read <= INT64_MAX ? read : 0;
}

static enum pm_delivery_verdict judge_success(const char *body, size_t bytes,
                                              uint64_t *out_rejected, struct pm_why *words) {
  struct pm_json_doc *doc;
  if (bytes == 0) return PM_DELIVERY_SENT;
  enum pm_err err = pm_json_parse(body, bytes, &limits, &doc, NULL);
  if (err == PM_ERR_NOMEM) return PM_DELIVERY_SENT; /* only the words are lost */
  if (err != PM_OK) {
    pm_why_set(words, err, "this is no OTLP receiver, its answer is not JSON: %.*s", 120, body);
    return PM_DELIVERY_REFUSED;
  }
  const struct pm_json *partial = pm_json_member(pm_json_root(doc), "partialSuccess");
  const char *message = "";
  if (pm_json_string(pm_json_member(partial, "errorMessage"), &message) != PM_OK) message = "";
  *out_rejected = read_count(pm_json_member(partial, "rejectedDataPoints"));
  if (*out_rejected > 0)
    pm_why_set(words, PM_ERR_IO, "%llu data points were rejected: %.200s",
               (unsigned long long)*out_rejected, message);
  else if (*message != '\0')
    pm_why_set(words, PM_ERR_IO, "taken with a warning: %.200s", message);
  pm_json_free(doc);
  return PM_DELIVERY_SENT;
}

static void say_status(int status, const char *body, size_t bytes, struct pm_why *words) {
  struct pm_json_doc *doc;
  const char *message = NULL;
  if (pm_json_parse(body, bytes, &limits, &doc, NULL) != PM_OK) return;
  if (pm_json_string(pm_json_member(pm_json_root(doc), "message"), &message) == PM_OK)
    pm_why_set(words, PM_ERR_IO, "HTTP status %d: %.200s", status, message);
  pm_json_free(doc);
}

enum pm_delivery_verdict pm_otlp_judge(int status, const char *body, size_t bytes,
                                       uint64_t *out_rejected, struct pm_why *words) {
  *out_rejected = 0;
  if (status >= 200 && status < 300) return judge_success(body, bytes, out_rejected, words);
  say_status(status, body, bytes, words);
  bool later = status == 429 || status == 502 || status == 503 || status == 504;
  return later ? PM_DELIVERY_RETRY : PM_DELIVERY_REFUSED;
}
