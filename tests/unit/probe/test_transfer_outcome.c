#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probe/transfer_outcome.h"

/* What no server on the loopback brings about; the rest is in test_exchange.c. */
static void test_facts_to_outcomes(void **state) {
  static const struct {
    struct pm_transfer_facts facts;
    enum pm_outcome outcome;
    const char *detail;
  } table[] = {
      {{.code = CURLE_OK, .http_status = 200}, PM_OUTCOME_SUCCESS, ""},
      {{.code = CURLE_OK, .http_status = 500},
       PM_OUTCOME_STATUS,
       "answer from h:1: HTTP status 500"},
      {{.code = CURLE_COULDNT_CONNECT, .os_errno = ENETUNREACH},
       PM_OUTCOME_CONNECT,
       "connect to h:1: network is unreachable"},
      {{.code = CURLE_COULDNT_CONNECT, .os_errno = ETIMEDOUT},
       PM_OUTCOME_TIMEOUT,
       "connect to h:1: connection timed out"},
      {{.code = CURLE_COULDNT_CONNECT, .os_errno = EADDRNOTAVAIL},
       PM_OUTCOME_INTERNAL,
       "connect to h:1: cannot assign requested address"},
      {{.code = CURLE_COULDNT_CONNECT, .socket_errno = EMFILE},
       PM_OUTCOME_INTERNAL,
       "connect to h:1: too many open files"},
      {{.code = CURLE_OPERATION_TIMEDOUT, .limit_ms = 70},
       PM_OUTCOME_TIMEOUT,
       "connect to h:1: no answer within 70 ms"},
      {{.code = CURLE_OPERATION_TIMEDOUT, .https = true, .connected = true, .limit_ms = 70},
       PM_OUTCOME_TIMEOUT,
       "TLS handshake with h:1: not finished within 70 ms"},
      {{.code = CURLE_PEER_FAILED_VERIFICATION, .https = true, .reason = "self-signed"},
       PM_OUTCOME_TLS,
       "TLS handshake with h:1: self-signed"},
      {{.code = CURLE_SSL_CACERT_BADFILE, .https = true, .reason = "error setting file"},
       PM_OUTCOME_INTERNAL,
       "request to h:1: error setting file (77)"},
      {{.code = CURLE_RECV_ERROR, .connected = true, .os_errno = ECONNRESET},
       PM_OUTCOME_CLOSED,
       "request to h:1: connection reset by peer before the answer was whole"},
      {{.code = CURLE_RECV_ERROR, .https = true, .connected = true, .answering = true},
       PM_OUTCOME_CLOSED,
       "answer from h:1: closed before the answer was whole"},
      {{.code = CURLE_RECV_ERROR, .connected = true, .answering = true, .reason = "bad chunk"},
       PM_OUTCOME_PROTOCOL,
       "answer from h:1: not HTTP, or broken: bad chunk"},
      {{.code = CURLE_OUT_OF_MEMORY, .reason = "out of memory"},
       PM_OUTCOME_INTERNAL,
       "request to h:1: out of memory (27)"},
      {{.code = CURLE_URL_MALFORMAT, .reason = "malformed"},
       PM_OUTCOME_INTERNAL,
       "request to h:1: malformed (3)"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct pm_why why = {.text = "left over"};
    assert_int_equal(pm_outcome_of_facts(&table[i].facts, "h:1", &why), table[i].outcome);
    assert_string_equal(why.text, table[i].detail);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_facts_to_outcomes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
