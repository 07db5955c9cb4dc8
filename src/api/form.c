#include "api/form.h"

#include <string.h>

#include "base/escape.h"

enum { SHOWN_BYTES_MAX = 40 }; /* of a broken field, so that the sentence stays readable */

static size_t span_to(const char *text, size_t bytes, char end) {
  const char *found = memchr(text, end, bytes);
  return found != NULL ? (size_t)(found - text) : bytes;
}

/* Decodes to the end of what is used of the form's text. */
static enum pm_err take(struct pm_form *form, size_t *used, const char *text, size_t bytes,
                        const char **out) {
  char *at = form->text + *used;
  enum pm_err err = pm_unescape_form(text, bytes, at, sizeof(form->text) - *used);
  if (err != PM_OK) return err;
  *out = at;
  *used += strlen(at) + 1;
  return PM_OK;
}

static enum pm_err take_pair(struct pm_form *form, size_t *used, const char *pair, size_t bytes) {
  if (form->count == PM_FORM_FIELDS_MAX) return PM_ERR_TOO_LARGE;
  struct pm_form_field field;
  size_t name_bytes = span_to(pair, bytes, '=');
  size_t value_at = name_bytes < bytes ? name_bytes + 1 : bytes;
  enum pm_err err = take(form, used, pair, name_bytes, &field.name);
  if (err == PM_OK) err = take(form, used, pair + value_at, bytes - value_at, &field.value);
  if (err == PM_OK) form->fields[form->count++] = field;
  return err;
}

static enum pm_err refuse(const char *pair, size_t bytes, enum pm_err err, struct pm_why *why) {
  if (err == PM_ERR_TOO_LARGE) {
    return pm_why_set(why, err, "the form has more than %d fields or %d bytes", PM_FORM_FIELDS_MAX,
                      PM_FORM_TEXT_BYTES);
  }
  int shown = bytes < SHOWN_BYTES_MAX ? (int)bytes : SHOWN_BYTES_MAX;
  return pm_why_set(why, err,
                    "the field \"%.*s\" holds a broken escape: write '%%' as \"%%25\", and no NUL",
                    shown, pair);
}

enum pm_err pm_form_parse(const char *text, size_t bytes, struct pm_form *out, struct pm_why *why) {
  size_t used = 0;
  size_t pair_bytes;
  out->count = 0;
  for (size_t at = 0; at < bytes; at += pair_bytes + 1) {
    pair_bytes = span_to(text + at, bytes - at, '&');
    if (pair_bytes == 0) continue;
    enum pm_err err = take_pair(out, &used, text + at, pair_bytes);
    if (err != PM_OK) {
      out->count = 0;
      return refuse(text + at, pair_bytes, err, why);
    }
  }
  return PM_OK;
}

const char *pm_form_value(const struct pm_form *form, const char *name) {
  for (size_t i = 0; i < form->count; i++) {
    if (strcmp(form->fields[i].name, name) == 0) return form->fields[i].value;
  }
  return "";
}
