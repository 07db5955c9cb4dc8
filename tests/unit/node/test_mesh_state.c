/* What is kept of the mesh over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/mesh_state.h"

static const char WHOLE[] = "pingmesh-mesh 1\n"
                            "id 000102030405060708090a0b0c0d0e0f\n"
                            "member a.example:8080|192.0.2.1\n"
                            "member https://[2001:db8::1]:443|2001:db8::1\n"
                            "end\n";

static void test_a_whole_file(void **state) {
  (void)state;
  struct pm_mesh_state read;
  struct pm_why why;
  assert_int_equal(pm_mesh_state_parse(WHOLE, 8, &read, &why), PM_OK);
  assert_int_equal(read.id.bytes[15], 15);
  assert_int_equal(read.count, 2);
  assert_string_equal(read.members[0].host, "a.example");
  assert_int_equal(read.members[0].port, 8080);
  assert_true(read.members[1].https);
  pm_mesh_state_deinit(&read);
  assert_int_equal(pm_mesh_state_parse(WHOLE, 1, &read, &why), PM_OK);
  assert_int_equal(read.count, 1);
  pm_mesh_state_deinit(&read);
}

static void test_damage_is_named(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"", "ends before"},
      {"pingmesh-mesh 2\nid 000102030405060708090a0b0c0d0e0f\nend\n", "line 1"},
      {"pingmesh-mesh 1\nid 00\nend\n", "line 2"},
      {"pingmesh-mesh 1\nid 00000000000000000000000000000000\nend\n", "line 2"},
      {"pingmesh-mesh 1\nid 000102030405060708090a0b0c0d0e0f\nmember a.example:8080|\nend\n",
       "line 3"},
      {"pingmesh-mesh 1\nid 000102030405060708090a0b0c0d0e0f\nmember a.example:8080|1.2.3.4\n",
       "ends before"},
      {"pingmesh-mesh 1\nid 000102030405060708090a0b0c0d0e0f\nmember a.exam", "line 3"},
      {"pingmesh-mesh 1\nid 000102030405060708090a0b0c0d0e0f\n\nend\n", "line 3"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pm_mesh_state read;
    struct pm_why why = {""};
    assert_int_equal(pm_mesh_state_parse(rows[i].text, 8, &read, &why), PM_ERR_SYNTAX);
    if (!strstr(why.text, rows[i].says)) fail_msg("row %zu: %s", i, why.text);
  }
}

static void test_the_file(void **state) {
  (void)state;
  char dir[] = "/tmp/pingmesh-state-XXXXXX", path[64];
  struct pm_mesh_state read;
  struct pm_why why;
  assert_non_null(mkdtemp(dir));
  assert_int_equal(pm_mesh_state_read(dir, 8, &read, &why), PM_ERR_MISSING);
  assert_int_equal(pm_mesh_state_write(dir, WHOLE, sizeof WHOLE - 1, &why), PM_OK);
  assert_int_equal(pm_mesh_state_read(dir, 8, &read, &why), PM_OK);
  assert_int_equal(read.count, 2);
  pm_mesh_state_deinit(&read);
  assert_int_equal(pm_mesh_state_write(dir, WHOLE, 60, &why), PM_OK);
  assert_int_equal(pm_mesh_state_read(dir, 8, &read, &why), PM_ERR_SYNTAX);
  assert_non_null(strstr(why.text, "mesh.state is damaged: line 3"));
  snprintf(path, sizeof path, "%s/mesh.state", dir);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(dir), 0); /* and nothing else is left in it */
  assert_int_equal(pm_mesh_state_write(dir, WHOLE, 60, &why), PM_ERR_IO);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_whole_file),
      cmocka_unit_test(test_damage_is_named),
      cmocka_unit_test(test_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
