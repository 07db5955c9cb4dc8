#include "publish/console_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/json_write.h"

enum {
  STATUS_WITHOUT_ANSWER = 502, /* as the original names it */
  LOCATION_COLUMN = 20,
};

/* The phases in the order of the columns, which is the enum's. */
_Static_assert(PM_PHASE_DNS == 0 && PM_PHASE_TCP == 1 && PM_PHASE_TLS == 2 && PM_PHASE_FIRST == 3 &&
                   PM_PHASE_LAST == 4 && PM_PHASE_TOTAL == 5 && PM_PHASE_COUNT == 6,
               "the console's columns follow the phases");

static double to_ms(int64_t ns) {
  return (double)ns / PM_NS_PER_MS;
}

static void write_text(struct pm_buf *out, const char *text) {
  pm_escape_line(out, text, strlen(text));
}

/* The original names the address once it is connected to; where that failed it names none. */
static void write_remote(struct pm_buf *out, const struct pm_sample *sample) {
  char text[PM_IP_TEXT_BYTES];
  if (sample->outcome == PM_OUTCOME_CONNECT || sample->outcome == PM_OUTCOME_POLICY) return;
  pm_ip_text(&sample->remote, text);
  pm_buf_text(out, text);
}

void pm_console_line_header(struct pm_buf *out) {
  pm_buf_text(out, "# timestamp\tDNS\tTCP\tTLS\tFirst\tLastB\tTotal\tHTTP\tSize\tFrom_Location\t"
                   "Remote_Addr\tproto://uri\n");
}

void pm_console_line_columns(struct pm_buf *out, const struct pm_target *target,
                             const struct pm_sample *sample) {
  bool answered = sample->http_status != 0;
  pm_buf_printf(out, "%" PRIu64 " %" PRId64, target->stats.successes, sample->at.ns / PM_NS_PER_S);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    pm_buf_printf(out, "\t%.3f", to_ms(sample->phase_ns[phase]));
  }
  pm_buf_printf(out, "\t%03d\t%" PRIu64 "\t",
                answered ? sample->http_status : STATUS_WITHOUT_ANSWER,
                answered ? sample->body_bytes : 0);
  write_text(out, pm_target_own_word(target));
  pm_buf_char(out, '\t');
  write_remote(out, sample);
  pm_buf_char(out, '\t');
  write_text(out, target->spec.endpoint.url);
  pm_buf_char(out, '\n');
}

void pm_console_line_short(struct pm_buf *out, const struct pm_target *target,
                           const struct pm_sample *sample) {
  pm_buf_printf(out, "%3" PRIu64 " %8.3f msec ", target->stats.successes,
                to_ms(sample->phase_ns[PM_PHASE_TCP]));
  const char *location = pm_target_own_word(target);
  pm_escape_line_right(out, location, strlen(location), LOCATION_COLUMN);
  pm_buf_char(out, ' ');
  write_remote(out, sample);
  pm_buf_char(out, '\n');
}

static void write_failed_summary(struct pm_buf *out, const struct pm_target *target) {
  pm_buf_printf(out, "\nRecorded 0 valid samples, %" PRIu64 " of %" PRId64 " failures\n",
                target->stats.failures, pm_target_fail_limit(target));
}

/* `N elapsed` and the averages; the column of the code stays empty. */
static void write_averages(struct pm_buf *out, const struct pm_target *target,
                           const char *elapsed) {
  const struct pm_stats *stats = &target->stats;
  pm_buf_printf(out, "%" PRIu64 " %-6s", stats->successes, elapsed);
  for (int phase = 0; phase < PM_PHASE_COUNT; phase++) {
    pm_buf_printf(out, "\t%.3f", to_ms(stats->phases[phase].sum_ns) / (double)stats->successes);
  }
  pm_buf_printf(out, "\t\t%" PRIu64 "\t", stats->body_bytes / stats->successes);
  write_text(out, pm_target_own_word(target));
  pm_buf_char(out, '\t');
  write_text(out, target->spec.endpoint.url);
  pm_buf_text(out, "\n\n");
}

void pm_console_line_summary(struct pm_buf *out, const struct pm_target *target,
                             struct pm_wall now) {
  char elapsed[PM_TIME_TEXT_BYTES];
  if (target->stats.successes == 0) {
    write_failed_summary(out, target);
    return;
  }
  /* Whole seconds of both, as the original subtracts them: "4s" for five samples a second apart. */
  pm_duration_text(now.ns / PM_NS_PER_S - target->stats.first_success.ns / PM_NS_PER_S, elapsed);
  pm_buf_printf(out, "\nRecorded %" PRIu64 " samples in %s, average values:\n",
                target->stats.successes, elapsed);
  pm_console_line_header(out);
  write_averages(out, target, elapsed);
}

static void put_phases(struct pm_json_writer *w, const struct pm_sample *sample) {
  for (enum pm_phase phase = 0; phase < PM_PHASE_COUNT; phase++) {
    char name[16];
    snprintf(name, sizeof(name), "%s_ns", pm_phase_text(phase));
    pm_json_put_int(w, name, sample->phase_ns[phase]);
  }
  pm_json_object_begin(w, "timed_by");
  for (enum pm_phase phase = 0; phase < PM_PHASE_COUNT; phase++) {
    bool kernel = sample->phase_timed_by[phase] == PM_TIMED_BY_KERNEL;
    pm_json_put_string(w, pm_phase_text(phase), kernel ? "kernel" : "libcurl");
  }
  pm_json_object_end(w);
}

static void put_connection(struct pm_json_writer *w,
                           const struct pm_sample_connection *connection) {
  if (!connection->known) {
    pm_json_put_null(w, "connection");
    return;
  }
  pm_json_object_begin(w, "connection");
  pm_json_put_uint(w, "syns_sent", connection->syns_sent);
  pm_json_put_bool(w, "syn_answered", connection->syn_answered);
  pm_json_put_uint(w, "data_segments_sent", connection->data_segments_sent);
  pm_json_put_uint(w, "data_retransmits", connection->data_retransmits);
  pm_json_put_int(w, "min_rtt_ns", connection->min_rtt_ns);
  pm_json_object_end(w);
}

static void put_far_end(struct pm_json_writer *w, const struct pm_sample *sample) {
  if (!sample->far_end.known) {
    pm_json_put_null(w, "far_end_ns");
    pm_json_put_null(w, "first_network_ns");
    return;
  }
  pm_json_put_int(w, "far_end_ns", sample->far_end.spent_ns);
  pm_json_put_int(w, "first_network_ns",
                  sample->phase_ns[PM_PHASE_FIRST] - sample->far_end.spent_ns);
}

static void put_trust(struct pm_json_writer *w, const struct pm_sample *sample) {
  pm_json_put_string(w, "verdict", pm_verdict_text(sample->verdict));
  pm_json_put_int(w, "loop_lag_ns", sample->loop_lag_ns);
  pm_json_put_int(w, "run_delay_ns", sample->run_delay_ns);
  pm_json_put_int(w, "libcurl_tcp_ns", sample->libcurl_tcp_ns);
  pm_json_put_int(w, "tls_wait_ns", sample->tls_wait_ns);
  put_far_end(w, sample);
  put_connection(w, &sample->connection);
}

void pm_console_line_json(struct pm_buf *out, const char *from, const struct pm_target *target,
                          const struct pm_sample *sample) {
  struct pm_json_writer w;
  char remote[PM_IP_TEXT_BYTES];
  pm_ip_text(&sample->remote, remote);
  pm_json_writer_init(&w, out, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_wall(&w, "time", sample->at, true);
  pm_json_put_string(&w, "from", from);
  pm_json_put_string(&w, "to", pm_target_location(target));
  pm_json_put_string(&w, "url", target->spec.endpoint.url);
  pm_json_put_string_or_null(&w, "remote", remote);
  pm_json_put_string(&w, "outcome", pm_outcome_text(sample->outcome));
  pm_json_put_int(&w, "status", sample->http_status);
  pm_json_put_uint(&w, "bytes", sample->body_bytes);
  put_phases(&w, sample);
  put_trust(&w, sample);
  if (sample->tls) {
    pm_json_put_bool(&w, "tls_verified", sample->tls_verified);
  } else {
    pm_json_put_null(&w, "tls_verified");
  }
  pm_json_put_uint(&w, "successes", target->stats.successes);
  pm_json_put_uint(&w, "failures_in_a_row", target->stats.failures_in_a_row);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}
