/* Any bytes through every escaper: what comes out is free of what the place cannot bear, and what
 * can be decoded again is what went in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/json_read.h"
#include "base/json_write.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

enum { OUT_BYTES_MAX = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether text is UTF-8 throughout, without control characters other than the allowed. */
static bool is_clean(const char *text, size_t bytes, const char *allowed) {
  size_t length;
  for (size_t at = 0; at < bytes; at += length) {
    uint32_t code;
    length = pm_utf8_next(text + at, bytes - at, &code);
    if (length == 0 || code == 0) return false;
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    if (control && (code > 0x7f || strchr(allowed, (int)code) == NULL)) return false;
  }
  return true;
}

static void check_html(const char *text, size_t bytes, struct pm_buf *out) {
  pm_buf_reset(out);
  pm_escape_html(out, text, bytes);
  CHECK(pm_buf_status(out) == PM_OK);
  CHECK(is_clean(out->data, out->len, "\t\r\n"));
  CHECK(strpbrk(out->data, "<>\"'") == NULL);
  for (const char *at = out->data; (at = strchr(at, '&')) != NULL; at++) {
    CHECK(strchr(at, ';') != NULL && strchr(at, ';') - at <= 4);
  }
}

static void check_line(const char *text, size_t bytes, struct pm_buf *out) {
  pm_buf_reset(out);
  pm_escape_line(out, text, bytes);
  CHECK(pm_buf_status(out) == PM_OK);
  CHECK(out->len <= bytes && is_clean(out->data, out->len, ""));

  /* In place it stops at the first NUL, and must agree up to there. */
  char *copy = strndup(text, bytes);
  CHECK(copy != NULL);
  size_t copied = strlen(copy);
  pm_buf_reset(out);
  pm_escape_line(out, copy, copied);
  pm_escape_line_inplace(copy);
  CHECK(strcmp(copy, out->data) == 0);
  pm_escape_line_inplace(copy);
  CHECK(strcmp(copy, out->data) == 0);
  free(copy);
}

static void check_query(const char *text, size_t bytes, struct pm_buf *out) {
  pm_buf_reset(out);
  pm_escape_query(out, text, bytes);
  CHECK(pm_buf_status(out) == PM_OK);
  CHECK(strspn(out->data, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789-._~%") == out->len);
  char *decoded = malloc(bytes + 1);
  CHECK(decoded != NULL);
  enum pm_err err = pm_unescape_form(out->data, out->len, decoded, bytes + 1);
  if (memchr(text, '\0', bytes) != NULL) {
    CHECK(err == PM_ERR_SYNTAX);
  } else {
    CHECK(err == PM_OK && strlen(decoded) == bytes && memcmp(decoded, text, bytes) == 0);
  }
  free(decoded);
}

static void check_form(const char *text, size_t bytes) {
  char out[16] = "";
  enum pm_err err = pm_unescape_form(text, bytes, out, sizeof(out));
  CHECK(err == PM_OK || err == PM_ERR_SYNTAX || err == PM_ERR_TOO_LARGE);
  CHECK(err == PM_OK || out[0] == '\0');
  CHECK(strlen(out) < sizeof(out));
}

/* A JSON string of any text reads back as that text where it was UTF-8. */
static void check_json(const char *text, size_t bytes, struct pm_buf *out) {
  static const struct pm_json_limits limits = {
      .bytes_max = OUT_BYTES_MAX, .items_max = 1, .string_bytes_max = OUT_BYTES_MAX};
  char *copy = strndup(text, bytes);
  CHECK(copy != NULL);
  struct pm_json_writer w;
  struct pm_json_doc *doc = NULL;
  const char *read = NULL;
  pm_buf_reset(out);
  pm_json_writer_init(&w, out, false);
  pm_json_put_string(&w, NULL, copy);
  CHECK(pm_json_parse(out->data, out->len, &limits, &doc, NULL) == PM_OK);
  CHECK(pm_json_string(pm_json_root(doc), &read) == PM_OK);
  CHECK(strcmp(read, copy) == 0 || strstr(out->data, "\\ufffd") != NULL);
  pm_json_free(doc);
  free(copy);
}

static void check_cut(const char *text, size_t bytes) {
  char *copy = strndup(text, bytes);
  CHECK(copy != NULL);
  size_t before = strlen(copy);
  pm_utf8_trim_cut(copy);
  size_t after = strlen(copy);
  CHECK(after <= before && before - after <= 3 && memcmp(copy, text, after) == 0);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = size > 0 ? (const char *)data : "";
  struct pm_buf out;
  pm_buf_init(&out, OUT_BYTES_MAX);
  check_html(text, size, &out);
  check_line(text, size, &out);
  check_query(text, size, &out);
  check_form(text, size);
  check_json(text, size, &out);
  check_cut(text, size);
  pm_buf_deinit(&out);
  return 0;
}
