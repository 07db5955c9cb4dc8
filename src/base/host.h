/* Host names as values: check, normalise, compare. No lookups here.
 *
 * A name is refused if a resolver would read it as an address although it is not written as one:
 * getaddrinfo(3) takes "127.1", "0x7f.1", "0177.0.0.1" and "2130706433" for 127.0.0.1. As in the
 * WHATWG URL standard, a name whose last label is a number must be a dotted quad in decimal.
 */
#ifndef PM_BASE_HOST_H
#define PM_BASE_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
  PM_HOST_BYTES = 256,      /* with its NUL; RFC 1035 ends a name at 253 characters */
  PM_HOST_LABEL_BYTES = 63, /* RFC 1035 */
};

/* A name or a dotted quad, of letters, digits, '-', '_' and '.', into lower case without its final
 * dot. out may be text. PM_ERR_SYNTAX; PM_ERR_TOO_LARGE for the name or one of its labels. */
enum pm_err pm_host_normalise(const char *text, size_t bytes, char out[PM_HOST_BYTES],
                              struct pm_why *why) PM_MUST_USE;

/* Whether the last label is a number, decimal or hexadecimal: such a name is an address or wrong.
 */
bool pm_host_is_numeric(const char *host);

/* Whether host is the domain or a name below it, in any case; a final dot of host is ignored. */
bool pm_host_is_below(const char *host, const char *domain);

#endif
