#include "base/json_write.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/escape.h"

void pm_json_writer_init(struct pm_json_writer *w, struct pm_buf *out, bool indent) {
  *w = (struct pm_json_writer){.out = out, .indent = indent};
}

static uint32_t level_bit(const struct pm_json_writer *w) {
  return 1u << (w->depth - 1);
}

static void new_line(struct pm_json_writer *w) {
  if (!w->indent) return;
  pm_buf_char(w->out, '\n');
  for (unsigned i = 0; i < w->depth; i++) pm_buf_text(w->out, "  ");
}

/* How one character is written inside a JSON string; NULL if as it is. Its length is written either
 * way, 1 for a byte that is not UTF-8. buffer holds the result where it is computed. */
static const char *replacement(const char *text, size_t bytes, char buffer[8], size_t *out_length) {
  static const char digits[] = "0123456789abcdef";
  uint32_t code = 0;
  size_t length = pm_utf8_next(text, bytes, &code);
  *out_length = length > 0 ? length : 1;
  if (length == 0) return "\\ufffd";
  switch (code) {
  case '"':
    return "\\\"";
  case '\\':
    return "\\\\";
  case '\b':
    return "\\b";
  case '\f':
    return "\\f";
  case '\n':
    return "\\n";
  case '\r':
    return "\\r";
  case '\t':
    return "\\t";
  case 0x2028:
    return "\\u2028";
  case 0x2029:
    return "\\u2029";
  default:
    break;
  }
  if (code >= 0x20 && code != '<' && code != '>' && code != '&') return NULL;
  memcpy(buffer, "\\u0000", 7);
  buffer[4] = digits[code >> 4];
  buffer[5] = digits[code & 15];
  return buffer;
}

/* Nearly every byte that is written: what replacement() would keep, known at a glance. */
static bool is_plain(char c) {
  return c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void put_quoted(struct pm_buf *out, const char *text) {
  size_t bytes = strlen(text);
  size_t kept_from = 0;
  size_t length;
  char buffer[8];
  pm_buf_char(out, '"');
  for (size_t at = 0; at < bytes; at += length) {
    length = 1;
    if (is_plain(text[at])) continue;
    const char *escaped = replacement(text + at, bytes - at, buffer, &length);
    if (escaped == NULL) continue;
    pm_buf_append(out, text + kept_from, at - kept_from);
    pm_buf_text(out, escaped);
    kept_from = at + length;
  }
  pm_buf_append(out, text + kept_from, bytes - kept_from);
  pm_buf_char(out, '"');
}

/* Everything that stands before a value: the comma, the line, the name. */
static void before_value(struct pm_json_writer *w, const char *name) {
  if (w->depth == 0) {
    assert(name == NULL);
    return;
  }
  uint32_t bit = level_bit(w);
  bool in_array = (w->in_array & bit) != 0;
  assert(in_array == (name == NULL));
  if (w->filled & bit) pm_buf_char(w->out, ',');
  w->filled |= bit;
  new_line(w);
  if (in_array) return;
  put_quoted(w->out, name);
  pm_buf_text(w->out, w->indent ? ": " : ":");
}

static void begin(struct pm_json_writer *w, const char *name, bool array) {
  before_value(w, name);
  assert(w->depth < PM_JSON_WRITE_DEPTH_MAX);
  w->depth++;
  uint32_t bit = level_bit(w);
  w->in_array = array ? w->in_array | bit : w->in_array & ~bit;
  w->filled &= ~bit;
  pm_buf_char(w->out, array ? '[' : '{');
}

static void end(struct pm_json_writer *w, bool array) {
  assert(w->depth > 0);
  uint32_t bit = level_bit(w);
  assert(((w->in_array & bit) != 0) == array);
  bool filled = (w->filled & bit) != 0;
  w->depth--;
  if (filled) new_line(w);
  pm_buf_char(w->out, array ? ']' : '}');
}

void pm_json_object_begin(struct pm_json_writer *w, const char *name) {
  begin(w, name, false);
}

void pm_json_object_end(struct pm_json_writer *w) {
  end(w, false);
}

void pm_json_array_begin(struct pm_json_writer *w, const char *name) {
  begin(w, name, true);
}

void pm_json_array_end(struct pm_json_writer *w) {
  end(w, true);
}

void pm_json_put_string(struct pm_json_writer *w, const char *name, const char *value) {
  before_value(w, name);
  put_quoted(w->out, value);
}

void pm_json_put_string_or_null(struct pm_json_writer *w, const char *name, const char *value) {
  if (value == NULL || value[0] == '\0') {
    pm_json_put_null(w, name);
  } else {
    pm_json_put_string(w, name, value);
  }
}

/* Without printf: a peers document is mostly numbers. */
static void put_digits(struct pm_buf *out, uint64_t value, bool negative) {
  char digits[24];
  char *at = digits + sizeof(digits);
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  if (negative) *--at = '-';
  pm_buf_append(out, at, (size_t)(digits + sizeof(digits) - at));
}

void pm_json_put_int(struct pm_json_writer *w, const char *name, int64_t value) {
  before_value(w, name);
  const uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
  put_digits(w->out, size, value < 0);
}

void pm_json_put_uint(struct pm_json_writer *w, const char *name, uint64_t value) {
  before_value(w, name);
  put_digits(w->out, value, false);
}

void pm_json_put_double(struct pm_json_writer *w, const char *name, double value, int decimals) {
  assert(decimals >= 0 && decimals <= 9);
  if (!isfinite(value)) {
    pm_json_put_null(w, name);
    return;
  }
  before_value(w, name);
  pm_buf_printf(w->out, "%.*f", decimals, value);
}

void pm_json_put_bool(struct pm_json_writer *w, const char *name, bool value) {
  before_value(w, name);
  pm_buf_text(w->out, value ? "true" : "false");
}

void pm_json_put_null(struct pm_json_writer *w, const char *name) {
  before_value(w, name);
  pm_buf_text(w->out, "null");
}

void pm_json_put_wall(struct pm_json_writer *w, const char *name, struct pm_wall t, bool fraction) {
  char text[PM_TIME_TEXT_BYTES];
  pm_wall_rfc3339(t, fraction, text);
  pm_json_put_string(w, name, text);
}
