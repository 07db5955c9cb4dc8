/* A query from anybody: no fault, and what is taken is written back and read as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/wire_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pm_wire_request request, again;
  char *query = malloc(size + 1);
  if (!query) return 0;
  memcpy(query, data, size);
  query[size] = '\0';
  if (pm_wire_request_read(query, &request, NULL) == PM_OK && request.mesh[0] != '\0') {
    struct pm_buf buf;
    pm_buf_init(&buf, PM_WIRE_QUERY_BYTES_MAX);
    pm_wire_request_write(&request, &buf);
    if (pm_buf_status(&buf) != PM_OK || pm_wire_request_read(buf.data, &again, NULL) != PM_OK)
      abort();
    if (again.self_count != request.self_count || again.nonce != request.nonce) abort();
    if (again.has_row != request.has_row || again.row_revision != request.row_revision) abort();
    pm_buf_deinit(&buf);
  }
  free(query);
  return 0;
}
