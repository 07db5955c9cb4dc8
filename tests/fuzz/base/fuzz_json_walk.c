/* Any bytes as JSON: what passes the check is walked through, and every name and value is compared
 * with the tree that cJSON makes of the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"

/* Assertions that hold in every build type. */
#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

enum { TEXT_BYTES = 4096 };

static const struct pm_json_limits limits = {
    .bytes_max = 1 << 20, .depth_max = 64, .items_max = 1 << 16, .string_bytes_max = TEXT_BYTES};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_scalar(struct pm_json_walk *walk, const struct pm_json *value) {
  struct pm_json_walk as_string = *walk, as_double = *walk, as_int = *walk, as_bool = *walk;
  static char text[TEXT_BYTES + 1];
  const char *tree_text;
  double number, tree_number;
  int64_t integer, tree_integer;
  bool truth, tree_truth;
  bool is_text = pm_json_string(value, &tree_text) == PM_OK;
  CHECK(pm_json_walk_string(&as_string, text, sizeof text) == is_text);
  CHECK(!is_text || strcmp(text, tree_text) == 0);
  bool is_number = pm_json_double(value, &tree_number) == PM_OK;
  CHECK(pm_json_walk_double(&as_double, &number) == is_number);
  CHECK(!is_number || memcmp(&number, &tree_number, sizeof number) == 0);
  bool is_integer = pm_json_int(value, -1000, INT64_MAX, &tree_integer) == PM_OK;
  CHECK(pm_json_walk_int(&as_int, -1000, INT64_MAX, &integer) == is_integer);
  CHECK(!is_integer || integer == tree_integer);
  bool is_bool = pm_json_bool(value, &tree_truth) == PM_OK;
  CHECK(pm_json_walk_bool(&as_bool, &truth) == is_bool);
  CHECK(!is_bool || truth == tree_truth);
  CHECK(pm_json_walk_is_null(walk) == pm_json_is_null(value));
  pm_json_walk_skip(walk);
  CHECK(as_string.at == walk->at && as_double.at == walk->at);
  CHECK(as_int.at == walk->at && as_bool.at == walk->at);
}

static void compare(struct pm_json_walk *walk, const struct pm_json *value) {
  bool object = pm_json_is_object(value);
  CHECK(pm_json_walk_is_array(walk) == pm_json_is_array(value));
  if (!object && !pm_json_is_array(value)) {
    compare_scalar(walk, value);
    return;
  }
  struct pm_json_walk passed = *walk;
  CHECK(!pm_json_walk_enter(&passed, object ? '[' : '{'));
  CHECK(pm_json_walk_enter(walk, object ? '{' : '['));
  for (const struct pm_json *child = pm_json_first(value); child; child = pm_json_next(child)) {
    CHECK(object ? pm_json_walk_member(walk) : pm_json_walk_element(walk));
    if (object && strlen(pm_json_name(child)) <= PM_JSON_WALK_NAME_BYTES)
      CHECK(pm_json_walk_is(walk, pm_json_name(child)));
    CHECK(!object || !pm_json_walk_is(walk, "\x01 nobody's"));
    compare(walk, child);
  }
  CHECK(!(object ? pm_json_walk_member(walk) : pm_json_walk_element(walk)));
  CHECK(walk->at == passed.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = size > 0 ? (const char *)data : "";
  struct pm_json_doc *doc = NULL;
  enum pm_err checked = pm_json_check(text, size, &limits, NULL);
  CHECK(checked == pm_json_parse(text, size, &limits, &doc, NULL));
  if (checked != PM_OK) return 0;
  struct pm_json_walk walk = pm_json_walk_begin(text, size);
  compare(&walk, pm_json_root(doc));
  pm_json_free(doc);
  return 0;
}
