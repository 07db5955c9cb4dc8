/* A Sentry DSN, https://KEY[:SECRET]@HOST[:PORT][/PATH]/PROJECT, taken apart into what a request
 * needs: the project's envelope endpoint and the value of X-Sentry-Auth. Pure.
 */
#ifndef PM_PUBLISH_SENTRY_DSN_H
#define PM_PUBLISH_SENTRY_DSN_H

#include "base/err.h"

enum {
  PM_SENTRY_URL_BYTES = 512,  /* real ones have about 60 */
  PM_SENTRY_AUTH_BYTES = 400, /* two keys of 32 characters and the client's name */
};

struct pm_sentry_dsn {
  char url[PM_SENTRY_URL_BYTES];          /* https://HOST[:PORT][/PATH]/api/PROJECT/envelope/ */
  char auth_header[PM_SENTRY_AUTH_BYTES]; /* "X-Sentry-Auth: Sentry sentry_version=7, …" */
};

/* PM_ERR_SYNTAX, PM_ERR_TOO_LARGE. why never repeats the keys. */
enum pm_err pm_sentry_dsn_parse(const char *text, struct pm_sentry_dsn *out,
                                struct pm_why *why) PM_MUST_USE;

#endif
