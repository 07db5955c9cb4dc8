/* The targets that a person configured: those of the arguments and the environment, for good, and
 * those of --targets-file, for as long as the file has them. The file has an endpoint a line, as an
 * argument would be; blank lines and lines that begin with '#' are passed over.
 *
 * Hands them to the prober, and to the mesh as seeds; decides nothing else.
 */
#ifndef PM_NODE_TARGETS_H
#define PM_NODE_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "node/mesh.h"
#include "node/options.h"
#include "probe/prober.h"

struct pm_targets;

/* All borrowed, for the life of the targets. */
struct pm_targets_config {
  const struct pm_options *options;
  struct pm_prober *prober;
  struct pm_mesh *mesh; /* NULL without one */
  const struct pm_log *log;
};

/* Adds them all. An endpoint given twice is said and probed once. What the prober refuses, or what
 * the file has wrong (its line is named), is an error. */
enum pm_err pm_targets_open(const struct pm_targets_config *config, struct pm_targets **out,
                            struct pm_why *why) PM_MUST_USE;
/* Forgets its own list, not the targets. NULL is fine. */
void pm_targets_free(struct pm_targets *targets);

/* Reads the file again: adds what is new in it, removes what has gone from it. With an error
 * nothing changes. PM_OK, too, without a file. A target that the prober does not take is said in
 * the log. */
enum pm_err pm_targets_reload(struct pm_targets *targets, struct pm_why *why) PM_MUST_USE;

/* The lines of the file as targets: *out is to be freed. Pure. PM_ERR_FULL beyond
 * PM_ROSTER_TARGETS_MAX; PM_ERR_NOMEM; what is wrong with an endpoint. why names the line. */
enum pm_err pm_targets_parse(const char *text, size_t bytes, struct pm_options_target **out,
                             size_t *out_count, struct pm_why *why) PM_MUST_USE;

#endif
