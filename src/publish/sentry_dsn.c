#include "publish/sentry_dsn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BYTES_MAX = 128 };

static const char KEY_LETTERS[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
static const char PLACE_LETTERS[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:[]/~%";

/* Pieces of the text. */
struct pieces {
  const char *scheme, *key, *secret, *place, *project;
  int scheme_bytes, key_bytes, secret_bytes, place_bytes, project_bytes;
};

static bool is_of(const char *text, int bytes, const char *letters) {
  return bytes > 0 && strspn(text, letters) >= (size_t)bytes;
}

static bool split(const char *text, struct pieces *out) {
  const char *mark = strstr(text, "://");
  if (mark == NULL) return false;
  out->scheme = text;
  out->scheme_bytes = (int)(mark - text);
  out->key = mark + 3;
  const char *at = strchr(out->key, '@');
  if (at == NULL) return false;
  const char *colon = memchr(out->key, ':', (size_t)(at - out->key));
  out->key_bytes = (int)((colon ? colon : at) - out->key);
  out->secret = colon ? colon + 1 : at;
  out->secret_bytes = (int)(at - out->secret);
  out->place = at + 1;
  const char *slash = strrchr(out->place, '/');
  if (slash == NULL || slash == out->place) return false;
  out->place_bytes = (int)(slash - out->place);
  out->project = slash + 1;
  out->project_bytes = (int)strlen(out->project);
  return true;
}

static bool is_sane(const struct pieces *p) {
  bool scheme = (p->scheme_bytes == 4 && memcmp(p->scheme, "http", 4) == 0) ||
                (p->scheme_bytes == 5 && memcmp(p->scheme, "https", 5) == 0);
  bool secret = p->secret_bytes == 0 || is_of(p->secret, p->secret_bytes, KEY_LETTERS);
  return scheme && secret && is_of(p->key, p->key_bytes, KEY_LETTERS) && p->place[0] != '/' &&
         is_of(p->place, p->place_bytes, PLACE_LETTERS) &&
         is_of(p->project, p->project_bytes, KEY_LETTERS);
}

enum pm_err pm_sentry_dsn_parse(const char *text, struct pm_sentry_dsn *out, struct pm_why *why) {
  struct pieces p;
  if (strlen(text) >= PM_SENTRY_URL_BYTES - sizeof("/api//envelope/"))
    return pm_why_set(why, PM_ERR_TOO_LARGE, "SENTRY_DSN: %zu bytes are no DSN", strlen(text));
  if (!split(text, &p) || !is_sane(&p))
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "SENTRY_DSN is not of the form https://KEY@HOST/PROJECT, as Sentry shows it "
                      "under Client Keys");
  if (p.key_bytes > KEY_BYTES_MAX || p.secret_bytes > KEY_BYTES_MAX)
    return pm_why_set(why, PM_ERR_TOO_LARGE, "SENTRY_DSN: a key of more than %d characters",
                      KEY_BYTES_MAX);
  snprintf(out->url, sizeof(out->url), "%.*s://%.*s/api/%.*s/envelope/", p.scheme_bytes, p.scheme,
           p.place_bytes, p.place, p.project_bytes, p.project);
  snprintf(out->auth_header, sizeof(out->auth_header),
           "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=pingmesh/" PM_VERSION
           ", sentry_key=%.*s%s%.*s",
           p.key_bytes, p.key, p.secret_bytes ? ", sentry_secret=" : "", p.secret_bytes, p.secret);
  return PM_OK;
}
