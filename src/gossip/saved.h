/* What one process hands to the next besides its members: who was lost and who was refused, so that
 * a restart does not bring back what was dead. Plain data, of the moment at which it is handed
 * over: whoever keeps it adds the time that has passed meanwhile.
 */
#ifndef PM_GOSSIP_SAVED_H
#define PM_GOSSIP_SAVED_H

#include <stdint.h>

#include "gossip/contact.h"

struct pm_gossip_tombstone {
  struct pm_contact contact;
  int64_t lost_s, last_ok_s; /* since it was lost, and since our last success with it */
  unsigned tries;            /* revivals that failed */
};

/* Only the endpoint's hash is known, under the key_seed of the configuration. */
struct pm_gossip_refused {
  uint64_t key;
  int64_t wait_s, contact_wait_s; /* until it may be heard again, and until contact helps */
  unsigned times, contacts;
};

#endif
