#include "node/mesh_key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

/* True if the line, blanks around it aside, is a key, or nothing at all. */
static bool take_line(struct pm_mesh_keys *keys, char *line) {
  line += strspn(line, " \t");
  size_t length = strcspn(line, "\r\n");
  while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t')) length--;
  if (length == 0 || line[0] == '#') return true;
  if (length < PM_MESH_KEY_BYTES_MIN || length > PM_MESH_KEY_BYTES_MAX) return false;
  if (keys->count == PM_GOSSIP_KEYS_MAX) return false;
  memcpy(keys->keys[keys->count], line, length);
  keys->keys[keys->count++][length] = '\0';
  return true;
}

enum pm_err pm_mesh_keys_read(const char *path, struct pm_mesh_keys *out, struct pm_why *why) {
  char line[PM_MESH_KEY_BYTES_MAX * 2];
  struct pm_mesh_keys keys = {.count = 0};
  unsigned number = 0;
  bool ok = true;
  FILE *file = fopen(path, "re");
  if (!file)
    return pm_why_set(why, PM_ERR_IO, "--mesh-key-file: %s cannot be read: %s", path,
                      strerror(errno));
  while (ok && fgets(line, sizeof line, file)) {
    number++;
    ok = take_line(&keys, line);
  }
  int error = ferror(file) ? errno : 0;
  fclose(file);
  if (error)
    return pm_why_set(why, PM_ERR_IO, "--mesh-key-file: %s cannot be read: %s", path,
                      strerror(error));
  if (!ok)
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "--mesh-key-file: %s, line %u: a key has %d to %d characters, and there are "
                      "%d keys at most",
                      path, number, PM_MESH_KEY_BYTES_MIN, PM_MESH_KEY_BYTES_MAX,
                      PM_GOSSIP_KEYS_MAX);
  if (keys.count == 0)
    return pm_why_set(why, PM_ERR_MISSING,
                      "--mesh-key-file: %s holds no key; a line of %d to %d characters is right",
                      path, PM_MESH_KEY_BYTES_MIN, PM_MESH_KEY_BYTES_MAX);
  *out = keys;
  return PM_OK;
}

void pm_mesh_keys_mac(void *ctx, unsigned key, const void *data, size_t bytes,
                      uint8_t out[PM_WIRE_MAC_BYTES]) {
  const struct pm_mesh_keys *keys = ctx;
  unsigned char mac[EVP_MAX_MD_SIZE] = {0};
  unsigned mac_bytes = 0;
  const char *secret = keys->keys[key < keys->count ? key : 0];
  /* It can only fail for want of memory; zeroes then verify with nobody's. */
  HMAC(EVP_sha256(), secret, (int)strlen(secret), data, bytes, mac, &mac_bytes);
  memcpy(out, mac, PM_WIRE_MAC_BYTES);
}
