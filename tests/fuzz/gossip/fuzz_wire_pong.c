/* A header from anybody: no fault, and what is taken is written back and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/wire_pong.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_wire_pong pong, again;
  char *value = malloc(size + 1);
  if (!value) return 0;
  memcpy(value, data, size);
  value[size] = '\0';
  if (pm_wire_pong_read(value, &pong) == PM_OK) {
    struct pm_buf buf;
    pm_buf_init(&buf, PM_WIRE_PONG_BYTES_MAX);
    pm_wire_pong_write(&pong, &buf);
    if (pm_buf_status(&buf) != PM_OK || pm_wire_pong_read(buf.data, &again) != PM_OK) abort();
    if (again.nonce != pong.nonce || again.inc != pong.inc) abort();
    pm_buf_deinit(&buf);
  }
  free(value);
  return 0;
}
