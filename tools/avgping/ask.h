/* Asks a node for its peers document: fetch, and read; with http first and https after it where the
 * person named no scheme.
 */
#ifndef AVGPING_ASK_H
#define AVGPING_ASK_H

#include <stdbool.h>

#include "base/err.h"
#include "gossip/peers_doc.h"
#include "options.h"

/* A node of ours may have as many targets, and sends no longer answer; an old one has no limits. A
 * person asks one node that they named, so that more is taken than a node takes from others. */
enum {
  AVGPING_DOC_BYTES_MAX = 64 << 20,
  AVGPING_ENTRIES_MAX = 16384,
  AVGPING_DOC_ITEMS_MAX = 1 << 22, /* an entry with three windows of statistics has some 200 */
};

/* What went wrong is told on standard error. The caller frees out (pm_peers_doc_free). A scheme
 * that worked is kept in options for the next time. PM_ERR_CLOSED: interrupted said so. */
enum pm_err avgping_ask(struct avgping_options *options, bool (*interrupted)(void),
                        struct pm_peers_doc *out) PM_MUST_USE;

#endif
