#include "node/settings.h"

#include <stdlib.h>
#include <string.h>

struct filling {
  struct pm_settings *settings;
  enum pm_err err;
};

static void take(void *owner, const char *name, const char *value, const char *origin) {
  struct filling *filling = owner;
  struct pm_settings *settings = filling->settings;
  if (settings->count == PM_SETTINGS_MAX) {
    filling->err = PM_ERR_FULL;
    return;
  }
  char *copy = strdup(value);
  if (!copy) {
    filling->err = PM_ERR_NOMEM;
    return;
  }
  settings->items[settings->count++] =
      (struct pm_setting){.name = name, .value = copy, .origin = origin};
}

enum pm_err pm_settings_init(struct pm_settings *settings, const struct pm_options *options) {
  struct filling filling = {.settings = settings, .err = PM_OK};
  settings->count = 0;
  pm_options_visit(options, take, &filling);
  return filling.err;
}

void pm_settings_deinit(struct pm_settings *settings) {
  for (size_t i = 0; i < settings->count; i++) free((void *)(uintptr_t)settings->items[i].value);
  settings->count = 0;
}
