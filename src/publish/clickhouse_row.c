#include "publish/clickhouse_row.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/json_write.h"

enum { WORDS_BYTES_MAX = 240 };

/* --- rows --------------------------------------------------------------------------------------
 */

static void put_flag(struct pm_json_writer *w, const char *name, bool value) {
  pm_json_put_uint(w, name, value);
}

/* A DateTime in text is a time of the server's zone, unless it is a number of seconds. */
static void put_times(struct pm_json_writer *w, struct pm_wall at) {
  char seconds[24];
  snprintf(seconds, sizeof(seconds), "%010lld", (long long)(at.ns / PM_NS_PER_S));
  pm_json_put_string(w, "at", seconds);
  pm_json_put_int(w, "at_ns", at.ns);
}

static void put_phases(struct pm_json_writer *w, const struct pm_sample *sample) {
  char name[24];
  for (enum pm_phase phase = 0; phase < PM_PHASE_COUNT; phase++) {
    snprintf(name, sizeof(name), "%s_ns", pm_phase_text(phase));
    pm_json_put_int(w, name, sample->phase_ns[phase]);
  }
  put_flag(w, "tcp_by_kernel", sample->phase_timed_by[PM_PHASE_TCP] == PM_TIMED_BY_KERNEL);
  put_flag(w, "first_by_kernel", sample->phase_timed_by[PM_PHASE_FIRST] == PM_TIMED_BY_KERNEL);
}

static void put_connection(struct pm_json_writer *w, const struct pm_sample *sample) {
  const struct pm_sample_connection *connection = &sample->connection;
  put_flag(w, "connection_known", connection->known);
  pm_json_put_uint(w, "syns_sent", connection->syns_sent);
  put_flag(w, "syn_answered", connection->syn_answered);
  pm_json_put_uint(w, "segments_sent", connection->data_segments_sent);
  pm_json_put_uint(w, "segments_resent", connection->data_retransmits);
  pm_json_put_int(w, "min_rtt_ns", connection->min_rtt_ns);
  put_flag(w, "far_end_known", sample->far_end.known);
  pm_json_put_int(w, "far_end_ns", sample->far_end.known ? sample->far_end.spent_ns : 0);
  put_flag(w, "tls", sample->tls);
  put_flag(w, "tls_verified", sample->tls_verified);
}

void pm_clickhouse_row(const struct pm_clickhouse_origin *origin, const struct pm_target *target,
                       const struct pm_sample *sample, struct pm_buf *out) {
  struct pm_json_writer w;
  char remote[PM_IP_TEXT_BYTES];
  pm_ip_text(&sample->remote, remote);
  pm_json_writer_init(&w, out, false);
  pm_json_object_begin(&w, NULL);
  pm_json_put_uint(&w, "node", origin->node);
  pm_json_put_uint(&w, "seq", origin->seq);
  put_times(&w, sample->at);
  pm_json_put_string(&w, "from_location", origin->from);
  pm_json_put_string(&w, "to_location", pm_target_location(target));
  pm_json_put_string(&w, "target", target->spec.endpoint.url);
  pm_json_put_string(&w, "remote", remote);
  pm_json_put_string(&w, "outcome", pm_outcome_text(sample->outcome));
  pm_json_put_int(&w, "status", sample->http_status);
  pm_json_put_uint(&w, "bytes", sample->body_bytes);
  put_phases(&w, sample);
  pm_json_put_string(&w, "verdict", pm_verdict_text(sample->verdict));
  pm_json_put_int(&w, "loop_lag_ns", sample->loop_lag_ns);
  pm_json_put_int(&w, "run_delay_ns", sample->run_delay_ns);
  pm_json_put_int(&w, "libcurl_tcp_ns", sample->libcurl_tcp_ns);
  pm_json_put_int(&w, "tls_wait_ns", sample->tls_wait_ns);
  put_connection(&w, sample);
  pm_json_put_uint(&w, "failures_in_a_row", target->stats.failures_in_a_row);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}

/* --- the URL ------------------------------------------------------------------------------------
 */

static bool is_table(const char *table) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  size_t first = strspn(table, letters);
  if (first == 0) return false;
  if (table[first] == '\0') return true;
  size_t second = table[first] == '.' ? strspn(table + first + 1, letters) : 0;
  return second > 0 && table[first + 1 + second] == '\0';
}

enum pm_err pm_clickhouse_url(const char *base, const char *table, struct pm_buf *out,
                              struct pm_why *why) {
  const char *host = strstr(base, "://");
  if (!is_table(table))
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "--clickhouse-table: \"%s\" is not of the form database.table", table);
  bool has_query = strchr(base, '?') != NULL;
  bool has_path = host != NULL && strchr(host + 3, '/') != NULL;
  pm_buf_printf(out,
                "%s%s%cquery=INSERT%%20INTO%%20%s%%20FORMAT%%20JSONEachRow"
                "&input_format_skip_unknown_fields=1",
                base, has_path || has_query ? "" : "/", has_query ? '&' : '?', table);
  return pm_buf_status(out);
}

/* --- answers ------------------------------------------------------------------------------------
 */

/* "Code: 60, e.displayText() = …" of old servers, "Code: 60. DB::Exception: …" of new ones; 0:
 * none.
 */
static unsigned code_of(const char *body) {
  static const char mark[] = "Code: ";
  unsigned code = 0;
  const char *at = strstr(body, mark);
  if (at == NULL) return 0;
  at += sizeof(mark) - 1;
  for (int digits = 0; *at >= '0' && *at <= '9' && digits < 6; at++, digits++)
    code = code * 10 + (unsigned)(*at - '0');
  return code;
}

/* The server's codes (its file ErrorCodes.cpp) for rows or a request that it will never take. */
static bool is_for_good(unsigned code) {
  static const unsigned codes[] = {
      6,   /* CANNOT_PARSE_TEXT */
      16,  /* NO_SUCH_COLUMN_IN_TABLE */
      26,  /* CANNOT_PARSE_QUOTED_STRING */
      27,  /* CANNOT_PARSE_INPUT_ASSERTION_FAILED */
      38,  /* CANNOT_PARSE_DATE */
      41,  /* CANNOT_PARSE_DATETIME */
      53,  /* TYPE_MISMATCH */
      62,  /* SYNTAX_ERROR */
      72,  /* CANNOT_PARSE_NUMBER */
      115, /* UNKNOWN_SETTING */
      117, /* INCORRECT_DATA */
  };
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    if (codes[i] == code) return true;
  return false;
}

static enum pm_delivery_verdict say(struct pm_why *words, enum pm_delivery_verdict verdict,
                                    int status, const char *body) {
  struct pm_buf line;
  size_t bytes = strcspn(body, "\n");
  pm_buf_init(&line, 4 * WORDS_BYTES_MAX);
  pm_escape_line(&line, body, bytes < WORDS_BYTES_MAX ? bytes : WORDS_BYTES_MAX);
  pm_why_set(words, PM_ERR_IO, "HTTP status %d: %s", status, line.data);
  pm_buf_deinit(&line);
  return verdict;
}

enum pm_delivery_verdict pm_clickhouse_judge(int status, const char *body, struct pm_why *words) {
  unsigned code = code_of(body);
  if (status == 200 && *body == '\0') return PM_DELIVERY_SENT;
  if (code != 0)
    return say(words, is_for_good(code) ? PM_DELIVERY_REFUSED : PM_DELIVERY_RETRY, status, body);
  /* An INSERT has nothing to answer: whoever has is another server. */
  if (status == 200 || status == 401 || status == 403 || status == 404)
    return say(words, PM_DELIVERY_RETRY, status, body);
  return say(words, pm_delivery_judge_status(status), status, body);
}
