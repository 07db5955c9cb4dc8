/* Documents, byte for byte: against what was recorded from the original, and our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/node_view.h"
#include "api/peers_view.h"
#include "api/service.h"
#include "probe/roster.h"

enum { FILE_BYTES_MAX = 65536 };

struct golden {
  char text[FILE_BYTES_MAX];
  struct pm_peers_doc doc;
  struct pm_roster *roster;
  struct pm_peers_view view;
  struct pm_buf out;
};

/* Takes an entry without a URL, which ours refuses to have, out of the recorded text. */
static size_t cut_malformed(char *text) {
  static const char begins[] = "    {\n      \"Url\": \"\",";
  static const char ends[] = "\n    },\n";
  size_t cut = 0;
  for (char *at; (at = strstr(text, begins)) != NULL; cut++) {
    char *end = strstr(at, ends) + strlen(ends);
    memmove(at, end, strlen(end) + 1);
  }
  return cut;
}

static void read_golden(const char *name, struct golden *g) {
  char path[512];
  snprintf(path, sizeof(path), "%s/legacy/%s", PM_TEST_DATA, name);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t bytes = fread(g->text, 1, sizeof(g->text) - 1, file);
  fclose(file);
  g->text[bytes] = '\0';
  size_t cut = cut_malformed(g->text);
  if (cut == 0) return;
  /* One digit, so the counter is patched in place. */
  char *active = strstr(g->text, "\"NumActive\": ") + strlen("\"NumActive\": ");
  *active = (char)(*active - (char)cut);
}

static struct pm_target *target_of(struct golden *g, const struct pm_peer_entry *entry) {
  struct pm_target_spec spec = {
      .limit = entry->limit, .delay_s = entry->delay_s, .fail_max = entry->fail_max};
  struct pm_target *target;
  assert_int_equal(pm_endpoint_parse(entry->url, NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_add(g->roster, &spec, entry->first_ping, &target), PM_OK);
  struct pm_stats *stats = &target->stats;
  const struct pm_peer_totals *totals = &entry->totals;
  stats->successes = (uint64_t)entry->pings;
  stats->failures = (uint64_t)entry->fails;
  stats->first_success = totals->start;
  stats->latest_success = entry->latest_ping;
  stats->latest_status = entry->pings > 0 ? (int)totals->resp_code : 502;
  stats->body_bytes = (uint64_t)totals->size_bytes;
  stats->phases[PM_PHASE_DNS].sum_ns = totals->dns_ns;
  stats->phases[PM_PHASE_TCP].sum_ns = totals->tcp_ns;
  stats->phases[PM_PHASE_TLS].sum_ns = totals->tls_ns;
  stats->phases[PM_PHASE_FIRST].sum_ns = totals->reply_ns;
  stats->phases[PM_PHASE_LAST].sum_ns = totals->close_ns;
  stats->phases[PM_PHASE_TOTAL].sum_ns = totals->total_ns;
  if (entry->pings == 0) return target;
  assert_int_equal(pm_ip_parse(totals->remote, &stats->remote), PM_OK);
  snprintf(target->location, sizeof(target->location), "%s", entry->location);
  return target;
}

static void open_golden(const char *name, struct golden *g) {
  struct pm_why why;
  read_golden(name, g);
  assert_int_equal(pm_peers_doc_read(g->text, strlen(g->text), &g->doc, &why), PM_OK);
  assert_int_equal(pm_roster_new(1, &g->roster), PM_OK);
  for (size_t i = 0; i < g->doc.deleted_count; i++) {
    const struct pm_target *target = target_of(g, &g->doc.deleted[i]);
    pm_roster_retire(g->roster, target->id, PM_TARGET_DONE);
  }
  for (size_t i = 0; i < g->doc.peers_count; i++) target_of(g, &g->doc.peers[i]);
  pm_peers_view_init(&g->view, g->roster, &g->doc.head, (struct pm_wall){1});
  pm_buf_init(&g->out, FILE_BYTES_MAX);
}

static void close_golden(struct golden *g) {
  pm_buf_deinit(&g->out);
  pm_roster_free(g->roster);
  pm_peers_doc_free(&g->doc);
}

static void peers_read_as_recorded(void **state) {
  static const char *const names[] = {"http_peers_0.json", "http_peers_1.json",
                                      "http_peers_failing.json", "http_peers_deleted.json"};
  static struct golden g;
  (void)state;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    g = (struct golden){0};
    open_golden(names[i], &g);
    pm_peers_view_json(&g.view, &g.out);
    assert_string_equal(g.out.data, g.text);
    close_golden(&g);
  }
}

static void a_success_and_then_a_failure_keeps_the_totals(void **state) {
  (void)state;
  static struct golden g;
  g = (struct golden){0};
  open_golden("http_peers_1.json", &g);
  struct pm_target *target = pm_roster_by_id(g.roster, pm_roster_at(g.roster, 0)->id);
  const struct pm_sample sample = {.outcome = PM_OUTCOME_CONNECT};
  pm_target_record(target, &sample, NULL);
  pm_peers_view_json(&g.view, &g.out);
  assert_non_null(strstr(g.out.data, "\"Pings\": 2,\n      \"Fails\": 1,"));
  assert_non_null(strstr(g.out.data, "\"Location\": \"Paris,FR\",\n        \"Remote\": "
                                     "\"127.0.0.1\",\n        \"RespCode\": 502,"));
  close_golden(&g);
}

static void the_override_is_the_peer_ip(void **state) {
  (void)state;
  struct pm_roster *roster;
  struct pm_target *target;
  struct pm_target_spec spec = {.fail_max = 1};
  struct pm_peers_view view;
  struct pm_buf out;
  const struct pm_peers_head head = {.srv_loc = "", .srv_host = ""};
  assert_int_equal(pm_endpoint_parse("h.example", "192.0.2.9", &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_new(1, &roster), PM_OK);
  assert_int_equal(pm_roster_add(roster, &spec, (struct pm_wall){1}, &target), PM_OK);
  pm_buf_init(&out, FILE_BYTES_MAX);
  pm_peers_view_init(&view, roster, &head, (struct pm_wall){1});
  pm_peers_view_json(&view, &out);
  assert_non_null(strstr(out.data, "\"PeerIP\": \"192.0.2.9\""));
  assert_non_null(strstr(out.data, "\"Remote\": \"\""));
  pm_buf_deinit(&out);
  pm_roster_free(roster);
}

/* ---- statistics ---- */

/* Sixty probes, a second apart, that take 1 to 60 ms; each twelfth SYN is lost, one probe starves,
 * one fails. */
static void measure(struct pm_target *target) {
  for (int i = 1; i <= 60; i++) {
    struct pm_sample sample = {.at = {i * (int64_t)PM_NS_PER_S},
                               .ended = {i * (int64_t)PM_NS_PER_S},
                               .outcome = i == 30 ? PM_OUTCOME_STATUS : PM_OUTCOME_SUCCESS,
                               .http_status = i == 30 ? 500 : 200,
                               .remote = {.family = PM_IP_V4, .bytes = {192, 0, 2, 1}},
                               .verdict = i == 20 ? PM_VERDICT_STARVED : PM_VERDICT_CLEAN,
                               .connection = {.known = true,
                                              .syns_sent = i % 12 == 0 ? 2 : 1,
                                              .syn_answered = true,
                                              .data_segments_sent = 1}};
    sample.phase_ns[PM_PHASE_TCP] = i * (int64_t)PM_NS_PER_MS;
    sample.phase_timed_by[PM_PHASE_TCP] = PM_TIMED_BY_KERNEL;
    sample.phase_ns[PM_PHASE_TOTAL] = 2 * i * (int64_t)PM_NS_PER_MS;
    pm_target_record(target, &sample, "Paris,FR");
  }
  pm_target_passed_over(target, 2, (struct pm_time){60 * (int64_t)PM_NS_PER_S});
}

struct measured {
  struct pm_roster *roster;
  struct pm_target *target;
  struct pm_peers_view view;
  struct pm_buf out;
};

static int open_measured(void **state) {
  static struct measured m;
  static const struct pm_peers_head head = {.srv_loc = "", .srv_host = ""};
  struct pm_target_spec spec = {.fail_max = 1, .delay_s = 1};
  m = (struct measured){0};
  assert_int_equal(pm_endpoint_parse("h.example", NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_new(1, &m.roster), PM_OK);
  assert_int_equal(pm_roster_add(m.roster, &spec, (struct pm_wall){1}, &m.target), PM_OK);
  pm_peers_view_init(&m.view, m.roster, &head, (struct pm_wall){70 * (int64_t)PM_NS_PER_S});
  m.view.now_monotonic = (struct pm_time){60 * (int64_t)PM_NS_PER_S};
  pm_buf_init(&m.out, FILE_BYTES_MAX);
  *state = &m;
  return 0;
}

static int close_measured(void **state) {
  struct measured *m = *state;
  pm_buf_deinit(&m->out);
  pm_roster_free(m->roster);
  return 0;
}

static void statistics_stand_in_one_nested_object(void **state) {
  struct measured *m = *state;
  measure(m->target);
  pm_peers_view_json(&m->view, &m->out);
  const char *mesh = strstr(m->out.data, "      \"Mesh\": {");
  assert_non_null(mesh);
  const char *end = strstr(mesh, "\n      }");
  assert_non_null(end);
  m->out.data[end - m->out.data] = '\0';
  assert_string_equal(
      mesh, "      \"Mesh\": {\n"
            "        \"Stats\": {\"10m\":{\"Sent\":60,\"Succeeded\":59,\"Lost\":1,\"Starved\":1,"
            "\"Retransmitted\":5,\"Late\":2,\"Segments\":60,\"SegmentsResent\":0,"
            "\"Trials\":60,\"TrialsLost\":5,"
            "\"Loss\":0.083333,\"LossLow\":0.027613,\"LossHigh\":0.183858,"
            "\"Tcp\":{\"Count\":59,\"Mean\":30508474,\"P50\":31064064,\"P90\":54788096,"
            "\"P95\":57933824,\"P99\":60000000,\"Max\":60000000,\"Jitter\":985939},"
            "\"Total\":{\"Count\":58,\"Mean\":61379310,\"P50\":62128128,\"P90\":109576192,"
            "\"P95\":115867648,\"P99\":120000000,\"Max\":120000000,\"Jitter\":1979482}}}");
}

static void the_windows_are_chosen(void **state) {
  struct measured *m = *state;
  static const struct {
    unsigned windows;
    const char *has;
  } rows[] = {{0, ""},
              {PM_PEERS_VIEW_WINDOWS_DEFAULT, "-1-"},
              {PM_PEERS_VIEW_WINDOWS_ALL, "012"},
              {1 << PM_WINDOW_SPAN_1M, "0--"}};
  static const char *const names[] = {"\"1m\":{", "\"10m\":{", "\"1h\":{"};
  measure(m->target);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    m->view.windows = rows[i].windows;
    pm_buf_reset(&m->out);
    pm_peers_view_json(&m->view, &m->out);
    assert_int_equal(strstr(m->out.data, "\"Mesh\"") != NULL, rows[i].has[0] != '\0');
    for (int k = 0; k < 3; k++) {
      bool expected = rows[i].has[0] != '\0' && rows[i].has[k] == '0' + k;
      assert_int_equal(strstr(m->out.data, names[k]) != NULL, expected);
    }
  }
}

static void a_window_that_has_passed_is_left_out(void **state) {
  struct measured *m = *state;
  measure(m->target);
  m->view.now_monotonic = (struct pm_time){800 * (int64_t)PM_NS_PER_S};
  m->view.windows = PM_PEERS_VIEW_WINDOWS_ALL;
  pm_peers_view_json(&m->view, &m->out);
  assert_null(strstr(m->out.data, "\"10m\""));
  assert_non_null(strstr(m->out.data, "\"1h\":{\"Sent\":60,"));
}

static void the_table_shows_the_last_ten_minutes(void **state) {
  struct measured *m = *state;
  measure(m->target);
  pm_peers_view_html(&m->view, &m->out);
  assert_non_null(strstr(m->out.data,
                         "<td class=\"number\">59</td><td class=\"number\">31.064</td>"
                         "<td class=\"number\">60.000</td><td class=\"number\">0.986</td>"
                         "<td class=\"number\">62.128</td><td class=\"number\">1.67 %</td>"
                         "<td>8.33 % (2.76 to 18.39)</td><td class=\"number\">1</td>"));
  pm_buf_reset(&m->out);
  m->view.now_monotonic = (struct pm_time){2000 * (int64_t)PM_NS_PER_S};
  pm_peers_view_html(&m->view, &m->out);
  assert_non_null(strstr(m->out.data, "<td class=\"number\">59</td><td class=\"number\">-</td>"));
}

/* ---- given up ---- */

static void add_numbered(struct pm_roster *roster, int number, enum pm_target_state state) {
  struct pm_target_spec spec = {.fail_max = 1};
  struct pm_target *target;
  char url[64];
  snprintf(url, sizeof(url), "http://h/%03d", number);
  assert_int_equal(pm_endpoint_parse(url, NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_add(roster, &spec, (struct pm_wall){1}, &target), PM_OK);
  target->state = state;
  if (state == PM_TARGET_DONE) pm_roster_retire(roster, target->id, state);
}

static size_t occurrences(const char *text, const char *word) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, word)) != NULL; at++) count++;
  return count;
}

static void the_given_up_follow_the_ended_up_to_a_hundred(void **state) {
  (void)state;
  struct pm_roster *roster;
  struct pm_peers_view view;
  struct pm_buf out;
  const struct pm_peers_head head = {.srv_loc = "", .srv_host = ""};
  assert_int_equal(pm_roster_new(1, &roster), PM_OK);
  for (int i = 0; i < 60; i++) add_numbered(roster, i, PM_TARGET_DONE);
  for (int i = 60; i < 130; i++) add_numbered(roster, i, PM_TARGET_GIVEN_UP);
  add_numbered(roster, 130, PM_TARGET_ACTIVE);
  pm_peers_view_init(&view, roster, &head, (struct pm_wall){1});
  assert_int_equal(view.head.num_active, 1);
  assert_int_equal(view.head.num_deleted, 130);

  pm_buf_init(&out, 1 << 20);
  pm_peers_view_json(&view, &out);
  assert_int_equal(occurrences(out.data, "\"Url\""), 101);
  const char *deleted = strstr(out.data, "\"DelPeers\": [");
  assert_non_null(strstr(out.data, "http://h/130"));
  assert_true(strstr(out.data, "http://h/130") < deleted);
  assert_null(strstr(out.data, "http://h/029"));
  assert_non_null(strstr(deleted, "http://h/030"));
  assert_true(strstr(deleted, "http://h/059") < strstr(deleted, "http://h/060"));
  assert_non_null(strstr(deleted, "http://h/129"));

  pm_buf_reset(&out);
  pm_peers_view_html(&view, &out);
  assert_int_equal(occurrences(out.data, "<td>given-up</td>"), 70);
  assert_int_equal(occurrences(out.data, "<td>done</td>"), 30);
  assert_int_equal(occurrences(out.data, "<td>active</td>"), 1);

  /* 139 given up leave no room for the ended: 60 to 98 are not shown, either. */
  for (int i = 131; i < 200; i++) add_numbered(roster, i, PM_TARGET_GIVEN_UP);
  pm_buf_reset(&out);
  pm_peers_view_init(&view, roster, &head, (struct pm_wall){1});
  pm_peers_view_json(&view, &out);
  assert_int_equal(occurrences(out.data, "\"Url\""), 101);
  assert_null(strstr(out.data, "http://h/098"));
  assert_non_null(strstr(out.data, "http://h/099"));
  pm_buf_deinit(&out);
  pm_roster_free(roster);
}

/* ---- metrics, settings ---- */

static struct pm_metrics_view metrics(void) {
  struct pm_metrics_view view = {
      .peers = 5,
      .active = 5,
      .deleted = 3,
      .memory = {.heap_bytes = 11038 * 1024 + 7, .resident_bytes = 13000000},
  };
  assert_int_equal(pm_wall_parse("2026-11-22T10:32:49Z", &view.app_start), PM_OK);
  assert_int_equal(pm_wall_parse("2026-11-22T10:32:50.072294244Z", &view.memory.measured), PM_OK);
  return view;
}

static void metrics_read_as_of_old(void **state) {
  (void)state;
  struct pm_buf out;
  const struct pm_metrics_view view = metrics();
  pm_buf_init(&out, FILE_BYTES_MAX);
  pm_metrics_view_json(&view, &out);
  assert_string_equal(out.data, "{\n"
                                "  \"AppStart\": \"2026-11-22T10:32:49Z\",\n"
                                "  \"NumPeers\": 5,\n"
                                "  \"NumActive\": 5,\n"
                                "  \"NumDeleted\": 3,\n"
                                "  \"MemStats\": {\n"
                                "    \"Measured\": \"2026-11-22T10:32:50.072294244Z\",\n"
                                "    \"Active\": 11038,\n"
                                "    \"AllocMB\": 10,\n"
                                "    \"SystemMB\": 12,\n"
                                "    \"NumGC\": 0\n"
                                "  }\n"
                                "}\n");
  pm_buf_deinit(&out);
}

/* The names and their order are those of the recorded document. */
static void metrics_have_the_recorded_members(void **state) {
  (void)state;
  static struct golden g;
  struct pm_buf out;
  const struct pm_metrics_view view = metrics();
  read_golden("http_metrics.json", &g);
  pm_buf_init(&out, FILE_BYTES_MAX);
  pm_metrics_view_json(&view, &out);
  const char *ours = out.data;
  const char *theirs = g.text;
  while (*ours != '\0' && *theirs != '\0') {
    assert_int_equal(*ours, *theirs);
    ours++;
    theirs++;
    if (ours[-1] != ':') continue;
    ours += strspn(ours, " \"0123456789-:.TZ");
    theirs += strspn(theirs, " \"0123456789-:.TZ");
  }
  assert_string_equal(ours, theirs);
  pm_buf_deinit(&out);
}

static void settings_read_as_json(void **state) {
  (void)state;
  static const struct pm_setting settings[] = {{"delay", "10", "default"},
                                               {"admin-token", "(set)", "PINGMESH_ADMIN_TOKEN"}};
  struct pm_buf out;
  const struct pm_env_view view = {.settings = settings,
                                   .settings_count = 2,
                                   .location = "Paris,FR",
                                   .host = "h",
                                   .port = 8080,
                                   .requests = 9,
                                   .ready = true,
                                   .metrics = metrics()};
  pm_buf_init(&out, FILE_BYTES_MAX);
  pm_env_view_json(&view, &out);
  assert_non_null(strstr(out.data, "  \"SrvLoc\": \"Paris,FR\",\n"
                                   "  \"SrvHost\": \"h\",\n"
                                   "  \"SrvPort\": 8080,\n"
                                   "  \"Requests\": 9,\n"
                                   "  \"Ready\": true,\n"
                                   "  \"AppStart\": \"2026-11-22T10:32:49Z\",\n"));
  assert_non_null(strstr(out.data, "  \"Settings\": [\n"
                                   "    {\n"
                                   "      \"Name\": \"delay\",\n"
                                   "      \"Value\": \"10\",\n"
                                   "      \"Origin\": \"default\"\n"
                                   "    },\n"));
  pm_buf_deinit(&out);
}

static void memory_is_measured(void **state) {
  (void)state;
  struct pm_memory memory;
  pm_memory_measure(&memory);
  /* A test program takes some RAM, and less than this machine's address space. */
  assert_in_range(memory.resident_bytes, 256 * 1024, (uint64_t)1 << 40);
  assert_int_not_equal(memory.measured.ns, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(peers_read_as_recorded),
      cmocka_unit_test(a_success_and_then_a_failure_keeps_the_totals),
      cmocka_unit_test(the_override_is_the_peer_ip),
      cmocka_unit_test_setup_teardown(statistics_stand_in_one_nested_object, open_measured,
                                      close_measured),
      cmocka_unit_test_setup_teardown(the_windows_are_chosen, open_measured, close_measured),
      cmocka_unit_test_setup_teardown(a_window_that_has_passed_is_left_out, open_measured,
                                      close_measured),
      cmocka_unit_test_setup_teardown(the_table_shows_the_last_ten_minutes, open_measured,
                                      close_measured),
      cmocka_unit_test(the_given_up_follow_the_ended_up_to_a_hundred),
      cmocka_unit_test(metrics_read_as_of_old),
      cmocka_unit_test(metrics_have_the_recorded_members),
      cmocka_unit_test(settings_read_as_json),
      cmocka_unit_test(memory_is_measured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
