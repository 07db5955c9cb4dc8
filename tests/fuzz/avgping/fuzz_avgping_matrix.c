/* Pages of a matrix from whatever node was asked, cut at bytes of 0: no fault, a table of as many
 * lines as there are nodes, and nothing in it that a terminal would obey. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines_of(const struct pm_buf *out) {
  size_t lines = 0;
  for (size_t i = 0; i < out->len; i++) lines += out->data[i] == '\n';
  return lines;
}

static void check_draw(const struct avgping_matrix *matrix,
                       const struct avgping_terminal *terminal) {
  struct pm_buf out;
  unsigned long nodes = 0;
  pm_buf_init(&out, 1 << 26);
  CHECK(avgping_matrix_draw(matrix, terminal, &out) == PM_OK && pm_buf_status(&out) == PM_OK);
  CHECK(sscanf(out.data, "%lu nodes, ", &nodes) == 1 && nodes <= AVGPING_MATRIX_NODES_MAX);
  CHECK(lines_of(&out) >= nodes + 1);
  for (size_t i = 0; i < out.len; i++) {
    const unsigned char byte = (unsigned char)out.data[i];
    CHECK(byte >= ' ' || byte == '\n' || (byte == '\033' && terminal->colour));
  }
  pm_buf_deinit(&out);
}

static void take(struct avgping_matrix *matrix, const char *page, size_t bytes) {
  struct pm_why why = {""};
  struct pm_buf body;
  pm_buf_init(&body, 1 << 24);
  pm_buf_append(&body, page, bytes);
  if (avgping_matrix_take(matrix, &body, &why) != PM_OK) CHECK(why.text[0] != '\0');
  pm_buf_deinit(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct avgping_terminal plain = {false, false, 0}, rich = {true, true, 40};
  struct avgping_matrix *matrix;
  const char *page = size > 0 ? (const char *)data : "", *end = page + size;
  if (avgping_matrix_new(&matrix) != PM_OK) return 0;
  while (page < end) {
    const char *zero = memchr(page, '\0', (size_t)(end - page));
    take(matrix, page, (size_t)((zero ? zero : end) - page));
    page = zero ? zero + 1 : end;
  }
  check_draw(matrix, &plain);
  check_draw(matrix, &rich);
  avgping_matrix_free(matrix);
  return 0;
}
