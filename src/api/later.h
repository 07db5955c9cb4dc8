/* Answers that come later: what a handler does that has to ask somebody first, without keeping the
 * loop. It begins inside its call; whatever it put into the response then is not sent. When it
 * knows the answer, a second handler fills the response to the same request.
 *
 * Until then the request's strings stay as they are. The answer is given up, and its owner told
 * once, if the client goes (the end of its direction alone counts as going), if it takes longer
 * than the server's later_ms (the client gets a 503), or when the server's end has come.
 */
#ifndef PM_API_LATER_H
#define PM_API_LATER_H

#include <stdint.h>

#include "api/http_message.h"
#include "base/err.h"

enum {
  /* Answers of a server that may be awaited at a time: each may cost tens of milliseconds of a
     thread, and whoever waits beyond that many would wait for longer than later_ms. */
  PM_LATER_MAX = 32,
};

/* Lent by the server to each request (pm_http_request.later); lives until the last answer that was
 * begun has been given or given up. */
struct pm_later {
  void *owner;
  /* Only inside the handler, once. cancelled(of) comes at most once and never from within this
   * call; the id is then dead. PM_ERR_FULL: too many are awaited. */
  enum pm_err (*begin)(void *owner, void (*cancelled)(void *of), void *of, uint64_t *out_id);
  /* From the loop, never inside a handler. Calls the handler at once, unless the id is dead:
   * cancelled does not come any more. The handler cannot begin another. */
  void (*answer)(void *owner, uint64_t id, pm_http_handler handler, void *handler_owner);
};

#endif
