/* The console sinks: standard output exactly as the original prints it, or one JSON object a line.
 * Both write through publish/line_writer, so they never block the loop; the lines themselves are
 * made in publish/console_line.
 *
 * Text, by verbosity (-q 0, default 1, -v 2, -V 3):
 *   0  nothing of a sample
 *   1  `%3d %8.03f msec %20s %s` a success; a failure as the 12-column line
 *   2+ the header line before the first sample, then `count SPACE` and 12 columns a sample
 * At every verbosity: the summary at a target's end, and notices.
 *
 * JSON: one object a sample at every verbosity, failures included, no summaries, no notices:
 *   time               when the probe started, RFC 3339 in UTC with its fraction
 *   from, to           our location; the remote's, or "unknown", or its URL (as in the text)
 *   url                what was probed, without fragment
 *   remote             the address; null if no connection was tried
 *   outcome            "success", "status", "lookup" … (probe/sample.h)
 *   status, bytes      HTTP status (0 if there was no status line) and body bytes received
 *   dns_ns tcp_ns tls_ns first_ns last_ns total_ns
 *                      phases in nanoseconds; 0 if one did not happen. Total leaves out DNS
 *   timed_by           per phase whose clock it is: "libcurl" or "kernel"
 *   verdict            "clean", "retransmitted", "starved": phases of a starved sample that libcurl
 *                      timed measure this node, not the path
 *   loop_lag_ns run_delay_ns
 *                      what the verdict rests on (probe/sample.h)
 *   libcurl_tcp_ns     libcurl's own connect time, beside the kernel's
 *   tls_wait_ns        of tls_ns, what the handshake waited for the far end, by the kernel's clock;
 *                      0: not known
 *   far_end_ns first_network_ns
 *                      first_ns split: what the far end says it spent, and the rest, which is the
 *                      network both ways together; null if it says nothing
 *   connection         what the kernel says of it at its end, null if nothing: syns_sent,
 *                      syn_answered, data_segments_sent, data_retransmits, min_rtt_ns (0: unknown)
 *   tls_verified       whether the certificate was verified; null without TLS
 *   successes          of this target so far
 *   failures_in_a_row  up to this sample
 */
#ifndef PM_PUBLISH_CONSOLE_H
#define PM_PUBLISH_CONSOLE_H

#include "base/err.h"
#include "publish/sink.h"

struct uv_loop_s;

struct pm_console_config {
  int fd;               /* stays the caller's, open until the sink is closed */
  int verbosity;        /* text only */
  const char *location; /* ours: from in the JSON; copied, cut to PM_LOCATION_BYTES */
};

/* PM_ERR_NOMEM; PM_ERR_SYSTEM if fd is not open. */
enum pm_err pm_console_text_open(struct uv_loop_s *loop, const struct pm_console_config *config,
                                 struct pm_sink **out) PM_MUST_USE;
enum pm_err pm_console_json_open(struct uv_loop_s *loop, const struct pm_console_config *config,
                                 struct pm_sink **out) PM_MUST_USE;

#endif
