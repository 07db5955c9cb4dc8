#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

enum pm_err pm_secret_fill(void *out, size_t bytes) {
  uint8_t *at = out;
  while (bytes > 0) {
    /* The kernel gives up to 256 bytes whole; longer requests may come in parts. */
    ssize_t got = getrandom(at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return PM_ERR_SYSTEM;
    at += got;
    bytes -= (size_t)got;
  }
  return PM_OK;
}

bool pm_secret_equal(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
  if (a_bytes != b_bytes) return false;
  /* volatile, so that the compiler cannot stop at the first difference. */
  const volatile uint8_t *left = a;
  const volatile uint8_t *right = b;
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < a_bytes; i++) difference = difference | (left[i] ^ right[i]);
  return difference == 0;
}
