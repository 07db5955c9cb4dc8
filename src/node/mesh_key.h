/* The mesh's shared keys: read from a file, and the MAC that the gossip core asks for.
 *
 * One key a line, the first of which signs and all of which are accepted, so that keys can be
 * changed node by node. HMAC-SHA256 (RFC 2104), cut to its first 16 bytes.
 */
#ifndef PM_NODE_MESH_KEY_H
#define PM_NODE_MESH_KEY_H

#include <stddef.h>

#include "base/err.h"
#include "gossip/config.h"

enum {
  PM_MESH_KEY_BYTES_MIN = 16, /* what cannot be guessed when it is random */
  PM_MESH_KEY_BYTES_MAX = 256,
  PM_MESH_KEY_FILE_BYTES_MAX = 64 << 10, /* the keys, and whatever is said about them beside */
};

struct pm_mesh_keys {
  char keys[PM_GOSSIP_KEYS_MAX][PM_MESH_KEY_BYTES_MAX + 1];
  unsigned count;
};

/* The text of a file. Pure. PM_ERR_SYNTAX with "line N: …", PM_ERR_MISSING if there is no key in
 * it; never the key. */
enum pm_err pm_mesh_keys_parse(const char *text, size_t bytes, struct pm_mesh_keys *out,
                               struct pm_why *why) PM_MUST_USE;
/* The same of a file, which why names; PM_ERR_IO, PM_ERR_FULL (longer than it may be). */
enum pm_err pm_mesh_keys_read(const char *path, struct pm_mesh_keys *out,
                              struct pm_why *why) PM_MUST_USE;
/* A pm_gossip_mac_fn; ctx is the keys. */
void pm_mesh_keys_mac(void *ctx, unsigned key, const void *data, size_t bytes,
                      uint8_t out[PM_WIRE_MAC_BYTES]);

#endif
