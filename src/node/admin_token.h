/* The operator's token, from the environment or a file; never from argv.
 */
#ifndef PM_NODE_ADMIN_TOKEN_H
#define PM_NODE_ADMIN_TOKEN_H

#include "api/auth.h"
#include "base/err.h"
#include "node/options.h"

/* "" if none is configured. A token shorter or longer than auth.h's bounds, of other than visible
 * ASCII, or in an unreadable file is refused with a sentence that does not show it. */
enum pm_err pm_admin_token_read(const struct pm_options *options,
                                char out[PM_AUTH_TOKEN_BYTES_MAX + 1],
                                struct pm_why *why) PM_MUST_USE;

#endif
