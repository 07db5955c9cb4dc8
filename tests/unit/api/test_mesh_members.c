/* Members of a real core in the views of the mesh: by their ids, and old nodes by their URLs; and
 * an operator's word on them.
 */
#include "mesh_fixture.h"

#include "api/mesh_nodes.h"
#include "api/named_peer.h"
#include "api/service_feed.h"
#include "gossip/gossip.h"
#include "gossip/rows.h"

#define NODE_URL "http://8.8.8.8:8080/v1/ping"
#define OLD_URL  "http://8.8.8.9:8080/v1/ping"

enum { NODE = 0x205 }; /* its number, see mesh_id */

struct mesh {
  struct fixture *f;
  struct pm_gossip *core;
  struct pm_gossip_update *update;
  struct pm_matrix *matrix;
};

static const struct pm_gossip *the_core; /* of the test that runs */

static const struct pm_gossip *core_of(void *owner) {
  (void)owner;
  return the_core;
}

static void step(struct mesh *m, struct pm_gossip_event event) {
  event.now = pm_clock_now();
  pm_gossip_step(m->core, &event, m->update);
}

static struct pm_contact contact_of(const char *url) {
  struct pm_contact contact;
  assert_int_equal(pm_contact_from_url(url, NULL, &contact), PM_OK);
  return contact;
}

/* With an id it is a node of ours; without one, an old node that names its place. */
static void seed_answers(struct mesh *m, const char *url, const struct pm_node_id *id,
                         const char *location) {
  const struct pm_contact contact = contact_of(url);
  step(m, (struct pm_gossip_event){.kind = PM_GOSSIP_LOCAL_ADD, .local = &contact});
  const struct pm_gossip_send ping = m->update->sends[0];
  struct pm_wire_pong pong = {
      .version = 1, .mesh = "default", .nonce = ping.request.nonce, .has_nonce = true};
  if (id != NULL) pong.id = *id;
  step(m, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                   .pong = {.token = ping.token,
                                            .ok = true,
                                            .pong = id != NULL ? &pong : NULL,
                                            .location = location}});
}

static struct pm_gossip_member member_of(const struct mesh *m, const char *url) {
  const struct pm_contact contact = contact_of(url);
  struct pm_gossip_member member;
  assert_true(pm_gossip_get(m->core, pm_gossip_find(m->core, &contact), &member));
  return member;
}

static void take_row(struct mesh *m, const struct pm_node_id *from, enum pm_row_source source) {
  static struct mesh_row row;
  const struct pm_time now = pm_clock_now();
  const struct pm_node_id node = mesh_id(NODE);
  const struct pm_cell cell = mesh_cell(7 * PM_NS_PER_MS);
  mesh_row_begin(&row, 0, source, now);
  row.news.from = *from;
  mesh_row_add(&row, pm_node_id_equal(from, &node) ? 1 : NODE, &cell);
  mesh_row_take(&row, m->matrix, now);
}

static int setup(void **state) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {1};
  static struct mesh m;
  struct pm_gossip_config config;
  const struct pm_node_id node = mesh_id(NODE);
  const struct pm_contact old = contact_of(OLD_URL);
  const struct pm_node_id old_id = pm_rows_old_id(&old);
  m = (struct mesh){.f = fixture_new()};
  pm_gossip_config_init(&config, PM_GOSSIP_MEMBERS_MIN);
  config.id = mesh_id(1);
  m.core = pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed, pm_clock_now());
  m.update = calloc(1, sizeof(*m.update));
  assert_int_equal(pm_matrix_new(8, &m.matrix), PM_OK);
  seed_answers(&m, NODE_URL, &node, "Paris,FR");
  seed_answers(&m, OLD_URL, NULL, "Oslo,NO");
  assert_true(member_of(&m, OLD_URL).old_node);
  take_row(&m, &node, PM_ROW_DIRECT);
  take_row(&m, &old_id, PM_ROW_OLD_NODE);
  the_core = m.core;
  m.f->config.mesh = core_of;
  m.f->matrix = m.matrix;
  m.f->id = mesh_id(1);
  fixture_reopen(m.f);
  *state = &m;
  return 0;
}

static int teardown(void **state) {
  struct mesh *m = *state;
  fixture_free(m->f);
  pm_matrix_free(m->matrix);
  free(m->update);
  free(m->core);
  the_core = NULL;
  return 0;
}

static void members_are_nodes(void **state) {
  struct mesh *m = *state;
  char expected[512], key[PM_WIRE_ID_BYTES];
  const char *body = fixture_get(m->f, "/v1/matrix", "");
  snprintf(expected, sizeof(expected),
           "{\"key\":\"%s\",\"host\":\"8.8.8.8:8080\",\"url\":\"" NODE_URL
           "\",\"location\":\"Paris,FR\",\"state\":\"active\",",
           mesh_key(NODE, key));
  assert_non_null(strstr(body, expected));
  assert_non_null(strstr(body,
                         "{\"key\":\"" OLD_URL "\",\"host\":\"8.8.8.9:8080\",\"url\":\"" OLD_URL
                         "\",\"location\":\"Oslo,NO\",\"state\":\"active\","));
  assert_non_null(strstr(body, "\"source\":\"old-node\""));
}

static size_t rows_of(const char *body) {
  size_t rows = 0;
  for (const char *at = body; (at = strstr(at, "\"source\":")) != NULL; at++) rows++;
  return rows;
}

static void an_old_node_is_asked_for_by_its_url(void **state) {
  struct mesh *m = *state;
  char query[128], key[PM_WIRE_ID_BYTES];
  const char *body = fixture_get(m->f, "/v1/matrix", "from=" OLD_URL);
  assert_int_equal(rows_of(body), 1);
  assert_non_null(strstr(body, "\"source\":\"old-node\""));
  /* Page by page: what comes behind the one is the other, or nothing. */
  size_t behind_old = rows_of(fixture_get(m->f, "/v1/matrix", "after=" OLD_URL));
  assert_int_equal(m->f->response.status, 200);
  snprintf(query, sizeof(query), "after=%s", mesh_key(NODE, key));
  assert_int_equal(behind_old + rows_of(fixture_get(m->f, "/v1/matrix", query)), 1);
  fixture_get(m->f, "/v1/matrix", "after=http://8.8.8.10:8080/v1/ping");
  assert_int_equal(m->f->response.status, 400);
}

/* By id, URL or host:port, whether it is probed or not. */
static void a_member_is_found_by_any_of_its_names(void **state) {
  struct mesh *m = *state;
  char key[PM_WIRE_ID_BYTES];
  const char *const names[] = {mesh_key(NODE, key), NODE_URL, "8.8.8.8:8080",
                               "00000000000002050000000000000205"};
  struct pm_named_peer peer;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    assert_true(pm_named_peer_find(m->f->roster, m->core, names[i], &peer));
    assert_int_equal(peer.member, member_of(m, NODE_URL).handle);
    assert_null(peer.target);
  }
  assert_false(pm_named_peer_find(m->f->roster, m->core, "8.8.8.8:8081", &peer));
}

static void a_member_is_removed_by_its_key(void **state) {
  struct mesh *m = *state;
  char body[64], key[PM_WIRE_ID_BYTES];
  snprintf(body, sizeof(body), "url=%s", mesh_key(NODE, key));
  fixture_request(m->f, PM_HTTP_POST, "/v1/removepeer", "");
  fixture_body(m->f, body);
  const char *answer = fixture_send(m->f);
  assert_int_equal(m->f->response.status, 200);
  assert_non_null(strstr(answer, "{\"url\":\"" NODE_URL "\",\"result\":\"removed; the mesh"));
  assert_int_equal(m->f->acted_member, member_of(m, NODE_URL).handle);
  assert_int_equal(m->f->acted_target, 0);
}

static void what_is_not_probed_cannot_be_paused(void **state) {
  struct mesh *m = *state;
  fixture_request(m->f, PM_HTTP_POST, "/v1/pausepeer", "");
  fixture_body(m->f, "url=8.8.8.8:8080&paused=true");
  fixture_send(m->f);
  assert_int_equal(m->f->response.status, 409);
  assert_int_equal(m->f->pauses, 0);
}

/* Its target has the id for its key, and so have its samples. */
static void a_target_that_is_a_member_has_its_key(void **state) {
  struct mesh *m = *state;
  char key[PM_URL_BYTES], expected[PM_WIRE_ID_BYTES], query[64];
  struct pm_target *target = fixture_target(m->f, NODE_URL);
  pm_target_key(target, m->core, key);
  assert_string_equal(key, NODE_URL);
  target->spec.member = member_of(m, NODE_URL).handle;
  pm_target_key(target, m->core, key);
  assert_string_equal(key, mesh_key(NODE, expected));
  const struct pm_sample sample = {.at = {1}, .outcome = PM_OUTCOME_SUCCESS};
  pm_service_feed_sample(m->f->service, target, &sample);
  snprintf(query, sizeof(query), "to=%s", expected);
  assert_non_null(strstr(fixture_get(m->f, "/v1/recent", query), "\"outcome\":\"success\""));
}

/* The core forgets the id of who is gone; what was learned of it stays. */
static void who_is_forgotten_keeps_its_names(void **state) {
  struct mesh *m = *state;
  char expected[256], key[PM_WIRE_ID_BYTES];
  pm_service_feed_tick(m->f->service); /* learns names */
  step(m,
       (struct pm_gossip_event){.kind = PM_GOSSIP_FORGET, .forget = member_of(m, NODE_URL).handle});
  snprintf(expected, sizeof(expected),
           "{\"key\":\"%s\",\"host\":\"8.8.8.8:8080\",\"url\":\"" NODE_URL
           "\",\"location\":\"Paris,FR\",\"state\":\"unknown\",",
           mesh_key(NODE, key));
  assert_non_null(strstr(fixture_get(m->f, "/v1/matrix", ""), expected));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(members_are_nodes),
      TEST(an_old_node_is_asked_for_by_its_url),
      TEST(a_member_is_found_by_any_of_its_names),
      TEST(a_member_is_removed_by_its_key),
      TEST(what_is_not_probed_cannot_be_paused),
      TEST(a_target_that_is_a_member_has_its_key),
      TEST(who_is_forgotten_keeps_its_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
