/* The file with the admin token: what is taken is its first line, whole, and visible ASCII. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node/admin_token.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_taken(const char *token, const uint8_t *data, size_t size) {
  const size_t length = strlen(token);
  CHECK(length >= PM_AUTH_TOKEN_BYTES_MIN && length <= PM_AUTH_TOKEN_BYTES_MAX && length <= size);
  for (size_t i = 0; i < length; i++) CHECK(token[i] > ' ' && token[i] < 0x7f);
  CHECK(memcmp(token, data, length) == 0);
  CHECK(length == size || data[length] == '\n' || data[length] == '\r');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64], token[PM_AUTH_TOKEN_BYTES_MAX + 1] = "?";
  struct pm_why why = {""};
  int fd = memfd_create("token", MFD_CLOEXEC);
  CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const struct pm_options options = {.admin_token_file = path};
  if (pm_admin_token_read(&options, token, &why) == PM_OK)
    check_taken(token, data, size);
  else
    CHECK(why.text[0] != '\0' && token[0] == '\0');
  close(fd);
  return 0;
}
