/* The peers as /v1/peers shows them: the original's document for programs, a table for people.
 * Pure; reads the roster as it is, so that a thousand peers need no copy.
 *
 * Peers are those being probed; DelPeers, the last hundred, those that ended and after them those
 * that were given up, whether or not they are still tried now and then.
 *
 * A target that is this node's own affair, because it is no member of the mesh or is not told to
 * others now, has "Mesh":{"Share":false}: people see it, and no reader of ours takes it for
 * hearsay.
 */
#ifndef PM_API_PEERS_VIEW_H
#define PM_API_PEERS_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "gossip/peers_doc.h"
#include "probe/roster.h"

struct pm_gossip;

enum {
  PM_PEERS_VIEW_DELETED_MAX = PM_ROSTER_ENDED_MAX,
  PM_PEERS_VIEW_WINDOWS_DEFAULT = 1 << PM_WINDOW_SPAN_10M,
  PM_PEERS_VIEW_WINDOWS_ALL = (1 << PM_WINDOW_SPAN_COUNT) - 1,
};

struct pm_peers_view {
  struct pm_peers_head head; /* num_active and num_deleted are set by init */
  const struct pm_roster *roster;
  struct pm_wall now;
  struct pm_time now_monotonic; /* for the windows; set by the caller after init */
  unsigned windows;             /* whose statistics the JSON has: 1 << enum pm_window_span, … */
  size_t given_up;              /* of the roster's targets */
  const struct pm_gossip *mesh; /* shown; NULL: not. Set by the caller after init */
  const struct pm_gossip *core; /* who is shared; NULL: nobody is marked. Set by the caller, too */
};

/* PM_PEERS_VIEW_WINDOWS_DEFAULT are chosen: what fits beside the old fields without making the
 * document of thousands of peers several times as long. Counts; the view borrows the roster and the
 * head's strings. */
void pm_peers_view_init(struct pm_peers_view *view, const struct pm_roster *roster,
                        const struct pm_peers_head *head, struct pm_wall now);

void pm_peers_view_json(const struct pm_peers_view *view, struct pm_buf *out);
void pm_peers_view_html(const struct pm_peers_view *view, struct pm_buf *out);
/* The tables alone, to stand in another page. */
void pm_peers_view_tables(const struct pm_peers_view *view, struct pm_buf *out);

#endif
