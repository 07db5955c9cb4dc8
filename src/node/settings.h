/* The options as /v1/env lists them: an owned copy of their texts.
 */
#ifndef PM_NODE_SETTINGS_H
#define PM_NODE_SETTINGS_H

#include <stddef.h>

#include "api/service.h"
#include "base/err.h"
#include "node/options.h"

enum { PM_SETTINGS_MAX = 96 };

struct pm_settings {
  struct pm_setting items[PM_SETTINGS_MAX];
  size_t count;
};

/* PM_ERR_NOMEM; deinit is fine afterwards. */
enum pm_err pm_settings_init(struct pm_settings *settings,
                             const struct pm_options *options) PM_MUST_USE;
void pm_settings_deinit(struct pm_settings *settings);

#endif
