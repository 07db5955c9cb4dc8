/* Writing JSON the way Go's encoding/json does with two-space indentation, which the original's
 * readers were made for: integers exact to 64 bits and never with an exponent, "<", ">", "&",
 * U+2028 and U+2029 as \u escapes, bytes that are not UTF-8 as \ufffd, "Name": value with one
 * space.
 *
 *   pm_json_writer_init(&w, &buf, true);
 *   pm_json_object_begin(&w, NULL);
 *   pm_json_put_string(&w, "SrvLoc", location);
 *   pm_json_array_begin(&w, "Peers"); … pm_json_put_int(&w, NULL, 1); … pm_json_array_end(&w);
 *   pm_json_object_end(&w);
 *
 * No line end follows the outermost value; where the original has one, append it to the buffer.
 * Failures stick in the buffer: ask pm_buf_status once at the end. Misuse of the nesting (a name
 * inside an array, an end too many) is a fault of ours and asserts.
 */
#ifndef PM_BASE_JSON_WRITE_H
#define PM_BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

enum { PM_JSON_WRITE_DEPTH_MAX = 32 };

struct pm_json_writer {
  struct pm_buf *out;
  unsigned depth;
  bool indent;
  uint32_t in_array; /* bit d: the container at depth d + 1 is an array */
  uint32_t filled;   /* bit d: … has a member already */
};

/* indent false: one line, no spaces between members. */
void pm_json_writer_init(struct pm_json_writer *w, struct pm_buf *out, bool indent);

/* name is NULL at the top and inside arrays, and set inside objects. */
void pm_json_object_begin(struct pm_json_writer *w, const char *name);
void pm_json_object_end(struct pm_json_writer *w);
void pm_json_array_begin(struct pm_json_writer *w, const char *name);
void pm_json_array_end(struct pm_json_writer *w);

void pm_json_put_string(struct pm_json_writer *w, const char *name, const char *value);
/* As above; NULL or "" is written as null. */
void pm_json_put_string_or_null(struct pm_json_writer *w, const char *name, const char *value);
void pm_json_put_int(struct pm_json_writer *w, const char *name, int64_t value);
void pm_json_put_uint(struct pm_json_writer *w, const char *name, uint64_t value);
/* A fixed number of decimals, 0 to 9; what is not finite is written as null. */
void pm_json_put_double(struct pm_json_writer *w, const char *name, double value, int decimals);
void pm_json_put_bool(struct pm_json_writer *w, const char *name, bool value);
void pm_json_put_null(struct pm_json_writer *w, const char *name);
/* Elements of an array that another writer wrote, at this depth and with the same indentation: the
 * text between its brackets. Nothing is checked. */
void pm_json_put_elements(struct pm_json_writer *w, const char *elements, size_t bytes);
void pm_json_put_wall(struct pm_json_writer *w, const char *name, struct pm_wall t, bool fraction);

#endif
