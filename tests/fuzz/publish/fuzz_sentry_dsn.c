/* What is taken for a DSN makes a URL and a header of one line each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "publish/sentry_dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pm_sentry_dsn dsn;
  struct pm_why why = {""};
  char *text = malloc(size + 1);
  if (text == NULL) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  if (pm_sentry_dsn_parse(text, &dsn, &why) == PM_OK) {
    require(strncmp(dsn.url, "http", 4) == 0);
    require(strcmp(dsn.url + strlen(dsn.url) - strlen("/envelope/"), "/envelope/") == 0);
    require(strpbrk(dsn.url, "\r\n @") == NULL && strpbrk(dsn.auth_header, "\r\n") == NULL);
    require(strlen(dsn.auth_header) + 1 < sizeof(dsn.auth_header));
  }
  free(text);
  return 0;
}
