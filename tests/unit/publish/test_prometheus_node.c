/* What /metrics says of the node itself: its mesh, sinks, clients and history, and that each series
 * is announced once, before it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gossip/gossip.h"
#include "publish/prometheus.h"

static void counts(const struct pm_sink *sink, struct pm_sink_counts *out) {
  (void)sink;
  *out = (struct pm_sink_counts){.taken = 100, .dropped = 7, .failed = 2};
}

static const struct pm_sink_ops counting = {.name = "otlp", .counts = counts},
                                silent = {.name = "console"};

struct fixture {
  struct pm_roster *roster;
  struct pm_gossip *core;
  struct pm_buf out;
};

static struct pm_gossip *core_with_two(void) {
  static const uint8_t seed[PM_GOSSIP_SEED_BYTES] = {1};
  static const char *const locals[] = {"a.example:80|11.1.0.1", "b.example:80|11.2.0.1"};
  static struct pm_gossip_update update;
  struct pm_gossip_config config;
  struct pm_time now = {PM_NS_PER_S};
  pm_gossip_config_init(&config, 16);
  config.id.bytes[0] = 1;
  struct pm_gossip *core = pm_gossip_init(malloc(pm_gossip_size(&config)), &config, seed, now);
  for (size_t i = 0; i < 2; i++) {
    struct pm_contact contact;
    assert_int_equal(pm_contact_from_text(locals[i], &contact), PM_OK);
    pm_gossip_step(
        core, &(struct pm_gossip_event){.now = now, .kind = PM_GOSSIP_LOCAL_ADD, .local = &contact},
        &update);
  }
  struct pm_gossip_tombstone lost = {.lost_s = 40, .last_ok_s = 100};
  assert_int_equal(pm_contact_from_text("c.example:80|11.3.0.1", &lost.contact), PM_OK);
  pm_gossip_step(
      core, &(struct pm_gossip_event){.now = now, .kind = PM_GOSSIP_RESTORE_LOST, .lost = &lost},
      &update);
  return core;
}

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof(*f));
  assert_non_null(f);
  assert_int_equal(pm_roster_new(1, &f->roster), PM_OK);
  f->core = core_with_two();
  pm_buf_init(&f->out, 1 << 20);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  pm_roster_free(f->roster);
  free(f->core);
  pm_buf_deinit(&f->out);
  free(f);
  return 0;
}

static const char *write_all(struct fixture *f) {
  static struct pm_sink sinks[] = {{&silent}, {&counting}};
  static const struct pm_publisher publisher = {.sinks = {&sinks[0], &sinks[1]}, .count = 2};
  static const struct pm_prometheus_history history = {.written = 61, .file_bytes = 4096};
  static const struct pm_prometheus_clients clients = {
      .open = 3, .streams = 1, .refused_full = 4, .refused_share = 5, .refused_rate = 6};
  struct pm_target_spec spec = {.fail_max = 100, .delay_s = 10};
  struct pm_target *target;
  assert_int_equal(pm_endpoint_parse("http://10.0.0.7/", NULL, &spec.endpoint, NULL), PM_OK);
  assert_int_equal(pm_roster_add(f->roster, &spec, (struct pm_wall){1}, &target), PM_OK);
  const struct pm_prometheus_view view = {.from = "Lab",
                                          .version = "1.2",
                                          .roster = f->roster,
                                          .series_max = 1000,
                                          .core = f->core,
                                          .publisher = &publisher,
                                          .history = &history,
                                          .clients = &clients,
                                          .requests = 12,
                                          .process = {.start = {PM_NS_PER_S}, .open_fds = 9},
                                          .loop = {.lag_max_ns = 2500000, .in_flight = 1}};
  pm_prometheus_write(&view, &f->out);
  assert_int_equal(pm_buf_status(&f->out), PM_OK);
  return f->out.data;
}

static void assert_line(const char *text, const char *line) {
  char whole[1024];
  snprintf(whole, sizeof(whole), "\n%s\n", line);
  if (strstr(text, whole) == NULL) fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void the_mesh_is_counted_by_state(void **state) {
  const char *text = write_all(*state);
  assert_line(text, "pingmesh_mesh_endpoints{state=\"local\"} 2");
  assert_line(text, "pingmesh_mesh_endpoints{state=\"heard\"} 0");
  assert_line(text, "pingmesh_mesh_endpoints{state=\"verified\"} 0");
  assert_line(text, "pingmesh_mesh_endpoints{state=\"lost\"} 1");
  assert_line(text, "pingmesh_mesh_active 0");
}

static void every_budget_reason_and_bound_has_a_series(void **state) {
  struct pm_gossip_status status;
  const char *text = write_all(*state);
  char line[256];
  pm_gossip_status(((struct fixture *)*state)->core, &status);
  for (size_t i = 0; i < PM_GOSSIP_BUDGETS; i++) {
    snprintf(line, sizeof(line), "pingmesh_mesh_budget_left{budget=\"%s\"} %u",
             status.budgets[i].name, (unsigned)status.budgets[i].left);
    assert_line(text, line);
  }
  for (int i = 1; i < PM_REFUSAL_COUNT; i++) {
    snprintf(line, sizeof(line), "pingmesh_mesh_refusals_total{reason=\"%s\"} 0",
             pm_refusal_text((enum pm_refusal_reason)i));
    assert_line(text, line);
  }
  assert_line(text, "pingmesh_mesh_bounds_violated_total{bound=\"I1\"} 0");
  assert_line(text, "pingmesh_mesh_bounds_violated_total{bound=\"I10\"} 0");
}

static void sinks_that_count_are_counted(void **state) {
  const char *text = write_all(*state);
  assert_line(text, "pingmesh_sink_taken_total{sink=\"otlp\"} 100");
  assert_line(text, "pingmesh_sink_dropped_total{sink=\"otlp\"} 7");
  assert_line(text, "pingmesh_sink_failed_total{sink=\"otlp\"} 2");
  assert_null(strstr(text, "sink=\"console\""));
}

static void clients_history_and_process(void **state) {
  const char *text = write_all(*state);
  assert_line(text, "pingmesh_connections 3");
  assert_line(text, "pingmesh_streams 1");
  assert_line(text, "pingmesh_connections_refused_total{reason=\"full\"} 4");
  assert_line(text, "pingmesh_connections_refused_total{reason=\"share\"} 5");
  assert_line(text, "pingmesh_connections_refused_total{reason=\"rate\"} 6");
  assert_line(text, "pingmesh_history_written_total 61");
  assert_line(text, "pingmesh_history_file_bytes 4096");
  assert_line(text, "pingmesh_targets 1");
  assert_line(text, "pingmesh_probes_in_flight 1");
  assert_line(text, "pingmesh_loop_lag_seconds 0.0025");
  assert_line(text, "pingmesh_requests_total 12");
  assert_line(text, "process_open_fds 9");
}

static void a_node_without_them_does_not_name_them(void **state) {
  struct fixture *f = *state;
  const struct pm_prometheus_view view = {
      .from = "Lab", .version = "1", .roster = f->roster, .series_max = 1000};
  pm_prometheus_write(&view, &f->out);
  assert_int_equal(pm_buf_status(&f->out), PM_OK);
  assert_line(f->out.data, "pingmesh_targets 0");
  assert_null(strstr(f->out.data, "pingmesh_mesh_"));
  assert_null(strstr(f->out.data, "pingmesh_sink_"));
  assert_null(strstr(f->out.data, "pingmesh_connections"));
  assert_null(strstr(f->out.data, "pingmesh_history_"));
}

/* Prometheus' text format: "# TYPE name …" once, and all lines of a name together behind it. A
 * histogram's lines have suffixes. */
static bool is_of(const char *line, const char *name, size_t length) {
  static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};
  if (strncmp(line, name, length) != 0) return false;
  for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
    const char *rest = line + length;
    size_t suffix = strlen(suffixes[i]);
    if (strncmp(rest, suffixes[i], suffix) == 0 && strchr("{ ", rest[suffix])) return true;
  }
  return false;
}

static void each_name_is_announced_once_before_its_series(void **state) {
  const char *text = write_all(*state), *name = "";
  size_t length = 0, families = 0;
  for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
    if (strncmp(line, "# TYPE ", 7) == 0) {
      char announced[160];
      name = line + 7;
      length = strcspn(name, " ");
      families++;
      snprintf(announced, sizeof(announced), "\n# TYPE %.*s ", (int)length, name);
      assert_null(strstr(name, announced));
    } else if (line[0] != '#' && !is_of(line, name, length)) {
      fail_msg("not of %.*s: %.*s", (int)length, name, (int)strcspn(line, "\n"), line);
    }
  }
  assert_true(families > 30);
}

static void a_buffer_that_is_full_stays_so(void **state) {
  struct fixture *f = *state;
  const struct pm_prometheus_view view = {
      .from = "Lab", .version = "1", .roster = f->roster, .series_max = 1000, .core = f->core};
  struct pm_buf small;
  pm_buf_init(&small, 100);
  pm_prometheus_write(&view, &small);
  assert_int_equal(pm_buf_status(&small), PM_ERR_FULL);
  assert_true(small.len <= 100);
  pm_buf_deinit(&small);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(the_mesh_is_counted_by_state),
      TEST(every_budget_reason_and_bound_has_a_series),
      TEST(sinks_that_count_are_counted),
      TEST(clients_history_and_process),
      TEST(a_node_without_them_does_not_name_them),
      TEST(each_name_is_announced_once_before_its_series),
      TEST(a_buffer_that_is_full_stays_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
