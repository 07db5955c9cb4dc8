/* What a finished transfer means: from libcurl's code and what was seen of the transfer to an
 * outcome and a sentence for a person. Pure, but for strerror(3).
 */
#ifndef PM_PROBE_TRANSFER_OUTCOME_H
#define PM_PROBE_TRANSFER_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/err.h"
#include "probe/sample.h"

enum {
  PM_HTTP_STATUS_SUCCESS_MAX = 304, /* as of old: Not Modified still is an answer */
};

struct pm_transfer_facts {
  CURLcode code;
  int os_errno;     /* of the failed connect, send or receive; 0 if the system reported none */
  int socket_errno; /* no socket could be had; 0 if it could */
  int http_status;  /* 0: no status line */
  bool https, connected, handshaken;
  bool answering;        /* bytes of an answer came */
  bool header_too_large; /* we stopped it */
  bool body_too_large;
  int64_t limit_ms;   /* of what ran out, if time did */
  const char *reason; /* libcurl's own words; "" if it has none */
};

/* where: "127.0.0.1:1" or "name:1 (127.0.0.1)". why is "" for a success. */
enum pm_outcome pm_outcome_of_facts(const struct pm_transfer_facts *facts, const char *where,
                                    struct pm_why *why);

/* strerror's text in lower case, to stand after a colon. */
const char *pm_errno_text(int error, struct pm_why *storage);

#endif
