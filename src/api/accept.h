/* What kind of answer a client wants: a page or JSON. Pure.
 */
#ifndef PM_API_ACCEPT_H
#define PM_API_ACCEPT_H

#include <stdbool.h>

#include "api/http_message.h"

enum pm_format { PM_FORMAT_HTML, PM_FORMAT_JSON };

/* By the Accept header (RFC 9110, section 12.5.1): the one with the greater weight, or neutral if
 * both weigh the same, as with a star or no header at all. A browser's header prefers HTML. */
enum pm_format pm_accept_format(const struct pm_http_request *request, enum pm_format neutral);

/* By "format=html" or "format=json" in the query alone; neutral for anything else. */
enum pm_format pm_accept_query(const struct pm_http_request *request, enum pm_format neutral);

/* Whether the answer may be compressed (Accept-Encoding names gzip or a star, not with weight 0).
 */
bool pm_accept_gzip(const struct pm_http_request *request);

#endif
