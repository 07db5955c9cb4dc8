#include "gossip/wire_text.h"

#include <math.h>
#include <string.h>

#include "base/escape.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void pm_wire_hex(const uint8_t *data, size_t bytes, char *out) {
  for (size_t i = 0; i < bytes; i++) {
    out[2 * i] = hex_digits[data[i] >> 4];
    out[2 * i + 1] = hex_digits[data[i] & 15];
  }
  out[2 * bytes] = '\0';
}

bool pm_wire_unhex(const char *text, uint8_t *out, size_t bytes) {
  if (strlen(text) != 2 * bytes) return false;
  for (size_t i = 0; i < bytes; i++) {
    int high = pm_hex_value(text[2 * i]), low = pm_hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

void pm_wire_hex64(uint64_t value, char out[17]) {
  for (int i = 0; i < 16; i++) out[i] = hex_digits[(value >> (60 - 4 * i)) & 15];
  out[16] = '\0';
}

bool pm_wire_unhex64(const char *text, uint64_t *out) {
  uint8_t bytes[8];
  if (!pm_wire_unhex(text, bytes, sizeof bytes)) return false;
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof bytes; i++) value = value << 8 | bytes[i];
  *out = value;
  return true;
}

/* One to three bytes as two to four characters; how many is returned. */
static size_t base64_group(const uint8_t *data, size_t left, char out[4]) {
  uint32_t group = (uint32_t)data[0] << 16;
  if (left > 1) group |= (uint32_t)data[1] << 8;
  if (left > 2) group |= data[2];
  for (int i = 0; i < 4; i++) out[i] = base64_digits[(group >> (18 - 6 * i)) & 63];
  return left > 2 ? 4 : left + 1;
}

void pm_wire_base64(struct pm_buf *out, const uint8_t *data, size_t bytes) {
  size_t i = 0;
  char *text = pm_buf_extend(out, bytes / 3 * 4);
  for (; text && bytes - i >= 3; i += 3, text += 4) (void)base64_group(data + i, 3, text);
  if (!text || i == bytes) return;
  char rest[4];
  pm_buf_append(out, rest, base64_group(data + i, bytes - i, rest));
}

void pm_wire_id(const struct pm_node_id *id, char out[PM_WIRE_ID_BYTES]) {
  size_t at = 0;
  for (size_t i = 0; i < sizeof id->bytes; i += 3) {
    char text[4];
    size_t length = base64_group(id->bytes + i, sizeof id->bytes - i, text);
    memcpy(out + at, text, length);
    at += length;
  }
  out[at] = '\0';
}

bool pm_wire_read_id(const char *text, struct pm_node_id *out) {
  struct pm_node_id id;
  if (!pm_wire_unbase64(text, id.bytes, sizeof id.bytes) &&
      !pm_wire_unhex(text, id.bytes, sizeof id.bytes))
    return false;
  *out = id;
  return true;
}

/* One more than each digit's value; 0 for what is no digit. */
static const uint8_t base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

bool pm_wire_unbase64(const char *text, uint8_t *out, size_t bytes) {
  size_t length = strlen(text);
  if (length != (bytes * 4 + 2) / 3) return false;
  uint32_t group = 0;
  unsigned bits = 0;
  size_t at = 0;
  for (size_t i = 0; i < length; i++) {
    uint32_t value = base64_values[(unsigned char)text[i]];
    if (value == 0) return false;
    group = (group << 6 | (value - 1)) & 0xffffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    if (at < bytes) out[at++] = (uint8_t)(group >> bits);
  }
  return at == bytes;
}

void pm_wire_put_number(struct pm_buf *out, uint64_t value) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  pm_buf_append(out, digits + at, sizeof digits - at);
}

bool pm_wire_number(const char *text, uint64_t high, uint64_t *out) {
  uint64_t value = 0;
  if (text[0] == '\0') return false;
  for (const char *c = text; *c != '\0'; c++) {
    if (*c < '0' || *c > '9') return false;
    uint64_t digit = (uint64_t)(*c - '0');
    if (value > (high - digit) / 10) return false;
    value = value * 10 + digit;
  }
  if (value > high) return false;
  *out = value;
  return true;
}

void pm_wire_fixed(double value, unsigned decimals, char out[PM_WIRE_FIXED_BYTES]) {
  static const int64_t scales[] = {1, 10, 100, 1000};
  int64_t scale = scales[decimals <= 3 ? decimals : 3];
  int64_t scaled = fabs(value) < 1e9 ? llround(value * (double)scale) : 0;
  uint64_t left = scaled < 0 ? (uint64_t)-scaled : (uint64_t)scaled;
  char reversed[PM_WIRE_FIXED_BYTES];
  unsigned length = 0, at = 0;
  while (left > 0 || length <= decimals) {
    reversed[length++] = (char)('0' + left % 10);
    left /= 10;
  }
  if (scaled < 0) out[at++] = '-';
  while (length > 0) {
    if (length == decimals) out[at++] = '.';
    out[at++] = reversed[--length];
  }
  out[at] = '\0';
}
