/* What nodes are called in views of the mesh, by whom they were learned or not; and /v1/asymmetry,
 * whose pairs are told by these names.
 */
#include "mesh_fixture.h"

#include "analysis/asymmetry.h"
#include "api/asymmetry_view.h"
#include "api/matrix_view.h"

#define HOSTILE "<script>alert(\"x\")</script>&'\n\xff"

struct mesh {
  struct pm_node_names names;
  struct pm_matrix *matrix;
  struct pm_mesh_source source;
  struct pm_buf out;
};

static int setup(void **state) {
  static struct mesh m;
  m = (struct mesh){0};
  pm_node_names_init(&m.names);
  pm_buf_init(&m.out, 1 << 20);
  m.source = (struct pm_mesh_source){.names = &m.names,
                                     .self = mesh_id(1),
                                     .self_host = "localhost:8080",
                                     .self_location = "Sunnyvale,US",
                                     .now = {(int64_t)5000 * PM_NS_PER_S},
                                     .wall = {(int64_t)1770000000 * PM_NS_PER_S}};
  *state = &m;
  return 0;
}

static int teardown(void **state) {
  struct mesh *m = *state;
  pm_node_names_deinit(&m->names);
  pm_buf_deinit(&m->out);
  if (m->matrix != NULL) pm_matrix_free(m->matrix);
  return 0;
}

static void learn(struct mesh *m, unsigned n, const char *contact, const char *location,
                  int64_t at_s) {
  struct pm_gossip_member member = {.id = mesh_id(n), .location = location};
  assert_int_equal(pm_contact_from_text(contact, &member.contact), PM_OK);
  pm_node_names_learn(&m->names, &member, (struct pm_time){at_s * PM_NS_PER_S});
}

static void see(struct mesh *m, unsigned count) {
  m->matrix = mesh_full(count, m->source.now);
  m->source.matrix = m->matrix;
}

/* ---- names ---- */

static void a_name_is_found_by_id_and_by_contact(void **state) {
  struct mesh *m = *state;
  struct pm_contact contact;
  const struct pm_node_id id = mesh_id(3), unknown = mesh_id(4);
  learn(m, 5, "five.example:8080|192.0.2.5", "Paris,FR", 1);
  learn(m, 3, "three.example:8080|192.0.2.3", "Tokyo,JP", 1);
  assert_string_equal(pm_node_names_of(&m->names, &id)->location, "Tokyo,JP");
  assert_null(pm_node_names_of(&m->names, &unknown));
  assert_int_equal(pm_contact_from_text("five.example:8080|192.0.2.5", &contact), PM_OK);
  assert_string_equal(pm_node_names_at(&m->names, &contact)->location, "Paris,FR");
  contact.port++;
  assert_null(pm_node_names_at(&m->names, &contact));
}

/* Nodes move; a place that is not told any more stays. */
static void what_is_learned_later_counts(void **state) {
  struct mesh *m = *state;
  const struct pm_node_id id = mesh_id(3);
  learn(m, 3, "a.example:1|192.0.2.3", "Tokyo,JP", 1);
  learn(m, 3, "b.example:2|192.0.2.4", "", 2);
  const struct pm_node_name *name = pm_node_names_of(&m->names, &id);
  assert_int_equal(m->names.count, 1);
  assert_string_equal(name->contact.host, "b.example");
  assert_string_equal(name->location, "Tokyo,JP");
}

static void who_has_shown_no_id_has_no_name(void **state) {
  struct mesh *m = *state;
  struct pm_gossip_member member = {.location = "Oslo,NO"};
  pm_node_names_learn(&m->names, &member, m->source.now);
  assert_int_equal(m->names.count, 0);
}

static void the_oldest_name_gives_way(void **state) {
  struct mesh *m = *state;
  char contact[64];
  for (unsigned n = 1; n <= PM_NODE_NAMES_MAX + 10; n++) {
    snprintf(contact, sizeof(contact), "n%u.example:8080|10.0.%u.%u", n, n / 256, n % 256);
    learn(m, (n * 7919) % 60000 + 1, contact, "x", n);
  }
  assert_int_equal(m->names.count, PM_NODE_NAMES_MAX);
  const struct pm_node_id gone = mesh_id((10 * 7919) % 60000 + 1);
  const struct pm_node_id kept = mesh_id((11 * 7919) % 60000 + 1);
  assert_null(pm_node_names_of(&m->names, &gone));
  assert_non_null(pm_node_names_of(&m->names, &kept));
  for (size_t i = 1; i < m->names.count; i++)
    assert_true(memcmp(m->names.items[i - 1].id.bytes, m->names.items[i].id.bytes, 16) < 0);
}

/* ---- nodes ---- */

static void nodes_are_numbered_by_id(void **state) {
  struct mesh *m = *state;
  struct pm_mesh_nodes nodes;
  see(m, 4);
  assert_int_equal(pm_mesh_nodes_init(&nodes, &m->source), PM_OK);
  assert_int_equal(nodes.count, 4); /* this node is one of the rows */
  assert_int_equal(nodes.named, 4);
  assert_true(nodes.items[0].self);
  for (unsigned n = 1; n <= 4; n++) {
    const struct pm_node_id id = mesh_id(n);
    assert_int_equal(pm_mesh_nodes_find(&nodes, pm_matrix_short(&id)), n - 1);
  }
  const struct pm_node_id unknown = mesh_id(9);
  assert_int_equal(pm_mesh_nodes_find(&nodes, pm_matrix_short(&unknown)), nodes.count);
  pm_mesh_nodes_deinit(&nodes);
}

static void a_label_is_the_best_there_is(void **state) {
  struct mesh *m = *state;
  struct pm_mesh_node_view view;
  char key[PM_WIRE_ID_BYTES];
  const struct pm_node_id ids[] = {mesh_id(1), mesh_id(2), mesh_id(3), mesh_id(4)};
  learn(m, 2, "two.example:8080|192.0.2.2", "Paris,FR", 1);
  learn(m, 3, "[2001:db8::3]:8080", "", 1);
  const char *const labels[] = {"Sunnyvale,US", "Paris,FR", "[2001:db8::3]:8080", mesh_key(4, key)};
  for (size_t i = 0; i < 4; i++) {
    pm_mesh_id_view(&m->source, &ids[i], &view);
    assert_string_equal(pm_mesh_node_label(&view), labels[i]);
  }
}

/* ---- direction ---- */

static void pairs_are_told_by_their_names(void **state) {
  struct mesh *m = *state;
  char a[PM_WIRE_ID_BYTES], b[PM_WIRE_ID_BYTES], expected[1024];
  learn(m, 2, "two.example:8080|192.0.2.2", "Paris,FR", 1);
  see(m, 2);
  pm_asymmetry_view_json(&m->source, 10, &m->out);
  /* 1.002 ms from 1 to 2, 2.001 ms back; a tenth of either lies between median and quartiles. */
  const struct pm_node_id one = mesh_id(1), two = mesh_id(2);
  const struct pm_matrix_row *row = pm_matrix_find(m->matrix, &one);
  struct pm_asymmetry pair = {
      .ab = &pm_matrix_cell_of(row, pm_matrix_short(&two))->cell,
      .ba = &pm_matrix_cell_of(pm_matrix_find(m->matrix, &two), pm_matrix_short(&one))->cell};
  pm_asymmetry_judge(&pair);
  assert_true(pair.beyond_noise);
  snprintf(expected, sizeof(expected),
           "{\"time\":\"2026-02-02T02:40:00Z\",\"self\":\"%s\",\"judged\":1,\"pairs\":[{\"a\":"
           "\"%s\",\"b\":\"%s\",\"a_location\":\"Sunnyvale,US\",\"b_location\":\"Paris,FR\","
           "\"ab\":{\"p25_ns\":901800,\"p50_ns\":1002000,\"p75_ns\":1102200,\"sent\":60,\"lost\":1,"
           "\"age_s\":0},\"ba\":{\"p25_ns\":1800900,\"p50_ns\":2001000,\"p75_ns\":2201100,"
           "\"sent\":60,\"lost\":1,\"age_s\":0},\"difference_ns\":-999000,\"noise_ns\":%lld,"
           "\"beyond_noise\":true,\"loss_difference\":0.0000,\"loss_beyond_noise\":false}]}\n",
           mesh_key(1, a), a, mesh_key(2, b), (long long)pair.noise_ns);
  assert_string_equal(m->out.data, expected);

  pm_buf_reset(&m->out);
  pm_asymmetry_view_html(&m->source, 10, &m->out);
  assert_non_null(strstr(m->out.data, "<th scope=\"row\" class=\"long\">Sunnyvale,US</th>"
                                      "<td class=\"long\">Paris,FR</td>"
                                      "<td class=\"number\">1.002</td>"
                                      "<td class=\"number\">1 of 60</td>"
                                      "<td class=\"number\">2.001</td>"
                                      "<td class=\"number\">1 of 60</td>"
                                      "<td class=\"number\">-0.999</td>"));
  assert_non_null(strstr(m->out.data, "<td>time</td></tr>"));
}

static void so_many_pairs_and_no_more(void **state) {
  struct mesh *m = *state;
  see(m, 5);
  pm_asymmetry_view_json(&m->source, 3, &m->out);
  size_t pairs = 0;
  for (const char *at = m->out.data; (at = strstr(at, "{\"a\":")) != NULL; at++) pairs++;
  assert_int_equal(pairs, 3);
  assert_non_null(strstr(m->out.data, "\"judged\":10,"));
}

static void without_a_matrix_there_are_none(void **state) {
  struct mesh *m = *state;
  pm_asymmetry_view_json(&m->source, 10, &m->out);
  assert_non_null(strstr(m->out.data, "\"judged\":0,\"pairs\":[]}"));
  pm_buf_reset(&m->out);
  pm_asymmetry_view_html(&m->source, 10, &m->out);
  assert_non_null(strstr(m->out.data, "No two nodes are known to measure each other."));
}

/* ---- what others say of themselves ---- */

static void no_place_breaks_out(void **state) {
  struct mesh *m = *state;
  const struct pm_matrix_ask ask = {.limit = 10};
  learn(m, 1, "one.example:8080|192.0.2.1", HOSTILE, 1);
  learn(m, 2, "two.example:8080|192.0.2.2", HOSTILE, 1);
  m->source.self_location = HOSTILE;
  see(m, 2);
  pm_matrix_view_html(&m->source, &ask, &m->out);
  pm_asymmetry_view_html(&m->source, 10, &m->out);
  assert_null(strstr(m->out.data, "<script"));
  assert_null(strstr(m->out.data, "\xff"));
  assert_non_null(strstr(m->out.data, "&lt;script&gt;"));
  pm_buf_reset(&m->out);
  pm_matrix_view_json(&m->source, &ask, &m->out);
  pm_asymmetry_view_json(&m->source, 10, &m->out);
  assert_null(strstr(m->out.data, "<script"));
  assert_null(strstr(m->out.data, "\xff"));
  assert_non_null(strstr(m->out.data, "\\u003cscript\\u003ealert(\\\"x\\\")"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_name_is_found_by_id_and_by_contact),
      TEST(what_is_learned_later_counts),
      TEST(who_has_shown_no_id_has_no_name),
      TEST(the_oldest_name_gives_way),
      TEST(nodes_are_numbered_by_id),
      TEST(a_label_is_the_best_there_is),
      TEST(pairs_are_told_by_their_names),
      TEST(so_many_pairs_and_no_more),
      TEST(without_a_matrix_there_are_none),
      TEST(no_place_breaks_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
