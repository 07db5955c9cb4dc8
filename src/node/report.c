#include "node/report.h"

/* A terminal's scrolling that one can still follow; at the worst some 250 MB a day. */
enum { FAILURE_MS = 100, FAILURES_BURST = 100 };

void pm_report_budget_init(struct pm_log_budget *failures, struct pm_time now) {
  pm_log_budget_init(failures, FAILURE_MS, FAILURES_BURST, now);
}

static bool may_speak(const struct pm_log *log, struct pm_log_budget *failures) {
  uint64_t unsaid;
  if (!pm_log_budget_take(failures, pm_clock_now(), &unsaid)) return false;
  if (unsaid)
    pm_log(log, PM_LOG_INFO, "%llu more probes failed meanwhile", (unsigned long long)unsaid);
  return true;
}

static void report_failure(const struct pm_log *log, struct pm_log_budget *failures,
                           const char *location, const struct pm_target *target,
                           const struct pm_sample *sample, const char *detail) {
  char host[PM_HOST_PORT_BYTES];
  pm_endpoint_host_port(&target->spec.endpoint, host);
  const char *url = target->spec.endpoint.url;
  long long in_a_row = target->stats.failures_in_a_row;
  long long limit = pm_target_fail_limit(target);
  bool counts = sample->outcome != PM_OUTCOME_INTERNAL;
  /* One that was given up already is tried rarely, and its failures are no news. */
  bool is_news = in_a_row < limit || (in_a_row == limit && counts);
  enum pm_log_level level = is_news ? PM_LOG_INFO : PM_LOG_DEBUG;
  if (level > log->level) return;
  if (!(is_news && in_a_row == limit) && !may_speak(log, failures)) return;
  pm_log(log, level, "%s", detail);
  if (in_a_row < limit)
    pm_log(log, level, "%s to %s HTTP %d failure %lld of %lld on %s", location, host,
           target->stats.latest_status, in_a_row, limit, url);
  else
    pm_log(log, level, "%s to %s: HTTP error %d hit failure limit %lld on %s, Ping quitting",
           location, host, target->stats.latest_status, limit, url);
}

void pm_report_added(const struct pm_log *log, const struct pm_target_spec *spec) {
  pm_log(log, PM_LOG_VERBOSE, "ping %s%s%s%s", spec->endpoint.url,
         spec->endpoint.location[0] ? "#" : "", spec->endpoint.location,
         spec->insecure ? " (certificate not verified)" : "");
}

void pm_report_sample(const struct pm_log *log, struct pm_log_budget *failures,
                      const char *location, const struct pm_target *target,
                      const struct pm_sample *sample, const char *detail) {
  if (sample->outcome != PM_OUTCOME_SUCCESS)
    report_failure(log, failures, location, target, sample, detail);
  else if (target->stats.successes == 1 && target->location[0] &&
           !target->spec.endpoint.location[0])
    pm_log(log, PM_LOG_VERBOSE, "Initialize remote location to %s", target->location);
}

void pm_report_ended(const struct pm_log *log, const struct pm_target *target) {
  const struct pm_endpoint *endpoint = &target->spec.endpoint;
  char ip[PM_IP_TEXT_BYTES];
  pm_ip_text(&target->stats.remote, ip);
  pm_log(log, PM_LOG_VERBOSE, "Deleted pinger for %s%s%s on %s in %s", endpoint->url,
         endpoint->location[0] ? "#" : "", endpoint->location, ip, pm_target_location(target));
}

void pm_report_came_back(const struct pm_log *log, const struct pm_target *target) {
  pm_log(log, PM_LOG_INFO, "%s answers again", target->spec.endpoint.url);
}
