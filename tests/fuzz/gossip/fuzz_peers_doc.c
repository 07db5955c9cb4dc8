/* Any bytes as a peers document. What is accepted must be within its limits, and written it must
 * read as the same document again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/peers_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Escapes make a document at most six times longer, indentation and absent members make the rest.
 */
enum { WRITTEN_BYTES_MAX = 16 * PM_PEERS_DOC_BYTES_MAX };

static void require(bool holds) {
  if (!holds) abort();
}

static void write_doc(const struct pm_peers_doc *doc, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_buf_init(out, WRITTEN_BYTES_MAX);
  pm_json_writer_init(&w, out, true);
  pm_peers_doc_write(&w, doc);
}

static void check_round_trip(const struct pm_buf *first, const struct pm_peers_doc *doc) {
  struct pm_peers_doc again;
  struct pm_buf second;
  require(pm_peers_doc_read(first->data, first->len, &again, NULL) == PM_OK);
  require(again.skipped == 0);
  require(again.peers_count == doc->peers_count && again.deleted_count == doc->deleted_count);
  write_doc(&again, &second);
  require(second.len == first->len && memcmp(second.data, first->data, first->len) == 0);
  pm_buf_deinit(&second);
  pm_peers_doc_free(&again);
}

/* Statistics of an entry are read, and whatever they are, can be written. */
static void check_statistics(const struct pm_peers_doc *doc) {
  for (size_t i = 0; i < doc->peers_count; i++) {
    struct pm_stats_doc stats;
    bool any = pm_stats_doc_read(doc->peers[i].mesh, &stats);
    for (int k = 0; k < PM_STATS_DOC_WINDOWS; k++) require(any || !stats.windows[k].there);
    struct pm_buf text;
    struct pm_json_writer w;
    pm_buf_init(&text, PM_PEERS_DOC_BYTES_MAX);
    pm_json_writer_init(&w, &text, false);
    pm_json_object_begin(&w, NULL);
    pm_stats_doc_write(&w, &stats);
    pm_json_object_end(&w);
    require(pm_buf_status(&text) == PM_OK);
    pm_buf_deinit(&text);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct pm_peers_doc doc;
  struct pm_buf first;
  struct pm_why why = {""};
  enum pm_err err = pm_peers_doc_read((const char *)data, size, &doc, &why);
  if (err != PM_OK) {
    require(why.text[0] != '\0');
    return 0;
  }
  require(doc.peers_count <= PM_PEERS_DOC_ENTRIES_MAX);
  require(doc.deleted_count <= PM_PEERS_DOC_ENTRIES_MAX);
  check_statistics(&doc);
  write_doc(&doc, &first);
  if (pm_buf_status(&first) == PM_OK && first.len <= PM_PEERS_DOC_BYTES_MAX) {
    check_round_trip(&first, &doc);
  }
  pm_buf_deinit(&first);
  pm_peers_doc_free(&doc);
  return 0;
}
