#include "probe/transfer_outcome.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *pm_errno_text(int error, struct pm_why *storage) {
  char text[128];
  snprintf(storage->text, sizeof storage->text, "%s", strerror_r(error, text, sizeof text));
  storage->text[0] = (char)tolower((unsigned char)storage->text[0]);
  return storage->text;
}

/* Errors of our own side: they say nothing about the path, whatever the call was. */
static bool is_our_shortage(int error) {
  switch (error) {
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case ENOBUFS:
  case EADDRNOTAVAIL: /* no local port left, or the source address is not ours */
  case EADDRINUSE:
    return true;
  default:
    return false;
  }
}

static enum pm_outcome connect_failed(const struct pm_transfer_facts *facts, const char *where,
                                      struct pm_why *why) {
  int error = facts->socket_errno ? facts->socket_errno : facts->os_errno;
  struct pm_why text;
  const char *reason = error ? pm_errno_text(error, &text) : "failed";
  pm_why_set(why, PM_OK, "connect to %s: %s", where, reason);
  if (facts->socket_errno || is_our_shortage(error)) return PM_OUTCOME_INTERNAL;
  return error == ETIMEDOUT ? PM_OUTCOME_TIMEOUT : PM_OUTCOME_CONNECT;
}

static enum pm_outcome timed_out(const struct pm_transfer_facts *facts, const char *where,
                                 struct pm_why *why) {
  long long ms = facts->limit_ms;
  if (!facts->connected)
    pm_why_set(why, PM_OK, "connect to %s: no answer within %lld ms", where, ms);
  else if (facts->https && !facts->handshaken)
    pm_why_set(why, PM_OK, "TLS handshake with %s: not finished within %lld ms", where, ms);
  else if (!facts->answering)
    pm_why_set(why, PM_OK, "request to %s: no answer within %lld ms", where, ms);
  else
    pm_why_set(why, PM_OK, "answer from %s: not finished within %lld ms", where, ms);
  return PM_OUTCOME_TIMEOUT;
}

static enum pm_outcome closed(const struct pm_transfer_facts *facts, const char *where,
                              struct pm_why *why) {
  struct pm_why text;
  const char *reason = facts->os_errno ? pm_errno_text(facts->os_errno, &text) : "closed";
  bool nothing = facts->code == CURLE_GOT_NOTHING || !facts->answering;
  pm_why_set(why, PM_OK, "%s %s: %s before the answer was whole",
             nothing ? "request to" : "answer from", where, reason);
  return PM_OUTCOME_CLOSED;
}

static enum pm_outcome not_http(const struct pm_transfer_facts *facts, const char *where,
                                struct pm_why *why) {
  pm_why_set(why, PM_OK, "answer from %s: not HTTP, or broken: %s", where, facts->reason);
  return PM_OUTCOME_PROTOCOL;
}

static enum pm_outcome too_large(const struct pm_transfer_facts *facts, const char *where,
                                 struct pm_why *why) {
  pm_why_set(why, PM_OK, "answer from %s: its %s is too large", where,
             facts->body_too_large ? "body" : "header");
  return PM_OUTCOME_TOO_LARGE;
}

static enum pm_outcome handshake_failed(const struct pm_transfer_facts *facts, const char *where,
                                        struct pm_why *why) {
  pm_why_set(why, PM_OK, "TLS handshake with %s: %s", where, facts->reason);
  return PM_OUTCOME_TLS;
}

static enum pm_outcome internal(const struct pm_transfer_facts *facts, const char *where,
                                struct pm_why *why) {
  pm_why_set(why, PM_OK, "request to %s: %s (%d)", where, facts->reason, (int)facts->code);
  return PM_OUTCOME_INTERNAL;
}

static enum pm_outcome answered(const struct pm_transfer_facts *facts, const char *where,
                                struct pm_why *why) {
  why->text[0] = '\0';
  if (facts->http_status <= PM_HTTP_STATUS_SUCCESS_MAX) return PM_OUTCOME_SUCCESS;
  pm_why_set(why, PM_OK, "answer from %s: HTTP status %d", where, facts->http_status);
  return PM_OUTCOME_STATUS;
}

enum pm_outcome pm_outcome_of_facts(const struct pm_transfer_facts *facts, const char *where,
                                    struct pm_why *why) {
  switch (facts->code) {
  case CURLE_OK:
    return answered(facts, where, why);
  case CURLE_COULDNT_CONNECT:
    return connect_failed(facts, where, why);
  case CURLE_OPERATION_TIMEDOUT:
    return timed_out(facts, where, why);
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
    return handshake_failed(facts, where, why);
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
  case CURLE_SEND_ERROR:
    return closed(facts, where, why);
  case CURLE_RECV_ERROR:
    /* libcurl also uses it for chunks that make no sense; the system then reported nothing. An
     * https connection cut short has no system error either. */
    return facts->os_errno || facts->https ? closed(facts, where, why)
                                           : not_http(facts, where, why);
  case CURLE_UNSUPPORTED_PROTOCOL: /* bytes that are not HTTP/1 */
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING:
    return not_http(facts, where, why);
  case CURLE_WRITE_ERROR:
  case CURLE_ABORTED_BY_CALLBACK:
    return facts->header_too_large || facts->body_too_large ? too_large(facts, where, why)
                                                            : not_http(facts, where, why);
  case CURLE_OUT_OF_MEMORY:
#if LIBCURL_VERSION_NUM >= 0x080600
  case CURLE_TOO_LARGE:
#endif
    /* What libcurl says of a header line longer than its own limit of 100 kB. */
    return facts->connected && facts->answering ? too_large(facts, where, why)
                                                : internal(facts, where, why);
  default:
    return internal(facts, where, why);
  }
}
