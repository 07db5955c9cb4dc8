#include "api/auth.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/ip.h"
#include "base/secret.h"

enum {
  MAC_BYTES = 32, /* SHA-256 */
  MAC_HEX_BYTES = 2 * MAC_BYTES + 1,
  COOKIE_NAME_BYTES = 24,
  EXPIRY_DIGITS_MAX = 12, /* seconds since 1970, for 29,000 years */
  PORT_DIGITS_MAX = 5,
  HMAC_TEXT_BYTES = PM_AUTH_TOKEN_BYTES_MAX + 64,
};

/* Strictly 127/8 and ::1: an address that only carries a loopback one (64:ff9b::7f00:1, 6to4) has
 * come over a network. */
static bool is_loopback(const struct pm_ip *ip) {
  static const struct pm_ip v6 = {PM_IP_V6, {[15] = 1}};
  if (ip->family == PM_IP_V4) return ip->bytes[0] == 127;
  return pm_ip_equal(ip, &v6);
}

static bool is_port_or_none(const char *text) {
  if (text[0] == '\0') return true;
  if (text[0] != ':') return false;
  size_t digits = strspn(text + 1, "0123456789");
  return digits > 0 && digits <= PORT_DIGITS_MAX && text[1 + digits] == '\0';
}

/* A name that a stranger's DNS can point at 127.0.0.1 is none of these. */
static bool is_loopback_host(const char *host) {
  char name[PM_IP_TEXT_BYTES];
  bool bracketed = host[0] == '[';
  const char *at = bracketed ? host + 1 : host;
  size_t bytes = strcspn(at, bracketed ? "]" : ":");
  if (bytes >= sizeof(name) || (bracketed && at[bytes] == '\0')) return false;
  memcpy(name, at, bytes);
  name[bytes] = '\0';
  if (!is_port_or_none(at + bytes + (bracketed ? 1 : 0))) return false;
  if (!bracketed && strcasecmp(name, "localhost") == 0) return true;
  struct pm_ip ip;
  return pm_ip_parse(name, &ip) == PM_OK && is_loopback(&ip);
}

static bool is_forwarded(const struct pm_http_request *request) {
  static const char *const names[] = {"forwarded", "via", "x-real-ip"};
  static const char prefix[] = "x-forwarded-";
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (pm_http_request_header(request, names[i]) != NULL) return true;
  }
  for (size_t i = 0; i < request->headers_count; i++) {
    if (strncmp(request->headers[i].name, prefix, sizeof(prefix) - 1) == 0) return true;
  }
  return false;
}

static bool is_direct_loopback(const struct pm_http_request *request) {
  if (request->http_1_0 || pm_http_request_header_count(request, "host") > 1) return false;
  return is_loopback(&request->client) && is_loopback_host(request->host) && !is_forwarded(request);
}

/* The length of host[:port] without the port that its scheme implies. */
static size_t authority_bytes(const char *text, size_t bytes, const char *default_port) {
  size_t port_bytes = strlen(default_port);
  if (bytes <= port_bytes || memcmp(text + bytes - port_bytes, default_port, port_bytes) != 0) {
    return bytes;
  }
  return bytes - port_bytes;
}

/* Whether a URL is of the authority that Host names. The scheme may differ: a proxy may end TLS. */
static bool is_same_authority(const char *url, const char *host) {
  const char *default_port = ":80";
  const char *at = url;
  if (strncasecmp(url, "http://", 7) == 0) {
    at += 7;
  } else if (strncasecmp(url, "https://", 8) == 0) {
    at += 8;
    default_port = ":443";
  } else {
    return false;
  }
  size_t bytes = authority_bytes(at, strcspn(at, "/?#"), default_port);
  size_t host_bytes = authority_bytes(host, strlen(host), default_port);
  return bytes > 0 && bytes == host_bytes && strncasecmp(at, host, bytes) == 0;
}

enum pm_auth_origin pm_auth_origin(const struct pm_http_request *request) {
  const char *site = pm_http_request_header(request, "sec-fetch-site");
  const char *origin = pm_http_request_header(request, "origin");
  const char *referer = pm_http_request_header(request, "referer");
  if (pm_http_request_header_count(request, "sec-fetch-site") > 1 ||
      pm_http_request_header_count(request, "origin") > 1) {
    return PM_AUTH_ORIGIN_FOREIGN;
  }
  bool typed = site != NULL && strcmp(site, "none") == 0;
  if (site != NULL && !typed && strcmp(site, "same-origin") != 0) return PM_AUTH_ORIGIN_FOREIGN;
  if (origin != NULL) {
    return is_same_authority(origin, request->host) ? PM_AUTH_ORIGIN_OWN : PM_AUTH_ORIGIN_FOREIGN;
  }
  if (site != NULL) return typed ? PM_AUTH_ORIGIN_TYPED : PM_AUTH_ORIGIN_OWN;
  if (referer != NULL) {
    return is_same_authority(referer, request->host) ? PM_AUTH_ORIGIN_OWN : PM_AUTH_ORIGIN_FOREIGN;
  }
  return PM_AUTH_ORIGIN_UNTOLD;
}

bool pm_auth_get_may_act(const struct pm_http_request *request) {
  enum pm_auth_origin origin = pm_auth_origin(request);
  if (origin != PM_AUTH_ORIGIN_UNTOLD) return origin == PM_AUTH_ORIGIN_TYPED;
  /* Every browser there is begins so, and no program does by default. */
  const char *agent = pm_http_request_header(request, "user-agent");
  return agent == NULL || strncmp(agent, "Mozilla/", 8) != 0;
}

int64_t pm_auth_retry_after_s(const struct pm_auth *auth, struct pm_time now) {
  if (auth->wrong_count < PM_AUTH_WRONG_MAX) return 0;
  struct pm_time oldest = auth->wrong_at[auth->wrong_count % PM_AUTH_WRONG_MAX];
  struct pm_time free_at = pm_time_add_ms(oldest, (int64_t)PM_AUTH_WRONG_WINDOW_S * 1000);
  int64_t left_ns = pm_time_since_ns(free_at, now);
  return left_ns <= 0 ? 0 : (left_ns + PM_NS_PER_S - 1) / PM_NS_PER_S;
}

static enum pm_auth_verdict check_token(struct pm_auth *auth, const char *token,
                                        struct pm_time now) {
  if (pm_auth_retry_after_s(auth, now) > 0) return PM_AUTH_TOO_MANY;
  if (pm_secret_equal(token, strlen(token), auth->token, strlen(auth->token))) return PM_AUTH_OK;
  auth->wrong_at[auth->wrong_count++ % PM_AUTH_WRONG_MAX] = now;
  return PM_AUTH_TOKEN_WRONG;
}

static enum pm_err sign(const struct pm_auth *auth, const char *text, char out[MAC_HEX_BYTES]) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned mac_bytes = 0;
  if (HMAC(EVP_sha256(), auth->secret, PM_AUTH_SECRET_BYTES, (const unsigned char *)text,
           strlen(text), mac, &mac_bytes) == NULL ||
      mac_bytes != MAC_BYTES) {
    return PM_ERR_SYSTEM;
  }
  for (size_t i = 0; i < MAC_BYTES; i++) snprintf(out + 2 * i, 3, "%02x", mac[i]);
  return PM_OK;
}

/* Cookies are told apart by host but not by port: each node of one machine has a name of its own.
 */
static enum pm_err cookie_name(const struct pm_auth *auth, char out[COOKIE_NAME_BYTES]) {
  char mac[MAC_HEX_BYTES];
  enum pm_err err = sign(auth, "name", mac);
  if (err == PM_OK) snprintf(out, COOKIE_NAME_BYTES, "pingmesh_%.8s", mac);
  return err;
}

/* The signature covers the token, so that a new token ends what the old one gave. */
static enum pm_err sign_expiry(const struct pm_auth *auth, int64_t expiry_s,
                               char out[MAC_HEX_BYTES]) {
  char text[HMAC_TEXT_BYTES];
  snprintf(text, sizeof(text), "operator until %" PRId64 " by %s", expiry_s, auth->token);
  return sign(auth, text, out);
}

/* The value of a cookie inside a Cookie header; its length is written, 0 if it is not there. */
static const char *find_cookie(const char *cookies, const char *name, size_t *out_bytes) {
  size_t name_bytes = strlen(name);
  for (const char *at = cookies; *at != '\0';) {
    at += strspn(at, "; ");
    size_t bytes = strcspn(at, ";");
    if (bytes > name_bytes && at[name_bytes] == '=' && memcmp(at, name, name_bytes) == 0) {
      *out_bytes = bytes - name_bytes - 1;
      return at + name_bytes + 1;
    }
    at += bytes;
  }
  *out_bytes = 0;
  return cookies;
}

static bool has_valid_cookie(const struct pm_auth *auth, const struct pm_http_request *request,
                             struct pm_wall now) {
  char name[COOKIE_NAME_BYTES];
  char mac[MAC_HEX_BYTES];
  const char *cookies = pm_http_request_header(request, "cookie");
  if (cookies == NULL || cookie_name(auth, name) != PM_OK) return false;
  size_t bytes;
  const char *value = find_cookie(cookies, name, &bytes);
  size_t digits = strspn(value, "0123456789");
  if (digits == 0 || digits > EXPIRY_DIGITS_MAX || digits >= bytes || value[digits] != '.') {
    return false;
  }
  int64_t expiry_s = 0;
  for (size_t i = 0; i < digits; i++) expiry_s = expiry_s * 10 + (value[i] - '0');
  if (sign_expiry(auth, expiry_s, mac) != PM_OK) return false;
  if (!pm_secret_equal(value + digits + 1, bytes - digits - 1, mac, strlen(mac))) return false;
  return now.ns / PM_NS_PER_S < expiry_s;
}

/* The token of "Authorization: Bearer …"; NULL if there is no such header. Of several none counts:
 * who sends two may have been made to. */
static const char *bearer(const struct pm_http_request *request) {
  const char *value = pm_http_request_header(request, "authorization");
  if (value == NULL || strncasecmp(value, "bearer ", 7) != 0) return NULL;
  if (pm_http_request_header_count(request, "authorization") > 1) return "";
  return value + 7 + strspn(value + 7, " ");
}

enum pm_auth_verdict pm_auth_operator(struct pm_auth *auth, const struct pm_http_request *request,
                                      struct pm_wall now) {
  if (pm_auth_origin(request) == PM_AUTH_ORIGIN_FOREIGN) return PM_AUTH_CROSS_SITE;
  if (!auth->token_only && is_direct_loopback(request)) return PM_AUTH_OK;
  if (auth->token[0] == '\0') return PM_AUTH_LOCAL_ONLY;
  const char *token = bearer(request);
  if (token != NULL) return check_token(auth, token, request->received);
  return has_valid_cookie(auth, request, now) ? PM_AUTH_OK : PM_AUTH_TOKEN_NEEDED;
}

static enum pm_err write_cookie(const struct pm_auth *auth, const char *value, int64_t max_age_s,
                                bool tls, char out[PM_AUTH_COOKIE_BYTES]) {
  char name[COOKIE_NAME_BYTES];
  enum pm_err err = cookie_name(auth, name);
  if (err != PM_OK) return err;
  snprintf(out, PM_AUTH_COOKIE_BYTES,
           "%s=%s; Path=/; Max-Age=%" PRId64 "; HttpOnly; SameSite=Strict%s", name, value,
           max_age_s, tls ? "; Secure" : "");
  return PM_OK;
}

enum pm_err pm_auth_login(struct pm_auth *auth, const struct pm_http_request *request,
                          const char *token, struct pm_wall now,
                          char out_cookie[PM_AUTH_COOKIE_BYTES]) {
  if (auth->token[0] == '\0') return PM_ERR_MISSING;
  enum pm_auth_verdict verdict = check_token(auth, token, request->received);
  if (verdict != PM_AUTH_OK) return verdict == PM_AUTH_TOO_MANY ? PM_ERR_FULL : PM_ERR_DENIED;
  char mac[MAC_HEX_BYTES];
  char value[MAC_HEX_BYTES + EXPIRY_DIGITS_MAX + 16];
  int64_t expiry_s = now.ns / PM_NS_PER_S + PM_AUTH_COOKIE_S;
  enum pm_err err = sign_expiry(auth, expiry_s, mac);
  if (err != PM_OK) return err;
  snprintf(value, sizeof(value), "%" PRId64 ".%s", expiry_s, mac);
  return write_cookie(auth, value, PM_AUTH_COOKIE_S, request->tls, out_cookie);
}

enum pm_err pm_auth_logout(const struct pm_auth *auth, bool tls,
                           char out_cookie[PM_AUTH_COOKIE_BYTES]) {
  return write_cookie(auth, "", 0, tls, out_cookie);
}
