/* Any bytes as JSON: under small and under large limits, with the whole tree walked and written
 * again. What the writer wrote must be readable, and writing it again must change nothing. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/json_write.h"

/* Assertions that hold in every build type. */
#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

static const struct pm_json_limits small = {
    .bytes_max = 256, .depth_max = 3, .items_max = 8, .string_bytes_max = 16};
static const struct pm_json_limits large = {.bytes_max = 1 << 24,
                                            .depth_max = PM_JSON_WRITE_DEPTH_MAX,
                                            .items_max = 1 << 20,
                                            .string_bytes_max = 1 << 24};
static const struct pm_json_limits deepest = {
    .bytes_max = 1 << 24, .depth_max = 64, .items_max = 1 << 20, .string_bytes_max = 1 << 24};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_number(struct pm_json_writer *w, const char *name, const struct pm_json *value) {
  int64_t integer;
  double real;
  if (pm_json_int(value, INT64_MIN, INT64_MAX, &integer) == PM_OK) {
    pm_json_put_int(w, name, integer);
  } else if (pm_json_double(value, &real) == PM_OK && fabs(real) < 1e30) {
    pm_json_put_double(w, name, real, 9);
  } else {
    pm_json_put_null(w, name); /* its digits would exceed what the reader takes */
  }
}

static void write_scalar(struct pm_json_writer *w, const char *name, const struct pm_json *value) {
  const char *text;
  bool truth;
  if (pm_json_is_null(value)) {
    pm_json_put_null(w, name);
  } else if (pm_json_string(value, &text) == PM_OK) {
    pm_json_put_string(w, name, text);
  } else if (pm_json_bool(value, &truth) == PM_OK) {
    pm_json_put_bool(w, name, truth);
  } else {
    write_number(w, name, value);
  }
}

/* Writes value and what is below it; returns how many values that were. */
static size_t write_value(struct pm_json_writer *w, const char *name, const struct pm_json *value) {
  bool object = pm_json_is_object(value);
  size_t count = 1;
  if (!object && !pm_json_is_array(value)) {
    write_scalar(w, name, value);
    return count;
  }
  if (object) {
    pm_json_object_begin(w, name);
  } else {
    pm_json_array_begin(w, name);
  }
  for (const struct pm_json *c = pm_json_first(value); c != NULL; c = pm_json_next(c)) {
    if (object) CHECK(pm_json_member(value, pm_json_name(c)) != NULL);
    count += write_value(w, object ? pm_json_name(c) : NULL, c);
  }
  if (object) {
    pm_json_object_end(w);
  } else {
    pm_json_array_end(w);
  }
  return count;
}

/* Reads text and writes it into out; false if it is refused. */
static bool rewrite(const char *text, size_t bytes, const struct pm_json_limits *limits,
                    bool indent, struct pm_buf *out) {
  struct pm_json_doc *doc = NULL;
  struct pm_why why = {""};
  enum pm_err err = pm_json_parse(text, bytes, limits, &doc, &why);
  if (err != PM_OK) {
    CHECK(err == PM_ERR_SYNTAX || err == PM_ERR_TOO_LARGE);
    CHECK(doc == NULL && why.text[0] != '\0');
    return false;
  }
  struct pm_json_writer w;
  pm_buf_reset(out);
  pm_json_writer_init(&w, out, indent);
  CHECK(write_value(&w, NULL, pm_json_root(doc)) <= limits->items_max);
  CHECK(pm_buf_status(out) == PM_OK);
  pm_json_free(doc);
  return true;
}

/* The first writing may cut decimals, the second turns "1.000000000" into 1, then all is settled.
 */
static void check_settles(const char *text, size_t bytes, struct pm_buf generations[3]) {
  if (!rewrite(text, bytes, &large, true, &generations[0])) return;
  for (int i = 1; i < 3; i++) {
    CHECK(rewrite(generations[i - 1].data, generations[i - 1].len, &large, true, &generations[i]));
  }
  CHECK(strcmp(generations[1].data, generations[2].data) == 0);
  CHECK(rewrite(generations[1].data, generations[1].len, &large, false, &generations[0]));
  CHECK(rewrite(generations[0].data, generations[0].len, &large, true, &generations[2]));
  CHECK(strcmp(generations[1].data, generations[2].data) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = size > 0 ? (const char *)data : "";
  struct pm_buf generations[3];
  for (int i = 0; i < 3; i++) pm_buf_init(&generations[i], 1 << 24);

  struct pm_json_doc *doc = NULL;
  if (pm_json_parse(text, size, &deepest, &doc, NULL) == PM_OK) pm_json_free(doc);
  bool passes_small = rewrite(text, size, &small, true, &generations[0]);
  bool passes_large = rewrite(text, size, &large, true, &generations[0]);
  CHECK(!passes_small || passes_large);
  check_settles(text, size, generations);

  for (int i = 0; i < 3; i++) pm_buf_deinit(&generations[i]);
  return 0;
}
