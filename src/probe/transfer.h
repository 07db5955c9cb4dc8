/* One easy handle of libcurl, set up once and then aimed at one endpoint after another: a GET on a
 * connection of its own, to an address that was chosen before. It keeps the body's beginning and
 * enforces the caps. It starts nothing: probe/curl_multi does.
 */
#ifndef PM_PROBE_TRANSFER_H
#define PM_PROBE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "probe/curl_multi.h"
#include "probe/exchange.h"
#include "probe/sample.h"
#include "probe/trace.h"

enum {
  /* Of all header lines of an answer; 8 kB is what servers themselves send at the most. */
  PM_TRANSFER_HEADER_BYTES_MAX = 64 * 1024,
  /* With its NUL; a longer value is as none. A node says of itself at most 512 bytes. */
  PM_TRANSFER_HEADER_KEPT_BYTES = 576,
  /* Without its NUL, of the one that may be long: as much as news of a row of the matrix have. */
  PM_TRANSFER_LONG_HEADER_BYTES = 2048,
};

/* What all transfers share; outlives them. */
struct pm_transfer_config {
  struct pm_curl_multi *multi;
  const char *ca_file;              /* NULL: none */
  const char *cert_file, *key_file; /* NULL: none */
  const char *user_agent;
  struct curl_slist *headers;
  const char *header_kept; /* NULL: none */
  const char *long_header_kept;
  struct pm_ip bind; /* family NONE: the kernel's choice */
  bool kernel_timing;
};

/* Fields are the transfer's own, but for easy, which is for adding to the multi handle. */
struct pm_transfer {
  CURL *easy;
  const struct pm_transfer_config *config;
  struct pm_buf body;
  size_t body_bytes_kept, body_bytes_max;
  uint64_t body_bytes;
  size_t header_bytes;
  uint64_t turns;                             /* of libcurl's reading */
  int fd;                                     /* of the latest socket */
  char header[PM_TRANSFER_HEADER_KEPT_BYTES]; /* the value of header_kept; "" if there was none */
  struct pm_buf long_header;                  /* likewise; few answers have one */
  bool header_too_large, body_too_large;
  bool https, insecure;
  int socket_errno;
  struct pm_trace trace;
  struct pm_far_end far_end;
  /* What the easy handle is set to, so that only changes are set. */
  long set_connect_ms, set_total_ms;
  bool set_https, set_insecure, set_certified, set_connect_to;
  struct curl_slist connect_to; /* of one, its text in connect_to_text */
  char connect_to_text[PM_IP_TEXT_BYTES + 8];
  char reason[CURL_ERROR_SIZE];
};

/* owner: what curl_multi's socket_event and CURLINFO_PRIVATE give back. The transfer must not move.
 * PM_ERR_NOMEM. */
enum pm_err pm_transfer_init(struct pm_transfer *transfer, const struct pm_transfer_config *config,
                             void *owner) PM_MUST_USE;
/* It has left the multi handle. */
void pm_transfer_deinit(struct pm_transfer *transfer);

/* Everything but the address and the time. PM_ERR_NOMEM, PM_ERR_TOO_LARGE (the query). */
enum pm_err pm_transfer_aim(struct pm_transfer *transfer,
                            const struct pm_exchange_request *request) PM_MUST_USE;
/* Where to connect; NULL if the URL names the address itself. total_ms counts from now on. */
enum pm_err pm_transfer_connect_to(struct pm_transfer *transfer, const struct pm_ip *ip,
                                   int64_t connect_ms, int64_t total_ms) PM_MUST_USE;
/* After its end. */
bool pm_transfer_succeeded(const struct pm_transfer *transfer, CURLcode code);
bool pm_transfer_connected(const struct pm_transfer *transfer);
/* Every field of the sample but at, ended, remote, the phase DNS, the outcome of a failure, the run
 * delay and the verdict. */
void pm_transfer_read(const struct pm_transfer *transfer, CURLcode code, struct pm_sample *sample);
/* Of a failure, see probe/transfer_outcome.h. */
enum pm_outcome pm_transfer_outcome(const struct pm_transfer *transfer, CURLcode code,
                                    const char *where, struct pm_why *why);
/* A failure was a time-out, and it was we who took too long (probe/verdict.h). */
bool pm_transfer_timeout_is_ours(const struct pm_transfer *transfer, CURLcode code,
                                 int64_t run_delay_ns);
/* Between two aims: gives back what a large body took, and forgets what the last transfer met. */
void pm_transfer_rest(struct pm_transfer *transfer);

#endif
