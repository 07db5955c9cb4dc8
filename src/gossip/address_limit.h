/* How often one address may be tried on strangers' word before it proves itself: what keeps a
 * thousand nodes from becoming a weapon against one victim. Internal to gossip/. Pure.
 *
 *   public:   tries at 0 and 1 min, then one after 1, 2, 4, 8 … 24 h: at most 2 in an hour and 6 in
 *             a day; at most 3 failures of one /24 (v6: /48) in 10 min
 *   private:  at most 16 failures of one address in an hour, whatever the port
 *
 * Only addresses matter, never names or ports, so that renaming does not help a liar. When the
 * table has no place left for an address, it is not dialled at all.
 */
#ifndef PM_GOSSIP_ADDRESS_LIMIT_H
#define PM_GOSSIP_ADDRESS_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"
#include "gossip/arena.h"

struct pm_address {
  uint32_t tag;      /* half of the address's hash; 0: free */
  uint32_t last_s;   /* last try, on the core's clock */
  uint32_t failed_s; /* last failure: fails are forgotten a window after it */
  uint16_t tries;    /* public address: tries so far */
  uint16_t fails;    /* network or private address: failures in the window */
  uint16_t open;     /* tries that have not ended */
};

struct pm_address_limit {
  struct pm_address *addresses;
  struct pm_address *networks;
  uint32_t addresses_mask, networks_mask;
  uint64_t seed;
};

enum pm_address_verdict { PM_ADDRESS_OK, PM_ADDRESS_WAIT, PM_ADDRESS_FULL };

void pm_address_limit_carve(struct pm_address_limit *limit, struct pm_arena *arena,
                            uint32_t addresses);
void pm_address_limit_init(struct pm_address_limit *limit, uint64_t seed);

/* WAIT: out_until is when to ask again. FULL: not to be dialled; ask again much later. */
enum pm_address_verdict pm_address_limit_ask(struct pm_address_limit *limit, const struct pm_ip *ip,
                                             struct pm_time now, struct pm_time *out_until);
/* A try begins (after OK), and ends. A success forgets the address. */
void pm_address_limit_begin(struct pm_address_limit *limit, const struct pm_ip *ip,
                            struct pm_time now);
void pm_address_limit_end(struct pm_address_limit *limit, const struct pm_ip *ip, bool success,
                          struct pm_time now);

#endif
