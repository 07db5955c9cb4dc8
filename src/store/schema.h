/* The tables and their versions. A file says its version (user_version) and that it is ours
 * (application_id). An older one is brought up step by step, each step in a transaction of its
 * own, so that a kill leaves a whole version. A newer one is not touched.
 */
#ifndef PM_STORE_SCHEMA_H
#define PM_STORE_SCHEMA_H

#include <stddef.h>

#include "base/err.h"

struct sqlite3;

enum { PM_SCHEMA_APPLICATION_ID = 0x706d6873 }; /* "pmhs" */

/* What makes version n + 1 of version n: steps[n]. */
struct pm_schema {
  const char *const *steps;
  size_t count; /* the version that all of them make */
};
extern const struct pm_schema pm_schema_current;

/* PM_ERR_RANGE: the file is newer; PM_ERR_TYPE: a database of something else; or as
 * pm_database_failed. Always with a sentence. */
enum pm_err pm_schema_migrate(struct sqlite3 *handle, const struct pm_schema *schema,
                              struct pm_why *why) PM_MUST_USE;

#endif
