/* History: hands the finished minutes of every target to the store. With --state-dir they are kept
 * there; without it a node that serves keeps a day of them in memory, and one that does not keeps
 * none.
 *
 * A minute is one of the monotonic clock; it is written under the minute of the calendar that it
 * overlaps most, as the clock stands when it is collected, a fifth of a second after its end. What
 * other nodes say of their paths is put every ten minutes of the calendar (node/history_reports.h).
 */
#ifndef PM_NODE_HISTORY_H
#define PM_NODE_HISTORY_H

#include "analysis/matrix.h"
#include "base/err.h"
#include "base/log.h"
#include "gossip/view.h"
#include "node/identity.h"
#include "node/options.h"
#include "probe/prober.h"
#include "store/store.h"

struct uv_loop_s;
struct pm_history_feed;

/* All borrowed until close is called. */
struct pm_history_feed_config {
  const struct pm_options *options;
  const struct pm_identity *identity;
  const struct pm_prober *prober;
  const struct pm_log *log;
  const struct pm_node_id *id; /* ours; NULL without a server, and then it is "self" */
  /* The mesh's core and the matrix; NULL where there is none, or none any more. matrix itself may
   * be NULL. */
  const struct pm_gossip *(*core)(void *owner);
  const struct pm_matrix *(*matrix)(void *owner);
  void *owner;
};

/* *out is NULL if no history is kept. PM_ERR_NOMEM. */
enum pm_err pm_history_feed_open(struct uv_loop_s *loop,
                                 const struct pm_history_feed_config *config,
                                 struct pm_history_feed **out) PM_MUST_USE;
/* Writes what it was given. closed comes from the loop; at once for NULL. */
void pm_history_feed_close(struct pm_history_feed *feed, void (*closed)(void *owner), void *owner);

/* To be called before a target goes: takes its open minute, too. NULL is fine. */
void pm_history_feed_ended(struct pm_history_feed *feed, const struct pm_target *target);

/* For questions; NULL if no history is kept. */
struct pm_store *pm_history_feed_store(struct pm_history_feed *feed);
/* This node's key in the store, as struct pm_store_name says. */
const char *pm_history_feed_own_key(const struct pm_history_feed *feed);
const char *pm_history_feed_own_location(const struct pm_history_feed *feed);

/* The key in the store of what a person may call a node: "" and "self" are this one, the URL or
 * "host:port" of a target or a member becomes its node's key, once that is known; anything else
 * stays as it is. out has PM_STORE_KEY_BYTES; cut to that. */
void pm_history_feed_key_of(const struct pm_history_feed *feed, const char *text, char *out);
/* Whether that key is this node's or a member's, who may yet tell of its paths; as an end, it may
 * be a target's as well. */
bool pm_history_feed_knows(const struct pm_history_feed *feed, const char *key, bool as_end);

/* The minute that is open with the target of that key, packed as for the store; its number is of
 * the calendar. *out is the caller's to free. PM_ERR_MISSING: there is none; PM_ERR_NOMEM. */
enum pm_err pm_history_feed_open_minute(const struct pm_history_feed *feed, const char *key,
                                        int64_t *out_minute, uint8_t **out,
                                        size_t *out_count) PM_MUST_USE;

#endif
