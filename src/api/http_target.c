#include "api/http_target.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* In place: the decoded text is never longer. */
static bool decode(char *text) {
  char *to = text;
  for (const char *at = text; *at != '\0'; at++) {
    if (*at != '%') {
      *to++ = *at;
      continue;
    }
    const int high = hex_digit(at[1]);
    const int low = high < 0 ? -1 : hex_digit(at[2]);
    if (low < 0) return false;
    const int byte = high * 16 + low;
    if (byte < 0x20 || byte == 0x7f) return false;
    *to++ = (char)byte;
    at += 2;
  }
  *to = '\0';
  return true;
}

static bool climbs(const char *path) {
  for (const char *at = strstr(path, "/.."); at != NULL; at = strstr(at + 1, "/..")) {
    if (at[3] == '/' || at[3] == '\0') return true;
  }
  return false;
}

/* Past "http://" or "https://"; NULL if the text does not begin with either. */
static char *skip_scheme(char *text) {
  static const char *const schemes[] = {"http://", "https://"};
  for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
    const size_t bytes = strlen(schemes[i]);
    if (strncasecmp(text, schemes[i], bytes) == 0) return text + bytes;
  }
  return NULL;
}

/* Moves the authority one byte to the front, over a '/' of "//", so that there is room for its NUL
 * before the path. Returns where the rest begins. */
static char *take_authority(char *text, const char **out_authority) {
  const size_t bytes = strcspn(text, "/?");
  char *authority = text - 1;
  memmove(authority, text, bytes);
  authority[bytes] = '\0';
  *out_authority = authority;
  return text + bytes;
}

enum pm_err pm_http_target_split(char *text, struct pm_http_target *out, const char **out_why) {
  struct pm_http_target target = {.query = ""};
  if (strchr(text, '#') != NULL) {
    *out_why = "The target has a fragment.";
    return PM_ERR_SYNTAX;
  }
  if (text[0] != '/') {
    char *after_scheme = skip_scheme(text);
    if (after_scheme == NULL) {
      *out_why = "The target is neither a path nor an http URL.";
      return PM_ERR_SYNTAX;
    }
    text = take_authority(after_scheme, &target.authority);
  }
  char *mark = strchr(text, '?');
  if (mark != NULL) {
    *mark = '\0';
    target.query = mark + 1;
  }
  if (!decode(text)) {
    *out_why = "The path has a broken or forbidden escape.";
    return PM_ERR_SYNTAX;
  }
  target.path = text[0] != '\0' ? text : "/";
  if (climbs(target.path)) {
    *out_why = "The path leads upwards.";
    return PM_ERR_SYNTAX;
  }
  *out = target;
  return PM_OK;
}
