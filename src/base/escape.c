#include "base/escape.h"

#include <string.h>

static bool is_continuation(unsigned char c) {
  return (c & 0xc0) == 0x80;
}

/* The length that a leading byte announces, and its share of the code point. */
static size_t utf8_lead(unsigned char lead, uint32_t *out_bits) {
  if (lead < 0x80) {
    *out_bits = lead;
    return 1;
  }
  if (lead >= 0xc2 && lead <= 0xdf) {
    *out_bits = lead & 0x1fu;
    return 2;
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    *out_bits = lead & 0x0fu;
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    *out_bits = lead & 0x07u;
    return 4;
  }
  return 0;
}

size_t pm_utf8_next(const char *text, size_t bytes, uint32_t *out_code) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  uint32_t code = 0;
  size_t length = bytes > 0 ? utf8_lead((unsigned char)text[0], &code) : 0;
  if (length == 0 || length > bytes) return 0;
  for (size_t i = 1; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (!is_continuation(c)) return 0;
    code = code << 6 | (c & 0x3fu);
  }
  if (code < smallest[length] || code > 0x10ffff) return 0;
  if (code >= 0xd800 && code <= 0xdfff) return 0;
  *out_code = code;
  return length;
}

void pm_utf8_trim_cut(char *text) {
  size_t length = strlen(text);
  size_t lead = length;
  while (lead > 0 && length - lead < 3 && is_continuation((unsigned char)text[lead - 1])) lead--;
  if (lead == 0) return;
  lead--;
  uint32_t bits;
  if (utf8_lead((unsigned char)text[lead], &bits) > length - lead) text[lead] = '\0';
}

static bool is_control(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/* What ends a line or turns the direction of what follows, in a terminal or an editor. */
static bool is_line_hazard(uint32_t code) {
  if (is_control(code) || code == 0x2028 || code == 0x2029) return true;
  if (code == 0x061c || code == 0x200e || code == 0x200f) return true;
  return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* What the character at text must be replaced by in HTML; NULL if it may stay. Its length is
 * written either way, 1 for a byte that is not UTF-8. */
static const char *html_replacement(const char *text, size_t bytes, size_t *out_length) {
  uint32_t code = 0;
  size_t length = pm_utf8_next(text, bytes, &code);
  *out_length = length > 0 ? length : 1;
  if (length == 0) return "\xef\xbf\xbd";
  switch (code) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '"':
    return "&#34;";
  case '\'':
    return "&#39;";
  case '\t':
  case '\n':
  case '\r':
    return NULL;
  default:
    return is_control(code) ? "\xef\xbf\xbd" : NULL;
  }
}

void pm_escape_html(struct pm_buf *out, const char *text, size_t bytes) {
  size_t kept_from = 0;
  size_t length;
  for (size_t at = 0; at < bytes; at += length) {
    const char *replacement = html_replacement(text + at, bytes - at, &length);
    if (replacement == NULL) continue;
    pm_buf_append(out, text + kept_from, at - kept_from);
    pm_buf_text(out, replacement);
    kept_from = at + length;
  }
  pm_buf_append(out, text + kept_from, bytes - kept_from);
}

/* Whether the character at text may stand in a line; its length either way. */
static bool line_keeps(const char *text, size_t bytes, size_t *out_length) {
  uint32_t code = 0;
  size_t length = pm_utf8_next(text, bytes, &code);
  *out_length = length > 0 ? length : 1;
  return length > 0 && !is_line_hazard(code);
}

void pm_escape_line(struct pm_buf *out, const char *text, size_t bytes) {
  size_t kept_from = 0;
  size_t length;
  for (size_t at = 0; at < bytes; at += length) {
    if (line_keeps(text + at, bytes - at, &length)) continue;
    pm_buf_append(out, text + kept_from, at - kept_from);
    pm_buf_char(out, '?');
    kept_from = at + length;
  }
  pm_buf_append(out, text + kept_from, bytes - kept_from);
}

void pm_escape_line_right(struct pm_buf *out, const char *text, size_t bytes, size_t columns) {
  size_t characters = 0;
  size_t length;
  /* Escaping keeps their number: each hazard becomes one '?'. */
  for (size_t at = 0; at < bytes; at += length, characters++)
    line_keeps(text + at, bytes - at, &length);
  for (; characters < columns; characters++) pm_buf_char(out, ' ');
  pm_escape_line(out, text, bytes);
}

void pm_escape_line_inplace(char *text) {
  size_t bytes = strlen(text);
  size_t end = 0;
  size_t length;
  for (size_t at = 0; at < bytes; at += length) {
    if (line_keeps(text + at, bytes - at, &length)) {
      memmove(text + end, text + at, length);
      end += length;
    } else {
      text[end++] = '?';
    }
  }
  text[end] = '\0';
}

/* By hand, because isalnum(3) depends on the locale. */
static bool is_unreserved(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c == '-' || c == '.' || c == '_' || c == '~';
}

void pm_escape_query(struct pm_buf *out, const char *text, size_t bytes) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < bytes; i++) {
    unsigned char c = (unsigned char)text[i];
    if (is_unreserved(text[i])) {
      pm_buf_char(out, text[i]);
    } else {
      const char escaped[] = {'%', digits[c >> 4], digits[c & 15]};
      pm_buf_append(out, escaped, sizeof(escaped));
    }
  }
}

int pm_hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes one byte; returns how much text it took, 0 if that is broken or a NUL. */
static size_t form_next(const char *text, size_t bytes, char *out) {
  if (text[0] != '%') {
    *out = text[0] == '+' ? ' ' : text[0];
    return text[0] == '\0' ? 0 : 1;
  }
  if (bytes < 3) return 0;
  int high = pm_hex_value(text[1]);
  int low = pm_hex_value(text[2]);
  if (high < 0 || low < 0 || (high == 0 && low == 0)) return 0;
  *out = (char)(high << 4 | low);
  return 3;
}

enum pm_err pm_unescape_form(const char *text, size_t bytes, char *out, size_t out_bytes) {
  char c;
  size_t decoded_bytes = 0;
  size_t taken;
  for (size_t at = 0; at < bytes; at += taken) {
    taken = form_next(text + at, bytes - at, &c);
    if (taken == 0) return PM_ERR_SYNTAX;
    decoded_bytes++;
  }
  if (decoded_bytes >= out_bytes) return PM_ERR_TOO_LARGE;
  for (size_t at = 0; at < bytes; at += taken) taken = form_next(text + at, bytes - at, out++);
  *out = '\0';
  return PM_OK;
}
