/* When a person is told that a peer's state changed: exactly once an incident, whatever flaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "publish/incident.h"

enum { EVENTS_MAX = 64, STEP_S = 10, RTT_MS = 100 };

static const struct pm_incident_config limits = {.down_after = 3,
                                                 .loss_percent = 20,
                                                 .rtt_ns = (int64_t)RTT_MS * PM_NS_PER_MS,
                                                 .window_s = 60,
                                                 .windows_bad = 3,
                                                 .windows_count = 5};

/* A target that is probed every STEP_S seconds: six probes a window. */
struct peer {
  struct pm_incident_config config;
  struct pm_incident_watch watch;
  struct pm_rng rng;
  struct pm_wall now;
  struct pm_incident_event events[EVENTS_MAX];
  size_t count;
};

static struct peer peer_of(struct pm_incident_config config) {
  struct peer peer = {.config = config, .now = {INT64_C(1795388400) * PM_NS_PER_S}};
  pm_rng_seed(&peer.rng, 1);
  return peer;
}

static void give(struct peer *peer, const struct pm_sample *sample) {
  struct pm_incident_event events[PM_INCIDENT_KIND_COUNT];
  struct pm_sample stamped = *sample;
  stamped.at = peer->now;
  size_t count = pm_incident_add(&peer->watch, &peer->config, &stamped, &peer->rng, events);
  assert_true(count <= PM_INCIDENT_KIND_COUNT && peer->count + count <= EVENTS_MAX);
  for (size_t i = 0; i < count; i++) peer->events[peer->count++] = events[i];
  peer->now.ns += (int64_t)STEP_S * PM_NS_PER_S;
}

static struct pm_sample success(int tcp_ms) {
  struct pm_sample sample = {.outcome = PM_OUTCOME_SUCCESS, .http_status = 200};
  sample.phase_ns[PM_PHASE_TCP] = (int64_t)tcp_ms * PM_NS_PER_MS;
  sample.phase_timed_by[PM_PHASE_TCP] = PM_TIMED_BY_KERNEL;
  return sample;
}

/* One letter a probe: '.' success, 'x' failure, 's' starved failure, 'i' a fault of ours, 'p'
 * policy, 'F' far, 'f' a little below the limit, 'l' far by our own clock while we starved. */
static void play(struct peer *peer, const char *probes) {
  for (; *probes != '\0'; probes++) {
    struct pm_sample sample = success(*probes == 'F' || *probes == 'l' ? 2 * RTT_MS
                                      : *probes == 'f'                 ? RTT_MS - 5
                                                                       : 1);
    if (*probes == ' ') continue;
    if (*probes == 'l') {
      sample.verdict = PM_VERDICT_STARVED;
      sample.phase_timed_by[PM_PHASE_TCP] = PM_TIMED_BY_LIBCURL;
    }
    if (strchr("xsip", *probes) != NULL)
      sample =
          (struct pm_sample){.outcome = *probes == 'i'   ? PM_OUTCOME_INTERNAL
                                        : *probes == 'p' ? PM_OUTCOME_POLICY
                                                         : PM_OUTCOME_TIMEOUT,
                             .verdict = *probes == 's' ? PM_VERDICT_STARVED : PM_VERDICT_CLEAN};
    give(peer, &sample);
  }
}

/* "down+ down-": what happened, in order. */
static void assert_events(const struct peer *peer, const char *expected) {
  char text[EVENTS_MAX * 8] = "";
  size_t at = 0;
  for (size_t i = 0; i < peer->count; i++)
    at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s%s", i ? " " : "",
                           pm_incident_kind_text(peer->events[i].kind),
                           peer->events[i].opened ? "+" : "-");
  assert_string_equal(text, expected);
}

static void test_stories(void **state) {
  (void)state;
  static const struct {
    const char *name, *probes, *events;
  } rows[] = {
      {"well", "...... ...... ...... ......", ""},
      {"two failures are no outage", "....xx ....xx ...... ......", ""},
      {"three are one", "...xxx", "down+"},
      {"once, however long", "xxxxxx xxxxxx xxxxxx xxxxxx xxxxxx xxxxxx xxxxxx", "down+"},
      {"one answer out of an outage is not its end", "xxx.xx.xxx.xx", "down+"},
      {"two are", "xxxxxx xxxx..", "down+ down-"},
      {"and again", "xxxx.. xxxx.. ......", "down+ down- down+ down-"},
      {"an outage is no loss besides", "xxxxxx xxxxxx xxxxxx xxxxxx xxxx.. ...... ......",
       "down+ down-"},
      {"loss in two windows of five is none", "x.x... x.x... ...... ...... ...... ......", ""},
      {"in three of five it is", "x.x... ...... x.x... ...... x.x... .", "loss+"},
      {"not if one of them left", "x.x... x.x... ...... ...... ...... x.x... ......", ""},
      {"it ends after three good windows", "x.x... x.x... x.x... ...... ...... ...... .",
       "loss+ loss-"},
      {"two and a bad one do not end it",
       "x.x... x.x... x.x... ...... ...... x.x... ...... ...... .", "loss+"},
      {"far", "FFFFFF FFFFFF FFFFFF F", "rtt+"},
      {"half of a window is not the median", "FFF... FFF... FFF... FFF... .", ""},
      {"more than half is", "FFFF.. FFFF.. FFFF.. .", "rtt+"},
      {"a little better does not end it", "FFFFFF FFFFFF FFFFFF ffffff ffffff ffffff ffffff f",
       "rtt+"},
      {"clearly better does", "FFFFFF FFFFFF FFFFFF ...... ...... ...... .", "rtt+ rtt-"},
      {"starved failures say nothing", "ssssss ssssss ssssss ssssss ssssss s", ""},
      {"nor do they end a row", "xsssxsssx", "down+"},
      {"starved times say nothing", "llllll llllll llllll llllll llllll l", ""},
      {"faults of ours and policy say nothing", "iiiiii pppppp iiiiii pppppp iiiiii p", ""},
      {"both at once", "Fx.xFF Fx.xFF FxFxFF FFx.xx .", "loss+ rtt+"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct peer peer = peer_of(limits);
    play(&peer, rows[i].probes);
    printf("%s\n", rows[i].name);
    assert_events(&peer, rows[i].events);
  }
}

static void test_the_end_names_the_beginning(void **state) {
  (void)state;
  struct peer peer = peer_of(limits);
  play(&peer, ".xxxxx ..xxx. .");
  assert_events(&peer, "down+ down- down+ down-");
  const struct pm_incident_event *e = peer.events;
  assert_string_equal(e[0].id, e[1].id);
  assert_string_equal(e[0].own, e[0].id);
  assert_string_not_equal(e[1].own, e[1].id);
  assert_string_not_equal(e[0].id, e[2].id);
  assert_int_equal(strlen(e[0].id), 32);
  assert_int_equal(strspn(e[0].id, "0123456789abcdef"), 32);
  assert_int_equal(e[0].figures.failures_in_a_row, 3);
  assert_int_equal(e[1].figures.failures_in_a_row, 5);
  assert_int_equal((e[0].at.ns - INT64_C(1795388400) * PM_NS_PER_S) / PM_NS_PER_S, 30);
  assert_int_equal(e[1].opened_at.ns, e[0].at.ns);
  assert_int_equal((e[1].at.ns - e[1].opened_at.ns) / PM_NS_PER_S, 40);
}

static void test_a_window_s_figures(void **state) {
  (void)state;
  struct peer peer = peer_of(limits);
  play(&peer, "x.x... x.x... x.xx.. ......");
  assert_events(&peer, "loss+");
  assert_int_equal(peer.events[0].figures.probes, 6);
  assert_int_equal(peer.events[0].figures.failed, 3);
  assert_int_equal(peer.events[0].figures.timed, 3);
  assert_int_equal(peer.events[0].figures.rtt_sum_ns, 3 * PM_NS_PER_MS);
}

static void test_a_target_that_leaves_closes_what_is_open(void **state) {
  (void)state;
  struct pm_incident_event events[PM_INCIDENT_KIND_COUNT];
  struct peer peer = peer_of(limits);
  play(&peer, "FFFFFF FFFFFF FFFFFF xxx");
  assert_events(&peer, "rtt+ down+");
  assert_int_equal(pm_incident_end(&peer.watch, peer.now, &peer.rng, events), 2);
  assert_int_equal(events[0].kind, PM_INCIDENT_DOWN);
  assert_int_equal(events[1].kind, PM_INCIDENT_RTT);
  for (int i = 0; i < 2; i++) assert_true(events[i].removed && !events[i].opened);
  assert_string_equal(events[1].id, peer.events[0].id);
  assert_int_equal(pm_incident_end(&peer.watch, peer.now, &peer.rng, events), 0);
}

static void test_each_kind_can_be_switched_off(void **state) {
  (void)state;
  struct pm_incident_config none = limits;
  none.down_after = 0;
  none.loss_percent = none.rtt_ns = 0;
  struct peer peer = peer_of(none);
  play(&peer, "xxxxxx FFFFFF xxxxxx FFFFFF xxxxxx FFFFFF xxxxxx FFFFFF");
  assert_events(&peer, "");
}

/* Whatever comes, openings and closings of a kind alternate, and a thousand hours of a path that
 * flaps at every probe are few events. */
static void test_a_path_that_flaps(void **state) {
  (void)state;
  struct peer peer = peer_of(limits);
  struct pm_rng dice;
  bool open[PM_INCIDENT_KIND_COUNT] = {false};
  unsigned events = 0;
  pm_rng_seed(&dice, 7);
  for (int i = 0; i < 360000; i++) {
    peer.count = 0;
    play(&peer, pm_rng_below(&dice, 2) ? "." : "x");
    for (size_t at = 0; at < peer.count; at++, events++) {
      enum pm_incident_kind kind = peer.events[at].kind;
      assert_int_not_equal(open[kind], peer.events[at].opened);
      open[kind] = peer.events[at].opened;
    }
  }
  /* Half of the probes fail: rows of three and of two alternate, about every fourteen probes. */
  assert_in_range(events, 10000, 60000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stories),
      cmocka_unit_test(test_the_end_names_the_beginning),
      cmocka_unit_test(test_a_window_s_figures),
      cmocka_unit_test(test_a_target_that_leaves_closes_what_is_open),
      cmocka_unit_test(test_each_kind_can_be_switched_off),
      cmocka_unit_test(test_a_path_that_flaps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
