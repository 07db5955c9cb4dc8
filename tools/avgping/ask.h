/* Asks a node for a document: fetch, and read; with http first and https after it where the person
 * named no scheme.
 */
#ifndef AVGPING_ASK_H
#define AVGPING_ASK_H

#include <stdbool.h>

#include "base/buf.h"
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

/* Reads a body, as JSON of whatever kind. */
typedef enum pm_err (*avgping_reader)(void *owner, const struct pm_buf *body, struct pm_why *why);
/* page: behind "/v1/", with its query. Errors as below, or the reader's. */
enum pm_err avgping_ask_page(struct avgping_options *options, const char *page,
                             bool (*interrupted)(void), avgping_reader read,
                             void *owner) PM_MUST_USE;

/* The peers document. What went wrong is told on standard error. The caller frees out
 * (pm_peers_doc_free). A scheme that worked is kept in options for the next time. PM_ERR_CLOSED:
 * interrupted said so. */
enum pm_err avgping_ask(struct avgping_options *options, bool (*interrupted)(void),
                        struct pm_peers_doc *out) PM_MUST_USE;

#endif
