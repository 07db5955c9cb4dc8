#include "publish/aws_keys.h"

#include <string.h>

#include "base/json_read.h"

enum {
  DOCUMENT_BYTES_MAX = 16 * 1024,
  DOCUMENT_ITEMS_MAX = 64,
  DOCUMENT_DEPTH_MAX = 4,
};

bool pm_aws_value_copy(const char *value, size_t bytes, char *out, size_t out_bytes) {
  if (bytes == 0 || bytes >= out_bytes) return false;
  for (size_t i = 0; i < bytes; i++)
    if (value[i] <= ' ' || value[i] >= 0x7f) return false;
  memcpy(out, value, bytes);
  out[bytes] = '\0';
  return true;
}

/* --- the shared files ------------------------------------------------------------------------ */

struct piece {
  const char *at;
  size_t bytes;
};

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(struct piece piece) {
  while (piece.bytes > 0 && is_blank(piece.at[0])) piece.at++, piece.bytes--;
  while (piece.bytes > 0 && is_blank(piece.at[piece.bytes - 1])) piece.bytes--;
  return piece;
}

static bool equals(struct piece piece, const char *text) {
  return piece.bytes == strlen(text) && memcmp(piece.at, text, piece.bytes) == 0;
}

/* "[default]", "[profile NAME]" in the config file, "[NAME]" in the credentials file. */
static bool is_section(struct piece line, const char *name, bool config_file) {
  static const char prefix[] = "profile";
  const char *end = memchr(line.at, ']', line.bytes);
  if (end == NULL) return false;
  struct piece title = trim((struct piece){line.at + 1, (size_t)(end - line.at) - 1});
  if (!config_file || equals(title, "default")) return equals(title, name);
  size_t length = sizeof(prefix) - 1;
  if (title.bytes <= length || memcmp(title.at, prefix, length) != 0 || !is_blank(title.at[length]))
    return false;
  return equals(trim((struct piece){title.at + length, title.bytes - length}), name);
}

static void take_setting(struct piece line, struct pm_aws_profile *out) {
  const struct {
    const char *name;
    char *field;
    size_t bytes;
  } settings[] = {
      {"aws_access_key_id", out->keys.key_id, sizeof(out->keys.key_id)},
      {"aws_secret_access_key", out->keys.secret, sizeof(out->keys.secret)},
      {"aws_session_token", out->keys.token, sizeof(out->keys.token)},
      {"region", out->region, sizeof(out->region)},
      {"endpoint_url", out->endpoint_url, sizeof(out->endpoint_url)},
  };
  const char *equal = memchr(line.at, '=', line.bytes);
  if (equal == NULL) return;
  struct piece name = trim((struct piece){line.at, (size_t)(equal - line.at)});
  struct piece value = trim((struct piece){equal + 1, line.bytes - (size_t)(equal - line.at) - 1});
  for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
    if (equals(name, settings[i].name))
      pm_aws_value_copy(value.at, value.bytes, settings[i].field, settings[i].bytes);
}

bool pm_aws_profile_read(const char *text, size_t bytes, const char *name, bool config_file,
                         struct pm_aws_profile *out) {
  bool inside = false;
  bool found = false;
  for (size_t at = 0; at < bytes;) {
    const char *end = memchr(text + at, '\n', bytes - at);
    size_t length = end != NULL ? (size_t)(end - (text + at)) : bytes - at;
    struct piece line = {text + at, length};
    at += length + 1;
    if (length == 0 || is_blank(line.at[0]) || line.at[0] == '#' || line.at[0] == ';') continue;
    if (line.at[0] == '[') {
      inside = is_section(line, name, config_file);
      found = found || inside;
    } else if (inside) {
      take_setting(line, out);
    }
  }
  if (out->keys.key_id[0] == '\0' || out->keys.secret[0] == '\0')
    memset(&out->keys, 0, sizeof(out->keys));
  return found;
}

/* --- the services' document ------------------------------------------------------------------- */

static bool take_member(const struct pm_json *root, const char *name, char *out, size_t bytes) {
  const char *text;
  if (pm_json_string(pm_json_member(root, name), &text) != PM_OK) return false;
  return pm_aws_value_copy(text, strlen(text), out, bytes);
}

static enum pm_err take_document(const struct pm_json *root, struct pm_aws_keys *out,
                                 struct pm_why *why) {
  const char *text;
  if (pm_json_string(pm_json_member(root, "Code"), &text) == PM_OK && strcmp(text, "Success") != 0)
    return pm_why_set(why, PM_ERR_MISSING, "the credentials service says \"%s\"", text);
  if (!take_member(root, "AccessKeyId", out->key_id, sizeof(out->key_id)) ||
      !take_member(root, "SecretAccessKey", out->secret, sizeof(out->secret)))
    return pm_why_set(why, PM_ERR_MISSING,
                      "the credentials service's answer has no AccessKeyId and SecretAccessKey");
  take_member(root, "Token", out->token, sizeof(out->token));
  const struct pm_json *expires = pm_json_member(root, "Expiration");
  if (pm_json_is_null(expires)) return PM_OK;
  if (pm_json_string(expires, &text) != PM_OK || pm_wall_parse(text, &out->expires) != PM_OK)
    return pm_why_set(why, PM_ERR_SYNTAX, "the credentials' Expiration is no time in RFC 3339");
  return PM_OK;
}

enum pm_err pm_aws_keys_parse(const char *text, size_t bytes, struct pm_aws_keys *out,
                              struct pm_why *why) {
  static const struct pm_json_limits limits = {.bytes_max = DOCUMENT_BYTES_MAX,
                                               .depth_max = DOCUMENT_DEPTH_MAX,
                                               .items_max = DOCUMENT_ITEMS_MAX,
                                               .string_bytes_max = PM_AWS_TOKEN_BYTES};
  struct pm_json_doc *doc;
  enum pm_err err = pm_json_parse(text, bytes, &limits, &doc, why);
  if (err != PM_OK) return err;
  struct pm_aws_keys keys = {.key_id = ""};
  err = take_document(pm_json_root(doc), &keys, why);
  pm_json_free(doc);
  if (err == PM_OK) *out = keys;
  return err;
}
