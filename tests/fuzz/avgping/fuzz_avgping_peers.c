/* A peers document from whatever node was asked, as a table for a person: a line for each peer, and
 * nothing in it that a terminal would obey; and as JSON, which is read as the same peers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "percentiles.h"
#include "table.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const struct pm_peers_doc *doc, bool percentiles) {
  const struct avgping_options options = {
      .host = "node.example", .deleted = true, .percentiles = percentiles};
  struct pm_buf out;
  size_t lines = 0;
  pm_buf_init(&out, AVGPING_TABLE_BYTES_MAX);
  avgping_table_write(&options, doc, (struct pm_wall){1795343569 * (int64_t)PM_NS_PER_S}, &out);
  CHECK(pm_buf_status(&out) == PM_OK);
  for (size_t i = 0; i < out.len; i++) {
    const unsigned char byte = (unsigned char)out.data[i];
    CHECK((byte >= ' ' && byte != 0x7f) || byte == '\n' || byte == '\t');
    lines += byte == '\n';
  }
  CHECK(lines >= 1 + doc->peers_count + doc->deleted_count);
  pm_buf_deinit(&out);
}

static void check_json(const struct pm_peers_doc *doc,
                       void (*write)(const struct pm_peers_doc *doc, struct pm_buf *out)) {
  struct pm_peers_doc again;
  struct pm_buf out;
  pm_buf_init(&out, AVGPING_TABLE_BYTES_MAX);
  write(doc, &out);
  CHECK(pm_buf_status(&out) == PM_OK);
  CHECK(pm_peers_doc_read(out.data, out.len, &again, NULL) == PM_OK && again.skipped == 0);
  CHECK(again.peers_count == doc->peers_count && again.deleted_count == doc->deleted_count);
  for (size_t i = 0; i < doc->peers_count; i++) {
    CHECK(strcmp(again.peers[i].url, doc->peers[i].url) == 0);
    CHECK(again.peers[i].pings == doc->peers[i].pings);
    CHECK(again.peers[i].totals.tcp_ns == doc->peers[i].totals.tcp_ns);
  }
  pm_peers_doc_free(&again);
  pm_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_peers_doc doc;
  if (pm_peers_doc_read((const char *)data, size, &doc, NULL) != PM_OK) return 0;
  check_table(&doc, false);
  check_table(&doc, true);
  check_json(&doc, avgping_table_write_json);
  check_json(&doc, avgping_percentiles_write_json);
  pm_peers_doc_free(&doc);
  return 0;
}
