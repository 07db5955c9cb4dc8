#include "node/mesh_key.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* True if the line, blanks around it aside, is a key, or nothing at all. */
static bool take_line(struct pm_mesh_keys *keys, const char *line, size_t length) {
  while (length > 0 && is_blank(line[length - 1])) length--;
  while (length > 0 && is_blank(line[0])) line++, length--;
  if (length == 0 || line[0] == '#') return true;
  if (length < PM_MESH_KEY_BYTES_MIN || length > PM_MESH_KEY_BYTES_MAX) return false;
  if (keys->count == PM_GOSSIP_KEYS_MAX || memchr(line, '\0', length)) return false;
  memcpy(keys->keys[keys->count], line, length);
  keys->keys[keys->count++][length] = '\0';
  return true;
}

enum pm_err pm_mesh_keys_parse(const char *text, size_t bytes, struct pm_mesh_keys *out,
                               struct pm_why *why) {
  struct pm_mesh_keys keys = {.count = 0};
  unsigned number = 0;
  for (const char *line = text, *end = text + bytes; line < end;) {
    const char *feed = memchr(line, '\n', (size_t)(end - line));
    number++;
    if (!take_line(&keys, line, (size_t)((feed ? feed : end) - line)))
      return pm_why_set(why, PM_ERR_SYNTAX,
                        "line %u: a key has %d to %d characters, and there are %d keys at most",
                        number, PM_MESH_KEY_BYTES_MIN, PM_MESH_KEY_BYTES_MAX, PM_GOSSIP_KEYS_MAX);
    line = feed ? feed + 1 : end;
  }
  if (keys.count == 0)
    return pm_why_set(why, PM_ERR_MISSING,
                      "it holds no key; a line of %d to %d characters is right",
                      PM_MESH_KEY_BYTES_MIN, PM_MESH_KEY_BYTES_MAX);
  *out = keys;
  return PM_OK;
}

static enum pm_err read_text(const char *path, struct pm_buf *out, struct pm_why *why) {
  char part[4096];
  size_t got;
  FILE *file = fopen(path, "re");
  if (!file) return pm_why_set(why, PM_ERR_IO, "cannot be read: %s", strerror(errno));
  while (pm_buf_status(out) == PM_OK && (got = fread(part, 1, sizeof part, file)) > 0)
    pm_buf_append(out, part, got);
  int error = ferror(file) ? errno : 0;
  fclose(file);
  if (error) return pm_why_set(why, PM_ERR_IO, "cannot be read: %s", strerror(error));
  enum pm_err err = pm_buf_status(out);
  return err == PM_OK ? err
                      : pm_why_set(why, err, "has more than %d bytes", PM_MESH_KEY_FILE_BYTES_MAX);
}

enum pm_err pm_mesh_keys_read(const char *path, struct pm_mesh_keys *out, struct pm_why *why) {
  struct pm_buf text;
  struct pm_why reason = {""};
  pm_buf_init(&text, PM_MESH_KEY_FILE_BYTES_MAX);
  enum pm_err err = read_text(path, &text, &reason);
  if (err != PM_OK) {
    pm_why_set(why, err, "--mesh-key-file: %s %s", path, reason.text);
  } else {
    err = pm_mesh_keys_parse(text.data, text.len, out, &reason);
    if (err != PM_OK) pm_why_set(why, err, "--mesh-key-file: %s, %s", path, reason.text);
  }
  pm_buf_deinit(&text);
  return err;
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
