/* avgping's command line, in the style of Go's flag package: `-H x`, `-H=x`, `--H x`; booleans
 * `-J`,
 * `-J=false`; parsing stops at the first argument that is no flag, or at `--`. With -matrix or
 * -history that argument may name the node instead of -H.
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
  const char *host;          /* as written: what the table shows */
  const char *ip;            /* connect there instead of looking host up */
  const char *ca_file;       /* trust these authorities instead of the system's */
  int64_t watch_s;           /* seconds between refreshes; 0: ask once */
  const char *history;       /* the pair whose history is drawn: "TO" or "FROM..TO" */
  const char *since, *phase; /* of it; NULL: the default */
  int64_t since_s;
  bool matrix; /* the whole mesh is drawn */
  bool json, deleted, percentiles, insecure, help;
  bool any_scheme;             /* host names no scheme: http, then https */
  struct pm_endpoint endpoint; /* host's peers document; http where it names no scheme */
};

/* PM_ERR_SYNTAX, _RANGE, _MISSING, _TOO_LARGE: wrong use, and why says what would be right. With
 * help, nothing else is checked. */
enum pm_err avgping_options_parse(int argc, char **argv, struct avgping_options *out,
                                  struct pm_why *why) PM_MUST_USE;

/* Each flag without its dash, with what stands for its value (NULL if it has none). */
typedef void (*avgping_options_visitor)(void *owner, const char *flag, const char *meta,
                                        const char *help);
void avgping_options_visit(avgping_options_visitor visit, void *owner);

/* On standard output. */
void avgping_options_print_usage(void);

#endif
