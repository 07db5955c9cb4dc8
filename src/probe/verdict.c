#include "probe/verdict.h"

static bool starved(const struct pm_sample *sample) {
  if (sample->loop_lag_ns > PM_VERDICT_LAG_NS_MAX) return true;
  int64_t lasted_ns = sample->phase_ns[PM_PHASE_DNS] + sample->phase_ns[PM_PHASE_TOTAL];
  return sample->run_delay_ns > PM_VERDICT_LAG_NS_MAX &&
         sample->run_delay_ns > lasted_ns / PM_VERDICT_RUN_DELAY_SHARE_MIN;
}

enum pm_verdict pm_verdict_of(const struct pm_sample *sample) {
  const struct pm_sample_connection *connection = &sample->connection;
  if (starved(sample)) return PM_VERDICT_STARVED;
  bool again = connection->syns_sent > 1 || connection->data_retransmits > 0;
  return connection->known && again ? PM_VERDICT_RETRANSMITTED : PM_VERDICT_CLEAN;
}

bool pm_verdict_timeout_is_ours(bool unseen, int64_t withheld_ns, int64_t run_delay_ns,
                                int64_t limit_ns) {
  int64_t lost_ns = withheld_ns > run_delay_ns ? withheld_ns : run_delay_ns;
  return unseen || lost_ns > limit_ns / PM_VERDICT_PATH_SHARE_MIN;
}
