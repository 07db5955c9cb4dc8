#include "probe/timing.h"

#include <stdint.h>

#include "base/clock.h"

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
