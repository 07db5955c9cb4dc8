/* What avgping prints of a peers document: exactly what the original prints, or percentiles. Pure:
 * into a buffer.
 */
#ifndef AVGPING_TABLE_H
#define AVGPING_TABLE_H

#include "base/buf.h"
#include "base/clock.h"
#include "gossip/peers_doc.h"
#include "options.h"

enum {
  /* 64 MiB of document as JSON, each of its bytes a six-byte escape, and indentation. A table is
   * smaller. The buffer grows as needed. */
  AVGPING_TABLE_BYTES_MAX = 1 << 29,
};

/* Peers sorted by location, then (with options->deleted) the deleted ones as they were sent; with
 * options->percentiles the rows of percentiles.h instead of the original's. Times are UTC. Texts of
 * the document are made harmless for a terminal. */
void avgping_table_write(const struct avgping_options *options, const struct pm_peers_doc *doc,
                         struct pm_wall now, struct pm_buf *out);
/* The first and the last column of a row: the location, and where the peer is. */
void avgping_table_location(struct pm_buf *out, const struct pm_peer_entry *peer);
void avgping_table_address(struct pm_buf *out, const struct pm_peer_entry *peer);

/* The document, canonical, as JSON. */
void avgping_table_write_json(const struct pm_peers_doc *doc, struct pm_buf *out);

#endif
