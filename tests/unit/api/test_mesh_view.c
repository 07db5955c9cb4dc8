/* What people see of the gossip core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/mesh_view.h"
#include "gossip/gossip.h"

struct mesh {
  struct pm_gossip *core;
  struct pm_gossip_update *update;
};

static void add_local(struct mesh *mesh, const char *url, const char *ip) {
  struct pm_contact contact;
  assert_int_equal(pm_contact_from_url(url, ip, &contact), PM_OK);
  struct pm_gossip_event event = {
      .now = {PM_NS_PER_S}, .kind = PM_GOSSIP_LOCAL_ADD, .local = &contact};
  pm_gossip_step(mesh->core, &event, mesh->update);
}

static int setup(void **state) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {1};
  struct pm_gossip_config config;
  struct mesh *mesh = calloc(1, sizeof *mesh);
  pm_gossip_config_init(&config, PM_GOSSIP_MEMBERS_MIN);
  config.id.bytes[0] = 1;
  mesh->core = pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed, (struct pm_time){0});
  mesh->update = calloc(1, sizeof *mesh->update);
  add_local(mesh, "http://seed.example:8080/v1/ping", "192.0.2.1");
  *state = mesh;
  return 0;
}

static int teardown(void **state) {
  struct mesh *mesh = *state;
  free(mesh->core);
  free(mesh->update);
  free(mesh);
  return 0;
}

static void expect(const struct pm_buf *out, const char *part) {
  if (!strstr(out->data, part)) fail_msg("\"%s\" is not in\n%s", part, out->data);
}

static void test_json(void **state) {
  const struct mesh *mesh = *state;
  struct pm_json_writer w;
  struct pm_buf out;
  pm_buf_init(&out, 1 << 16);
  pm_json_writer_init(&w, &out, true);
  pm_json_object_begin(&w, NULL);
  pm_mesh_view_json(mesh->core, &w);
  pm_json_object_end(&w);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  expect(&out, "{\n  \"Mesh\": {\n    \"Verified\": 0,");
  expect(&out, "\"Contact\": \"seed.example:8080|192.0.2.1\"");
  expect(&out, "\"State\": \"local\"");
  expect(&out, "\"Learned\": \"local\"");
  expect(&out, "\"LastOkSeconds\": -1");
  expect(&out, "\"failure\": {\n        \"Left\": 30,\n        \"Burst\": 30,");
  expect(&out, "\"I10\": 0");
  pm_buf_deinit(&out);
}

static void test_html(void **state) {
  const struct mesh *mesh = *state;
  struct pm_buf out;
  pm_buf_init(&out, 1 << 16);
  pm_mesh_view_html(mesh->core, &out);
  assert_int_equal(pm_buf_status(&out), PM_OK);
  expect(&out, "seed.example:8080|192.0.2.1");
  expect(&out, "<td>never</td>");
  expect(&out, "0 nodes verified");
  pm_buf_deinit(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_json, setup, teardown),
      cmocka_unit_test_setup_teardown(test_html, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
