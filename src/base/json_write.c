#include "base/json_write.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/escape.h"

enum { DOUBLE_DIGITS = 53, EXPONENT_OF_1 = 1023 };

/* Nine decimals of what is smaller fit 64 bits. */
#define FIXED_LIMIT 1e10

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
  static const uint8_t plain[256] = {
      [' '] = 1, ['!'] = 1,         ['#' ... '%'] = 1, ['\'' ... ';'] = 1,
      ['='] = 1, ['?' ... '['] = 1, [']' ... '~'] = 1,
  };
  return plain[(unsigned char)c] != 0;
}

/* Appends text from the first byte on that is not plain. */
static void put_escaped(struct pm_buf *out, const char *text, size_t bytes) {
  size_t kept_from = 0;
  size_t length;
  char buffer[8];
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
}

static void put_quoted(struct pm_buf *out, const char *text) {
  size_t plain = 0;
  while (is_plain(text[plain])) plain++;
  const bool whole = text[plain] == '\0';
  char *at = pm_buf_extend(out, plain + 1 + (whole ? 1 : 0));
  if (at == NULL) return;
  at[0] = '"';
  memcpy(at + 1, text, plain);
  if (whole) {
    at[1 + plain] = '"';
    return;
  }
  put_escaped(out, text + plain, strlen(text + plain));
  pm_buf_char(out, '"');
}

/* ,"name": in one piece, if there is nothing to escape. */
static bool put_plain_name(struct pm_buf *out, const char *name, bool comma) {
  size_t bytes = 0;
  while (is_plain(name[bytes])) bytes++;
  if (name[bytes] != '\0') return false;
  char *at = pm_buf_extend(out, bytes + 3 + (comma ? 1 : 0));
  if (at == NULL) return true;
  if (comma) *at++ = ',';
  *at++ = '"';
  for (size_t i = 0; i < bytes; i++) *at++ = name[i];
  *at++ = '"';
  *at = ':';
  return true;
}

/* Everything that stands before a value: the comma, the line, the name. */
static void before_value(struct pm_json_writer *w, const char *name) {
  if (w->depth == 0) {
    assert(name == NULL);
    return;
  }
  const uint32_t bit = level_bit(w);
  const bool in_array = (w->in_array & bit) != 0;
  const bool comma = (w->filled & bit) != 0;
  assert(in_array == (name == NULL));
  w->filled |= bit;
  if (!in_array && !w->indent && put_plain_name(w->out, name, comma)) return;
  if (comma) pm_buf_char(w->out, ',');
  new_line(w);
  if (in_array) return;
  put_quoted(w->out, name);
  pm_buf_char(w->out, ':');
  if (w->indent) pm_buf_char(w->out, ' ');
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

/* value * 10^decimals, rounded as printf does: to the nearest, of two equally near ones to the
 * even. A double is m / 2^shift with m below 2^53, so that 128 bits hold the product exactly. value
 * is below FIXED_LIMIT and not negative. */
static uint64_t scaled_exactly(double value, int decimals) {
  static const uint64_t powers[] = {1,      10,      100,      1000,      10000,
                                    100000, 1000000, 10000000, 100000000, 1000000000};
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits)); /* IEEE 754: frexp would take longer than all the rest */
  const int exponent = (int)(bits >> (DOUBLE_DIGITS - 1));
  const uint64_t hidden = (uint64_t)1 << (DOUBLE_DIGITS - 1);
  const uint64_t m = (bits & (hidden - 1)) | hidden;
  const int shift = EXPONENT_OF_1 + DOUBLE_DIGITS - 1 - exponent;
  if (shift > 100) return 0; /* below 2^-47, which is nothing in nine decimals */
  const unsigned __int128 product = (unsigned __int128)m * powers[decimals];
  const unsigned __int128 one = (unsigned __int128)1 << shift;
  const unsigned __int128 twice_rest = (product & (one - 1)) * 2;
  const uint64_t whole = (uint64_t)(product >> shift);
  const bool up = twice_rest > one || (twice_rest == one && (whole & 1) != 0);
  return up ? whole + 1 : whole;
}

/* Without printf, too, where it can be: each entry of a peers document has a coordinate. */
static void put_fixed(struct pm_buf *out, double value, int decimals) {
  char digits[32];
  char *at = digits + sizeof(digits);
  if (fabs(value) >= FIXED_LIMIT) {
    pm_buf_printf(out, "%.*f", decimals, value);
    return;
  }
  uint64_t scaled = scaled_exactly(fabs(value), decimals);
  for (int i = 0; i <= decimals || scaled > 0; i++) {
    if (i == decimals && decimals > 0) *--at = '.';
    *--at = (char)('0' + scaled % 10);
    scaled /= 10;
  }
  if (signbit(value)) *--at = '-';
  pm_buf_append(out, at, (size_t)(digits + sizeof(digits) - at));
}

void pm_json_put_double(struct pm_json_writer *w, const char *name, double value, int decimals) {
  assert(decimals >= 0 && decimals <= 9);
  if (!isfinite(value)) {
    pm_json_put_null(w, name);
    return;
  }
  before_value(w, name);
  put_fixed(w->out, value, decimals);
}

void pm_json_put_bool(struct pm_json_writer *w, const char *name, bool value) {
  before_value(w, name);
  pm_buf_text(w->out, value ? "true" : "false");
}

void pm_json_put_null(struct pm_json_writer *w, const char *name) {
  before_value(w, name);
  pm_buf_text(w->out, "null");
}

void pm_json_put_elements(struct pm_json_writer *w, const char *elements, size_t bytes) {
  assert(w->depth > 0 && (w->in_array & level_bit(w)) != 0);
  if (bytes == 0) return;
  if ((w->filled & level_bit(w)) != 0) pm_buf_char(w->out, ',');
  w->filled |= level_bit(w);
  pm_buf_append(w->out, elements, bytes);
}

void pm_json_put_wall(struct pm_json_writer *w, const char *name, struct pm_wall t, bool fraction) {
  char text[PM_TIME_TEXT_BYTES];
  pm_wall_rfc3339(t, fraction, text);
  pm_json_put_string(w, name, text);
}
