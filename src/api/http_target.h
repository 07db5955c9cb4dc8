/* The target of a request line: origin-form ("/v1/ping?a=b") or absolute-form
 * ("http://host/v1/ping"), its path percent-decoded. Pure.
 *
 * Refused: the authority-form of CONNECT, "*", a fragment, a user name, a broken escape, an escape
 * for a control character (NUL among them), and a path with a segment "..", however written.
 */
#ifndef PM_API_HTTP_TARGET_H
#define PM_API_HTTP_TARGET_H

#include "base/err.h"

struct pm_http_target {
  const char *authority; /* NULL in origin-form */
  const char *path;      /* decoded, starts with '/' */
  const char *query;     /* as sent, without '?'; "" if none */
};

/* Takes text apart in place: what out points to lives in it. PM_ERR_SYNTAX, with one sentence. */
enum pm_err pm_http_target_split(char *text, struct pm_http_target *out,
                                 const char **out_why) PM_MUST_USE;

#endif
