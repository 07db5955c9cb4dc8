/* What people and unknown programs read has everything, and says what is nobody else's affair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/peers_view.h"
#include "gossip/gossip.h"
#include "gossip/view.h"
#include "gossip/wire_answer.h"

struct world {
  struct pm_gossip *core;
  struct pm_gossip_update *update;
  struct pm_time now;
  struct pm_roster *roster;
  struct pm_buf out;
};

static int setup(void **state) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {1};
  struct pm_gossip_config config;
  struct world *w = calloc(1, sizeof *w);
  pm_gossip_config_init(&config, PM_GOSSIP_MEMBERS_MIN);
  config.id.bytes[0] = 1;
  w->now = (struct pm_time){100 * (int64_t)PM_NS_PER_S};
  w->core = pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed, w->now);
  w->update = calloc(1, sizeof *w->update);
  assert_int_equal(pm_roster_new(1, &w->roster), PM_OK);
  pm_buf_init(&w->out, 1 << 20);
  *state = w;
  return 0;
}

static int teardown(void **state) {
  struct world *w = *state;
  pm_buf_deinit(&w->out);
  pm_roster_free(w->roster);
  free(w->core);
  free(w->update);
  free(w);
  return 0;
}

static struct pm_target *add(struct world *w, const char *url, enum pm_learned learned) {
  struct pm_target_spec spec = {.learned = learned, .delay_s = 10, .fail_max = 1};
  struct pm_target *target;
  assert_int_equal(pm_endpoint_parse(url, NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_add(w->roster, &spec, (struct pm_wall){1}, &target), PM_OK);
  return target;
}

static void take(struct world *w, struct pm_gossip_event event) {
  event.now = w->now;
  pm_gossip_step(w->core, &event, w->update);
}

/* A seed, which has answered so many times. */
static void seed_answers(struct world *w, const char *url, unsigned times) {
  struct pm_contact contact;
  assert_int_equal(pm_contact_from_url(url, NULL, &contact), PM_OK);
  take(w, (struct pm_gossip_event){.kind = PM_GOSSIP_LOCAL_ADD, .local = &contact});
  struct pm_gossip_send ping = w->update->sends[0];
  for (unsigned i = 0; i < times; i++) {
    struct pm_wire_pong pong = {.version = 1,
                                .mesh = "default",
                                .id.bytes = {2},
                                .nonce = ping.request.nonce,
                                .has_nonce = true};
    take(w, (struct pm_gossip_event){.kind = PM_GOSSIP_PONG,
                                     .pong = {.token = ping.token, .ok = true, .pong = &pong}});
    uint64_t member = pm_gossip_find(w->core, &contact);
    assert_true(pm_gossip_plan_ping(w->core, member, w->now, &ping));
  }
}

static const char *document(struct world *w, bool with_mesh) {
  const struct pm_peers_head head = {.srv_loc = "Paris", .srv_host = "h"};
  struct pm_peers_view view;
  pm_peers_view_init(&view, w->roster, &head, (struct pm_wall){1});
  if (with_mesh) view.core = w->core;
  pm_buf_reset(&w->out);
  pm_peers_view_json(&view, &w->out);
  assert_int_equal(pm_buf_status(&w->out), PM_OK);
  return w->out.data;
}

static size_t unshared(const char *text) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, "\"Share\": false")) != NULL; at++) count++;
  return count;
}

static void local_targets_are_marked(void **state) {
  struct world *w = *state;
  add(w, "http://192.0.2.1:80/v1/ping", PM_LEARNED_CONFIG);
  add(w, "https://www.example.net/", PM_LEARNED_OPERATOR);
  add(w, "http://192.0.2.2:80/v1/ping", PM_LEARNED_PEER); /* imported: no member either */
  const char *text = document(w, true);
  assert_int_equal(unshared(text), 3);
  assert_non_null(strstr(text, "\"Mesh\": {\n        \"Share\": false"));
  assert_non_null(strstr(text, "https://www.example.net/"));
  assert_int_equal(unshared(document(w, false)), 0);
}

static void members_are_not(void **state) {
  struct world *w = *state;
  add(w, "http://192.0.2.1:80/v1/ping", PM_LEARNED_CONTACT)->spec.member = 77;
  assert_int_equal(unshared(document(w, true)), 0);
}

static void a_seed_is_marked_until_it_is_listed(void **state) {
  struct world *w = *state;
  add(w, "http://8.8.8.8:80/v1/ping", PM_LEARNED_CONFIG);
  seed_answers(w, "http://8.8.8.8:80/v1/ping", 1);
  assert_int_equal(unshared(document(w, true)), 1);
  seed_answers(w, "http://8.8.8.9:80/v1/ping", 3);
  struct pm_target *listed = add(w, "http://8.8.8.9:80/v1/ping", PM_LEARNED_CONFIG);
  assert_int_equal(unshared(document(w, true)), 1);
  struct pm_contact contact; /* the same, while it is among those that the prober pings */
  assert_int_equal(pm_contact_from_url("http://8.8.8.9:80/v1/ping", NULL, &contact), PM_OK);
  listed->spec.member = pm_gossip_find(w->core, &contact);
  assert_int_equal(unshared(document(w, true)), 1);
}

/* A node that takes this document for an answer to a pull hears of nothing that is marked. */
static void our_reader_does_not_hear_of_them(void **state) {
  struct world *w = *state;
  struct pm_wire_entry entries[4];
  struct pm_wire_answer answer = {.entries = entries, .entries_max = 4};
  struct pm_why why;
  add(w, "http://192.0.2.1:80/v1/ping", PM_LEARNED_CONFIG)->stats.successes = 5;
  add(w, "http://192.0.2.2:80/v1/ping", PM_LEARNED_CONTACT)->spec.member = 77;
  pm_roster_by_id(w->roster, pm_roster_at(w->roster, 1)->id)->stats.successes = 5;
  const char *text = document(w, true);
  assert_int_equal(pm_wire_answer_read(text, strlen(text), &answer, &why), PM_OK);
  assert_int_equal(answer.entries_count, 1);
  assert_string_equal(answer.entries[0].contact.host, "192.0.2.2");
  text = document(w, false);
  assert_int_equal(pm_wire_answer_read(text, strlen(text), &answer, &why), PM_OK);
  assert_int_equal(answer.entries_count, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(local_targets_are_marked, setup, teardown),
      cmocka_unit_test_setup_teardown(members_are_not, setup, teardown),
      cmocka_unit_test_setup_teardown(a_seed_is_marked_until_it_is_listed, setup, teardown),
      cmocka_unit_test_setup_teardown(our_reader_does_not_hear_of_them, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
