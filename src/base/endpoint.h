/* An endpoint: what a person or a peer writes to name something that can be probed.
 *
 *   host | host:port | [v6] | [v6]:port, alone or after http:// or https://, or v6 alone;
 *   each with /path?query and #Location
 *
 * No scheme means http. The scheme and the host are put into lower case, the host loses a final
 * dot, an IPv6 address gets its shortest form in brackets (an IPv4-mapped one becomes the IPv4
 * address that it reaches), the port its shortest form; the path and the query stay exactly as
 * written, but for the "/" that a query without a path lacks. The fragment is the target's
 * location, percent-decoded, and not part of the URL.
 *
 * Pure: no lookups. Whether the address may be probed is for base/policy.h.
 */
#ifndef PM_BASE_ENDPOINT_H
#define PM_BASE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/host.h"
#include "base/ip.h"

enum {
  PM_URL_BYTES = 768,      /* with its NUL; the longest real ping URL is far below */
  PM_LOCATION_BYTES = 128, /* "City,CC" and the like */
  PM_HOST_PORT_BYTES = PM_HOST_BYTES + 8,
};

struct pm_endpoint {
  char url[PM_URL_BYTES];           /* scheme://host[:port if written]path?query, no fragment */
  char host[PM_HOST_BYTES];         /* without brackets or final dot */
  char location[PM_LOCATION_BYTES]; /* from #…; "" if none */
  struct pm_ip ip_override; /* connect there, with host as Host and SNI; family NONE: look up */
  uint16_t port;            /* written or the scheme's */
  uint16_t path_at;         /* url + path_at is "" or "/path?query" */
  bool https;
  bool host_is_ip;
  struct pm_ip host_ip; /* if so */
};

/* override, an address to connect to, may be NULL or "" (none). Refused with a sentence: a user
 * name (its password is not repeated), an empty port or one of 0, a host that base/host.h refuses,
 * a bare IPv6 address after a scheme (in "http://::1:80" the port could be either), a zone, a
 * blank, control or non-ASCII character before the '#', another scheme, and a location that is not
 * UTF-8, holds control characters or begins or ends with a blank (blanks inside are fine: "New
 * York,US"). PM_ERR_SYNTAX, PM_ERR_RANGE (port), PM_ERR_TOO_LARGE. text and override may lie in
 * *out. */
enum pm_err pm_endpoint_parse(const char *text, const char *override, struct pm_endpoint *out,
                              struct pm_why *why) PM_MUST_USE;

/* The same thing to probe: scheme, host, effective port, path (none equals "/"), query, override.
 * Location does not count. */
bool pm_endpoint_equal(const struct pm_endpoint *a, const struct pm_endpoint *b);
/* XXH3 over what pm_endpoint_equal compares: equal endpoints have equal keys. The seed is a secret
 * of the process, so that nobody can prepare names that collide in our tables. */
uint64_t pm_endpoint_key(const struct pm_endpoint *endpoint, uint64_t seed);

/* The path without its query: "" or "/v1/ping". */
void pm_endpoint_path(const struct pm_endpoint *endpoint, char out[PM_URL_BYTES]);
/* The query without '?'; "" if none. Points into the endpoint. */
const char *pm_endpoint_query(const struct pm_endpoint *endpoint);
/* "host:port" as the original's "Host" field, and as HTTP's Host header wants it: the port only
 * where it was written; v6 in brackets. */
void pm_endpoint_host_port(const struct pm_endpoint *endpoint, char out[PM_HOST_PORT_BYTES]);
/* A copy with another path and query: "", "/v1/ping", "/v1/peers?addpeers=true". out may be
 * endpoint. PM_ERR_TOO_LARGE; PM_ERR_SYNTAX for what pm_endpoint_parse would refuse there. */
enum pm_err pm_endpoint_with_path(const struct pm_endpoint *endpoint, const char *path,
                                  struct pm_endpoint *out) PM_MUST_USE;

#endif
