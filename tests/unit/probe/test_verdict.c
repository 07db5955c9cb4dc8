#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/verdict.h"

#define MS(n) ((int64_t)(n)*PM_NS_PER_MS)

static void what_a_verdict_rests_on(void **state) {
  (void)state;
  static const struct {
    int64_t lag_ns, run_delay_ns, total_ns;
    struct pm_sample_connection connection;
    enum pm_verdict verdict;
  } table[] = {
      {0, 0, MS(20), {.known = true, .syns_sent = 1}, PM_VERDICT_CLEAN},
      {MS(1), 0, MS(20), {.known = true, .syns_sent = 1}, PM_VERDICT_CLEAN},
      {MS(1) + 1, 0, MS(20), {.known = true, .syns_sent = 1}, PM_VERDICT_STARVED},
      /* 3 ms of the thread's waiting are a tenth of 30 ms, and little of 300 ms. */
      {0, MS(3), MS(29), {.known = true, .syns_sent = 1}, PM_VERDICT_STARVED},
      {0, MS(3), MS(300), {.known = true, .syns_sent = 1}, PM_VERDICT_CLEAN},
      {0, MS(1), MS(2), {.known = true, .syns_sent = 1}, PM_VERDICT_CLEAN},
      {0, 0, MS(20), {.known = true, .syns_sent = 2}, PM_VERDICT_RETRANSMITTED},
      {0,
       0,
       MS(20),
       {.known = true, .syns_sent = 1, .data_retransmits = 1},
       PM_VERDICT_RETRANSMITTED},
      {MS(2), 0, MS(20), {.known = true, .syns_sent = 2}, PM_VERDICT_STARVED},
      {0, 0, MS(20), {.known = false, .syns_sent = 2}, PM_VERDICT_CLEAN},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct pm_sample sample = {
        .loop_lag_ns = table[i].lag_ns,
        .run_delay_ns = table[i].run_delay_ns,
        .phase_ns = {[PM_PHASE_TOTAL] = table[i].total_ns},
        .connection = table[i].connection,
    };
    enum pm_verdict verdict = pm_verdict_of(&sample);
    if (verdict != table[i].verdict) fail_msg("row %zu: %s", i, pm_verdict_text(verdict));
  }
}

static void whose_a_time_out_is(void **state) {
  (void)state;
  static const struct {
    bool unseen;
    int64_t withheld_ns, run_delay_ns, limit_ns;
    bool ours;
  } table[] = {
      {false, 0, 0, MS(1000), false},           {true, 0, 0, MS(1000), true},
      {false, MS(500), 0, MS(1000), false},     {false, MS(501), 0, MS(1000), true},
      {false, 0, MS(501), MS(1000), true},      {false, MS(400), MS(400), MS(1000), false},
      {false, MS(95), MS(95), MS(8000), false}, /* a quota's pause in front of a dead host */
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    bool ours = pm_verdict_timeout_is_ours(table[i].unseen, table[i].withheld_ns,
                                           table[i].run_delay_ns, table[i].limit_ns);
    if (ours != table[i].ours) fail_msg("row %zu", i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_verdict_rests_on),
      cmocka_unit_test(whose_a_time_out_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
