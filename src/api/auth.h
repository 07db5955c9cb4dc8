/* Who is asking: decides a request's role from what it carries. Pure but for OpenSSL's HMAC.
 *
 * Operator is
 * - a direct loopback client: loopback source address, a loopback name or address in Host, HTTP/1.1
 *   (nginx as it comes rewrites Host to our address and speaks HTTP/1.0), and no Forwarded,
 *   X-Forwarded-*, X-Real-IP or Via header: a proxy on this machine must not make the world an
 *   operator; or
 * - the bearer of the admin token: "Authorization: Bearer …", or the cookie that the login form
 *   gave for it (HttpOnly, SameSite=Strict, signed with a secret of this process, 12 hours).
 * A request that a foreign page caused is never an operator's: Sec-Fetch-Site other than
 * same-origin or none, or an Origin (or, without both, a Referer) whose host is not Host's.
 *
 * A proxy that adds no header and passes a forged "Host: localhost" on cannot be told from a
 * direct client: a node behind such a one sets token_only.
 */
#ifndef PM_API_AUTH_H
#define PM_API_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/http_message.h"
#include "base/clock.h"
#include "base/err.h"

/* What a route asks for. Reading is for anyone, unless the node was told to keep it from strangers.
 */
enum pm_role {
  PM_ROLE_ANYONE, /* always: to be measured, to be watched over, to log in */
  PM_ROLE_READER, /* anyone; operators alone where reading is closed */
  PM_ROLE_PEER,   /* a reader, and nodes of the mesh also where reading is closed: the handler knows
                   * them, and asks pm_route_may_read for others */
  PM_ROLE_OPERATOR, /* whoever may change things */
};

enum {
  PM_AUTH_TOKEN_BYTES_MIN = 8,
  PM_AUTH_TOKEN_BYTES_MAX = 256,
  PM_AUTH_SECRET_BYTES = 32,
  PM_AUTH_COOKIE_BYTES = 192,
  PM_AUTH_COOKIE_S = 12 * 3600,
  /* So many wrong tokens in so long, from everybody together: a dictionary of a million words
   * takes four months. While it lasts a right token is refused, too, or it would bound nothing;
   * cookies and loopback clients go on. */
  PM_AUTH_WRONG_MAX = 5,
  PM_AUTH_WRONG_WINDOW_S = 60,
};

/* The caller sets the first four and zeroes the rest. */
struct pm_auth {
  char token[PM_AUTH_TOKEN_BYTES_MAX + 1];    /* "" : none, operators are local only */
  unsigned char secret[PM_AUTH_SECRET_BYTES]; /* signs cookies */
  bool token_only;                            /* a loopback client needs the token, too */
  bool read_closed;                           /* reading is for operators, and peers */
  struct pm_time wrong_at[PM_AUTH_WRONG_MAX]; /* the latest, as a ring */
  size_t wrong_count;                         /* of all times */
};

enum pm_auth_verdict {
  PM_AUTH_OK,
  PM_AUTH_CROSS_SITE,   /* 403 */
  PM_AUTH_TOKEN_NEEDED, /* 401: a token is configured and was not given */
  PM_AUTH_TOKEN_WRONG,  /* 401 */
  PM_AUTH_TOO_MANY,     /* 429: see pm_auth_retry_after_s */
  PM_AUTH_LOCAL_ONLY,   /* 403: no token is configured */
};

/* May this request act as an operator? Counts a wrong token. */
enum pm_auth_verdict pm_auth_operator(struct pm_auth *auth, const struct pm_http_request *request,
                                      struct pm_wall now);

/* Checks a token typed into the form; on success writes the Set-Cookie value (Secure if the request
 * came by TLS). PM_ERR_DENIED (wrong, and counted), PM_ERR_FULL (too many wrong ones),
 * PM_ERR_MISSING (no token is configured), PM_ERR_SYSTEM (OpenSSL). */
enum pm_err pm_auth_login(struct pm_auth *auth, const struct pm_http_request *request,
                          const char *token, struct pm_wall now,
                          char out_cookie[PM_AUTH_COOKIE_BYTES]) PM_MUST_USE;
/* The Set-Cookie value that makes the browser forget. The cookie itself stays valid until it
 * expires: nothing is kept here that could be struck out. */
enum pm_err pm_auth_logout(const struct pm_auth *auth, bool tls,
                           char out_cookie[PM_AUTH_COOKIE_BYTES]) PM_MUST_USE;
/* Seconds until tokens are looked at again; 0: now. */
int64_t pm_auth_retry_after_s(const struct pm_auth *auth, struct pm_time now);

/* Where a request started, as its browser tells. */
enum pm_auth_origin {
  PM_AUTH_ORIGIN_FOREIGN, /* another site's page */
  PM_AUTH_ORIGIN_OWN,     /* a page of ours */
  PM_AUTH_ORIGIN_TYPED,   /* the address bar, a bookmark */
  PM_AUTH_ORIGIN_UNTOLD,  /* a program, or a browser that does not say */
};
enum pm_auth_origin pm_auth_origin(const struct pm_http_request *request);
/* Whether a GET may change something, as of old. Not from any page, ours included (a login leads
 * back to the page that was asked for, whoever had made the link to it), and not from a browser
 * that does not tell: those get the form, whose POST always tells. */
bool pm_auth_get_may_act(const struct pm_http_request *request);

#endif
