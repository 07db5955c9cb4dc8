#include "probe/remote_location.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/escape.h"

static const char JSON_MARK[] = "\"SrvLoc\"";
static const char HTML_MARK[] = "<p>Served from";

enum {
  UTF8_BYTES_MAX = 4,
  /* "&#x10FFFF;" and the named ones are shorter; leading zeroes beyond that are nobody's habit. */
  ENTITY_BYTES_MAX = 12,
  REPLACEMENT_CHARACTER = 0xfffd,
};

/* What is left to read. */
struct text {
  const char *at;
  const char *end;
};

/* The location so far: leading white space is passed over, and what no longer fits is dropped. */
struct place {
  char *text;
  size_t bytes;
  bool full;
};

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static void skip_blanks(struct text *text) {
  while (text->at < text->end && is_blank(*text->at)) text->at++;
}

/* One character, so that a cut never goes through it. */
static void place_add(struct place *place, const char *character, size_t bytes) {
  if (place->bytes == 0 && is_blank(*character)) return;
  if (bytes >= PM_LOCATION_BYTES - place->bytes) place->full = true;
  if (place->full) return;
  memcpy(place->text + place->bytes, character, bytes);
  place->bytes += bytes;
}

static void place_add_code(struct place *place, uint32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) code = REPLACEMENT_CHARACTER;
  char utf8[UTF8_BYTES_MAX];
  size_t bytes = 1;
  if (code < 0x80) {
    /* A NUL would end the text early: what comes after it would be lost without a trace. */
    utf8[0] = code == 0 ? '?' : (char)code;
  } else {
    bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--, code >>= 6) utf8[i] = (char)(0x80 | (code & 0x3f));
    utf8[0] = (char)((0xf00u >> bytes & 0xf0u) | code);
  }
  place_add(place, utf8, bytes);
}

/* The character as it stands in the body; a byte that is not UTF-8 as it is, to be replaced later.
 */
static void place_add_next(struct place *place, struct text *text) {
  uint32_t code;
  size_t bytes = pm_utf8_next(text->at, (size_t)(text->end - text->at), &code);
  if (bytes == 0) bytes = 1;
  place_add(place, *text->at == '\0' ? "?" : text->at, bytes);
  text->at += bytes;
}

static enum pm_err place_finish(struct place *place) {
  while (place->bytes > 0 && is_blank(place->text[place->bytes - 1])) place->bytes--;
  place->text[place->bytes] = '\0';
  pm_escape_line_inplace(place->text);
  return place->bytes > 0 ? PM_OK : PM_ERR_MISSING;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* The four digits after \u. */
static bool read_hex4(struct text *text, uint32_t *out) {
  if (text->end - text->at < 4) return false;
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_value(text->at[i]);
    if (digit < 0) return false;
    value = value << 4 | (uint32_t)digit;
  }
  text->at += 4;
  *out = value;
  return true;
}

/* A high surrogate and the low one that follows it make one character. */
static bool read_unicode_escape(struct text *text, uint32_t *out) {
  uint32_t code;
  if (!read_hex4(text, &code)) return false;
  if (code >= 0xd800 && code <= 0xdbff && text->end - text->at >= 6 &&
      memcmp(text->at, "\\u", 2) == 0) {
    struct text ahead = {text->at + 2, text->end};
    uint32_t low;
    if (!read_hex4(&ahead, &low)) return false;
    if (low >= 0xdc00 && low <= 0xdfff) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      *text = ahead;
    }
  }
  *out = code;
  return true;
}

/* What follows a backslash. */
static bool read_escape(struct text *text, uint32_t *out) {
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  if (text->at == text->end) return false;
  char c = *text->at++;
  if (c == 'u') return read_unicode_escape(text, out);
  const char *letter = c != '\0' ? strchr(letters, c) : NULL;
  if (letter == NULL) return false;
  *out = (unsigned char)meanings[letter - letters];
  return true;
}

static bool take_char(struct text *text, char expected) {
  skip_blanks(text);
  if (text->at == text->end || *text->at != expected) return false;
  text->at++;
  return true;
}

/* text stands behind the mark: ` : "…"`. */
static enum pm_err read_json(struct text text, struct place *place) {
  if (!take_char(&text, ':') || !take_char(&text, '"')) return PM_ERR_MISSING;
  while (text.at < text.end && *text.at != '"') {
    if (*text.at != '\\') {
      place_add_next(place, &text);
      continue;
    }
    text.at++;
    uint32_t code;
    if (!read_escape(&text, &code)) return PM_ERR_MISSING;
    place_add_code(place, code);
  }
  return text.at < text.end ? place_finish(place) : PM_ERR_MISSING;
}

static bool named_entity(const char *name, size_t bytes, uint32_t *out) {
  static const struct {
    const char *name;
    uint32_t code;
  } entities[] = {{"amp", '&'},  {"lt", '<'},    {"gt", '>'},
                  {"quot", '"'}, {"apos", '\''}, {"nbsp", ' '}};
  for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
    if (strlen(entities[i].name) == bytes && memcmp(entities[i].name, name, bytes) == 0) {
      *out = entities[i].code;
      return true;
    }
  }
  return false;
}

/* "#39" or "#x27": what stands between '&' and ';'. */
static bool numbered_entity(const char *name, size_t bytes, uint32_t *out) {
  if (bytes < 2 || name[0] != '#') return false;
  bool hex = name[1] == 'x' || name[1] == 'X';
  size_t at = hex ? 2 : 1;
  if (at == bytes) return false;
  uint64_t code = 0; /* which as many digits as an entity may have cannot overflow */
  for (; at < bytes; at++) {
    int digit = hex_value(name[at]);
    if (digit < 0 || (!hex && digit > 9)) return false;
    code = code * (hex ? 16 : 10) + (unsigned)digit;
  }
  *out = code > 0x10ffff ? REPLACEMENT_CHARACTER : (uint32_t)code;
  return true;
}

/* Decodes the entity at text, if one is there; else it is an ordinary '&'. */
static bool take_entity(struct text *text, uint32_t *out) {
  if (*text->at != '&') return false;
  size_t left = (size_t)(text->end - text->at);
  const char *name = text->at + 1;
  const char *semicolon =
      memchr(name, ';', (left < ENTITY_BYTES_MAX ? left : ENTITY_BYTES_MAX) - 1);
  if (semicolon == NULL) return false;
  size_t bytes = (size_t)(semicolon - name);
  if (!named_entity(name, bytes, out) && !numbered_entity(name, bytes, out)) return false;
  text->at = semicolon + 1;
  return true;
}

/* text stands behind the mark. */
static enum pm_err read_html(struct text text, struct place *place) {
  if (text.at < text.end && !is_blank(*text.at)) return PM_ERR_MISSING;
  while (text.at < text.end && *text.at != '\n' && *text.at != '\r' && *text.at != '<') {
    uint32_t code;
    if (take_entity(&text, &code)) {
      place_add_code(place, code);
    } else {
      place_add_next(place, &text);
    }
  }
  return place_finish(place);
}

static const char *find(const char *body, size_t bytes, const char *mark) {
  return memmem(body, bytes, mark, strlen(mark));
}

enum pm_err pm_remote_location(const char *body, size_t bytes, char out[PM_LOCATION_BYTES]) {
  if (bytes == 0) return PM_ERR_MISSING; /* and body may be NULL */
  const char *marks[] = {find(body, bytes, JSON_MARK), find(body, bytes, HTML_MARK)};
  bool html_first = marks[1] != NULL && (marks[0] == NULL || marks[1] < marks[0]);
  for (int i = 0; i < 2; i++) {
    bool html = (i == 0) == html_first;
    const char *mark = marks[html];
    if (mark == NULL) continue;
    char text[PM_LOCATION_BYTES];
    struct place place = {.text = text};
    struct text rest = {mark + (html ? strlen(HTML_MARK) : strlen(JSON_MARK)), body + bytes};
    enum pm_err err = html ? read_html(rest, &place) : read_json(rest, &place);
    if (err != PM_OK) continue;
    memcpy(out, text, strlen(text) + 1);
    return PM_OK;
  }
  return PM_ERR_MISSING;
}
