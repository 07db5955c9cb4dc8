/* News for who watches: server-sent events (the WHATWG's HTML standard) to each open stream.
 *
 *   hello   who speaks; the first of each stream, which then has the news from there on
 *   row     cells of a row of the matrix that changed, and that the row was heard of again;
 *           of a row at most one a second
 *   member  what became of an endpoint in the mesh
 *   sample  a probe of this node
 *   dropped so many events were left out, for the stream was too slow
 *
 * Every event is written once, for all. Ids ascend, but nothing is kept for who comes back: it
 * opens the stream first and then asks for the state of things.
 */
#ifndef PM_API_EVENTS_H
#define PM_API_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "api/http_message.h"
#include "api/mesh_nodes.h"
#include "api/stream.h"
#include "gossip/change.h"
#include "probe/target.h"

enum {
  PM_EVENTS_SAMPLES_MAX = 20, /* a second; of a busy node, a selection: the rows have all */
  PM_EVENTS_MEMBERS_MAX = 50, /* a second: a mesh of thousands that starts, or somebody who makes
                                 members come and go */
  PM_EVENTS_ROWS_MAX = 200,   /* a second; the others in the next */
  PM_EVENTS_BEAT_S = 15,      /* of silence, before a comment tells proxies that we live */
  PM_EVENTS_CONFIRM_S = 10,   /* between two events of a row without a change */
  /* Bytes waiting in a stream, beyond which it gets no further events until it has caught up. */
  PM_EVENTS_WAITING_BYTES_MAX = PM_STREAM_QUEUE_BYTES_MAX / 2,
};

struct pm_events;

/* PM_ERR_NOMEM. */
enum pm_err pm_events_new(struct pm_events **out) PM_MUST_USE;
/* All streams have ended. NULL is fine. */
void pm_events_free(struct pm_events *events);

/* Answers the request with a stream; HEAD with its head, 503 if there are too many. */
void pm_events_open(struct pm_events *events, const struct pm_mesh_source *source,
                    const struct pm_http_request *request, struct pm_http_response *response);
/* How many streams are open: without one, there is no need to tell anything. */
size_t pm_events_count(const struct pm_events *events);

/* key as the store's. */
void pm_events_sample(struct pm_events *events, const char *key, const struct pm_sample *sample);
void pm_events_member(struct pm_events *events, const char *key,
                      const struct pm_gossip_change *change, struct pm_time now);
/* Once a second: rows, heartbeats, and new allowances. */
void pm_events_tick(struct pm_events *events, const struct pm_mesh_source *source);

#endif
