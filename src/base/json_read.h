/* Reading JSON from strangers: a scan checks the caps (bytes, depth, items, string length) before
 * the first allocation, then cJSON parses. This module is the only user of cJSON.
 *
 * The scan is strict RFC 8259: no leading zeros, no control characters, nothing but UTF-8, no half
 * surrogate pairs. It also refuses a NUL inside a string (a C string would be cut there).
 *
 * Names are matched exactly, case included. Of duplicate names the first counts. Numbers are
 * doubles inside cJSON: an integer is taken only if it is whole and less than 2^53 away from 0,
 * where doubles are exact (sums of nanoseconds stay below that for 104 days).
 */
#ifndef PM_BASE_JSON_READ_H
#define PM_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pm_json_limits {
  size_t bytes_max;        /* of the whole document */
  unsigned depth_max;      /* nesting of objects and arrays; at most 64 */
  size_t items_max;        /* values of any kind in the whole document: bounds cJSON's memory */
  size_t string_bytes_max; /* of any one string or name, as written */
};

struct pm_json_doc; /* owns everything below it */
struct pm_json;     /* a value inside a document; lives as long as that */

/* The scan alone: whether text is exactly one value within the limits. As pm_json_parse, without
 * PM_ERR_NOMEM. What passes can be walked through (base/json_walk.h). */
enum pm_err pm_json_check(const char *text, size_t bytes, const struct pm_json_limits *limits,
                          struct pm_why *why) PM_MUST_USE;

/* Parses exactly one value, with white space around it; text needs no NUL behind it and is not
 * kept. PM_ERR_TOO_LARGE (a cap, and which, in why; also a number of more than 63 characters),
 * PM_ERR_SYNTAX (what, and at which byte), PM_ERR_NOMEM. */
enum pm_err pm_json_parse(const char *text, size_t bytes, const struct pm_json_limits *limits,
                          struct pm_json_doc **out, struct pm_why *why) PM_MUST_USE;
void pm_json_free(struct pm_json_doc *doc);
const struct pm_json *pm_json_root(const struct pm_json_doc *doc);

/* NULL if value is NULL, no object, or has no such member. */
const struct pm_json *pm_json_member(const struct pm_json *value, const char *name);
/* The first child of an array or object (NULL if none or neither), and the one after a child. */
const struct pm_json *pm_json_first(const struct pm_json *value);
const struct pm_json *pm_json_next(const struct pm_json *child);
/* The member's name of a child of an object, else "". */
const char *pm_json_name(const struct pm_json *child);

bool pm_json_is_null(const struct pm_json *value); /* true for NULL too */
bool pm_json_is_object(const struct pm_json *value);
bool pm_json_is_array(const struct pm_json *value);

/* Each: PM_ERR_MISSING if value is NULL or null, PM_ERR_TYPE if of another type (for an integer
 * also if it has a fraction), PM_ERR_RANGE (also what a double cannot hold, 1e999). */
enum pm_err pm_json_string(const struct pm_json *value, const char **out) PM_MUST_USE;
enum pm_err pm_json_int(const struct pm_json *value, int64_t low, int64_t high,
                        int64_t *out) PM_MUST_USE;
enum pm_err pm_json_double(const struct pm_json *value, double *out) PM_MUST_USE;
enum pm_err pm_json_bool(const struct pm_json *value, bool *out) PM_MUST_USE;

#endif
