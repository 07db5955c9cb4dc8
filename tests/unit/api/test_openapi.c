/* /v1/openapi.json against the table of routes: what one has the other has, too. That each status
 * comes, and each required member, is asked of a real node by tests/e2e/test_openapi.py.
 */
#include "service_fixture.h"

#include "api/assets.h"
#include "api/route.h"
#include "base/json_read.h"

enum { IDS_MAX = 128 };

static const struct pm_json_limits LIMITS = {
    .bytes_max = 1 << 20, .depth_max = 32, .items_max = 1 << 16, .string_bytes_max = 4096};

struct described {
  struct pm_json_doc *doc;
  const struct pm_json *root, *paths;
};

static int setup(void **state) {
  static struct described d;
  struct pm_why why = {""};
  const struct pm_assets documents = pm_assets_documents();
  const struct pm_asset *asset = pm_assets_find(&documents, "/v1/openapi.json");
  assert_non_null(asset);
  assert_string_equal(asset->type, "application/json");
  if (pm_json_parse((const char *)asset->identity.bytes, asset->identity.count, &LIMITS, &d.doc,
                    &why) != PM_OK)
    fail_msg("%s", why.text);
  d.root = pm_json_root(d.doc);
  d.paths = pm_json_member(d.root, "paths");
  *state = &d;
  return 0;
}

static int teardown(void **state) {
  pm_json_free(((struct described *)*state)->doc);
  return 0;
}

static const char *text(const struct pm_json *value) {
  const char *out = "";
  assert_int_equal(pm_json_string(value, &out), PM_OK);
  return out;
}

/* "/assets/" is "/assets/{name}" there. */
static bool is_path_of(const char *described, const struct pm_route *route) {
  const size_t bytes = strlen(route->path);
  if (bytes > 1 && route->path[bytes - 1] == '/')
    return strncmp(described, route->path, bytes) == 0 && strcmp(described + bytes, "{name}") == 0;
  return strcmp(described, route->path) == 0;
}

static const struct pm_json *operation(const struct described *d, const struct pm_route *route,
                                       const char *method) {
  for (const struct pm_json *path = pm_json_first(d->paths); path != NULL;
       path = pm_json_next(path))
    if (is_path_of(pm_json_name(path), route)) return pm_json_member(path, method);
  return NULL;
}

static const struct {
  const char *name;
  enum pm_http_method method;
} METHODS[] = {{"get", PM_HTTP_GET}, {"post", PM_HTTP_POST}};

static void every_route_is_described(void **state) {
  const struct described *d = *state;
  size_t count;
  const struct pm_route *routes = pm_service_routes(&count);
  assert_true(count > 20);
  for (size_t i = 0; i < count; i++) {
    for (size_t m = 0; m < 2; m++) {
      const bool there = (routes[i].methods & METHODS[m].method) != 0;
      if ((operation(d, &routes[i], METHODS[m].name) != NULL) != there)
        fail_msg("%s %s: in one, not in the other", METHODS[m].name, routes[i].path);
    }
  }
}

static void nothing_else_is_described(void **state) {
  const struct described *d = *state;
  size_t count;
  const struct pm_route *routes = pm_service_routes(&count);
  size_t described = 0;
  for (const struct pm_json *path = pm_json_first(d->paths); path != NULL;
       path = pm_json_next(path)) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += is_path_of(pm_json_name(path), &routes[i]) ? 1 : 0;
    if (found != 1) fail_msg("%s: no route", pm_json_name(path));
    described++;
  }
  assert_int_equal(described, count);
}

/* Who may, in the table and in the document. */
static void operators_are_told_from_others(void **state) {
  const struct described *d = *state;
  size_t count;
  const struct pm_route *routes = pm_service_routes(&count);
  for (size_t i = 0; i < count; i++) {
    for (size_t m = 0; m < 2; m++) {
      const struct pm_json *described = operation(d, &routes[i], METHODS[m].name);
      if (described == NULL) continue;
      const bool operators = routes[i].role == PM_ROLE_OPERATOR;
      const struct pm_json *responses = pm_json_member(described, "responses");
      assert_int_equal(pm_json_member(described, "security") != NULL, operators);
      if (operators) {
        assert_non_null(pm_json_member(responses, "401"));
        assert_non_null(pm_json_member(responses, "403"));
      }
      assert_non_null(pm_json_member(responses, "default"));
      assert_true(strlen(text(pm_json_member(described, "summary"))) > 0);
    }
  }
}

/* "#/components/schemas/X" */
static const struct pm_json *resolve(const struct described *d, const char *reference) {
  char copy[256];
  const struct pm_json *at = d->root;
  assert_memory_equal(reference, "#/", 2);
  snprintf(copy, sizeof(copy), "%s", reference + 2);
  char *rest = copy;
  for (char *name; at != NULL && (name = strsep(&rest, "/")) != NULL;)
    at = pm_json_member(at, name);
  return at;
}

static void check_references(const struct described *d, const struct pm_json *value,
                             size_t *count) {
  const struct pm_json *reference = pm_json_member(value, "$ref");
  if (reference != NULL) {
    (*count)++;
    if (resolve(d, text(reference)) == NULL) fail_msg("%s: not there", text(reference));
  }
  for (const struct pm_json *child = pm_json_first(value); child != NULL;
       child = pm_json_next(child))
    check_references(d, child, count);
}

static void every_reference_leads_somewhere(void **state) {
  const struct described *d = *state;
  size_t count = 0;
  check_references(d, d->root, &count);
  assert_true(count > 50);
}

/* What a schema requires, it has among its properties. */
static void what_is_required_is_described(void **state) {
  const struct described *d = *state;
  const struct pm_json *schemas = pm_json_member(pm_json_member(d->root, "components"), "schemas");
  for (const struct pm_json *schema = pm_json_first(schemas); schema != NULL;
       schema = pm_json_next(schema)) {
    const struct pm_json *properties = pm_json_member(schema, "properties");
    const struct pm_json *required = pm_json_member(schema, "required");
    for (const struct pm_json *name = pm_json_first(required); name != NULL;
         name = pm_json_next(name))
      if (pm_json_member(properties, text(name)) == NULL)
        fail_msg("%s requires %s", pm_json_name(schema), text(name));
  }
}

static void operations_have_names_of_their_own(void **state) {
  const struct described *d = *state;
  const char *ids[IDS_MAX];
  size_t count = 0;
  for (const struct pm_json *path = pm_json_first(d->paths); path != NULL;
       path = pm_json_next(path)) {
    for (const struct pm_json *op = pm_json_first(path); op != NULL; op = pm_json_next(op)) {
      assert_true(count < IDS_MAX);
      ids[count] = text(pm_json_member(op, "operationId"));
      for (size_t i = 0; i < count; i++) assert_string_not_equal(ids[i], ids[count]);
      count++;
    }
  }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_route_is_described),       TEST(nothing_else_is_described),
      TEST(operators_are_told_from_others), TEST(every_reference_leads_somewhere),
      TEST(what_is_required_is_described),  TEST(operations_have_names_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
