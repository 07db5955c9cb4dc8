/* Whom Prometheus is told to scrape. */
#include "service_fixture.h"

#include <stdlib.h>

#include "api/discovery_view.h"
#include "gossip/gossip.h"
#include "gossip/view.h"

static void step(struct pm_gossip *core, struct pm_gossip_update *update,
                 struct pm_gossip_event event) {
  event.now = (struct pm_time){100 * (int64_t)PM_NS_PER_S};
  pm_gossip_step(core, &event, update);
}

/* A seed that has answered three times is verified and listed. */
static void seed_answers(struct pm_gossip *core, struct pm_gossip_update *update, const char *url,
                         uint8_t id) {
  struct pm_contact contact;
  assert_int_equal(pm_contact_from_url(url, NULL, &contact), PM_OK);
  step(core, update, (struct pm_gossip_event){.kind = PM_GOSSIP_LOCAL_ADD, .local = &contact});
  struct pm_gossip_send ping = update->sends[0];
  for (int i = 0; i < 3; i++) {
    struct pm_wire_pong pong = {.version = 1,
                                .mesh = "default",
                                .id.bytes = {id},
                                .nonce = ping.request.nonce,
                                .has_nonce = true};
    step(core, update,
         (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                  .pong = {.token = ping.token, .ok = true, .pong = &pong}});
    assert_true(pm_gossip_plan_ping(core, pm_gossip_find(core, &contact),
                                    (struct pm_time){100 * (int64_t)PM_NS_PER_S}, &ping));
  }
}

static struct pm_gossip *core_new(void) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {1};
  struct pm_gossip_config config;
  pm_gossip_config_init(&config, PM_GOSSIP_MEMBERS_MIN);
  config.id.bytes[0] = 1;
  return pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed,
                        (struct pm_time){100 * (int64_t)PM_NS_PER_S});
}

static void the_members_follow_this_node(void **state) {
  (void)state;
  struct pm_gossip *core = core_new();
  struct pm_gossip_update *update = calloc(1, sizeof(*update));
  struct pm_buf members, out;
  pm_buf_init(&members, 1 << 20);
  pm_buf_init(&out, 1 << 20);
  seed_answers(core, update, "http://8.8.8.8:80/v1/ping", 2);
  seed_answers(core, update, "https://8.8.8.9:8443/v1/ping", 3);
  pm_discovery_view_members(core, &members);
  const struct pm_discovery_view view = {.asked_as = "a.example:8080",
                                         .location = "Paris,FR",
                                         .members = members.data,
                                         .members_bytes = members.len};
  pm_discovery_view_json(&view, &out);
  assert_string_equal(out.data,
                      "[\n  {\n    \"targets\": [\n      \"a.example:8080\"\n    ],\n"
                      "    \"labels\": {\n      \"__scheme__\": \"http\",\n"
                      "      \"__meta_pingmesh_location\": \"Paris,FR\"\n    }\n  },\n"
                      "  {\n    \"targets\": [\n      \"8.8.8.8:80\"\n    ],\n"
                      "    \"labels\": {\n      \"__scheme__\": \"http\",\n"
                      "      \"__meta_pingmesh_host\": \"8.8.8.8\",\n"
                      "      \"__meta_pingmesh_location\": \"\",\n"
                      "      \"__meta_pingmesh_id\": \"02000000000000000000000000000000\"\n"
                      "    }\n  },\n"
                      "  {\n    \"targets\": [\n      \"8.8.8.9:8443\"\n    ],\n"
                      "    \"labels\": {\n      \"__scheme__\": \"https\",\n"
                      "      \"__meta_pingmesh_host\": \"8.8.8.9\",\n"
                      "      \"__meta_pingmesh_location\": \"\",\n"
                      "      \"__meta_pingmesh_id\": \"03000000000000000000000000000000\"\n"
                      "    }\n  }\n]\n");
  pm_buf_deinit(&members);
  pm_buf_deinit(&out);
  free(update);
  free(core);
}

static void without_a_mesh_it_is_this_node_alone(void **state) {
  struct fixture *f = *state;
  const char *text = fixture_get(f, "/v1/sd", "");
  assert_string_equal(text,
                      "[\n  {\n    \"targets\": [\n      \"127.0.0.1:8080\"\n    ],\n"
                      "    \"labels\": {\n      \"__scheme__\": \"http\",\n"
                      "      \"__meta_pingmesh_location\": \"Sunnyvale,US\"\n    }\n  }\n]\n");
}

/* What a stranger can ask for again and again must not cost each time; who runs the node sees what
 * is. Writing 2,000 rows takes so long that what was written is kept for far longer than this. */
static void strangers_get_a_page_that_is_kept(void **state) {
  struct fixture *f = *state;
  static const char *const queries[] = {"format=html", "", "stats=all"};
  for (int i = 0; i < 2000; i++) {
    char url[64];
    snprintf(url, sizeof(url), "http://10.0.%d.%d/v1/ping", i / 250, i % 250 + 1);
    fixture_target(f, url);
  }
  for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
    char late[64];
    snprintf(late, sizeof(late), "http://10.9.9.%zu/v1/ping", i + 1);
    fixture_request(f, PM_HTTP_GET, "/v1/peers", queries[i]);
    fixture_from(f, "203.0.113.5", "203.0.113.1:8080");
    assert_non_null(strstr(fixture_send(f), "http://10.0.7.250/v1/ping"));
    fixture_target(f, late);
    assert_null(strstr(fixture_send(f), late));
    assert_non_null(strstr(fixture_get(f, "/v1/peers", queries[i]), late));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_members_follow_this_node),
      FIXTURE_TEST(without_a_mesh_it_is_this_node_alone),
      FIXTURE_TEST(strangers_get_a_page_that_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
