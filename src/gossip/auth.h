/* Who may speak in a mesh with a key. Each side MACs over the other's challenge, its own identity,
 * the address and port that were dialled, and the path, so that an answer can be neither replayed
 * nor relayed from another endpoint. Internal to gossip/. Pure: the MAC itself is handed in.
 *
 * A challenge is made, not remembered: minute and a keyed hash over minute and source address. It
 * is good for five minutes and that address, without clocks of two machines being compared.
 */
#ifndef PM_GOSSIP_AUTH_H
#define PM_GOSSIP_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/node_id.h"
#include "gossip/config.h"

enum { PM_AUTH_CHALLENGE_MS = 5 * 60 * 1000 };

/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash that nobody without the key can guess;
 * nonces and challenges come from it, as xoshiro's state can be computed from its outputs. */
uint64_t pm_siphash(const uint64_t key[2], const void *data, size_t bytes);

uint64_t pm_auth_challenge(const uint64_t secret[2], const struct pm_ip *source,
                           struct pm_time now);
bool pm_auth_challenge_valid(const uint64_t secret[2], const struct pm_ip *source,
                             uint64_t challenge, struct pm_time now);

enum pm_auth_role { PM_AUTH_ASKS = 'Q', PM_AUTH_ANSWERS = 'A' };

/* What a MAC is made over. */
struct pm_auth_claim {
  enum pm_auth_role role;
  uint64_t challenge;
  const struct pm_node_id *id; /* of who makes the MAC */
  const struct pm_ip *dialled_ip;
  uint16_t dialled_port;
  bool pull; /* path /v1/peers, else /v1/ping */
  const char *mesh;
};

void pm_auth_sign(const struct pm_gossip_auth *auth, const struct pm_auth_claim *claim,
                  uint8_t out[PM_WIRE_MAC_BYTES]);
/* True if any of the keys made it. Takes as long for every key. */
bool pm_auth_verify(const struct pm_gossip_auth *auth, const struct pm_auth_claim *claim,
                    const uint8_t mac[PM_WIRE_MAC_BYTES]);

#endif
