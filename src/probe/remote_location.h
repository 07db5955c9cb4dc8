/* Where a remote says that it is: `"SrvLoc": "…"` in JSON, or `<p>Served from …` up to the line's
 * end (or the next tag, or the body's end) in HTML. Of the two the one that comes first in the body
 * and names a place counts. Pure; takes any bytes, in linear time and without allocating.
 */
#ifndef PM_PROBE_REMOTE_LOCATION_H
#define PM_PROBE_REMOTE_LOCATION_H

#include <stddef.h>

#include "base/endpoint.h"
#include "base/err.h"

/* Trimmed of white space, entities (HTML) and escapes (JSON) decoded, made harmless as
 * pm_escape_line does (base/escape.h), cut to fit at a character's boundary. PM_ERR_MISSING if the
 * body names none or an empty one, or if its JSON string is broken or was cut with the body. */
enum pm_err pm_remote_location(const char *body, size_t bytes,
                               char out[PM_LOCATION_BYTES]) PM_MUST_USE;

#endif
