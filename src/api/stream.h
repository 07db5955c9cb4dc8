/* Answers that go on: a handler begins one, and whoever holds its id adds to it from the loop until
 * the client goes, reads too slowly, or the server ends. What the handler put into the response is
 * sent first; the response must be endless (http_message.h). The connection carries nothing else
 * afterwards, and its end is the answer's, in HTTP/1.0 as in 1.1.
 *
 * Bounded: in number, in number of one client, and each in bytes that wait for its reader.
 */
#ifndef PM_API_STREAM_H
#define PM_API_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "api/http_message.h"
#include "base/err.h"

enum {
  PM_STREAMS_MAX = 64,        /* of 512 connections: most are for questions */
  PM_STREAMS_CLIENT_MAX = 32, /* of one address, which may be a proxy's */
  /* Some seconds of a large mesh's news; who is behind by more has lost the thread. */
  PM_STREAM_QUEUE_BYTES_MAX = 256 << 10,
};

/* Lent by the server to each request (pm_http_request.streams); lives as long as the server. */
struct pm_streams {
  void *owner;
  /* Only inside the handler, once. gone(of) comes once, when the stream has ended, whoever ended
   * it, but never from within this call: the id is then dead. PM_ERR_FULL: too many are open. */
  enum pm_err (*begin)(void *owner, void (*gone)(void *of), void *of, uint64_t *out_id);
  /* From the loop. Takes all or nothing. PM_ERR_FULL: so much would wait that it is not taken;
   * PM_ERR_MISSING: the id is dead. gone may come from within. */
  enum pm_err (*send)(void *owner, uint64_t id, const char *bytes, size_t count);
  /* How many bytes wait for the reader; 0 for a dead id. */
  size_t (*queued)(void *owner, uint64_t id);
  /* Ends it at once; gone comes from within. */
  void (*end)(void *owner, uint64_t id);
};

#endif
