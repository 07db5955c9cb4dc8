/* What an endpoint answers: any bytes and any status. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "publish/cloudwatch_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  int status = 100 + (data[0] << 8 | data[1]) % 500;
  char *body = calloc(1, size);
  struct pm_why words = {""};
  if (!body) return 0;
  memcpy(body, data + 2, size - 2);
  enum pm_cloudwatch_verdict verdict = pm_cloudwatch_judge(status, body, &words);
  assert((verdict == PM_CLOUDWATCH_TAKEN) == (status >= 200 && status < 300));
  assert((verdict == PM_CLOUDWATCH_TAKEN) == (words.text[0] == '\0'));
  free(body);
  return 0;
}
