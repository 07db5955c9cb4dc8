#include "base/json_walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* What pm_json_check has passed is well-formed, so that each byte tells what follows. */

enum {
  NUMBER_BYTES = 64,  /* pm_json_check takes numbers of at most 63 characters */
  EXACT_DIGITS = 15,  /* so many decimal digits are an exact double … */
  EXACT_DECIMALS = 15 /* … and so is this power of ten: their quotient is rounded once */
};

/* From here on doubles are not exact, as in base/json_read.c. */
#define INTEGER_LIMIT 0x1p53

struct pm_json_walk pm_json_walk_begin(const char *text, size_t bytes) {
  return (struct pm_json_walk){.at = text, .end = text + bytes, .name = ""};
}

static bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* NUL at the end of the document. */
static char next_byte(struct pm_json_walk *walk) {
  while (walk->at < walk->end && is_blank(*walk->at)) walk->at++;
  return walk->at < walk->end ? *walk->at : '\0';
}

/* The length of a number, or of true, false or null. */
static size_t scalar_length(const struct pm_json_walk *walk) {
  const char *at = walk->at;
  while (at < walk->end && ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
                            *at == '.' || *at == '-' || *at == '+' || *at == 'E'))
    at++;
  return (size_t)(at - walk->at);
}

/* --- strings ---------------------------------------------------------------------------------- */

/* From behind the opening quote to the closing one. */
static const char *string_end(const char *at, bool *out_escaped) {
  for (; *at != '"'; at++) {
    if (*at != '\\') continue;
    *out_escaped = true;
    at++;
  }
  return at;
}

static uint32_t hex4(const char *text) {
  uint32_t code = 0;
  for (int i = 0; i < 4; i++) code = code << 4 | (uint32_t)pm_hex_value(text[i]);
  return code;
}

/* The character behind "\u", and its length as written. */
static size_t unicode_escape(const char *text, uint32_t *out_code) {
  uint32_t code = hex4(text);
  *out_code = code;
  if (code < 0xd800 || code > 0xdbff) return 4;
  *out_code = 0x10000 + ((code - 0xd800) << 10) + (hex4(text + 6) - 0xdc00);
  return 10;
}

static size_t put_utf8(uint32_t code, char out[4]) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = length; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)(lead[length] | code);
  return length;
}

/* What stands behind a backslash; how much of it that was is returned. */
static size_t decode_escape(const char *text, char out[4], size_t *out_length) {
  static const char written[] = "bfnrt", meant[] = "\b\f\n\r\t";
  *out_length = 1;
  if (*text == 'u') {
    uint32_t code;
    size_t taken = unicode_escape(text + 1, &code);
    *out_length = put_utf8(code, out);
    return 1 + taken;
  }
  const char *found = strchr(written, *text);
  out[0] = found ? meant[found - written] : *text;
  return 1;
}

/* The text between two quotes; its length, or SIZE_MAX if out does not hold it. */
static size_t decode(const char *text, const char *end, char *out, size_t out_bytes) {
  size_t length = 0;
  while (text < end) {
    char bytes[4] = {*text};
    size_t count = 1;
    if (*text++ == '\\') text += decode_escape(text, bytes, &count);
    if (count > out_bytes - length) return SIZE_MAX;
    memcpy(out + length, bytes, count);
    length += count;
  }
  return length;
}

bool pm_json_walk_string(struct pm_json_walk *walk, char *out, size_t out_bytes) {
  if (next_byte(walk) != '"') {
    pm_json_walk_skip(walk);
    return false;
  }
  bool escaped = false;
  const char *text = walk->at + 1;
  const char *end = string_end(text, &escaped);
  size_t length = (size_t)(end - text);
  walk->at = end + 1;
  if (escaped) {
    length = decode(text, end, out, out_bytes - 1);
    if (length == SIZE_MAX) return false;
  } else {
    if (length >= out_bytes) return false;
    memcpy(out, text, length);
  }
  out[length] = '\0';
  return true;
}

/* --- where we are ----------------------------------------------------------------------------- */

bool pm_json_walk_enter(struct pm_json_walk *walk, char open) {
  if (next_byte(walk) != open) {
    pm_json_walk_skip(walk);
    return false;
  }
  walk->at++;
  return true;
}

bool pm_json_walk_element(struct pm_json_walk *walk) {
  if (next_byte(walk) == ',') walk->at++;
  char c = next_byte(walk);
  if (c != ']' && c != '}') return true;
  walk->at++;
  return false;
}

static void take_decoded_name(struct pm_json_walk *walk, const char *text, const char *end) {
  walk->name = walk->scratch;
  walk->name_bytes = decode(text, end, walk->scratch, sizeof walk->scratch);
  if (walk->name_bytes == SIZE_MAX) walk->name_bytes = 0;
}

bool pm_json_walk_member(struct pm_json_walk *walk) {
  if (!pm_json_walk_element(walk)) return false;
  bool escaped = false;
  const char *text = walk->at + 1;
  const char *end = string_end(text, &escaped);
  walk->name = text;
  walk->name_bytes = (size_t)(end - text);
  if (escaped) take_decoded_name(walk, text, end);
  walk->at = end + 1;
  (void)next_byte(walk);
  walk->at++; /* the colon */
  return true;
}

bool pm_json_walk_is(const struct pm_json_walk *walk, const char *name) {
  size_t same = 0; /* by hand: most names differ in their first byte */
  while (same < walk->name_bytes && name[same] == walk->name[same]) same++;
  return same == walk->name_bytes && name[same] == '\0';
}

bool pm_json_walk_is_null(const struct pm_json_walk *walk) {
  struct pm_json_walk here = *walk;
  return next_byte(&here) == 'n';
}

bool pm_json_walk_is_array(const struct pm_json_walk *walk) {
  struct pm_json_walk here = *walk;
  return next_byte(&here) == '[';
}

/* Brackets are counted, whatever stands between them; those inside strings are passed with these.
 */
static const char *container_end(const char *at) {
  static const int8_t change[256] = {['{'] = 1, ['['] = 1, ['}'] = -1, [']'] = -1};
  ptrdiff_t depth = 0;
  bool escaped;
  do {
    unsigned char c = (unsigned char)*at++;
    depth += change[c];
    if (c == '"') at = string_end(at, &escaped) + 1;
  } while (depth > 0);
  return at;
}

void pm_json_walk_skip(struct pm_json_walk *walk) {
  char c = next_byte(walk);
  bool escaped;
  if (c == '{' || c == '[')
    walk->at = container_end(walk->at);
  else if (c == '"')
    walk->at = string_end(walk->at + 1, &escaped) + 1;
  else
    walk->at += scalar_length(walk);
}

/* --- numbers and truths ----------------------------------------------------------------------- */

/* Few enough digits and no exponent: integer and power of ten are exact, and their quotient is the
 * nearest double, as strtod would find (Clinger, 1990). */
static bool read_plain(const char *text, size_t length, double *out) {
  static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  bool negative = *text == '-', point = false;
  uint64_t digits = 0;
  size_t decimals = 0;
  if (length > EXACT_DIGITS) return false;
  for (size_t i = negative; i < length; i++) {
    if (text[i] == '.') {
      point = true;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return false;
    digits = digits * 10 + (uint64_t)(text[i] - '0');
    decimals += point;
  }
  double value = (double)digits / powers[decimals];
  *out = negative ? -value : value;
  return true;
}

static double read_any(const char *text, size_t length) {
  char copy[NUMBER_BYTES];
  double value;
  if (read_plain(text, length, &value)) return value;
  if (length >= sizeof copy) length = sizeof copy - 1; /* never: the check refuses longer ones */
  memcpy(copy, text, length);
  copy[length] = '\0';
  return strtod(copy, NULL);
}

bool pm_json_walk_double(struct pm_json_walk *walk, double *out) {
  char c = next_byte(walk);
  if (c != '-' && (c < '0' || c > '9')) {
    pm_json_walk_skip(walk);
    return false;
  }
  size_t length = scalar_length(walk);
  double value = read_any(walk->at, length);
  walk->at += length;
  if (!isfinite(value)) return false;
  *out = value;
  return true;
}

bool pm_json_walk_int(struct pm_json_walk *walk, int64_t low, int64_t high, int64_t *out) {
  double number;
  if (!pm_json_walk_double(walk, &number)) return false;
  if (fabs(number) >= INTEGER_LIMIT || number != trunc(number)) return false;
  int64_t integer = (int64_t)number;
  if (integer < low || integer > high) return false;
  *out = integer;
  return true;
}

bool pm_json_walk_bool(struct pm_json_walk *walk, bool *out) {
  char c = next_byte(walk);
  pm_json_walk_skip(walk);
  if (c != 't' && c != 'f') return false;
  *out = c == 't';
  return true;
}
