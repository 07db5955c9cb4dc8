/* Adding a peer over HTTP: the form, what was typed into it, and the answers. Pure; the service
 * asks the node to do it.
 *
 * As of old, a url whose query reads "addpeers…true" names a peers list: the query is cut off, the
 * url becomes a ping target (…/v1/peers → …/v1/ping), and its peers are to be added, too.
 */
#ifndef PM_API_ADDPEER_H
#define PM_API_ADDPEER_H

#include <stdbool.h>
#include <stdint.h>

#include "api/form.h"
#include "base/buf.h"
#include "base/err.h"
#include "probe/target.h"

enum {
  PM_ADDPEER_LIMIT_MAX = 1000000000, /* a ping a second for 31 years */
  PM_ADDPEER_FAILS_MAX = 1000000,
};

struct pm_addpeer {
  struct pm_target_spec spec; /* learned from an operator */
  bool with_peers;
};

/* Fields url, ip, limit, delay, fails, insecure; of the numbers, what is absent or empty is as in
 * defaults (limit, delay_s and fail_max of it). PM_ERR_SYNTAX, PM_ERR_RANGE, PM_ERR_TOO_LARGE,
 * PM_ERR_MISSING (url). */
enum pm_err pm_addpeer_read(const struct pm_form *form, const struct pm_target_spec *defaults,
                            struct pm_addpeer *out, struct pm_why *why) PM_MUST_USE;

/* The form, filled with what was typed. complaint: what is wrong with it; NULL: nothing. */
void pm_addpeer_page(struct pm_buf *out, const struct pm_form *form,
                     const struct pm_target_spec *defaults, const char *complaint);

/* What became of it. */
void pm_addpeer_done_html(struct pm_buf *out, const struct pm_addpeer *added, bool is_new);
void pm_addpeer_done_json(struct pm_buf *out, const struct pm_addpeer *added, bool is_new);

#endif
