/* One HTTP request on a connection of its own, timed phase by phase: libcurl's multi interface and
 * c-ares lookups on a libuv loop. Probes and pulls of peer lists both go through here. It decides
 * nothing: whom to ask and when is the prober's and the gossip's business.
 *
 *   start → lookup (probe/resolver, none for an address or an override) → address policy →
 *   libcurl connects to that address, Host and SNI being the endpoint's → result callback
 *
 * http and https only, no redirects, no proxy, no cookies, no authentication; no body is sent.
 * Every exchange ends with exactly one callback, from the loop and never from inside start, unless
 * it is cancelled. Callbacks may start and cancel exchanges and close the exchanger.
 *
 * Of several addresses the first is taken that the policy allows; where it cannot be connected to,
 * the host's next exchange takes another one. A failed lookup is a LOOKUP, whatever failed in it.
 *
 * The process must ignore SIGPIPE: libcurl is told to leave signals alone.
 */
#ifndef PM_PROBE_EXCHANGE_H
#define PM_PROBE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/err.h"
#include "base/policy.h"
#include "probe/sample.h"

struct uv_loop_s;
struct pm_resolver;
struct pm_exchanger; /* one curl multi, one resolver, a pool of easy handles; one per loop */

struct pm_exchanger_config {
  const struct pm_policy *policy; /* borrowed for the exchanger's life */
  const char *ca_file;            /* PEM; NULL: the system's */
  const char *cert_file;          /* PEM: our own certificate, for far ends that ask for one; */
  const char *key_file; /* its key. Shown only in requests with a query: to nodes. NULL: none */
  const char *user_agent;
  const char *name_servers;     /* "ip[:port],…", borrowed likewise; NULL: the system's */
  struct pm_ip bind;            /* source address; family NONE: the kernel's choice */
  const char *long_header_kept; /* the same for one of up to 2 KiB; NULL: none */
  const char *header_kept;    /* name of the one header handed to callbacks, borrowed; NULL: none */
  bool without_kernel_timing; /* libcurl's times alone, and no verdicts: to compare with */
  size_t in_flight_max;       /* start returns PM_ERR_FULL beyond; also bounds descriptors */
};

struct pm_exchange_limits {
  int64_t lookup_ms;
  int64_t connect_ms;     /* TCP and TLS handshakes */
  int64_t total_ms;       /* from start; absolute, so that no slow drip outlives it */
  size_t body_bytes_max;  /* past it the exchange ends as TOO_LARGE */
  size_t body_bytes_kept; /* of the body, from its beginning, handed to the callback */
};

enum { PM_EXCHANGE_QUERY_BYTES_MAX = 4096 }; /* a pull with its Bloom filter has about 1,500 */

struct pm_exchange_request {
  const struct pm_endpoint *endpoint; /* borrowed for the call; copied as far as needed */
  enum pm_learned learned;            /* for the policy */
  struct pm_ip source;                /* who named it, for the policy; family NONE: nobody */
  bool insecure;                      /* do not verify the certificate */
  const char *query; /* to be added to the URL's, borrowed for the call; NULL: nothing */
  struct pm_exchange_limits limits;
};

struct pm_exchange_result {
  struct pm_sample sample;
  const char *body; /* the kept part, NUL-terminated; valid during the callback only */
  size_t body_bytes;
  const char *header;      /* the value of header_kept, "" without one; during the callback only */
  const char *long_header; /* of long_header_kept, likewise */
  const char *detail; /* one sentence about a failure, "" for a success; during the callback only */
};

typedef void (*pm_exchange_cb)(void *owner, const struct pm_exchange_result *result);

enum {
  PM_EXCHANGES_IN_FLIGHT_MAX = 32768, /* as many as one address has local ports */
  PM_EXCHANGER_DESCRIPTORS = 40,      /* that an idle one has: most are libcurl's */
};

/* PM_ERR_RANGE: in_flight_max is 0 or above PM_EXCHANGES_IN_FLIGHT_MAX; else see probe/trust.h. */
enum pm_err pm_exchanger_open(struct uv_loop_s *loop, const struct pm_exchanger_config *config,
                              struct pm_exchanger **out, struct pm_why *why) PM_MUST_USE;
/* Cancels what is under way without callbacks, then calls closed from the loop and frees. */
void pm_exchanger_close(struct pm_exchanger *exchanger, void (*closed)(void *owner), void *owner);

/* The policy's word on an endpoint whose address is written in it; PM_OK for a name, which is
 * checked at each connect. PM_ERR_DENIED. */
enum pm_err pm_exchanger_check(const struct pm_exchanger *exchanger,
                               const struct pm_endpoint *endpoint, enum pm_learned learned,
                               const struct pm_ip *source, struct pm_why *why) PM_MUST_USE;

/* out_id names the exchange until its callback has run; ids are never 0 and are not reused soon.
 * PM_ERR_FULL, PM_ERR_NOMEM, PM_ERR_CLOSED, PM_ERR_TOO_LARGE (the query). */
enum pm_err pm_exchange_start(struct pm_exchanger *exchanger,
                              const struct pm_exchange_request *request, pm_exchange_cb cb,
                              void *owner, uint64_t *out_id) PM_MUST_USE;
/* Ends it without a callback. An id that has ended already is ignored. */
void pm_exchange_cancel(struct pm_exchanger *exchanger, uint64_t id);
/* For lookups without a request; lives as long as the exchanger. */
struct pm_resolver *pm_exchanger_resolver(struct pm_exchanger *exchanger);
size_t pm_exchange_in_flight(const struct pm_exchanger *exchanger);

#endif
