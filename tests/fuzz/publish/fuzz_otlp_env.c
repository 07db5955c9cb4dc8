/* Lists of headers and attributes: what is taken is one line each, and within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "publish/otlp_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

static const char *lookup(void *owner, const char *name) {
  bool wanted = strcmp(name, "OTEL_EXPORTER_OTLP_HEADERS") == 0 ||
                strcmp(name, "OTEL_RESOURCE_ATTRIBUTES") == 0;
  return wanted ? owner : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pm_otlp_env env;
  char *text = malloc(size + 1);
  if (text == NULL) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  if (pm_otlp_env_read(NULL, lookup, text, &env, NULL) == PM_OK) {
    require(env.headers_count <= PM_OTLP_HEADERS_MAX);
    for (size_t i = 0; i < env.headers_count; i++) {
      require(strstr(env.headers[i], ": ") != NULL);
      require(strpbrk(env.headers[i], "\r\n") == NULL);
    }
    for (size_t i = 0; i < env.attributes_count; i++) require(env.attributes[i].name[0] != '\0');
  }
  free(text);
  return 0;
}
