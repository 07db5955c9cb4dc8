/* The fields of a query or of an application/x-www-form-urlencoded body, decoded. Pure; takes any
 * bytes and allocates nothing.
 */
#ifndef PM_API_FORM_H
#define PM_API_FORM_H

#include <stddef.h>

#include "base/err.h"

enum {
  PM_FORM_FIELDS_MAX = 16,   /* ours have at most seven */
  PM_FORM_TEXT_BYTES = 4096, /* decoded: a URL, a token, some numbers; a gossip pull's filter */
};

struct pm_form {
  struct pm_form_field {
    const char *name, *value; /* NUL-terminated, in text below */
  } fields[PM_FORM_FIELDS_MAX];
  size_t count;
  char text[PM_FORM_TEXT_BYTES];
};

/* "a=1&b=two+words&c": a name without '=' has the value "". Empty pairs are passed over. Fields
 * point into the struct: it is not to be copied. PM_ERR_SYNTAX (a broken escape, a NUL),
 * PM_ERR_TOO_LARGE (fields or text); *out is then an empty form. */
enum pm_err pm_form_parse(const char *text, size_t bytes, struct pm_form *out,
                          struct pm_why *why) PM_MUST_USE;

/* The first field of that name; "" if there is none. */
const char *pm_form_value(const struct pm_form *form, const char *name);

#endif
