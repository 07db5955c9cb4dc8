/* The rows of --percentiles: a line for each peer and phase, from the statistics of the last ten
 * minutes that a node of ours sends with an entry; a line of dashes for what has none. Pure.
 */
#ifndef AVGPING_PERCENTILES_H
#define AVGPING_PERCENTILES_H

#include <stdbool.h>

#include "base/buf.h"
#include "gossip/peers_doc.h"

void avgping_percentiles_names(struct pm_buf *out);
void avgping_percentiles_row(struct pm_buf *out, const struct pm_peer_entry *peer);
bool avgping_percentiles_there(const struct pm_peer_entry *peer);

/* The document with its entries' statistics, all windows that were sent, as JSON. Without memory
 * the buffer fails. */
void avgping_percentiles_write_json(const struct pm_peers_doc *doc, struct pm_buf *out);

#endif
