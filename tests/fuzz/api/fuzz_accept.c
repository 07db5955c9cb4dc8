/* Accept and Accept-Encoding from anybody: the case of letters and empty elements change nothing,
 * what is neutral decides only where neither format weighs more, and a refusal of gzip is heard. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"

enum { INPUT_BYTES_MAX = 1024 };

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct answer {
  enum pm_format or_html, or_json;
  bool gzip;
};

/* What both headers of that value are taken for. */
static struct answer answer(const char *value) {
  const struct pm_http_request request = {
      .query = "",
      .headers = {{"accept", value}, {"accept-encoding", value}},
      .headers_count = 2,
  };
  return (struct answer){pm_accept_format(&request, PM_FORMAT_HTML),
                         pm_accept_format(&request, PM_FORMAT_JSON), pm_accept_gzip(&request)};
}

static void check_same(const struct answer *a, const char *value) {
  const struct answer b = answer(value);
  CHECK(a->or_html == b.or_html && a->or_json == b.or_json && a->gzip == b.gzip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char value[INPUT_BYTES_MAX] = "", other[INPUT_BYTES_MAX + 64];
  if (size >= sizeof value) return 0;
  if (size > 0) memcpy(value, data, size);
  const struct answer plain = answer(value);
  CHECK(plain.or_html == plain.or_json ||
        (plain.or_html == PM_FORMAT_HTML && plain.or_json == PM_FORMAT_JSON));

  (void)snprintf(other, sizeof other, " ,, %s, ,", value);
  check_same(&plain, other);
  (void)snprintf(other, sizeof other, "%s", value);
  for (char *at = other; *at; at++) *at = (char)toupper((unsigned char)*at);
  check_same(&plain, other);

  (void)snprintf(other, sizeof other, "%s, gzip;q=0", value);
  CHECK(!answer(other).gzip);
  (void)snprintf(other, sizeof other, "%s, text/html;q=0, application/json;q=0.001", value);
  CHECK(answer(other).or_html == PM_FORMAT_JSON);
  return 0;
}
