/* The query of /v1/matrix: what is taken is within its bounds, and names nodes by keys alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/matrix_view.h"
#include "gossip/wire_text.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without a mesh an id is the only key there is. */
static void check_key(bool given, const char *text, const struct pm_node_id *id) {
  struct pm_node_id read = {{0}};
  CHECK(given == (text[0] != '\0'));
  if (!given || !pm_wire_read_id(text, &read)) read = (struct pm_node_id){{0}};
  CHECK(pm_node_id_equal(id, &read));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct pm_mesh_source nobody;
  struct pm_form form;
  struct pm_matrix_ask ask;
  struct pm_why why = {""};
  if (pm_form_parse((const char *)data, size, &form, NULL) != PM_OK) return 0;
  if (pm_matrix_ask_read(&form, &nobody, &ask, &why) != PM_OK) {
    CHECK(why.text[0] != '\0');
    return 0;
  }
  const char *limit = pm_form_value(&form, "limit");
  CHECK(ask.limit >= 1 && ask.limit <= PM_MATRIX_VIEW_ROWS_MAX);
  CHECK(limit[0] != '\0' ? strtoul(limit, NULL, 10) == ask.limit
                         : ask.limit == PM_MATRIX_VIEW_ROWS_DEFAULT);
  check_key(ask.one, pm_form_value(&form, "from"), &ask.from);
  check_key(ask.later, pm_form_value(&form, "after"), &ask.after);
  return 0;
}
