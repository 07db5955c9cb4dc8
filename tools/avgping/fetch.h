/* One HTTP GET, blocking, with a limit on everything: time, body, header. Follows no redirect, uses
 * no proxy, verifies TLS unless told otherwise. The only file here that knows libcurl.
 */
#ifndef AVGPING_FETCH_H
#define AVGPING_FETCH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"

enum {
  AVGPING_FETCH_MS_MAX = 10 * 1000,          /* as long as the original waits */
  AVGPING_FETCH_HEADER_BYTES_MAX = 64 << 10, /* a node sends some hundred */
};

struct avgping_request {
  const char *url;
  struct pm_ip ip;     /* connect there; family NONE: look the host up */
  const char *ca_file; /* NULL: the system's authorities */
  bool insecure;
  bool (*interrupted)(void); /* asked about once a second; NULL: nothing interrupts */
};

/* Appends the body of an answer with status 200; body's maximum is the body's limit. why says what
 * went wrong: PM_ERR_IO (network, TLS, another status), _TIMEOUT, _TOO_LARGE, _CLOSED
 * (interrupted), _NOMEM. */
enum pm_err avgping_fetch(const struct avgping_request *request, struct pm_buf *body,
                          struct pm_why *why) PM_MUST_USE;

#endif
