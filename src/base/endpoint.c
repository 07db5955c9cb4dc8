#include "base/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

#include "base/escape.h"

enum {
  PORT_HTTP = 80,
  PORT_HTTPS = 443,
  PORT_MAX = 65535,
  /* The longest URL, '#' and a location of escapes only. */
  TEXT_BYTES_MAX = PM_URL_BYTES + 3 * PM_LOCATION_BYTES,
  SHOWN_BYTES_MAX = 96, /* of a wrong value, so that the rest of the sentence has its place */
  KEY_BYTES_MAX = 4 + sizeof(struct pm_ip) + PM_HOST_BYTES + PM_URL_BYTES,
};

/* A piece of the text that is being parsed. at is NULL where the piece is not there at all. */
struct piece {
  const char *at;
  size_t bytes;
};

/* [scheme://]authority[path?query][#fragment], and the authority is host[:port]. */
struct pieces {
  const char *text;
  struct piece scheme;
  struct piece authority;
  struct piece host;
  struct piece port;
  struct piece target;
  struct piece fragment;
  bool host_in_brackets;
};

static int shown(size_t bytes) {
  return bytes < SHOWN_BYTES_MAX ? (int)bytes : SHOWN_BYTES_MAX;
}

static bool is_blank_or_control(char c) {
  return (unsigned char)c <= ' ' || c == 0x7f;
}

static struct pieces split(const char *text) {
  struct pieces p = {.text = text};
  const char *end = text + strcspn(text, "#");
  if (*end == '#') p.fragment = (struct piece){end + 1, strlen(end + 1)};

  const char *at = text;
  const char *colon = text + strcspn(text, ":/?#");
  if (strncmp(colon, "://", 3) == 0) {
    p.scheme = (struct piece){text, (size_t)(colon - text)};
    at = colon + 3;
  }
  p.authority = (struct piece){at, strcspn(at, "/?#")};
  at += p.authority.bytes;
  p.target = (struct piece){at, (size_t)(end - at)};
  return p;
}

/* First of all checks, so that no later sentence repeats a password. */
static enum pm_err check_no_user(const struct pieces *p, struct pm_why *why) {
  const char *at = memrchr(p->authority.at, '@', p->authority.bytes);
  if (at == NULL) return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "endpoint \"…%.*s\" holds a user name before the '@': write it without",
                    SHOWN_BYTES_MAX, at);
}

static enum pm_err check_no_blanks(const struct pieces *p, struct pm_why *why) {
  const char *end = p->target.at + p->target.bytes;
  for (const char *c = p->text; c < end; c++) {
    if (!is_blank_or_control(*c)) continue;
    return pm_why_set(
        why, PM_ERR_SYNTAX,
        "endpoint \"%.*s\" holds a %s: write it without, or percent-encoded in a path",
        SHOWN_BYTES_MAX, p->text, *c == ' ' ? "blank" : "control character");
  }
  return PM_OK;
}

static enum pm_err take_scheme(const struct pieces *p, struct pm_endpoint *e, struct pm_why *why) {
  const struct piece scheme = p->scheme;
  if (scheme.at == NULL) return PM_OK;
  e->https = scheme.bytes == 5 && strncasecmp(scheme.at, "https", 5) == 0;
  if (e->https || (scheme.bytes == 4 && strncasecmp(scheme.at, "http", 4) == 0)) return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "endpoint \"%.*s\" has the scheme \"%.*s\": write http:// or https://",
                    SHOWN_BYTES_MAX, p->text, shown(scheme.bytes), scheme.at);
}

static enum pm_err refuse_brackets(const struct pieces *p, struct pm_why *why) {
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "endpoint \"%.*s\": write an IPv6 address without a zone, in brackets where a "
                    "scheme or a port goes with it, as in [2001:db8::1]:8080",
                    SHOWN_BYTES_MAX, p->text);
}

/* "[v6]" or "[v6]:port". */
static enum pm_err split_brackets(struct pieces *p, struct pm_why *why) {
  const char *open = p->authority.at;
  const char *end = open + p->authority.bytes;
  const char *close = memchr(open, ']', p->authority.bytes);
  if (close == NULL) return refuse_brackets(p, why);
  p->host_in_brackets = true;
  p->host = (struct piece){open + 1, (size_t)(close - open - 1)};
  if (close + 1 == end) return PM_OK;
  if (close[1] != ':') return refuse_brackets(p, why);
  p->port = (struct piece){close + 2, (size_t)(end - close - 2)};
  return PM_OK;
}

static enum pm_err split_authority(struct pieces *p, struct pm_why *why) {
  const struct piece authority = p->authority;
  if (authority.bytes > 0 && authority.at[0] == '[') return split_brackets(p, why);
  p->host = authority;
  const char *first = memchr(authority.at, ':', authority.bytes);
  if (first == NULL) return PM_OK;
  if (memrchr(authority.at, ':', authority.bytes) != first) {
    /* Two colons and more: a bare IPv6 address, unless a scheme makes the last one ambiguous. */
    p->host_in_brackets = true;
    return p->scheme.at == NULL ? PM_OK : refuse_brackets(p, why);
  }
  p->host.bytes = (size_t)(first - authority.at);
  p->port = (struct piece){first + 1, authority.bytes - p->host.bytes - 1};
  return PM_OK;
}

static enum pm_err take_v6(const struct pieces *p, struct pm_endpoint *e, struct pm_why *why) {
  char text[PM_IP_TEXT_BYTES] = "";
  if (p->host.bytes < sizeof(text)) memcpy(text, p->host.at, p->host.bytes);
  if (strchr(text, ':') == NULL || pm_ip_parse(text, &e->host_ip) != PM_OK) {
    return refuse_brackets(p, why);
  }
  e->host_is_ip = true;
  pm_ip_text(&e->host_ip, e->host);
  return PM_OK;
}

static enum pm_err take_host(struct pieces *p, struct pm_endpoint *e, struct pm_why *why) {
  enum pm_err err = split_authority(p, why);
  if (err != PM_OK) return err;
  if (p->host_in_brackets) return take_v6(p, e, why);
  if (p->host.bytes == 0) {
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "endpoint \"%.*s\" has no host: write host, host:port or http://host/path",
                      SHOWN_BYTES_MAX, p->text);
  }
  err = pm_host_normalise(p->host.at, p->host.bytes, e->host, why);
  if (err != PM_OK) return err;
  e->host_is_ip = pm_ip_parse(e->host, &e->host_ip) == PM_OK;
  return PM_OK;
}

static enum pm_err take_port(const struct pieces *p, struct pm_endpoint *e, struct pm_why *why) {
  e->port = e->https ? PORT_HTTPS : PORT_HTTP;
  const struct piece port = p->port;
  if (port.at == NULL) return PM_OK;

  bool digits = port.bytes > 0;
  unsigned value = 0;
  for (size_t i = 0; i < port.bytes && digits; i++) {
    digits = port.at[i] >= '0' && port.at[i] <= '9';
    if (digits && value <= PORT_MAX) value = value * 10 + (unsigned)(port.at[i] - '0');
  }
  if (!digits || value == 0 || value > PORT_MAX) {
    return pm_why_set(why, digits ? PM_ERR_RANGE : PM_ERR_SYNTAX,
                      "endpoint \"%.*s\" has the port \"%.*s\": write a number of 1 to %d%s",
                      SHOWN_BYTES_MAX, p->text, shown(port.bytes), port.at, PORT_MAX,
                      port.bytes == 0 ? ", or no colon" : "");
  }
  e->port = (uint16_t)value;
  return PM_OK;
}

static enum pm_err refuse_length(struct pm_why *why, const char *text) {
  return pm_why_set(why, PM_ERR_TOO_LARGE,
                    "endpoint \"%.*s…\" is too long: write a URL of at most %d characters",
                    SHOWN_BYTES_MAX, text, PM_URL_BYTES - 1);
}

/* Writes the URL up to the path. The longest name and port fit by far. */
static void write_origin(struct pm_endpoint *e, bool with_port) {
  const bool v6 = e->host_ip.family == PM_IP_V6;
  char port[8] = "";
  if (with_port) (void)snprintf(port, sizeof(port), ":%u", (unsigned)e->port);
  const int bytes = snprintf(e->url, sizeof(e->url), "%s://%s%s%s%s", e->https ? "https" : "http",
                             v6 ? "[" : "", e->host, v6 ? "]" : "", port);
  e->path_at = (uint16_t)bytes;
}

/* Puts path and query behind the origin. text is what a sentence shows. */
static enum pm_err take_target(struct piece target, const char *text, struct pm_endpoint *e,
                               struct pm_why *why) {
  for (size_t i = 0; i < target.bytes; i++) {
    if ((unsigned char)target.at[i] < 0x80) continue;
    return pm_why_set(
        why, PM_ERR_SYNTAX,
        "endpoint \"%.*s\" holds characters outside ASCII in its path or query: write "
        "them percent-encoded, as in %%C3%%BC",
        SHOWN_BYTES_MAX, text);
  }
  const char *slash = target.bytes > 0 && target.at[0] == '?' ? "/" : "";
  const size_t room = sizeof(e->url) - e->path_at;
  if (strlen(slash) + target.bytes >= room) return refuse_length(why, text);
  (void)snprintf(e->url + e->path_at, room, "%s%.*s", slash, (int)target.bytes, target.at);
  return PM_OK;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* '+' stays what it is: a fragment is no form. A NUL would hide what follows it. */
static enum pm_err decode_location(struct piece from, char out[PM_LOCATION_BYTES]) {
  size_t len = 0;
  for (size_t i = 0; i < from.bytes; i++) {
    int byte = (unsigned char)from.at[i];
    if (byte == '%') {
      const int high = i + 2 < from.bytes ? hex_value(from.at[i + 1]) : -1;
      const int low = i + 2 < from.bytes ? hex_value(from.at[i + 2]) : -1;
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return PM_ERR_SYNTAX;
      byte = high * 16 + low;
      i += 2;
    }
    if (len + 1 >= PM_LOCATION_BYTES) return PM_ERR_TOO_LARGE;
    out[len++] = (char)byte;
  }
  out[len] = '\0';
  return PM_OK;
}

/* Whether every output can show it as it is, and no blank at an end makes two names of one. */
static bool is_clean(const char *location) {
  char line[PM_LOCATION_BYTES];
  const size_t bytes = strlen(location);
  memcpy(line, location, bytes + 1);
  pm_escape_line_inplace(line);
  if (strcmp(line, location) != 0) return false;
  return bytes == 0 || (location[0] != ' ' && location[bytes - 1] != ' ');
}

static enum pm_err take_location(const struct pieces *p, struct pm_endpoint *e,
                                 struct pm_why *why) {
  if (p->fragment.at == NULL) return PM_OK;
  const int bytes = shown(p->fragment.bytes);
  const enum pm_err err = decode_location(p->fragment, e->location);
  if (err == PM_ERR_TOO_LARGE) {
    return pm_why_set(why, err, "location \"%.*s…\" is too long: at most %d bytes are possible",
                      bytes, p->fragment.at, PM_LOCATION_BYTES - 1);
  }
  if (err != PM_OK) {
    return pm_why_set(
        why, err,
        "location \"%.*s\" has a '%%' without two hexadecimal digits or a %%00: write "
        "%%25 for '%%' itself",
        bytes, p->fragment.at);
  }
  if (!is_clean(e->location)) {
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "location \"%.*s\" is not UTF-8 text, holds control characters, or begins or "
                      "ends with a blank: write a plain name, as in #Paris,FR",
                      bytes, p->fragment.at);
  }
  return PM_OK;
}

static enum pm_err take_override(const char *text, struct pm_endpoint *e, struct pm_why *why) {
  if (text == NULL || text[0] == '\0') return PM_OK;
  if (pm_ip_parse(text, &e->ip_override) == PM_OK) return PM_OK;
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "address \"%.*s\" to connect to is none: write an IPv4 or IPv6 address without "
                    "brackets or port, as in 192.0.2.1 or 2001:db8::1",
                    SHOWN_BYTES_MAX, text);
}

enum pm_err pm_endpoint_parse(const char *text, const char *override, struct pm_endpoint *out,
                              struct pm_why *why) {
  if (strnlen(text, TEXT_BYTES_MAX) == TEXT_BYTES_MAX) return refuse_length(why, text);
  struct pm_endpoint e = {0};
  struct pieces p = split(text);
  enum pm_err err = check_no_user(&p, why);
  if (err == PM_OK) err = check_no_blanks(&p, why);
  if (err == PM_OK) err = take_scheme(&p, &e, why);
  if (err == PM_OK) err = take_host(&p, &e, why);
  if (err == PM_OK) err = take_port(&p, &e, why);
  if (err != PM_OK) return err;

  write_origin(&e, p.port.at != NULL);
  err = take_target(p.target, text, &e, why);
  if (err == PM_OK) err = take_location(&p, &e, why);
  if (err == PM_OK) err = take_override(override, &e, why);
  if (err == PM_OK) *out = e;
  return err;
}

static const char *target_of(const struct pm_endpoint *endpoint) {
  const char *target = endpoint->url + endpoint->path_at;
  return *target == '\0' ? "/" : target;
}

bool pm_endpoint_equal(const struct pm_endpoint *a, const struct pm_endpoint *b) {
  return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0 &&
         strcmp(target_of(a), target_of(b)) == 0 && pm_ip_equal(&a->ip_override, &b->ip_override);
}

static size_t put(char *key, size_t at, const void *bytes, size_t count) {
  memcpy(key + at, bytes, count);
  return at + count;
}

uint64_t pm_endpoint_key(const struct pm_endpoint *endpoint, uint64_t seed) {
  char key[KEY_BYTES_MAX];
  const char *target = target_of(endpoint);
  const char scheme = endpoint->https ? 's' : 'p';
  size_t at = put(key, 0, &scheme, sizeof(scheme));
  at = put(key, at, &endpoint->port, sizeof(endpoint->port));
  at = put(key, at, &endpoint->ip_override, sizeof(endpoint->ip_override));
  /* With its NUL, so that no host and path can pass for another pair. */
  at = put(key, at, endpoint->host, strlen(endpoint->host) + 1);
  at = put(key, at, target, strlen(target));
  return XXH3_64bits_withSeed(key, at, seed);
}

void pm_endpoint_path(const struct pm_endpoint *endpoint, char out[PM_URL_BYTES]) {
  const char *target = endpoint->url + endpoint->path_at;
  (void)snprintf(out, PM_URL_BYTES, "%.*s", (int)strcspn(target, "?"), target);
}

const char *pm_endpoint_query(const struct pm_endpoint *endpoint) {
  const char *mark = strchr(endpoint->url + endpoint->path_at, '?');
  return mark != NULL ? mark + 1 : endpoint->url + strlen(endpoint->url);
}

void pm_endpoint_host_port(const struct pm_endpoint *endpoint, char out[PM_HOST_PORT_BYTES]) {
  const char *authority = strstr(endpoint->url, "://");
  const char *from = authority != NULL ? authority + 3 : endpoint->url;
  const char *end = endpoint->url + endpoint->path_at;
  (void)snprintf(out, PM_HOST_PORT_BYTES, "%.*s", (int)(end > from ? end - from : 0), from);
}

enum pm_err pm_endpoint_with_path(const struct pm_endpoint *endpoint, const char *path,
                                  struct pm_endpoint *out) {
  const size_t bytes = strnlen(path, PM_URL_BYTES);
  if (bytes > 0 && path[0] != '/' && path[0] != '?') return PM_ERR_SYNTAX;
  for (size_t i = 0; i < bytes; i++) {
    if (is_blank_or_control(path[i]) || path[i] == '#') return PM_ERR_SYNTAX;
  }
  struct pm_endpoint copy = *endpoint;
  const enum pm_err err = take_target((struct piece){path, bytes}, path, &copy, NULL);
  if (err == PM_OK) *out = copy;
  return err;
}
