#include "base/host.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/ip.h"

enum {
  NAME_BYTES_MAX = 253,
  SHOWN_BYTES_MAX = 80, /* of a wrong value, so that the rest of the sentence has its place */
};

/* <ctype.h> asks the locale; names do not. */
static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int shown(size_t bytes) {
  return bytes < SHOWN_BYTES_MAX ? (int)bytes : SHOWN_BYTES_MAX;
}

static enum pm_err check_characters(const char *text, size_t bytes, struct pm_why *why) {
  for (size_t i = 0; i < bytes; i++) {
    const char c = text[i];
    if (is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.') continue;
    if ((uint8_t)c >= 0x80) {
      return pm_why_set(why, PM_ERR_SYNTAX,
                        "host \"%.*s\" holds characters outside ASCII: write the name in its "
                        "xn-- form",
                        shown(bytes), text);
    }
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "host \"%.*s\" holds '%c': write letters, digits, '-', '_' and '.' only",
                      shown(bytes), text, c);
  }
  return PM_OK;
}

/* The name is text without its final dot. */
static enum pm_err check_labels(const char *text, size_t text_bytes, size_t bytes,
                                struct pm_why *why) {
  size_t label_at = 0;
  for (size_t i = 0; i <= bytes; i++) {
    if (i < bytes && text[i] != '.') continue;
    const size_t label_bytes = i - label_at;
    if (label_bytes == 0) {
      return pm_why_set(why, PM_ERR_SYNTAX,
                        "host \"%.*s\" has an empty label: write single dots between labels",
                        shown(text_bytes), text);
    }
    if (label_bytes > PM_HOST_LABEL_BYTES) {
      return pm_why_set(why, PM_ERR_TOO_LARGE,
                        "host \"%.*s…\" has a label of %zu characters: at most %d are possible",
                        shown(text_bytes), text, label_bytes, PM_HOST_LABEL_BYTES);
    }
    label_at = i + 1;
  }
  return PM_OK;
}

static enum pm_err check_number(const char *host, struct pm_why *why) {
  struct pm_ip ip;
  if (!pm_host_is_numeric(host) || pm_ip_parse(host, &ip) == PM_OK) return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "host \"%.*s\" ends in a number but is no IPv4 address: write four decimal "
                    "numbers of 0 to 255 without leading zeros, as in 192.0.2.1",
                    SHOWN_BYTES_MAX, host);
}

enum pm_err pm_host_normalise(const char *text, size_t bytes, char out[PM_HOST_BYTES],
                              struct pm_why *why) {
  const size_t name_bytes = bytes > 0 && text[bytes - 1] == '.' ? bytes - 1 : bytes;
  enum pm_err err = check_characters(text, bytes, why);
  if (err == PM_OK && name_bytes > NAME_BYTES_MAX) {
    err = pm_why_set(why, PM_ERR_TOO_LARGE,
                     "host \"%.*s…\" has %zu characters: a name has at most %d", shown(bytes), text,
                     name_bytes, NAME_BYTES_MAX);
  }
  if (err == PM_OK) err = check_labels(text, bytes, name_bytes, why);
  if (err != PM_OK) return err;

  char host[PM_HOST_BYTES] = {0};
  for (size_t i = 0; i < name_bytes; i++) host[i] = lower(text[i]);
  err = check_number(host, why);
  if (err == PM_OK) memcpy(out, host, sizeof(host));
  return err;
}

bool pm_host_is_numeric(const char *host) {
  size_t end = strlen(host);
  if (end > 0 && host[end - 1] == '.') end--;
  size_t at = end;
  while (at > 0 && host[at - 1] != '.') at--;
  if (at == end) return false;

  bool (*is_figure)(char) = is_digit;
  if (end - at >= 2 && host[at] == '0' && lower(host[at + 1]) == 'x') {
    is_figure = is_hex;
    at += 2;
  }
  while (at < end && is_figure(host[at])) at++;
  return at == end;
}

bool pm_host_is_below(const char *host, const char *domain) {
  size_t host_bytes = strlen(host);
  const size_t domain_bytes = strlen(domain);
  if (host_bytes > 0 && host[host_bytes - 1] == '.') host_bytes--;
  if (domain_bytes == 0 || host_bytes < domain_bytes) return false;
  const size_t at = host_bytes - domain_bytes;
  if (strncasecmp(host + at, domain, domain_bytes) != 0) return false;
  return at == 0 || host[at - 1] == '.';
}
