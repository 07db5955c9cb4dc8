/* A body in gzip's format (RFC 1952), in one piece. Pure.
 */
#ifndef PM_PUBLISH_GZIP_H
#define PM_PUBLISH_GZIP_H

#include <stddef.h>

#include "base/err.h"

/* *out is from malloc and the caller's. PM_ERR_NOMEM; PM_ERR_TOO_LARGE past 1 GB. */
enum pm_err pm_gzip(const char *text, size_t bytes, char **out, size_t *out_bytes) PM_MUST_USE;

#endif
