#include "gossip/auth.h"

#include <string.h>

enum { MINUTE_S = 60, CHALLENGE_MINUTES = PM_AUTH_CHALLENGE_MS / 1000 / MINUTE_S };

static uint64_t rotate(uint64_t x, int bits) {
  return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4]) {
  v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
  v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
  v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
  v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static uint64_t word_at(const uint8_t *data, size_t bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < bytes; i++) word |= (uint64_t)data[i] << (8 * i);
  return word;
}

static void sip_word(uint64_t v[4], uint64_t word) {
  v[3] ^= word;
  sip_round(v);
  sip_round(v);
  v[0] ^= word;
}

uint64_t pm_siphash(const uint64_t key[2], const void *data, size_t bytes) {
  const uint8_t *at = data;
  uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                   key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
  size_t left = bytes;
  for (; left >= 8; left -= 8, at += 8) sip_word(v, word_at(at, 8));
  sip_word(v, (uint64_t)(bytes & 0xff) << 56 | word_at(at, left));
  v[2] ^= 0xff;
  for (int i = 0; i < 4; i++) sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t challenge_of(const uint64_t secret[2], const struct pm_ip *source,
                             uint16_t minute) {
  uint8_t data[3 + 16] = {(uint8_t)(minute >> 8), (uint8_t)minute, source->family};
  memcpy(data + 3, source->bytes, 16);
  return (uint64_t)minute << 48 | pm_siphash(secret, data, sizeof data) >> 16;
}

static uint16_t minute_of(struct pm_time now) {
  return (uint16_t)(now.ns / PM_NS_PER_S / MINUTE_S);
}

uint64_t pm_auth_challenge(const uint64_t secret[2], const struct pm_ip *source,
                           struct pm_time now) {
  return challenge_of(secret, source, minute_of(now));
}

bool pm_auth_challenge_valid(const uint64_t secret[2], const struct pm_ip *source,
                             uint64_t challenge, struct pm_time now) {
  uint16_t minute = (uint16_t)(challenge >> 48);
  uint16_t age = (uint16_t)(minute_of(now) - minute);
  return age <= CHALLENGE_MINUTES && challenge == challenge_of(secret, source, minute);
}

enum { CLAIM_BYTES_MAX = 160 };

static size_t flatten(const struct pm_auth_claim *claim, uint8_t out[CLAIM_BYTES_MAX]) {
  static const char label[] = "pingmesh/1";
  size_t at = 0;
  memcpy(out, label, sizeof label), at += sizeof label;
  out[at++] = (uint8_t)claim->role;
  for (int i = 0; i < 8; i++) out[at++] = (uint8_t)(claim->challenge >> (56 - 8 * i));
  memcpy(out + at, claim->id->bytes, PM_NODE_ID_BYTES), at += PM_NODE_ID_BYTES;
  out[at++] = claim->dialled_ip->family;
  memcpy(out + at, claim->dialled_ip->bytes, 16), at += 16;
  out[at++] = (uint8_t)(claim->dialled_port >> 8);
  out[at++] = (uint8_t)claim->dialled_port;
  const char *path = claim->pull ? "/v1/peers" : "/v1/ping";
  size_t length = strlen(path) + 1;
  memcpy(out + at, path, length), at += length;
  length = strnlen(claim->mesh, PM_MESH_NAME_BYTES);
  memcpy(out + at, claim->mesh, length), at += length;
  return at;
}

void pm_auth_sign(const struct pm_gossip_auth *auth, const struct pm_auth_claim *claim,
                  uint8_t out[PM_WIRE_MAC_BYTES]) {
  uint8_t data[CLAIM_BYTES_MAX];
  auth->mac(auth->ctx, 0, data, flatten(claim, data), out);
}

bool pm_auth_verify(const struct pm_gossip_auth *auth, const struct pm_auth_claim *claim,
                    const uint8_t mac[PM_WIRE_MAC_BYTES]) {
  uint8_t data[CLAIM_BYTES_MAX];
  size_t bytes = flatten(claim, data);
  bool valid = false;
  for (unsigned key = 0; key < auth->keys; key++) {
    uint8_t expected[PM_WIRE_MAC_BYTES], differs = 0;
    auth->mac(auth->ctx, key, data, bytes, expected);
    for (size_t i = 0; i < sizeof expected; i++) differs |= (uint8_t)(expected[i] ^ mac[i]);
    valid |= differs == 0;
  }
  return valid;
}
