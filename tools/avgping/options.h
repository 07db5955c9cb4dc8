/* avgping's command line, in the style of Go's flag package: `-H x`, `-H=x`, `--H x`; booleans
 * `-J`,
 * `-J=false`; parsing stops at the first argument that is no flag, or at `--`.
 */
#ifndef AVGPING_OPTIONS_H
#define AVGPING_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/err.h"

enum { AVGPING_WATCH_S_MAX = 86400 };

/* Texts are borrowed from argv; NULL where the flag was not given. */
struct avgping_options {
  const char *host;    /* as written: what the table shows */
  const char *ip;      /* connect there instead of looking host up */
  const char *ca_file; /* trust these authorities instead of the system's */
  int64_t watch_s;     /* seconds between refreshes; 0: ask once */
  bool json, deleted, percentiles, insecure, help;
  bool any_scheme;             /* host names no scheme: http, then https */
  struct pm_endpoint endpoint; /* host's peers document; http where it names no scheme */
};

/* PM_ERR_SYNTAX, _RANGE, _MISSING, _TOO_LARGE: wrong use, and why says what would be right. With
 * help, nothing else is checked. */
enum pm_err avgping_options_parse(int argc, char **argv, struct avgping_options *out,
                                  struct pm_why *why) PM_MUST_USE;

/* On standard output. */
void avgping_options_print_usage(void);

#endif
