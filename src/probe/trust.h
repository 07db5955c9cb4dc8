/* Which file of certificate authorities https targets are verified with. It must be one file:
 * libcurl keeps the parsed authorities of a file (1.2 ms of CPU for an https probe instead of 33
 * ms), but never those of a directory.
 */
#ifndef PM_PROBE_TRUST_H
#define PM_PROBE_TRUST_H

#include "base/err.h"

/* wanted: a PEM file, or NULL for the system's, of which *out is NULL if there is none (then no
 * certificate verifies). *out is wanted or a constant. PM_ERR_MISSING, PM_ERR_IO: wanted cannot be
 * read; PM_ERR_SYNTAX: it holds no certificate. */
enum pm_err pm_trust_file(const char *wanted, const char **out, struct pm_why *why) PM_MUST_USE;

#endif
