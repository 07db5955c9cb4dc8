/* Whatever a receiver answers is judged, in words that are fit for a log. The first two bytes are
 * the status. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "publish/clickhouse_row.h"
#include "publish/otlp_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

static void require_words(const struct pm_why *words) {
  size_t bytes = strlen(words->text);
  require(bytes < sizeof(words->text));
  for (size_t i = 0; i < bytes; i++)
    require((unsigned char)words->text[i] >= 0x20 && words->text[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_why words = {""};
  uint64_t rejected;
  if (size < 2) return 0;
  int status = (data[0] << 8 | data[1]) % 1000;
  size_t bytes = size - 2;
  char *body = malloc(bytes + 1);
  if (body == NULL) return 0;
  memcpy(body, data + 2, bytes);
  body[bytes] = '\0';
  enum pm_delivery_verdict verdict = pm_otlp_judge(status, body, bytes, &rejected, &words);
  require(verdict == PM_DELIVERY_SENT || rejected == 0);
  require(rejected <= INT64_MAX);
  require_words(&words);
  words.text[0] = '\0';
  verdict = pm_clickhouse_judge(status, body, &words);
  require((verdict == PM_DELIVERY_SENT) <= (status >= 200 && status < 300));
  require_words(&words);
  free(body);
  return 0;
}
