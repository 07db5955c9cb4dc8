/* What avgping prints of a peers document, exactly as the original prints it. Pure: into a buffer.
 */
#ifndef AVGPING_TABLE_H
#define AVGPING_TABLE_H

#include "base/buf.h"
#include "base/clock.h"
#include "gossip/peers_doc.h"
#include "options.h"

enum {
  /* 2,000 rows whose two texts have the longest length that a document may give them; as JSON, each
   * byte of the largest document as a six-byte escape, and its indentation. */
  AVGPING_TABLE_BYTES_MAX = 16 << 20,
};

/* Peers sorted by location, then (with options->deleted) the deleted ones as they were sent. Times
 * are UTC. Texts of the document are made harmless for a terminal. */
void avgping_table_write(const struct avgping_options *options, const struct pm_peers_doc *doc,
                         struct pm_wall now, struct pm_buf *out);
/* The document, canonical, as JSON. */
void avgping_table_write_json(const struct pm_peers_doc *doc, struct pm_buf *out);

#endif
