#include "probe/timing.h"

#include <stdint.h>

#include "base/clock.h"
#include "probe/verdict.h"

/* Moments of a transfer in libcurl's order, in µs since its begin; 0 if it did not come to that. */
enum moment { LOOKED_UP, CONNECTED, HANDSHAKEN, SENDING, FIRST_BYTE, END, MOMENT_COUNT };

static void read_moments(CURL *easy, curl_off_t us[MOMENT_COUNT]) {
  static const CURLINFO infos[MOMENT_COUNT] = {
      [LOOKED_UP] = CURLINFO_NAMELOOKUP_TIME_T,     [CONNECTED] = CURLINFO_CONNECT_TIME_T,
      [HANDSHAKEN] = CURLINFO_APPCONNECT_TIME_T,    [SENDING] = CURLINFO_PRETRANSFER_TIME_T,
      [FIRST_BYTE] = CURLINFO_STARTTRANSFER_TIME_T, [END] = CURLINFO_TOTAL_TIME_T,
  };
  for (int i = 0; i < MOMENT_COUNT; i++) {
    us[i] = 0;
    curl_easy_getinfo(easy, infos[i], &us[i]);
  }
}

/* A step that happened within libcurl's microsecond took 1 ns at least: 0 means that it did not. */
static int64_t span_ns(curl_off_t from_us, curl_off_t to_us) {
  if (to_us == 0) return 0;
  return to_us > from_us ? (int64_t)(to_us - from_us) * PM_NS_PER_US : 1;
}

void pm_timing_read(CURL *easy, struct pm_sample *sample) {
  curl_off_t us[MOMENT_COUNT];
  read_moments(easy, us);
  struct {
    enum pm_phase phase;
    enum moment from, to;
    bool applies;
  } steps[] = {
      {PM_PHASE_TCP, LOOKED_UP, CONNECTED, true},
      {PM_PHASE_TLS, CONNECTED, HANDSHAKEN, sample->tls},
      {PM_PHASE_FIRST, SENDING, FIRST_BYTE, true},
      {PM_PHASE_LAST, FIRST_BYTE, END, true},
  };
  for (int i = 0; i < PM_PHASE_COUNT; i++) sample->phase_timed_by[i] = PM_TIMED_BY_LIBCURL;
  sample->phase_ns[PM_PHASE_TOTAL] = span_ns(us[LOOKED_UP], us[END]);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    if (!steps[i].applies) continue;
    if (us[steps[i].to] == 0) { /* it ended in this step */
      sample->phase_ns[steps[i].phase] = span_ns(us[steps[i].from], us[END]);
      return;
    }
    sample->phase_ns[steps[i].phase] = span_ns(us[steps[i].from], us[steps[i].to]);
  }
}

/* --- the kernel's --------------------------------------------------------------------------- */

static void set_phase(struct pm_sample *sample, enum pm_phase phase, int64_t ns) {
  sample->phase_ns[phase] = ns > 0 ? ns : 1;
  sample->phase_timed_by[phase] = PM_TIMED_BY_KERNEL;
}

static int64_t smaller_known(int64_t a_ns, int64_t b_ns) {
  if (a_ns == 0 || b_ns == 0) return a_ns + b_ns;
  return a_ns < b_ns ? a_ns : b_ns;
}

static void apply_tcp(const struct pm_trace *trace, struct pm_sample *sample) {
  const struct pm_kernel_tcp *connected = &trace->connected;
  if (!connected->established) return;
  int64_t ns = connected->rtt_ns;
  if (connected->retransmits > 0) ns = smaller_known(ns, trace->ended.min_rtt_ns);
  if (ns > 0) set_phase(sample, PM_PHASE_TCP, ns);
}

/* The phase stays libcurl's: a series of it that were the whole handshake at one time and the wait
 * alone at another would mean nothing. It ends where libcurl sends the request. */
static void apply_tls(const struct pm_trace *trace, struct pm_sample *sample) {
  bool finished = trace->https && trace->sending.time.ns != 0;
  if (!finished || trace->tls_wait_ns > sample->phase_ns[PM_PHASE_TLS]) return;
  sample->tls_wait_ns = trace->tls_wait_ns;
}

/* Kept from running between its beginning and the request's going out, one does not know how much
 * of it was the far end's. */
static void apply_first(const struct pm_trace *trace, struct pm_sample *sample) {
  if (!trace->answering || trace->first_ns == 0) return;
  if (trace->sending_ns > PM_VERDICT_LAG_NS_MAX) return;
  set_phase(sample, PM_PHASE_FIRST, trace->first_ns);
}

/* SYNs are what was sent again until we first looked at a connection that stood; whatever came
 * after that was data. The end of a connection is not waited for, so its FIN is in neither. */
static void fill_connection(const struct pm_trace *trace, struct pm_sample_connection *connection) {
  const struct pm_kernel_tcp *ended = &trace->ended;
  const struct pm_kernel_tcp *first = trace->connected.known ? &trace->connected : ended;
  if (!ended->known) return;
  uint32_t again = ended->retransmits - first->retransmits;
  *connection = (struct pm_sample_connection){
      .known = true,
      .syns_sent = 1 + first->retransmits,
      .syn_answered = first->segments_received > 0,
      .data_segments_sent = ended->data_segments_sent,
      .data_retransmits = again > ended->spurious ? again - ended->spurious : 0,
      .min_rtt_ns = ended->min_rtt_ns,
  };
}

void pm_timing_apply(const struct pm_trace *trace, struct pm_sample *sample) {
  sample->libcurl_tcp_ns = sample->phase_ns[PM_PHASE_TCP];
  if (!trace->on) return;
  apply_tcp(trace, sample);
  apply_tls(trace, sample);
  apply_first(trace, sample);
  fill_connection(trace, &sample->connection);
  sample->loop_lag_ns =
      trace->lag_max_ns > trace->sending_ns ? trace->lag_max_ns : trace->sending_ns;
}
