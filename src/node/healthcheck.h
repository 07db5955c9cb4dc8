/* `pingmesh --healthcheck [url]`: asks a node's own /healthz, for a container's or a supervisor's
 * health check, so that an image needs no other program for it.
 *
 * Whom it asks: the URL, if there is one; else the server that its own flags describe (-s, --bind,
 * --tls-cert); else, in a container, the one that the arguments of process 1 do; else its own
 * environment. Certificates are not verified: it is this machine that is asked, by its address.
 */
#ifndef PM_NODE_HEALTHCHECK_H
#define PM_NODE_HEALTHCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "node/options.h"

enum {
  /* One check, from start to end; shorter than the five seconds that checks are usually given. */
  PM_HEALTHCHECK_MS = 4000,
  PM_HEALTHCHECK_COMMAND_BYTES_MAX = 128 << 10, /* the kernel's limit of one argument */
  PM_HEALTHCHECK_ARGUMENTS_MAX = 4096,
};

/* The arguments in a file like /proc/1/cmdline, each ended by a NUL: from the first one that names
 * pingmesh on, so that an init before it does not matter. Fills argv (borrowed from command, ended
 * by NULL) and returns how many; 0 if none of them is pingmesh. command[bytes] must be NUL. */
int pm_healthcheck_arguments(char *command, size_t bytes, char **argv, size_t argv_max);

/* The URL at which a node with these options answers, into out. PM_ERR_MISSING: it has no server.
 */
enum pm_err pm_healthcheck_endpoint(const struct pm_options *node, struct pm_endpoint *out,
                                    struct pm_why *why) PM_MUST_USE;

/* Asks, and returns PM_OK if the node is well. PM_ERR_MISSING: nothing says whom to ask; PM_ERR_IO:
 * no answer, or not the right one. first_process is /proc/1/cmdline but in tests. A node without a
 * server, found as process 1, is well as long as it runs. */
enum pm_err pm_healthcheck_run(const struct pm_options *options, pm_options_env env,
                               void *env_owner, const char *first_process,
                               struct pm_why *why) PM_MUST_USE;

#endif
