/* Who this node is: its location, its name, its addresses, and whether an endpoint is itself.
 */
#ifndef PM_NODE_IDENTITY_H
#define PM_NODE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/ip.h"
#include "node/options.h"

enum { PM_IDENTITY_ADDRESSES_MAX = 64 }; /* more interfaces than this are not looked at */

struct pm_identity {
  char location[PM_LOCATION_BYTES];
  char host[PM_HOST_BYTES]; /* -H, else "" */
  uint16_t listen_port, report_port;
  struct pm_wall start;
  struct pm_ip bind; /* the only address that is listened on; family NONE: all of them */
  struct pm_ip addresses[PM_IDENTITY_ADDRESSES_MAX];
  size_t addresses_count;
};

/* Asks the system for its interfaces; without a configured location it is the first address that
 * is not loopback, else "localhost". */
void pm_identity_init(struct pm_identity *identity, const struct pm_options *options,
                      struct pm_wall now);
/* True if probing the endpoint would reach this node's own server, as far as its words tell: an
 * address that we listen on at the listen port, or our name at the reported port. */
bool pm_identity_is_self(const struct pm_identity *identity, const struct pm_endpoint *endpoint);

#endif
