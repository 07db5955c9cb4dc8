/* Pages: one frame, and small pieces that escape what they are given (base/escape.h). Plain HTML
 * without script and without anything to load; one style, in the page, that a Content-Security-
 * Policy allows by its hash. Light or dark as the reader's system is; readable on a phone.
 *
 * Tags, names and labels are ours; every other string may hold any bytes.
 */
#ifndef PM_API_HTML_H
#define PM_API_HTML_H

#include <stdbool.h>

#include "api/http_message.h"
#include "base/buf.h"

/* The policy every page is sent with. The hash is that of the style in html.c; a test computes it.
 */
#define PM_HTML_STYLE_SHA256 "ytbei4pWsAlVRqnXFYi8qVjHC4gXWdZ7wrTJeaPJ1tY="
#define PM_HTML_CSP                                             \
  "default-src 'none'; style-src 'sha256-" PM_HTML_STYLE_SHA256 \
  "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

void pm_html_begin(struct pm_buf *out, const char *title);
void pm_html_end(struct pm_buf *out);

/* The formatted text, escaped as a whole. */
void pm_html_text(struct pm_buf *out, const char *format, ...) PM_PRINTF(2, 3);
/* <tag>escaped text</tag>; tag may carry attributes: "td class=\"number\"". */
void pm_html_element(struct pm_buf *out, const char *tag, const char *format, ...) PM_PRINTF(3, 4);
/* A sentence that must be seen, read out by screen readers. A full stop is added. */
void pm_html_alert(struct pm_buf *out, const char *sentence);
/* <tr><th>name</th><td>text</td></tr> */
void pm_html_row(struct pm_buf *out, const char *name, const char *format, ...) PM_PRINTF(3, 4);

/* Tables wider than the screen scroll in their own box. */
void pm_html_table_begin(struct pm_buf *out, const char *caption);
void pm_html_table_end(struct pm_buf *out);

struct pm_html_field {
  const char *name, *label;
  const char *hint;       /* NULL: none */
  const char *type;       /* "text", "password", "checkbox", "hidden" */
  const char *value;      /* what was typed; a checkbox: "" is off */
  const char *attributes; /* more of ours; NULL: none */
};
void pm_html_form_begin(struct pm_buf *out, const char *action);
void pm_html_field(struct pm_buf *out, const struct pm_html_field *field);
void pm_html_form_end(struct pm_buf *out, const char *button);

#endif
