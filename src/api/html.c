#include "api/html.h"

#include <string.h>

#include "base/escape.h"

enum { TEXT_BYTES_MAX = 65536 }; /* of one formatted piece; a peer's longest string is below 1 KB */

/* Changing a byte of it changes PM_HTML_STYLE_SHA256; the test of this module tells the new one. */
static const char STYLE[] =
    ":root{color-scheme:light dark;--bad:#b3261e}"
    "@media (prefers-color-scheme:dark){:root{--bad:#f2b8b5}}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:96rem;margin:0 auto;padding:1rem}"
    "nav a{margin-right:1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}"
    ".wide{overflow-x:auto;margin-top:1rem}"
    "table{border-collapse:collapse;font-size:.9rem}"
    "caption{text-align:left;padding:.3rem 0}"
    "th,td{padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid #8888}"
    ".number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".long{overflow-wrap:anywhere;min-width:7rem}"
    ".bad{color:var(--bad);font-weight:bold}"
    "form{max-width:32rem}"
    "label{display:block;margin-top:1rem;font-weight:bold}"
    "input{font:inherit;padding:.4rem}"
    "input[type=text],input[type=password]{box-sizing:border-box;width:100%}"
    "button{font:inherit;padding:.5rem 1rem;margin-top:1rem}"
    "small{display:block}"
    /* The pages of history: bands and grid, loss from none to much, slowness. */
    ":root{--l0:#00703c;--l1:#0b57d0;--l2:#b25000;--l3:#b3261e;--h:178,80,0}"
    "@media (prefers-color-scheme:dark){"
    ":root{--l0:#7ddc9a;--l1:#a8c7fa;--l2:#ffb77c;--l3:#f2b8b5;--h:255,160,80}}"
    "svg{width:100%;height:auto;font-size:12px}svg text{fill:currentColor}"
    ".grid{stroke:#8888;stroke-width:.5}"
    ".b1{fill:#8886}.b2{fill:#8883}"
    ".l0{fill:var(--l0)}.l1{fill:var(--l1)}.l2{fill:var(--l2)}.l3{fill:var(--l3)}"
    ".k0{color:var(--l0)}.k1{color:var(--l1)}.k2{color:var(--l2)}.k3{color:var(--l3)}"
    ".h1{background:rgba(var(--h),.1)}.h2{background:rgba(var(--h),.2)}"
    ".h3{background:rgba(var(--h),.32)}.h4{background:rgba(var(--h),.45)}";

void pm_html_begin(struct pm_buf *out, const char *title) {
  pm_buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
  pm_html_element(out, "title", "%s - pingmesh", title);
  pm_buf_text(out, "\n<style>");
  pm_buf_text(out, STYLE);
  pm_buf_text(out, "</style>\n</head>\n<body>\n"
                   "<nav aria-label=\"pingmesh\"><a href=\"/\">pingmesh</a>"
                   "<a href=\"/v1/peers?format=html\">Peers</a>"
                   "<a href=\"/v1/matrix?format=html\">Matrix</a>"
                   "<a href=\"/v1/asymmetry?format=html\">Direction</a>"
                   "<a href=\"/v1/history?format=html\">History</a>"
                   "<a href=\"/v1/addpeer\">Add a peer</a></nav>\n<main>\n");
  pm_html_element(out, "h1", "%s", title);
  pm_buf_text(out, "\n");
}

void pm_html_end(struct pm_buf *out) {
  pm_buf_text(out, "</main>\n</body>\n</html>\n");
}

static void escaped(struct pm_buf *out, const char *text) {
  pm_escape_html(out, text, strlen(text));
}

static void PM_PRINTF(2, 0) text_of(struct pm_buf *out, const char *format, va_list args) {
  struct pm_buf text;
  pm_buf_init(&text, TEXT_BYTES_MAX);
  pm_buf_vprintf(&text, format, args);
  pm_escape_html(out, text.data, text.len);
  if (out->err == PM_OK) out->err = pm_buf_status(&text);
  pm_buf_deinit(&text);
}

void pm_html_text(struct pm_buf *out, const char *format, ...) {
  va_list args;
  va_start(args, format);
  text_of(out, format, args);
  va_end(args);
}

void pm_html_element(struct pm_buf *out, const char *tag, const char *format, ...) {
  va_list args;
  pm_buf_printf(out, "<%s>", tag);
  va_start(args, format);
  text_of(out, format, args);
  va_end(args);
  pm_buf_printf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void pm_html_alert(struct pm_buf *out, const char *sentence) {
  pm_html_element(out, "p class=\"bad\" role=\"alert\"", "%s.", sentence);
  pm_buf_text(out, "\n");
}

void pm_html_row(struct pm_buf *out, const char *name, const char *format, ...) {
  va_list args;
  pm_buf_text(out, "<tr>");
  pm_html_element(out, "th scope=\"row\"", "%s", name);
  pm_buf_text(out, "<td class=\"long\">");
  va_start(args, format);
  text_of(out, format, args);
  va_end(args);
  pm_buf_text(out, "</td></tr>\n");
}

void pm_html_table_begin(struct pm_buf *out, const char *caption) {
  pm_buf_text(out, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
  escaped(out, caption);
  pm_buf_text(out, "\"><table>\n");
  pm_html_element(out, "caption", "%s", caption);
  pm_buf_text(out, "\n");
}

void pm_html_table_end(struct pm_buf *out) {
  pm_buf_text(out, "</table></div>\n");
}

void pm_html_form_begin(struct pm_buf *out, const char *action) {
  pm_buf_printf(out, "<form method=\"post\" action=\"%s\">\n", action);
}

void pm_html_form_end(struct pm_buf *out, const char *button) {
  pm_buf_printf(out, "<button>%s</button>\n</form>\n", button);
}

static void field_label(struct pm_buf *out, const struct pm_html_field *field) {
  pm_buf_printf(out, "<label for=\"%s\">%s</label>\n", field->name, field->label);
}

static void field_input(struct pm_buf *out, const struct pm_html_field *field) {
  pm_buf_printf(out, "<input type=\"%s\" id=\"%s\" name=\"%s\"", field->type, field->name,
                field->name);
  if (strcmp(field->type, "checkbox") == 0) {
    pm_buf_printf(out, " value=\"true\"%s", field->value[0] != '\0' ? " checked" : "");
  } else {
    pm_buf_text(out, " value=\"");
    escaped(out, field->value);
    pm_buf_char(out, '"');
  }
  if (field->hint != NULL) pm_buf_printf(out, " aria-describedby=\"%s-hint\"", field->name);
  if (field->attributes != NULL) pm_buf_printf(out, " %s", field->attributes);
  pm_buf_text(out, ">\n");
}

void pm_html_field(struct pm_buf *out, const struct pm_html_field *field) {
  if (strcmp(field->type, "hidden") != 0) field_label(out, field);
  field_input(out, field);
  if (field->hint != NULL) {
    pm_buf_printf(out, "<small id=\"%s-hint\">%s</small>\n", field->name, field->hint);
  }
}
