/* Adding a peer's peers, once, as of old: pulls `/v1/peers?addpeers=true` of one peer and adds
 * every entry that may be added. Growth by itself is not this: nothing here repeats.
 *
 * Only http(s) URLs with the path /v1/ping or /v1/peers can be added (a list that names our own
 * /v1/quit must not stop us), as /v1/ping without a query; ourselves, malformed entries and what
 * is there already are skipped. The address policy holds for each, at each connect.
 */
#ifndef PM_NODE_PEER_IMPORT_H
#define PM_NODE_PEER_IMPORT_H

#include <stddef.h>

#include "base/err.h"
#include "base/log.h"
#include "node/identity.h"
#include "probe/exchange.h"
#include "probe/prober.h"

enum { PM_IMPORTS_MAX = 16 }; /* pulls under way at once; a person adds peers one by one */

struct pm_peer_imports;

struct pm_peer_imports_config {
  struct pm_exchanger *exchanger; /* all borrowed */
  struct pm_prober *prober;
  const struct pm_identity *identity;
  const struct pm_log *log;
  int64_t timeout_ms;
};

enum pm_err pm_peer_imports_new(const struct pm_peer_imports_config *config,
                                struct pm_peer_imports **out) PM_MUST_USE;
/* Cancels what is under way; before the exchanger closes. */
void pm_peer_imports_free(struct pm_peer_imports *imports);

/* teacher: the peer whose list is pulled; its limit, delay and fail_max become those of every peer
 * that is added. PM_ERR_FULL while PM_IMPORTS_MAX are under way. */
enum pm_err pm_peer_imports_start(struct pm_peer_imports *imports,
                                  const struct pm_target_spec *teacher,
                                  struct pm_why *why) PM_MUST_USE;

#endif
