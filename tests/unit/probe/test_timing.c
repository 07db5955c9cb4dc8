/* From what was seen of a connection to a sample's phases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/timing.h"

#define US(n) ((int64_t)(n)*PM_NS_PER_US)

/* As libcurl told it: every phase came to its end, and took longer than the kernel says. */
static struct pm_sample libcurls(void) {
  return (struct pm_sample){
      .phase_ns = {0, US(900), US(2500), US(700), US(50), US(4300)},
      .tls = true,
  };
}

static struct pm_trace whole_trace(void) {
  return (struct pm_trace){
      .on = true,
      .https = true,
      .connected = {.known = true, .established = true, .segments_received = 1, .rtt_ns = US(210)},
      .ended = {.known = true,
                .established = true,
                .segments_received = 9,
                .data_segments_sent = 4,
                .min_rtt_ns = US(190)},
      .sending = {.time = {1}, .wall = {1}},
      .sent = true,
      .sending_ns = US(30),
      .answering = true,
      .first_ns = US(600),
      .tls_wait_ns = US(800),
      .lag_max_ns = US(80),
  };
}

static void expect_phase(const struct pm_sample *sample, enum pm_phase phase, int64_t ns,
                         enum pm_timed_by by) {
  assert_int_equal(sample->phase_ns[phase], ns);
  assert_int_equal(sample->phase_timed_by[phase], by);
}

static void the_kernels_times_take_the_place_of_libcurls(void **state) {
  (void)state;
  struct pm_sample sample = libcurls();
  struct pm_trace trace = whole_trace();
  pm_timing_apply(&trace, &sample);
  expect_phase(&sample, PM_PHASE_TCP, US(210), PM_TIMED_BY_KERNEL);
  expect_phase(&sample, PM_PHASE_TLS, US(2500), PM_TIMED_BY_LIBCURL);
  expect_phase(&sample, PM_PHASE_FIRST, US(600), PM_TIMED_BY_KERNEL);
  expect_phase(&sample, PM_PHASE_LAST, US(50), PM_TIMED_BY_LIBCURL);
  expect_phase(&sample, PM_PHASE_TOTAL, US(4300), PM_TIMED_BY_LIBCURL);
  assert_int_equal(sample.tls_wait_ns, US(800));
  assert_int_equal(sample.libcurl_tcp_ns, US(900));
  assert_int_equal(sample.loop_lag_ns, US(80));
  assert_true(sample.connection.known);
  assert_int_equal(sample.connection.syns_sent, 1);
  assert_int_equal(sample.connection.data_segments_sent, 4);
  assert_int_equal(sample.connection.data_retransmits, 0);
  assert_int_equal(sample.connection.min_rtt_ns, US(190));
}

static void without_the_kernel_libcurls_stay(void **state) {
  (void)state;
  struct pm_sample sample = libcurls();
  struct pm_trace trace = whole_trace();
  trace.on = false;
  pm_timing_apply(&trace, &sample);
  for (int i = 0; i < PM_PHASE_COUNT; i++) {
    assert_int_equal(sample.phase_ns[i], libcurls().phase_ns[i]);
    assert_int_equal(sample.phase_timed_by[i], PM_TIMED_BY_LIBCURL);
  }
  assert_int_equal(sample.libcurl_tcp_ns, US(900));
  assert_false(sample.connection.known);
}

/* Each thing that the kernel may leave out costs that phase alone. */
static void what_the_kernel_leaves_out_is_libcurls(void **state) {
  (void)state;
  struct pm_trace traces[3];
  static const enum pm_phase missing[] = {PM_PHASE_TCP, PM_PHASE_FIRST, PM_PHASE_FIRST};
  static const enum pm_phase there[] = {PM_PHASE_FIRST, PM_PHASE_TCP, PM_PHASE_TCP};
  for (size_t i = 0; i < 3; i++) traces[i] = whole_trace();
  traces[0].connected.rtt_ns = 0;
  traces[1].first_ns = 0;
  traces[2].answering = false;
  for (size_t i = 0; i < 3; i++) {
    struct pm_sample sample = libcurls();
    pm_timing_apply(&traces[i], &sample);
    expect_phase(&sample, missing[i], libcurls().phase_ns[missing[i]], PM_TIMED_BY_LIBCURL);
    assert_int_equal(sample.phase_timed_by[there[i]], PM_TIMED_BY_KERNEL);
  }
}

static void a_handshakes_wait_is_known_of_a_whole_one_and_never_longer(void **state) {
  (void)state;
  static const struct {
    int64_t wait_ns, sending_ns, known_ns;
  } table[] = {{US(2500), 1, US(2500)}, {US(2501), 1, 0}, {0, 1, 0}, {US(800), 0, 0}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct pm_sample sample = libcurls();
    struct pm_trace trace = whole_trace();
    trace.tls_wait_ns = table[i].wait_ns;
    trace.sending.time.ns = table[i].sending_ns;
    pm_timing_apply(&trace, &sample);
    assert_int_equal(sample.tls_wait_ns, table[i].known_ns);
  }
}

/* Whether a wait could be timed or not, the published series of handshakes has one meaning: the
 * whole of them, and none of a node that starved. */
static void the_tls_phase_has_one_meaning(void **state) {
  (void)state;
  struct pm_sample with = libcurls(), without = libcurls();
  struct pm_trace trace = whole_trace();
  pm_timing_apply(&trace, &with);
  trace.tls_wait_ns = 0;
  pm_timing_apply(&trace, &without);
  assert_int_equal(with.phase_ns[PM_PHASE_TLS], without.phase_ns[PM_PHASE_TLS]);
  assert_true(pm_sample_publishes(&with, PM_PHASE_TLS));
  with.verdict = PM_VERDICT_STARVED;
  assert_false(pm_sample_publishes(&with, PM_PHASE_TLS));
  assert_true(pm_sample_publishes(&with, PM_PHASE_TCP));
}

/* After a SYN was sent again its round trip is known to a millisecond, or not at all. */
static void after_a_lost_syn_the_smallest_round_trip_counts(void **state) {
  (void)state;
  static const struct {
    int64_t rtt_ns, min_rtt_ns, tcp_ns;
    enum pm_timed_by by;
  } table[] = {
      {US(1000), US(190), US(190), PM_TIMED_BY_KERNEL},
      {US(1000), US(1000), US(1000), PM_TIMED_BY_KERNEL},
      {0, US(190), US(190), PM_TIMED_BY_KERNEL},
      {US(1000), 0, US(1000), PM_TIMED_BY_KERNEL},
      {0, 0, US(900), PM_TIMED_BY_LIBCURL},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct pm_sample sample = libcurls();
    struct pm_trace trace = whole_trace();
    trace.connected.retransmits = trace.ended.retransmits = 1;
    trace.connected.rtt_ns = table[i].rtt_ns;
    trace.ended.min_rtt_ns = table[i].min_rtt_ns;
    pm_timing_apply(&trace, &sample);
    expect_phase(&sample, PM_PHASE_TCP, table[i].tcp_ns, table[i].by);
    assert_int_equal(sample.connection.syns_sent, 2);
    assert_int_equal(sample.connection.data_retransmits, 0);
  }
}

static void retransmissions_are_told_apart(void **state) {
  (void)state;
  static const struct {
    uint32_t at_first, at_end, spurious, syns, data;
  } table[] = {{0, 0, 0, 1, 0}, {2, 2, 0, 3, 0}, {1, 4, 0, 2, 3}, {0, 3, 1, 1, 2}, {0, 1, 2, 1, 0}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct pm_sample sample = libcurls();
    struct pm_trace trace = whole_trace();
    trace.connected.retransmits = table[i].at_first;
    trace.ended.retransmits = table[i].at_end;
    trace.ended.spurious = table[i].spurious;
    pm_timing_apply(&trace, &sample);
    assert_int_equal(sample.connection.syns_sent, table[i].syns);
    assert_int_equal(sample.connection.data_retransmits, table[i].data);
  }
}

static void a_syn_that_nobody_answered(void **state) {
  (void)state;
  struct pm_sample sample = {.phase_ns = {[PM_PHASE_TCP] = US(8000000)}};
  struct pm_trace trace = {.on = true, .ended = {.known = true, .retransmits = 3}};
  pm_timing_apply(&trace, &sample);
  expect_phase(&sample, PM_PHASE_TCP, US(8000000), PM_TIMED_BY_LIBCURL);
  assert_int_equal(sample.connection.syns_sent, 4);
  assert_false(sample.connection.syn_answered);
}

static void long_sending_is_lag_and_leaves_the_first_byte_in_doubt(void **state) {
  (void)state;
  struct pm_sample sample = libcurls();
  struct pm_trace trace = whole_trace();
  trace.sending_ns = US(9000);
  pm_timing_apply(&trace, &sample);
  assert_int_equal(sample.loop_lag_ns, US(9000));
  expect_phase(&sample, PM_PHASE_FIRST, US(700), PM_TIMED_BY_LIBCURL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_kernels_times_take_the_place_of_libcurls),
      cmocka_unit_test(without_the_kernel_libcurls_stay),
      cmocka_unit_test(what_the_kernel_leaves_out_is_libcurls),
      cmocka_unit_test(a_handshakes_wait_is_known_of_a_whole_one_and_never_longer),
      cmocka_unit_test(the_tls_phase_has_one_meaning),
      cmocka_unit_test(after_a_lost_syn_the_smallest_round_trip_counts),
      cmocka_unit_test(retransmissions_are_told_apart),
      cmocka_unit_test(a_syn_that_nobody_answered),
      cmocka_unit_test(long_sending_is_lag_and_leaves_the_first_byte_in_doubt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
