#include "base/json_read.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

enum {
  DEPTH_MAX = 64,        /* the scan and cJSON recurse: this bounds their stack */
  NUMBER_BYTES_MAX = 63, /* cJSON copies a number into 64 bytes and would cut a longer one */
};

/* Integers from here on are not all representable as doubles, so a value this large may have been
 * rounded. */
#define INTEGER_LIMIT 0x1p53

struct pm_json_doc {
  cJSON *root;
};

/* The scan: a strict validator of RFC 8259 that allocates nothing. cJSON by itself is lenient
 * (leading zeros, control characters, any byte up to blank as white space), and what it takes
 * differently from other readers would be a way to show two nodes two documents. */
struct scan {
  const char *text;
  size_t bytes;
  size_t at;
  size_t items;
  unsigned depth;
  const struct pm_json_limits *limits;
  struct pm_why *why;
};

static enum pm_err bad_syntax(const struct scan *s, const char *what) {
  return pm_why_set(s->why, PM_ERR_SYNTAX, "this is not JSON: %s at byte %zu", what, s->at);
}

static enum pm_err too_large(const struct scan *s, const char *what, size_t limit) {
  return pm_why_set(s->why, PM_ERR_TOO_LARGE, "the JSON document has %s than %zu", what, limit);
}

/* The next byte, or -1 at the end. */
static int peek(const struct scan *s) {
  return s->at < s->bytes ? (unsigned char)s->text[s->at] : -1;
}

static bool take(struct scan *s, char expected) {
  if (peek(s) != (unsigned char)expected) return false;
  s->at++;
  return true;
}

static void skip_blanks(struct scan *s) {
  while (s->at < s->bytes) {
    const char c = s->text[s->at];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    s->at++;
  }
}

/* Four digits behind "\u". */
static bool take_hex4(struct scan *s, unsigned *out) {
  unsigned value = 0;
  for (int i = 0; i < 4; i++) {
    int c = peek(s);
    int digit = c < 0 ? -1 : pm_hex_value((char)c);
    if (digit < 0) return false;
    value = value << 4 | (unsigned)digit;
    s->at++;
  }
  *out = value;
  return true;
}

static bool is_surrogate(unsigned code, unsigned first) {
  return code >= first && code < first + 0x400;
}

/* What stands behind "\u": a character of its own, or a pair of surrogates. */
static enum pm_err scan_unicode_escape(struct scan *s) {
  unsigned code;
  if (!take_hex4(s, &code)) return bad_syntax(s, "a broken \\u escape");
  /* Our strings, and cJSON's, end at the first NUL: what follows would be lost unseen. */
  if (code == 0) return bad_syntax(s, "an escaped NUL in a string");
  if (is_surrogate(code, 0xdc00)) return bad_syntax(s, "half a surrogate pair");
  if (!is_surrogate(code, 0xd800)) return PM_OK;
  unsigned second;
  if (!take(s, '\\') || !take(s, 'u') || !take_hex4(s, &second) || !is_surrogate(second, 0xdc00)) {
    return bad_syntax(s, "half a surrogate pair");
  }
  return PM_OK;
}

static enum pm_err scan_escape(struct scan *s) {
  int c = peek(s);
  if (c < 0) return bad_syntax(s, "a string without its end");
  if (c == 0 || strchr("\"\\/bfnrtu", c) == NULL) return bad_syntax(s, "an unknown escape");
  s->at++;
  return c == 'u' ? scan_unicode_escape(s) : PM_OK;
}

static enum pm_err scan_string_char(struct scan *s) {
  if (take(s, '\\')) return scan_escape(s);
  int c = peek(s);
  if (c < 0) return bad_syntax(s, "a string without its end");
  if (c < 0x20) return bad_syntax(s, "a control character in a string");
  uint32_t code;
  size_t length = pm_utf8_next(s->text + s->at, s->bytes - s->at, &code);
  if (length == 0) return bad_syntax(s, "a byte that is not UTF-8");
  s->at += length;
  return PM_OK;
}

/* Nearly every byte of a string: what scan_string_char would take as it is. */
static bool is_plain(char c) {
  static const uint8_t plain[256] = {[' ' ... '!'] = 1, ['#' ... '['] = 1, [']' ... 0x7f] = 1};
  return plain[(unsigned char)c] != 0;
}

static void skip_plain(struct scan *s) {
  while (s->at < s->bytes && is_plain(s->text[s->at])) s->at++;
}

static enum pm_err scan_string(struct scan *s) {
  if (!take(s, '"')) return bad_syntax(s, "no string where one is due");
  size_t start = s->at;
  for (;;) {
    skip_plain(s);
    if (s->at - start > s->limits->string_bytes_max) {
      return too_large(s, "a longer string", s->limits->string_bytes_max);
    }
    if (take(s, '"')) break;
    enum pm_err err = scan_string_char(s);
    if (err != PM_OK) return err;
  }
  return PM_OK;
}

static bool take_digits(struct scan *s) {
  size_t start = s->at;
  while (peek(s) >= '0' && peek(s) <= '9') s->at++;
  return s->at > start;
}

static enum pm_err scan_number(struct scan *s) {
  size_t start = s->at;
  take(s, '-');
  if (!take(s, '0') && !take_digits(s)) return bad_syntax(s, "no value where one is due");
  if (take(s, '.') && !take_digits(s)) return bad_syntax(s, "no digit behind the point");
  if (take(s, 'e') || take(s, 'E')) {
    if (!take(s, '+')) take(s, '-');
    if (!take_digits(s)) return bad_syntax(s, "no digit in the exponent");
  }
  if (s->at - start > NUMBER_BYTES_MAX) return too_large(s, "a longer number", NUMBER_BYTES_MAX);
  return PM_OK;
}

static enum pm_err scan_word(struct scan *s, const char *word) {
  for (; *word != '\0'; word++) {
    if (!take(s, *word)) return bad_syntax(s, "an unknown word");
  }
  return PM_OK;
}

static enum pm_err scan_value(struct scan *s);

/* One element of an array, or one name and value of an object. */
static enum pm_err scan_child(struct scan *s, bool named) {
  skip_blanks(s);
  if (named) {
    enum pm_err err = scan_string(s);
    if (err != PM_OK) return err;
    skip_blanks(s);
    if (!take(s, ':')) return bad_syntax(s, "no colon behind a name");
    skip_blanks(s);
  }
  enum pm_err err = scan_value(s);
  skip_blanks(s);
  return err;
}

/* What stands behind the opening bracket, and the closing one. */
static enum pm_err scan_container(struct scan *s, char close) {
  if (++s->depth > s->limits->depth_max) {
    return too_large(s, "deeper nesting", s->limits->depth_max);
  }
  skip_blanks(s);
  bool empty = take(s, close);
  while (!empty) {
    enum pm_err err = scan_child(s, close == '}');
    if (err != PM_OK) return err;
    if (take(s, close)) break;
    if (!take(s, ',')) return bad_syntax(s, "no comma or closing bracket");
  }
  s->depth--;
  return PM_OK;
}

static enum pm_err scan_value(struct scan *s) {
  if (++s->items > s->limits->items_max) return too_large(s, "more values", s->limits->items_max);
  switch (peek(s)) {
  case '{':
    s->at++;
    return scan_container(s, '}');
  case '[':
    s->at++;
    return scan_container(s, ']');
  case '"':
    return scan_string(s);
  case 't':
    return scan_word(s, "true");
  case 'f':
    return scan_word(s, "false");
  case 'n':
    return scan_word(s, "null");
  default:
    return scan_number(s);
  }
}

static enum pm_err scan_document(struct scan *s) {
  if (s->bytes > s->limits->bytes_max) return too_large(s, "more bytes", s->limits->bytes_max);
  skip_blanks(s);
  enum pm_err err = scan_value(s);
  if (err != PM_OK) return err;
  skip_blanks(s);
  return s->at == s->bytes ? PM_OK : bad_syntax(s, "something behind the value");
}

enum pm_err pm_json_check(const char *text, size_t bytes, const struct pm_json_limits *limits,
                          struct pm_why *why) {
  assert(limits->depth_max <= DEPTH_MAX);
  struct scan s = {.text = text, .bytes = bytes, .limits = limits, .why = why};
  return scan_document(&s);
}

enum pm_err pm_json_parse(const char *text, size_t bytes, const struct pm_json_limits *limits,
                          struct pm_json_doc **out, struct pm_why *why) {
  enum pm_err err = pm_json_check(text, bytes, limits, why);
  if (err != PM_OK) return err;
  struct pm_json_doc *doc = malloc(sizeof(*doc));
  /* The scan has left cJSON nothing to refuse: what fails now fails for want of memory. */
  cJSON *root = doc != NULL ? cJSON_ParseWithLength(text, bytes) : NULL;
  if (root == NULL) {
    free(doc);
    return pm_why_set(why, PM_ERR_NOMEM, "there is no memory for a JSON document of %zu bytes",
                      bytes);
  }
  doc->root = root;
  *out = doc;
  return PM_OK;
}

void pm_json_free(struct pm_json_doc *doc) {
  if (doc == NULL) return;
  cJSON_Delete(doc->root);
  free(doc);
}

/* struct pm_json is never defined: it stands for cJSON's node, so that callers see no cJSON. */
static const struct pm_json *from_node(const cJSON *node) {
  return (const struct pm_json *)node;
}

static const cJSON *to_node(const struct pm_json *value) {
  return (const cJSON *)value;
}

const struct pm_json *pm_json_root(const struct pm_json_doc *doc) {
  return from_node(doc->root);
}

const struct pm_json *pm_json_member(const struct pm_json *value, const char *name) {
  if (!pm_json_is_object(value)) return NULL;
  return from_node(cJSON_GetObjectItemCaseSensitive(to_node(value), name));
}

const struct pm_json *pm_json_first(const struct pm_json *value) {
  return value != NULL ? from_node(to_node(value)->child) : NULL;
}

const struct pm_json *pm_json_next(const struct pm_json *child) {
  return child != NULL ? from_node(to_node(child)->next) : NULL;
}

const char *pm_json_name(const struct pm_json *child) {
  return child != NULL && to_node(child)->string != NULL ? to_node(child)->string : "";
}

bool pm_json_is_null(const struct pm_json *value) {
  return value == NULL || cJSON_IsNull(to_node(value));
}

bool pm_json_is_object(const struct pm_json *value) {
  return cJSON_IsObject(to_node(value));
}

bool pm_json_is_array(const struct pm_json *value) {
  return cJSON_IsArray(to_node(value));
}

enum pm_err pm_json_string(const struct pm_json *value, const char **out) {
  if (pm_json_is_null(value)) return PM_ERR_MISSING;
  if (!cJSON_IsString(to_node(value))) return PM_ERR_TYPE;
  *out = to_node(value)->valuestring;
  return PM_OK;
}

enum pm_err pm_json_double(const struct pm_json *value, double *out) {
  if (pm_json_is_null(value)) return PM_ERR_MISSING;
  if (!cJSON_IsNumber(to_node(value))) return PM_ERR_TYPE;
  double number = to_node(value)->valuedouble;
  if (!isfinite(number)) return PM_ERR_RANGE;
  *out = number;
  return PM_OK;
}

enum pm_err pm_json_int(const struct pm_json *value, int64_t low, int64_t high, int64_t *out) {
  double number;
  enum pm_err err = pm_json_double(value, &number);
  if (err != PM_OK) return err;
  if (fabs(number) >= INTEGER_LIMIT) return PM_ERR_RANGE;
  if (number != trunc(number)) return PM_ERR_TYPE;
  int64_t integer = (int64_t)number;
  if (integer < low || integer > high) return PM_ERR_RANGE;
  *out = integer;
  return PM_OK;
}

enum pm_err pm_json_bool(const struct pm_json *value, bool *out) {
  if (pm_json_is_null(value)) return PM_ERR_MISSING;
  if (!cJSON_IsBool(to_node(value))) return PM_ERR_TYPE;
  *out = cJSON_IsTrue(to_node(value)) != 0;
  return PM_OK;
}
