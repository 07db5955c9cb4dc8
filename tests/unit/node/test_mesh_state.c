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

static const char WHOLE[] = "pingmesh-mesh 2\n"
                            "id 000102030405060708090a0b0c0d0e0f\n"
                            "key 0123456789abcdef\n"
                            "saved 1795386751\n"
                            "coordinate 12500 -340 0 1250 180\n"
                            "member a.example:8080|192.0.2.1\n"
                            "member https://[2001:db8::1]:443|2001:db8::1\n"
                            "lost b.example:8080|192.0.2.2 17 95 2\n"
                            "refused fedcba9876543210 3600 60 3 1\n"
                            "end\n";

static const char VERSION_1[] = "pingmesh-mesh 1\n"
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

static void test_the_dead_and_the_refused(void **state) {
  (void)state;
  struct pm_mesh_state read;
  struct pm_why why;
  assert_int_equal(pm_mesh_state_parse(WHOLE, 8, &read, &why), PM_OK);
  assert_true(read.key_seed == 0x0123456789abcdef);
  assert_int_equal(read.saved.ns, INT64_C(1795386751) * PM_NS_PER_S);
  assert_float_equal(read.coordinate.at_ms[0], 12.5, 1e-6);
  assert_float_equal(read.coordinate.at_ms[1], -0.34, 1e-6);
  assert_float_equal(read.coordinate.height_ms, 1.25, 1e-6);
  assert_float_equal(read.coordinate.error, 0.18, 1e-6);
  assert_int_equal(read.lost_count, 1);
  assert_string_equal(read.lost[0].contact.host, "b.example");
  assert_int_equal(read.lost[0].lost_s, 17);
  assert_int_equal(read.lost[0].last_ok_s, 95);
  assert_int_equal(read.lost[0].tries, 2);
  assert_int_equal(read.refused_count, 1);
  assert_true(read.refused[0].key == 0xfedcba9876543210);
  assert_int_equal(read.refused[0].wait_s, 3600);
  assert_int_equal(read.refused[0].contact_wait_s, 60);
  assert_int_equal(read.refused[0].times, 3);
  assert_int_equal(read.refused[0].contacts, 1);
  pm_mesh_state_deinit(&read);
}

static void test_the_first_version_is_read(void **state) {
  (void)state;
  struct pm_mesh_state read;
  struct pm_why why;
  assert_int_equal(pm_mesh_state_parse(VERSION_1, 8, &read, &why), PM_OK);
  assert_int_equal(read.id.bytes[15], 15);
  assert_int_equal(read.count, 2);
  assert_int_equal(read.lost_count + read.refused_count, 0);
  assert_true(read.key_seed == 0 && read.saved.ns == 0);
  pm_mesh_state_deinit(&read);
}

/* From one core to the next, as the daemon does it. */
static void test_a_round_trip(void **state) {
  (void)state;
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {1};
  struct pm_gossip_config config;
  struct pm_gossip_update *update = calloc(1, sizeof *update);
  struct pm_gossip_tombstone lost = {.lost_s = 40, .last_ok_s = 100, .tries = 1};
  struct pm_gossip_refused refused = {.key = 99, .wait_s = 500, .times = 2};
  assert_int_equal(pm_contact_from_text("b.example:8080|192.0.2.2", &lost.contact), PM_OK);
  pm_gossip_config_init(&config, PM_GOSSIP_MEMBERS_MIN);
  config.id.bytes[0] = 1;
  config.key_seed = 0xabc;
  config.coordinate = (struct pm_vivaldi){{1.5f, -2.25f, 0}, 0.75f, 0.3f};
  struct pm_time now = {1000 * (int64_t)PM_NS_PER_S};
  struct pm_gossip *core = pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed, now);
  pm_gossip_step(
      core, &(struct pm_gossip_event){.now = now, .kind = PM_GOSSIP_RESTORE_LOST, .lost = &lost},
      update);
  pm_gossip_step(
      core,
      &(struct pm_gossip_event){.now = now, .kind = PM_GOSSIP_RESTORE_REFUSED, .refused = &refused},
      update);
  struct pm_buf text;
  pm_buf_init(&text, PM_MESH_STATE_BYTES_MAX);
  pm_mesh_state_format(&config.id, core, (struct pm_wall){7 * (int64_t)PM_NS_PER_S}, &text);
  assert_string_equal(text.data, "pingmesh-mesh 2\nid 01000000000000000000000000000000\n"
                                 "key 0000000000000abc\nsaved 7\n"
                                 "coordinate 1500 -2250 0 750 300\n"
                                 "lost b.example:8080|192.0.2.2 40 100 1\n"
                                 "refused 0000000000000063 500 0 2 0\nend\n");
  struct pm_mesh_state read;
  struct pm_why why;
  assert_int_equal(pm_mesh_state_parse(text.data, 8, &read, &why), PM_OK);
  assert_int_equal(read.lost_count, 1);
  assert_int_equal(read.refused_count, 1);
  pm_mesh_state_deinit(&read);
  pm_buf_deinit(&text);
  free(core);
  free(update);
}

static void test_more_than_fit_are_left_out(void **state) {
  (void)state;
  enum { LINES = 50, MOST = 4 };
  struct pm_mesh_state read;
  struct pm_why why;
  struct pm_buf text;
  pm_buf_init(&text, 1 << 16);
  pm_buf_text(&text, "pingmesh-mesh 2\nid 000102030405060708090a0b0c0d0e0f\n"
                     "key 0123456789abcdef\nsaved 5\n");
  for (int i = 0; i < LINES; i++)
    pm_buf_printf(&text,
                  "member a:%d|192.0.2.1\nlost a:%d|192.0.2.1 1 2 3\n"
                  "refused %016x 1 2 3 4\n",
                  i + 1, i + 1, i + 1);
  pm_buf_text(&text, "end\n");
  assert_int_equal(pm_mesh_state_parse(text.data, MOST, &read, &why), PM_OK);
  assert_int_equal(read.count, MOST);
  assert_int_equal(read.lost_count, MOST);
  assert_int_equal(read.refused_count, 2 * MOST);
  pm_mesh_state_deinit(&read);
  pm_buf_deinit(&text);
}

#define HEAD  "pingmesh-mesh 2\nid 000102030405060708090a0b0c0d0e0f\n"
#define KEY   "key 0123456789abcdef\n"
#define SAVED "saved 5\n"

static void test_damage_is_named(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"", "ends before"},
      {"pingmesh-mesh 3\nid 000102030405060708090a0b0c0d0e0f\nend\n", "line 1"},
      {HEAD "end\n", "line 3"},
      {HEAD "key 0123456789abcde\n" SAVED "end\n", "line 3"},
      {HEAD KEY "end\n", "line 4"},
      {HEAD KEY "saved -5\nend\n", "line 4"},
      {HEAD KEY "saved 999999999999999999\nend\n", "line 4"},
      {HEAD KEY SAVED "coordinate 1 2 3 4\nend\n", "line 5"},
      {HEAD KEY SAVED "coordinate 1 2 3 4 5 6\nend\n", "line 5"},
      {HEAD KEY SAVED "coordinate 1 --2 3 4 5\nend\n", "line 5"},
      {HEAD KEY SAVED "coordinate 1 2 3 0 5\nend\n", "line 5"},
      {HEAD KEY SAVED "coordinate 999999999999 2 3 1 5\nend\n", "line 5"},
      {HEAD KEY SAVED "lost a:80|192.0.2.1 1 2\nend\n", "line 5"},
      {HEAD KEY SAVED "lost a:80|192.0.2.1 1 2 3 4\nend\n", "line 5"},
      {HEAD KEY SAVED "lost a:80|192.0.2.1 1 2 256\nend\n", "line 5"},
      {HEAD KEY SAVED "lost a:80| 1 2 3\nend\n", "line 5"},
      {HEAD KEY SAVED "lost a:80|192.0.2.1 -1 2 3\nend\n", "line 5"},
      {HEAD KEY SAVED "lost a:80|192.0.2.1 1 2345678901234567890 3\nend\n", "line 5"},
      {HEAD KEY SAVED "refused 0123456789abcdeg 1 2 3 4\nend\n", "line 5"},
      {HEAD KEY SAVED "refused 0123456789abcdef 1 2 3\nend\n", "line 5"},
      {HEAD KEY SAVED "refused 0123456789abcdef 1 2 3 4", "line 5"},
      {HEAD KEY SAVED "refused 0123456789abcdef 1 2 3 4\n", "ends before"},
      {"pingmesh-mesh 1\nid 000102030405060708090a0b0c0d0e0f\n"
       "lost a:80|192.0.2.1 1 2 3\nend\n",
       "line 3"},
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
      cmocka_unit_test(test_the_dead_and_the_refused),
      cmocka_unit_test(test_the_first_version_is_read),
      cmocka_unit_test(test_a_round_trip),
      cmocka_unit_test(test_more_than_fit_are_left_out),
      cmocka_unit_test(test_damage_is_named),
      cmocka_unit_test(test_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
