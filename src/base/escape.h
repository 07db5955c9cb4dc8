/* What comes from outside is escaped for where it goes. One function a place; each appends to a
 * buffer and takes any bytes. JSON escaping lives with the writer in base/json_write.h.
 */
#ifndef PM_BASE_ESCAPE_H
#define PM_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* HTML text and quoted attribute values: & < > " ' become entities; each byte that is not UTF-8 and
 * each control character (C1 included) other than tab and line end becomes U+FFFD. */
void pm_escape_html(struct pm_buf *out, const char *text, size_t bytes);

/* One line of plain text (console, TSV field, log): tab, line ends, other control characters (C1
 * and U+2028, U+2029 and every bidirectional control included) and each byte that is not UTF-8
 * become '?'. So a name from outside can neither add a column or a line nor move a terminal's
 * cursor. */
void pm_escape_line(struct pm_buf *out, const char *text, size_t bytes);
/* The same, right-aligned in a column: blanks come first where text has fewer characters than that.
 * Characters, as Go's printf counts them: C's counts bytes. */
void pm_escape_line_right(struct pm_buf *out, const char *text, size_t bytes, size_t columns);
/* The same in place; the length never changes for ASCII and never grows. */
void pm_escape_line_inplace(char *text);

/* Percent-encodes all but the unreserved characters of RFC 3986: for a query's values. */
void pm_escape_query(struct pm_buf *out, const char *text, size_t bytes);
/* Decodes %XX and '+' of application/x-www-form-urlencoded. PM_ERR_SYNTAX for a broken escape or a
 * NUL, PM_ERR_TOO_LARGE if out (with its NUL) does not hold it. */
enum pm_err pm_unescape_form(const char *text, size_t bytes, char *out,
                             size_t out_bytes) PM_MUST_USE;

/* The value of a hexadecimal digit; -1 if it is none. */
int pm_hex_value(char c);

/* The length (1 to 4) of the well-formed UTF-8 character at text, writing its code point; 0 if
 * there is none (overlong forms, surrogates and what exceeds U+10FFFF included). */
size_t pm_utf8_next(const char *text, size_t bytes, uint32_t *out_code);
/* After text was cut at any byte: drops the character that the cut left unfinished at its end. */
void pm_utf8_trim_cut(char *text);

#endif
