/* Asks a node for its peers document: fetch, and read; with http first and https after it where the
 * person named no scheme.
 */
#ifndef AVGPING_ASK_H
#define AVGPING_ASK_H

#include <stdbool.h>

#include "base/err.h"
#include "gossip/peers_doc.h"
#include "options.h"

/* What went wrong is told on standard error. The caller frees out (pm_peers_doc_free). A scheme
 * that worked is kept in options for the next time. PM_ERR_CLOSED: interrupted said so. */
enum pm_err avgping_ask(struct avgping_options *options, bool (*interrupted)(void),
                        struct pm_peers_doc *out) PM_MUST_USE;

#endif
