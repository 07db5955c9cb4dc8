/* Rows of the matrix from anybody: no fault; what is taken is written and read again, the same, and
 * a matrix that takes it stays within its bounds. Odd sizes are read as relayed rows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/wire_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read_again(const struct pm_wire_relayed *was) {
  static struct pm_wire_relayed is;
  struct pm_matrix_row row = {.from = was->from,
                              .inc = was->row.inc,
                              .revision = was->row.upto,
                              .hops = was->hops,
                              .cells = was->row.cells,
                              .count = was->row.count};
  struct pm_buf buf;
  pm_buf_init(&buf, PM_WIRE_ROW_BYTES_MAX + 64);
  pm_wire_row_write_relayed(&row, was->age_s, &buf);
  if (pm_buf_status(&buf) != PM_OK) abort();
  if (pm_wire_row_read_relayed(buf.data, buf.len, &is) != PM_OK) abort();
  if (is.age_s != was->age_s || is.hops != was->hops || is.row.upto != was->row.upto) abort();
  if (is.row.count != was->row.count) abort();
  for (size_t i = 0; i < is.row.count; i++)
    if (memcmp(&is.row.cells[i], &was->row.cells[i], sizeof is.row.cells[i]) != 0) abort();
  pm_buf_deinit(&buf);
}

static void take(const struct pm_wire_relayed *relayed, enum pm_row_source source) {
  static struct pm_matrix *matrix;
  static int64_t now_s = 1000000;
  struct pm_time now = {++now_s * PM_NS_PER_S};
  const struct pm_wire_row *row = &relayed->row;
  if (!matrix && pm_matrix_new(4, &matrix) != PM_OK) return;
  struct pm_matrix_news news = {.from = relayed->from,
                                .inc = row->inc,
                                .since = row->since,
                                .upto = row->upto,
                                .as_of = pm_time_add_ns(now, -relayed->age_s * PM_NS_PER_S),
                                .source = source,
                                .hops = relayed->hops,
                                .more = row->more,
                                .cells = row->cells,
                                .count = row->count};
  (void)!pm_matrix_take(matrix, &news, now);
  pm_matrix_advance(matrix, now);
  if (pm_matrix_count(matrix) > 4 || pm_matrix_bytes(matrix) > pm_matrix_bytes_max(4)) abort();
  for (size_t r = 0; r < pm_matrix_count(matrix); r++)
    for (size_t i = 1; i < pm_matrix_at(matrix, r)->count; i++)
      if (pm_matrix_at(matrix, r)->cells[i].to <= pm_matrix_at(matrix, r)->cells[i - 1].to) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pm_wire_relayed read;
  char *text = malloc(size ? size : 1); /* of this size exactly, so that ASan sees the end */
  if (!text) return 0;
  memcpy(text, data, size);
  memset(&read, 0, sizeof read);
  if (size % 2 == 1 && pm_wire_row_read_relayed(text, size, &read) == PM_OK) {
    write_and_read_again(&read);
    take(&read, PM_ROW_RELAYED);
  } else if (size % 2 == 0 && pm_wire_row_read(text, size, &read.row) == PM_OK) {
    read.from.bytes[0] = (uint8_t)(1 + read.row.inc % 8);
    take(&read, PM_ROW_DIRECT);
    read.row.since = 0;
    read.row.more = false;
    write_and_read_again(&read);
  }
  free(text);
  return 0;
}
