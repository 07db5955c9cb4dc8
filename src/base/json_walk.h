/* Walking through JSON that pm_json_check has passed, value by value, in the order in which it
 * stands there: no tree and no allocation. For documents from the wire that are long and read
 * often; others are easier to read with base/json_read.h, and give the same values.
 *
 *   if (pm_json_check(text, bytes, &limits, &why) != PM_OK) …
 *   struct pm_json_walk walk = pm_json_walk_begin(text, bytes);
 *   if (pm_json_walk_enter(&walk, '{'))
 *     while (pm_json_walk_member(&walk))
 *       if (pm_json_walk_is(&walk, "Age")) has = pm_json_walk_int(&walk, 0, 100, &age);
 *       else pm_json_walk_skip(&walk);
 *
 * Each member or element has to be passed before the next is asked for: by one of the readers
 * (which pass whatever stands there, also if it is not what they read), by entering it and walking
 * to its end, or by skip. Text that was not checked must not be walked through: brackets and
 * quotes are trusted to be there.
 */
#ifndef PM_BASE_JSON_WALK_H
#define PM_BASE_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json_read.h"

enum { PM_JSON_WALK_NAME_BYTES = 32 }; /* longer names are none that anybody asks for */

struct pm_json_walk {
  const char *at;   /* borrowed text … */
  const char *end;  /* … which is needed only behind a number that is the whole document */
  const char *name; /* of the member, decoded */
  size_t name_bytes;
  char scratch[PM_JSON_WALK_NAME_BYTES];
};

struct pm_json_walk pm_json_walk_begin(const char *text, size_t bytes);

/* Steps into the array ('[') or object ('{') that stands here; false, and passed, if it is none. */
bool pm_json_walk_enter(struct pm_json_walk *walk, char open);
/* To the value of the next element or member; false at the end of the container, which then is
 * passed. */
bool pm_json_walk_element(struct pm_json_walk *walk);
bool pm_json_walk_member(struct pm_json_walk *walk);
/* Whether the member has this name, exactly. */
bool pm_json_walk_is(const struct pm_json_walk *walk, const char *name);
/* What stands here. */
bool pm_json_walk_is_null(const struct pm_json_walk *walk);
bool pm_json_walk_is_array(const struct pm_json_walk *walk);
void pm_json_walk_skip(struct pm_json_walk *walk);

/* Each passes the value; false, with out untouched, if it is of another type or out of range, as
 * the readers of base/json_read.h judge it. A string that out does not hold with its NUL is none.
 */
bool pm_json_walk_string(struct pm_json_walk *walk, char *out, size_t out_bytes);
bool pm_json_walk_double(struct pm_json_walk *walk, double *out);
bool pm_json_walk_int(struct pm_json_walk *walk, int64_t low, int64_t high, int64_t *out);
bool pm_json_walk_bool(struct pm_json_walk *walk, bool *out);

#endif
