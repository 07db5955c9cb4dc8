#include "base/err.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

const char *pm_err_name(enum pm_err err) {
  switch (err) {
#define X(name, text) \
  case PM_ERR_##name: \
    return #name;
    PM_ERR_MAP(X)
#undef X
  case PM_ERR_COUNT:
    break;
  }
  return "UNKNOWN";
}

const char *pm_err_text(enum pm_err err) {
  switch (err) {
#define X(name, text) \
  case PM_ERR_##name: \
    return text;
    PM_ERR_MAP(X)
#undef X
  case PM_ERR_COUNT:
    break;
  }
  return "unknown error";
}

enum pm_err pm_why_set(struct pm_why *why, enum pm_err err, const char *format, ...) {
  if (why == NULL) return err;
  /* A caller may wrap the sentence it got: why->text may be among the arguments. */
  char text[PM_WHY_BYTES];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  if (length < 0) text[0] = '\0';
  if (length >= (int)sizeof(text)) pm_utf8_trim_cut(text);
  pm_escape_line_inplace(text);
  memcpy(why->text, text, strlen(text) + 1);
  return err;
}
